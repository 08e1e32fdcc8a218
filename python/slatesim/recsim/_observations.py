"""Rows of numbers as RecSim shows them."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slatesim.vec_env import Column

Number = Callable[[Any], Any]
"""Makes what stands for a number that is no whole number, or for several of them."""


class Response(SimpleNamespace):
    """What a user did with one document of a slate.

    `clicked` says whether it was clicked, and every other observable is an attribute with its name in RecSim: `watch_time`,
    `engagement`, `quality`, `cluster_id`. The attribute that is the reward is not cut to the bounds of its space.
    """

    def __init__(self, observation: dict[str, Any], *, exact: dict[str, float]) -> None:
        """Make a response of what is observed of it, and of exact values."""
        others = {name: value for name, value in observation.items() if name != "click"}
        super().__init__(clicked=bool(observation["click"]), **(others | exact))
        self._observation = observation

    def create_observation(self) -> dict[str, Any]:
        """Return what an agent sees of it."""
        return dict(self._observation)


def fields(columns: tuple[Column, ...], row: list[float], number: Number) -> dict[str, Any]:
    """Name the numbers of a row."""
    if len(row) == len(columns):
        return {column.name: int(value) if column.discrete else number(value) for column, value in zip(columns, row, strict=True)}
    named: dict[str, Any] = {}
    at = 0
    for column in columns:
        part = row[at : at + column.length]
        named |= {column.name: number(part)} if column.length > 1 else fields((column,), part, number)
        at += column.length
    return named


def features(columns: tuple[Column, ...], rows: NDArray[np.float32], number: Number = np.array, dtype: Any = np.float64) -> list[Any]:
    """Show users or documents: an index or an array each if there is at most one column, else a record."""
    if len(columns) > 1:
        return [fields(columns, row, number) for row in rows.tolist()]
    if columns and columns[0].discrete:
        return [int(index) for (index,) in rows.tolist()]
    return list(rows.astype(dtype))
