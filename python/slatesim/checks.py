"""A checker of vector environments, which Gymnasium has for single ones only."""

from typing import Any

import numpy as np
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space


def check_vector_env(env: VectorEnv[Any, Any, Any], *, steps: int = 200, seed: int = 0) -> None:
    """Check that an environment keeps the contract of Gymnasium's `VectorEnv`, by random actions; it is reset several times.

    - It says what it is: `num_envs`, spaces that are the single ones batched, and a mode of autoreset.
    - Observations are in their space; rewards are numbers, and flags are truth values, of shape (num_envs,).
    - The same seed and actions give the same, to the last bit.
    - What was returned does not change afterwards.
    - Episodes begin as the mode says: in `NEXT_STEP` with a step that earns nothing and ends nothing, in `SAME_STEP` with
      `info["final_obs"]` and its mask, in `DISABLED` by `options["reset_mask"]`, which leaves the others alone.

    Raises an `AssertionError` that says what does not hold. `steps` should be more than an episode has.

    >>> import gymnasium, slatesim.gym
    >>> from slatesim.checks import check_vector_env
    >>> check_vector_env(gymnasium.make_vec("slatesim/LongTermSatisfaction-v0", num_envs=4))
    """
    _check_description(env)
    first, again = (_episodes(env, steps, seed) for _ in range(2))
    for number, (one, other) in enumerate(zip(first, again, strict=True)):
        assert data_equivalence(one, other, exact=True), f"step {number} differs when the seed and the actions are the same"


def _check_description(env: VectorEnv[Any, Any, Any]) -> None:
    assert isinstance(env, VectorEnv), f"{type(env)} is no `VectorEnv`"
    assert isinstance(env.num_envs, int), "`num_envs` is no number"
    assert env.num_envs > 0, "`num_envs` is not above 0"
    mode = env.metadata.get("autoreset_mode")
    assert isinstance(mode, AutoresetMode), f"`metadata['autoreset_mode']` is {mode!r}, no `AutoresetMode`"
    for name in ("observation", "action"):
        single, batched = getattr(env, f"single_{name}_space"), getattr(env, f"{name}_space")
        assert batched == batch_space(single, env.num_envs), f"`{name}_space` is not `single_{name}_space` for {env.num_envs} environments"


def _episodes(env: VectorEnv[Any, Any, Any], steps: int, seed: int) -> list[Any]:
    """Step with random actions, check each step, and return copies of all that was returned."""
    mode = env.metadata["autoreset_mode"]
    env.action_space.seed(seed)
    observation, info = env.reset(seed=seed)
    assert isinstance(info, dict), f"the info of a reset is {type(info)}, no dict"
    _check_observation(env, observation, "a reset")
    told = [_copy(observation)]
    due = np.zeros(env.num_envs, np.bool_)
    last, last_copy = observation, told[0]
    for _ in range(steps):
        observation, rewards, terminated, truncated, info = env.step(env.action_space.sample())
        assert data_equivalence(last, last_copy, exact=True), "what was returned has changed with the next step"
        _check_step(env, observation, rewards, terminated, truncated, info)
        ended = terminated | truncated
        if mode is AutoresetMode.NEXT_STEP:
            assert not np.any(rewards[due]), "the step that begins an episode has a reward"
            assert not np.any(ended[due]), "the step that begins an episode ends one"
            due = ended
        if mode is AutoresetMode.SAME_STEP and ended.any():
            _check_final(env, info, ended)
        told.append(_copy((observation, rewards, terminated, truncated)))
        if mode is AutoresetMode.DISABLED and ended.any():
            before = observation
            observation, _ = env.reset(options={"reset_mask": ended})
            _check_observation(env, observation, "a reset with a mask")
            kept = [_of(part, ~ended) for part in (before, observation)]
            assert data_equivalence(kept[0], kept[1], exact=True), "a reset with a mask changes other environments"
            told.append(_copy(observation))
        last, last_copy = observation, _copy(observation)
    return told


def _check_observation(env: VectorEnv[Any, Any, Any], observation: Any, when: str) -> None:
    assert observation in env.observation_space, f"the observation after {when} is not in `observation_space`"


def _check_step(env: VectorEnv[Any, Any, Any], observation: Any, rewards: Any, terminated: Any, truncated: Any, info: Any) -> None:
    _check_observation(env, observation, "a step")
    for name, value, kind in (("rewards", rewards, "f"), ("terminated", terminated, "b"), ("truncated", truncated, "b")):
        assert isinstance(value, np.ndarray), f"`{name}` is {type(value)}, no array"
        assert value.shape == (env.num_envs,), f"`{name}` has shape {value.shape}, expected ({env.num_envs},)"
        assert value.dtype.kind == kind, f"`{name}` has type {value.dtype}"
    assert np.all(np.isfinite(rewards)), "a reward is not finite"
    assert isinstance(info, dict), f"the info of a step is {type(info)}, no dict"


def _check_final(env: VectorEnv[Any, Any, Any], info: dict[str, Any], ended: Any) -> None:
    assert "final_obs" in info, "an episode has ended, and `info` has no `final_obs`"
    assert "_final_obs" in info, "`info` has no mask of `final_obs`"
    assert np.array_equal(info["_final_obs"], ended), "the mask of `final_obs` is not that of the episodes that have ended"
    final = info["final_obs"]
    if isinstance(final, np.ndarray) and final.dtype == object:
        for one in final[ended]:
            assert one in env.single_observation_space, "a last observation is not in `single_observation_space`"
    else:
        _check_observation(env, final, "the end of an episode")


def _copy(value: Any) -> Any:
    """Copy nested arrays."""
    if isinstance(value, dict):
        return {key: _copy(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return tuple(_copy(part) for part in value)
    return np.array(value, copy=True) if isinstance(value, np.ndarray) else value


def _of(value: Any, mask: Any) -> Any:
    """Return the rows of a mask, of nested arrays."""
    if isinstance(value, dict):
        return {key: _of(part, mask) for key, part in value.items()}
    if isinstance(value, tuple):
        return tuple(_of(part, mask) for part in value)
    return value[mask]
