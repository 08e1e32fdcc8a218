"""Results of campaigns, and ways to look at them."""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from slatesim import _plots, _slatesim, estimates
from slatesim._tables import Columns, Tables, of_figures, of_rows
from slatesim.errors import ConfigError
from slatesim.estimates import Estimate, Stopping, number
from slatesim.figures import Figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_LINES = 60
"""Lines of a result that a notebook shows."""


def _pair(value: Sequence[float] | None) -> tuple[float, float] | None:
    return None if value is None else (float(value[0]), float(value[1]))


def _whole(key: str, value: Any) -> Any:
    """Read a seed, which is a text in JSON if it is large."""
    return int(value) if key.endswith("seed") and isinstance(value, str) and value.isdigit() else value


def _text(text: Any) -> str:
    if not isinstance(text, str):
        message = f"`text` is of the type {type(text).__name__}; allowed is the JSON of a result, as a text"
        raise ConfigError(message)
    return text


def _of(episodes: int, figures: Figures) -> str:
    """Describe figures in a few words."""
    return f"{episodes} episodes of {figures.environment['name']}, policy {figures.policy['name']}"


class Result(Tables):
    """What all results have in common."""

    def __init__(self, json_text: str, text: str) -> None:
        """Wrap the JSON of a result, and the text that the command line prints."""
        self._json = json_text
        self._text = text
        self._all: dict[str, Any] = json.loads(json_text)

    @property
    def episodes(self) -> int:
        """How many episodes there are (of each variant, or asked for at each point)."""
        return int(self._all["episodes"])

    @property
    def is_partial(self) -> bool:
        """Whether episodes are missing, because the work was interrupted or parts are missing."""
        return bool(self._all.get("partial", False))

    @property
    def warnings(self) -> list[str]:
        """What is doubtful about the figures."""
        return [str(warning) for warning in self._all["warnings"]]

    @property
    def scope(self) -> str | None:
        """What ± covers, where that is not everything that the environment draws; the key `uncertainty` of JSON."""
        scope = self._all.get("uncertainty")
        return None if scope is None else str(scope)

    @property
    def backend(self) -> dict[str, str]:
        """What computed it: `name`, `device` and `driver`."""
        return dict(self._all["backend"])

    @property
    def version(self) -> str:
        """The version of slatesim that made it."""
        return str(self._all["slatesim"])

    @property
    def seconds(self) -> float | None:
        """Wall-clock time; of merged reports the sum."""
        return number(self._all["seconds"])

    @property
    def user_steps_per_second(self) -> float | None:
        """Steps of all users by wall-clock time; None where no time was taken."""
        return number(self._all["user_steps_per_second"])

    def to_dict(self) -> dict[str, Any]:
        """Return everything, as the object that the command prints with `--json`."""
        data: dict[str, Any] = json.loads(self._json)
        return data

    def to_json(self) -> str:
        """Return everything as JSON, as the command prints it with `--json`."""
        return self._json

    def __str__(self) -> str:
        """Return what the command line prints."""
        return self._text

    def _told(self) -> str:
        raise NotImplementedError

    def __repr__(self) -> str:
        """Describe the result in a line; `print` shows it whole."""
        partial = ", partial" if self.is_partial else ""
        return f"<slatesim.{type(self).__name__}: {self._told()}{partial}>"

    def _repr_html_(self) -> str:
        lines = self._text.splitlines()
        left_out = len(lines) - _MOST_LINES
        if left_out > 1:
            lines = [*lines[:_MOST_LINES], "", f"... and {left_out} lines more, which print() shows"]
        text = html.escape("\n".join(lines))
        return f'<pre style="white-space: pre; overflow-x: auto; line-height: 1.3">{text}</pre>'


class Report(Result, Figures):
    """The result of `slatesim.evaluate` and `slatesim.merge`.

    Tables (`to_pandas`, `to_polars`) are `"curves"`, a row a step; `"figures"`, one row with the columns of `flat`; `"quantiles"`,
    a row for each share of the episodes; `"topics"` and `"positions"`.
    """

    _tables = ("curves", "figures", "quantiles", "topics", "positions")

    def __init__(self, json_text: str, text: str) -> None:
        """Wrap a report."""
        Result.__init__(self, json_text, text)
        Figures.__init__(self, self._all, int(self._all["episodes"]))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` or `slatesim evaluate --json` has written; damage is noticed."""
        return cls(*_slatesim.read_report(_text(text)))

    @property
    def seed(self) -> int | None:
        """The key of all random numbers; None where reports of several seeds were merged."""
        return None if self._all["seed"] is None else int(self._all["seed"])

    @property
    def seeds(self) -> list[int]:
        """The seeds in ascending order: one, unless reports of several were merged."""
        return [int(self._all["seed"])] if self._all["seed"] is not None else [int(seed) for seed in self._all["seeds"]]

    @property
    def by_seed(self) -> dict[int, Estimate]:
        """The return of each seed, where reports of several were merged, else empty."""
        return {int(one["seed"]): estimates.estimate(one, int(one["episodes"])) for one in self._all.get("by_seed", ())}

    @property
    def return_across_seeds(self) -> Estimate | None:
        """The mean of the seeds' mean returns, all with equal weight, and the standard error that follows from their spread.

        Its `count` is the number of seeds. None where there is one seed.
        """
        value = self._all.get("return_across_seeds")
        return None if value is None else estimates.estimate(value, len(self.seeds))

    @property
    def hash(self) -> str:
        """A hash of everything but the time, the shard and the number of threads: where it is the same, all figures are."""
        return str(self._all["state"]["hash"])

    @property
    def shard(self) -> tuple[int, int] | None:
        """Which part of a run this is, from 0, and how many there are; None if it is no part."""
        shard = self._all.get("shard")
        return None if shard is None else (int(shard["index"]), int(shard["count"]))

    @property
    def stopping(self) -> Stopping | None:
        """How the run ended, if it had a target precision."""
        return estimates.stopping(self._all)

    def _told(self) -> str:
        return f"return {self.returns}, {_of(self.episodes, self)}"

    def _columns(self, what: str) -> Columns:
        return of_figures(what, [({}, self)])

    def plot(self, what: str = "reward_per_step", *, ax: "Axes | None" = None) -> "Axes":
        """Draw a picture, on `ax` if it is given, and return the axes.

        `what` is one of

        - `"reward_per_step"`, `"click_rate_per_step"`: the curve over the step, with a band of 95 %;
        - `"running_per_step"`: how many episodes are still running at each step;
        - `"distribution"`: the share of episodes with a return up to each value;
        - `"topics"`, `"positions"`: clicks per step of each topic, or at each position of the slate, with intervals of 95 %.
        """
        return _plots.report(self, what, ax)


class Variant(Figures):
    """One of the variants of a comparison."""

    @property
    def label(self) -> str:
        """The label."""
        return str(self._data["label"])

    def __repr__(self) -> str:
        """Describe it in a line."""
        return f"<slatesim.Variant {self.label}: return {self.returns}, {_of(self._count, self)}>"


@dataclass(frozen=True)
class Difference(Estimate):
    """The mean return of `a` less that of `b`, on the same users; discounted returns if there is a discount, the first one."""

    a: str
    """Label of the one variant."""
    b: str
    """Label of the other."""
    ci95: tuple[float, float] | None
    """Its interval of 95 %."""
    ci95_simultaneous: tuple[float, float] | None
    """The interval that holds together with those of all pairs (Bonferroni)."""
    p_value: float | None
    """Two-sided, of no difference."""
    p_value_adjusted: float | None
    """Corrected for all pairs (Holm)."""
    variance_reduction: float | None
    """How many times the episodes runs on different users would need for the same standard error."""
    correlation: float | None
    """That of the two returns of an episode."""


def _row(pair: Difference) -> dict[str, Any]:
    low, high = pair.ci95 or (None, None)
    lowest, highest = pair.ci95_simultaneous or (None, None)
    return {
        "a": pair.a,
        "b": pair.b,
        "mean": pair.mean,
        "standard_error": pair.standard_error,
        "ci95_low": low,
        "ci95_high": high,
        "ci95_simultaneous_low": lowest,
        "ci95_simultaneous_high": highest,
        "p_value": pair.p_value,
        "p_value_adjusted": pair.p_value_adjusted,
        "variance_reduction": pair.variance_reduction,
        "correlation": pair.correlation,
    }


class Comparison(Result):
    """The result of `slatesim.compare`.

    Tables (`to_pandas`, `to_polars`) are `"differences"`, a row a pair; and, with a column `label`, `"figures"`, a row a variant with
    the columns of `flat`, `"curves"`, `"quantiles"`, `"topics"` and `"positions"`.
    """

    _tables = ("differences", "figures", "curves", "quantiles", "topics", "positions")

    @property
    def seed(self) -> int:
        """The key of all random numbers."""
        return int(self._all["seed"])

    @property
    def first_episode(self) -> int:
        """The first episode of each variant."""
        return int(self._all.get("first_episode", 0))

    @property
    def variants(self) -> dict[str, Variant]:
        """The variants by their labels."""
        return {variant["label"]: Variant(variant, self.episodes) for variant in self._all["policies"]}

    @property
    def differences(self) -> list[Difference]:
        """The differences of all pairs."""
        return [
            Difference(
                number(pair["mean"]),
                number(pair["standard_error"]),
                self.episodes,
                pair["a"],
                pair["b"],
                _pair(pair["ci95"]),
                _pair(pair["ci95_simultaneous"]),
                number(pair["p_value"]),
                number(pair["p_value_adjusted"]),
                number(pair["variance_reduction"]),
                number(pair["correlation"]),
                largest_share=number(pair["largest_share"]),
            )
            for pair in self._all["differences"]
        ]

    @property
    def stopping(self) -> Stopping | None:
        """How the run ended, if it had a target precision."""
        return estimates.stopping(self._all)

    def _best(self, key: str) -> Any:
        return (self._all["best"] or {}).get(key)

    @property
    def best(self) -> str | None:
        """The label of the variant with the largest mean return."""
        label = self._best("label")
        return None if label is None else str(label)

    @property
    def confidence(self) -> float | None:
        """How sure it is that the best one is the best: of all runs, at most a share of 1 - this claims so of one that is not."""
        return number(self._best("confidence"))

    @property
    def closest(self) -> str | None:
        """The label of the variant that is the most likely to be better than the best one."""
        label = self._best("closest")
        return None if label is None else str(label)

    @property
    def margin(self) -> float | None:
        """The mean return of the best variant less the highest of the others."""
        return number(self._best("margin"))

    @property
    def margin_ci95(self) -> tuple[float, float] | None:
        """The interval of 95 % of the margin; where it reaches below 0 another variant may be better."""
        return _pair(self._best("margin_ci95"))

    @property
    def may_be_best(self) -> list[str]:
        """The labels of the variants that may be the best; the one that is, is among them in at least 95 % of all runs."""
        return [str(label) for label in self._best("may_be_best") or ()]

    def _told(self) -> str:
        sure = "" if self.confidence is None else f" with confidence {self.confidence:.4g}"
        best = "none is the best" if self.best is None else f"{self.best!r} is the best{sure}"
        return f"{best} of {len(self.variants)} variants, {self.episodes} episodes of each"

    def _columns(self, what: str) -> Columns:
        if what != "differences":
            return of_figures(what, [({"label": label}, variant) for label, variant in self.variants.items()])
        return of_rows([_row(pair) for pair in self.differences])

    def plot(self, what: str = "differences", *, ax: "Axes | None" = None) -> "Axes":
        """Draw a picture, on `ax` if it is given, and return the axes.

        `what` is one of

        - `"differences"`: those of all pairs, with the intervals that hold together in 95 % of all runs; of more than 45 pairs,
          which ten variants make, those with the best variant;
        - `"return"`, `"length"`, `"click_rate"`, `"reward_slope"`: the figure of each variant, with its interval of 95 %;
        - `"distribution"`: the median, the middle half and the middle 90 % of the returns of each variant;
        - `"reward_per_step"`, `"click_rate_per_step"`, `"running_per_step"`: a curve over the step for each of up to 12 variants.
        """
        return _plots.comparison(self, what, ax)


class Point(Figures):
    """One point of a sweep."""

    @property
    def settings(self) -> dict[str, Any]:
        """The values of the keys that vary."""
        return {key: _whole(key, value) for key, value in self._data["values"].items()}

    @property
    def seed(self) -> int:
        """The key of all random numbers."""
        return int(self._data["seed"])

    @property
    def episodes(self) -> int:
        """How many episodes there are at this point."""
        return int(self._data["episodes"])

    def __repr__(self) -> str:
        """Describe it in a line."""
        settings = ", ".join(f"{key} = {value}" for key, value in self.settings.items())
        return f"<slatesim.Point {settings}: return {self.returns}, {self.episodes} episodes>"


class Sweep(Result):
    """The result of `slatesim.sweep`.

    Tables (`to_pandas`, `to_polars`) have a column for each key that varies. They are `"figures"`, a row a point with its number of
    episodes and the columns of `flat`; `"curves"`, if the sweep kept them; `"quantiles"`, `"topics"` and `"positions"`.
    """

    _tables = ("figures", "curves", "quantiles", "topics", "positions")

    @property
    def first_episode(self) -> int:
        """The first episode of each point."""
        return int(self._all.get("first_episode", 0))

    @property
    def points(self) -> list[Point]:
        """The points in order: the last key's values fastest."""
        return [Point(point, int(point["episodes"])) for point in self._all["points"]]

    @property
    def varied(self) -> list[str]:
        """The keys that vary."""
        return list(self._all["varied"])

    @property
    def pipelines(self) -> int | None:
        """How many pipelines were compiled on a GPU; None on the host."""
        pipelines = self._all.get("pipelines")
        return None if pipelines is None else int(pipelines)

    @property
    def dispatches(self) -> int | None:
        """How many commands a GPU was given; None on the host."""
        dispatches = self._all.get("dispatches")
        return None if dispatches is None else int(dispatches)

    @property
    def kernel_seconds(self) -> float | None:
        """How long a GPU computed; None on the host, and where it has no clock."""
        return number(self._all.get("kernel_seconds"))

    def _told(self) -> str:
        return f"{len(self._all['points'])} points of {', '.join(self.varied)}, {self.episodes} episodes of each"

    def _columns(self, what: str) -> Columns:
        episodes = what == "figures"
        return of_figures(
            what, [({**point.settings, **({"episodes": point.episodes} if episodes else {})}, point) for point in self.points]
        )

    def plot(self, what: str = "return", *, ax: "Axes | None" = None) -> "Axes":
        """Draw a picture, on `ax` if it is given, and return the axes.

        `what` is one of

        - `"return"`, `"length"`, `"click_rate"`, `"reward_slope"`: the figure, with intervals of 95 % except in heat maps;
        - `"distribution"`: the median, the middle half and the middle 90 % of the returns;
        - `"reward_per_step"`, `"click_rate_per_step"`, `"running_per_step"`: a curve over the step for each of up to 12 points.

        One key makes a line where its values are numbers, else a mark for each value. Two keys make a heat map, or, where one
        has numbers and the other has none, a line for each value of the latter. Points of `zip=True` stand one beside the other.
        """
        return _plots.sweep(self, what, ax)
