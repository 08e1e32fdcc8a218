"""RecSim's interface. What the original shows was recorded from RecSim 0.2.4; `frameworks/test_recsim_agents.py` compares with it."""

import math
import pickle
import subprocess
import sys
from collections import OrderedDict, defaultdict
from typing import Any

import numpy as np
import pytest

import slatesim
from slatesim.recsim import RecSimGymEnv, _spaces, interest_evolution, interest_exploration, long_term_satisfaction
from slatesim.recsim.utils import aggregate_video_cluster_metrics, write_video_cluster_metrics
from slatesim.vec_env import Column, VecEnv

spaces = _spaces.describer().library
MODULES = {
    "interest_evolution": interest_evolution,
    "interest_exploration": interest_exploration,
    "long_term_satisfaction": long_term_satisfaction,
}
FLOAT64 = np.dtype(np.float64)
NUMBER = (np.ndarray, FLOAT64, ())
WHOLE = (int, None, None)
# Of RecSim 0.2.4: types, dtypes and shapes of a user, a document and a response, whose keys are in this order.
ORIGINAL: dict[str, tuple[Any, Any, Any]] = {
    "interest_evolution": (
        (np.ndarray, FLOAT64, (20,)),
        (np.ndarray, FLOAT64, (20,)),
        (dict, [("click", WHOLE), ("watch_time", NUMBER), ("liked", WHOLE), ("quality", NUMBER), ("cluster_id", WHOLE)]),
    ),
    "interest_exploration": (
        (np.ndarray, FLOAT64, (0,)),
        (dict, [("quality", NUMBER), ("cluster_id", WHOLE)]),
        (dict, [("click", WHOLE), ("quality", NUMBER), ("cluster_id", WHOLE)]),
    ),
    "long_term_satisfaction": (
        (np.ndarray, FLOAT64, (0,)),
        (np.ndarray, FLOAT64, (1,)),
        (dict, [("click", WHOLE), ("engagement", (np.float64, FLOAT64, ()))]),
    ),
}
NUMBERS = {"low": 0.0, "high": np.inf, "dtype": np.float32}
# Of RecSim 0.2.4: the spaces of a user, a document and a response.
SPACES = {
    "interest_evolution": (
        spaces.Box(-1.0, 1.0, (20,), np.float32),
        spaces.Box(-1.0, 1.0, (20,), np.float32),
        spaces.Dict(
            {
                "click": spaces.Discrete(2),
                "watch_time": spaces.Box(0.0, 100.0, (), np.float32),
                "liked": spaces.Discrete(2),
                "quality": spaces.Box(-100.0, 100.0, (), np.float32),
                "cluster_id": spaces.Discrete(20),
            }
        ),
    ),
    "interest_exploration": (
        spaces.Box(shape=(0,), **NUMBERS),
        spaces.Dict({"quality": spaces.Box(shape=(), **NUMBERS), "cluster_id": spaces.Discrete(2)}),
        spaces.Dict(
            {
                "click": spaces.Discrete(2),
                "quality": spaces.Box(shape=(), **NUMBERS),
                "cluster_id": spaces.Discrete(2),
            }
        ),
    ),
    "long_term_satisfaction": (
        spaces.Box(shape=(0,), **NUMBERS),
        spaces.Box(0.0, 1.0, (1,), np.float32),
        spaces.Dict({"click": spaces.Discrete(2), "engagement": spaces.Box(0.0, 100.0, (), np.float32)}),
    ),
}


def make(name: str, /, **others: Any) -> RecSimGymEnv:
    sizes = {"num_candidates": 6, "slate_size": 2, "resample_documents": True, "seed": 7}
    return MODULES[name].create_environment(sizes | others)


def described(value: Any) -> Any:
    if isinstance(value, dict):
        return type(value), [(key, described(part)) for key, part in value.items()]
    return type(value), getattr(value, "dtype", None), getattr(value, "shape", None)


def equal(one: Any, other: Any) -> bool:
    """Compare nested observations, to the last bit."""
    if isinstance(one, dict):
        return list(one) == list(other) and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(np.array_equal(one, other))


def seen(env: RecSimGymEnv, steps: int) -> list[Any]:
    """List observations, rewards and ends from a reset on."""
    return [env.reset(), *(env.step([step % 6, 5 - step % 6])[:3] for step in range(steps))]


@pytest.mark.parametrize("name", MODULES)
def test_observations_have_the_originals_types_dtypes_and_shapes(name: str) -> None:
    user, document, response = ORIGINAL[name]
    env = make(name)
    first = env.reset()
    assert list(first) == ["user", "doc", "response"]
    assert first["response"] is None
    assert type(first["doc"]) is OrderedDict
    after, reward, done, info = env.step(np.array([3, 1]))
    assert info == {"env": env.environment}
    assert (type(reward), done) == (float, False)
    assert type(after["response"]) is tuple
    assert [described(one) for one in after["response"]] == [response] * 2
    for observation in (first, after):
        assert described(observation["user"]) == user
        assert [described(one) for one in observation["doc"].values()] == [document] * 6


@pytest.mark.parametrize("name", MODULES)
def test_spaces_are_the_originals_with_the_ids_of_now(name: str) -> None:
    user, document, response = SPACES[name]
    env = make(name, num_candidates=12, slate_size=3)
    assert env.action_space == spaces.MultiDiscrete([12, 12, 12])
    for first in (0, 12, 24):
        space = env.observation_space
        assert space["user"] == user
        assert space["response"] == spaces.Tuple([response] * 3)
        assert space["doc"] == spaces.Dict({str(first + position): document for position in range(12)})
        if first == 0:
            env.reset()
        else:
            env.step([0, 1, 2])
    assert (env.num_candidates, env.slate_size, env.game_over) == (12, 3, False)
    assert env.environment.candidate_set.size() == 12


def test_without_gym_and_gymnasium_there_are_observations_but_no_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_spaces, "find_spec", lambda _name: None)
    monkeypatch.setattr(_spaces, "_describers", [])
    env = make("long_term_satisfaction")
    env.reset()
    with pytest.raises(slatesim.Error, match="need gym or gymnasium"):
        _ = env.observation_space


def test_nothing_but_numpy_is_imported() -> None:
    code = "import sys, slatesim.recsim as r; r.long_term_satisfaction.create_environment(dict(num_candidates=3, slate_size=1, "
    code += "resample_documents=True)).reset(); sys.exit(any(name in sys.modules for name in ('gym', 'gymnasium', 'tensorflow')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", MODULES)
def test_a_step_is_what_the_flat_arrays_say(name: str) -> None:
    env = make(name)
    flat = VecEnv(
        environment={"name": name, "num_candidates": 6, "slate_size": 2},
        num_envs=1,
        seed=7,
        max_steps=1000,
        autoreset="Disabled",
        backend="reference",
    )
    rebuilt = flat.reset()
    for step in range(41):
        observation = env.reset() if step == 0 else env.step([2, 4])[0]
        np.testing.assert_array_equal(observation["user"], rebuilt.users[0].astype(np.float64))
        for candidate, shown in enumerate(observation["doc"].values()):
            row = rebuilt.documents[0, candidate]
            if name == "interest_exploration":
                assert shown == {"quality": np.float64(row[0]), "cluster_id": row[1]}
            else:
                np.testing.assert_array_equal(shown, row.astype(np.float64))
        for position, shown in enumerate(observation["response"] or []):
            assert rebuilt.responses is not None
            np.testing.assert_allclose([float(value) for value in shown.values()], rebuilt.responses[0, position], rtol=1e-7)
        rebuilt = flat.step(np.array([[2, 4]])).observation


@pytest.mark.parametrize("name", MODULES)
def test_episodes_earn_what_they_earn_in_a_rollout(name: str) -> None:
    env = make(name, max_steps=50)
    for episode in range(3):
        env.reset()
        total, done = 0.0, False
        while not done:
            _, reward, done, _ = env.step([0, 1])
            total += reward
        # The episodes of environment 0 have these numbers.
        report = slatesim.evaluate(
            environment={"name": name, "num_candidates": 6},
            policy="static",
            seed=7,
            max_steps=50,
            episodes=1,
            first_episode=episode << 32,
            backend="reference",
            progress=False,
        )
        assert total == pytest.approx(report.returns.mean, rel=1e-9)


def test_ids_count_up_as_in_recsim() -> None:
    env = make("long_term_satisfaction")
    told = [list(env.reset()["doc"]), list(env.step([0])[0]["doc"]), list(env.reset()["doc"])]
    env.reset_sampler()
    told.append(list(env.reset()["doc"]))
    assert told == [[str(number) for number in range(first, first + 6)] for first in (6, 12, 18, 24)]


@pytest.mark.parametrize("name", MODULES)
def test_documents_that_are_not_resampled_keep_their_ids_for_ever(name: str) -> None:
    env = make(name, resample_documents=False)
    first = env.reset()["doc"]
    assert list(first) == ["0", "1", "2", "3", "4", "5"]
    assert equal(env.step([0, 1])[0]["doc"], first)
    assert equal(env.reset()["doc"], first)
    env.reset_sampler()
    assert equal(env.reset()["doc"], first)


@pytest.mark.parametrize("name", MODULES)
def test_a_seed_repeats_everything_and_another_does_not(name: str) -> None:
    first, again, other = seen(make(name), 30), seen(make(name), 30), seen(make(name, seed=8), 30)
    assert equal(first, again)
    assert not equal(first, other)


@pytest.mark.parametrize("name", MODULES)
def test_resetting_samplers_begins_the_first_episode_again(name: str) -> None:
    env, twin = make(name, max_steps=9), make(name, max_steps=9)
    without_ids = [[list(told[0]["doc"].values()), *told[1:]] for told in seen(env, 9)[1:]]
    seen(env, 5)
    env.reset_sampler()
    env.step([0, 1])
    again = [[list(told[0]["doc"].values()), *told[1:]] for told in seen(env, 9)[1:]]
    assert equal(without_ids, again)
    # The next one is the second one, as if nothing had been done.
    seen(twin, 9)
    assert equal(list(env.reset()["doc"].values()), list(twin.reset()["doc"].values()))


def test_a_seed_given_later_is_as_if_it_had_been_given_first() -> None:
    env = make("interest_evolution")
    env.reset()
    assert env.seed(9) is None
    np.testing.assert_array_equal(env.reset()["user"], make("interest_evolution", seed=9).reset()["user"])
    env.seed()
    free = env.reset()["user"]
    assert not np.array_equal(free, make("interest_evolution", seed=9).reset()["user"])
    env.reset_sampler()
    np.testing.assert_array_equal(env.reset()["user"], free)


def test_positions_are_those_of_a_python_list() -> None:
    env, twin = make("interest_evolution"), make("interest_evolution")
    for shown, same in [([-1, -6], [5, 0]), ([3], [3]), ((2, 2), [2, 2]), (np.array([4], np.int32), [4]), ([], [])]:
        env.reset()
        twin.reset()
        one, other = env.step(shown), twin.step(same)
        assert equal(one[:3], other[:3])
        assert len(one[0]["response"]) == len(same)
    assert one[1] == 0.0


def test_engagement_is_observed_up_to_100_and_earned_beyond() -> None:
    # A log engagement of 12 at satisfaction 1/2 and no spread: exp(6) is 403.43.
    user = {"choc_mean": 12.0, "kale_mean": 12.0, "choc_stddev": 0.0, "kale_stddev": 0.0, "sensitivity": 0.0}
    env = make("long_term_satisfaction", user=user)
    env.reset()
    observation, reward, _, _ = env.step([0, 1])
    assert reward == pytest.approx(math.exp(6), rel=1e-9)
    assert [(one["click"], one["engagement"]) for one in observation["response"]] == [(1, 100.0), (0, 0.0)]
    _, _, responses, _ = env.environment.step([0, 1])
    assert responses[0].engagement == pytest.approx(math.exp(6), rel=1e-9)
    assert (responses[0].clicked, responses[1].clicked) == (True, False)
    assert responses[0].create_observation()["engagement"] == 100.0


def test_rewards_are_watch_time_clicks_and_engagement() -> None:
    for name, of in [("interest_evolution", "watch_time"), ("interest_exploration", "click"), ("long_term_satisfaction", "engagement")]:
        env = make(name)
        env.reset()
        rewards = set()
        for _ in range(40):
            observation, reward, _, _ = env.step([0, 1])
            assert min(reward, 100.0) == sum(one[of] for one in observation["response"] if one["click"])
            rewards.add(reward)
        if name == "interest_exploration":
            assert rewards == {0.0, 1.0}
        assert len(rewards) > 1
        # The other reward that RecSim ships counts clicks.
        _, _, responses, _ = env.environment.step([0, 1])
        if name != "long_term_satisfaction":
            assert MODULES[name].total_clicks_reward(responses) == sum(response.clicked for response in responses)


def test_metrics_are_those_of_recsims_own_test() -> None:
    # The numbers of the original's unit test.
    metrics = defaultdict(float, impression=10, cluster_watch_count_cluster_0=1, cluster_watch_count_no_click=9, quality=0.7, click=1)
    responses = [{"click": 1, "quality": 0.5, "cluster_id": 1}, {"click": 0, "quality": 0.8, "cluster_id": 2}]
    after = aggregate_video_cluster_metrics(responses, metrics)
    assert after == {
        "impression": 11,
        "cluster_watch_count_cluster_0": 1,
        "cluster_watch_count_cluster_1": 1,
        "cluster_watch_count_no_click": 9,
        "quality": 1.2,
        "click": 2,
    }
    told: dict[str, float] = {}
    write_video_cluster_metrics(after, told.__setitem__)
    assert told == {
        "CTR": 2 / 11,
        "AverageQuality": 0.6,
        "cluster_watch_count_frac/cluster_0": 1 / 11,
        "cluster_watch_count_frac/cluster_1": 1 / 11,
        "cluster_watch_count_frac/no_click": 9 / 11,
    }


def test_metrics_add_up_until_they_are_reset() -> None:
    env = make("interest_evolution")
    told: dict[str, float] = {}
    env.write_metrics(told.__setitem__)
    assert told == {}
    clicks = 0
    env.reset()
    for _ in range(30):
        observation, _, _, info = env.step([0, 1])
        clicks += sum(one["click"] for one in observation["response"])
        env.update_metrics(observation["response"], info)
    env.write_metrics(told.__setitem__)
    assert told["CTR"] == clicks / 30
    assert 0 < clicks < 30
    assert sum(value for name, value in told.items() if name.startswith("cluster_watch_count_frac/")) == pytest.approx(1.0)
    env.reset_metrics()
    told.clear()
    env.write_metrics(told.__setitem__)
    assert told == {}
    silent = make("long_term_satisfaction")
    silent.reset()
    silent.update_metrics(silent.step([0])[0]["response"])
    silent.write_metrics(told.__setitem__)
    assert told == {}


def test_the_mean_belief_is_the_mean_of_log_affinities() -> None:
    # 0.3 (0.1, 0.7) + 0.7 (0.7, 0.1), as in RecSim.
    belief = make("interest_exploration").environment.user_model.avg_user_state
    np.testing.assert_allclose(belief.topic_affinity, [0.52, 0.28], rtol=1e-12)
    assert belief.score_document({"quality": np.array(1.5), "cluster_id": 1}) == pytest.approx(1.78)
    user = {"type_distribution": [0.5, 0.5], "mean_affinity": [[1.0, 0.0], [0.0, 2.0]]}
    other = make("interest_exploration", user=user).environment.user_model.avg_user_state
    np.testing.assert_allclose(other.topic_affinity, [0.5, 1.0])


def test_further_keys_are_those_of_slatesim() -> None:
    # The variant of RecSim's tutorial: satisfaction is observed with noise, and documents and responses have clusters.
    env = make("long_term_satisfaction", user={"observation_noise_stddev": 0.1}, document={"num_clusters": 4})
    assert env.observation_space["user"] == spaces.Box(-2.0, 2.0, (1,), np.float32)
    observation = env.reset()
    assert observation["user"].shape == (1,)
    assert list(observation["doc"]["6"]) == ["clickbait_score", "cluster_id"]
    assert list(env.step([0])[0]["response"][0]) == ["click", "engagement", "cluster_id"]


def test_an_episode_of_long_term_satisfaction_has_60_steps_and_others_as_many_as_are_allowed() -> None:
    for env, length in [(make("long_term_satisfaction"), 60), (make("interest_exploration", max_steps=25), 25)]:
        env.reset()
        assert [env.step([0, 1])[2] for _ in range(length)] == [False] * (length - 1) + [True]
        with pytest.raises(slatesim.Error, match="has ended; call `reset`"):
            env.step([0, 1])
        env.reset()
        env.step([0, 1])


def test_calls_at_the_wrong_time_are_refused() -> None:
    env = make("interest_evolution")
    environment = env.environment
    for call in (lambda: env.step([0]), environment.user_model.create_observation, environment.candidate_set.create_observation):
        with pytest.raises(slatesim.Error, match="has not been reset; call `reset`"):
            call()
    with pytest.raises(NotImplementedError):
        env.render()
    env.reset()
    env.close()
    env.close()
    for call in (lambda: env.step([0]), env.reset):
        with pytest.raises(slatesim.Error, match="are closed"):
            call()


@pytest.mark.parametrize(
    ("slate", "told"),
    [
        ([0.5, 1.0], "allowed is a sequence of at most 2 integers from 0 to 5"),
        (np.array([0.0, 1.0]), "allowed is a sequence"),
        ([np.nan], "allowed is a sequence"),
        ([0, 1, 2], "has 3 documents"),
        ([6], "has the candidate 6"),
        ([-7], "has the candidate -7"),
        ([2**70], "has the candidate"),
        ([[0, 1]], "allowed is a sequence"),
        (np.zeros((1, 2), int), "allowed is a sequence"),
        ("ab", "allowed is a sequence"),
        (None, "allowed is a sequence"),
        (3, "allowed is a sequence"),
        ([], "always click"),
    ],
)
def test_slates_that_cannot_be_shown_are_refused_and_nothing_is_lost(slate: Any, told: str) -> None:
    env, twin = make("long_term_satisfaction"), make("long_term_satisfaction")
    env.reset()
    twin.reset()
    with pytest.raises(slatesim.ActionError) as error:
        env.step(slate)
    assert told in str(error.value)
    assert equal(env.step([1, 0])[:3], twin.step([1, 0])[:3])


@pytest.mark.parametrize("key", ["num_candidates", "slate_size", "resample_documents", "seed"])
def test_a_missing_key_is_named(key: str) -> None:
    for name, module in MODULES.items():
        given = {"num_candidates": 6, "slate_size": 2, "resample_documents": True, "seed": 7}
        del given[key]
        if key == "seed" and name == "long_term_satisfaction":
            # RecSim does not read it there, so that users leave it out.
            assert equal(seen(module.create_environment(given), 3), seen(module.create_environment(given | {"seed": 0}), 3))
            continue
        with pytest.raises(slatesim.ConfigError, match=f"has no `{key}`; it needs num_candidates"):
            module.create_environment(given)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"slate_sise": 3}, "did you mean `environment.slate_size`"),
        ({"starting_probs": [1.0]}, "unknown key"),
        ({"slate_size": 7}, "`environment.slate_size` = 7"),
        ({"num_candidates": 0}, "`environment.num_candidates` = 0"),
        ({"num_candidates": 2.5}, "`environment.num_candidates` = 2.5"),
        ({"resample_documents": 3}, "`environment.resample_documents` = 3"),
        ({"seed": -1}, "`seed` = -1"),
        ({"seed": "x"}, "`seed` = 'x'"),
        ({"max_steps": 0}, "`max_steps` = 0"),
        ({"name": "test_mdp"}, "the module names the environment"),
        ({"user": {"sensitivty": 1}}, "environment.user.sensitivity"),
    ],
)
def test_wrong_values_are_told(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(slatesim.ConfigError) as error:
        make("long_term_satisfaction", **wrong)
    assert told in str(error.value)
    for given in (None, 3, [("seed", 1)]):
        with pytest.raises(slatesim.ConfigError, match="allowed is a mapping"):
            long_term_satisfaction.create_environment(given)


@pytest.mark.parametrize("name", MODULES)
def test_pickled_environments_are_new_ones(name: str) -> None:
    env = make(name)
    env.reset()
    copy = pickle.loads(pickle.dumps(env))
    with pytest.raises(slatesim.Error, match="has not been reset"):
        copy.step([0])
    assert equal(seen(copy, 5), seen(make(name), 5))


def test_discrete_columns_alone_are_indices() -> None:
    column = (Column("state", 1, 0.0, 5.0, True),)
    assert _spaces.describer().features(column) == spaces.Discrete(6)
