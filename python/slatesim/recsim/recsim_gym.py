"""The gym environment of RecSim: the old interface of gym, with observations as nested dicts."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from slatesim._device import optional_whole
from slatesim.recsim._observations import Response
from slatesim.recsim._spaces import describer
from slatesim.recsim.environment import Environment

Aggregator = Callable[[tuple[dict[str, Any], ...], dict[str, float], Any], dict[str, float]]
"""Adds the responses to one slate to metrics, and returns these."""

Writer = Callable[[dict[str, float], Callable[[str, float], Any]], None]
"""Writes metrics by calling a function with a name and a value for each."""


class RecSimGymEnv:
    """One user, as RecSim's runner and agents expect it.

    `reset` returns an observation, and `step` an observation, a reward, whether the episode is over, and `{"env": environment}`. An
    observation is a dict:

    - `user`: an array of doubles;
    - `doc`: an `OrderedDict` of candidates, keyed by the document's id as a text, each an array of doubles or a dict. Ids change when
      documents are resampled. Slates are positions in it;
    - `response`: a tuple with a dict for each document of the last slate, or None after a reset.

    Spaces are those of `gym` where it can be imported, since RecSim's agents ask for its classes, and else those of `gymnasium`. As
    in RecSim, `observation_space` has the ids of now. It declares single precision.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}
    reward_range = (-float("inf"), float("inf"))
    spec = None

    def __init__(
        self,
        raw_environment: Environment,
        reward_aggregator: Callable[[Sequence[Response]], float],
        metrics_aggregator: Aggregator | None = None,
        metrics_writer: Writer | None = None,
    ) -> None:
        """Wrap an environment; without functions for metrics there are none."""
        self._environment = raw_environment
        self._reward_aggregator = reward_aggregator
        self._metrics_aggregator = metrics_aggregator
        self._metrics_writer = metrics_writer
        self.reset_metrics()

    @property
    def environment(self) -> Environment:
        """The simulation below."""
        return self._environment

    @property
    def unwrapped(self) -> "RecSimGymEnv":
        """The environment itself: it wraps no other gym environment."""
        return self

    @property
    def game_over(self) -> bool:
        """Always False, as in RecSim: `step` tells when an episode is over."""
        return False

    @property
    def num_candidates(self) -> int:
        """How many documents can be shown."""
        return self._environment.num_candidates

    @property
    def slate_size(self) -> int:
        """How many documents are shown at most."""
        return self._environment.slate_size

    @property
    def action_space(self) -> Any:
        """The space of full slates."""
        return describer().library.MultiDiscrete([self.num_candidates] * self.slate_size)

    @property
    def observation_space(self) -> Any:
        """The space of observations, with the ids of the candidates of now."""
        user = self._environment.user_model
        return describer().library.Dict(
            {
                "user": user.observation_space(),
                "doc": self._environment.candidate_set.observation_space(),
                "response": user.response_space(),
            }
        )

    def reset(self) -> dict[str, Any]:
        """Begin the next episode."""
        user, documents = self._environment.reset()
        return {"user": user, "doc": documents, "response": None}

    def step(self, action: Sequence[int] | NDArray[Any]) -> tuple[dict[str, Any], float, bool, dict[str, Any]]:
        """Show the user a slate: at most `slate_size` positions of candidates."""
        user, documents, responses, done = self._environment.step(action)
        observed = tuple(response.create_observation() for response in responses)
        reward = self._reward_aggregator(responses)
        return {"user": user, "doc": documents, "response": observed}, reward, done, self.extract_env_info()

    def reset_sampler(self) -> None:
        """Let the next reset begin the first episode again."""
        self._environment.reset_sampler()

    def seed(self, seed: int | None = None) -> None:
        """Let the next reset begin the first episode of a seed, or of one of the operating system.

        RecSim seeds NumPy's global generator here, which only some of its draws come from; slatesim uses no global generator.
        """
        self._environment.seed(optional_whole("seed", seed, 0, 2**64 - 1))

    def render(self, mode: str = "human") -> None:
        """Refuse, as RecSim does: there is nothing to see."""
        raise NotImplementedError

    def close(self) -> None:
        """Give memory back."""
        self._environment.close()

    def extract_env_info(self) -> dict[str, Any]:
        """Return what `step` returns last."""
        return {"env": self._environment}

    def reset_metrics(self) -> None:
        """Set all metrics to 0; an episode's beginning does not."""
        self._metrics: dict[str, float] = defaultdict(float)

    def update_metrics(self, responses: tuple[dict[str, Any], ...], info: Any = None) -> None:
        """Add the responses to one slate to the metrics."""
        if self._metrics_aggregator is not None:
            self._metrics = self._metrics_aggregator(responses, self._metrics, info)

    def write_metrics(self, add_summary_fn: Callable[[str, float], Any]) -> None:
        """Write the metrics by calling a function with a name and a value for each."""
        if self._metrics_writer is not None:
            self._metrics_writer(self._metrics, add_summary_fn)
