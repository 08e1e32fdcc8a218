"""Gymnasium's interface: importing this module registers `"slatesim/LongTermSatisfaction-v0"` and its sisters.

>>> import gymnasium
>>> import slatesim.gym
>>> envs = gymnasium.make_vec("slatesim/LongTermSatisfaction-v0", num_envs=64)
>>> observation, info = envs.reset(seed=7)
>>> sorted(observation)
['doc', 'response']
>>> observation, reward, terminated, truncated, info = envs.step(envs.action_space.sample())
>>> reward.shape
(64,)
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, TypeAlias

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from slatesim._sources import Config
from slatesim.errors import ActionError, ConfigError
from slatesim.vec_env import Column, Observation, VecEnv
from slatesim.vec_env import Spaces as Sizes

Observed: TypeAlias = dict[str, NDArray[np.float32]] | NDArray[np.float32]
"""What is observed: a dict of arrays, or with `observation="flat"` one array."""

MOST_DISCRETE = 100_000
"""With `action="discrete"` there are at most so many slates."""

_NAMES: dict[str, dict[str, Any]] = {
    "LongTermSatisfaction": {"environment": "long_term_satisfaction"},
    "InterestEvolution": {"environment": "interest_evolution"},
    "InterestExploration": {"environment": "interest_exploration", "max_steps": 100},
    "ItemTransition": {"environment": "item_transition"},
    "TestMdp": {"environment": "test_mdp", "max_steps": 20},
}


def _box(columns: tuple[Column, ...], rows: int | None) -> spaces.Box:
    """Describe arrays of observables, `rows` of them."""
    bounds = [
        np.concatenate([np.full(column.length, bound, np.float32) for column, bound in zip(columns, of, strict=True)])
        for of in ([column.low for column in columns], [column.high for column in columns])
    ]
    low, high = bounds if rows is None else [np.tile(bound, (rows, 1)) for bound in bounds]
    return spaces.Box(low, high, dtype=np.float32)


class _Codec:
    """Turns observations and actions of Gymnasium into those of `VecEnv` and back."""

    def __init__(self, sizes: Sizes, observation: str, action: str) -> None:
        if observation not in {"dict", "flat"}:
            message = f"`observation` = {observation!r} is not allowed; allowed is dict or flat"
            raise ConfigError(message)
        if action not in {"slate", "discrete"}:
            message = f"`action` = {action!r} is not allowed; allowed is slate or discrete"
            raise ConfigError(message)
        count = sizes.num_candidates**sizes.slate_size
        if action == "discrete" and count > MOST_DISCRETE:
            message = f"`action` = 'discrete' has {count} slates; allowed are {MOST_DISCRETE}, and more with action='slate'"
            raise ConfigError(message)
        self.sizes = sizes
        self.is_flat = observation == "flat"
        self.is_discrete = action == "discrete"

    @property
    def parts(self) -> dict[str, spaces.Box]:
        """The arrays of one environment that are not empty."""
        sizes = self.sizes
        parts = {}
        if sizes.users:
            parts["user"] = _box(sizes.users, None)
        if sizes.documents:
            parts["doc"] = _box(sizes.documents, sizes.num_candidates)
        if sizes.responses:
            parts["response"] = _box(sizes.responses, sizes.slate_size)
        return parts

    def observation_space(self) -> spaces.Space[Any]:
        """Describe an observation of one environment."""
        if not self.is_flat:
            return spaces.Dict(dict[str, spaces.Space[Any]](self.parts))
        low = np.concatenate([part.low.ravel() for part in self.parts.values()])
        high = np.concatenate([part.high.ravel() for part in self.parts.values()])
        return spaces.Box(low, high, dtype=np.float32)

    def action_space(self) -> spaces.Space[Any]:
        """Describe an action of one environment."""
        sizes = self.sizes
        if self.is_discrete:
            return spaces.Discrete(sizes.num_candidates**sizes.slate_size)
        return spaces.MultiDiscrete([sizes.num_candidates] * sizes.slate_size)

    def observe(self, observation: Observation) -> Observed:
        """Turn what is observed into arrays that are the caller's own."""
        sizes = self.sizes
        parts: dict[str, NDArray[np.float32]] = {}
        if sizes.users:
            parts["user"] = observation.users
        if sizes.documents:
            documents = observation.documents
            if sizes.has_shared_documents:
                documents = np.repeat(documents[np.newaxis], sizes.num_envs, axis=0)
            parts["doc"] = documents
        if sizes.responses:
            responses = observation.responses
            if responses is None:
                size = sum(column.length for column in sizes.responses)
                responses = np.zeros((sizes.num_envs, sizes.slate_size, size), np.float32)
            parts["response"] = responses
        if self.is_flat:
            return np.concatenate([part.reshape(sizes.num_envs, -1) for part in parts.values()], axis=1)
        return parts

    def slates(self, actions: ArrayLike) -> ArrayLike:
        """Turn actions into slates."""
        if not self.is_discrete:
            return actions
        given = np.asarray(actions)
        sizes = self.sizes
        count = sizes.num_candidates**sizes.slate_size
        if given.shape != (sizes.num_envs,) or given.dtype.kind not in "iu":
            message = f"the actions have shape {given.shape} and type {given.dtype}; allowed is shape ({sizes.num_envs},) of integers"
            raise ActionError(message)
        if given.size and not 0 <= int(given.min()) <= int(given.max()) < count:
            message = f"the actions are from {given.min()} to {given.max()}; allowed is from 0 to {count - 1}"
            raise ActionError(message)
        # The first position is the least significant digit, as in RLlib.
        places = sizes.num_candidates ** np.arange(sizes.slate_size)
        slates: NDArray[np.int64] = given.astype(np.int64)[:, np.newaxis] // places % sizes.num_candidates
        return slates


def _steps(max_steps: int | None, max_episode_steps: int | None) -> int | None:
    """Return the limit of steps, by either name."""
    if max_steps is not None and max_episode_steps is not None and max_steps != max_episode_steps:
        message = f"`max_steps` = {max_steps} and `max_episode_steps` = {max_episode_steps} mean the same; allowed is one of them"
        raise ConfigError(message)
    return max_episode_steps if max_steps is None else max_steps


class SlateVectorEnv(VectorEnv[Any, Any, Any]):
    """Many environments, as Gymnasium's `VectorEnv`.

    Observations are a dict with arrays `user` (num_envs, U), `doc` (num_envs, D, F) and `response` (num_envs, K, R), of which those
    without numbers are left out, or with `observation="flat"` one array with all of it. Actions are slates (num_envs, K) of
    candidates, where -1 at the end shows nothing, or with `action="discrete"` numbers of slates, whose first position is the
    least significant digit.

    `parameters` are keys of the environment, `slate_size=3` or `user={"sensitivity": 0.058}`. The next episode begins as
    `autoreset_mode` says. In the mode `SAME_STEP`, `info["final_obs"]` has the last observations, as one batch, and
    `info["_final_obs"]` says of which environments; `info["chosen"]` is the position that was clicked, or -1.
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        environment: str = "long_term_satisfaction",
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        observation: Literal["dict", "flat"] = "dict",
        action: Literal["slate", "discrete"] = "slate",
        max_steps: int | None = None,
        max_episode_steps: int | None = None,
        seed: int | None = None,
        config: Config = None,
        settings: Mapping[str, Any] | None = None,
        first_env: int = 0,
        backend: str = "auto",
        num_threads: int | None = None,
        adapter: int | str | None = None,
        render_mode: None = None,
        **parameters: Any,
    ) -> None:
        """Make environments; `reset` begins their episodes."""
        try:
            mode = AutoresetMode(autoreset_mode)
        except ValueError:
            allowed = ", ".join(mode.value for mode in AutoresetMode)
            message = f"`autoreset_mode` = {autoreset_mode!r} is not allowed; allowed is one of {allowed}"
            raise ConfigError(message) from None
        if render_mode is not None:
            message = f"`render_mode` = {render_mode!r} is not allowed; allowed is None: there is nothing to see"
            raise ConfigError(message)
        self._arguments = parameters | {
            "num_envs": num_envs,
            "environment": environment,
            "autoreset_mode": mode.value,
            "observation": observation,
            "action": action,
            "max_steps": max_steps,
            "max_episode_steps": max_episode_steps,
            "seed": seed,
            "config": config,
            "settings": settings,
            "first_env": first_env,
            "backend": backend,
            "num_threads": num_threads,
            "adapter": adapter,
        }
        self._env = VecEnv(
            config,
            num_envs=num_envs,
            environment={"name": environment, **parameters},
            seed=seed,
            max_steps=_steps(max_steps, max_episode_steps),
            settings=settings,
            autoreset=mode.value,
            first_env=first_env,
            backend=backend,
            num_threads=num_threads,
            adapter=adapter,
        )
        self._codec = _Codec(self._env.spaces, observation, action)
        self.num_envs = num_envs
        self.autoreset_mode = mode
        self.metadata = {"autoreset_mode": mode, "render_modes": []}
        self.render_mode = None
        self.single_observation_space = self._codec.observation_space()
        self.single_action_space = self._codec.action_space()

    # Made when somebody looks: for tens of thousands of environments it takes seconds.
    @cached_property
    def observation_space(self) -> spaces.Space[Any]:  # type: ignore[override]
        """The space of all observations together."""
        return batch_space(self.single_observation_space, self.num_envs)

    @cached_property
    def action_space(self) -> spaces.Space[Any]:  # type: ignore[override]
        """The space of all actions together."""
        return batch_space(self.single_action_space, self.num_envs)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observed, dict[str, Any]]:
        """Begin episodes: of all environments, or of those of `options["reset_mask"]`.

        With a seed, the first episodes of that seed; without one, the next ones. The first reset of all takes a seed of the
        operating system if none was ever given.
        """
        super().reset(seed=seed)
        mask = (options or {}).get("reset_mask")
        observation = self._env.reset(seed) if mask is None else self._env.reset_lanes(mask)
        return self._codec.observe(observation), {}

    def step(self, actions: ArrayLike) -> tuple[Observed, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Show every user a slate."""
        step = self._env.step(self._codec.slates(actions))
        outcome = step.outcome
        info: dict[str, Any] = {"chosen": outcome.chosen, "_chosen": np.ones(self.num_envs, np.bool_)}
        if step.final is not None:
            observation, lanes = step.final
            info["final_obs"], info["_final_obs"] = self._codec.observe(observation), lanes
        return self._codec.observe(step.observation), outcome.rewards, outcome.terminated, outcome.truncated, info

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments: what is read is new environments, which have not been reset."""
        return _remake, (type(self), self._arguments)

    def close_extras(self, **_kwargs: Any) -> None:
        """Give memory and threads back."""
        self._env.close()


class SlateEnv(gymnasium.Env[Any, Any]):
    """A single environment, as Gymnasium's `Env`: environment 0 of `SlateVectorEnv`, with the same arguments."""

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, **arguments: Any) -> None:
        """Make an environment; `reset` begins its first episode."""
        self._arguments = arguments
        self._envs = SlateVectorEnv(1, autoreset_mode=AutoresetMode.DISABLED, **arguments)
        self.observation_space = self._envs.single_observation_space
        self.action_space = self._envs.single_action_space
        self.render_mode = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode: with a seed, the first one of that seed; without one, the next one."""
        super().reset(seed=seed)
        observation, _ = self._envs.reset(seed=seed)
        return _first(observation), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Show the user a slate."""
        observation, rewards, terminated, truncated, info = self._envs.step(np.asarray(action)[np.newaxis])
        told = {"chosen": int(info["chosen"][0])}
        return _first(observation), float(rewards[0]), bool(terminated[0]), bool(truncated[0]), told

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments: what is read is a new environment, which has not been reset."""
        return _remake, (type(self), self._arguments)

    def close(self) -> None:
        """Give memory and threads back."""
        self._envs.close()


def _remake(kind: Any, arguments: dict[str, Any]) -> Any:
    return kind(**arguments)


def _first(observation: Observed) -> Any:
    """Return the observation of the first environment."""
    if isinstance(observation, dict):
        return {name: part[0] for name, part in observation.items()}
    return observation[0]


for _name, _kwargs in _NAMES.items():
    gymnasium.register(
        f"slatesim/{_name}-v0",
        entry_point="slatesim.gym:SlateEnv",
        vector_entry_point="slatesim.gym:SlateVectorEnv",
        kwargs=_kwargs,
    )
