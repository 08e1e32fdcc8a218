"""RLlib: the environments of its former RecSim wrapper, by their names and keys. Only `register` needs Ray.

>>> from slatesim.rllib import LongTermSatisfactionRecSimEnv
>>> env = LongTermSatisfactionRecSimEnv({"num_candidates": 5, "slate_size": 2, "convert_to_discrete_action_space": True})
>>> env.action_space
Discrete(25)
>>> LongTermSatisfactionRecSimEnv({"num_envs": 64, "observation": "flat"}).single_observation_space.shape
(14,)

The keys of the wrapper:

`num_candidates` (10), `slate_size` (2), `resample_documents` (True)
    as the environments have them.
`seed`
    the seed; without one it is of the operating system, so that two runners never see the same users.
`convert_to_discrete_action_space` (False)
    actions are numbers of slates, whose first position is the least significant digit, as DQN needs them.
`wrap_for_bandits` (False)
    the observation is a dict with the features of the candidates alone, as `item`.

Beside them `num_envs`, which RLlib adds by itself for `gym_env_vectorize_mode="vector_entry_point"`: with it a
`slatesim.gym.SlateVectorEnv` is made, always in the mode `NEXT_STEP`, since RLlib loses the first step of an episode in any
other. All further keys are arguments of `slatesim.gym.SlateVectorEnv`, such as `observation` (`"flat"` is the faster one), `max_steps`
or `user`. The backend is `cpu` with one thread a runner, if nothing else is said.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import gymnasium
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from slatesim.errors import ConfigError
from slatesim.gym import SlateEnv, SlateVectorEnv
from slatesim.wrappers import BanditObservation

_DEFAULTS: dict[str, Any] = {"num_candidates": 10, "slate_size": 2, "resample_documents": True, "backend": "cpu", "num_threads": 1}


def _items(observation: Any) -> dict[str, Any]:
    """Return what `wrap_for_bandits` leaves of an observation, or of its space."""
    return {"item": observation["doc"]}


class _Candidates(SlateVectorEnv):
    """Environments of which only the features of the candidates are observed."""

    def __init__(self, num_envs: int = 1, **arguments: Any) -> None:
        super().__init__(num_envs, **arguments)
        self.single_observation_space = spaces.Dict(_items(self.single_observation_space))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = super().reset(seed=seed, options=options)
        return _items(observation), info

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        observation, rewards, terminated, truncated, info = super().step(actions)
        return _items(observation), rewards, terminated, truncated, info


class _RecSimEnv(gymnasium.Wrapper[Any, Any, Any, Any]):
    """What the environments have in common."""

    _environment: ClassVar[dict[str, Any]]

    def __new__(cls, config: Mapping[str, Any] | None = None) -> Any:
        """Make a vector environment if the configuration has `num_envs`: RLlib calls the same class for both."""
        arguments, is_bandit = cls._translate(config)
        if "num_envs" not in arguments:
            return super().__new__(cls)
        kind = _Candidates if is_bandit else SlateVectorEnv
        return kind(autoreset_mode=AutoresetMode.NEXT_STEP, **arguments)

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        """Make a single environment."""
        self._config = dict(config or {})
        arguments, is_bandit = self._translate(config)
        env: gymnasium.Env[Any, Any] = SlateEnv(**arguments)
        super().__init__(BanditObservation(env) if is_bandit else env)

    @classmethod
    def _translate(cls, config: Mapping[str, Any] | None) -> tuple[dict[str, Any], bool]:
        """Turn the keys of RLlib's wrapper into arguments of ours, and tell whether only candidates are observed."""
        if config is not None and not isinstance(config, Mapping):
            message = f"the configuration is {config!r}; allowed is a mapping of keys"
            raise ConfigError(message)
        arguments = _DEFAULTS | cls._environment | dict(config or {})
        is_bandit = bool(arguments.pop("wrap_for_bandits", False))
        is_discrete = bool(arguments.pop("convert_to_discrete_action_space", False))
        for key in ("environment", "action", "autoreset_mode"):
            if key in (config or {}):
                message = f"`{key}` = {arguments[key]!r} is not allowed; the class and the keys of RLlib's wrapper decide on it"
                raise ConfigError(message)
        if is_bandit and arguments.get("observation", "dict") != "dict":
            message = f"`observation` = {arguments['observation']!r} is not allowed; with `wrap_for_bandits` allowed is dict"
            raise ConfigError(message)
        return arguments | {"action": "discrete" if is_discrete else "slate"}, is_bandit

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the configuration: what is read is a new environment, which has not been reset."""
        return type(self), (self._config,)


class LongTermSatisfactionRecSimEnv(_RecSimEnv):
    """Long-term satisfaction: a single environment, or with `num_envs` in the configuration a vector environment."""

    _environment: ClassVar[dict[str, Any]] = {"environment": "long_term_satisfaction"}


class InterestExplorationRecSimEnv(_RecSimEnv):
    """Interest exploration, of episodes of 100 steps, or `max_steps`; with `num_envs` a vector environment."""

    _environment: ClassVar[dict[str, Any]] = {"environment": "interest_exploration", "max_steps": 100}


class InterestEvolutionRecSimEnv(_RecSimEnv):
    """Interest evolution: a single environment, or with `num_envs` in the configuration a vector environment."""

    _environment: ClassVar[dict[str, Any]] = {"environment": "interest_evolution"}


NAMES: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "slatesim-long-term-satisfaction": LongTermSatisfactionRecSimEnv,
    "slatesim-interest-exploration": InterestExplorationRecSimEnv,
    "slatesim-interest-evolution": InterestEvolutionRecSimEnv,
}
"""The names that `register` makes known, and their environments."""


def register() -> None:
    """Make the names of `NAMES` known to Ray Tune, so that `config.environment("slatesim-long-term-satisfaction")` finds them."""
    from ray import tune

    for name, environment in NAMES.items():
        tune.register_env(name, environment)
