# The extension module. Its interface is private to the package.
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

_Given: TypeAlias = tuple[str, str, Any]
_Source: TypeAlias = tuple[str | None, list[_Given]]
_Told: TypeAlias = tuple[str, str, BaseException | None]
_Progress: TypeAlias = Callable[[int], object] | None

__all__ = [
    "Env",
    "adapters",
    "cli",
    "compare",
    "critical_value",
    "declarations",
    "evaluate",
    "merge",
    "read_report",
    "sweep",
    "trace",
    "version",
]

def version() -> str: ...
def cli(arguments: list[str]) -> int: ...
def adapters() -> list[tuple[int, str, str, str, str]]: ...
def declarations() -> tuple[str, str]: ...
def evaluate(source: _Source, backend: Mapping[str, Any], extent: Mapping[str, Any], *, curves: bool, progress: _Progress) -> _Told: ...
def compare(
    source: _Source,
    variants: list[tuple[str, list[_Given]]],
    backend: Mapping[str, Any],
    extent: Mapping[str, Any],
    *,
    curves: bool,
    progress: _Progress,
) -> _Told: ...
def sweep(
    source: _Source,
    axes: list[tuple[str, list[Any]]],
    backend: Mapping[str, Any],
    *,
    zip: bool,
    first_episode: int,
    curves: bool,
    progress: _Progress,
) -> _Told: ...
def trace(
    source: _Source, backend: Mapping[str, Any], *, first: int, first_episode: int, candidates: bool, progress: _Progress
) -> tuple[list[tuple[str, NDArray[Any]]], int, BaseException | None]: ...
def read_report(json: str) -> tuple[str, str]: ...
def critical_value(level: float, count: int) -> float | None: ...
def merge(reports: list[tuple[str, str]], *, pool_seeds: bool) -> tuple[str, str]: ...

_Observed: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32] | None]
_Reacted: TypeAlias = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64], NDArray[np.bool_]]

@final
class Env:
    def __new__(cls, source: _Source, backend: Mapping[str, Any], *, num_envs: int, autoreset: str, first_env: int) -> Env: ...
    @property
    def has_seed(self) -> bool: ...
    def spaces(self) -> str: ...
    def reset(self, seed: int | None) -> _Observed: ...
    def reset_lanes(self, mask: NDArray[np.bool_]) -> _Observed: ...
    def step(self, slates: NDArray[np.int64]) -> tuple[_Reacted, _Observed, tuple[_Observed, NDArray[np.bool_]] | None]: ...
    def advance(self, slates: NDArray[np.int64]) -> _Reacted: ...
    def observe(self) -> _Observed: ...
    def close(self) -> None: ...
