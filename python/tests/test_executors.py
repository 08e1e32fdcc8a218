"""Campaigns in shards: by executors of any kind and with checkpoints, the result is that of one machine to the last bit."""

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import pytest

import slatesim
from slatesim._shards import Task, run

LTS = "long_term_satisfaction"
RUN: dict[str, Any] = {"environment": LTS, "policy": "greedy", "episodes": 5_000, "seed": 3}
QUIET: dict[str, Any] = {"backend": "cpu", "num_threads": 1, "progress": False}
COMPARED: dict[str, Any] = {
    "environment": LTS,
    "policies": ["random", {"name": "greedy", "order": "min"}],
    "variants": {"short": {"environment.slate_size": 1}},
    "episodes": 2_000,
    "seed": 3,
}
SWEPT: dict[str, Any] = {
    "environment": LTS,
    "vary": {"environment.user.sensitivity": [0.01, 0.05, 0.1], "environment.slate_size": [1, 2]},
    "episodes": 600,
}


def figures(result: slatesim.Report | slatesim.Comparison | slatesim.Sweep) -> dict[str, Any]:
    """Return what does not depend on how the work was divided."""
    return {key: value for key, value in result.to_dict().items() if key not in {"seconds", "user_steps_per_second", "backend"}}


def processes(method: str) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method))


EXECUTORS: dict[str, Callable[[], Executor]] = {
    "threads": lambda: ThreadPoolExecutor(2),
    "spawn": lambda: processes("spawn"),
    "forkserver": lambda: processes("forkserver"),
}


class Recording(Executor):
    """Runs each shard at once, and records which ones were run."""

    def __init__(self) -> None:
        self.indices: list[int] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        self.indices.append(arguments[0].index)
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **named))
        except BaseException as error:
            future.set_exception(error)
        return future


@pytest.fixture(scope="module")
def whole() -> slatesim.Report:
    return slatesim.evaluate(**RUN, **QUIET)


@pytest.mark.parametrize("name", EXECUTORS)
def test_an_executor_gives_the_bits_of_one_machine(name: str, whole: slatesim.Report) -> None:
    with EXECUTORS[name]() as executor:
        report = slatesim.evaluate(**RUN, **QUIET, executor=executor)
        few = slatesim.evaluate(**RUN, **QUIET, executor=executor, num_shards=3)
    assert figures(report) == figures(few) == figures(whole)
    assert report.to_dict()["state"] == whole.to_dict()["state"]


@pytest.mark.parametrize("num_shards", [1, 2, 7, 20, 1_000])
def test_the_number_of_shards_changes_no_bit(num_shards: int, whole: slatesim.Report) -> None:
    recording = Recording()
    assert figures(slatesim.evaluate(**RUN, **QUIET, executor=recording, num_shards=num_shards)) == figures(whole)
    # 5,000 episodes are 20 blocks of 256, and no shard is empty.
    assert recording.indices == list(range(min(num_shards, 20)))


def test_shards_run_one_after_another_without_an_executor(whole: slatesim.Report) -> None:
    assert figures(slatesim.evaluate(**RUN, **QUIET, num_shards=4)) == figures(whole)


def test_shards_are_of_the_episodes_that_are_asked_for() -> None:
    run = RUN | QUIET | {"first_episode": 512, "curves": False}
    assert figures(slatesim.evaluate(**run, num_shards=3)) == figures(slatesim.evaluate(**run))


@pytest.mark.parametrize("name", EXECUTORS)
def test_a_comparison_in_shards_has_the_same_paired_differences(name: str) -> None:
    with EXECUTORS[name]() as executor:
        comparison = slatesim.compare(**COMPARED, **QUIET, executor=executor, num_shards=3)
    assert figures(comparison) == figures(slatesim.compare(**COMPARED, **QUIET))


@pytest.mark.parametrize("name", EXECUTORS)
def test_a_sweep_in_shards_has_the_same_points(name: str) -> None:
    with EXECUTORS[name]() as executor:
        sweep = slatesim.sweep(**SWEPT, **QUIET, executor=executor, num_shards=4)
    assert figures(sweep) == figures(slatesim.sweep(**SWEPT, **QUIET))


@pytest.mark.parametrize(("campaign", "arguments"), [(slatesim.compare, COMPARED), (slatesim.sweep, SWEPT)])
def test_comparisons_and_sweeps_go_on_from_a_checkpoint(
    campaign: Callable[..., slatesim.Comparison | slatesim.Sweep], arguments: dict[str, Any], tmp_path: Path
) -> None:
    first = campaign(**arguments, **QUIET, num_shards=4, checkpoint=tmp_path)
    (tmp_path / "shard-00002-of-00004.json").unlink()
    recording = Recording()
    again = campaign(**arguments, **QUIET, executor=recording, checkpoint=tmp_path)
    assert recording.indices == [2]
    assert figures(again) == figures(first) == figures(campaign(**arguments, **QUIET))
    others = [
        {"seed": 4},
        {"episodes": 1_500},
        {"curves": "curves" not in arguments and campaign is slatesim.sweep},
        {"first_episode": 256},
    ]
    for other in others:
        with pytest.raises(slatesim.ConfigError, match=r"shard-0000\d-of-00004\.json cannot be used as a `checkpoint`"):
            campaign(**arguments | QUIET | other, checkpoint=tmp_path)
    damaged = tmp_path / "shard-00001-of-00004.json"
    damaged.write_text(damaged.read_text().replace("0.0", "0.5", 1))
    with pytest.raises(slatesim.ConfigError, match=damaged.name):
        campaign(**arguments, **QUIET, checkpoint=tmp_path)


def test_errors_of_the_configuration_come_before_any_shard() -> None:
    recording = Recording()
    with pytest.raises(slatesim.ConfigError, match=r"`environment\.slate_size` = 0 is not allowed"):
        slatesim.evaluate(environment={"name": LTS, "slate_size": 0}, **QUIET, executor=recording)
    assert recording.indices == []


@pytest.mark.parametrize("name", EXECUTORS)
def test_an_error_of_the_configuration_within_a_shard_comes_through(name: str) -> None:
    with EXECUTORS[name]() as executor, pytest.raises(slatesim.ConfigError, match='the backend "cuda" is unknown'):
        slatesim.evaluate(**RUN, **QUIET | {"backend": "cuda"}, executor=executor, num_shards=4)


def test_a_shard_that_fails_is_not_run_again() -> None:
    recording = Recording()
    with pytest.raises(slatesim.ConfigError, match="cuda"):
        slatesim.evaluate(**RUN, **QUIET | {"backend": "cuda"}, executor=recording, num_shards=4)
    assert recording.indices == [0, 1, 2, 3]


def die(_: Task) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


class Deadly(ProcessPoolExecutor):
    """One process, which the fourth shard kills."""

    def __init__(self) -> None:
        super().__init__(1, mp_context=multiprocessing.get_context("forkserver"))

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        return super().submit(die if arguments[0].index == 3 else function, *arguments, **named)


def test_a_worker_that_is_killed_is_told_and_finished_shards_are_kept(tmp_path: Path, whole: slatesim.Report) -> None:
    with Deadly() as executor, pytest.raises(slatesim.Error) as error:
        slatesim.evaluate(**RUN, **QUIET, executor=executor, num_shards=8, checkpoint=tmp_path)
    assert str(error.value).startswith("a worker of `executor` has died")
    assert "3 of 8 shards are done and in `checkpoint`; with the same one only the others are run" in str(error.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"shard-0000{index}-of-00008.json" for index in range(3)]
    recording = Recording()
    report = slatesim.evaluate(**RUN, **QUIET, executor=recording, checkpoint=tmp_path)
    assert recording.indices == [3, 4, 5, 6, 7]
    assert figures(report) == figures(whole)
    with Deadly() as executor, pytest.raises(slatesim.Error, match="3 of 8 shards were done; with `checkpoint` they would have been kept"):
        slatesim.evaluate(**RUN, **QUIET, executor=executor, num_shards=8)


def test_an_executor_that_takes_nothing_is_refused() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(slatesim.Error, match="`executor` takes no shards"):
        slatesim.evaluate(**RUN, **QUIET, executor=executor)
    wrong: Any = 3
    with pytest.raises(slatesim.ConfigError, match="`executor` is 3; allowed is an executor"):
        slatesim.evaluate(**RUN, **QUIET, executor=wrong)


@pytest.mark.parametrize("arguments", [{"num_shards": 2}, {"checkpoint": "folder"}, {"executor": Recording()}])
@pytest.mark.parametrize("other", [{"target_half_width": 1.0}, {"target_standard_error": 1.0}, {"shard": "0/2"}])
def test_what_cannot_be_cut_into_shards_is_refused(arguments: dict[str, Any], other: dict[str, Any]) -> None:
    (name,), (beside,) = arguments, other
    with pytest.raises(slatesim.ConfigError, match=f"`{name}` cuts a number of episodes into shards, and `{beside}` is given"):
        slatesim.evaluate(environment=LTS, **QUIET, **arguments, **other)
    if beside != "shard":
        with pytest.raises(slatesim.ConfigError, match=f"`{beside}` is given"):
            slatesim.compare(environment=LTS, policies=["random", "greedy"], **QUIET, **arguments, **other)


@pytest.mark.parametrize("num_shards", [0, -1, 1.5, "2", True, 10**6])
def test_numbers_of_shards_are_checked(num_shards: Any) -> None:
    with pytest.raises(slatesim.ConfigError, match="`num_shards`"):
        slatesim.evaluate(**RUN, **QUIET, num_shards=num_shards)


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    slatesim.evaluate(**RUN, **QUIET, num_shards=4, checkpoint=tmp_path)
    return tmp_path


def test_a_finished_checkpoint_runs_nothing(finished: Path, whole: slatesim.Report) -> None:
    recording = Recording()
    assert figures(slatesim.evaluate(**RUN, **QUIET, executor=recording, checkpoint=finished)) == figures(whole)
    assert recording.indices == []
    merged = slatesim.merge(slatesim.Report.from_json(path.read_text()) for path in finished.iterdir())
    assert figures(merged) == figures(whole)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"seed": 4}, "`seed` is 4 and 3"),
        ({"policy": "random"}, '`policy.name` is "random" and "greedy"'),
        ({"max_steps": 7}, "`max_steps` is 7 and 60"),
        ({"episodes": 6_000}, "it is of a run with another number of episodes"),
        ({"first_episode": 256}, "it is of a run with another first episode"),
        ({"curves": False}, "`curves` was set otherwise"),
        ({"backend": "reference"}, "it was computed by the backend cpu, and `backend` is reference"),
        ({"num_shards": 5}, "it is one of 4 shards, and the campaign has 5"),
    ],
)
def test_a_checkpoint_of_another_configuration_is_refused(finished: Path, arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(slatesim.ConfigError) as error:
        slatesim.evaluate(**RUN | QUIET | arguments, checkpoint=finished)
    assert told in str(error.value)
    assert str(finished / "shard-00000-of-00004.json") in str(error.value)


def test_a_damaged_checkpoint_is_refused(finished: Path) -> None:
    path = finished / "shard-00002-of-00004.json"
    text = path.read_text()
    mean = json.loads(text)["return"]["mean"]
    other = (finished / "shard-00001-of-00004.json").read_text()
    for damaged in (text[:1000], "", "[]", "{}", text.replace(str(mean), "1.5"), other):
        path.write_text(damaged)
        with pytest.raises(slatesim.ConfigError, match=path.name):
            slatesim.evaluate(**RUN, **QUIET, checkpoint=finished)
    path.write_bytes(b"\xff\xfe\0")
    with pytest.raises(slatesim.ConfigError, match=path.name):
        slatesim.evaluate(**RUN, **QUIET, checkpoint=finished)
    path.unlink()
    path.mkdir()
    with pytest.raises(slatesim.ConfigError, match=path.name):
        slatesim.evaluate(**RUN, **QUIET, checkpoint=finished)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    wrong: list[Any] = [file, file / "below", 3, "a\0b"]
    for folder in wrong:
        with pytest.raises(slatesim.ConfigError, match=r"`checkpoint` = .* is not allowed"):
            slatesim.evaluate(**RUN, **QUIET, checkpoint=folder)


def test_other_files_of_the_folder_stay(tmp_path: Path, whole: slatesim.Report) -> None:
    # A driver that was killed leaves such a file behind.
    for name in (".shard-00000-of-00004.json.abc", "notes.txt"):
        (tmp_path / name).write_text("half")
    assert figures(slatesim.evaluate(**RUN, **QUIET, num_shards=4, checkpoint=tmp_path)) == figures(whole)
    assert len(list(tmp_path.iterdir())) == 6


LONG: dict[str, Any] = {"environment": LTS, "episodes": 20_000_000, "seed": 3}


@pytest.fixture
def pressed() -> Iterator[list[float]]:
    """Press Ctrl-C after a second, for the process of the test alone."""
    times: list[float] = []

    def press() -> None:
        times.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(1.0, press)
    timer.start()
    yield times
    timer.cancel()


@pytest.mark.parametrize("name", [None, *EXECUTORS])
def test_ctrl_c_gives_what_was_done_and_a_checkpoint_goes_on_from_there(name: str | None, pressed: list[float], tmp_path: Path) -> None:
    executor = None if name is None else EXECUTORS[name]()
    with pytest.raises(slatesim.Interrupted) as interrupted:
        slatesim.evaluate(**LONG, **QUIET, executor=executor, num_shards=200, checkpoint=tmp_path)
    took = time.monotonic() - pressed[0]
    assert took < 1.0
    partial = interrupted.value.partial
    kept = len(list(tmp_path.iterdir()))
    assert partial.is_partial
    # 20,000,000 episodes are 78,125 blocks, so that each shard has 390 of them or 391.
    assert kept * 390 * 256 <= partial.episodes < LONG["episodes"]
    ranges = partial.to_dict()["state"]["episode_ranges"]
    assert sum(end - start for start, end in ranges) == partial.episodes
    if executor is not None:
        begun = time.monotonic()
        executor.shutdown(cancel_futures=True)
        # A shard that was not interrupted takes a tenth of a second.
        assert time.monotonic() - begun < 5.0


@pytest.mark.parametrize("name", [None, "threads"])
def test_shards_that_ctrl_c_cuts_short_in_this_process_are_in_the_result(name: str | None, pressed: list[float], tmp_path: Path) -> None:
    executor = None if name is None else EXECUTORS[name]()
    with pytest.raises(slatesim.Interrupted) as interrupted:
        slatesim.evaluate(**LONG, **QUIET, executor=executor, num_shards=2, checkpoint=tmp_path)
    assert time.monotonic() - pressed[0] < 1.0
    partial = interrupted.value.partial
    assert partial.is_partial
    assert partial.episodes > 0
    assert list(tmp_path.iterdir()) == []
    first = slatesim.evaluate(**LONG | {"episodes": partial.to_dict()["state"]["episode_ranges"][0][1]} | QUIET)
    if name is None:
        assert first.flat() == partial.flat()


def test_after_an_interruption_only_the_other_shards_are_run(tmp_path: Path, whole: slatesim.Report) -> None:
    class Interrupting(Recording):
        def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
            if arguments[0].index == 3:
                raise KeyboardInterrupt
            return super().submit(function, *arguments, **named)

    with pytest.raises(slatesim.Interrupted) as interrupted:
        slatesim.evaluate(**RUN, **QUIET, executor=Interrupting(), num_shards=10, checkpoint=tmp_path)
    # 20 blocks of 256 in 10 shards.
    assert interrupted.value.partial.episodes == 3 * 512
    assert len(list(tmp_path.iterdir())) == 3
    recording = Recording()
    assert figures(slatesim.evaluate(**RUN, **QUIET, executor=recording, checkpoint=tmp_path)) == figures(whole)
    assert recording.indices == list(range(3, 10))


def test_an_interruption_before_the_first_shard_ends_is_a_result_without_episodes() -> None:
    class Interrupting(Recording):
        def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
            raise KeyboardInterrupt

    with pytest.raises(slatesim.Interrupted) as interrupted:
        slatesim.evaluate(**RUN, **QUIET, executor=Interrupting())
    assert interrupted.value.partial.is_partial
    assert interrupted.value.partial.episodes == 0


def test_progress_of_shards_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []

    class Bar:
        def __init__(self, wanted: bool | None, total: int | None) -> None:
            assert (wanted, total) == (True, 5_000)
            self.callback = told.append

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr("slatesim._shards.Progress", Bar)
    slatesim.evaluate(**RUN, **QUIET | {"progress": True}, num_shards=4)
    assert told == [0, 1_250, 2_500, 3_750, 5_000]


def test_a_shard_can_be_run_anywhere_again(whole: slatesim.Report) -> None:
    tasks: list[Task] = []

    class Keeping(Recording):
        def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
            tasks.append(arguments[0])
            return super().submit(function, *arguments, **named)

    slatesim.evaluate(**RUN, **QUIET, executor=Keeping(), num_shards=3)
    reports = [slatesim.Report.from_json(run(task)) for task in reversed(tasks)]
    assert figures(slatesim.merge(reports)) == figures(whole)
