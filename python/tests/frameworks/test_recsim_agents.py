"""RecSim 0.2.4 itself: its runner and its agents, unchanged, on slatesim's environments and on its own.

It needs `recsim`, `dopamine-rl`, `gym` and TensorFlow; see `scripts/test_frameworks`.
"""

import ast
import functools
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    gym = pytest.importorskip("gym")
    pytest.importorskip("recsim")
    import tensorflow.compat.v1 as tf
    from recsim import choice_model
    from recsim.agents import (
        cluster_bandit_agent,
        full_slate_q_agent,
        greedy_pctr_agent,
        random_agent,
        slate_decomp_q_agent,
        tabular_q_agent,
    )
    from recsim.agents.bandits import algorithms
    from recsim.agents.layers.cluster_click_statistics import ClusterClickStatsLayer
    from recsim.environments import interest_evolution, interest_exploration, long_term_satisfaction
    from recsim.simulator import runner_lib

import slatesim.recsim

tf.disable_v2_behavior()
tf.logging.set_verbosity(tf.logging.ERROR)

ORIGINALS = {
    "interest_evolution": interest_evolution,
    "interest_exploration": interest_exploration,
    "long_term_satisfaction": long_term_satisfaction,
}
OURS = {name: getattr(slatesim.recsim, name) for name in ORIGINALS}
SEED = 7
BOUND = 4.0
"""Means may differ by so many joint standard errors. Of one pair, chance exceeds it in 6 of 100,000 seeds; seeds are fixed.

All agents meet the same users of an environment, so that their differences have much of the same chance in them.
"""


def config(num_candidates: int, slate_size: int, **others: Any) -> dict[str, Any]:
    return {"num_candidates": num_candidates, "slate_size": slate_size, "resample_documents": True, "seed": SEED} | others


def described(value: Any) -> Any:
    """Describe nested observations: types, keys in their order, dtypes and shapes."""
    if isinstance(value, dict):
        return type(value), [(key, described(part)) for key, part in value.items()]
    if isinstance(value, tuple | list):
        return type(value), [described(part) for part in value]
    return type(value), getattr(value, "dtype", None), getattr(value, "shape", None)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(autouse=True, scope="module")
def small_memory() -> None:
    # The replay memory of a million steps takes a minute to be written at every checkpoint.
    runner_lib.load_gin_configs([], ["WrappedReplayBuffer.replay_capacity = 10000"])


@pytest.mark.parametrize("name", ORIGINALS)
@pytest.mark.parametrize("resamples", [True, False])
def test_observations_and_spaces_are_the_originals_field_by_field(name: str, resamples: bool) -> None:
    sizes = config(12, 3, resample_documents=resamples)
    ours, original = OURS[name].create_environment(sizes), ORIGINALS[name].create_environment(sizes)

    def compare(one: Any, other: Any) -> None:
        assert described(one) == described(other)
        assert ours.observation_space == original.observation_space
        assert described(ours.observation_space.sample()) == described(original.observation_space.sample())
        assert list(ours.observation_space["doc"]) == list(original.observation_space["doc"])

    assert ours.observation_space == original.observation_space
    assert isinstance(ours.observation_space, gym.spaces.Dict)
    assert ours.action_space == original.action_space
    assert ours.action_space.dtype == original.action_space.dtype
    for _ in range(2):
        compare(ours.reset(), original.reset())
        for slate in ([0, 1, 2], [5], np.array([11, 3]), (-1, 0), [4, 4, 4]):
            (one, reward, done, info), (other, wanted, ends, told) = ours.step(slate), original.step(slate)
            compare(one, other)
            assert (float(reward) >= 0, float(wanted) >= 0, bool(done), bool(ends)) == (True, True, False, False)
            assert info.keys() == told.keys()
            assert info["env"] is ours.environment
        ours.reset_sampler()
        original.reset_sampler()
    assert ours.game_over is original.game_over
    for attribute in ("num_candidates", "slate_size"):
        assert getattr(ours.environment, attribute) == getattr(original.environment, attribute)
    for part in ("observation_space", "response_space"):
        assert getattr(ours.environment.user_model, part)() == getattr(original.environment.user_model, part)()
    assert ours.environment.candidate_set.observation_space() == original.environment.candidate_set.observation_space()
    assert ours.environment.candidate_set.size() == original.environment.candidate_set.size()


def test_metrics_are_the_originals() -> None:
    env = OURS["interest_evolution"].create_environment(config(10, 3))
    original = ORIGINALS["interest_evolution"].create_environment(config(10, 3))
    told: list[list[Any]] = [[], []]
    env.reset()
    for _ in range(40):
        observation, _, _, info = env.step([0, 1, 2])
        for metered in (env, original):
            metered.update_metrics(observation["response"], info)
    for metered, list_ in zip((env, original), told, strict=True):
        metered.write_metrics(lambda tag, value, list_=list_: list_.append((tag, float(value))))
    assert told[0] == told[1]
    assert len(told[0]) > 5


def test_the_mean_belief_is_the_originals() -> None:
    ours, original = (module["interest_exploration"].create_environment(config(10, 2)) for module in (OURS, ORIGINALS))
    beliefs = [env.environment.user_model.avg_user_state for env in (ours, original)]
    np.testing.assert_allclose(beliefs[0].topic_affinity, beliefs[1].topic_affinity, rtol=1e-12)
    for document in ours.reset()["doc"].values():
        assert beliefs[0].score_document(document) == pytest.approx(beliefs[1].score_document(document), rel=1e-12)


Make = Callable[..., Any]


def plain(kind: Any, **arguments: Any) -> Make:
    """Make an agent that takes spaces."""

    def make(_sess: Any, env: Any, eval_mode: bool, summary_writer: Any = None) -> Any:
        del summary_writer
        return kind(env.observation_space, env.action_space, eval_mode=eval_mode, **arguments)

    return make


def make_random(_sess: Any, env: Any, eval_mode: bool, summary_writer: Any = None) -> Any:
    del eval_mode, summary_writer
    return random_agent.RandomAgent(env.action_space, random_seed=3)


def make_greedy(_sess: Any, env: Any, eval_mode: bool, summary_writer: Any = None) -> Any:
    """Make greedy pCTR with the mean belief, or where there is none with fixed interests."""
    del eval_mode, summary_writer
    user = env.environment.user_model
    if hasattr(user, "avg_user_state"):
        return greedy_pctr_agent.GreedyPCTRAgent(env.action_space, user.avg_user_state)
    belief = interest_evolution.IEvUserState(np.linspace(-1.0, 1.0, 20))
    model = choice_model.MultinomialProportionalChoiceModel({"min_normalizer": -1.0, "no_click_mass": 1.0})
    return greedy_pctr_agent.GreedyPCTRAgent(env.action_space, belief, model)


def make_bandit(algorithm: Any) -> Make:
    return plain(functools.partial(ClusterClickStatsLayer, cluster_bandit_agent.ClusterBanditAgent), alg_ctor=algorithm)


def make_full_slate_q(sess: Any, env: Any, eval_mode: bool, summary_writer: Any = None) -> Any:
    # The same weights at the beginning on both sides: those that choose slates never change in this version of RecSim.
    tf.set_random_seed(5)
    arguments = {"min_replay_history": 500, "epsilon_decay_period": 1000}
    return full_slate_q_agent.FullSlateQAgent(
        sess, env.observation_space, env.action_space, eval_mode=eval_mode, summary_writer=summary_writer, **arguments
    )


def make_slate_q(name: str) -> Make:
    def make(sess: Any, env: Any, eval_mode: bool, summary_writer: Any = None) -> Any:
        tf.set_random_seed(5)
        return slate_decomp_q_agent.create_agent(
            name,
            sess,
            observation_space=env.observation_space,
            action_space=env.action_space,
            eval_mode=eval_mode,
            summary_writer=summary_writer,
            min_replay_history=500,
            epsilon_decay_period=1000,
        )

    return make


def trained(env: Any, make: Make, folder: Path, episodes: int, longest: int, seed: int) -> np.ndarray:
    """Run episodes with the runner of RecSim, and return their returns."""
    np.random.seed(seed)
    runner = runner_lib.TrainRunner(
        base_dir=str(folder),
        create_agent_fn=make,
        env=env,
        max_training_steps=1,
        num_iterations=episodes,
        checkpoint_frequency=episodes + 1,
        max_steps_per_episode=longest,
    )
    returns = []
    tell = runner._update_episode_metrics
    runner._update_episode_metrics = lambda **told: (returns.append(float(told["episode_reward"])), tell(**told))
    runner.run_experiment()
    runner._sess.close()
    assert len(returns) == episodes
    return np.array(returns)


def both_sides(name: str, sizes: dict[str, Any], make: Make, folder: Path, episodes: int, longest: int, runs: int = 1) -> list[np.ndarray]:
    """Return the returns on the original and on ours; of several runs, the mean of each."""
    sides = []
    for side, modules in (("original", ORIGINALS), ("ours", OURS)):
        returns = [
            trained(modules[name].create_environment(sizes | {"seed": SEED + run}), make, folder / side / str(run), episodes, longest, run)
            for run in range(runs)
        ]
        sides.append(returns[0] if runs == 1 else np.array([run.mean() for run in returns]))
    return sides


def agree(sides: list[np.ndarray]) -> None:
    """Compare means, by their joint standard error."""
    means = [side.mean() for side in sides]
    error = np.sqrt(sum(side.var(ddof=1) / side.size for side in sides))
    print(f"original {means[0]:.3f}, ours {means[1]:.3f}, {(means[1] - means[0]) / error:+.2f} of {error:.3f}", end=" ")
    assert error > 0
    assert abs(means[1] - means[0]) <= BOUND * error, (means, error)


@pytest.mark.parametrize(
    ("name", "sizes", "make", "episodes"),
    [
        pytest.param("interest_evolution", (10, 2), make_random, 300, id="random-interest_evolution"),
        pytest.param("interest_exploration", (10, 2), make_random, 400, id="random-interest_exploration"),
        pytest.param("long_term_satisfaction", (10, 2), make_random, 1000, id="random-long_term_satisfaction"),
        pytest.param("interest_evolution", (10, 2), make_greedy, 300, id="greedy-interest_evolution"),
        pytest.param("interest_exploration", (10, 2), make_greedy, 250, id="greedy-interest_exploration"),
        pytest.param("interest_exploration", (10, 2), make_bandit(algorithms.UCB1), 250, id="ucb1-interest_exploration"),
        pytest.param("interest_exploration", (10, 2), make_bandit(algorithms.KLUCB), 120, id="klucb-interest_exploration"),
        pytest.param("interest_exploration", (10, 2), make_bandit(algorithms.ThompsonSampling), 250, id="thompson-interest_exploration"),
    ],
)
def test_agents_earn_what_they_earn_on_the_original(name: str, sizes: tuple[int, int], make: Make, episodes: int, tmp_path: Path) -> None:
    agree(both_sides(name, config(*sizes), make, tmp_path, episodes, 100 if name == "interest_exploration" else 27000))


@pytest.mark.parametrize("name", ORIGINALS)
def test_tabular_q_earns_what_it_earns_on_the_original(name: str, tmp_path: Path) -> None:
    # What an agent learns in one episode changes the next ones, so that runs are what is independent: 12 of 15 episodes.
    make = plain(tabular_q_agent.TabularQAgent)
    agree(both_sides(name, config(4, 1), make, tmp_path, 15, 60, runs=12))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        pytest.param("interest_evolution", make_full_slate_q, id="full_slate_q-interest_evolution"),
        pytest.param("interest_exploration", make_full_slate_q, id="full_slate_q-interest_exploration"),
        pytest.param("long_term_satisfaction", make_full_slate_q, id="full_slate_q-long_term_satisfaction"),
        pytest.param("interest_evolution", make_slate_q("slate_topk_sarsa"), id="slate_topk_sarsa-interest_evolution"),
        pytest.param("interest_evolution", make_slate_q("slate_greedy_optimal_q"), id="slate_greedy_optimal_q-interest_evolution"),
    ],
)
def test_networks_earn_what_they_earn_on_the_original(name: str, make: Make, tmp_path: Path) -> None:
    agree(both_sides(name, config(4, 2), make, tmp_path, 25, 60))


def test_training_evaluating_logging_and_resuming_work_as_in_recsims_main(tmp_path: Path) -> None:
    for side, modules in (("ours", OURS), ("original", ORIGINALS)):
        folder = tmp_path / side

        def runner(kind: Any, modules: dict[str, Any] = modules, folder: Path = folder, **others: Any) -> Any:
            env = modules["interest_evolution"].create_environment(config(3, 2))
            return kind(base_dir=str(folder), create_agent_fn=make_full_slate_q, env=env, **others)

        runner(runner_lib.TrainRunner, max_training_steps=50, num_iterations=2, episode_log_file="episodes.tfrecord").run_experiment()
        runner(runner_lib.TrainRunner, max_training_steps=50, num_iterations=3).run_experiment()
        runner(runner_lib.EvalRunner, max_eval_episodes=3, test_mode=True).run_experiment()
    told = [written(tmp_path / side) for side in ("ours", "original")]
    assert told[0] == told[1]
    assert {"AverageEpisodeRewards/eval", "CTR/train", "cluster_watch_count_frac/no_click/eval"} <= told[0]["tags"]
    assert len(told[0]["lists"]) == 1 + 1 + 2 * 5 + 1 + 3 + 1


def written(folder: Path) -> dict[str, Any]:
    """List what runners wrote, but the numbers and the clusters, which are random."""
    tags = set()
    for path in folder.rglob("events.out.tfevents*"):
        for event in tf.train.summary_iterator(str(path)):
            tags |= {value.tag for value in event.summary.value}
    record = next(tf.io.tf_record_iterator(str(folder / "train" / "episodes.tfrecord")))
    lists = tf.train.SequenceExample.FromString(record).feature_lists.feature_list
    widths = {
        name: {len(feature.float_list.value) + len(feature.int64_list.value) for feature in list_.feature} for name, list_ in lists.items()
    }
    (returns,) = folder.glob("eval_3/returns_*")
    assert all(value >= 0 for value in ast.literal_eval(returns.read_text()))
    return {
        "tags": {tag for tag in tags if not tag.startswith("cluster_watch_count_frac/cluster_")},
        "lists": widths,
        "returns": len(ast.literal_eval(returns.read_text())),
        "checkpoints": sorted(path.name for path in (folder / "train" / "checkpoints").glob("ckpt*")),
    }


def test_an_evaluation_begins_with_the_same_users_again(tmp_path: Path) -> None:
    runner_lib.TrainRunner(
        base_dir=str(tmp_path),
        create_agent_fn=make_random,
        env=OURS["long_term_satisfaction"].create_environment(config(10, 2)),
        max_training_steps=100,
        num_iterations=1,
    ).run_experiment()
    env = OURS["long_term_satisfaction"].create_environment(config(10, 2))
    told = []
    for _ in range(2):
        runner = runner_lib.EvalRunner(base_dir=str(tmp_path), create_agent_fn=make_random, env=env, max_eval_episodes=20, test_mode=True)
        runner.run_experiment()
        (returns,) = tmp_path.glob("eval_20/returns_*")
        told.append(ast.literal_eval(returns.read_text()))
        returns.unlink()
    assert told[0] == told[1]
    assert len(set(told[0])) == 20
