"""What computes, and which episodes, as the extension module takes it."""

import operator
from typing import Any

from slatesim.errors import ConfigError

MOST_THREADS = 1024
MOST_EPISODES = 2**63


def whole(name: str, value: Any, least: int, most: int) -> int:
    """Return a whole number within bounds."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or not least <= number <= most:
        message = f"`{name}` = {value!r} is not allowed; allowed is an integer from {least} to {most}"
        raise ConfigError(message)
    return number


def optional_whole(name: str, value: Any, least: int, most: int) -> int | None:
    """Return a whole number within bounds, or None if it is not given."""
    return None if value is None else whole(name, value, least, most)


def optional_number(name: str, value: Any) -> float | None:
    """Return a number above zero, or None if it is not given."""
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number < float("inf"):
        message = f"`{name}` = {value!r} is not allowed; allowed is a finite number above 0"
        raise ConfigError(message)
    return number


def text(name: str, value: Any) -> str:
    """Return a text."""
    if not isinstance(value, str):
        message = f"`{name}` = {value!r} is not allowed; allowed is a text"
        raise ConfigError(message)
    return value


def device(backend: str, num_threads: int | None, batch_size: int | None, adapter: int | str | None) -> dict[str, Any]:
    """Describe a backend."""
    return {
        "backend": text("backend", backend),
        "num_threads": optional_whole("num_threads", num_threads, 1, MOST_THREADS),
        "batch_size": optional_whole("batch_size", batch_size, 1, 2**32 - 1),
        "adapter": None if adapter is None else str(adapter),
    }


def extent(
    episodes: int | None,
    first_episode: int,
    shard: str | None,
    target_standard_error: float | None,
    target_half_width: float | None,
    max_episodes: int | None,
) -> dict[str, Any]:
    """Describe which episodes are run."""
    targets = [target for target in (target_standard_error, target_half_width) if target is not None]
    if len(targets) > 1:
        message = "`target_standard_error` and `target_half_width` are both given; allowed is one of them"
        raise ConfigError(message)
    if not targets and max_episodes is not None:
        message = "`max_episodes` bounds a target; allowed with it is `target_standard_error` or `target_half_width`"
        raise ConfigError(message)
    of_number = {"episodes": episodes, "shard": shard, "first_episode": first_episode or None}
    for name, value in of_number.items():
        if targets and value is not None:
            message = f"`{name}` goes with a number of episodes, and a target is given, too; allowed is one of the two"
            raise ConfigError(message)
    return {
        "first_episode": whole("first_episode", first_episode, 0, MOST_EPISODES),
        "shard": None if shard is None else text("shard", shard),
        "target_standard_error": optional_number("target_standard_error", target_standard_error),
        "target_half_width": optional_number("target_half_width", target_half_width),
        "max_episodes": optional_whole("max_episodes", max_episodes, 1, MOST_EPISODES),
    }
