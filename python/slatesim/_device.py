"""What computes, as the extension module takes it."""

from typing import Any


def device(backend: str, num_threads: int | None, batch_size: int | None, adapter: int | str | None) -> dict[str, Any]:
    """Describe a backend."""
    return {
        "backend": backend,
        "num_threads": num_threads,
        "batch_size": batch_size,
        "adapter": None if adapter is None else str(adapter),
    }
