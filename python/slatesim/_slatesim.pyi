# The extension module. Its interface is private to the package.
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

_Given: TypeAlias = tuple[str, str, Any]
_Source: TypeAlias = tuple[str | None, list[_Given]]
_Told: TypeAlias = tuple[str, str, BaseException | None]
_Progress: TypeAlias = Callable[[int], object] | None

__all__ = ["adapters", "cli", "compare", "corpus", "declarations", "evaluate", "merge", "sweep", "version"]

def version() -> str: ...
def cli(arguments: list[str]) -> int: ...
def adapters() -> list[tuple[int, str, str, str, str]]: ...
def declarations() -> tuple[str, str]: ...
def corpus(source: _Source) -> list[tuple[str, list[float]]]: ...
def evaluate(
    source: _Source, backend: Mapping[str, Any], extent: Mapping[str, Any], *, curves: bool, progress: _Progress
) -> _Told: ...
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
def merge(reports: list[tuple[str, str]], *, pool_seeds: bool) -> tuple[str, str]: ...
