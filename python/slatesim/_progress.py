"""A bar that tells how far a campaign is, where tqdm is installed."""

import sys
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self

_DELAY = 0.5
"""Seconds before a bar is shown."""


def _kind() -> Any:
    """Return the bar that can be drawn here: that of notebooks needs ipywidgets, and warns without it."""
    if "ipykernel" in sys.modules and find_spec("ipywidgets") is None:
        from tqdm import tqdm

        return tqdm
    from tqdm.auto import tqdm as auto

    return auto


class Progress:
    """A context in which `callback` moves a bar; without a bar it is None.

    A bar that cannot be drawn, because nobody can be told any more, is no reason to lose a campaign.
    """

    def __init__(self, wanted: bool | None, total: int | None) -> None:
        """Prepare a bar; with `wanted` None, one if there is somebody to look at it."""
        self._bar: Any = None
        if sys.stderr is None:
            return
        if wanted is None:
            wanted = sys.stderr.isatty() or "ipykernel" in sys.modules
        if not wanted:
            return
        try:
            total = total if isinstance(total, int) else None
            self._bar = _kind()(total=total, unit=" episodes", unit_scale=True, leave=False, delay=_DELAY)
        except (ImportError, OSError):
            self._bar = None

    def __enter__(self) -> Self:
        """Show the bar."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Remove the bar."""
        if self._bar is not None:
            try:
                self._bar.close()
            except OSError:
                self._bar = None

    @property
    def callback(self) -> Any:
        """What the extension module calls with the number of episodes that are done."""
        if self._bar is None:
            return None
        return self._move

    def _move(self, episodes: int) -> None:
        if self._bar is not None:
            try:
                self._bar.update(episodes - self._bar.n)
            except OSError:
                self._bar = None
