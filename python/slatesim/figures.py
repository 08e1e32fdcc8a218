"""The figures of some episodes of one configuration."""

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slatesim import estimates
from slatesim.estimates import Estimate, Moments, Position, Quality, Topic

_CURVES = {
    "reward": "reward_per_step",
    "click_rate": "click_rate_per_step",
}


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
    def max_steps(self) -> int | None:
        """Steps after which an episode is cut, given or built in, or after which all have ended; None if no episode was run."""
        steps = self._data["max_steps"]
        return None if steps is None else int(steps)

    @property
    def returns(self) -> Moments:
        """The return: the sum of the rewards of an episode."""
        return estimates.moments(self._data["return"], self._count)

    @property
    def discounted_returns(self) -> dict[float, Moments]:
        """The returns by each `discount` that was asked for: sums in which the reward of step t has the weight discount^t."""
        return {float(one["discount"]): estimates.moments(one, self._count) for one in self._data.get("discounted_returns", ())}

    @property
    def length(self) -> Moments:
        """Steps of an episode."""
        return estimates.moments(self._data["length"], self._count)

    @property
    def click_rate(self) -> Estimate:
        """Clicks per step."""
        return estimates.estimate(self._data["click_rate"], self._count)

    @property
    def reward_slope(self) -> Estimate:
        """The least-squares slope of the reward over the step within an episode, averaged over episodes of two steps or more."""
        slope = self._data["reward_slope"]
        return estimates.estimate(slope, int(slope["episodes"]))

    @property
    def truncated(self) -> Estimate:
        """The share of episodes that were cut at `max_steps`."""
        return estimates.estimate(self._data["truncated"], self._count, "share")

    @property
    def truncated_episodes(self) -> int:
        """How many episodes were cut at `max_steps`."""
        return int(self._data["truncated"]["episodes"])

    @property
    def topics(self) -> list[Topic]:
        """What was shown and clicked of each topic; empty where documents have no topics.

        There are standard errors from 7,680 episodes on.
        """
        return [estimates.topic(one, self._count) for one in self._data.get("topics", ())]

    @property
    def positions(self) -> list[Position]:
        """What was clicked at each position of the slate that users look at; with standard errors from 7,680 episodes on."""
        return [estimates.position(one, self._count) for one in self._data["slots"]]

    @property
    def clicked_quality(self) -> Quality | None:
        """The mean quality of clicked documents; None where documents have no quality."""
        value = self._data.get("clicked_quality")
        return None if value is None else estimates.quality(value, self._count)

    @property
    def user_steps(self) -> int:
        """Steps of all episodes together."""
        return int(self._data["user_steps"])

    @property
    def non_finite_returns(self) -> int:
        """Episodes whose return is infinite or not a number, with which returns have no figures; 0 in a sound model."""
        return int(self._data["non_finite_returns"])

    @property
    def invalid_choices(self) -> int:
        """Choices whose scores could be no probabilities and were clamped; 0 as a rule."""
        return int(self._data["invalid_choices"])

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

    def _estimates(self) -> dict[str, Estimate]:
        named: dict[str, Estimate | None] = {"return": self.returns, "return_trimmed": self.returns.trimmed_mean}
        named |= {f"return_discounted_{discount:g}": returns for discount, returns in self.discounted_returns.items()}
        named |= {"length": self.length, "click_rate": self.click_rate, "reward_slope": self.reward_slope}
        named |= {"truncated": self.truncated, "clicked_quality": self.clicked_quality}
        return {name: figure for name, figure in named.items() if figure is not None}

    def flat(self) -> dict[str, float]:
        """Return the figures by names such as `return/mean`, for loggers.

        There are `.../mean` and `.../standard_error` of `return`, `return_trimmed`, `return_discounted_0.9` (of each discount),
        `length`, `click_rate`, `reward_slope`, `truncated` and `clicked_quality`, as far as they are known, and
        `return/quantile_0.5` and so on.
        """
        flat = {}
        for name, figure in self._estimates().items():
            if figure.mean is not None:
                flat[f"{name}/mean"] = figure.mean
            if figure.standard_error is not None:
                flat[f"{name}/standard_error"] = figure.standard_error
        for share, at in self.returns.quantiles.items():
            flat[f"return/quantile_{share:g}"] = at
        return flat
