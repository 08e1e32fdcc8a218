"""Spaces as RecSim declares them."""

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from slatesim.errors import Error
from slatesim.vec_env import Column


class Describer:
    """Makes spaces of one library."""

    def __init__(self, library: Any) -> None:
        """Take the module of spaces of `gym` or of `gymnasium`, which have the same names."""
        self.library = library

    def fields(self, columns: Iterable[Column]) -> Any:
        """Describe a record: a `Dict` with a number for every column."""
        return self.library.Dict({column.name: self._field(column) for column in columns})

    def features(self, columns: tuple[Column, ...]) -> Any:
        """Describe a user or a document: an index or an array if there is one column, a record if several, else an empty array."""
        if not columns:
            return self.library.Box(low=0.0, high=np.inf, shape=(0,), dtype=np.float32)
        if len(columns) > 1:
            return self.fields(columns)
        return self._field(columns[0]) if columns[0].discrete else self._box(columns[0], (columns[0].length,))

    def responses(self, columns: tuple[Column, ...], slate_size: int) -> Any:
        """Describe the responses to a full slate."""
        return self.library.Tuple([self.fields(columns)] * slate_size)

    def _field(self, column: Column) -> Any:
        if column.discrete:
            return self.library.Discrete(int(column.high) + 1)
        return self._box(column, () if column.length == 1 else (column.length,))

    def _box(self, column: Column, shape: tuple[int, ...]) -> Any:
        return self.library.Box(low=column.low, high=column.high, shape=shape, dtype=np.float32)


_describers: list[Describer] = []
"""The one of this process, once it has been found."""


def describer() -> Describer:
    """Describe with spaces of `gym` where it can be imported, and else with those of `gymnasium`.

    RecSim's agents ask whether a space is one of gym's classes, and cannot be imported without it. Neither library is imported
    before somebody looks at a space.
    """
    if _describers:
        return _describers[0]
    for name in ("gym", "gymnasium"):
        if find_spec(name) is not None:
            _describers.append(Describer(import_module(f"{name}.spaces")))
            return _describers[0]
    message = "spaces need gym or gymnasium, and neither is installed"
    raise Error(message)
