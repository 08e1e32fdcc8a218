"""Single figures with their uncertainty."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slatesim import _slatesim
from slatesim.errors import ConfigError

FEW = 100
"""Fewer episodes than these, if they are all equal, say nothing about further ones."""


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error; None where there is none."""

    mean: float | None
    standard_error: float | None
    count: int
    """How many episodes it is estimated from."""
    largest_share: float | None = field(default=None, kw_only=True)
    """The share that a single episode has in the sum of squares around the mean; above 0.04 the interval is not to be trusted.

    None without spread, and for figures that are no means of one number an episode.
    """

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Return the interval that covers the true mean with probability `level`, such as 0.95.

        It is from Student's distribution where there are fewer than 100 episodes, else from the normal one. None where there is no
        standard error, or where few episodes are all equal. Where one episode has much weight, the result carries a warning.
        """
        if not 0 < level < 1:
            message = f"`level` = {level!r} is not allowed; allowed is a number above 0 and below 1"
            raise ConfigError(message)
        if self.mean is None or self.standard_error is None:
            return None
        critical = _slatesim.critical_value(level, self.count)
        if critical is None or (self.standard_error == 0 and self.count < FEW):
            return None
        reach = critical * self.standard_error
        return self.mean - reach, self.mean + reach

    def __str__(self) -> str:
        """Write the mean, ± its standard error."""
        if self.mean is None:
            return "none"
        if self.standard_error is None:
            return f"{self.mean:.6g}"
        return f"{self.mean:.6g} ± {self.standard_error:.2g}"


@dataclass(frozen=True)
class Moments(Estimate):
    """A figure of single episodes: their mean, their spread, and quantiles."""

    standard_deviation: float | None
    """Between episodes."""
    min: float | None
    """The smallest one."""
    max: float | None
    """The largest one."""
    quantiles: dict[float, float]
    """Values by the share of episodes below them; empty for discounted returns."""
    trimmed_mean: Estimate | None = field(default=None, kw_only=True)
    """The mean of the middle 80 %, which a heavy tail does not move; of returns only."""


@dataclass(frozen=True)
class Quality(Estimate):
    """The quality of the documents that were clicked, of which `count` episodes tell."""

    clicks: int
    """How many documents were clicked."""


@dataclass(frozen=True)
class Topic:
    """The documents of one topic."""

    impressions: int
    """How often one was shown."""
    clicks: int
    """How often one was clicked."""
    click_rate: Estimate
    """Clicks by impressions."""
    click_share: Estimate
    """Clicks by steps: the share of the topic in what users do."""


@dataclass(frozen=True)
class Position:
    """One position of the slate."""

    clicks: int
    """How many documents were clicked there."""
    click_rate: Estimate
    """Clicks by steps."""


@dataclass(frozen=True)
class Extension:
    """Why a run went on after it was precise: a single episode had a large part in the spread."""

    first_precise: int
    """Episodes when it first was precise."""
    largest_share: float
    """The share that one of them had in the sum of squares."""
    episodes: int
    """The number of episodes that the run was extended to."""


@dataclass(frozen=True)
class Stopping:
    """How a run to a target precision ended."""

    is_reached: bool
    """Whether the precision was reached."""
    reason: str | None
    """Why not, where it was not."""
    target_standard_error: float | None
    """The target, if it was one of the standard error."""
    target_half_width: float | None
    """The target, if it was one of half the width of the interval."""
    max_episodes: int
    """The bound on the episodes."""
    looks: int
    """How often the precision was looked at."""
    level: float
    """The probability with which the intervals of all means hold together."""
    standard_error: float | None
    """What was reached; the largest of all differences in a comparison."""
    half_width: float | None
    """The same as half the width of the interval."""
    largest_share: float | None
    """The largest share of a single episode in a sum of squares."""
    extension: Extension | None
    """How the run was extended, if it was."""


def number(value: Any) -> float | None:
    """Read a number of JSON, or null."""
    return None if value is None else float(value)


def estimate(value: Mapping[str, Any], count: int, mean: str = "mean", standard_error: str = "standard_error") -> Estimate:
    """Read a mean and its standard error of JSON."""
    share = number(value.get("largest_share"))
    return Estimate(number(value.get(mean)), number(value.get(standard_error)), count, largest_share=share)


def moments(value: Mapping[str, Any], count: int) -> Moments:
    """Read what JSON has of a figure of single episodes."""
    quantiles = value.get("quantiles") or {}
    trimmed = value.get("trimmed_mean")
    return Moments(
        number(value.get("mean")),
        number(value.get("standard_error")),
        count,
        number(value.get("standard_deviation")),
        number(value.get("min")),
        number(value.get("max")),
        {float(share): float(at) for share, at in quantiles.items() if at is not None},
        largest_share=number(value.get("largest_share")),
        trimmed_mean=None if trimmed is None else estimate(trimmed, count),
    )


def topic(value: Mapping[str, Any], count: int) -> Topic:
    """Read a topic of JSON."""
    return Topic(
        int(value["impressions"]),
        int(value["clicks"]),
        estimate(value, count, "click_rate"),
        estimate(value, count, "click_share", "click_share_standard_error"),
    )


def position(value: Mapping[str, Any], count: int) -> Position:
    """Read a position of JSON."""
    return Position(int(value["clicks"]), estimate(value, count, "click_rate"))


def quality(value: Mapping[str, Any], count: int) -> Quality:
    """Read the clicked quality of JSON."""
    return Quality(number(value["mean"]), number(value["standard_error"]), count, int(value["clicks"]))


def stopping(result: Mapping[str, Any]) -> Stopping | None:
    """Read of a result in JSON how it ended, if it had a target."""
    value = result.get("stopping")
    if value is None:
        return None
    extension = value.get("extension")
    return Stopping(
        bool(result["target_reached"]),
        value.get("reason"),
        number(value.get("target_standard_error")),
        number(value.get("target_half_width")),
        int(value["max_episodes"]),
        int(value["looks"]),
        float(value["level"]),
        number(value["standard_error"]),
        number(value["half_width"]),
        number(value["largest_share"]),
        None if extension is None else Extension(int(extension["from"]), float(extension["largest_share"]), int(extension["to"])),
    )
