"""Campaigns in Python: the figures of the command line, and errors in its words."""

import itertools
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import slatesim

LTS = "long_term_satisfaction"
QUIET = {"backend": "cpu", "progress": False}


def command(*arguments: str) -> dict:
    """Run the command line, and read the JSON that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "slatesim", *arguments, "--json", "--quiet", "--backend", "cpu"],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def but_for_time(result: dict) -> dict:
    return {key: value for key, value in result.items() if key not in {"seconds", "user_steps_per_second"}}


def test_figures_are_those_of_the_command_line() -> None:
    report = slatesim.evaluate(environment=LTS, policy="greedy", episodes=700, seed=3, **QUIET)
    told = command("evaluate", "--environment", LTS, "--policy", "greedy", "--episodes", "700", "--seed", "3")
    assert but_for_time(report.to_dict()) == but_for_time(told)
    assert report.returns.mean == told["return"]["mean"]
    assert report.returns.quantiles[0.5] == told["return"]["quantiles"]["0.5"]
    assert report.curves["reward"].tolist() == told["reward_per_step"]
    assert report.episodes == 700
    assert str(report).startswith("environment")


def test_a_file_a_mapping_and_arguments_say_the_same(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text("""
        episodes = 300
        [environment]
        name = "interest_evolution"
        slate_size = 3
        user.time_budget = 20
        [policy]
        name = "static"
    """)
    nested = {
        "episodes": 300,
        "environment": {"name": "interest_evolution", "slate_size": 3, "user": {"time_budget": 20}},
        "policy": {"name": "static"},
    }
    dotted = {"environment.name": "interest_evolution", "environment.slate_size": 3, "environment.user.time_budget": 20.0}
    results = [
        slatesim.evaluate(file, **QUIET),
        slatesim.evaluate(nested, **QUIET),
        slatesim.evaluate(dotted, episodes=300, policy="static", **QUIET),
        slatesim.evaluate(
            environment={"name": "interest_evolution", "slate_size": np.int64(3), "user.time_budget": np.float32(20)},
            policy={"name": "static"},
            settings={"episodes": 300},
            **QUIET,
        ),
    ]
    assert len({json.dumps(but_for_time(result.to_dict())) for result in results}) == 1


def test_values_of_many_types_are_taken() -> None:
    report = slatesim.evaluate(
        environment={"name": "interest_exploration", "user.type_distribution": np.array([0.25, 0.75])},
        max_steps=5,
        episodes=256,
        seed=2**64 - 1,
        discount=[0.9, 0.99],
        **QUIET,
    )
    assert report.environment["user"]["type_distribution"] == [0.25, 0.75]


def test_shards_merge_to_the_last_bit() -> None:
    run = {"environment": LTS, "episodes": 1500, **QUIET}
    whole = slatesim.evaluate(**run)
    parts = [slatesim.evaluate(shard=f"{part}/3", **run) for part in range(3)]
    merged = slatesim.merge(reversed(parts))
    assert merged.flat() == whole.flat()
    assert merged.to_dict()["state"] == whole.to_dict()["state"]
    read = slatesim.Report.from_json(whole.to_json())
    assert read.flat() == whole.flat()
    assert pickle.loads(pickle.dumps(whole)).flat() == whole.flat()


def test_a_precision_is_reached() -> None:
    report = slatesim.evaluate(environment=LTS, target_standard_error=2.0, **QUIET)
    assert report.returns.standard_error is not None
    assert report.returns.standard_error <= 2.0


def test_variants_are_compared_on_the_same_users() -> None:
    comparison = slatesim.compare(
        environment=LTS,
        policies=["random", {"name": "greedy", "order": "min"}],
        variants={"short": {"environment.slate_size": 1, "policy": {"name": "static"}}},
        episodes=1024,
        **QUIET,
    )
    assert list(comparison.variants) == ["random", "greedy", "short"]
    first = comparison.differences[0]
    means = [comparison.variants[label].returns.mean for label in (first.a, first.b)]
    assert first.mean == pytest.approx(means[0] - means[1], abs=1e-9)
    assert comparison.best in comparison.variants
    assert len(comparison.to_pandas()) == 3


def test_a_sweep_has_a_row_a_point() -> None:
    sweep = slatesim.sweep(
        environment=LTS,
        vary={"environment.user.sensitivity": [0.01, 0.05], "policy.name": ["random", "greedy"]},
        episodes=512,
        **QUIET,
    )
    frame = sweep.to_pandas()
    assert frame["policy.name"].tolist() == ["random", "greedy"] * 2
    alone = slatesim.evaluate(environment=LTS, policy="greedy", settings={"environment.user.sensitivity": 0.05}, episodes=512, **QUIET)
    assert frame["return/mean"].tolist()[3] == alone.returns.mean
    zipped = slatesim.sweep(environment=LTS, zip=True, vary={"seed": range(3), "environment.slate_size": [1, 2, 3]}, episodes=256, **QUIET)
    assert [point.settings["seed"] for point in zipped.points] == [0, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"environment": "long_term"}, "long_term_satisfaction"),
        ({"settings": {"environment.user.sensitvity": 1}}, "did you mean `environment.user.sensitivity`"),
        ({"environment": {"slate_size": 0}}, "`environment.slate_size` = 0 is not allowed"),
        ({"environment": {"user": {"choc_mean": float("nan")}}}, "NaN and infinities are never allowed"),
        ({"environment": {"slate_size": object()}}, "`environment.slate_size` is of the type object; allowed are"),
        ({"environment": 3}, "`environment` is 3; allowed is a name or a mapping of keys"),
        ({"settings": {3: 4}}, "has the key 3; allowed are texts"),
        ({"config": "/no/such/file.toml"}, "/no/such/file.toml"),
        ({"backend": "cuda"}, 'the backend "cuda" is unknown; allowed is auto, gpu, cpu or reference'),
        ({"backend": "cpu", "adapter": 0}, "the backend cpu computes on none"),
        ({"adapter": "x"}, '`adapter` = "x"'),
        ({"shard": "3/2"}, "3/2"),
        ({"first_episode": 5}, "expected a multiple of 256"),
        ({"target_half_width": 1.0, "episodes": None, "shard": "0/2"}, "`shard` goes with a number of episodes"),
        ({"target_half_width": 1.0, "target_standard_error": 1.0, "episodes": None}, "both given"),
        ({"max_episodes": 5000}, "`max_episodes` bounds a target"),
        ({"target_half_width": -1.0, "episodes": None}, "-1"),
        ({"episodes": 0}, "`episodes` = 0 is not allowed"),
        ({"policy": {"name": "linear_softmax"}}, "weights"),
    ],
)
def test_what_is_wrong_is_told_as_the_command_line_tells_it(arguments: dict, told: str) -> None:
    with pytest.raises(slatesim.ConfigError) as error:
        slatesim.evaluate(**({"environment": LTS, "episodes": 256, **QUIET} | arguments))
    assert told in str(error.value)
    assert isinstance(error.value, ValueError)


class Endless:
    """An array of no library."""

    def tolist(self) -> "Endless":
        return self


class Stopped:
    """An array that is interrupted."""

    def tolist(self) -> None:
        raise KeyboardInterrupt


CYCLE: dict = {}
CYCLE["x"] = CYCLE
LIST: list = []
LIST.append(LIST)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"num_threads": "two"}, "`num_threads` = 'two' is not allowed; allowed is an integer from 1 to 1024"),
        ({"num_threads": 0}, "`num_threads` = 0"),
        ({"num_threads": True}, "`num_threads` = True"),
        ({"num_threads": 2**31}, "allowed is an integer from 1 to 1024"),
        ({"batch_size": 1.5}, "`batch_size` = 1.5"),
        ({"batch_size": 0}, "`batch_size` = 0"),
        ({"first_episode": -256}, "`first_episode` = -256"),
        ({"first_episode": 2**64 - 256}, "allowed is an integer from 0 to"),
        ({"shard": (0, 2)}, "`shard` = (0, 2) is not allowed; allowed is a text"),
        ({"backend": None}, "`backend` = None"),
        ({"target_half_width": "wide", "episodes": None}, "`target_half_width` = 'wide'"),
        ({"target_half_width": 1.0}, "`episodes` goes with a number of episodes"),
        ({"settings": "seed=1"}, "`settings` is 'seed=1'; allowed is a mapping of keys"),
        ({"settings": []}, "`settings` is []"),
        ({"settings": CYCLE}, "nested deeper than 32"),
        ({"settings": {"environment.slate_size": LIST}}, "nested deeper than 32"),
        ({"settings": {"environment.slate_size": Endless()}}, "is of the type Endless"),
        ({"config": b"run.toml"}, "`config` is b'run.toml'"),
        ({"config": "-"}, "`config` is '-'"),
        ({"config": "a\0b"}, "`config` is"),
    ],
)
def test_arguments_of_other_types_are_refused_by_name(arguments: dict, told: str) -> None:
    with pytest.raises(slatesim.ConfigError) as error:
        slatesim.evaluate(**({"environment": LTS, "episodes": 256, "backend": "cpu", "progress": False} | arguments))
    assert told in str(error.value)


def test_lists_of_campaigns_are_refused_by_name() -> None:
    for policies in ("random", ["random", None], [b"random"], itertools.repeat("random")):
        with pytest.raises(slatesim.ConfigError, match="`policies`"):
            slatesim.compare(environment=LTS, policies=policies, episodes=256, **QUIET)
    for variants in (["a"], {"a": None}, {1: {}}):
        with pytest.raises(slatesim.ConfigError, match="variant"):
            slatesim.compare(environment=LTS, policies=["random"], variants=variants, episodes=256, **QUIET)
    for vary in (None, ["seed"], {"seed": "12"}, {"seed": itertools.count()}, {1: [2]}, {"environment": {"slate_size": [1]}}, {"seed": []}):
        with pytest.raises(slatesim.ConfigError, match=r"vary|varied"):
            slatesim.sweep(environment=LTS, vary=vary, episodes=256, **QUIET)
    with pytest.raises(slatesim.ConfigError, match="a multiple of 256"):
        slatesim.sweep(environment=LTS, vary={"seed": [1, 2]}, first_episode=1, episodes=256, **QUIET)
    for reports in (["a.json"], [None]):
        with pytest.raises(slatesim.ConfigError, match="allowed are reports"):
            slatesim.merge(reports)


def test_numbers_of_other_libraries_are_numbers() -> None:
    for number in (np.longdouble(0.5), Decimal("0.5"), Fraction(1, 2), np.array(0.5)):
        report = slatesim.evaluate(environment={"name": LTS, "user.sensitivity": number}, episodes=256, **QUIET)
        assert report.environment["user"]["sensitivity"] == 0.5
    again = slatesim.evaluate(environment=report.environment, policy=report.policy, episodes=256, **QUIET)
    assert again.flat() == report.flat()


def test_what_interrupts_a_conversion_comes_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        slatesim.evaluate(environment=LTS, settings={"seed": Stopped()}, **QUIET)


def test_a_wide_value_is_written() -> None:
    corpus = [[number / 9000 for number in range(9000)]]
    sweep = slatesim.sweep(
        environment={"name": LTS, "resample_documents": False}, vary={"environment.document.corpus": corpus}, episodes=256, **QUIET
    )
    assert len(sweep.points) == 1


def test_intervals_of_few_episodes_are_those_of_student() -> None:
    comparison = slatesim.compare(environment=LTS, policies=["random", "greedy"], episodes=4, **QUIET)
    difference = comparison.differences[0]
    assert difference.interval() == pytest.approx(difference.ci95)
    for level in (0, 1, 95, float("nan"), -0.5):
        with pytest.raises(slatesim.ConfigError, match="`level`"):
            difference.interval(level)


def test_results_are_not_changed_from_outside() -> None:
    report = slatesim.evaluate(environment=LTS, episodes=256, **QUIET)
    report.environment["user"]["sensitivity"] = 99
    report.curves.pop("reward")
    assert report.environment["user"]["sensitivity"] == 0.01
    with pytest.raises(ValueError, match="read-only"):
        report.curves["reward"][0] = 0


def test_a_report_is_read_as_it_was_written() -> None:
    part = slatesim.evaluate(environment=LTS, episodes=1024, shard="1/2", **QUIET)
    read = slatesim.Report.from_json(part.to_json())
    assert read.to_dict() == part.to_dict()
    assert (str(read), read.is_partial) == (str(part), False)


def test_damage_of_a_report_is_noticed() -> None:
    text = slatesim.evaluate(environment=LTS, episodes=256, **QUIET).to_json()
    mean = json.loads(text)["return"]["mean"]
    with pytest.raises(slatesim.ConfigError):
        slatesim.Report.from_json(text.replace(str(mean), "1.5"))
    with pytest.raises(slatesim.ConfigError):
        slatesim.Report.from_json("{}")
    with pytest.raises(slatesim.ConfigError):
        slatesim.merge([])


LONG = {"environment": LTS, "episodes": 10**9, **QUIET}


def test_ctrl_c_ends_a_campaign_within_a_second_with_what_was_done() -> None:
    pressed = []

    def press() -> None:
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Timer(0.5, press).start()
    with pytest.raises(slatesim.Interrupted) as interrupted:
        slatesim.evaluate(**LONG)
    assert time.monotonic() - pressed[0] < 1.0
    partial = interrupted.value.partial
    assert partial.is_partial
    assert 0 < partial.episodes < 10**9
    assert isinstance(interrupted.value, KeyboardInterrupt)


def test_other_threads_run_while_episodes_do() -> None:
    counted = 0
    is_over = threading.Event()

    def count() -> None:
        nonlocal counted
        while not is_over.wait(0.01):
            counted += 1

    thread = threading.Thread(target=count)
    thread.start()
    slatesim.evaluate(environment=LTS, episodes=1_000_000, num_threads=1, **QUIET)
    is_over.set()
    thread.join()
    assert counted > 10


def test_progress_is_told() -> None:
    from slatesim import _slatesim
    from slatesim._sources import source

    told = []
    given = source(None, environment=LTS, policy=None, run={"episodes": 2_000_000}, settings=None)
    device = {"backend": "cpu", "num_threads": None, "batch_size": None, "adapter": None}
    extent = {
        "first_episode": 0,
        "shard": None,
        "target_standard_error": None,
        "target_half_width": None,
        "max_episodes": None,
    }
    _slatesim.evaluate(given, device, extent, curves=False, progress=told.append)
    assert told == sorted(told)
    assert told[-1] <= 2_000_000

    def fail(_: int) -> None:
        raise RuntimeError("enough")

    interruption = _slatesim.evaluate(given, device, extent, curves=False, progress=fail)[2]
    assert isinstance(interruption, RuntimeError)


def test_what_there_is_is_listed() -> None:
    environments = slatesim.environments()
    assert {"long_term_satisfaction", "interest_evolution", "test_mdp"} <= set(environments)
    key = environments[LTS].keys["user.sensitivity"]
    assert (key.default, key.is_required) == (0.01, False)
    assert "RecSim" in (key.source or "")
    assert "epsilon_greedy" in slatesim.layers()
    assert slatesim.policies()["linear_softmax"].keys["weights"].is_required
    assert "seed" in slatesim.run_keys()
    assert isinstance(slatesim.adapters(), list)


def test_the_command_line_has_its_exit_codes() -> None:
    def code(*arguments: str) -> int:
        return subprocess.run([sys.executable, "-m", "slatesim", *arguments], check=False, capture_output=True).returncode

    assert code("--version") == 0
    assert code("evaluate", "--environment", "no_such") == 2
    assert code("evaluate", "--episodes", "256", "--backend", "cpu", "--quiet") == 0


def test_a_trace_has_the_columns_and_steps_of_the_command_line() -> None:
    run = ("--environment", "interest_evolution", "--seed", "3")
    trace = slatesim.trace(environment="interest_evolution", first=4, seed=3, **QUIET)
    done = subprocess.run(
        [sys.executable, "-m", "slatesim", "trace", *run, "--first", "4", "--format", "csv", "--quiet", "--backend", "cpu"],
        check=True,
        capture_output=True,
        text=True,
    )
    rows = done.stdout.splitlines()
    assert list(trace.arrays) == rows[0].split(",")
    assert len(trace.to_pandas()) == len(rows) - 1
    assert trace.episodes == 4
    reward = rows[0].split(",").index("reward")
    written = np.array([row.split(",")[reward] for row in rows[1:]], trace.arrays["reward"].dtype)
    np.testing.assert_array_equal(trace.arrays["reward"], written)
    whole = slatesim.evaluate(environment="interest_evolution", episodes=4, seed=3, **QUIET)
    assert trace.arrays["reward"].sum() / 4 == pytest.approx(whole.returns.mean)
