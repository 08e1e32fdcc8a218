"""Environments in Python: Gymnasium's contract, the lives of the command line, and errors that lose nothing."""

import multiprocessing
import os
import pickle
import threading
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode

import slatesim
import slatesim.gym
from slatesim.gym import SlateEnv, SlateVectorEnv
from slatesim.vec_env import VecEnv

IDS = [
    "slatesim/LongTermSatisfaction-v0",
    "slatesim/InterestEvolution-v0",
    "slatesim/InterestExploration-v0",
    "slatesim/ItemTransition-v0",
    "slatesim/TestMdp-v0",
]
MODES = list(AutoresetMode)
CPU = {"backend": "cpu", "num_threads": 1}


@pytest.mark.parametrize("name", IDS)
def test_the_checker_of_gymnasium_has_nothing_to_say(name: str) -> None:
    env = gymnasium.make(name, **CPU)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*infinity.*")
        check_env(env.unwrapped, skip_render_check=True)


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("observation", ["dict", "flat"])
def test_observations_are_in_their_spaces_in_every_mode(name: str, mode: AutoresetMode, observation: str) -> None:
    envs = gymnasium.make_vec(name, num_envs=3, autoreset_mode=mode, observation=observation, **CPU)
    assert envs.metadata["autoreset_mode"] is mode
    seen, _ = envs.reset(seed=3)
    assert seen in envs.observation_space
    envs.action_space.seed(1)
    for _ in range(70):
        seen, reward, terminated, truncated, info = envs.step(envs.action_space.sample())
        assert seen in envs.observation_space
        assert (reward.dtype, terminated.dtype, truncated.dtype) == (np.float64, np.bool_, np.bool_)
        ended = terminated | truncated
        if mode is AutoresetMode.SAME_STEP and ended.any():
            assert info["_final_obs"].tolist() == ended.tolist()
            assert info["final_obs"] in envs.observation_space
        if mode is AutoresetMode.DISABLED and ended.any():
            seen, _ = envs.reset(options={"reset_mask": ended})
            assert seen in envs.observation_space
    envs.close()


def lives(envs: gymnasium.vector.VectorEnv, steps: int, slates: np.ndarray, seed: int) -> list:
    """Step with given slates, and list all that is returned."""
    told = [envs.reset(seed=seed)]
    told += [envs.step(slates[step][: envs.num_envs]) for step in range(steps)]
    return told


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_a_seed_repeats_everything_and_environments_do_not_know_how_many_there_are(mode: AutoresetMode) -> None:
    slates = np.random.default_rng(0).integers(0, 10, (130, 8, 2))
    many = SlateVectorEnv(8, autoreset_mode=mode, **CPU)
    few = SlateVectorEnv(3, autoreset_mode=mode, **CPU)
    first, again = lives(many, 130, slates, 5), lives(many, 130, slates, 5)
    assert data_equivalence(first, again, exact=True)
    of_few = lives(few, 130, slates, 5)
    for whole, part in zip(first[1:], of_few[1:], strict=True):
        for name in whole[0]:
            np.testing.assert_array_equal(whole[0][name][:3], part[0][name])
        np.testing.assert_array_equal(whole[1][:3], part[1])
    other = lives(many, 2, slates, 6)
    assert not np.array_equal(first[1][1], other[1][1])


def test_environments_without_a_seed_see_different_users() -> None:
    rewards = []
    for _ in range(2):
        envs = SlateVectorEnv(4, **CPU)
        envs.reset()
        rewards.append(envs.step(np.zeros((4, 2), int))[1])
    assert not np.array_equal(*rewards)
    fixed = [SlateVectorEnv(4, seed=9, **CPU) for _ in range(2)]
    seen = [envs.reset()[0] for envs in fixed]
    assert data_equivalence(*seen, exact=True)


def test_a_seed_given_to_a_reset_is_the_seed_of_the_configuration() -> None:
    for run in ({"environment": "interest_evolution"}, {"environment": {"name": "interest_evolution", "resample_documents": False}}):
        configured, given = VecEnv(**run, num_envs=3, seed=2**64 - 1, **CPU), VecEnv(**run, num_envs=3, seed=4, **CPU)
        assert not np.array_equal(given.reset().documents, configured.reset().documents)
        for one, other in zip(configured.reset(seed=2**64 - 1), given.reset(seed=2**64 - 1), strict=True):
            np.testing.assert_array_equal(one, other)
    pinned = VecEnv(environment={"name": "interest_evolution", "resample_documents": False, "document.seed": 3}, num_envs=2, seed=1, **CPU)
    np.testing.assert_array_equal(pinned.reset().documents, pinned.reset(seed=2).documents)


def test_episodes_earn_what_the_same_policy_earns_in_a_rollout() -> None:
    run = {"environment": "long_term_satisfaction", "seed": 4}
    report = slatesim.evaluate(**run, policy="static", episodes=256, backend="cpu", progress=False)
    envs = SlateVectorEnv(256, **run, **CPU)
    envs.reset()
    total = np.zeros(256)
    for _ in range(60):
        total += envs.step(np.tile([0, 1], (256, 1)))[1]
    assert total.mean() == pytest.approx(report.returns.mean, rel=1e-6)


def test_the_single_environment_is_environment_0_of_many() -> None:
    single, many = SlateEnv(**CPU), SlateVectorEnv(5, **CPU)
    one, _ = single.reset(seed=2)
    all_, _ = many.reset(seed=2)
    np.testing.assert_array_equal(one["doc"], all_["doc"][0])
    for _ in range(60):
        _, reward, terminated, truncated, _ = single.step(np.array([3, 1]))
        rewards = many.step(np.tile([3, 1], (5, 1)))[1]
        assert reward == rewards[0]
    assert terminated or truncated
    with pytest.raises(slatesim.Error, match="has ended"):
        single.step(np.array([3, 1]))
    single.reset()


def test_discrete_actions_have_their_first_position_last() -> None:
    slates = SlateVectorEnv(3, num_candidates=5, environment="interest_evolution", **CPU)
    numbers = SlateVectorEnv(3, num_candidates=5, environment="interest_evolution", action="discrete", **CPU)
    assert numbers.single_action_space == gymnasium.spaces.Discrete(25)
    slates.reset(seed=1)
    numbers.reset(seed=1)
    shown = slates.step(np.array([[1, 0], [3, 4], [2, 2]]))
    numbered = numbers.step(np.array([1, 3 + 4 * 5, 2 + 2 * 5]))
    assert data_equivalence(shown, numbered, exact=True)


def test_what_is_returned_is_the_callers_own() -> None:
    envs = SlateVectorEnv(2, resample_documents=False, **CPU)
    first, _ = envs.reset(seed=1)
    before = {name: part.copy() for name, part in first.items()}
    second = envs.step(np.zeros((2, 2), int))[0]
    second["doc"][:] = -1
    envs.step(np.zeros((2, 2), int))
    for name, part in before.items():
        np.testing.assert_array_equal(first[name], part)


@pytest.mark.parametrize(
    ("slates", "told"),
    [
        (np.zeros((3, 2)), "type float64; allowed is shape (3, 2) of integers"),
        (np.zeros((2, 2), int), "shape (2, 2)"),
        (np.full((3, 2), np.nan), "type float64"),
        (np.full((3, 2), 10), "expected an index below 10"),
        (np.full((3, 2), -2), "candidate -2"),
        (np.full((3, 2), 2**32 - 2), "candidate 4294967294"),
        (np.full((3, 2), 2**63, np.uint64), "candidate 9223372036854775808"),
        (np.array([[-1, 1]] * 3), "nothing in position 0"),
        (np.full((3, 2), -1), "always click"),
        (None, "allowed is shape (3, 2)"),
        ([["a", "b"]] * 3, "allowed is shape (3, 2)"),
    ],
)
def test_slates_that_cannot_be_shown_are_refused_and_nothing_is_lost(slates: object, told: str) -> None:
    env, twin = (VecEnv(environment="long_term_satisfaction", num_envs=3, seed=1, **CPU) for _ in range(2))
    good = np.zeros((3, 2), int)
    env.reset()
    twin.reset()
    with pytest.raises(slatesim.ActionError) as error:
        env.step(slates)
    assert told in str(error.value)
    assert data_equivalence(env.step(good).outcome, twin.step(good).outcome, exact=True)


def test_wrong_arguments_are_told() -> None:
    for arguments, told in [
        ({"num_envs": 0}, "num_envs = 0"),
        ({"autoreset_mode": "Sometimes"}, "allowed is one of NextStep, SameStep, Disabled"),
        ({"observation": "pictures"}, "allowed is dict or flat"),
        ({"action": "click"}, "allowed is slate or discrete"),
        ({"action": "discrete", "num_candidates": 50, "slate_size": 4}, "6250000 slates"),
        ({"slate_sze": 3}, "did you mean `environment.slate_size`"),
        ({"max_steps": 3, "max_episode_steps": 4}, "mean the same"),
        ({"render_mode": "human"}, "there is nothing to see"),
        ({"environment": "interest_exploration"}, "max_steps"),
    ]:
        with pytest.raises(slatesim.ConfigError) as error:
            SlateVectorEnv(**({"num_envs": 2, **CPU} | arguments))
        assert told in str(error.value), arguments
    envs = SlateVectorEnv(2, **CPU)
    with pytest.raises(slatesim.Error, match="have not been reset"):
        envs.step(np.zeros((2, 2), int))
    envs.reset()
    for mask in (np.array([True]), np.array([1, 0]), [[True, False]]):
        with pytest.raises(slatesim.ActionError):
            envs.reset(options={"reset_mask": mask})
    with pytest.raises(slatesim.ConfigError):
        VecEnv(num_envs=2, **CPU).reset(seed=-1)


def test_pickled_environments_are_new_ones_with_the_same_arguments() -> None:
    slates = np.zeros((3, 2), int)
    for env in (
        SlateVectorEnv(3, seed=5, user={"sensitivity": 0.1}, autoreset_mode="SameStep", **CPU),
        VecEnv(num_envs=3, seed=5, environment={"name": "interest_evolution"}, **CPU),
    ):
        copy = pickle.loads(pickle.dumps(env))
        with pytest.raises(slatesim.Error, match="have not been reset"):
            copy.step(slates)
        told = [(one.reset(), one.step(slates)) for one in (env, copy)]
        assert data_equivalence(told[0][0], told[1][0], exact=True)
    single = pickle.loads(pickle.dumps(SlateEnv(seed=1, num_candidates=4, **CPU)))
    assert single.reset()[0]["doc"].shape == (4, 1)


def test_closed_environments_say_so() -> None:
    envs = SlateVectorEnv(2, **CPU)
    envs.reset(seed=1)
    envs.close()
    envs.close()
    with pytest.raises(slatesim.Error, match="are closed"):
        envs._env.step(np.zeros((2, 2), int))


def step_in_child(connection: object, env: VecEnv) -> None:
    try:
        env.step(np.zeros((2, 2), int))
    except slatesim.Error as error:
        connection.send(str(error))
    fresh = VecEnv(num_envs=2, backend="cpu", seed=1)
    fresh.reset()
    connection.send(fresh.step(np.zeros((2, 2), int)).outcome.rewards.tolist())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_is_refused_in_a_sentence_and_does_not_hang() -> None:
    env = VecEnv(num_envs=2, backend="cpu", num_threads=2, seed=1)
    env.reset()
    env.step(np.zeros((2, 2), int))
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=step_in_child, args=(there, env))
    child.start()
    assert here.poll(20)
    assert "of which this one is a fork" in here.recv()
    assert here.poll(20)
    assert len(here.recv()) == 2
    child.join(20)
    assert child.exitcode == 0


def test_threads_may_share_environments() -> None:
    env = VecEnv(num_envs=512, seed=1, **CPU)
    env.reset()
    failed = []

    def step() -> None:
        try:
            for _ in range(50):
                env.step(np.zeros((512, 2), int))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=step) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert failed == []


def test_wrappers_of_gymnasium_go_around() -> None:
    from gymnasium.wrappers.vector import FlattenObservation, RecordEpisodeStatistics

    envs = RecordEpisodeStatistics(FlattenObservation(gymnasium.make_vec(IDS[0], num_envs=4, **CPU)))
    envs.reset(seed=1)
    lengths = []
    for _ in range(130):
        info = envs.step(envs.action_space.sample())[4]
        if "episode" in info:
            lengths += info["episode"]["l"][info["_episode"]].tolist()
    assert lengths == [60] * 8


def test_the_gpu_sees_what_the_cpu_sees() -> None:
    if not slatesim.adapters():
        pytest.skip("there is no adapter, not even a software one")
    run = {"environment": "interest_evolution", "num_envs": 64, "seed": 3}
    slates = np.random.default_rng(1).integers(0, 10, (5, 64, 2))
    chosen = []
    for backend in ("cpu", "gpu"):
        env = VecEnv(**run, backend=backend)
        env.reset()
        chosen.append([env.advance(shown).chosen.tolist() for shown in slates])
    assert chosen[0] == chosen[1]
