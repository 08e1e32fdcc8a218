"""What pictures of results are made of."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slatesim import _slatesim
from slatesim.errors import ConfigError
from slatesim.estimates import Estimate, Moments
from slatesim.figures import Figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

CURVES = {
    "reward_per_step": ("reward", "reward"),
    "click_rate_per_step": ("click_rate", "clicks per step"),
    "running_per_step": ("running", "episodes still running"),
}
"""The curves: their names in `Figures.curves`, and what stands at the axis."""

ESTIMATES = {
    "return": "mean return",
    "length": "mean length (steps)",
    "click_rate": "clicks per step",
    "reward_slope": "slope of the reward over the step",
}
"""The figures with intervals, and what stands at the axis."""

MOST_LINES = 12
"""Curves that one picture can have."""

_LEVEL = 0.95
_MANY = 2**53
_WIDEST_TICK = 24
_WIDEST_TICKS = 48
_MOST_TICKS = 16


def chosen(what: Any, allowed: Sequence[str]) -> None:
    """Refuse a picture that does not exist."""
    if not isinstance(what, str) or what not in allowed:
        message = f"`what` = {what!r} is not allowed; allowed is one of {', '.join(map(repr, allowed))}"
        raise ConfigError(message)


def axes(ax: "Axes | None", rows: int = 0) -> "Axes":
    """Return the axes to draw on: the given ones, or those of a new figure that is high enough for so many rows."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    return plt.subplots(layout="constrained", figsize=(6.4, max(4.8, 1.0 + 0.25 * rows)))[1]


def estimate_of(figures: Figures, name: str) -> Estimate:
    """Return one of the figures of `ESTIMATES`."""
    estimate = figures.returns if name == "return" else getattr(figures, name)
    assert isinstance(estimate, Estimate)
    return estimate


def reach(estimate: Estimate) -> float:
    """Return half the width of the interval of 95 %; NaN where there is none."""
    interval = estimate.interval()
    return np.nan if interval is None else (interval[1] - interval[0]) / 2


def value(number: float | None) -> float:
    """Return a number, or NaN."""
    return np.nan if number is None else number


def tick(setting: Any) -> str:
    """Write a value of a key beside an axis."""
    text = f"{setting:g}" if isinstance(setting, float) else str(setting)
    return text if len(text) <= _WIDEST_TICK else text[: _WIDEST_TICK - 1] + "…"


def whole_numbers(axis: "Axis") -> None:
    """Write whole numbers only beside an axis."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True))


def name_ticks(ax: "Axes", names: Sequence[str], *, vertical: bool = False) -> None:
    """Write names along an axis: not each of them where they are many, and slanting where they are long."""
    every = len(names) // (2 * _MOST_TICKS if vertical else _MOST_TICKS) + 1
    places, names = range(0, len(names), every), names[::every]
    if vertical:
        ax.set_yticks(places, names)
        return
    ax.set_xticks(places, names)
    if max(map(len, names), default=0) * len(names) > _WIDEST_TICKS:
        ax.tick_params("x", rotation=30)
        for label in ax.get_xticklabels():
            label.set_horizontalalignment("right")
            label.set_rotation_mode("anchor")


def curves(ax: "Axes | None", lines: Sequence[tuple[str, Figures]], what: str) -> "Axes":
    """Draw a curve over the step for each of some figures, with a band of 95 %.

    Steps without a standard error, which fewer than 30 episodes reach, are left out unless all are such.
    """
    name, label = CURVES[what]
    if len(lines) > MOST_LINES:
        message = f"{len(lines)} curves are too many for a picture; allowed are {MOST_LINES}, and `to_pandas('curves')` has all of them"
        raise ConfigError(message)
    if not all(figures.curves for _, figures in lines):
        message = "the result has no curves; `curves=True` keeps them"
        raise ConfigError(message)
    ax = axes(ax)
    for title, figures in lines:
        curve = figures.curves
        errors = curve.get(f"{name}_standard_error", np.full_like(curve["step"], np.nan))
        is_known = np.isfinite(errors) if np.isfinite(errors).any() else np.full(errors.shape, True)
        step, mean = curve["step"][is_known], curve[name][is_known]
        width = value(_slatesim.critical_value(_LEVEL, _MANY)) * errors[is_known]
        line = ax.plot(step, mean, label=title)[0]
        if name != "running":
            ax.fill_between(step, mean - width, mean + width, color=line.get_color(), alpha=0.25, linewidth=0)
    ax.set_xlabel("step")
    ax.set_ylabel(label)
    if name == "running":
        ax.set_ylim(bottom=0)
        ax.legend()
    else:
        ax.legend(title="mean, band of 95 %")
    return ax


def dots(ax: "Axes", rows: Sequence[tuple[str, float, tuple[float, float] | None]], label: str) -> None:
    """Draw a row for each of some means, with its interval, the first at the top."""
    for row, (_, mean, interval) in enumerate(reversed(rows)):
        if interval is not None:
            ax.plot(interval, (row, row), color="C0", linewidth=2, solid_capstyle="butt")
        ax.plot([mean], [row], "o", color="C0")
    ax.set_yticks(range(len(rows)), [name for name, _, _ in reversed(rows)])
    ax.set_ylim(-0.5, max(len(rows), 1) - 0.5)
    ax.margins(x=0.08)
    ax.set_xlabel(label)


def spreads(ax: "Axes", returns: Sequence[tuple[str, Moments]], *, vertical: bool) -> None:
    """Draw the median, the middle half and the middle 90 % of some returns; side by side if `vertical`, else one under the other."""
    spans = ax.vlines if vertical else ax.hlines
    for place, (_, of) in enumerate(returns if vertical else reversed(returns)):
        if of.quantiles:
            spans(place, of.quantiles[0.05], of.quantiles[0.95], color="C0", linewidth=1.5)
            spans(place, of.quantiles[0.25], of.quantiles[0.75], color="C0", linewidth=9, alpha=0.5)
            at = (place, of.quantiles[0.5])
            ax.plot(*([value] for value in (at if vertical else at[::-1])), "o", color="C0")
    label = "return: median, middle half and middle 90 %"
    names = [name for name, _ in returns]
    if vertical:
        name_ticks(ax, names)
        ax.set_xlim(-0.5, max(len(names), 1) - 0.5)
        ax.set_ylabel(label)
    else:
        ax.set_yticks(range(len(names)), names[::-1])
        ax.set_ylim(-0.5, max(len(names), 1) - 0.5)
        ax.set_xlabel(label)


def bands(ax: "Axes", at: Sequence[float], returns: Sequence[Moments], label: str | None = None) -> None:
    """Draw the median, the middle half and the middle 90 % of returns over a number."""
    quantiles = {share: [value(of.quantiles.get(share)) for of in returns] for share in (0.05, 0.25, 0.5, 0.75, 0.95)}
    line = ax.plot(at, quantiles[0.5], marker="o", label=label)[0]
    for low, high in ((0.05, 0.95), (0.25, 0.75)):
        ax.fill_between(at, quantiles[low], quantiles[high], color=line.get_color(), alpha=0.15, linewidth=0)
    ax.set_ylabel("return: median, middle half and middle 90 %")


def distribution(ax: "Axes", returns: Moments, label: str) -> None:
    """Draw the share of episodes with a return up to each value, from the quantiles that are known."""
    known = sorted(returns.quantiles.items())
    if returns.min is not None and returns.max is not None:
        known = [(0.0, returns.min), *known, (1.0, returns.max)]
    line = ax.plot([at for _, at in known], [share for share, _ in known], marker=".", label=label)[0]
    if returns.mean is not None:
        ax.axvline(returns.mean, color=line.get_color(), linestyle="--", linewidth=1, label=f"mean {returns.mean:.6g}")
    ax.set_xlabel("return")
    ax.set_ylabel("share of episodes with a return up to this")
    ax.legend()


def bars(ax: "Axes", heights: Sequence[Estimate], of: str, label: str) -> None:
    """Draw a bar for each of some figures, with intervals of 95 % as far as they are known."""
    intervals = [reach(height) for height in heights]
    ax.bar(range(len(heights)), [value(height.mean) for height in heights], color="C0", alpha=0.8)
    if any(np.isfinite(intervals)):
        ax.errorbar(range(len(heights)), [value(height.mean) for height in heights], yerr=intervals, fmt="none", ecolor="black", capsize=3)
        label += ", intervals of 95 %"
    name_ticks(ax, [str(number) for number in range(len(heights))])
    ax.set_xlabel(of)
    ax.set_ylabel(label)
