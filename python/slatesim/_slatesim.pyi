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
    "compare_of_parts",
    "compare_part",
    "critical_value",
    "declarations",
    "evaluate",
    "exact",
    "merge",
    "read_report",
    "sweep",
    "sweep_of_parts",
    "sweep_part",
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
def compare_part(
    source: _Source,
    variants: list[tuple[str, list[_Given]]],
    backend: Mapping[str, Any],
    extent: Mapping[str, Any],
    *,
    curves: bool,
    progress: _Progress,
) -> tuple[str, BaseException | None]: ...
def compare_of_parts(
    source: _Source,
    variants: list[tuple[str, list[_Given]]],
    extent: Mapping[str, Any],
    parts: list[tuple[str, str]],
    *,
    curves: bool,
) -> tuple[str, str]: ...
def sweep_part(
    source: _Source,
    axes: list[tuple[str, list[Any]]],
    backend: Mapping[str, Any],
    *,
    zip: bool,
    first_episode: int,
    shard: str,
    curves: bool,
    progress: _Progress,
) -> tuple[str, BaseException | None]: ...
def sweep_of_parts(
    source: _Source,
    axes: list[tuple[str, list[Any]]],
    parts: list[tuple[str, str]],
    *,
    zip: bool,
    first_episode: int,
    curves: bool,
) -> tuple[str, str]: ...
def exact(source: _Source) -> str: ...
def trace(
    source: _Source, backend: Mapping[str, Any], *, first: int, first_episode: int, candidates: bool, progress: _Progress
) -> tuple[list[tuple[str, NDArray[Any]]], int, BaseException | None]: ...
def read_report(json: str) -> tuple[str, str]: ...
def critical_value(level: float, count: int) -> float | None: ...
def merge(reports: list[tuple[str, str]], *, pool_seeds: bool) -> tuple[str, str]: ...

_Array: TypeAlias = NDArray[np.floating]
_Memory: TypeAlias = _Array | tuple[_Array, _Array, _Array]
_Reacted: TypeAlias = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64], NDArray[np.bool_]]

@final
class Env:
    def __new__(
        cls,
        source: _Source,
        backend: Mapping[str, Any],
        *,
        num_envs: int,
        autoreset: str,
        first_env: int,
        columns: list[str] | None,
    ) -> Env: ...
    @property
    def has_seed(self) -> bool: ...
    def spaces(self) -> str: ...
    def documents(self) -> NDArray[np.float32] | None: ...
    def reset(self, seed: int | None, memory: _Memory) -> None: ...
    def reset_lanes(self, mask: NDArray[np.bool_], memory: _Memory) -> None: ...
    def step(self, slates: NDArray[np.int64], memory: _Memory, last: _Memory | None) -> tuple[_Reacted, NDArray[np.bool_] | None]: ...
    def advance(self, slates: NDArray[np.int64]) -> _Reacted: ...
    def repeat(self, slates: NDArray[np.int64], steps: int, *, observes: bool) -> None: ...
    def observe(self, memory: _Memory) -> None: ...
    def close(self) -> None: ...
