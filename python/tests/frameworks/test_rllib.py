"""RLlib: two of its algorithms that act in our environments, two that read our logs, and what is in these."""

import gc
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import ray
from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.algorithms.bc import BCConfig
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.algorithms.marwil import MARWILConfig
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.connectors.env_to_module import FlattenObservations

import slatesim
from slatesim.gym import SlateVectorEnv
from slatesim.offline import Logs, write_rllib
from slatesim.rllib import LongTermSatisfactionRecSimEnv, register

CPU = {"backend": "cpu", "num_threads": 1}


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    # Two cores are enough: offline algorithms want several logical ones.
    ray.init("local", num_cpus=6, num_gpus=0, include_dashboard=False, object_store_memory=200 * 2**20, log_to_driver=False)
    register()
    yield
    # Readers of logs that are still there would complain of its end.
    gc.collect()
    ray.shutdown()


def on_one_runner(config: AlgorithmConfig, env: object, **environment: object) -> AlgorithmConfig:
    """Let one remote runner step 64 environments of 5 candidates."""
    return (
        config.environment(env, env_config={"num_candidates": 5, **environment})
        .env_runners(num_env_runners=1, num_envs_per_env_runner=64, gym_env_vectorize_mode="vector_entry_point")
        .learners(num_learners=0, num_gpus_per_learner=0)
        .debugging(log_level="ERROR")
    )


def returns_of_random(**environment: object) -> slatesim.Estimate:
    """Evaluate slates that are drawn with replacement, as an untrained policy draws them."""
    report = slatesim.evaluate(
        environment={"name": "long_term_satisfaction", "num_candidates": 5, **environment},
        policy={"name": "random", "with_replacement": True},
        episodes=16_384,
        progress=False,
        **CPU,
    )
    return report.returns


@pytest.mark.usefixtures("cluster")
def test_ppo_steps_slates_and_its_episodes_are_whole() -> None:
    config = on_one_runner(PPOConfig(), "slatesim-long-term-satisfaction")
    config.env_runners(env_to_module_connector=lambda env=None, spaces=None, device=None: FlattenObservations())
    # 130 steps are two episodes and the steps that begin the next ones.
    config.training(train_batch_size_per_learner=64 * 130, num_epochs=1, minibatch_size=1_024)
    algorithm = config.build_algo()
    random = returns_of_random()
    for _ in range(2):
        told = algorithm.train()["env_runners"]
        assert told["num_episodes"] == 128
        assert told["episode_len_mean"] == told["episode_len_min"] == told["episode_len_max"] == 60
        # Two small updates do not yet tell it from random slates: 4 standard errors of 128 episodes.
        error = random.standard_error * math.sqrt(16_384 / 128)
        assert told["episode_return_mean"] == pytest.approx(random.mean, abs=4 * error)
    algorithm.stop()


@pytest.mark.usefixtures("cluster")
def test_dqn_steps_numbers_of_slates_and_its_runners_see_different_users() -> None:
    config = on_one_runner(
        DQNConfig(), LongTermSatisfactionRecSimEnv, slate_size=1, convert_to_discrete_action_space=True, observation="flat"
    )
    config.env_runners(num_env_runners=2, num_envs_per_env_runner=32, rollout_fragment_length=4)
    config.training(train_batch_size_per_learner=64, num_steps_sampled_before_learning_starts=512)
    config.reporting(min_sample_timesteps_per_iteration=64 * 65)
    algorithm = config.build_algo()
    for _ in range(2):
        told = algorithm.train()
    assert told["env_runners"]["episode_len_mean"] == 60
    assert told["learners"]["default_policy"]["qf_loss"] >= 0
    first, second = algorithm.env_runner_group.foreach_env_runner(lambda runner: runner.env.reset()[0], local_env_runner=False)
    assert first.shape == second.shape == (32, 7)
    assert not np.isin(first[:, 0], second[:, 0]).any()
    algorithm.stop()


def behaviour_loss(logs: Logs, config: AlgorithmConfig, batch_size: int) -> float:
    """Learn 100 batches of logs, and return the mean loss of the policy."""
    config.environment(observation_space=logs.observation_space, action_space=logs.action_space)
    config.learners(num_learners=0, num_gpus_per_learner=0).env_runners(num_env_runners=0).debugging(log_level="ERROR")
    config.offline_data(input_=[str(logs.path)], dataset_num_iters_per_learner=100)
    config.training(train_batch_size_per_learner=batch_size, lr=1e-3)
    algorithm = config.build_algo()
    told = algorithm.train()["learners"]["default_policy"]
    algorithm.stop()
    return float(told["policy_loss"])


def uniform_logs(folder: Path, action: str) -> Logs:
    return write_rllib(
        folder / "uniform.parquet",
        environment="long_term_satisfaction",
        policy={"name": "random", "with_replacement": True},
        episodes=512,
        seed=3,
        action=action,
        **CPU,
    )


# Who imitates uniform slates of K of D candidates cannot get below a loss of K ln D.
@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("action", ["slate", "discrete"])
def test_the_loss_of_bc_on_uniform_logs_is_their_entropy(tmp_path: Path, action: str) -> None:
    loss = behaviour_loss(uniform_logs(tmp_path, action), BCConfig(), 256)
    assert loss == pytest.approx(2 * math.log(10), rel=0.02)


@pytest.mark.usefixtures("cluster")
def test_bc_imitates_a_policy_that_looks_at_the_documents(tmp_path: Path) -> None:
    logs = write_rllib(
        tmp_path / "greedy.parquet",
        environment={"name": "long_term_satisfaction", "num_candidates": 3, "slate_size": 1},
        policy={"name": "greedy", "by": "clickbait_score"},
        episodes=512,
        action="discrete",
        **CPU,
    )
    # Without the documents it could not get below ln 3 = 1.10.
    assert behaviour_loss(logs, BCConfig(), 512) < 0.55


@pytest.mark.usefixtures("cluster")
def test_marwil_takes_an_iteration(tmp_path: Path) -> None:
    assert math.isfinite(behaviour_loss(uniform_logs(tmp_path, "discrete"), MARWILConfig().training(beta=1.0), 256))


def test_the_tutorial_runs_to_its_end() -> None:
    tutorial = Path(__file__).parents[2] / "examples" / "rllib_tutorial.py"
    ran = subprocess.run([sys.executable, str(tutorial), "--quick"], capture_output=True, text=True, timeout=400, check=False)
    assert ran.returncode == 0, ran.stderr[-4_000:]
    returns = dict(re.findall(r"^(random|sweetest|PPO|DQN|BC) +(\d+\.\d)$", ran.stdout, re.MULTILINE))
    assert set(returns) == {"random", "sweetest", "PPO", "DQN", "BC"}
    # Who imitates the sweetest slates for 40 batches is better than chance already.
    assert float(returns["BC"]) > float(returns["random"]) + 50


@pytest.mark.parametrize("action", ["slate", "discrete"])
def test_logs_have_what_environments_show_and_the_true_next_observations(tmp_path: Path, action: str) -> None:
    run = {"environment": "interest_evolution", "seed": 5}
    logs = write_rllib(tmp_path / "logs.parquet", policy="random", episodes=3, action=action, **run, **CPU)
    table = pq.read_table(logs.path)
    names = ["eps_id", "t", "obs", "actions", "rewards", "new_obs", "terminateds", "truncateds", "action_logp"]
    assert table.column_names == names
    assert table.num_rows == logs.steps
    rows = table.to_pydict()
    # RecSim's agent draws K of D documents without replacement.
    np.testing.assert_allclose(rows["action_logp"], math.log(1 / 90), rtol=1e-6)
    assert rows["obs"][0] in logs.observation_space
    envs = SlateVectorEnv(3, observation="flat", action=action, autoreset_mode="SameStep", **run, **CPU)
    observed, _ = envs.reset()
    lengths = [rows["eps_id"].count(str(episode)) for episode in range(3)]
    assert sum(lengths) == logs.steps
    starts = np.concatenate([[0], np.cumsum(lengths)])
    for step in range(min(lengths)):
        at = starts[:3] + step
        assert [rows["t"][row] for row in at] == [step] * 3
        np.testing.assert_array_equal([rows["obs"][row] for row in at], observed)
        following, rewards, terminated, truncated, info = envs.step(np.array([rows["actions"][row] for row in at]))
        ended = terminated | truncated
        last = np.where(ended[:, np.newaxis], info["final_obs"], following) if ended.any() else following
        np.testing.assert_array_equal([rows["new_obs"][row] for row in at], last)
        np.testing.assert_array_equal([rows["rewards"][row] for row in at], rewards.astype(np.float32))
        assert [rows["terminateds"][row] for row in at] == terminated.tolist()
        assert [rows["truncateds"][row] for row in at] == truncated.tolist()
        observed = following
    assert ended.any()


def test_logs_of_a_policy_that_draws_nothing_have_no_propensity(tmp_path: Path) -> None:
    logs = write_rllib(tmp_path / "logs.parquet", environment="long_term_satisfaction", policy="static", episodes=300, **CPU)
    assert not logs.has_propensities
    assert logs.steps == 300 * 60
    assert "action_logp" not in pq.read_schema(logs.path).names


def test_logs_are_the_same_in_parts(tmp_path: Path) -> None:
    run = {"environment": "long_term_satisfaction", "policy": "random", "seed": 2, **CPU}
    whole = pq.read_table(write_rllib(tmp_path / "whole.parquet", episodes=300, **run).path)
    part = pq.read_table(write_rllib(tmp_path / "part.parquet", episodes=20, first_episode=270, **run).path)
    assert part.equals(whole.slice(270 * 60, 20 * 60))


def test_a_file_is_written_whole_and_only_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "logs.parquet"
    for wrong, told in [
        ({"episodes": 0}, "`episodes` = 0"),
        ({"episodes": 2, "first_episode": 2**32 - 1}, "`episodes` = 2"),
        ({"episodes": 2, "policy": "randon"}, "did you mean"),
        ({"episodes": 2, "settings": {"episodes": 1}}, "allowed is the argument `episodes`"),
        ({"episodes": 2, "action": "click"}, "allowed is slate or discrete"),
    ]:
        with pytest.raises(slatesim.ConfigError) as error:
            write_rllib(path, environment="long_term_satisfaction", **wrong, **CPU)
        assert told in str(error.value)
        assert list(tmp_path.iterdir()) == []
    write_rllib(path, environment="long_term_satisfaction", episodes=2, **CPU)
    with pytest.raises(slatesim.ConfigError, match="exists; allowed is a new file"):
        write_rllib(path, environment="long_term_satisfaction", episodes=1, **CPU)
    assert pq.read_table(path).num_rows == 120
    assert write_rllib(path, environment="long_term_satisfaction", episodes=1, overwrite=True, **CPU).steps == 60
    assert list(tmp_path.iterdir()) == [path]
