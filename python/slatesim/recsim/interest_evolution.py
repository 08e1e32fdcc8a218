"""Interest evolution: users whose interests move with the videos that they watch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slatesim.recsim._config import read
from slatesim.recsim._observations import Response
from slatesim.recsim.environment import Environment, Model
from slatesim.recsim.recsim_gym import RecSimGymEnv
from slatesim.recsim.utils import aggregate_video_cluster_metrics, write_video_cluster_metrics

_MODEL = Model("interest_evolution", "watch_time", np.array)


def clicked_watchtime_reward(responses: Sequence[Response]) -> float:
    """Add up the minutes for which clicked videos were watched."""
    return float(sum(response.watch_time for response in responses if response.clicked))


def total_clicks_reward(responses: Sequence[Response]) -> float:
    """Count the clicks."""
    return float(sum(response.clicked for response in responses))


def create_environment(env_config: Mapping[str, Any]) -> RecSimGymEnv:
    """Make the gym environment; the reward of a step is the time watched.

    `env_config` needs `num_candidates`, `slate_size`, `resample_documents` and `seed`. It may have `max_steps`, after which an
    episode is over, and further keys of slatesim's environment, `{"user": {"time_budget": 100.0}}`.
    """
    environment = Environment(_MODEL, read(env_config, needs_seed=True))
    return RecSimGymEnv(environment, clicked_watchtime_reward, aggregate_video_cluster_metrics, write_video_cluster_metrics)
