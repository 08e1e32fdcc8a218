"""Environments that an agent steps together, as arrays: what `slatesim.gym` builds on. It needs NumPy alone."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slatesim import _slatesim
from slatesim._device import device
from slatesim._sources import Config, Section, source
from slatesim.errors import ActionError, ConfigError

_SEED_BITS = 63
"""Bits of a seed of the operating system."""


class Observation(NamedTuple):
    """What is observed of all environments before they are shown slates, in single precision."""

    users: NDArray[np.float32]
    """Shape (num_envs, user_size)."""
    documents: NDArray[np.float32]
    """Shape (num_envs, num_candidates, document_size); without the first axis where all environments offer the same documents."""
    responses: NDArray[np.float32] | None
    """Shape (num_envs, slate_size, response_size): those to the last slates; None after a reset of all environments."""


class Outcome(NamedTuple):
    """What a step did; arrays have shape (num_envs,)."""

    rewards: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    """Whether the episode has ended by itself."""
    truncated: NDArray[np.bool_]
    """Whether it has reached `max_steps`."""
    chosen: NDArray[np.int64]
    """The position of the slate that was clicked, -1 where nothing was."""
    begun: NDArray[np.bool_]
    """Whether the observation after the step is the first one of an episode."""


class Step(NamedTuple):
    """A step with the observation after it."""

    outcome: Outcome
    observation: Observation
    final: tuple[Observation, NDArray[np.bool_]] | None
    """With `autoreset="SameStep"`: the last observation of the episodes that have ended, and which these are."""


@dataclass(frozen=True)
class Column:
    """An observable: numbers along the last axis of an array."""

    name: str
    """The name in RecSim."""
    length: int
    """How many numbers it is."""
    low: float
    high: float
    discrete: bool
    """Whether only whole numbers occur."""


@dataclass(frozen=True)
class Spaces:
    """What the numbers along the last axis of observations mean, and the sizes of everything."""

    users: tuple[Column, ...]
    documents: tuple[Column, ...]
    responses: tuple[Column, ...]
    num_envs: int
    num_candidates: int
    slate_size: int
    has_shared_documents: bool
    """Whether all environments offer the same documents at all steps."""


def _columns(space: dict[str, Any]) -> tuple[Column, ...]:
    def bound(value: float | None, otherwise: float) -> float:
        return otherwise if value is None else float(value)

    return tuple(
        Column(
            column["name"],
            column["length"],
            bound(column["low"], -np.inf),
            bound(column["high"], np.inf),
            column["discrete"],
        )
        for column in space["columns"]
    )


class VecEnv:
    """Many environments of one user each.

    The k-th episode of environment i is the same whatever `num_envs` is. `autoreset` says when the next one begins after one has
    ended: `"NextStep"` (with the next step, which ignores the slate), `"SameStep"` (within the same step), or `"Disabled"`
    (with `reset_lanes`). What is simulated, and on what, is given as for `slatesim.evaluate`.

    >>> import numpy as np
    >>> from slatesim.vec_env import VecEnv
    >>> env = VecEnv(environment="interest_evolution", num_envs=100, seed=7)
    >>> observation = env.reset()
    >>> step = env.step(np.tile([0, 1], (100, 1)))
    >>> step.outcome.rewards.shape
    (100,)
    """

    def __init__(
        self,
        config: Config = None,
        *,
        num_envs: int,
        environment: Section = None,
        seed: int | None = None,
        max_steps: int | None = None,
        settings: Mapping[str, Any] | None = None,
        autoreset: str = "NextStep",
        first_env: int = 0,
        backend: str = "auto",
        num_threads: int | None = None,
        adapter: int | str | None = None,
    ) -> None:
        """Make environments; `reset` begins their episodes.

        Without `seed` and without one in `config` or `settings`, the first reset takes a seed of the operating system.
        """
        self._arguments = {
            "config": config,
            "num_envs": num_envs,
            "environment": environment,
            "seed": seed,
            "max_steps": max_steps,
            "settings": settings,
            "autoreset": autoreset,
            "first_env": first_env,
            "backend": backend,
            "num_threads": num_threads,
            "adapter": adapter,
        }
        given = source(config, environment=environment, policy=None, run={"seed": seed, "max_steps": max_steps}, settings=settings)
        self._env = _slatesim.Env(
            given,
            device(backend, num_threads, None, adapter),
            num_envs=num_envs,
            autoreset=autoreset,
            first_env=first_env,
        )
        self._needs_seed = not self._env.has_seed
        told = json.loads(self._env.spaces())
        documents = told["documents"]["shape"]
        self.spaces = Spaces(
            _columns(told["users"]),
            _columns(told["documents"]),
            _columns(told["responses"]),
            num_envs,
            documents[-2],
            told["slates"]["shape"][1],
            len(documents) == 2,
        )
        self.autoreset = autoreset

    @property
    def num_envs(self) -> int:
        """How many environments there are."""
        return self.spaces.num_envs

    def reset(self, seed: int | None = None) -> Observation:
        """Begin the next episode of every environment; with a seed, the first one of that seed."""
        if seed is None and self._needs_seed:
            seed = secrets.randbits(_SEED_BITS)
        if seed is not None and not 0 <= seed < 2**64:
            message = f"`seed` = {seed} is not allowed; allowed is an integer from 0 to 18446744073709551615"
            raise ConfigError(message)
        self._needs_seed = False
        return Observation(*self._env.reset(seed))

    def reset_lanes(self, mask: ArrayLike) -> Observation:
        """Begin the next episode of the environments of a mask, shape (num_envs,), and observe all."""
        given = np.asarray(mask)
        if given.dtype != np.bool_ or given.ndim != 1:
            message = f"the mask has shape {given.shape} and type {given.dtype}; allowed is shape ({self.num_envs},) of bool"
            raise ActionError(message)
        return Observation(*self._env.reset_lanes(given))

    def _slates(self, slates: ArrayLike) -> NDArray[np.int64]:
        given = np.asarray(slates)
        expected = (self.num_envs, self.spaces.slate_size)
        if given.shape != expected or given.dtype.kind not in "iu":
            message = f"the slates have shape {given.shape} and type {given.dtype}; allowed is shape {expected} of integers"
            raise ActionError(message)
        if given.dtype == np.uint64 and given.size and given.max() > np.iinfo(np.int64).max:
            message = f"a slate has candidate {given.max()}; allowed is an index below {self.spaces.num_candidates}"
            raise ActionError(message)
        return given.astype(np.int64, copy=False)

    def step(self, slates: ArrayLike) -> Step:
        """Show every user a slate, and observe what comes of it.

        Shape (num_envs, slate_size), of indices of candidates; -1 at the end of a slate shows nothing there. What cannot be shown is
        refused before anything is done.
        """
        outcome, observation, final = self._env.step(self._slates(slates))
        last = None if final is None else (Observation(*final[0]), final[1])
        return Step(Outcome(*outcome), Observation(*observation), last)

    def advance(self, slates: ArrayLike) -> Outcome:
        """Show every user a slate, and leave the observation where it is; `observe` fetches it."""
        return Outcome(*self._env.advance(self._slates(slates)))

    def observe(self) -> Observation:
        """Fetch what is observed now."""
        return Observation(*self._env.observe())

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments: what is read is new environments, which have not been reset."""
        return _remake, (type(self), self._arguments)

    def close(self) -> None:
        """Give memory and threads back; calling it twice does no harm."""
        self._env.close()


def _remake(kind: type[VecEnv], arguments: dict[str, Any]) -> VecEnv:
    return kind(**arguments)
