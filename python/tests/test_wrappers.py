"""Wrappers of the single environment: what they show is what the flat arrays say, and it is in their spaces."""

import pickle
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env, data_equivalence

import slatesim
import slatesim.gym
from slatesim.gym import SlateEnv
from slatesim.wrappers import BanditObservation, RecSimObservation

IDS = [
    "slatesim/LongTermSatisfaction-v0",
    "slatesim/InterestEvolution-v0",
    "slatesim/InterestExploration-v0",
    "slatesim/ItemTransition-v0",
    "slatesim/TestMdp-v0",
]
CPU = {"backend": "cpu", "num_threads": 1}


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("wrapper", [RecSimObservation, BanditObservation])
def test_the_checker_of_gymnasium_has_nothing_to_say(name: str, wrapper: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*infinity.*")
        warnings.filterwarnings("ignore", message=".*different from the unwrapped.*")
        # The checker would have arrays for numbers be flat or pictures.
        warnings.filterwarnings("ignore", message=".*unconventional shape.*")
        check_env(wrapper(gymnasium.make(name, **CPU)), skip_render_check=True)


@pytest.mark.parametrize("name", IDS)
def test_every_observation_is_in_the_space(name: str) -> None:
    for wrapper in (RecSimObservation, BanditObservation, lambda env: BanditObservation(env, keeps_others=True)):
        env = wrapper(gymnasium.make(name, **CPU))
        observation, _ = env.reset(seed=3)
        assert observation in env.observation_space
        env.action_space.seed(1)
        for _ in range(19):
            observation, _, terminated, truncated, _ = env.step(env.action_space.sample())
            assert observation in env.observation_space
            if terminated or truncated:
                env.reset()


def test_recsims_shape_is_rebuilt_from_the_flat_arrays() -> None:
    for environment, names in [
        ("interest_evolution", ["click", "watch_time", "liked", "quality", "cluster_id"]),
        ("long_term_satisfaction", ["click", "engagement"]),
    ]:
        arguments = {"environment": environment, "num_candidates": 12, "slate_size": 3, **CPU}
        env, flat = RecSimObservation(SlateEnv(**arguments)), SlateEnv(**arguments)
        shown, rows = env.reset(seed=5)[0], flat.reset(seed=5)[0]
        for _ in range(30):
            assert list(shown["doc"]) == list(env.observation_space["doc"]) == [str(position) for position in range(12)]
            for position, document in enumerate(shown["doc"].values()):
                np.testing.assert_array_equal(document, rows["doc"][position])
            np.testing.assert_array_equal(shown["user"], rows.get("user", np.empty(0)))
            assert len(shown["response"]) == 3
            for response, row in zip(shown["response"], rows["response"], strict=True):
                assert list(response) == names
                assert [float(value) for value in response.values()] == row.tolist()
                assert isinstance(response["click"], int)
            shown, rows = env.step([3, 11, 0])[0], flat.step([3, 11, 0])[0]


def test_documents_with_several_observables_are_records() -> None:
    env = RecSimObservation(gymnasium.make("slatesim/InterestExploration-v0", num_candidates=3, **CPU))
    document = spaces.Dict({"quality": spaces.Box(0.0, np.inf, (), np.float32), "cluster_id": spaces.Discrete(2)})
    assert env.observation_space["doc"]["2"] == document
    observation, _ = env.reset(seed=1)
    flat, _ = env.env.reset(seed=1)
    assert observation["user"].shape == (0,)
    for position in range(3):
        shown = observation["doc"][str(position)]
        assert [float(shown["quality"]), shown["cluster_id"]] == flat["doc"][position].tolist()
        assert shown["quality"].dtype == np.float32


def test_indices_are_discrete() -> None:
    env = RecSimObservation(gymnasium.make("slatesim/TestMdp-v0", **CPU))
    assert env.observation_space["user"] == spaces.Discrete(6)
    assert env.observation_space["doc"]["0"] == spaces.Discrete(4)
    observation, _ = env.reset(seed=1)
    # Actions in turn, as in RecSim.
    assert [observation["doc"][str(position)] for position in range(5)] == [0, 1, 2, 3, 0]
    assert observation["user"] in range(6)


def test_after_a_reset_responses_are_zeros_or_none() -> None:
    env = RecSimObservation(SlateEnv(**CPU))
    assert env.reset(seed=1)[0]["response"] == ({"click": 0, "engagement": np.float32(0)},) * 2
    env = RecSimObservation(SlateEnv(**CPU), none_after_reset=True)
    assert env.reset(seed=1)[0]["response"] is None
    assert len(env.step([1, 2])[0]["response"]) == 2
    assert env.reset()[0]["response"] is None


def test_bandits_see_the_matrix_of_candidates() -> None:
    arguments = {"environment": "interest_evolution", "num_candidates": 7, **CPU}
    flat = SlateEnv(**arguments)
    rows, _ = flat.reset(seed=2)
    bandit, whole = BanditObservation(SlateEnv(**arguments)), BanditObservation(SlateEnv(**arguments), keeps_others=True)
    assert bandit.observation_space == spaces.Dict({"item": spaces.Box(-1.0, 1.0, (7, 20), np.float32)})
    assert set(whole.observation_space.spaces) == {"item", "user", "response"}
    seen, _ = bandit.reset(seed=2)
    assert list(seen) == ["item"]
    np.testing.assert_array_equal(seen["item"], rows["doc"])
    seen, _ = whole.reset(seed=2)
    assert data_equivalence(seen, {"item": rows["doc"], "user": rows["user"], "response": rows["response"]}, exact=True)
    numbered = BanditObservation(SlateEnv(action="discrete", **arguments))
    numbered.reset(seed=2)
    after, reward, *_ = numbered.step(1 + 3 * 7)
    other = flat.step([1, 3])
    np.testing.assert_array_equal(after["item"], other[0]["doc"])
    assert reward == other[1]


def test_wrapped_environments_are_made_again_from_their_specification_and_pickled() -> None:
    env = RecSimObservation(gymnasium.make(IDS[1], num_candidates=4, **CPU), none_after_reset=True)
    for copy in (gymnasium.make(env.spec), pickle.loads(pickle.dumps(env))):
        assert copy.observation_space == env.observation_space
        assert data_equivalence(copy.reset(seed=4), env.reset(seed=4), exact=True)


def test_what_cannot_be_wrapped_is_told() -> None:
    for env in (SlateEnv(observation="flat", **CPU), gymnasium.make("CartPole-v1")):
        for wrapper in (RecSimObservation, BanditObservation):
            with pytest.raises(slatesim.ConfigError, match=r"allowed is a slatesim\.gym\.SlateEnv with observation='dict'"):
                wrapper(env)
