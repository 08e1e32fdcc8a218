"""Memory for observations that is used again once nobody looks at it any more.

The observations of tens of thousands of environments are many megabytes, and new memory for them comes from the system page by page,
which takes as long as the step itself. An array is used again only when nothing refers to it: no variable, no view, no tensor.
"""

import sys

import numpy as np
from numpy.typing import DTypeLike, NDArray

_MOST = 4
"""So many arrays are kept: two observations of a step with which episodes end, while the two before them are still looked at."""


class Pool:
    """Arrays of one shape and type."""

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        """Begin without any."""
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self._arrays: list[NDArray[np.floating]] = []

    def take(self) -> NDArray[np.floating]:
        """Return an array that nobody else has; its numbers are arbitrary."""
        for array in self._arrays:
            if sys.getrefcount(array) == _UNUSED:
                return array
        array = np.empty(self.shape, self.dtype)
        if len(self._arrays) < _MOST:
            self._arrays.append(array)
        return array


def _unused() -> int:
    """Count what refers to an array in a list that nobody else has, in the way in which `take` counts."""
    count = 0
    for array in [np.empty(0)]:
        count = sys.getrefcount(array)
    return count


_UNUSED = _unused()
