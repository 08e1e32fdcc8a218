"""`slatesim.ray` against Ray 2.60.0: the bits of one machine, whatever dies on the way.

Expected figures are those of `slatesim.evaluate` on this machine; nothing is compared with a tolerance.
"""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ray = pytest.importorskip("ray")

from ray.cluster_utils import Cluster  # noqa: E402

import slatesim  # noqa: E402
import slatesim.ray  # noqa: E402
from slatesim._shards import Task  # noqa: E402

LTS = "long_term_satisfaction"
SMALL: dict[str, Any] = {"environment": LTS, "policy": "greedy", "episodes": 5_000, "seed": 3, "progress": False}
NODE: dict[str, Any] = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80 * 2**20}


def figures(result: slatesim.Report | slatesim.Comparison | slatesim.Sweep) -> dict[str, Any]:
    """Return what does not depend on where it was computed, and how fast."""
    return {key: value for key, value in result.to_dict().items() if key not in {"seconds", "user_steps_per_second", "backend"}}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Start a cluster of one node with one processor."""
    made = Cluster(initialize_head=True, head_node_args=NODE)
    ray.init(address=made.address, log_to_driver=False, logging_level="error")
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture(scope="module")
def whole() -> slatesim.Report:
    return slatesim.evaluate(**SMALL, backend="cpu")


@pytest.fixture
def tampered(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Task, bool], str]], None]:
    """Return a function that puts another one in the place of what tasks run."""

    def tamper(run: Callable[[Task, bool], str]) -> None:
        monkeypatch.setattr("slatesim.ray._run", run)

    return tamper


def test_a_node_that_is_killed_changes_no_bit(
    cluster: Cluster,
    tampered: Callable[[Callable[[Task, bool], str]], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    cluster.wait_for_nodes()
    result = slatesim.ray._Ray._result
    results: list[int] = []
    cut: list[str] = []

    def mark(task: Task, _takes_gpu: bool) -> str:
        shard = tmp_path / f"{ray.get_runtime_context().get_node_id()}-{task.index}"
        shard.touch()
        text = task.run()
        shard.unlink()
        return text

    def counting(engine: Any, reference: Any) -> str:
        text: str = result(engine, reference)
        results.append(1)
        if len(results) == 2:
            while not (running := list(tmp_path.glob(f"{node.node_id}-*"))):
                time.sleep(0.01)
            cut.extend(path.name for path in running)
            # SIGKILL of the raylet in the middle of a shard.
            cluster.remove_node(node, allow_graceful=False)
        return text

    tampered(mark)
    monkeypatch.setattr(slatesim.ray._Ray, "_result", counting)
    run = ["--environment", LTS, "--policy", "greedy", "--seed", "3", "--episodes", "3200000"]
    report = slatesim.ray.evaluate(**SMALL | {"episodes": 3_200_000}, num_shards=8)
    assert (len(results), len(cut)) == (8, 1)
    assert [alive["NodeID"] for alive in ray.nodes() if alive["Alive"]] == [cluster.head_node.node_id]
    done = subprocess.run(
        [sys.executable, "-m", "slatesim", "evaluate", *run, "--json", "--quiet", "--backend", "cpu"],
        check=True,
        capture_output=True,
        text=True,
    )
    told = json.loads(done.stdout)
    assert {key: value for key, value in told.items() if key in figures(report)} == figures(report)
    assert set(told) - set(figures(report)) == {"seconds", "user_steps_per_second", "backend"}
    assert report.backend["name"] == "cpu"


def test_comparisons_and_sweeps_have_the_bits_of_one_machine(cluster: Cluster) -> None:
    compared = {"environment": LTS, "policies": ["random", "greedy"], "episodes": 2_000, "progress": False}
    assert figures(slatesim.ray.compare(**compared, num_shards=3)) == figures(slatesim.compare(**compared, backend="cpu"))
    swept = {"environment": LTS, "vary": {"environment.slate_size": [1, 2, 3]}, "episodes": 600, "progress": False}
    assert figures(slatesim.ray.sweep(**swept)) == figures(slatesim.sweep(**swept, backend="cpu"))


def test_a_worker_that_is_killed_is_replaced(
    tampered: Callable[[Callable[[Task, bool], str]], None], tmp_path: Path, whole: slatesim.Report
) -> None:
    tried = tmp_path / "tried"

    def die_once(task: Task, _takes_gpu: bool) -> str:
        if task.index == 1:
            with tried.open("a") as file:
                file.write("x")
            if tried.stat().st_size == 1:
                os.kill(os.getpid(), signal.SIGKILL)
        return task.run()

    tampered(die_once)
    assert figures(slatesim.ray.evaluate(**SMALL, num_shards=4)) == figures(whole)
    assert tried.read_text() == "xx"


def test_exhausted_retries_are_told_with_what_to_do(
    tampered: Callable[[Callable[[Task, bool], str]], None], tmp_path: Path, whole: slatesim.Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, checkpoint = tmp_path / "tried", tmp_path / "checkpoint"

    def die(task: Task, _takes_gpu: bool) -> str:
        if task.index == 3:
            with tried.open("a") as file:
                file.write("x")
            # The others come first, so that it is known which shards are done.
            while len(list(checkpoint.glob("*.json"))) < 3:
                time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGKILL)
        return task.run()

    tampered(die)
    with pytest.raises(slatesim.Error) as error:
        slatesim.ray.evaluate(**SMALL, num_shards=4, max_retries=1, checkpoint=checkpoint)
    told = str(error.value)
    assert told.startswith("shard 3 of 4 was lost, and run again 1 times (`max_retries`)")
    assert "raise `num_cpus` or `num_shards`" in told
    assert told.endswith("3 of 4 shards are done and in `checkpoint`; with the same one only the others are run")
    assert tried.read_text() == "xx"
    monkeypatch.undo()
    assert figures(slatesim.ray.evaluate(**SMALL, checkpoint=checkpoint)) == figures(whole)


def test_an_error_of_the_configuration_within_a_task_is_not_retried(
    tampered: Callable[[Callable[[Task, bool], str]], None], tmp_path: Path
) -> None:
    tried = tmp_path / "tried"

    def record(task: Task, _takes_gpu: bool) -> str:
        with tried.open("a") as file:
            file.write("x")
        return task.run()

    tampered(record)
    with pytest.raises(slatesim.ConfigError) as error:
        slatesim.ray.evaluate(**SMALL, backend="cuda", num_shards=1)
    assert str(error.value) == 'the backend "cuda" is unknown; allowed is auto, gpu, cpu or reference'
    assert type(error.value) is slatesim.ConfigError
    assert tried.read_text() == "x"


def test_an_error_of_the_configuration_comes_before_any_task(cluster: Cluster) -> None:
    with pytest.raises(slatesim.ConfigError, match=r"`environment\.slate_size` = 0 is not allowed"):
        slatesim.ray.evaluate(environment={"name": LTS, "slate_size": 0})


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"num_gpus": 1}, "no node of the cluster has `num_cpus` = 1 and `num_gpus` = 1"),
        ({"num_cpus": 1_000}, "no node of the cluster has `num_cpus` = 1000"),
        ({"num_cpus": 0}, "`num_cpus` = 0 is not allowed"),
        ({"num_gpus": 2}, "`num_gpus` = 2 is not allowed"),
        ({"num_gpus": -1}, "`num_gpus` = -1 is not allowed"),
        ({"max_retries": -1}, "`max_retries` = -1 is not allowed"),
        ({"executor": None}, "in `slatesim.ray` Ray runs the shards"),
        ({"episodes": None, "target_half_width": 1.0}, "`slatesim.ray` cuts a number of episodes into shards"),
        ({"shard": "0/2"}, "`shard` is given, too"),
    ],
)
def test_arguments_are_checked(cluster: Cluster, arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(slatesim.ConfigError) as error:
        slatesim.ray.evaluate(**SMALL | arguments)
    assert told in str(error.value)


def test_ctrl_c_cancels_the_tasks_and_gives_what_was_done(cluster: Cluster, tmp_path: Path) -> None:
    pressed: list[float] = []

    def press() -> None:
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.01)
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
    with pytest.raises(slatesim.Interrupted) as interrupted:
        slatesim.ray.evaluate(**SMALL | {"episodes": 100_000_000}, num_shards=400, checkpoint=tmp_path)
    # A second for the tasks to end, and a tenth for the look at signals.
    assert time.monotonic() - pressed[0] < 2.0
    partial = interrupted.value.partial
    kept = [slatesim.Report.from_json(path.read_text()) for path in tmp_path.iterdir()]
    assert partial.is_partial
    assert figures(partial) == figures(slatesim.merge(kept))
    begun = time.monotonic()
    slatesim.ray.evaluate(**SMALL, num_shards=1)
    # The tasks that were cancelled do not run on: 400 shards would take minutes.
    assert time.monotonic() - begun < 10.0


def drive(address: str, checkpoint: str, is_first: bool, told: Any) -> None:
    """Drive a campaign; the first driver is killed after two shards."""
    ray.init(address=address, log_to_driver=False, logging_level="error")
    if is_first:

        def die() -> None:
            while len(list(Path(checkpoint).glob("shard-*.json"))) < 2:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGKILL)

        threading.Thread(target=die, daemon=True).start()
    report = slatesim.ray.evaluate(**SMALL | {"episodes": 1_600_000}, num_shards=16 if is_first else None, checkpoint=checkpoint)
    told.put(report.to_json())
    ray.shutdown()


def test_a_second_driver_goes_on_where_the_first_was_killed(cluster: Cluster, tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    told = spawn.Queue()
    first = spawn.Process(target=drive, args=(cluster.address, str(tmp_path), True, told))
    first.start()
    first.join()
    assert first.exitcode == -signal.SIGKILL
    done = {path: path.stat().st_mtime_ns for path in tmp_path.glob("shard-*.json")}
    assert 2 <= len(done) < 16
    second = spawn.Process(target=drive, args=(cluster.address, str(tmp_path), False, told))
    second.start()
    report = slatesim.Report.from_json(told.get(timeout=120))
    second.join()
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert len(list(tmp_path.glob("shard-*-of-00016.json"))) == 16
    assert figures(report) == figures(slatesim.evaluate(**SMALL | {"episodes": 1_600_000}, backend="cpu"))


def test_the_file_of_a_configuration_may_be_given_by_a_relative_path(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: slatesim.Report
) -> None:
    (tmp_path / "run.toml").write_text(f'episodes = 5000\nseed = 3\n[environment]\nname = "{LTS}"\n[policy]\nname = "greedy"\n')
    monkeypatch.chdir(tmp_path)
    assert figures(slatesim.ray.evaluate("run.toml", progress=False)) == figures(whole)
