"""Figures with their uncertainty."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slatesim import _slatesim
from slatesim.errors import ConfigError

FEW = 100
"""Fewer episodes than these, if they are all equal, say nothing about further ones."""

_CURVES = {
    "reward": "reward_per_step",
    "click_rate": "click_rate_per_step",
}


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error; None where there is none."""

    mean: float | None
    standard_error: float | None
    count: int
    """How many episodes it is estimated from."""

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
    min: float | None
    max: float | None
    quantiles: dict[float, float]
    """Values by the share of episodes below them."""


def number(value: Any) -> float | None:
    """Read a number of JSON, or null."""
    return None if value is None else float(value)


def estimate(value: dict[str, Any] | None, count: int) -> Estimate:
    """Read a mean and its standard error of JSON."""
    value = value or {}
    return Estimate(number(value.get("mean")), number(value.get("standard_error")), count)


def _moments(value: dict[str, Any], count: int) -> Moments:
    quantiles = {float(share): float(at) for share, at in (value.get("quantiles") or {}).items() if at is not None}
    return Moments(
        number(value.get("mean")),
        number(value.get("standard_error")),
        count,
        number(value.get("standard_deviation")),
        number(value.get("min")),
        number(value.get("max")),
        quantiles,
    )


class Figures:
    """The figures of some episodes of one configuration."""

    def __init__(self, data: dict[str, Any], count: int) -> None:
        """Wrap what the JSON of a result has of `count` episodes."""
        self._data = data
        self._count = count
        self._curves: dict[str, NDArray[np.float64]] | None = None

    @property
    def environment(self) -> dict[str, Any]:
        """The environment with all parameters."""
        return copy.deepcopy(dict(self._data["environment"]))

    @property
    def policy(self) -> dict[str, Any]:
        """The policy with all parameters."""
        return copy.deepcopy(dict(self._data["policy"]))

    @property
    def returns(self) -> Moments:
        """The return: the sum of the rewards of an episode."""
        return _moments(self._data["return"], self._count)

    @property
    def length(self) -> Moments:
        """Steps of an episode."""
        return _moments(self._data["length"], self._count)

    @property
    def click_rate(self) -> Estimate:
        """Clicks per step."""
        return estimate(self._data["click_rate"], self._count)

    @property
    def reward_slope(self) -> Estimate:
        """The least-squares slope of the reward over the step within an episode, averaged over episodes."""
        return estimate(self._data["reward_slope"], int(self._data["reward_slope"].get("episodes") or 0))

    @property
    def user_steps(self) -> int:
        """Steps of all episodes together."""
        return int(self._data["user_steps"])

    @property
    def curves(self) -> dict[str, NDArray[np.float64]]:
        """The figures of each step, and their standard errors: empty if they were left out.

        Keys are `step`, `reward`, `reward_standard_error`, `click_rate`, `click_rate_standard_error` and `running`, the number of
        episodes that are still running. Beyond 4,096 steps there is a row a bin, `step` being its first one. Where there is no
        standard error, it is NaN.
        """
        # Not a cached property: until Python 3.12 all of a class wait for each other there.
        if self._curves is None:
            self._curves = self._read_curves()
            for curve in self._curves.values():
                curve.flags.writeable = False
        return dict(self._curves)

    def _read_curves(self) -> dict[str, NDArray[np.float64]]:
        if "running_per_step" not in self._data:
            return {}
        running = np.asarray(self._data["running_per_step"], dtype=np.float64)
        steps = self._data.get("curve_bins") or range(len(running))
        curves = {"step": np.asarray(list(steps), dtype=np.float64)}
        for name, key in _CURVES.items():
            curves[name] = np.asarray(self._data[key], dtype=np.float64)
            curves[f"{name}_standard_error"] = np.asarray(self._data[f"{key}_standard_error"], dtype=np.float64)
        return curves | {"running": running}

    def flat(self) -> dict[str, float]:
        """Return the figures by names such as `return/mean`, for loggers."""
        named = {
            "return": self.returns,
            "length": self.length,
            "click_rate": self.click_rate,
            "reward_slope": self.reward_slope,
        }
        flat = {}
        for name, figure in named.items():
            if figure.mean is not None:
                flat[f"{name}/mean"] = figure.mean
            if figure.standard_error is not None:
                flat[f"{name}/standard_error"] = figure.standard_error
        for share, at in self.returns.quantiles.items():
            flat[f"return/quantile_{share:g}"] = at
        return flat
