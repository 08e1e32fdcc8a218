"""Exact figures, where an environment has a finite state: what millions of episodes estimate."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slatesim import _slatesim
from slatesim._sources import Config, Section, source


@dataclass(frozen=True)
class Solution:
    """The exact figures of a policy, in double precision.

    Probabilities of the policy `table` are rounded to single precision as in a campaign, and solved as they are then.
    """

    environment: dict[str, Any]
    """The environment with all parameters."""
    policy: dict[str, Any]
    """The policy with all parameters."""
    max_steps: int | None
    """Steps after which an episode is truncated, if that was given."""
    return_mean: float
    """Mean of the return."""
    return_standard_deviation: float
    """Standard deviation of the return between episodes."""
    length_mean: float
    """Mean of the length, in steps."""
    values: NDArray[np.float64]
    """Mean of the return from each state on, at the beginning of an episode."""
    table: NDArray[np.float64]
    """Probability of each candidate in each state, shape (states, candidates)."""

    def to_dict(self) -> dict[str, Any]:
        """Return everything, arrays as lists."""
        return asdict(self) | {"values": self.values.tolist(), "table": self.table.tolist()}

    def to_json(self) -> str:
        """Write everything as JSON."""
        return json.dumps(self.to_dict())

    def __str__(self) -> str:
        """Tell the figures."""
        name, policy = self.environment["name"], self.policy["name"]
        return f"{name}, {policy}: return {self.return_mean:.6g}, sd {self.return_standard_deviation:.6g}, length {self.length_mean:.6g}"


def exact(
    config: Config = None,
    *,
    environment: Section = None,
    policy: Section = None,
    max_steps: int | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Solution:
    """Solve a policy in an environment of finite state (`item_transition`, `test_mdp`), with slates of one document.

    What is simulated is given as for `slatesim.evaluate`. The policy is `"random"`, `"static"`, or `"table"`, whose table may be
    given, or be the best there is, which is its default. `ConfigError` where there is no exact solution.

    >>> import slatesim
    >>> best = slatesim.exact(environment="item_transition", policy="table")
    >>> random = slatesim.exact(environment="item_transition", policy="random")
    >>> best.return_mean > 9 * random.return_mean
    True
    """
    given = source(config, environment=environment, policy=policy, run={"max_steps": max_steps}, settings=settings)
    told = json.loads(_slatesim.exact(given))
    return Solution(**(told | {"values": np.array(told["values"]), "table": np.array(told["table"])}))
