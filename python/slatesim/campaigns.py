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

The interpreter's lock is released while episodes run. Ctrl-C ends a campaign within a tenth of a second and the length of a batch,
and raises `slatesim.Interrupted`, a `KeyboardInterrupt` that has the result of what was done as `partial`. Before episodes run and
after them it is a `KeyboardInterrupt` as everywhere else.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from slatesim import _slatesim
from slatesim._device import MOST_EPISODES, device, extent, whole
from slatesim._progress import Progress
from slatesim._sources import Config, Section, flat, of_section, source
from slatesim.errors import ConfigError, Interrupted
from slatesim.results import Comparison, Report, Sweep, Trace

_Result = TypeVar("_Result", Report, Comparison, Sweep, Trace)


def _or_interrupted(result: _Result, interruption: BaseException | None) -> _Result:
    """Return a result, or raise what interrupted it."""
    if interruption is None:
        return result
    if type(interruption) is KeyboardInterrupt:
        raise Interrupted(result) from None
    raise interruption


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
    with Progress(progress, episodes) as bar:
        json, text, interruption = _slatesim.evaluate(given, on, which, curves=bool(curves), progress=bar.callback)
    return _or_interrupted(Report(json, text), interruption)


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
    with Progress(progress, _times(episodes, len(compared))) as bar:
        json, text, interruption = _slatesim.compare(given, compared, on, which, curves=bool(curves), progress=bar.callback)
    return _or_interrupted(Comparison(json, text), interruption)


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
    with Progress(progress, None) as bar:
        json, text, interruption = _slatesim.sweep(
            given, axes, on, zip=bool(zip), first_episode=first_episode, curves=bool(curves), progress=bar.callback
        )
    return _or_interrupted(Sweep(json, text), interruption)


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
