"""Pictures of results, by matplotlib."""

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from slatesim.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from slatesim.results import Comparison, Report, Sweep


def axes(ax: "Axes | None") -> "Axes":
    """Return the axes to draw on: the given ones, or those of a new figure."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    return plt.subplots()[1]


def curve(report: "Report", ax: "Axes | None", what: str) -> "Axes":
    """Draw a curve over the step with a band of 95 %."""
    curves = report.curves
    if f"{what}_standard_error" not in curves:
        known = [name.removesuffix("_standard_error") for name in curves if name.endswith("_standard_error")]
        message = f"there is no curve {what!r}; allowed is one of {known}, which `curves=False` leaves out"
        raise ConfigError(message)
    ax = axes(ax)
    reach = NormalDist().inv_cdf(0.975) * np.nan_to_num(curves[f"{what}_standard_error"])
    ax.plot(curves["step"], curves[what])
    ax.fill_between(curves["step"], curves[what] - reach, curves[what] + reach, alpha=0.3, linewidth=0)
    ax.set_xlabel("step")
    ax.set_ylabel(what.replace("_", " "))
    return ax


def differences(comparison: "Comparison", ax: "Axes | None") -> "Axes":
    """Draw the difference of every pair with its simultaneous interval."""
    ax = axes(ax)
    pairs = list(reversed(comparison.differences))
    for row, pair in enumerate(pairs):
        if pair.ci95_simultaneous is not None:
            ax.plot(pair.ci95_simultaneous, (row, row), color="C0")
        if pair.mean is not None:
            ax.plot([pair.mean], [row], "o", color="C0")
    ax.axvline(0.0, color="grey", linewidth=1)
    ax.set_yticks(range(len(pairs)), [f"{pair.a} - {pair.b}" for pair in pairs])
    ax.set_xlabel("difference of the mean returns, 95 % for all together")
    return ax


def points(sweep: "Sweep", ax: "Axes | None") -> "Axes":
    """Draw the mean return over the values of the one key that varies, or as a heat map over those of two."""
    means = [np.nan if point.returns.mean is None else point.returns.mean for point in sweep.points]
    ticks = {key: [_tick(point.settings[key]) for point in sweep.points] for key in sweep.varied}
    match sweep.varied:
        case [key]:
            ax = axes(ax)
            intervals = [point.returns.interval() or (np.nan, np.nan) for point in sweep.points]
            reach = [(high - low) / 2 for low, high in intervals]
            ax.errorbar(ticks[key], means, yerr=reach, marker="o", capsize=3)
            ax.set_xlabel(key)
            ax.set_ylabel("mean return")
        case [down, along]:
            ax = axes(ax)
            rows, columns = list(dict.fromkeys(ticks[down])), list(dict.fromkeys(ticks[along]))
            grid = np.full((len(rows), len(columns)), np.nan)
            for row, column, mean in zip(ticks[down], ticks[along], means, strict=True):
                grid[rows.index(row), columns.index(column)] = mean
            image = ax.imshow(grid, aspect="auto", origin="lower")
            ax.set_xticks(range(len(columns)), [str(value) for value in columns])
            ax.set_yticks(range(len(rows)), [str(value) for value in rows])
            ax.set_xlabel(along)
            ax.set_ylabel(down)
            ax.figure.colorbar(image, ax=ax, label="mean return")
        case varied:
            message = f"{len(varied)} keys vary, and a picture has two axes; allowed are one or two keys"
            raise ConfigError(message)
    return ax


def _tick(value: Any) -> float | str:
    """Return a number as it is, and everything else as text."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else str(value)
