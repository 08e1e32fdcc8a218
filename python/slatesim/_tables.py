"""Results as tables: columns that pandas and polars take."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slatesim.errors import ConfigError
from slatesim.figures import Figures

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Columns = dict[str, Any]
"""Columns of equal length by their names: arrays, or lists in which None stands for what is missing."""


class Tables:
    """What can be looked at as tables of several kinds, the first of which is the one that is meant if none is named."""

    _tables: tuple[str, ...] = ()

    def _columns(self, what: str) -> Columns:
        raise NotImplementedError

    def _checked_columns(self, what: str | None) -> Columns:
        if what is None:
            return self._columns(self._tables[0])
        if what not in self._tables:
            message = f"`what` = {what!r} is not allowed; allowed is one of {', '.join(map(repr, self._tables))}"
            raise ConfigError(message)
        return self._columns(what)

    def to_pandas(self, what: str | None = None) -> "pd.DataFrame":
        """Return a table as pandas has them; `what` says which, see the class."""
        import pandas as pd

        return pd.DataFrame(self._checked_columns(what))

    def to_polars(self, what: str | None = None) -> "pl.DataFrame":
        """Return a table as polars has them; `what` says which, see the class."""
        import polars as pl

        return pl.DataFrame(self._checked_columns(what))


def of_figures(what: str, figures: Iterable[tuple[Mapping[str, Any], Figures]]) -> Columns:
    """Make a table of some figures, each with what tells it from the others, which becomes columns at the front."""
    rows: list[dict[str, Any]] = []
    match what:
        case "figures":
            rows = [{**told, **one.flat()} for told, one in figures]
        case "quantiles":
            for told, one in figures:
                lengths = one.length.quantiles
                rows += [
                    {**told, "share": share, "return": at, "length": lengths.get(share)} for share, at in one.returns.quantiles.items()
                ]
        case "topics":
            for told, one in figures:
                rows += [
                    {
                        **told,
                        "topic": number,
                        "impressions": topic.impressions,
                        "clicks": topic.clicks,
                        "click_rate": topic.click_rate.mean,
                        "click_rate_standard_error": topic.click_rate.standard_error,
                        "click_share": topic.click_share.mean,
                        "click_share_standard_error": topic.click_share.standard_error,
                    }
                    for number, topic in enumerate(one.topics)
                ]
        case "positions":
            for told, one in figures:
                rows += [
                    {
                        **told,
                        "position": number,
                        "clicks": position.clicks,
                        "click_rate": position.click_rate.mean,
                        "click_rate_standard_error": position.click_rate.standard_error,
                    }
                    for number, position in enumerate(one.positions)
                ]
        case _:
            return _curves(figures)
    return of_rows(rows)


def _curves(figures: Iterable[tuple[Mapping[str, Any], Figures]]) -> Columns:
    parts = []
    for told, one in figures:
        curves = one.curves
        if not curves:
            message = "the result has no curves; `curves=True` keeps them"
            raise ConfigError(message)
        parts.append((told, curves))
    rows = [told for told, curves in parts for _ in curves["step"]]
    return of_rows(rows) | {name: np.concatenate([curves[name] for _, curves in parts]) for name in (parts[0][1] if parts else ())}


def of_rows(rows: Sequence[Mapping[str, Any]]) -> Columns:
    """Turn rows into columns; what a row does not have is None there."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _of_one_type([row.get(name) for row in rows]) for name in names}


def _of_one_type(values: list[Any]) -> list[Any]:
    """Make one type of the values of a column: text, where they are of several, and floats of whole numbers beside fractions."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) < 2:
        return values
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    return [None if value is None else str(value) for value in values]
