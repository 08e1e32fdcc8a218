"""The environments of RLlib's former wrapper, without RLlib: names, keys, and what they make of them."""

import pickle

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Discrete, MultiDiscrete
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode

import slatesim
from slatesim.gym import SlateEnv, SlateVectorEnv
from slatesim.rllib import (
    NAMES,
    InterestEvolutionRecSimEnv,
    InterestExplorationRecSimEnv,
    LongTermSatisfactionRecSimEnv,
)

CLASSES = [LongTermSatisfactionRecSimEnv, InterestExplorationRecSimEnv, InterestEvolutionRecSimEnv]


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize(
    "config",
    [{}, {"convert_to_discrete_action_space": True}, {"wrap_for_bandits": True}, {"observation": "flat", "resample_documents": False}],
)
def test_what_is_observed_is_in_the_spaces(kind: type, config: dict) -> None:
    single, many = kind(config), kind(config | {"num_envs": 3})
    assert isinstance(single, gymnasium.Env)
    assert isinstance(many, SlateVectorEnv)
    # RLlib takes the first step of later episodes for a reset in any other mode.
    assert many.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert many.single_observation_space == single.observation_space
    is_discrete = config.get("convert_to_discrete_action_space", False)
    assert many.single_action_space == single.action_space == (Discrete(100) if is_discrete else MultiDiscrete([10, 10]))
    seen, _ = many.reset(seed=1)
    one, _ = single.reset(seed=1)
    for _ in range(5):
        assert seen in many.observation_space
        assert one in single.observation_space
        actions = many.action_space.sample()
        seen, rewards, *_ = many.step(actions)
        one, reward, *_ = single.step(actions[0])
        assert reward == rewards[0]
    for env in (single, many):
        copy = pickle.loads(pickle.dumps(env))
        assert data_equivalence(copy.reset(seed=2)[0], env.reset(seed=2)[0], exact=True)


def test_the_defaults_are_those_of_the_wrapper() -> None:
    assert data_equivalence(LongTermSatisfactionRecSimEnv().reset(seed=3), SlateEnv().reset(seed=3), exact=True)
    evolution = InterestEvolutionRecSimEnv({"num_candidates": 7, "slate_size": 3})
    assert evolution.action_space == MultiDiscrete([7, 7, 7])
    assert evolution.observation_space["user"].shape == (20,)
    exploration = InterestExplorationRecSimEnv({"max_steps": 4})
    exploration.reset()
    assert [exploration.step([0, 1])[3] for _ in range(4)] == [False, False, False, True]
    assert list(NAMES.values()) == CLASSES


def test_for_bandits_only_the_candidates_are_observed() -> None:
    for num_envs in ({}, {"num_envs": 4}):
        bandit, whole = (InterestEvolutionRecSimEnv({"wrap_for_bandits": is_bandit, **num_envs}) for is_bandit in (True, False))
        seen, expected = bandit.reset(seed=5)[0], whole.reset(seed=5)[0]
        for _ in range(3):
            assert list(seen) == ["item"]
            np.testing.assert_array_equal(seen["item"], expected["doc"])
            action = np.zeros(whole.action_space.shape, int)
            seen, expected = bandit.step(action)[0], whole.step(action)[0]


def test_environments_without_a_seed_see_different_users() -> None:
    first, second = (LongTermSatisfactionRecSimEnv({"num_envs": 4}).reset()[0]["doc"] for _ in range(2))
    assert not np.isin(first, second).any()
    fixed, again = (LongTermSatisfactionRecSimEnv({"num_envs": 4, "seed": 6}).reset()[0]["doc"] for _ in range(2))
    np.testing.assert_array_equal(fixed, again)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"autoreset_mode": "SameStep"}, "`autoreset_mode` = 'SameStep' is not allowed"),
        ({"action": "discrete"}, "`action` = 'discrete' is not allowed"),
        ({"environment": "item_transition"}, "`environment` = 'item_transition' is not allowed"),
        ({"wrap_for_bandits": True, "observation": "flat"}, "with `wrap_for_bandits` allowed is dict"),
        ({"num_candidate": 5}, "did you mean `environment.num_candidates`"),
        ([("num_candidates", 5)], "allowed is a mapping of keys"),
    ],
)
def test_wrong_keys_are_told(config: object, told: str) -> None:
    with pytest.raises(slatesim.ConfigError) as error:
        LongTermSatisfactionRecSimEnv(config)
    assert told in str(error.value)
