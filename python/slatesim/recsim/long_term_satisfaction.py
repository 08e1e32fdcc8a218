"""Long-term satisfaction: clickbait engages now, and costs satisfaction later."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slatesim.recsim._config import read
from slatesim.recsim._observations import Response
from slatesim.recsim.environment import Environment, Model
from slatesim.recsim.recsim_gym import RecSimGymEnv

_MODEL = Model("long_term_satisfaction", "engagement", np.float64)


def clicked_engagement_reward(responses: Sequence[Response]) -> float:
    """Add up the engagement with clicked documents, which observations cut at 100 and this does not."""
    return float(sum(response.engagement for response in responses if response.clicked))


def create_environment(env_config: Mapping[str, Any]) -> RecSimGymEnv:
    """Make the gym environment; the reward of a step is the engagement.

    `env_config` needs `num_candidates`, `slate_size` and `resample_documents`. RecSim ignores a `seed` here and always takes 0; slatesim
    takes 0 if none is given. It may have `max_steps`, after which an episode is over, and further keys of slatesim's environment,
    `{"user": {"sensitivity": 0.058}}`.
    """
    return RecSimGymEnv(Environment(_MODEL, read(env_config, needs_seed=False)), clicked_engagement_reward)
