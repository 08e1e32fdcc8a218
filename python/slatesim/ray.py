"""Campaigns on the machines of a Ray cluster: `evaluate`, `compare` and `sweep`, with the same result as on one, to the last bit.

Each shard is one task without state, so that a task whose worker or node dies is simply run again. Needs Ray:
`pip install "slatesim[ray]"`, on all nodes. Files that a configuration names must be there on every node, under the same path.

All three functions take what their namesakes in `slatesim` take, and besides:

`num_shards`
    how many tasks there are; if not given, four for each one that the cluster can run at the same time, or as many as `checkpoint`
    has. There is at most one for each 256 episodes, or of a sweep one for each point. A task should take a second at least.
`num_cpus`, `num_gpus`
    what each task takes of a node. It computes with `num_threads` = `num_cpus`. `num_gpus` is 1 at most; above 0, each task
    computes on the GPU that Ray gives it. It is taken for that one of `slatesim.adapters()` that has its number among the discrete
    ones. That has not been tried on machines with several GPUs.
`max_retries`
    how often a task is run again whose worker or node dies. Errors of slatesim are raised at once.
`checkpoint`
    a folder that the driver can write to, in which each finished shard becomes a file. Those that are there already are not run again.

`backend="auto"` is `gpu` if `num_gpus` is above 0, else `cpu`, so that a result does not depend on the node. Without a connection to
a cluster, `ray.init()` makes one. Ctrl-C cancels the tasks and raises `slatesim.Interrupted`, whose `partial` has the finished shards.
"""

import importlib
import math
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from slatesim import campaigns
from slatesim._checkpoint import Folder
from slatesim._device import optional_number, whole
from slatesim._shards import Ended, Engine, Lost, Task
from slatesim._sources import Config
from slatesim.errors import ConfigError, DeviceError
from slatesim.listing import adapters
from slatesim.results import Comparison, Report, Sweep

_LOOK = 0.1
"""Seconds between two looks at signals."""
_CANCELLING = 1.0
"""Seconds that cancelled tasks have to end by themselves."""
_HOMELESS = 60.0
"""Seconds after which a campaign is given up that no node can run any more."""
_MOST_RETRIES = 1_000


def evaluate(
    config: Config = None,
    *,
    num_shards: int | None = None,
    num_cpus: float = 1,
    num_gpus: float = 0,
    max_retries: int = 3,
    checkpoint: Folder | None = None,
    progress: bool | None = None,
    **arguments: Any,
) -> Report:
    """Estimate the figures of one policy over many episodes, as `slatesim.evaluate` does, which has the other arguments."""
    given = _Ray(num_cpus, num_gpus, max_retries).arguments(config, arguments)
    return campaigns.evaluate(num_shards=num_shards, checkpoint=checkpoint, progress=progress, **given)


def compare(
    config: Config = None,
    *,
    num_shards: int | None = None,
    num_cpus: float = 1,
    num_gpus: float = 0,
    max_retries: int = 3,
    checkpoint: Folder | None = None,
    progress: bool | None = None,
    **arguments: Any,
) -> Comparison:
    """Compare policies on the same users, as `slatesim.compare` does, which has the other arguments."""
    given = _Ray(num_cpus, num_gpus, max_retries).arguments(config, arguments)
    return campaigns.compare(num_shards=num_shards, checkpoint=checkpoint, progress=progress, **given)


def sweep(
    config: Config = None,
    *,
    num_shards: int | None = None,
    num_cpus: float = 1,
    num_gpus: float = 0,
    max_retries: int = 3,
    checkpoint: Folder | None = None,
    progress: bool | None = None,
    **arguments: Any,
) -> Sweep:
    """Evaluate a grid of values, as `slatesim.sweep` does, which has the other arguments."""
    given = _Ray(num_cpus, num_gpus, max_retries).arguments(config, arguments)
    return campaigns.sweep(num_shards=num_shards, checkpoint=checkpoint, progress=progress, **given)


def _library() -> Any:
    """Return Ray, which this module shares its name with."""
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        message = '`slatesim.ray` needs the library Ray, which is not installed: pip install "slatesim[ray]"'
        raise ImportError(message) from error


def _run(task: Task, takes_gpu: bool) -> str:
    """Run a shard within a task of Ray, on the GPU that Ray gives it if it takes one."""
    if takes_gpu:
        numbers = _library().get_gpu_ids()
        discrete = [adapter.index for adapter in adapters() if adapter.kind == "discrete"]
        # Ray hides other GPUs from CUDA alone; a driver of Vulkan shows all of them.
        number = int(numbers[0]) if numbers and str(numbers[0]).isdecimal() else None
        if number is None or number >= len(discrete):
            message = f"Ray has given the task the GPU {numbers!r}, and slatesim.adapters() has {len(discrete)} discrete ones there"
            raise DeviceError(message)
        on = task.job.on | {"adapter": str(discrete[number])}
        task = replace(task, job=replace(task.job, on=on))
    return task.run()


class _Ray(Engine):
    """Runs shards as tasks of Ray."""

    def __init__(self, num_cpus: float, num_gpus: float, max_retries: int) -> None:
        """Describe the tasks."""
        self._cpus = optional_number("num_cpus", num_cpus) or 1.0
        self._gpus = 0.0 if num_gpus == 0 else optional_number("num_gpus", num_gpus) or 0.0
        if self._gpus > 1:
            message = f"`num_gpus` = {num_gpus!r} is not allowed; allowed is a number from 0 to 1, since a task computes on one"
            raise ConfigError(message)
        self._retries = whole("max_retries", max_retries, 0, _MOST_RETRIES)
        self._tasks: dict[Any, Task] = {}
        self._takes_gpu = False
        self._ray = _library()

    def arguments(self, config: Config, given: dict[str, Any]) -> dict[str, Any]:
        """Return arguments as the tasks need them, which run in other folders and must not take what others have."""
        if "executor" in given:
            message = "`executor` is given, and in `slatesim.ray` Ray runs the shards; allowed is nothing"
            raise ConfigError(message)
        if isinstance(config, str | os.PathLike) and config != "-":
            config = Path(config).absolute()
        backend, adapter = given.get("backend", "auto"), given.get("adapter")
        if backend == "auto":
            backend = "cpu" if self._gpus == 0 and adapter is None else "gpu"
        self._takes_gpu = self._gpus > 0 and backend == "gpu" and adapter is None
        threads = given.get("num_threads")
        threads = math.ceil(self._cpus) if threads is None else threads
        return given | {"config": config, "backend": backend, "num_threads": threads, "executor": self}

    def num_workers(self) -> int:
        """Return how many tasks the cluster can run at the same time."""
        self._connect()
        return sum(self._room(node) for node in self._nodes())

    def _connect(self) -> None:
        if not self._ray.is_initialized():
            self._ray.init()

    def _nodes(self) -> list[dict[str, float]]:
        """Return what each living node has."""
        return [node["Resources"] for node in self._ray.nodes() if node["Alive"]]

    def _room(self, has: dict[str, float]) -> int:
        """Return how many tasks a node can run at the same time."""
        room = has.get("CPU", 0.0) // self._cpus
        return int(min(room, has.get("GPU", 0.0) // self._gpus) if self._gpus > 0 else room)

    def run(self, tasks: list[Task]) -> Iterator[tuple[int, str]]:
        """Run shards."""
        self._connect()
        if not any(map(self._room, self._nodes())):
            message = f"no node of the cluster has `num_cpus` = {self._cpus:g} and `num_gpus` = {self._gpus:g}; allowed is what one has"
            raise ConfigError(message)
        remote = self._ray.remote(_run)
        for task in tasks:
            named = remote.options(
                name=f"slatesim {task.job.kind} {task.index}/{task.count}",
                num_cpus=self._cpus,
                num_gpus=self._gpus,
                max_retries=self._retries,
                # Only the death of a worker or a node is worth another try: an error of slatesim would come again.
                retry_exceptions=False,
            )
            self._tasks[named.remote(task, self._takes_gpu)] = task
        waiting = list(self._tasks)
        had_room = time.monotonic()
        while waiting:
            done, waiting = self._ray.wait(waiting, num_returns=1, timeout=_LOOK)
            if done:
                had_room = time.monotonic()
                yield self._tasks[done[0]].index, self._result(done[0])
            elif time.monotonic() - had_room > _HOMELESS:
                if not any(map(self._room, self._nodes())):
                    raise Lost("no node of the Ray cluster is left that can run the shards; start others")
                had_room = time.monotonic()

    def _result(self, reference: Any) -> str:
        """Return the result of a task that has ended."""
        errors = self._ray.exceptions
        try:
            text: str = self._ray.get(reference)
        except errors.RayTaskError as error:
            raise error.cause from None
        except errors.TaskCancelledError as error:
            raise Lost("a task of Ray was cancelled from outside") from error
        except errors.RayError as error:
            told = str(error).splitlines()[0] if str(error) else type(error).__name__
            task = self._tasks[reference]
            message = (
                f"shard {task.index} of {task.count} was lost, and run again {self._retries} times (`max_retries`), because its worker or "
                f"its node died: {told} See the logs of Ray; if a worker has not enough memory, raise `num_cpus` or `num_shards`, and if "
                f"nodes often die, `max_retries`"
            )
            raise Lost(message) from error
        return text

    def end(self) -> Ended:
        """Cancel all tasks, and return the results that have come in the meantime."""
        ended = Ended()
        if not self._tasks:
            return ended
        references = list(self._tasks)
        done, running = self._ray.wait(references, num_returns=len(references), timeout=0)
        for reference in running:
            self._ray.cancel(reference)
        for reference in done:
            try:
                ended.whole[self._tasks[reference].index] = self._ray.get(reference)
            except self._ray.exceptions.RayError:
                continue
        if running:
            _, running = self._ray.wait(running, num_returns=len(running), timeout=_CANCELLING)
        for reference in running:
            self._ray.cancel(reference, force=True)
        return ended
