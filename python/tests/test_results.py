"""Results: their attributes hold all that their JSON has, and their tables and pictures show it."""

import json
import math
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib import pyplot as plt

import slatesim
from slatesim._progress import Progress

mpl.use("Agg")

LTS = "long_term_satisfaction"
QUIET = {"backend": "cpu", "progress": False}


@pytest.fixture(scope="module")
def report() -> slatesim.Report:
    """Have topics, positions, quality, a discount, lengths that differ, and enough blocks for their standard errors."""
    return slatesim.evaluate(environment="interest_evolution", episodes=8192, discount=[0.9, 0.99], **QUIET)


@pytest.fixture(scope="module")
def comparison() -> slatesim.Comparison:
    return slatesim.compare(
        environment="interest_exploration", max_steps=20, policies=["random", "greedy_pctr", "cluster_bandit"], episodes=1024, **QUIET
    )


@pytest.fixture(scope="module")
def sweep() -> slatesim.Sweep:
    vary = {"policy.order": ["min", "max"], "environment.user.sensitivity": [0.1, 0.01]}
    return slatesim.sweep(environment=LTS, policy="greedy", vary=vary, episodes=512, curves=True, **QUIET)


@pytest.fixture(autouse=True)
def no_picture_stays_open() -> object:
    yield
    plt.close("all")


# What each key of JSON is read by. A key that is in none of these tables has no attribute.
OF_FIGURES = {
    "environment": "environment",
    "policy": "policy",
    "max_steps": "max_steps",
    "user_steps": "user_steps",
    "return": "returns",
    "non_finite_returns": "non_finite_returns",
    "truncated": "truncated",
    "discounted_returns": "discounted_returns",
    "invalid_choices": "invalid_choices",
    "length": "length",
    "click_rate": "click_rate",
    "reward_per_step": "curves",
    "reward_per_step_standard_error": "curves",
    "click_rate_per_step": "curves",
    "click_rate_per_step_standard_error": "curves",
    "running_per_step": "curves",
    "curve_bins": "curves",
    "reward_slope": "reward_slope",
    "topics": "topics",
    "slots": "positions",
    "clicked_quality": "clicked_quality",
}
OF_RESULTS = {
    "slatesim": "version",
    "episodes": "episodes",
    "partial": "is_partial",
    "warnings": "warnings",
    "uncertainty": "scope",
    "backend": "backend",
    "seconds": "seconds",
    "user_steps_per_second": "user_steps_per_second",
}
OF_STOPPED = {"target_reached": "stopping", "stopping": "stopping"}
OF_REPORTS = OF_FIGURES | OF_RESULTS | OF_STOPPED | {key: key for key in ("seed", "seeds", "by_seed", "return_across_seeds", "shard")}
OF_COMPARISONS = (
    OF_RESULTS
    | OF_STOPPED
    | {"seed": "seed", "first_episode": "first_episode", "policies": "variants", "differences": "differences", "best": "best"}
)
OF_SWEEPS = OF_RESULTS | {key: key for key in ("first_episode", "varied", "points", "pipelines", "dispatches", "kernel_seconds")}
FORMAT_ONLY = {"schema", "state"}


def has_all(thing: object, told: dict, attributes: dict) -> None:
    for key in told.keys() - FORMAT_ONLY:
        assert key in attributes, f"no attribute holds {key!r}"
        getattr(thing, attributes[key])


def test_every_key_of_json_has_an_attribute(report: slatesim.Report, comparison: slatesim.Comparison, sweep: slatesim.Sweep) -> None:
    seeds = [slatesim.evaluate(environment=LTS, episodes=256, seed=seed, **QUIET) for seed in (1, 2)]
    reports = [
        report,
        slatesim.evaluate(environment=LTS, max_steps=6000, episodes=300, settings={"environment.user.time_budget": 6000}, **QUIET),
        slatesim.evaluate(environment=LTS, target_half_width=5.0, **QUIET),
        slatesim.evaluate(environment=LTS, episodes=512, shard="1/2", settings={"environment.resample_documents": False}, **QUIET),
        slatesim.merge(seeds, pool_seeds=True),
    ]
    keys = set()
    for one in reports:
        told = one.to_dict()
        has_all(one, told, OF_REPORTS)
        keys |= told.keys()
    assert {"curve_bins", "stopping", "shard", "by_seed", "uncertainty", "topics"} <= keys
    has_all(comparison, comparison.to_dict(), OF_COMPARISONS)
    for told, variant in zip(comparison.to_dict()["policies"], comparison.variants.values(), strict=True):
        has_all(variant, told, OF_FIGURES | {"label": "label"})
    assert set(comparison.to_dict()["best"]) == {"label", "confidence", "closest", "margin", "margin_ci95", "may_be_best"}
    has_all(sweep, sweep.to_dict(), OF_SWEEPS)
    for told, point in zip(sweep.to_dict()["points"], sweep.points, strict=True):
        has_all(point, told, OF_FIGURES | {"values": "settings", "seed": "seed", "episodes": "episodes"})


def test_attributes_are_the_numbers_of_json(report: slatesim.Report) -> None:
    told = report.to_dict()
    returns = report.returns
    assert (returns.min, returns.max, returns.largest_share) == tuple(told["return"][key] for key in ("min", "max", "largest_share"))
    assert returns.trimmed_mean is not None
    assert returns.trimmed_mean.interval() == pytest.approx(told["return"]["trimmed_mean"]["ci95"])
    assert list(report.discounted_returns) == [0.9, 0.99]
    assert report.discounted_returns[0.99].mean == told["discounted_returns"][1]["mean"]
    assert (report.truncated.mean, report.truncated_episodes) == (0.0, 0)
    assert len(report.topics) == 20
    assert report.topics[3].click_share.standard_error == told["topics"][3]["click_share_standard_error"]
    assert report.topics[3].click_rate.mean == report.topics[3].clicks / report.topics[3].impressions
    assert report.positions[1].clicks == told["slots"][1]["clicks"]
    assert report.clicked_quality is not None
    assert report.clicked_quality.clicks == sum(topic.clicks for topic in report.topics)
    assert report.stopping is None
    assert (report.shard, report.seeds, report.by_seed, report.return_across_seeds) == (None, [0], {}, None)


def test_flat_has_every_mean_that_is_known(report: slatesim.Report) -> None:
    flat = report.flat()
    assert flat["return_discounted_0.9/mean"] == report.discounted_returns[0.9].mean
    assert flat["clicked_quality/standard_error"] == report.clicked_quality.standard_error
    assert flat["return/quantile_0.5"] == report.returns.quantiles[0.5]
    assert all(math.isfinite(value) for value in flat.values())


def test_a_target_says_how_it_was_reached_or_why_not() -> None:
    reached = slatesim.evaluate(environment=LTS, target_half_width=5.0, **QUIET).stopping
    assert reached is not None
    assert (reached.is_reached, reached.reason, reached.target_half_width, reached.extension) == (True, None, 5.0, None)
    assert reached.half_width is not None
    assert reached.half_width <= 5.0
    missed = slatesim.evaluate(environment=LTS, target_standard_error=0.1, max_episodes=4096, **QUIET).stopping
    assert missed is not None
    assert (missed.is_reached, missed.target_standard_error, missed.max_episodes) == (False, 0.1, 4096)
    assert missed.reason
    compared = slatesim.compare(environment=LTS, policies=["random", "static"], target_half_width=20.0, **QUIET).stopping
    assert compared is not None
    assert compared.is_reached


def test_several_seeds_are_told_apart() -> None:
    parts = [slatesim.evaluate(environment=LTS, episodes=512, seed=seed, **QUIET) for seed in (3, 2**64 - 1, 5)]
    merged = slatesim.merge(parts, pool_seeds=True)
    assert merged.seed is None
    assert merged.seeds == [3, 5, 2**64 - 1]
    assert merged.by_seed[5].mean == parts[2].returns.mean
    across = merged.return_across_seeds
    assert across is not None
    means = [part.returns.mean for part in parts]
    assert across.mean == pytest.approx(np.mean(means))
    assert across.standard_error == pytest.approx(np.std(means, ddof=1) / math.sqrt(3))
    assert across.interval() == pytest.approx(merged.to_dict()["return_across_seeds"]["ci95"])


def test_a_comparison_tells_what_may_be_best(comparison: slatesim.Comparison) -> None:
    best = comparison.to_dict()["best"]
    assert (comparison.best, comparison.closest, comparison.may_be_best) == (best["label"], best["closest"], best["may_be_best"])
    assert comparison.margin_ci95 is not None
    assert comparison.margin_ci95[0] < comparison.margin < comparison.margin_ci95[1]
    difference = comparison.differences[0]
    assert difference.variance_reduction == comparison.to_dict()["differences"][0]["variance_reduction"]
    assert difference.correlation is not None
    assert -1 <= difference.correlation <= 1


def test_points_have_their_seeds_as_numbers() -> None:
    sweep = slatesim.sweep(environment=LTS, vary={"seed": [2**64 - 1, 3]}, episodes=256, **QUIET)
    assert [point.settings["seed"] for point in sweep.points] == [point.seed for point in sweep.points] == [2**64 - 1, 3]
    assert sweep.to_polars()["seed"].to_list() == [2**64 - 1, 3]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_tables_have_the_rows_and_columns_that_they_promise(
    library: str, report: slatesim.Report, comparison: slatesim.Comparison, sweep: slatesim.Sweep
) -> None:
    def table(result: slatesim.Report | slatesim.Comparison | slatesim.Sweep, *what: str) -> pd.DataFrame | pl.DataFrame:
        return getattr(result, f"to_{library}")(*what)

    steps = len(report.curves["step"])
    assert table(report).shape == (steps, 6)
    assert table(report, "figures").shape == (1, len(report.flat()))
    assert list(table(report, "quantiles")["return"]) == list(report.returns.quantiles.values())
    assert len(table(report, "topics")) == 20
    assert list(table(report, "positions")["clicks"]) == [position.clicks for position in report.positions]

    assert list(table(comparison)["b"]) == ["greedy_pctr", "cluster_bandit", "cluster_bandit"]
    intervals = list(zip(table(comparison)["ci95_simultaneous_low"], table(comparison)["ci95_simultaneous_high"], strict=True))
    assert intervals == [pair.ci95_simultaneous for pair in comparison.differences]
    figures = table(comparison, "figures")
    assert list(figures["label"]) == list(comparison.variants)
    assert list(figures["return/mean"]) == [variant.returns.mean for variant in comparison.variants.values()]
    curves = table(comparison, "curves")
    assert list(curves.columns)[:3] == ["label", "step", "reward"]
    assert len(curves) == 3 * 20
    assert list(curves["reward"])[20:40] == comparison.variants["greedy_pctr"].curves["reward"].tolist()

    assert list(table(sweep)["environment.user.sensitivity"]) == [0.1, 0.01, 0.1, 0.01]
    assert list(table(sweep)["episodes"]) == [512] * 4
    curves = table(sweep, "curves")
    assert list(curves.columns)[:3] == ["policy.order", "environment.user.sensitivity", "step"]
    assert len(curves) == 4 * 60
    assert list(curves["policy.order"])[119:121] == ["min", "max"]
    assert list(curves["reward"])[-60:] == sweep.points[-1].curves["reward"].tolist()
    assert len(table(sweep, "quantiles")) == 4 * 9


def test_values_of_several_types_make_a_column_of_one() -> None:
    mixed = slatesim.sweep(environment=LTS, vary={"environment.user.sensitivity": [0.01, 1]}, episodes=256, **QUIET)
    assert mixed.to_polars().schema["environment.user.sensitivity"] == pl.Float64
    lists = slatesim.sweep(
        environment="interest_exploration",
        max_steps=5,
        vary={"environment.document.topic_quality_mean": [[0.8, 0.2], [0.5, 0.5]]},
        episodes=256,
        **QUIET,
    )
    assert lists.to_polars().shape[0] == lists.to_pandas().shape[0] == 2


def test_tables_that_do_not_exist_are_refused_with_those_that_do(report: slatesim.Report) -> None:
    with pytest.raises(slatesim.ConfigError, match="`what` = 'curve' is not allowed; allowed is one of 'curves', 'figures'"):
        report.to_pandas("curve")
    without = slatesim.sweep(environment=LTS, vary={"seed": [1]}, episodes=256, **QUIET)
    for show in (without.to_pandas, without.to_polars):
        with pytest.raises(slatesim.ConfigError, match="`curves=True` keeps them"):
            show("curves")
    with pytest.raises(slatesim.ConfigError, match="`curves=True` keeps them"):
        without.plot("reward_per_step")


def test_a_trace_is_a_table_of_steps() -> None:
    trace = slatesim.trace(environment=LTS, first=2, **QUIET)
    assert trace.to_pandas().shape == trace.to_polars("steps").shape == (120, len(trace.arrays))
    with pytest.raises(slatesim.ConfigError, match="allowed is one of 'steps'"):
        trace.to_polars("curves")


def heights(ax: plt.Axes) -> list[float]:
    return [float(value) for value in ax.lines[0].get_ydata()]


def test_pictures_of_a_report_have_its_numbers(report: slatesim.Report) -> None:
    curve = report.plot()
    known = np.isfinite(report.curves["reward_standard_error"])
    assert heights(curve) == report.curves["reward"][known].tolist()
    assert (curve.get_xlabel(), curve.get_ylabel()) == ("step", "reward")
    band = curve.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() > max(heights(curve))
    assert heights(report.plot("running_per_step"))[0] == 8192
    distribution = report.plot("distribution")
    assert distribution.lines[0].get_xdata().tolist() == [report.returns.min, *report.returns.quantiles.values(), report.returns.max]
    assert [bar.get_height() for bar in report.plot("topics").patches] == [topic.click_share.mean for topic in report.topics]
    assert [bar.get_height() for bar in report.plot("positions").patches] == [one.click_rate.mean for one in report.positions]


def test_pictures_go_where_they_are_told(report: slatesim.Report, comparison: slatesim.Comparison, sweep: slatesim.Sweep) -> None:
    trace = slatesim.trace(environment=LTS, **QUIET)
    for result in (report, comparison, sweep, trace):
        axes = plt.subplots()[1]
        assert result.plot(ax=axes) is axes


def test_pictures_of_a_comparison_have_its_numbers(comparison: slatesim.Comparison) -> None:
    pictures = comparison.plot()
    labels = [text.get_text() for text in pictures.get_yticklabels()]
    assert labels[::-1] == [f"{pair.a} - {pair.b}" for pair in comparison.differences]
    assert "difference of the mean returns" in pictures.get_xlabel()
    means = [float(line.get_xdata()[0]) for line in comparison.plot("return").lines if line.get_marker() == "o"]
    assert means[::-1] == [variant.returns.mean for variant in comparison.variants.values()]
    medians = comparison.plot("distribution")
    shown = [float(line.get_xdata()[0]) for line in medians.lines]
    assert shown[::-1] == [variant.returns.quantiles[0.5] for variant in comparison.variants.values()]
    assert [text.get_text() for text in medians.get_yticklabels()][::-1] == list(comparison.variants)
    curves = comparison.plot("click_rate_per_step")
    assert [line.get_label() for line in curves.lines] == list(comparison.variants)


def test_pictures_of_many_variants_and_points_stay_readable() -> None:
    variants = {f"{number}": {"environment.user.sensitivity": number / 100} for number in range(1, 13)}
    many = slatesim.compare(environment=LTS, variants=variants, episodes=256, **QUIET)
    labels = [text.get_text() for text in many.plot().get_yticklabels()]
    assert len(labels) == 11
    assert all(many.best in label.split(" - ") for label in labels)
    zipped = slatesim.sweep(
        environment=LTS, zip=True, vary={"seed": range(100), "environment.slate_size": [1, 2] * 50}, episodes=256, **QUIET
    )
    assert len(zipped.plot().get_xticklabels()) <= 16


def test_a_key_with_numbers_makes_a_line_along_their_order() -> None:
    line = slatesim.sweep(environment=LTS, vary={"environment.user.time_budget": [30, 10, 20], "seed": [4]}, episodes=256, **QUIET)
    axes = line.plot("length")
    assert axes.lines[0].get_xdata().tolist() == heights(axes) == [10, 20, 30]
    assert axes.get_xlabel() == "environment.user.time_budget (steps)"
    assert line.plot("distribution").lines[0].get_xdata().tolist() == [10, 20, 30]


def test_a_key_without_numbers_makes_a_mark_for_each_value() -> None:
    for values in ([False, True], [True]):
        flags = slatesim.sweep(environment=LTS, vary={"policy.with_replacement": values}, episodes=256, **QUIET)
        for what in ("return", "distribution"):
            assert [text.get_text() for text in flags.plot(what).get_xticklabels()] == [str(value) for value in values]


def test_a_key_with_numbers_and_one_without_make_a_line_for_each_of_the_latter(sweep: slatesim.Sweep) -> None:
    for what in ("return", "distribution"):
        axes = sweep.plot(what)
        assert axes.get_xlabel() == "environment.user.sensitivity"
        legend = axes.get_legend()
        assert legend.get_title().get_text() == "policy.order"
        assert [text.get_text() for text in legend.get_texts()] == ["min", "max"]
    assert heights(sweep.plot())[::-1] == [point.returns.mean for point in sweep.points[:2]]


def test_two_keys_of_one_kind_make_a_heat_map() -> None:
    vary = {"environment.user.time_budget": [20, 10], "environment.slate_size": [1, 2, 3]}
    grid = slatesim.sweep(environment=LTS, vary=vary, episodes=256, **QUIET)
    axes = grid.plot("length")
    assert axes.images[0].get_array().tolist() == [[10.0] * 3, [20.0] * 3]
    assert axes.get_xlabel() == "environment.slate_size (documents)"
    texts = slatesim.sweep(
        environment=LTS,
        vary={"policy.name": ["random", "static"], "environment.resample_documents": [False, True]},
        episodes=256,
        **QUIET,
    )
    assert [text.get_text() for text in texts.plot().get_yticklabels()] == ["random", "static"]
    with pytest.raises(slatesim.ConfigError, match="over one key, or over two of which one has numbers"):
        grid.plot("distribution")


def test_values_that_go_together_stand_side_by_side() -> None:
    vary = {"environment.user.choc_mean": [5, 6, 7], "environment.user.kale_mean": [4, 3, 2]}
    zipped = slatesim.sweep(environment=LTS, zip=True, vary=vary, episodes=256, **QUIET)
    for what in ("return", "distribution"):
        assert [text.get_text() for text in zipped.plot(what).get_xticklabels()] == ["5, 4", "6, 3", "7, 2"]


def test_pictures_that_cannot_be_drawn_are_refused_with_the_reason(report: slatesim.Report, comparison: slatesim.Comparison) -> None:
    for result, first in ((report, "reward_per_step"), (comparison, "differences")):
        for what in ("rewards", 3, None):
            with pytest.raises(slatesim.ConfigError, match=f"`what` = {what!r} is not allowed; allowed is one of '{first}'"):
                result.plot(what)
    keys = {"environment.slate_size": [1, 2], "seed": [1, 2], "environment.user.sensitivity": [0.01, 0.02]}
    cube = slatesim.sweep(environment=LTS, vary=keys, episodes=256, **QUIET)
    with pytest.raises(slatesim.ConfigError, match="3 keys vary"):
        cube.plot()
    many = slatesim.sweep(environment=LTS, vary={"seed": range(13)}, episodes=256, curves=True, **QUIET)
    with pytest.raises(slatesim.ConfigError, match="13 curves are too many for a picture; allowed are 12"):
        many.plot("reward_per_step")
    without = slatesim.evaluate(environment=LTS, episodes=256, **QUIET)
    with pytest.raises(slatesim.ConfigError, match="no topics"):
        without.plot("topics")
    assert not plt.get_fignums(), "a refused picture leaves an empty figure behind"


def test_a_part_without_episodes_has_empty_pictures_and_tables() -> None:
    empty = slatesim.evaluate(environment=LTS, episodes=256, shard="0/2", **QUIET)
    assert empty.episodes == 0
    for what in ("reward_per_step", "running_per_step", "distribution", "positions"):
        empty.plot(what)
    assert len(empty.to_pandas()) == len(empty.to_pandas("quantiles")) == 0
    assert (empty.returns.mean, empty.returns.interval(), empty.length.quantiles) == (None, None, {})


def test_pictures_of_a_trace_have_its_numbers() -> None:
    trace = slatesim.trace(environment="interest_evolution", first=12, first_episode=256, **QUIET)
    axes = trace.plot("user.time_budget")
    assert len(axes.lines) == 10
    assert heights(axes) == trace.arrays["user.time_budget"][trace.arrays["episode"] == 256].tolist()
    panels = trace.plot_episode(258)
    assert [panel.get_ylabel().replace("\n", "_") for panel in panels] == ["reward", "user_interests", "time_budget"]
    assert len(panels[1].lines) == 20
    chosen = trace.arrays["episode"] == 258
    assert heights(panels[0]) == trace.arrays["reward"][chosen].tolist()
    with pytest.raises(slatesim.ConfigError, match=r"such as 'user\.time_budget'"):
        trace.plot("user.time_budge")
    with pytest.raises(slatesim.ConfigError, match="`episode` = 0 is not allowed; allowed is one from 256 to 267"):
        trace.plot_episode(0)


def test_a_result_is_described_in_a_line_and_shown_whole_by_print(
    report: slatesim.Report, comparison: slatesim.Comparison, sweep: slatesim.Sweep
) -> None:
    assert repr(report).startswith("<slatesim.Report: return 154.347 ± 0.13, 8192 episodes of interest_evolution, policy random")
    assert "'greedy_pctr' is the best" in repr(comparison)
    assert "4 points of policy.order, environment.user.sensitivity" in repr(sweep)
    trace = slatesim.trace(environment=LTS, **QUIET)
    for result in (report, comparison, sweep, trace, sweep.points[0], comparison.variants["random"]):
        assert "\n" not in repr(result)
        assert len(repr(result)) < 160
    for result in (report, comparison, sweep):
        assert str(result).count("\n") > 5
        assert "<pre" in result._repr_html_()
    assert "user.satisfaction" in trace._repr_html_()


def test_a_notebook_shows_the_beginning_of_a_long_result() -> None:
    long = slatesim.sweep(environment=LTS, vary={"seed": range(100)}, episodes=256, **QUIET)
    shown = long._repr_html_()
    assert shown.count("\n") < 70
    assert "lines more, which print() shows" in shown


def test_a_bar_counts_the_episodes_that_are_done() -> None:
    with Progress(True, 100) as progress:
        assert progress.callback is not None
        progress.callback(40)
        progress.callback(70)
        assert (progress._bar.n, progress._bar.total) == (70, 100)
    with Progress(False, 100) as progress:
        assert progress.callback is None


def test_a_report_is_read_as_it_was_written(report: slatesim.Report, tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text(report.to_json(), encoding="utf-8")
    read = slatesim.Report.from_json(file.read_text(encoding="utf-8"))
    assert read.to_dict() == report.to_dict()
    assert (str(read), repr(read)) == (str(report), repr(report))


def test_text_that_is_no_report_is_refused(report: slatesim.Report, comparison: slatesim.Comparison, sweep: slatesim.Sweep) -> None:
    lost = report.to_dict()
    del lost["backend"]
    for text in (
        comparison.to_json(),
        sweep.to_json(),
        "",
        "{}",
        "[]",
        "null",
        '{"schema": 1}',
        report.to_json()[:-1],
        json.dumps(lost),
        json.dumps(report.to_dict() | {"schema": 2}),
    ):
        with pytest.raises(slatesim.ConfigError):
            slatesim.Report.from_json(text)
    for other in (None, 3, b"{}", report.to_dict()):
        with pytest.raises(slatesim.ConfigError, match="`text` is of the type"):
            slatesim.Report.from_json(other)
