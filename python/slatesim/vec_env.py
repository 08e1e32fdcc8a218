"""Environments that an agent steps together, as arrays: what `slatesim.gym` builds on. It needs NumPy alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from slatesim import _slatesim
from slatesim._device import device
from slatesim._memory import Pool
from slatesim._sources import Config, Section, fresh_seed, source
from slatesim.errors import ActionError, ConfigError

_PRECISIONS = (np.dtype(np.float32), np.dtype(np.float16))


class Observation(NamedTuple):
    """What is observed of all environments before they are shown slates, in single precision unless half is asked for."""

    users: NDArray[np.floating]
    """Shape (num_envs, user_size)."""
    documents: NDArray[np.floating]
    """Shape (num_envs, num_candidates, document_size); without the first axis, and not to be written to, where all environments
    offer the same documents."""
    responses: NDArray[np.floating] | None
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
    """Hidden fields come last."""
    documents: tuple[Column, ...]
    responses: tuple[Column, ...]
    num_envs: int
    num_candidates: int
    slate_size: int
    has_shared_documents: bool
    """Whether all environments offer the same documents at all steps."""

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Count the numbers of a user, of a document, and of the response to one."""
        users, documents, responses = (sum(column.length for column in columns) for columns in (self.users, self.documents, self.responses))
        return users, documents, responses

    @property
    def row_size(self) -> int:
        """Count the numbers of a row of everything: the user, the documents, the responses."""
        users, documents, responses = self.sizes
        return users + self.num_candidates * documents + self.slate_size * responses


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


def _names(name: str, given: Any) -> list[str]:
    """Return a list of names."""
    if isinstance(given, str) or not isinstance(given, Sequence) or not all(isinstance(entry, str) for entry in given):
        message = f"`{name}` = {given!r} is not allowed; allowed is a list of names"
        raise ConfigError(message)
    return list(given)


def _precision(dtype: DTypeLike) -> np.dtype[Any]:
    """Return a type in which observations can be written."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found not in _PRECISIONS:
        message = f"`dtype` = {dtype!r} is not allowed; allowed is float32 or float16"
        raise ConfigError(message)
    return found


class VecEnv:
    """Many environments of one user each.

    The k-th episode of environment i is the same whatever `num_envs` is. `autoreset` says when the next one begins after one has
    ended: `"NextStep"` (with the next step, which ignores the slate), `"SameStep"` (within the same step), or `"Disabled"`
    (with `reset_lanes`). What is simulated, and on what, is given as for `slatesim.evaluate`.

    `columns` chooses what is observed: parts (`"user"`, `"doc"`, `"response"`) or columns of them (`"doc.quality"`); what is not
    observed is not computed either. `hidden` names fields of the users' state that agents are not meant to see, and that are observed
    after those of `user`, as `["satisfaction"]`. With `dtype="float16"` observations are rounded to half precision, about three
    decimal digits, which halves their memory.

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
        columns: Sequence[str] | None = None,
        hidden: Sequence[str] = (),
        dtype: DTypeLike = np.float32,
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
            "columns": columns,
            "hidden": hidden,
            "dtype": dtype,
            "backend": backend,
            "num_threads": num_threads,
            "adapter": adapter,
        }
        given = source(config, environment=environment, policy=None, run={"seed": seed, "max_steps": max_steps}, settings=settings)
        names = None if columns is None else _names("columns", columns)
        if hidden_names := _names("hidden", hidden):
            names = ["user", "doc", "response"] if names is None else names
            names += [f"hidden.{name}" for name in hidden_names]
        precision = _precision(dtype)
        self._env = _slatesim.Env(
            given,
            device(backend, num_threads, None, adapter),
            num_envs=num_envs,
            autoreset=autoreset,
            first_env=first_env,
            columns=names,
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
        user_size, document_size, response_size = self.spaces.sizes
        own_documents = 0 if self.spaces.has_shared_documents else num_envs
        self._pools = (
            Pool((num_envs, user_size), precision),
            Pool((own_documents, self.spaces.num_candidates, document_size), precision),
            Pool((num_envs, self.spaces.slate_size, response_size), precision),
        )
        self._shared: NDArray[np.floating] | None = None

    @property
    def num_envs(self) -> int:
        """How many environments there are."""
        return self.spaces.num_envs

    @property
    def documents(self) -> NDArray[np.floating] | None:
        """What is observed of the documents that all environments offer at all steps, shape (num_candidates, document_size).

        It is not to be written to, and None where each environment offers documents of its own.
        """
        if self.spaces.has_shared_documents and self._shared is None:
            documents = self._env.documents()
            if documents is not None:
                self._shared = documents.astype(self._pools[0].dtype, copy=False)
                self._shared.flags.writeable = False
        return self._shared

    def _memory(self) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]:
        """Return memory for an observation."""
        users, documents, responses = (pool.take() for pool in self._pools)
        return users, documents, responses

    def _observation(
        self,
        memory: tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]],
        *,
        is_first: bool = False,
    ) -> Observation:
        """Name what has been written."""
        users, documents, responses = memory
        shared = self.documents
        return Observation(users, documents if shared is None else shared, None if is_first else responses)

    def reset(self, seed: int | None = None) -> Observation:
        """Begin the next episode of every environment; with a seed, the first one of that seed."""
        memory = self._memory()
        self._env.reset(self._seed(seed), memory)
        return self._observation(memory, is_first=True)

    def _seed(self, seed: int | None) -> int | None:
        """Return the seed of a reset."""
        if seed is None and self._needs_seed:
            seed = fresh_seed()
        if seed is not None:
            if not 0 <= seed < 2**64:
                message = f"`seed` = {seed} is not allowed; allowed is an integer from 0 to 18446744073709551615"
                raise ConfigError(message)
            # Documents that are drawn once are drawn from the seed.
            self._shared = None
        self._needs_seed = False
        return seed

    def reset_lanes(self, mask: ArrayLike) -> Observation:
        """Begin the next episode of the environments of a mask, shape (num_envs,), and observe all."""
        memory = self._memory()
        self._env.reset_lanes(self._mask(mask), memory)
        return self._observation(memory)

    def _mask(self, mask: ArrayLike) -> NDArray[np.bool_]:
        given = np.asarray(mask)
        if given.dtype != np.bool_ or given.ndim != 1:
            message = f"the mask has shape {given.shape} and type {given.dtype}; allowed is shape ({self.num_envs},) of bool"
            raise ActionError(message)
        return given

    def _slates(self, slates: ArrayLike) -> NDArray[np.int64]:
        given = np.asarray(slates)
        expected = (self.num_envs, self.spaces.slate_size)
        if given.shape != expected or given.dtype.kind not in "iu":
            message = f"the slates have shape {given.shape} and type {given.dtype}; allowed is shape {expected} of integers"
            raise ActionError(message)
        if given.dtype == np.uint64 and given.size and int(given.max()) > np.iinfo(np.int64).max:
            message = f"a slate has candidate {given.max()}; allowed is an index below {self.spaces.num_candidates}"
            raise ActionError(message)
        return given.astype(np.int64, copy=False)

    def step(self, slates: ArrayLike) -> Step:
        """Show every user a slate, and observe what comes of it.

        Shape (num_envs, slate_size), of indices of candidates; -1 at the end of a slate shows nothing there. What cannot be shown is
        refused before anything is done.
        """
        given = self._slates(slates)
        memory = self._memory()
        last = self._memory() if self.autoreset == "SameStep" else None
        outcome, lanes = self._env.step(given, memory, last)
        final = None if last is None or lanes is None else (self._observation(last), lanes)
        return Step(Outcome(*outcome), self._observation(memory), final)

    def advance(self, slates: ArrayLike) -> Outcome:
        """Show every user a slate, and leave the observation where it is; `observe` fetches it."""
        return Outcome(*self._env.advance(self._slates(slates)))

    def observe(self) -> Observation:
        """Fetch what is observed now: after a reset of all environments the responses are zero."""
        memory = self._memory()
        self._env.observe(memory)
        return self._observation(memory)

    def _rows(self, name: str, rows: Any) -> NDArray[np.floating]:
        """Check memory of the caller for rows of everything."""
        expected = (self.num_envs, self.spaces.row_size)
        if not (
            isinstance(rows, np.ndarray)
            and rows.shape == expected
            and rows.dtype in _PRECISIONS
            and rows.flags.c_contiguous
            and rows.flags.writeable
        ):
            told = f"of shape {rows.shape} and type {rows.dtype}" if isinstance(rows, np.ndarray) else f"a {type(rows).__name__}"
            message = f"`{name}` is {told}; allowed is a contiguous, writeable array of shape {expected} of float32 or float16"
            raise ActionError(message)
        return rows

    def _numbers(self, name: str, numbers: Any) -> NDArray[Any]:
        """Check memory of the caller for a number of each environment."""
        if not (isinstance(numbers, np.ndarray) and numbers.shape == (self.num_envs,) and numbers.flags.writeable):
            message = f"`{name}` is {type(numbers).__name__} {np.shape(numbers)}; allowed is a writeable array of shape ({self.num_envs},)"
            raise ActionError(message)
        return numbers

    def reset_into(self, observations: NDArray[np.floating], *, seed: int | None = None, mask: ArrayLike | None = None) -> None:
        """Begin episodes as `reset` does, or as `reset_lanes` with a mask, and write what is observed to `observations`.

        Shape (num_envs, row_size), contiguous, float32 or float16, which is also the precision: the user, the documents and
        the responses of an environment one after the other in a row, as with `observation="flat"` in `slatesim.gym`.
        """
        rows = self._rows("observations", observations)
        if mask is None:
            self._env.reset(self._seed(seed), rows)
        else:
            self._env.reset_lanes(self._mask(mask), rows)

    def step_into(
        self,
        slates: ArrayLike,
        *,
        observations: NDArray[np.floating],
        rewards: NDArray[Any] | None = None,
        terminals: NDArray[Any] | None = None,
        truncations: NDArray[Any] | None = None,
        last: NDArray[np.floating] | None = None,
    ) -> tuple[Outcome, NDArray[np.bool_] | None]:
        """Show every user a slate, and write what comes of it to memory of the caller, as PufferLib's environments do.

        `observations` are rows as of `reset_into`; with `autoreset="SameStep"` the last observations of episodes that have ended
        are written to `last`, of the same type, and the second result tells which they are. `rewards`, `terminals` and `truncations`
        have shape (num_envs,), and numbers are converted to their types. What is wrong is refused before anything is done.
        """
        given = self._slates(slates)
        rows = self._rows("observations", observations)
        ends = None if last is None else self._rows("last", last)
        if ends is not None and ends.dtype != rows.dtype:
            message = f"`last` is of type {ends.dtype}; allowed is the type of `observations`, {rows.dtype}"
            raise ActionError(message)
        written = [
            (self._numbers(name, memory), name)
            for name, memory in (("rewards", rewards), ("terminals", terminals), ("truncations", truncations))
            if memory is not None
        ]
        told, lanes = self._env.step(given, rows, ends)
        outcome = Outcome(*told)
        results = {"rewards": outcome.rewards, "terminals": outcome.terminated, "truncations": outcome.truncated}
        for memory, name in written:
            memory[...] = results[name]
        return outcome, lanes

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments: what is read is new environments, which have not been reset."""
        return _remake, (type(self), self._arguments)

    def close(self) -> None:
        """Give memory and threads back; calling it twice does no harm."""
        self._env.close()


def _remake(kind: type[VecEnv], arguments: dict[str, Any]) -> VecEnv:
    return kind(**arguments)
