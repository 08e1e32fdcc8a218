"""Campaigns: millions of episodes, and what they tell.

All functions take what is simulated in the same way, later ones over earlier ones:

`config`
    a TOML file, or a mapping of keys, dotted (`"environment.user.sensitivity"`) or nested.
`environment`, `policy`
    a name, or a mapping of the keys of this section, `name` among them.
`episodes`, `seed`, `max_steps`, `discount`
    the keys of a run.
`settings`
    a mapping of keys, dotted or nested, laid over everything else.

And what computes it, which has no influence on the result but by its arithmetic:

`backend`
    `"auto"` (a GPU if there is one, else `cpu`), `"gpu"`, `"cpu"` or `"reference"`.
`num_threads`
    worker threads; as many as there are cores if not given.
`batch_size`
    episodes that run together; as suits the device if not given.
`adapter`
    the GPU to compute on: its index in `slatesim.adapters()`, or its PCI number.
`progress`
    whether a bar is shown (by tqdm); None: where tqdm is installed and somebody looks.

`evaluate`, `compare` and `sweep` can be cut into shards, with the same result to the last bit:

`executor`
    what runs the shards: any executor of `concurrent.futures`, or one with its interface. Its processes are best started by `spawn`
    or `forkserver`, and each shard takes `num_threads`. Without it the shards run one after another.
`num_shards`
    how many there are; if not given, four for each processor, or as many as `checkpoint` has. There is at most one for each 256
    episodes, or of a sweep one for each point.
`checkpoint`
    a folder, in which each finished shard becomes a file. Those that are there already are not run again.

`slatesim.ray` has the same three functions for the machines of a Ray cluster.

The interpreter's lock is released while episodes run. Ctrl-C ends a campaign within a tenth of a second and the length of a batch,
and raises `slatesim.Interrupted`, a `KeyboardInterrupt` that has the result of what was done as `partial`. Before episodes run and
after them it is a `KeyboardInterrupt` as everywhere else. Shards that run in other processes are told nothing: those that do not end
within half a second go on without effect, and are not in the partial result.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, TypeVar

from slatesim import _slatesim
from slatesim._checkpoint import Folder
from slatesim._device import MOST_EPISODES, device, extent, whole
from slatesim._jobs import Comparing, Evaluation, Job, Sweeping
from slatesim._progress import Progress
from slatesim._shards import Engine, engine_of, in_shards
from slatesim._sources import Config, Section, flat, of_section, source
from slatesim.errors import ConfigError, Interrupted
from slatesim.results import Comparison, Report, Sweep
from slatesim.traces import Trace

_Result = TypeVar("_Result", Report, Comparison, Sweep, Trace)
_Outcome = TypeVar("_Outcome", Report, Comparison, Sweep)


def _or_interrupted(result: _Result, interruption: BaseException | None) -> _Result:
    """Return a result, or raise what interrupted it."""
    if interruption is None:
        return result
    if type(interruption) is KeyboardInterrupt:
        raise Interrupted(result) from None
    raise interruption


def _result(
    kind: type[_Outcome],
    job: Job,
    executor: Executor | None,
    num_shards: int | None,
    checkpoint: Folder | None,
    progress: bool | None,
    episodes: int | None,
) -> _Outcome:
    """Run a campaign, whole or in shards; `episodes` is how many there are, if that is known."""
    if executor is None and num_shards is None and checkpoint is None:
        with Progress(progress, episodes) as bar:
            json, text, interruption = job.whole(bar.callback)
    else:
        json, text, interruption = in_shards(job, engine_of(executor), num_shards, checkpoint, progress)
    return _or_interrupted(kind(json, text), interruption)


def _only_one(executor: Executor | None, num_shards: int | None, checkpoint: Folder | None, others: Mapping[str, Any]) -> None:
    """Refuse shards together with what cannot be cut into any, or is one."""
    shards = {"slatesim.ray" if isinstance(executor, Engine) else "executor": executor, "num_shards": num_shards, "checkpoint": checkpoint}
    for name, value in shards.items():
        for other, given in others.items():
            if value is not None and given is not None:
                message = f"`{name}` cuts a number of episodes into shards, and `{other}` is given, too; allowed is one of the two"
                raise ConfigError(message)


_MOST_VARIANTS = 32
_MOST_POINTS = 10_000


def _table(name: str, given: Any) -> Mapping[str, Any]:
    """Return a mapping whose keys are texts."""
    if isinstance(given, Mapping) and all(isinstance(key, str) for key in given):
        return given
    message = f"`{name}` is {given!r}; allowed is a mapping whose keys are texts"
    raise ConfigError(message)


def _entries(name: str, given: Any, most: int) -> list[Any]:
    """Return the entries of an iterable that is no text and no mapping, at most so many."""
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        message = f"`{name}` is {given!r}; allowed is a list"
        raise ConfigError(message)
    entries = list(itertools.islice(given, most + 1))
    if len(entries) > most:
        message = f"`{name}` has more than {most} entries; allowed are {most}"
        raise ConfigError(message)
    return entries


def _times(episodes: Any, count: int) -> int | None:
    """Return how many episodes all variants have together, if that is known."""
    return episodes * count if isinstance(episodes, int) else None


def evaluate(
    config: Config = None,
    *,
    environment: Section = None,
    policy: Section = None,
    episodes: int | None = None,
    seed: int | None = None,
    max_steps: int | None = None,
    discount: float | list[float] | None = None,
    settings: Mapping[str, Any] | None = None,
    backend: str = "auto",
    num_threads: int | None = None,
    batch_size: int | None = None,
    adapter: int | str | None = None,
    first_episode: int = 0,
    shard: str | None = None,
    target_standard_error: float | None = None,
    target_half_width: float | None = None,
    max_episodes: int | None = None,
    curves: bool = True,
    executor: Executor | None = None,
    num_shards: int | None = None,
    checkpoint: Folder | None = None,
    progress: bool | None = None,
) -> Report:
    """Estimate return, length, click rate and more of one policy over many episodes, with their standard errors.

    `first_episode` (a multiple of 256) and `shard` (`"0/8"`) run a part of the episodes; `merge` puts the parts together, to the
    last bit. With `target_standard_error` or `target_half_width` (of the 95 % interval of the mean return) episodes run until the
    figure is so precise, at most `max_episodes`. `curves=False` leaves out the curves by step.

    >>> import slatesim
    >>> report = slatesim.evaluate(environment="long_term_satisfaction", policy={"name": "greedy", "order": "min"},
    ...                            settings={"environment.user.sensitivity": 0.058}, episodes=2048, progress=False)
    >>> report.returns.standard_error < 10
    True
    """
    given = source(
        config,
        environment=environment,
        policy=policy,
        run={"episodes": episodes, "seed": seed, "max_steps": max_steps, "discount": discount},
        settings=settings,
    )
    on = device(backend, num_threads, batch_size, adapter)
    which = extent(episodes, first_episode, shard, target_standard_error, target_half_width, max_episodes)
    _only_one(
        executor,
        num_shards,
        checkpoint,
        {"shard": shard, "target_standard_error": target_standard_error, "target_half_width": target_half_width},
    )
    job = Evaluation(given, on, bool(curves), which)
    return _result(Report, job, executor, num_shards, checkpoint, progress, episodes)


def compare(
    config: Config = None,
    *,
    policies: Sequence[str | Mapping[str, Any]] = (),
    variants: Mapping[str, Mapping[str, Any]] | None = None,
    environment: Section = None,
    episodes: int | None = None,
    seed: int | None = None,
    max_steps: int | None = None,
    discount: float | list[float] | None = None,
    settings: Mapping[str, Any] | None = None,
    backend: str = "auto",
    num_threads: int | None = None,
    batch_size: int | None = None,
    adapter: int | str | None = None,
    first_episode: int = 0,
    target_standard_error: float | None = None,
    target_half_width: float | None = None,
    max_episodes: int | None = None,
    curves: bool = True,
    executor: Executor | None = None,
    num_shards: int | None = None,
    checkpoint: Folder | None = None,
    progress: bool | None = None,
) -> Comparison:
    """Compare policies, or settings of one, on the same users, documents and noise.

    The variants are those of the file, then one for each of `policies` (a name, or a mapping of the keys of a policy), then those
    of `variants`, which map a label to settings. Targets hold for every difference.

    >>> import slatesim
    >>> comparison = slatesim.compare(environment="long_term_satisfaction", policies=["random", "greedy"], episodes=2048,
    ...                               progress=False)
    >>> comparison.best
    'greedy'
    """
    given = source(
        config,
        environment=environment,
        policy=None,
        run={"episodes": episodes, "seed": seed, "max_steps": max_steps, "discount": discount},
        settings=settings,
    )
    on = device(backend, num_threads, batch_size, adapter)
    compared = []
    for policy in _entries("policies", policies, _MOST_VARIANTS):
        name = policy.get("name") if isinstance(policy, Mapping) else policy
        if not isinstance(name, str):
            message = f"`policies` has {policy!r}; allowed are names of policies, and mappings with `name`"
            raise ConfigError(message)
        compared.append((name, list(of_section("policy", policy))))
    for label, values in _table("variants", {} if variants is None else variants).items():
        compared.append((label, list(flat(f"the variant {label!r}", values))))
    which = extent(episodes, first_episode, None, target_standard_error, target_half_width, max_episodes)
    _only_one(
        executor,
        num_shards,
        checkpoint,
        {"target_standard_error": target_standard_error, "target_half_width": target_half_width},
    )
    job = Comparing(given, on, bool(curves), compared, which)
    return _result(Comparison, job, executor, num_shards, checkpoint, progress, _times(episodes, len(compared)))


def sweep(
    config: Config = None,
    *,
    vary: Mapping[str, Iterable[Any]],
    zip: bool = False,
    environment: Section = None,
    policy: Section = None,
    episodes: int | None = None,
    seed: int | None = None,
    max_steps: int | None = None,
    discount: float | list[float] | None = None,
    settings: Mapping[str, Any] | None = None,
    backend: str = "auto",
    num_threads: int | None = None,
    batch_size: int | None = None,
    adapter: int | str | None = None,
    first_episode: int = 0,
    curves: bool = False,
    executor: Executor | None = None,
    num_shards: int | None = None,
    checkpoint: Folder | None = None,
    progress: bool | None = None,
) -> Sweep:
    """Evaluate a grid of values, each on the same users, documents and noise.

    `vary` maps dotted keys to the values that they take: every one with every other, the last key's fastest; with `zip` the first
    values together, then the second ones, and so on.

    >>> import slatesim
    >>> sweep = slatesim.sweep(environment="long_term_satisfaction", episodes=512, progress=False,
    ...                        vary={"environment.user.sensitivity": [0.01, 0.05], "environment.slate_size": [1, 2]})
    >>> [point.settings["environment.slate_size"] for point in sweep.points]
    [1, 2, 1, 2]
    """
    given = source(
        config,
        environment=environment,
        policy=policy,
        run={"episodes": episodes, "seed": seed, "max_steps": max_steps, "discount": discount},
        settings=settings,
    )
    on = device(backend, num_threads, batch_size, adapter)
    axes = [(key, _entries(f"vary[{key!r}]", values, _MOST_POINTS)) for key, values in _table("vary", vary).items()]
    first_episode = whole("first_episode", first_episode, 0, MOST_EPISODES)
    job = Sweeping(given, on, bool(curves), axes, bool(zip), first_episode)
    return _result(Sweep, job, executor, num_shards, checkpoint, progress, None)


def trace(
    config: Config = None,
    *,
    first: int = 1,
    first_episode: int = 0,
    candidates: bool = False,
    environment: Section = None,
    policy: Section = None,
    episodes: int | None = None,
    seed: int | None = None,
    max_steps: int | None = None,
    settings: Mapping[str, Any] | None = None,
    backend: str = "auto",
    num_threads: int | None = None,
    adapter: int | str | None = None,
    progress: bool | None = None,
) -> Trace:
    """Record every step of the `first` episodes: what was observed, shown, clicked and earned, and with which probability.

    With `candidates` the features of all candidates are there, too, and not only of those that are shown.

    >>> import slatesim
    >>> trace = slatesim.trace(environment="long_term_satisfaction", first=3, progress=False)
    >>> len(trace.arrays["reward"])
    180
    """
    given = source(
        config,
        environment=environment,
        policy=policy,
        run={"episodes": episodes, "seed": seed, "max_steps": max_steps},
        settings=settings,
    )
    on = device(backend, num_threads, None, adapter)
    first = whole("first", first, 1, MOST_EPISODES)
    first_episode = whole("first_episode", first_episode, 0, MOST_EPISODES)
    with Progress(progress, first) as bar:
        columns, done, interruption = _slatesim.trace(
            given, on, first=first, first_episode=first_episode, candidates=bool(candidates), progress=bar.callback
        )
    return _or_interrupted(Trace(dict(columns), done), interruption)


def merge(reports: Iterable[Report], *, pool_seeds: bool = False) -> Report:
    """Put the reports of parts of one run together, to the last bit of every figure.

    With `pool_seeds` they may have different seeds.

    >>> import slatesim
    >>> parts = [slatesim.evaluate(environment="test_mdp", max_steps=20, episodes=1024, shard=f"{part}/2", progress=False)
    ...          for part in range(2)]
    >>> slatesim.merge(parts).episodes
    1024
    """
    given = []
    for number, report in enumerate(reports):
        if not isinstance(report, Report):
            message = f"`reports` has {report!r}; allowed are reports"
            raise ConfigError(message)
        given.append((f"report {number}", report.to_json()))
    if not given:
        message = "there is no report to merge; allowed is at least one"
        raise ConfigError(message)
    return Report(*_slatesim.merge(given, pool_seeds=bool(pool_seeds)))
