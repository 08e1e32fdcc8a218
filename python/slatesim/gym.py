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

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, TypeAlias

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, DTypeLike, NDArray

from slatesim._codec import Codec
from slatesim._sources import Config
from slatesim.errors import ConfigError
from slatesim.vec_env import VecEnv

Observed: TypeAlias = dict[str, NDArray[np.floating]] | NDArray[np.floating]
"""What is observed: a dict of arrays, or with `observation="flat"` one array."""

_NAMES: dict[str, dict[str, Any]] = {
    "LongTermSatisfaction": {"environment": "long_term_satisfaction"},
    "InterestEvolution": {"environment": "interest_evolution"},
    "InterestExploration": {"environment": "interest_exploration", "max_steps": 100},
    "ItemTransition": {"environment": "item_transition"},
    "TestMdp": {"environment": "test_mdp", "max_steps": 20},
}


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

    `columns`, `hidden` and `dtype` choose what is observed, as of `slatesim.VecEnv`; hidden fields are at the end of `user`.

    `parameters` are keys of the environment, `slate_size=3` or `user={"sensitivity": 0.058}`. The next episode begins as
    `autoreset_mode` says. In the mode `SAME_STEP`, `info["final_obs"]` has the last observations and `info["_final_obs"]` says of
    which environments: with `final_obs="batch"` as one batch, in which the other environments have what they observe now; with
    `final_obs="object"` as `SyncVectorEnv` has them, an array of objects, None for the others. `info["chosen"]` is the position that
    was clicked, or -1.
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        environment: str = "long_term_satisfaction",
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        observation: Literal["dict", "flat"] = "dict",
        action: Literal["slate", "discrete"] = "slate",
        final_obs: Literal["batch", "object"] = "batch",
        columns: Sequence[str] | None = None,
        hidden: Sequence[str] = (),
        dtype: DTypeLike = np.float32,
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
        if final_obs not in {"batch", "object"}:
            message = f"`final_obs` = {final_obs!r} is not allowed; allowed is batch or object"
            raise ConfigError(message)
        self._arguments = parameters | {
            "num_envs": num_envs,
            "environment": environment,
            "autoreset_mode": mode.value,
            "observation": observation,
            "action": action,
            "final_obs": final_obs,
            "columns": columns,
            "hidden": hidden,
            "dtype": dtype,
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
            columns=columns,
            hidden=hidden,
            dtype=dtype,
            backend=backend,
            num_threads=num_threads,
            adapter=adapter,
        )
        self._codec = Codec(self._env.spaces, observation, action, np.dtype(dtype))
        self._are_objects = final_obs == "object"
        self._is_same_step = mode == AutoresetMode.SAME_STEP
        # Every user tells what was clicked.
        self._all = np.ones(num_envs, np.bool_)
        self._all.flags.writeable = False
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
        if self._codec.is_flat:
            rows = self._codec.rows.take()
            self._env.reset_into(rows, seed=seed, mask=mask)
            return rows, {}
        observation = self._env.reset(seed) if mask is None else self._env.reset_lanes(mask)
        return self._codec.parts_of(observation), {}

    def step(self, actions: ArrayLike) -> tuple[Observed, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Show every user a slate."""
        observed: Observed
        last: Observed | None = None
        slates = self._codec.slates(actions)
        if self._codec.is_flat:
            observed = self._codec.rows.take()
            last = self._codec.rows.take() if self._is_same_step else None
            outcome, lanes = self._env.step_into(slates, observations=observed, last=last)
        else:
            step = self._env.step(slates)
            outcome, lanes = step.outcome, None
            observed = self._codec.parts_of(step.observation)
            if step.final is not None:
                last, lanes = self._codec.parts_of(step.final[0]), step.final[1]
        info: dict[str, Any] = {"chosen": outcome.chosen, "_chosen": self._all}
        if last is not None and lanes is not None:
            info["final_obs"], info["_final_obs"] = self._final(last, lanes), lanes
            info["final_info"], info["_final_info"] = {"chosen": outcome.chosen, "_chosen": lanes}, lanes
        return observed, outcome.rewards, outcome.terminated, outcome.truncated, info

    def _final(self, last: Observed, lanes: NDArray[np.bool_]) -> Observed | NDArray[np.object_]:
        """Return the last observations in the form that was asked for."""
        if not self._are_objects:
            return last
        objects = np.full(self.num_envs, None, dtype=object)
        for lane in np.flatnonzero(lanes):
            objects[lane] = {name: part[lane] for name, part in last.items()} if isinstance(last, dict) else last[lane]
        return objects

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments: what is read is new environments, which have not been reset."""
        return _remake, (type(self), self._arguments)

    def close_extras(self, **_kwargs: Any) -> None:
        """Give memory and threads back."""
        # Gymnasium 1.2 calls it also of an object whose making was refused.
        if hasattr(self, "_env"):
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
