"""Observations and actions in Gymnasium's form, and their spaces."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from slatesim._memory import Pool
from slatesim.errors import ActionError, ConfigError
from slatesim.vec_env import Column, Observation
from slatesim.vec_env import Spaces as Sizes

MOST_DISCRETE = 100_000
"""With `action="discrete"` there are at most so many slates."""


def _box(columns: tuple[Column, ...], rows: int | None, dtype: np.dtype[Any]) -> spaces.Box:
    """Describe arrays of observables, `rows` of them."""
    bounds = [
        np.concatenate([np.full(column.length, bound, dtype) for column, bound in zip(columns, of, strict=True)])
        for of in ([column.low for column in columns], [column.high for column in columns])
    ]
    low, high = bounds if rows is None else [np.tile(bound, (rows, 1)) for bound in bounds]
    return _box_between(low, high)


def _box_between(low: NDArray[Any], high: NDArray[Any]) -> spaces.Box:
    """Make a space of the type of its bounds."""
    return spaces.Box(low, high, dtype=low.dtype.type)


class Codec:
    """Turns observations and actions of Gymnasium into those of `VecEnv` and back."""

    def __init__(self, sizes: Sizes, observation: str, action: str, dtype: np.dtype[Any]) -> None:
        if observation not in {"dict", "flat"}:
            message = f"`observation` = {observation!r} is not allowed; allowed is dict or flat"
            raise ConfigError(message)
        if action not in {"slate", "discrete"}:
            message = f"`action` = {action!r} is not allowed; allowed is slate or discrete"
            raise ConfigError(message)
        count = sizes.num_candidates**sizes.slate_size
        if action == "discrete" and count > MOST_DISCRETE:
            message = f"`action` = 'discrete' has {count} slates; allowed are {MOST_DISCRETE}, and more with action='slate'"
            raise ConfigError(message)
        self.sizes = sizes
        self.dtype = dtype
        self.rows = Pool((sizes.num_envs, sizes.row_size), dtype)
        self.is_flat = observation == "flat"
        self.is_discrete = action == "discrete"

    @property
    def parts(self) -> dict[str, spaces.Box]:
        """The arrays of one environment that are not empty."""
        sizes = self.sizes
        parts = {}
        if sizes.users:
            parts["user"] = _box(sizes.users, None, self.dtype)
        if sizes.documents:
            parts["doc"] = _box(sizes.documents, sizes.num_candidates, self.dtype)
        if sizes.responses:
            parts["response"] = _box(sizes.responses, sizes.slate_size, self.dtype)
        return parts

    def observation_space(self) -> spaces.Space[Any]:
        """Describe an observation of one environment."""
        if not self.is_flat:
            return spaces.Dict(dict[str, spaces.Space[Any]](self.parts))
        parts = self.parts.values()
        low = np.concatenate([np.empty(0, self.dtype), *(part.low.ravel() for part in parts)])
        high = np.concatenate([np.empty(0, self.dtype), *(part.high.ravel() for part in parts)])
        return _box_between(low, high)

    def action_space(self) -> spaces.Space[Any]:
        """Describe an action of one environment."""
        sizes = self.sizes
        if self.is_discrete:
            return spaces.Discrete(sizes.num_candidates**sizes.slate_size)
        return spaces.MultiDiscrete([sizes.num_candidates] * sizes.slate_size)

    def parts_of(self, observation: Observation) -> dict[str, NDArray[np.floating]]:
        """Name the arrays that are not empty; what all environments share is repeated, so that it is the caller's own."""
        sizes = self.sizes
        parts: dict[str, NDArray[np.floating]] = {}
        if sizes.users:
            parts["user"] = observation.users
        if sizes.documents:
            documents = observation.documents
            if sizes.has_shared_documents:
                documents = np.repeat(documents[np.newaxis], sizes.num_envs, axis=0)
            parts["doc"] = documents
        if sizes.responses:
            responses = observation.responses
            if responses is None:
                responses = np.zeros((sizes.num_envs, sizes.slate_size, sizes.sizes[2]), self.dtype)
            parts["response"] = responses
        return parts

    def slates(self, actions: ArrayLike) -> ArrayLike:
        """Turn actions into slates."""
        if not self.is_discrete:
            return actions
        given = np.asarray(actions)
        sizes = self.sizes
        count = sizes.num_candidates**sizes.slate_size
        if given.shape != (sizes.num_envs,) or given.dtype.kind not in "iu":
            message = f"the actions have shape {given.shape} and type {given.dtype}; allowed is shape ({sizes.num_envs},) of integers"
            raise ActionError(message)
        if given.size and not 0 <= int(given.min()) <= int(given.max()) < count:
            message = f"the actions are from {given.min()} to {given.max()}; allowed is from 0 to {count - 1}"
            raise ActionError(message)
        # The first position is the least significant digit, as in RLlib.
        places = sizes.num_candidates ** np.arange(sizes.slate_size)
        slates: NDArray[np.int64] = given.astype(np.int64)[:, np.newaxis] // places % sizes.num_candidates
        return slates
