"""Campaigns cut into shards: each is run by some engine, and all are put together in their order, to the last bit."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from slatesim._checkpoint import Checkpoint, Folder
from slatesim._device import optional_whole
from slatesim._jobs import Job, Told
from slatesim._progress import Progress
from slatesim.errors import ConfigError, Error, Interrupted

MOST_SHARDS = 65_536
SHARDS_A_WORKER = 4
"""Several, so that no worker waits long for the last one."""

_LOOK = 0.1
"""Seconds between two looks at signals."""

_PATIENCE = 0.5
"""Seconds that Ctrl-C waits for shards that are ending."""


class Lost(Exception):
    """What runs shards cannot go on. The message says why, and what to do."""


class Stop:
    """Tells shards that run in this process to end. A copy in another process is never set."""

    def __init__(self) -> None:
        """Begin without a stop."""
        self.is_set = False

    def __reduce__(self) -> tuple[type["Stop"], tuple[()]]:
        """Copy nothing."""
        return Stop, ()

    def look(self, _episodes: int) -> None:
        """Interrupt the shard that tells its progress here, once the stop is set."""
        if self.is_set:
            raise KeyboardInterrupt


@dataclass(frozen=True)
class Task:
    """One shard of a campaign. It has no state: run again, it gives the same bits."""

    job: Job
    index: int
    count: int
    stop: Stop = field(compare=False)

    def run(self) -> str:
        """Run the shard, and return its result. Interrupted, it raises `Interrupted` with the partial one."""
        text, interruption = self.job.part(f"{self.index}/{self.count}", self.stop.look)
        if type(interruption) is KeyboardInterrupt:
            raise Interrupted(text)
        if interruption is not None:
            raise interruption
        return text


def run(task: Task) -> str:
    """Run a shard."""
    return task.run()


@dataclass
class Ended:
    """The shards of which a campaign that ends early has something."""

    whole: dict[int, str] = field(default_factory=dict)
    cut: dict[int, str] = field(default_factory=dict)


class Engine(ABC):
    """What runs shards."""

    @abstractmethod
    def num_workers(self) -> int:
        """Return how many shards can run at the same time."""

    @abstractmethod
    def run(self, tasks: list[Task]) -> Iterator[tuple[int, str]]:
        """Run shards, and yield the index and the result of each as it ends."""

    @abstractmethod
    def end(self) -> Ended:
        """End early: give up what has not begun, interrupt what runs if that is possible, and return what there is."""


class Here(Engine):
    """Runs one shard after another in this thread."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._ended = Ended()

    def num_workers(self) -> int:
        """Return 1."""
        return 1

    def run(self, tasks: list[Task]) -> Iterator[tuple[int, str]]:
        """Run shards."""
        for task in tasks:
            try:
                text = task.run()
            except Interrupted as interrupted:
                self._ended.cut[task.index] = interrupted.partial
                raise
            yield task.index, text

    def end(self) -> Ended:
        """Return the shard that was interrupted."""
        return self._ended


class Executing(Engine):
    """Runs shards by an executor of `concurrent.futures`, or one with the same interface."""

    def __init__(self, executor: Executor) -> None:
        """Take an executor, which its owner closes."""
        self._executor = executor
        self._futures: dict[Future[str], Task] = {}

    def num_workers(self) -> int:
        """Return the number of processors: executors do not tell how many workers they have."""
        return os.cpu_count() or 1

    def run(self, tasks: list[Task]) -> Iterator[tuple[int, str]]:
        """Run shards."""
        for task in tasks:
            try:
                future = self._executor.submit(run, task)
            except RuntimeError as error:
                raise Lost(f"`executor` takes no shards ({error}); give another one") from error
            self._futures[future] = task
        ended: SimpleQueue[Future[str]] = SimpleQueue()
        for future in self._futures:
            future.add_done_callback(ended.put)
        for _ in tasks:
            future = _next(ended)
            try:
                text = future.result()
            except BrokenExecutor as error:
                raise Lost(f"a worker of `executor` has died ({error}); give another executor") from error
            except CancelledError as error:
                raise Lost("`executor` was shut down before its shards were run; give another one") from error
            yield self._futures[future].index, text

    def end(self) -> Ended:
        """Cancel shards, wait shortly for those that are running, and collect what there is."""
        ended = Ended()
        running = {future: task for future, task in self._futures.items() if not future.cancel()}
        for task in running.values():
            task.stop.is_set = True
        for future in wait(running, timeout=_PATIENCE).done:
            if future.cancelled():
                continue
            task = running[future]
            error = future.exception()
            if error is None:
                ended.whole[task.index] = future.result()
            elif isinstance(error, Interrupted) and isinstance(error.partial, str):
                ended.cut[task.index] = error.partial
        return ended


def _next(ended: "SimpleQueue[Future[str]]") -> "Future[str]":
    """Wait for a future that has ended.

    Python hears signals between two waits only, if one comes in just before a wait begins or goes to another thread.
    """
    while True:
        try:
            return ended.get(timeout=_LOOK)
        except Empty:
            continue


def engine_of(executor: Executor | Engine | None) -> Engine:
    """Return what runs shards by an executor, or in this thread if there is none."""
    if isinstance(executor, Engine):
        return executor
    if executor is None:
        return Here()
    if not callable(getattr(executor, "submit", None)):
        message = f"`executor` is {executor!r}; allowed is an executor of concurrent.futures, or one with the same `submit`"
        raise ConfigError(message)
    return Executing(executor)


def in_shards(job: Job, engine: Engine, num_shards: int | None, checkpoint: Folder | None, progress: bool | None) -> Told:
    """Run a campaign in shards, and put them together.

    Errors of the configuration that can be seen without running an episode are raised before anything is begun.
    """
    num_shards = optional_whole("num_shards", num_shards, 1, MOST_SHARDS)
    size = job.size()
    kept = Checkpoint(checkpoint)
    most = max(1, min(size.units, MOST_SHARDS))
    count = kept.count(None if num_shards is None else min(num_shards, most))
    if count is None:
        count = min(SHARDS_A_WORKER * max(1, engine.num_workers()), most)
    whole = kept.load(job, count, size)
    stop = Stop()
    tasks = [Task(job, index, count, stop) for index in range(count) if index not in whole]

    def keep(index: int, text: str) -> None:
        # In this order: Ctrl-C in between then loses no result, and the file is written the next time.
        whole[index] = text
        kept.keep(index, count, text)

    def together(cut: dict[int, str]) -> tuple[str, str]:
        return job.of_parts([(f"shard {index}", text) for index, text in sorted((cut | whole).items())])

    with Progress(progress, size.episodes) as bar:
        tell = bar.callback or (lambda _: None)
        tell(size.episodes * len(whole) // count)
        try:
            for index, text in engine.run(tasks):
                keep(index, text)
                tell(size.episodes * len(whole) // count)
        except BaseException as error:
            ended = engine.end()
            for index, text in ended.whole.items():
                if index not in whole:
                    keep(index, text)
            if isinstance(error, KeyboardInterrupt):
                return *together(ended.cut), KeyboardInterrupt()
            if isinstance(error, Lost):
                raise Error(f"{error}. {_rest(len(whole), count, bool(kept))}") from error.__cause__
            raise
    return *together({}), None


def _rest(done: int, count: int, is_kept: bool) -> str:
    """Tell what becomes of the finished shards of a campaign that has failed."""
    if is_kept:
        return f"{done} of {count} shards are done and in `checkpoint`; with the same one only the others are run"
    return f"{done} of {count} shards were done; with `checkpoint` they would have been kept"
