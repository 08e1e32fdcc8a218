"""Interest exploration: users of two types, whose affinities to topics never change and are not observed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slatesim.listing import environments
from slatesim.recsim._config import read
from slatesim.recsim._observations import Response
from slatesim.recsim._spaces import describer
from slatesim.recsim.environment import Environment, Model, UserModel
from slatesim.recsim.recsim_gym import RecSimGymEnv
from slatesim.recsim.utils import aggregate_video_cluster_metrics, write_video_cluster_metrics
from slatesim.vec_env import Spaces

_MODEL = Model("interest_exploration", None, np.array)


@dataclass(frozen=True)
class IEUserState:
    """A user with an affinity to each topic."""

    topic_affinity: NDArray[np.float64]
    """Shape (topics,)."""

    def score_document(self, doc_obs: Mapping[str, Any]) -> float:
        """Score a document: the affinity to its topic, plus its quality."""
        return float(self.topic_affinity[doc_obs["cluster_id"]] + doc_obs["quality"])

    def create_observation(self) -> NDArray[np.float64]:
        """Observe nothing: affinities are hidden."""
        return np.array([])

    @staticmethod
    def observation_space() -> Any:
        """Describe an empty array."""
        return describer().features(())


class IEUserModel(UserModel):
    """The user, and what is believed of one before anything is known."""

    def __init__(self, parameters: Mapping[str, Any], spaces: Spaces) -> None:
        """Make a user whom nobody has met yet."""
        super().__init__(spaces)
        self._parameters = parameters

    @property
    def avg_user_state(self) -> IEUserState:
        """The user with the mean of the logs of affinities, over the user types: what greedy pCTR believes in."""
        shares, means = self._value("user.type_distribution"), self._value("user.mean_affinity")
        return IEUserState(shares @ means)

    def _value(self, name: str) -> NDArray[np.float64]:
        return np.asarray(self._parameters.get(name, environments()[_MODEL.name].keys[name].default), np.float64)


def total_clicks_reward(responses: Sequence[Response]) -> float:
    """Count the clicks."""
    return float(sum(response.clicked for response in responses))


def create_environment(env_config: Mapping[str, Any]) -> RecSimGymEnv:
    """Make the gym environment; the reward of a step is the number of clicks.

    `env_config` needs `num_candidates`, `slate_size`, `resample_documents` and `seed`. It may have `max_steps`, without which
    episodes never end, and further keys of slatesim's environment, `{"choice": {"no_click_mass": 4.0}}`.
    """
    config = read(env_config, needs_seed=True)
    environment = Environment(_MODEL, config, partial(IEUserModel, config.parameters))
    return RecSimGymEnv(environment, total_clicks_reward, aggregate_video_cluster_metrics, write_video_cluster_metrics)
