"""Pictures of results, by matplotlib."""

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slatesim import _drawing as drawing
from slatesim.errors import ConfigError
from slatesim.listing import environments, layers, policies, run_keys

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from slatesim.results import Comparison, Point, Report, Sweep
    from slatesim.traces import Trace

_MOST_PAIRS = 45
_MOST_EPISODES = 10
_MOST_WRITTEN_COLUMNS = 8


def report(report: "Report", what: str, ax: "Axes | None") -> "Axes":
    """Draw a picture of a report; see `Report.plot`."""
    drawing.chosen(what, (*drawing.CURVES, "distribution", "topics", "positions"))
    policy = str(report.policy["name"])
    if what == "topics" and not report.topics:
        message = f"the documents of {report.environment['name']} have no topics to draw; allowed is another `what`"
        raise ConfigError(message)
    if what in drawing.CURVES:
        return drawing.curves(ax, [(policy, report)], what)
    ax = drawing.axes(ax)
    match what:
        case "distribution":
            drawing.distribution(ax, report.returns, policy)
        case "topics":
            drawing.bars(ax, [topic.click_share for topic in report.topics], "topic", "clicks per step")
        case _:
            drawing.bars(ax, [position.click_rate for position in report.positions], "position in the slate", "clicks per step")
    return ax


def comparison(comparison: "Comparison", what: str, ax: "Axes | None") -> "Axes":
    """Draw a picture of a comparison; see `Comparison.plot`."""
    drawing.chosen(what, ("differences", *drawing.ESTIMATES, "distribution", *drawing.CURVES))
    variants = list(comparison.variants.items())
    if what in drawing.CURVES:
        return drawing.curves(ax, variants, what)
    if what == "differences":
        pairs = comparison.differences
        if len(pairs) > _MOST_PAIRS:
            pairs = [pair for pair in pairs if comparison.best in (pair.a, pair.b)]
        ax = drawing.axes(ax, len(pairs))
        rows = [(f"{pair.a} - {pair.b}", drawing.value(pair.mean), pair.ci95_simultaneous) for pair in pairs]
        ax.axvline(0.0, color="grey", linewidth=1)
        discounts = list(variants[0][1].discounted_returns)
        discounted = f"discounted by {discounts[0]:g},\n" if discounts else ""
        drawing.dots(ax, rows, f"difference of the mean returns,\n{discounted}intervals of 95 % for all together")
    elif what in drawing.ESTIMATES:
        estimates = [(label, drawing.estimate_of(variant, what)) for label, variant in variants]
        rows = [(label, drawing.value(estimate.mean), estimate.interval()) for label, estimate in estimates]
        ax = drawing.axes(ax, len(rows))
        drawing.dots(ax, rows, f"{drawing.ESTIMATES[what]}, intervals of 95 %")
    else:
        ax = drawing.axes(ax, len(variants))
        drawing.spreads(ax, [(label, variant.returns) for label, variant in variants], vertical=False)
    return ax


def sweep(sweep: "Sweep", what: str, ax: "Axes | None") -> "Axes":
    """Draw a picture of a sweep; see `Sweep.plot`."""
    drawing.chosen(what, (*drawing.ESTIMATES, "distribution", *drawing.CURVES))
    points = sweep.points
    if what in drawing.CURVES:
        return _curves(points, what, ax)
    values = {key: [_setting(point, key) for point in points] for key in sweep.varied}
    # What has one value everywhere needs no axis.
    keys = [key for key in values if len(set(values[key])) > 1] or sweep.varied[:1]
    numeric = {key: all(map(_is_number, values[key])) for key in keys}
    if not _is_grid(values):
        return _listed(points, keys, what, ax)
    match keys:
        case [key] if numeric[key]:
            ax = drawing.axes(ax)
            _line(ax, values[key], points, what)
            ax.set_xlabel(_label(points[0], key))
        case [key]:
            return _listed(points, keys, what, ax)
        case [one, other] if numeric[one] != numeric[other]:
            along, by = (one, other) if numeric[one] else (other, one)
            ax = drawing.axes(ax)
            for group in dict.fromkeys(values[by]):
                chosen = [place for place, of in enumerate(values[by]) if of == group]
                _line(ax, [values[along][place] for place in chosen], [points[place] for place in chosen], what, drawing.tick(group))
            ax.set_xlabel(_label(points[0], along))
            ax.legend(title=_label(points[0], by))
        case [down, along] if what != "distribution":
            ax = drawing.axes(ax)
            _heat_map(ax, values[down], values[along], points, what)
            ax.set_xlabel(_label(points[0], along))
            ax.set_ylabel(_label(points[0], down))
        case [_, _]:
            message = "the distribution is drawn over one key, or over two of which one has numbers; allowed is another `what`"
            raise ConfigError(message)
        case _:
            message = f"{len(keys)} keys vary, and a picture has two axes; allowed are one or two, and `to_pandas()` has them all"
            raise ConfigError(message)
    return ax


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _setting(point: "Point", key: str) -> Any:
    """Return a number as it is, and everything else as text."""
    value = point.settings[key]
    return value if _is_number(value) else str(value)


def _is_grid(values: dict[str, list[Any]]) -> bool:
    """Tell whether every value is there with every other, rather than the first ones together, and so on."""
    together = len(set(zip(*values.values(), strict=True)))
    return together == np.prod([len(set(of_key)) for of_key in values.values()])


def _label(point: "Point", key: str) -> str:
    """Return a key with its unit, as far as it has one."""
    section, _, name = key.partition(".")
    known = run_keys()
    if section == "environment":
        known = environments()[point.environment["name"]].keys
    elif section == "policy" and name.startswith("layer."):
        name = name.rpartition("layer.")[2]
        known = {key: value for layer in layers().values() for key, value in layer.keys.items()}
    elif section == "policy":
        known = policies()[point.policy["name"]].keys
    found = known.get(name or section)
    return key if found is None or found.unit is None else f"{key} ({found.unit})"


def _line(ax: "Axes", at: Sequence[float], points: "Sequence[Point]", what: str, label: str | None = None) -> None:
    """Draw a figure over a number, with intervals."""
    order = sorted(range(len(at)), key=lambda place: at[place])
    at, points = [at[place] for place in order], [points[place] for place in order]
    if what == "distribution":
        drawing.bands(ax, at, [point.returns for point in points], label)
    else:
        estimates = [drawing.estimate_of(point, what) for point in points]
        means = [drawing.value(estimate.mean) for estimate in estimates]
        ax.errorbar(at, means, yerr=[drawing.reach(estimate) for estimate in estimates], marker="o", markersize=4, capsize=3, label=label)
        ax.set_ylabel(f"{drawing.ESTIMATES[what]}, intervals of 95 %")
    if all(isinstance(number, int) for number in at):
        drawing.whole_numbers(ax.xaxis)


def _listed(points: "Sequence[Point]", keys: Sequence[str], what: str, ax: "Axes | None") -> "Axes":
    """Draw a figure for each point, one beside the other in their order."""
    names = [", ".join(drawing.tick(point.settings[key]) for key in keys) for point in points]
    ax = drawing.axes(ax)
    if what == "distribution":
        drawing.spreads(ax, [(name, point.returns) for name, point in zip(names, points, strict=True)], vertical=True)
    else:
        estimates = [drawing.estimate_of(point, what) for point in points]
        means = [drawing.value(estimate.mean) for estimate in estimates]
        ax.errorbar(range(len(names)), means, yerr=[drawing.reach(estimate) for estimate in estimates], fmt="o", capsize=3)
        drawing.name_ticks(ax, names)
        ax.set_xlim(-0.5, max(len(names), 1) - 0.5)
        ax.set_ylabel(f"{drawing.ESTIMATES[what]}, intervals of 95 %")
    ax.set_xlabel(",\n".join(_label(points[0], key) for key in keys))
    return ax


def _heat_map(ax: "Axes", down: Sequence[Any], along: Sequence[Any], points: "Sequence[Point]", what: str) -> None:
    """Draw the means of a figure as colours, and write them down where there are few."""
    rows, columns = _ordered(down), _ordered(along)
    grid = np.full((len(rows), len(columns)), np.nan)
    for row, column, point in zip(down, along, points, strict=True):
        grid[rows.index(row), columns.index(column)] = drawing.value(drawing.estimate_of(point, what).mean)
    image = ax.imshow(grid, aspect="auto", origin="lower")
    drawing.name_ticks(ax, [drawing.tick(value) for value in columns])
    drawing.name_ticks(ax, [drawing.tick(value) for value in rows], vertical=True)
    ax.figure.colorbar(image, ax=ax, label=drawing.ESTIMATES[what])
    if len(columns) > _MOST_WRITTEN_COLUMNS or len(rows) > 2 * _MOST_WRITTEN_COLUMNS or np.isnan(grid).all():
        return
    middle = (np.nanmin(grid) + np.nanmax(grid)) / 2
    for (row, column), mean in np.ndenumerate(grid):
        if np.isfinite(mean):
            is_dark = mean < middle
            ax.text(column, row, f"{mean:#.4g}".rstrip("."), ha="center", va="center", color="white" if is_dark else "black")


def _ordered(values: Sequence[Any]) -> list[Any]:
    """List different values: numbers by their size, texts as they come."""
    different = list(dict.fromkeys(values))
    return sorted(different) if all(map(_is_number, different)) else different


def _curves(points: "Sequence[Point]", what: str, ax: "Axes | None") -> "Axes":
    """Draw a curve over the step for each point."""
    lines = [(", ".join(f"{key.rpartition('.')[2]} {drawing.tick(of)}" for key, of in point.settings.items()), point) for point in points]
    return drawing.curves(ax, lines, what)


def trace_column(trace: "Trace", what: str, ax: "Axes | None") -> "Axes":
    """Draw a column of a trace over the step; see `Trace.plot`."""
    if what not in trace.arrays:
        near = difflib.get_close_matches(str(what), trace.arrays, n=3) or list(trace.arrays)[:3]
        message = f"`what` = {what!r} is not allowed; allowed is a column of `arrays`, such as {', '.join(map(repr, near))}"
        raise ConfigError(message)
    episodes = _episodes(trace)
    ax = drawing.axes(ax)
    for episode in episodes[:_MOST_EPISODES]:
        chosen = trace.arrays["episode"] == episode
        steps, values = trace.arrays["step"][chosen], trace.arrays[what][chosen]
        style = {"linewidth": 1.0} if values.dtype.kind == "f" else {"marker": ".", "linestyle": "none"}
        ax.plot(steps, values, label=str(episode), **style)
    ax.set_xlabel("step")
    ax.set_ylabel(what)
    if trace.arrays[what].dtype.kind == "i":
        drawing.whole_numbers(ax.yaxis)
    ax.legend(title="episode")
    return ax


def trace_episode(trace: "Trace", episode: int | None) -> "list[Axes]":
    """Draw the reward and the user's state over the steps of an episode; see `Trace.plot_episode`."""
    from matplotlib import pyplot as plt

    episodes = _episodes(trace)
    episode = episodes[0] if episode is None else episode
    if episode not in episodes:
        message = f"`episode` = {episode!r} is not allowed; allowed is one from {episodes[0]} to {episodes[-1]}"
        raise ConfigError(message)
    chosen = trace.arrays["episode"] == episode
    step = trace.arrays["step"][chosen]
    panels: dict[str, list[str]] = {"reward": ["reward"]}
    for column in trace.arrays:
        # What the rounding of another column has left over is no state of its own.
        rounded = column.removesuffix("_rest")
        if column.startswith("user.") and (rounded == column or rounded not in trace.arrays):
            panels.setdefault(column.partition("[")[0].removeprefix("user."), []).append(column)
    figure, grid = plt.subplots(len(panels), sharex=True, squeeze=False, figsize=(6.4, 0.8 + 1.3 * len(panels)), layout="constrained")
    for ax, (name, columns) in zip(grid[:, 0], panels.items(), strict=True):
        for column in columns:
            ax.plot(step, trace.arrays[column][chosen], linewidth=1)
        ax.set_ylabel(name.replace("_", "\n"))
    grid[-1, 0].set_xlabel("step")
    figure.align_ylabels()
    figure.suptitle(f"episode {episode}")
    return list(grid[:, 0])


def _episodes(trace: "Trace") -> list[int]:
    """List the episodes of a trace."""
    episodes = [int(episode) for episode in dict.fromkeys(trace.arrays["episode"].tolist())]
    if not episodes:
        message = "the trace has no episode; allowed is one that was not interrupted before the first had ended"
        raise ConfigError(message)
    return episodes
