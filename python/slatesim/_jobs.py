"""Campaigns as values: what is computed and how. They can be sent to other processes, whole or in shards."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from slatesim import _slatesim
from slatesim._sources import Given, Source

BLOCK_EPISODES = 256
"""Shards of episodes are made of whole blocks of so many."""

Told: TypeAlias = tuple[str, str, BaseException | None]
"""A result as JSON, as text, and what interrupted it."""

Tell: TypeAlias = Callable[[int], object] | None
"""What is called with the number of episodes that are done."""

Named: TypeAlias = tuple[str, str]
"""The name by which errors call the result of a shard, and the result."""

_EMPTY = f"0/{2**64 - 1}"
"""A shard without episodes, of a run of any size."""

_HERE = {"backend": "cpu", "num_threads": 1, "batch_size": None, "adapter": None}
"""A backend for what has no episodes."""


@dataclass(frozen=True)
class Size:
    """How large a campaign is."""

    units: int
    """The parts that cannot be cut any further, and the most shards that there can be."""
    episodes_each: int
    """Episodes of each variant or point."""
    episodes: int
    """Episodes in all."""


@dataclass(frozen=True)
class Job(ABC):
    """A campaign, with the backend that computes it."""

    kind: ClassVar[str]

    source: Source
    on: dict[str, Any]
    """The backend, as `slatesim._device.device` describes it."""
    curves: bool

    @abstractmethod
    def whole(self, progress: Tell) -> Told:
        """Run the whole campaign."""

    @abstractmethod
    def part(self, shard: str, progress: Tell) -> tuple[str, BaseException | None]:
        """Run a shard, as in `"0/8"`. Return its result as JSON, and what interrupted it."""

    @abstractmethod
    def of_parts(self, parts: list[Named]) -> tuple[str, str]:
        """Put shards together, as JSON and as text. Of no shards at all it is a partial result without episodes."""

    @abstractmethod
    def size(self) -> Size:
        """Tell the size, or raise an error if the configuration is wrong. No device is opened for it."""

    @abstractmethod
    def reports(self, found: dict[str, Any], index: int, count: int, size: Size) -> list[dict[str, Any]] | None:
        """Return the reports that the result of a shard consists of, or None if it is another shard."""

    @abstractmethod
    def first(self) -> int:
        """Return the first episode."""

    def verify(self, text: str) -> None:
        """Raise an error if the result of a shard, from a file, is damaged or was configured otherwise."""
        self.of_parts([("the file", text)])

    def check(self, text: str, index: int, count: int, size: Size) -> str | None:
        """Tell why a file does not hold the whole of a shard of this campaign, or raise an error that tells it."""
        self.verify(text)
        reports = self.reports(json.loads(text), index, count, size)
        if reports is None:
            return "it holds another shard than its name says"
        first = self.first()
        ranges = [[first, first + size.episodes_each]] if first > 0 else []
        for report in reports:
            state, backend, version = report["state"], report["backend"]["name"], _slatesim.version()
            if report["slatesim"] != version:
                return f"it is of slatesim {report['slatesim']}, and this is {version}"
            if int(state["requested_episodes"]) != size.episodes_each:
                return "it is of a run with another number of episodes"
            if [[int(one) for one in pair] for pair in state.get("requested_ranges", [])] != ranges:
                return "it is of a run with another first episode"
            if ("reward_per_step" in report) != self.curves:
                return "`curves` was set otherwise"
            if self.on["backend"] not in {"auto", backend}:
                return f"it was computed by the backend {backend}, and `backend` is {self.on['backend']}"
            if report.get("partial", False):
                return "it holds a shard that was interrupted"
        return None


def _is_shard(report: dict[str, Any], index: int, count: int) -> bool:
    return bool(report.get("shard") == {"index": index, "count": count})


@dataclass(frozen=True)
class Evaluation(Job):
    """What `slatesim.evaluate` does."""

    kind = "evaluate"

    which: dict[str, Any]
    """The episodes, as `slatesim._device.extent` describes them."""

    def whole(self, progress: Tell) -> Told:
        """Run the whole campaign."""
        return _slatesim.evaluate(self.source, self.on, self.which, curves=self.curves, progress=progress)

    def part(self, shard: str, progress: Tell) -> tuple[str, BaseException | None]:
        """Run a shard."""
        which = self.which | {"shard": shard}
        text, _, interruption = _slatesim.evaluate(self.source, self.on, which, curves=self.curves, progress=progress)
        return text, interruption

    def of_parts(self, parts: list[Named]) -> tuple[str, str]:
        """Put shards together."""
        return _slatesim.merge(parts or [("no shard", self._of_none())], pool_seeds=False)

    def size(self) -> Size:
        """Tell the size."""
        episodes = int(json.loads(self._of_none())["state"]["requested_episodes"])
        return Size(-(-episodes // BLOCK_EPISODES), episodes, episodes)

    def reports(self, found: dict[str, Any], index: int, count: int, size: Size) -> list[dict[str, Any]] | None:
        """Return the report."""
        return [found] if _is_shard(found, index, count) else None

    def first(self) -> int:
        """Return the first episode."""
        return int(self.which["first_episode"])

    def verify(self, text: str) -> None:
        """Raise an error if a report is damaged or was configured otherwise."""
        _slatesim.merge([("this campaign", self._of_none()), ("the file", text)], pool_seeds=False)

    def _of_none(self) -> str:
        """Return the report of a shard without episodes."""
        which = self.which | {"shard": _EMPTY}
        return _slatesim.evaluate(self.source, _HERE, which, curves=self.curves, progress=None)[0]


@dataclass(frozen=True)
class Comparing(Job):
    """What `slatesim.compare` does. Each shard has some of the episodes, of all variants, so that differences are paired."""

    kind = "compare"

    variants: list[tuple[str, list[Given]]]
    which: dict[str, Any]

    def whole(self, progress: Tell) -> Told:
        """Run the whole campaign."""
        return _slatesim.compare(self.source, self.variants, self.on, self.which, curves=self.curves, progress=progress)

    def part(self, shard: str, progress: Tell) -> tuple[str, BaseException | None]:
        """Run a shard."""
        which = self.which | {"shard": shard}
        return _slatesim.compare_part(self.source, self.variants, self.on, which, curves=self.curves, progress=progress)

    def of_parts(self, parts: list[Named]) -> tuple[str, str]:
        """Put shards together."""
        return _slatesim.compare_of_parts(self.source, self.variants, self.which, parts, curves=self.curves)

    def size(self) -> Size:
        """Tell the size."""
        which = self.which | {"shard": _EMPTY}
        none = _slatesim.compare_part(self.source, self.variants, _HERE, which, curves=self.curves, progress=None)[0]
        reports = [report for _, report in json.loads(none)["reports"]]
        episodes = int(reports[0]["state"]["requested_episodes"])
        return Size(-(-episodes // BLOCK_EPISODES), episodes, episodes * len(reports))

    def reports(self, found: dict[str, Any], index: int, count: int, size: Size) -> list[dict[str, Any]] | None:
        """Return the report of each variant."""
        reports = [report for _, report in found["reports"]]
        return reports if all(_is_shard(report, index, count) for report in reports) else None

    def first(self) -> int:
        """Return the first episode."""
        return int(self.which["first_episode"])


@dataclass(frozen=True)
class Sweeping(Job):
    """What `slatesim.sweep` does. Each shard has some of the points, with all of their episodes."""

    kind = "sweep"

    axes: list[tuple[str, list[Any]]]
    zip: bool
    first_episode: int

    def whole(self, progress: Tell) -> Told:
        """Run the whole campaign."""
        return _slatesim.sweep(
            self.source,
            self.axes,
            self.on,
            zip=self.zip,
            first_episode=self.first_episode,
            curves=self.curves,
            progress=progress,
        )

    def part(self, shard: str, progress: Tell) -> tuple[str, BaseException | None]:
        """Run a shard."""
        return _slatesim.sweep_part(
            self.source,
            self.axes,
            self.on,
            zip=self.zip,
            first_episode=self.first_episode,
            shard=shard,
            curves=self.curves,
            progress=progress,
        )

    def of_parts(self, parts: list[Named]) -> tuple[str, str]:
        """Put shards together."""
        return _slatesim.sweep_of_parts(self.source, self.axes, parts, zip=self.zip, first_episode=self.first_episode, curves=self.curves)

    def size(self) -> Size:
        """Tell the size."""
        none = json.loads(self.of_parts([])[0])
        points, episodes = len(none["points"]), int(none["episodes"])
        return Size(points, episodes, points * episodes)

    def reports(self, found: dict[str, Any], index: int, count: int, size: Size) -> list[dict[str, Any]] | None:
        """Return the report of each point."""
        points = range(size.units * index // count, size.units * (index + 1) // count)
        return [report for _, report in found["reports"]] if [place for place, _ in found["reports"]] == list(points) else None

    def first(self) -> int:
        """Return the first episode."""
        return self.first_episode
