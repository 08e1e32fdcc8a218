"""The simulation below the gym environment: one user and the candidates, with RecSim's attributes."""

import operator
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slatesim._sources import fresh_seed
from slatesim.errors import ActionError, Error
from slatesim.recsim import _observations
from slatesim.recsim._config import EnvConfig
from slatesim.recsim._observations import Response
from slatesim.recsim._spaces import describer
from slatesim.vec_env import Observation, Spaces, VecEnv


@dataclass(frozen=True)
class Model:
    """What one environment of RecSim has of its own."""

    name: str
    """The name in slatesim."""
    reward: str | None
    """The attribute of the clicked response that is the reward, or None if the reward is the click."""
    number: _observations.Number
    """What stands for a number in a response."""


class UserModel:
    """The user: what is observed of one, and what responses look like."""

    def __init__(self, spaces: Spaces) -> None:
        """Make a user whom nobody has met yet."""
        self._spaces = spaces
        self._observed: NDArray[np.float32] | None = None
        self._is_terminal = False

    def observation_space(self) -> Any:
        """Describe what is observed of a user."""
        return describer().features(self._spaces.users)

    def response_space(self) -> Any:
        """Describe the responses to a full slate."""
        return describer().responses(self._spaces.responses, self._spaces.slate_size)

    def create_observation(self) -> Any:
        """Observe the user of now."""
        if self._observed is None:
            raise _not_reset()
        return _observations.features(self._spaces.users, self._observed)[0]

    def is_terminal(self) -> bool:
        """Tell whether the session is over."""
        return self._is_terminal

    def _meet(self, rows: NDArray[np.float32], *, is_terminal: bool) -> None:
        self._observed = rows
        self._is_terminal = is_terminal


class CandidateSet:
    """The documents that can be shown now."""

    def __init__(self, spaces: Spaces) -> None:
        """Make candidates that nobody has drawn yet."""
        self._spaces = spaces
        self._first = 0
        self._rows: NDArray[np.float32] | None = None

    def size(self) -> int:
        """Return how many there are."""
        return self._spaces.num_candidates

    def observation_space(self) -> Any:
        """Describe them by their ids."""
        one, describe = self._spaces.documents, describer()
        return describe.library.Dict({str(self._first + position): describe.features(one) for position in range(self.size())})

    def create_observation(self) -> "OrderedDict[str, Any]":
        """Observe them by their ids."""
        if self._rows is None:
            raise _not_reset()
        ids = map(str, range(self._first, self._first + self.size()))
        return OrderedDict(zip(ids, _observations.features(self._spaces.documents, self._rows), strict=True))

    def _draw(self, rows: NDArray[np.float32], *, are_new: bool) -> None:
        if are_new:
            self._first += self.size()
        self._rows = rows


class Environment:
    """One user who is shown slates of candidates.

    Ids of documents count up as in RecSim, where the first candidates, 0 and up, are drawn with the environment, and with
    `resample_documents` replaced by new ones at every reset and every step.
    """

    def __init__(self, model: Model, config: EnvConfig, user_model: Callable[[Spaces], UserModel] = UserModel) -> None:
        """Make an environment; `reset` begins its first episode."""
        self._arguments = (model, config, user_model)
        self._model = model
        self._resamples = bool(config.parameters["resample_documents"])
        # Double precision as in RecSim; with a single user no other backend is faster.
        self._env = VecEnv(
            environment={"name": model.name, **config.parameters},
            num_envs=1,
            seed=config.seed,
            max_steps=config.max_steps,
            autoreset="Disabled",
            backend="reference",
        )
        self._spaces = self._env.spaces
        self._user_model = user_model(self._spaces)
        self._candidate_set = CandidateSet(self._spaces)
        self._seed = config.seed
        self._begins_anew = True
        self._has_begun = False
        self._is_running = False

    @property
    def num_candidates(self) -> int:
        """How many documents can be shown."""
        return self._spaces.num_candidates

    @property
    def slate_size(self) -> int:
        """How many documents are shown at most."""
        return self._spaces.slate_size

    @property
    def candidate_set(self) -> CandidateSet:
        """The documents that can be shown now."""
        return self._candidate_set

    @property
    def user_model(self) -> UserModel:
        """The user."""
        return self._user_model

    def reset(self) -> tuple[Any, "OrderedDict[str, Any]"]:
        """Begin the next episode; return what is observed of its user and the candidates."""
        observation = self._env.reset(self._seed if self._begins_anew else None)
        self._begins_anew = False
        self._has_begun = self._is_running = True
        return self._observe(observation, is_terminal=False)

    def reset_sampler(self) -> None:
        """Let the next reset begin the first episode again.

        In RecSim it begins a draw earlier than a new environment's first episode; here they are equal. Ids go on counting.
        """
        self._begins_anew = True

    def seed(self, seed: int | None) -> None:
        """Let the next reset begin the first episode of another seed, or of one of the operating system."""
        self._seed = fresh_seed() if seed is None else seed
        self._begins_anew = True

    def step(self, slate: Sequence[int] | NDArray[Any]) -> tuple[Any, "OrderedDict[str, Any]", list[Response], bool]:
        """Show the user a slate.

        It is a sequence of at most `slate_size` positions of candidates; negative ones count from the end. Returns what is
        observed of the user and of the next candidates, a response for each document shown, and whether the session is over.
        """
        if not self._has_begun:
            raise _not_reset()
        if not self._is_running:
            message = "the episode has ended; call `reset` before `step`"
            raise Error(message)
        shown = self._positions(slate)
        slates = np.full((1, self.slate_size), -1)
        slates[0, : len(shown)] = shown
        step = self._env.step(slates)
        outcome, observation = step.outcome, step.observation
        done = bool(outcome.terminated[0] or outcome.truncated[0])
        self._is_running = not done
        assert observation.responses is not None, "there are responses after a step"
        rows = observation.responses[0, : len(shown)].tolist()
        responses = self._respond(rows, int(outcome.chosen[0]), float(outcome.rewards[0]))
        user, documents = self._observe(observation, is_terminal=bool(outcome.terminated[0]))
        return user, documents, responses, done

    def close(self) -> None:
        """Give memory back; calling it twice does no harm."""
        self._env.close()

    def _observe(self, observation: Observation, *, is_terminal: bool) -> tuple[Any, "OrderedDict[str, Any]"]:
        documents = observation.documents
        self._user_model._meet(observation.users, is_terminal=is_terminal)
        self._candidate_set._draw(documents if self._spaces.has_shared_documents else documents[0], are_new=self._resamples)
        return self._user_model.create_observation(), self._candidate_set.create_observation()

    def _respond(self, rows: list[list[float]], chosen: int, reward: float) -> list[Response]:
        """Make responses; the one that was chosen has the reward in double precision, and its observation cuts it to the bounds."""
        columns = self._spaces.responses
        responses = []
        for position, row in enumerate(rows):
            observed = _observations.fields(columns, row, self._model.number)
            exact = {}
            if position == chosen:
                for column in columns:
                    if column.name == self._model.reward:
                        observed[column.name] = self._model.number(min(max(reward, column.low), column.high))
                        exact[column.name] = reward
            responses.append(Response(observed, exact=exact))
        return responses

    def _positions(self, slate: Any) -> list[int]:
        allowed = f"allowed is a sequence of at most {self.slate_size} integers from 0 to {self.num_candidates - 1}"
        try:
            shown = [operator.index(position) for position in slate]
        except TypeError:
            message = f"the slate {slate!r} is not allowed; {allowed}"
            raise ActionError(message) from None
        if len(shown) > self.slate_size:
            message = f"the slate has {len(shown)} documents; {allowed}"
            raise ActionError(message)
        for position in shown:
            if not -self.num_candidates <= position < self.num_candidates:
                message = f"the slate has the candidate {position}; {allowed}"
                raise ActionError(message)
        return [position % self.num_candidates for position in shown]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments: what is read is a new environment, which has not been reset."""
        return type(self), self._arguments


def _not_reset() -> Error:
    return Error("the environment has not been reset; call `reset` first")
