"""RecSim's interface: its environments, its gym environment, and what its runner and agents expect of them.

>>> from slatesim.recsim import long_term_satisfaction
>>> env = long_term_satisfaction.create_environment(
...     {"num_candidates": 10, "slate_size": 2, "resample_documents": True, "seed": 7}
... )
>>> observation = env.reset()
>>> sorted(observation)
['doc', 'response', 'user']
>>> observation, reward, done, info = env.step([3, 1])
>>> len(observation["response"])
2

`interest_evolution`, `interest_exploration` and `long_term_satisfaction` take the place of the modules of that name in
`recsim.environments`, version 0.2.4. Agents and runners that are written for those run unchanged on these. Users, documents
and rewards have the same distributions, but they are other draws: a seed gives other users than in RecSim.
"""

from slatesim.recsim import interest_evolution, interest_exploration, long_term_satisfaction
from slatesim.recsim.recsim_gym import RecSimGymEnv

__all__ = ["RecSimGymEnv", "interest_evolution", "interest_exploration", "long_term_satisfaction"]
