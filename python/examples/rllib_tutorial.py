"""RLlib's tutorial on recommender systems, on slatesim: from random slates to online and offline reinforcement learning.

    python examples/rllib_tutorial.py            2 or 3 minutes on two cores
    python examples/rllib_tutorial.py --quick    1 minute: everything, but PPO and DQN hardly learn

It needs `pip install "slatesim[rllib]" torch`. The original is the tutorial of Ray's Summit of 2022 with `LongTermSatisfactionRecSimEnv`,
which RLlib has dropped since; so have its contextual bandits and SlateQ been. Documents are "sweet" (clickbait, engaging now) or
"kale" (satisfying later).
"""

import argparse
import gc
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import ray
import torch
from gymnasium.wrappers.vector import NormalizeReward
from ray import tune
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.bc import BCConfig
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig

import slatesim
from slatesim.offline import write_rllib
from slatesim.rllib import LongTermSatisfactionRecSimEnv

# The users of the tutorial: what they are shown moves their satisfaction faster than in RecSim, and documents engage evenly.
TUTORIAL: dict[str, Any] = {
    "num_candidates": 20,
    "slate_size": 2,
    "user": {"sensitivity": 0.058, "time_budget": 120, "choc_stddev": 0.1, "kale_stddev": 0.1},
}
# RecSim's own users, and few slates: there is more to gain from good ones, and it takes a minute to learn them.
SMALL: dict[str, Any] = {"num_candidates": 5, "slate_size": 1}

SWEET = {"name": "greedy", "by": "clickbait_score", "order": "max"}
KALE = {"name": "greedy", "by": "clickbait_score", "order": "min"}
UNIFORM = {"name": "random", "with_replacement": True}

# Engagement is observed, up to 100, where RLlib's default of tanh is flat.
NETWORK = DefaultModelConfig(fcnet_hiddens=[64, 64], fcnet_activation="relu", vf_share_layers=False)
GAMMA = 0.9


def section(title: str) -> None:
    """Print a heading."""
    print(f"\n== {title}", flush=True)


def evaluate(parameters: dict[str, Any], policy: Any, episodes: int = 1_000) -> slatesim.Report:
    """Evaluate a policy of slatesim's own."""
    return slatesim.evaluate(
        environment={"name": "long_term_satisfaction", **parameters}, policy=policy, episodes=episodes, backend="cpu", progress=False
    )


def show_wrappers() -> None:
    """Look at the environment in the shapes that algorithms want it in."""
    section("the environment, and its wrappers")
    env = LongTermSatisfactionRecSimEnv(SMALL)
    observation, _ = env.reset(seed=7)
    print("candidates:", observation["doc"].ravel().round(2), " slates:", env.action_space)
    print("for DQN:", LongTermSatisfactionRecSimEnv(TUTORIAL | {"convert_to_discrete_action_space": True}).action_space)
    print("for bandits:", LongTermSatisfactionRecSimEnv(TUTORIAL | {"wrap_for_bandits": True}).observation_space)
    # The wrapper that the tutorial writes: the user's satisfaction beside what is observed.
    print("with satisfaction:", LongTermSatisfactionRecSimEnv(TUTORIAL | {"hidden": ["satisfaction"]}).observation_space["user"])
    print("for runners:", LongTermSatisfactionRecSimEnv(SMALL | {"num_envs": 64, "observation": "flat"}).observation_space.shape)


def measure_baseline() -> None:
    """Measure what random slates earn, and with which standard error."""
    section("the random baseline, 1,000 episodes (published: 1157.88 ± 0.36)")
    returns = evaluate(TUTORIAL, UNIFORM).returns
    print(f"{returns.mean:.2f} ± {returns.standard_error:.2f}")


def measure_slopes() -> None:
    """See the reward grow over an episode of kale, and fall over one of sweets."""
    section("the slope of the reward over the step, 1,000 episodes each")
    for name, policy in {"sweetest": SWEET, "random": UNIFORM, "kaleiest": KALE}.items():
        report = evaluate(TUTORIAL, policy)
        trace = slatesim.trace(environment={"name": "long_term_satisfaction", **TUTORIAL}, policy=policy, first=100, progress=False)
        last = trace.arrays["user.satisfaction"][trace.arrays["step"] == 119].mean()
        slope = report.reward_slope
        print(f"{name:9} slope {slope.mean:+.5f} ± {slope.standard_error:.5f}   satisfaction at the end {last:.2f}")


def compare_bandits() -> None:
    """Let contextual bandits, which learn within each episode, compete with the baselines on the same users."""
    section("contextual bandits, against baselines on the same 1,000 users")
    comparison = slatesim.compare(
        environment={"name": "long_term_satisfaction", **TUTORIAL},
        policies=["linear_ucb", "linear_thompson", SWEET, UNIFORM],
        episodes=1_000,
        backend="cpu",
        progress=False,
    )
    print(comparison)


def scaled(config: dict[str, Any]) -> Any:
    """Make environments whose rewards, from 3 to 400 a step, are scaled to those that algorithms are tuned for."""
    return NormalizeReward(LongTermSatisfactionRecSimEnv(config), gamma=GAMMA)


def mean_return(algorithm: Algorithm, **keys: Any) -> float:
    """Evaluate the best slates, of one document, on 512 users that were not learned from, with rewards as they are."""
    envs = LongTermSatisfactionRecSimEnv(SMALL | {"num_envs": 512, "seed": 1_000, "observation": "flat", **keys})
    results = algorithm.learner_group.foreach_learner(lambda learner, **_: learner.module["default_policy"])
    module = next(iter(results)).get()
    observation, _ = envs.reset()
    total = np.zeros(512)
    for _ in range(60):
        with torch.no_grad():
            told = module.forward_inference({"obs": torch.as_tensor(observation)})
        actions = told["actions"] if "actions" in told else told["action_dist_inputs"].argmax(-1)
        observation, rewards, *_ = envs.step(np.asarray(actions).reshape(envs.action_space.shape))
        total += rewards
    envs.close()
    return float(total.mean())


def learn_online(is_quick: bool) -> None:
    """Learn with PPO, which takes slates, and with DQN, which takes their numbers."""
    section("online: PPO and DQN, 64 environments on one runner")
    print(f"random   {evaluate(SMALL, UNIFORM, 16_384).returns.mean:.1f}")
    print(f"sweetest {evaluate(SMALL, SWEET, 16_384).returns.mean:.1f}", flush=True)
    tune.register_env("scaled", scaled)
    runners: dict[str, Any] = {
        "num_env_runners": 1,
        "num_envs_per_env_runner": 64,
        "gym_env_vectorize_mode": "vector_entry_point",
    }
    ppo = (
        PPOConfig()
        .environment("scaled", env_config=SMALL | {"observation": "flat"})
        .env_runners(**runners)
        .rl_module(model_config=NETWORK)
        .training(gamma=GAMMA, lr=2e-3, train_batch_size_per_learner=8_192, minibatch_size=1_024, num_epochs=6)
    ).build_algo()
    for _ in range(2 if is_quick else 50):
        ppo.train()
    print(f"PPO      {mean_return(ppo):.1f}", flush=True)
    ppo.stop()
    dqn = (
        DQNConfig()
        .environment("scaled", env_config=SMALL | {"observation": "flat", "convert_to_discrete_action_space": True})
        .env_runners(**runners, rollout_fragment_length=4)
        .rl_module(model_config=NETWORK)
        .training(
            gamma=GAMMA,
            lr=1e-3,
            train_batch_size_per_learner=256,
            training_intensity=4,
            target_network_update_freq=1_000,
            epsilon=[[0, 1.0], [30_000, 0.1]],
            replay_buffer_config={"type": "EpisodeReplayBuffer", "capacity": 50_000},
        )
        .reporting(min_sample_timesteps_per_iteration=4_096)
    ).build_algo()
    for _ in range(1 if is_quick else 8):
        dqn.train()
    print(f"DQN      {mean_return(dqn, convert_to_discrete_action_space=True):.1f}", flush=True)
    dqn.stop()


def learn_offline(is_quick: bool) -> None:
    """Imitate the policy of a log, without an environment to try anything in."""
    section("offline: BC on a log of the sweetest slates, 512 episodes")
    with tempfile.TemporaryDirectory() as folder:
        logs = write_rllib(
            Path(folder) / "sweetest.parquet",
            environment={"name": "long_term_satisfaction", **SMALL},
            policy=SWEET,
            episodes=512,
            seed=3,
            backend="cpu",
        )
        bc = (
            BCConfig()
            .environment(observation_space=logs.observation_space, action_space=logs.action_space)
            .env_runners(num_env_runners=0)
            .rl_module(model_config=NETWORK)
            .offline_data(input_=[str(logs.path)], dataset_num_iters_per_learner=40 if is_quick else 100)
            .training(train_batch_size_per_learner=512, lr=2e-3)
        ).build_algo()
        told = bc.train()
        print(f"{logs.steps} steps, loss {told['learners']['default_policy']['policy_loss']:.2f} (of random actions: ln 5 = 1.61)")
        print(f"BC       {mean_return(bc):.1f}", flush=True)
        bc.stop()


def main() -> None:
    """Run the tutorial."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="take every step, but learn for some seconds only")
    is_quick = parser.parse_args().quick
    show_wrappers()
    measure_baseline()
    measure_slopes()
    compare_bandits()
    torch.set_num_threads(1)
    # More logical cores than there may be: reading logs takes several of them, and none of them is busy for long.
    ray.init("local", num_cpus=6, num_gpus=0, include_dashboard=False, object_store_memory=200 * 2**20, log_to_driver=False)
    learn_online(is_quick)
    learn_offline(is_quick)
    # Readers of the log that are still there would complain of its end.
    gc.collect()
    ray.shutdown()


if __name__ == "__main__":
    main()
