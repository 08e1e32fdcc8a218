"""Stable-Baselines3: its `VecEnv` over `slatesim.gym.SlateVectorEnv`. It needs the package stable-baselines3.

>>> from slatesim.sb3 import SlateVecEnv
>>> envs = SlateVecEnv(64, environment="long_term_satisfaction", num_candidates=5, slate_size=1, observation="flat")
>>> envs.reset().shape
(64, 7)
"""

import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv

from slatesim.errors import ActionError, ConfigError, Error
from slatesim.gym import Observed, SlateVectorEnv

_Indices = int | Iterable[int] | None


def _of(observation: Any, index: int) -> Any:
    """Return a copy of the observation of one environment."""
    if isinstance(observation, dict):
        return {name: part[index].copy() for name, part in observation.items()}
    return observation[index].copy()


class SlateVecEnv(VecEnv):
    """Many environments, as Stable-Baselines3's `VecEnv`.

    The arguments are those of `slatesim.gym.SlateVectorEnv`, without `autoreset_mode`: Stable-Baselines3 begins the next episode in
    the step that ends one. `observation="flat"` goes with `"MlpPolicy"` and the default `"dict"` with `"MultiInputPolicy"`. PPO and
    A2C take slates; DQN takes `action="discrete"`.

    The infos have what a `Monitor` would add, `episode` with the return `r`, the length `l` and the seconds `t`, at the end of an
    episode, beside `terminal_observation` and `TimeLimit.truncated`; `chosen` is the position that was clicked, or -1.
    """

    def __init__(self, num_envs: int = 1, **arguments: Any) -> None:
        """Make environments; `reset` begins their episodes."""
        if "autoreset_mode" in arguments:
            message = f"`autoreset_mode` = {arguments['autoreset_mode']!r} is not allowed; Stable-Baselines3 has SameStep alone"
            raise ConfigError(message)
        self._arguments = arguments
        self.envs = SlateVectorEnv(num_envs, autoreset_mode=AutoresetMode.SAME_STEP, **arguments)
        self._actions: NDArray[Any] | None = None
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, np.int64)
        self._began = time.perf_counter()
        super().__init__(num_envs, self.envs.single_observation_space, self.envs.single_action_space)

    def reset(self) -> Observed:
        """Begin episodes of all environments: after `seed` the first ones of that seed, else the next ones."""
        # Its `seed` keeps one seed an environment. Ours take one: environments differ by their numbers.
        observation, info = self.envs.reset(seed=self._seeds[0])
        self._returns[:] = 0.0
        self._lengths[:] = 0
        self._actions = None
        self.reset_infos = [dict(info) for _ in range(self.num_envs)]
        self._reset_seeds()
        self._reset_options()
        return observation

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take the actions that `step_wait` steps with."""
        self._actions = actions

    def step_wait(self) -> tuple[Observed, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Show every user a slate."""
        if self._actions is None:
            message = "there are no actions to step with; `step_async` takes them"
            raise Error(message)
        actions, self._actions = self._actions, None
        observation, rewards, terminated, truncated, told = self.envs.step(actions)
        self._returns += rewards
        self._lengths += 1
        infos: list[dict[str, Any]] = [{"chosen": chosen} for chosen in told["chosen"].tolist()]
        ended = terminated | truncated
        for index in np.flatnonzero(ended).tolist():
            infos[index] |= {
                "terminal_observation": _of(told["final_obs"], index),
                "TimeLimit.truncated": bool(truncated[index] and not terminated[index]),
                "episode": {
                    "r": float(self._returns[index]),
                    "l": int(self._lengths[index]),
                    "t": round(time.perf_counter() - self._began, 6),
                },
            }
        self._returns[ended] = 0.0
        self._lengths[ended] = 0
        return observation, rewards.astype(np.float32), ended, infos

    def close(self) -> None:
        """Give memory and threads back."""
        self.envs.close()

    def _all_or_raise(self, indices: _Indices) -> None:
        """Refuse what would be done to some environments only."""
        chosen = sorted(self._get_indices(indices))
        if chosen != list(range(self.num_envs)):
            message = f"`indices` = {indices!r} is not allowed; the environments are one object: allowed is all of them (None)"
            raise ActionError(message)

    def get_attr(self, attr_name: str, indices: _Indices = None) -> list[Any]:
        """Return an attribute of `slatesim.gym.SlateVectorEnv`, once for every environment asked for."""
        value = getattr(self.envs, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: _Indices = None) -> None:
        """Set an attribute of `slatesim.gym.SlateVectorEnv`, for all environments together."""
        self._all_or_raise(indices)
        setattr(self.envs, attr_name, value)

    def env_method(self, method_name: str, *method_args: Any, indices: _Indices = None, **method_kwargs: Any) -> list[Any]:
        """Call a method of `slatesim.gym.SlateVectorEnv` once, for all environments together, and return the result for each."""
        self._all_or_raise(indices)
        result = getattr(self.envs, method_name)(*method_args, **method_kwargs)
        return [result] * self.num_envs

    def env_is_wrapped(self, wrapper_class: type[Any], indices: _Indices = None) -> list[bool]:
        """Tell that no environment is wrapped, but for `Monitor`, since the infos have what it would add."""
        return [wrapper_class is Monitor for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[NDArray[Any] | None]:
        """Return no image of any environment."""
        return [None] * self.num_envs

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Set the seed of all environments for the next reset; None draws one."""
        given = super().seed(seed)[0]
        self._seeds = [given] * self.num_envs
        return self._seeds

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments: what is read is new environments, which have not been reset."""
        return _remake, (type(self), self.num_envs, self._arguments)


def _remake(kind: type[SlateVecEnv], num_envs: int, arguments: dict[str, Any]) -> SlateVecEnv:
    return kind(num_envs, **arguments)
