"""Wrappers of `slatesim.gym.SlateEnv` that show its observations as RecSim or RLlib's bandits do. They need Gymnasium."""

from collections import OrderedDict
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs

from slatesim.errors import ConfigError
from slatesim.gym import SlateEnv
from slatesim.recsim import _observations
from slatesim.recsim._spaces import Describer
from slatesim.vec_env import Spaces

Env = gymnasium.Env[Any, Any]

_number = partial(np.array, dtype=np.float32)


def _sizes(env: Env) -> Spaces:
    """Return what the numbers in the observations of an environment mean."""
    slate_env = env.unwrapped
    if not isinstance(slate_env, SlateEnv) or not isinstance(env.observation_space, spaces.Dict):
        message = f"{env} cannot be wrapped; allowed is a slatesim.gym.SlateEnv with observation='dict'"
        raise ConfigError(message)
    return slate_env._envs._env.spaces


class RecSimObservation(gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Shows what is observed as RecSim does: a dict of `user`, `doc` and `response`.

    - `user`: an array, shape (0,) if nothing of the user is observed;
    - `doc`: the candidates by their positions as texts, `"0"` and up, each an array, or a dict if it has several observables. RecSim has
      ids here that change at every step, which a space of Gymnasium cannot; `slatesim.recsim` has them;
    - `response`: a tuple with a dict for each position of the slate, of zeros where nothing was shown. After a reset it is of zeros, or
      with `none_after_reset=True` None as in RecSim, which is not in the space.

    Numbers are in single precision, as the spaces say. Everything else in the observation stays.

    >>> from slatesim.gym import SlateEnv
    >>> from slatesim.wrappers import RecSimObservation
    >>> env = RecSimObservation(SlateEnv(environment="interest_evolution", num_candidates=3))
    >>> observation, info = env.reset(seed=7)
    >>> list(observation["doc"]), observation["doc"]["0"].shape, sorted(observation["response"][0])
    (['0', '1', '2'], (20,), ['click', 'cluster_id', 'liked', 'quality', 'watch_time'])
    """

    def __init__(self, env: Env, *, none_after_reset: bool = False) -> None:
        """Wrap an environment, whose observations are a dict."""
        RecordConstructorArgs.__init__(self, none_after_reset=none_after_reset)
        super().__init__(env)
        self._sizes = _sizes(env)
        self._none_after_reset = none_after_reset
        describe, sizes = Describer(spaces), self._sizes
        # Unlike RecSim's, the space has the order of the candidates: a plain dict would sort "10" before "2".
        self._positions = [str(position) for position in range(sizes.num_candidates)]
        documents = OrderedDict((position, describe.features(sizes.documents)) for position in self._positions)
        of_parts = {
            "user": describe.features(sizes.users),
            "doc": spaces.Dict(documents),
            "response": describe.responses(sizes.responses, sizes.slate_size),
        }
        assert isinstance(env.observation_space, spaces.Dict), "`_sizes` has seen to it"
        self.observation_space = spaces.Dict({**env.observation_space.spaces, **of_parts})

    def observation(self, observation: Any) -> dict[str, Any]:
        """Turn arrays into what RecSim shows."""
        sizes = self._sizes
        users = observation.get("user", np.empty(0, np.float32))[np.newaxis]
        responses = observation.get("response", np.empty((sizes.slate_size, 0), np.float32))
        documents = _observations.features(sizes.documents, observation["doc"], _number, np.float32)
        return {
            **observation,
            "user": _observations.features(sizes.users, users, _number, np.float32)[0],
            "doc": OrderedDict(zip(self._positions, documents, strict=True)),
            "response": tuple(_observations.fields(sizes.responses, row, _number) for row in responses.tolist()),
        }

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode."""
        observation, info = super().reset(seed=seed, options=options)
        if self._none_after_reset:
            observation["response"] = None
        return observation, info


class BanditObservation(gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Shows what bandits want to see, as RLlib's `wrap_for_bandits` did: a dict with the array `item`, shape (num_candidates, features).

    With `keeps_others=True` it has the user and the last responses, too. Discrete actions are `SlateEnv(action="discrete")`.
    """

    def __init__(self, env: Env, *, keeps_others: bool = False) -> None:
        """Wrap an environment, whose observations are a dict."""
        RecordConstructorArgs.__init__(self, keeps_others=keeps_others)
        super().__init__(env)
        _sizes(env)
        self._keeps_others = keeps_others
        assert isinstance(env.observation_space, spaces.Dict), "`_sizes` has seen to it"
        self.observation_space = spaces.Dict(self.observation(env.observation_space.spaces))

    def observation(self, observation: Any) -> dict[str, Any]:
        """Turn an observation, or the spaces of its parts, into those of a bandit."""
        others = {name: part for name, part in observation.items() if name != "doc"} if self._keeps_others else {}
        return {"item": observation["doc"], **others}
