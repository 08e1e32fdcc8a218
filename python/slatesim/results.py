"""Results of campaigns, and ways to look at them."""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import NDArray

from slatesim import _slatesim, plots
from slatesim.figures import Estimate, Figures, number

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from matplotlib.axes import Axes


class Result:
    """What all results have in common."""

    def __init__(self, json_text: str, text: str) -> None:
        """Wrap the JSON of a result, and the text that the command line prints."""
        self._json = json_text
        self._text = text
        self._all: dict[str, Any] = json.loads(json_text)

    @property
    def episodes(self) -> int:
        """How many episodes there are (of each variant, or at each point)."""
        return int(self._all["episodes"])

    @property
    def is_partial(self) -> bool:
        """Whether episodes are missing, because the work was interrupted or parts are missing."""
        return bool(self._all.get("partial", False))

    @property
    def warnings(self) -> list[str]:
        """What is doubtful about the figures."""
        return [warning if isinstance(warning, str) else str(warning["text"]) for warning in self._all["warnings"]]

    @property
    def backend(self) -> dict[str, str]:
        """What computed it: `name`, `device` and `driver`."""
        return dict(self._all["backend"])

    @property
    def seconds(self) -> float | None:
        """Wall-clock time."""
        return number(self._all.get("seconds"))

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

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self._text)}</pre>"


class Report(Result, Figures):
    """The result of `slatesim.evaluate` and `slatesim.merge`."""

    def __init__(self, json_text: str, text: str) -> None:
        """Wrap a report."""
        Result.__init__(self, json_text, text)
        Figures.__init__(self, self._all, int(self._all["episodes"]))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` or `slatesim evaluate --json` has written; damage is noticed."""
        return cls(*_slatesim.read_report(text))

    @property
    def seed(self) -> int | None:
        """The key of all random numbers; None where reports of several seeds were merged."""
        return None if self._all["seed"] is None else int(self._all["seed"])

    def to_pandas(self) -> "pd.DataFrame":
        """Return the curves, a row a step."""
        import pandas as pd

        return pd.DataFrame(self.curves)

    def to_polars(self) -> "pl.DataFrame":
        """Return the curves, a row a step."""
        import polars as pl

        return pl.DataFrame(self.curves)

    def plot(self, ax: "Axes | None" = None, what: str = "reward") -> "Axes":
        """Draw the curve of `what`, `"reward"` or `"click_rate"`, over the step, with a band of 95 %."""
        return plots.curve(self, ax, what)


class Variant(Figures):
    """One of the variants of a comparison."""

    @property
    def label(self) -> str:
        """The label."""
        return str(self._data["label"])


@dataclass(frozen=True)
class Difference(Estimate):
    """The mean return of `a` less that of `b`, on the same users."""

    a: str
    b: str
    ci95: tuple[float, float] | None
    """Its interval of 95 %."""
    ci95_simultaneous: tuple[float, float] | None
    """The interval that holds together with those of all pairs (Bonferroni)."""
    p_value: float | None
    p_value_adjusted: float | None
    """Corrected for all pairs (Holm)."""


def _pair(value: Sequence[float] | None) -> tuple[float, float] | None:
    return None if value is None else (float(value[0]), float(value[1]))


class Comparison(Result):
    """The result of `slatesim.compare`."""

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
            )
            for pair in self._all["differences"]
        ]

    @property
    def best(self) -> str | None:
        """The label of the variant with the largest mean return."""
        best = self._all.get("best")
        return None if best is None else str(best["label"])

    @property
    def confidence(self) -> float | None:
        """How sure it is that the best one is the best."""
        return number((self._all.get("best") or {}).get("confidence"))

    def to_pandas(self) -> "pd.DataFrame":
        """Return the differences, a row a pair."""
        import pandas as pd

        return pd.DataFrame(self._rows())

    def to_polars(self) -> "pl.DataFrame":
        """Return the differences, a row a pair."""
        import polars as pl

        return pl.DataFrame(self._rows())

    def _rows(self) -> list[dict[str, Any]]:
        return [
            {
                "a": pair.a,
                "b": pair.b,
                "mean": pair.mean,
                "standard_error": pair.standard_error,
                "low": None if pair.ci95_simultaneous is None else pair.ci95_simultaneous[0],
                "high": None if pair.ci95_simultaneous is None else pair.ci95_simultaneous[1],
                "p_value_adjusted": pair.p_value_adjusted,
            }
            for pair in self.differences
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the difference of every pair with its simultaneous interval."""
        return plots.differences(self, ax)


class Point(Figures):
    """One point of a sweep."""

    @property
    def settings(self) -> dict[str, Any]:
        """The values of the keys that vary."""
        return dict(self._data["values"])

    @property
    def episodes(self) -> int:
        """How many episodes there are at this point."""
        return int(self._data["episodes"])


class Sweep(Result):
    """The result of `slatesim.sweep`."""

    @property
    def points(self) -> list[Point]:
        """The points in order: the last key's values fastest."""
        return [Point(point, int(point["episodes"])) for point in self._all["points"]]

    @property
    def varied(self) -> list[str]:
        """The keys that vary."""
        return list(self._all["varied"])

    def _rows(self) -> list[dict[str, Any]]:
        return [point.settings | {"episodes": point.episodes} | point.flat() for point in self.points]

    def to_pandas(self) -> "pd.DataFrame":
        """Return a row a point: its values and its figures."""
        import pandas as pd

        return pd.DataFrame(self._rows())

    def to_polars(self) -> "pl.DataFrame":
        """Return a row a point: its values and its figures."""
        import polars as pl

        return pl.DataFrame(self._rows())

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the mean return over the values of the one key that varies, or as a heat map over those of two."""
        return plots.points(self, ax)


class Trace:
    """Every step of some episodes, from `slatesim.trace`."""

    def __init__(self, arrays: dict[str, NDArray[Any]], episodes: int) -> None:
        """Wrap columns."""
        self.arrays = arrays
        """The columns by the names of docs/trajectories.md, a row a step. Missing whole numbers are -1, others NaN."""
        self.episodes = episodes
        """How many episodes there are."""

    def to_pandas(self) -> "pd.DataFrame":
        """Return a row a step."""
        import pandas as pd

        return pd.DataFrame(self.arrays)

    def to_polars(self) -> "pl.DataFrame":
        """Return a row a step."""
        import polars as pl

        return pl.DataFrame(self.arrays)

    def __repr__(self) -> str:
        """Say how much there is."""
        steps = len(next(iter(self.arrays.values()), ()))
        return f"<slatesim.Trace: {self.episodes} episodes, {steps} steps, {len(self.arrays)} columns>"
