"""What is observed can be chosen, and written to memory of the caller."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

import slatesim
from slatesim._memory import Pool
from slatesim.gym import SlateVectorEnv
from slatesim.vec_env import VecEnv

NUM_ENVS = 33
NOISY = {
    "name": "long_term_satisfaction",
    "user": {"observation_noise_stddev": 0.1, "time_budget": 4},
    "num_candidates": 7,
    "slate_size": 2,
}
LTS = {"environment": NOISY, "num_envs": NUM_ENVS, "seed": 5, "backend": "cpu", "num_threads": 1, "autoreset": "SameStep"}


def slates(step: int) -> NDArray[np.int64]:
    return np.random.default_rng(step).integers(0, 7, (NUM_ENVS, 2))


def row(observation: slatesim.vec_env.Observation) -> NDArray[np.floating]:
    """Lay an observation out as rows."""
    parts = [observation.users, observation.documents, observation.responses]
    return np.concatenate([part.reshape(NUM_ENVS, -1) for part in parts if part is not None], axis=1)


def test_chosen_columns_are_those_of_everything() -> None:
    whole = VecEnv(**LTS)
    chosen = VecEnv(**LTS, columns=["response.engagement", "user"])
    assert [column.name for column in chosen.spaces.responses] == ["engagement"]
    assert chosen.spaces.documents == ()
    whole.reset()
    assert chosen.reset().documents.shape == (NUM_ENVS, 7, 0)
    at = [column.name for column in whole.spaces.responses].index("engagement")
    ends = 0
    for step in range(9):
        expected, found = whole.step(slates(step)), chosen.step(slates(step))
        assert np.array_equal(expected.observation.users, found.observation.users)
        assert np.array_equal(expected.observation.responses[:, :, [at]], found.observation.responses)
        assert (expected.final is None) == (found.final is None)
        if expected.final is not None:
            ends += 1
            assert np.array_equal(expected.final[0].users, found.final[0].users)
    assert ends == 2


def test_hidden_satisfaction_is_that_of_the_trace() -> None:
    """The tutorial's wrapper: the first documents are shown, as the policy `static` does."""
    told = slatesim.trace(environment=NOISY, policy="static", seed=5, first=NUM_ENVS, backend="cpu", progress=False).arrays
    env = VecEnv(**LTS, hidden=["satisfaction"])
    observation = env.reset()
    for step in range(4):
        expected = told["user.satisfaction"][told["step"] == step]
        assert observation.users.shape == (NUM_ENVS, 2)
        np.testing.assert_allclose(observation.users[:, 1], expected, rtol=1e-5)
        observation = env.step(np.tile([0, 1], (NUM_ENVS, 1))).observation
    envs = SlateVectorEnv(3, hidden=["satisfaction"], backend="cpu")
    assert envs.reset(seed=1)[0]["user"].shape == (3, 1)
    assert envs.reset(seed=1)[0] in envs.observation_space


def test_half_precision_is_the_nearest_number() -> None:
    single, half = VecEnv(**LTS), VecEnv(**LTS, dtype="float16")
    single.reset()
    half.reset()
    for step in range(5):
        expected, found = single.step(slates(step)), half.step(slates(step))
        assert found.observation.users.dtype == np.float16
        assert np.array_equal(row(expected.observation).astype(np.float16), row(found.observation))
        assert np.array_equal(expected.outcome.rewards, found.outcome.rewards)


@pytest.mark.parametrize("is_shared", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_rows_in_memory_of_the_caller_are_the_observation(dtype: type, is_shared: bool) -> None:
    arguments = LTS | {"environment": NOISY | {"resample_documents": not is_shared}}
    parts, rows = VecEnv(**arguments), VecEnv(**arguments)
    size = rows.spaces.row_size
    now, last = np.empty((NUM_ENVS, size), dtype), np.empty((NUM_ENVS, size), dtype)
    rewards, terminals, truncations = np.empty(NUM_ENVS, np.float32), np.empty(NUM_ENVS, bool), np.empty(NUM_ENVS, np.uint8)
    parts.reset()
    rows.reset_into(now)
    ends = 0
    shared = parts.documents
    assert (shared is None) != is_shared
    for step in range(9):
        expected = parts.step(slates(step))

        def of(observation: slatesim.vec_env.Observation) -> NDArray[np.floating]:
            if shared is not None:
                observation = observation._replace(documents=np.repeat(shared[np.newaxis], NUM_ENVS, 0))
            return row(observation).astype(dtype)

        outcome, lanes = rows.step_into(
            slates(step), observations=now, rewards=rewards, terminals=terminals, truncations=truncations, last=last
        )
        assert np.array_equal(of(expected.observation), now)
        assert np.array_equal(expected.outcome.rewards.astype(np.float32), rewards)
        assert np.array_equal(expected.outcome.terminated, terminals)
        assert np.array_equal(expected.outcome.truncated, truncations)
        assert np.array_equal(expected.outcome.chosen, outcome.chosen)
        assert (expected.final is None) == (lanes is None)
        if expected.final is not None:
            ends += 1
            assert np.array_equal(of(expected.final[0]), last)
            assert np.array_equal(expected.final[1], lanes)
    assert ends == 2


def test_memory_of_the_caller_that_does_not_fit_is_refused_before_anything_is_done() -> None:
    env, twin = VecEnv(**LTS), VecEnv(**LTS)
    size = env.spaces.row_size
    good = np.empty((NUM_ENVS, size), np.float32)
    env.reset_into(good)
    twin.reset_into(good)
    frozen = good.copy()
    frozen.flags.writeable = False
    shown = slates(0)
    for bad in (None, good.tolist(), good[:-1], good.astype(np.float64), np.asfortranarray(good), frozen, good[:, ::2]):
        with pytest.raises(slatesim.ActionError, match="`observations` is"):
            env.step_into(shown, observations=bad)
    for name in ("rewards", "terminals", "truncations"):
        with pytest.raises(slatesim.ActionError, match=f"`{name}` is"):
            env.step_into(shown, observations=good, **{name: np.empty(3)})
    with pytest.raises(slatesim.ActionError, match="`last` is of type float16"):
        env.step_into(shown, observations=good, last=good.astype(np.float16))
    again = good.copy()
    env.step_into(shown, observations=good)
    twin.step_into(shown, observations=again)
    assert np.array_equal(good, again)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"columns": ["doc.clickbait"]}, "doc.clickbait_score"),
        ({"columns": ["user", "user"]}, "each once"),
        ({"columns": "user"}, "a list of names"),
        ({"columns": [1]}, "a list of names"),
        ({"hidden": ["satisfied"]}, "hidden.satisfaction"),
        ({"hidden": "satisfaction"}, "a list of names"),
        ({"dtype": "float64"}, "float32 or float16"),
        ({"dtype": "bogus"}, "float32 or float16"),
        ({"dtype": None}, "float32 or float16"),
    ],
)
def test_what_cannot_be_observed_is_refused(arguments: dict, told: str) -> None:
    with pytest.raises(slatesim.ConfigError, match=told):
        VecEnv(**(LTS | arguments))


def test_last_observations_as_objects_are_those_of_the_batch() -> None:
    made = [
        SlateVectorEnv(5, autoreset_mode=AutoresetMode.SAME_STEP, final_obs=final_obs, observation=observation, seed=3, max_steps=2)
        for final_obs in ("batch", "object")
        for observation in ("dict", "flat")
    ]
    for envs in made:
        envs.reset()
    shown = np.zeros((5, 2), int)
    for _ in range(2):
        batch, batch_flat, objects, objects_flat = (envs.step(shown)[4] for envs in made)
    for lane in range(5):
        assert all(np.array_equal(part, batch["final_obs"][name][lane]) for name, part in objects["final_obs"][lane].items())
        assert np.array_equal(objects_flat["final_obs"][lane], batch_flat["final_obs"][lane])
    assert objects["_final_obs"].all()
    assert np.array_equal(batch["final_info"]["chosen"], batch["chosen"])
    with pytest.raises(slatesim.ConfigError, match="batch or object"):
        SlateVectorEnv(1, final_obs="list")


def test_memory_is_used_again_when_nobody_looks_and_never_before() -> None:
    pool = Pool((3,), np.float32)
    first = pool.take()
    address = first.ctypes.data
    view = first[1:]
    second = pool.take()
    assert second.ctypes.data != address
    del first
    assert pool.take().ctypes.data != address, "a view still looks at it"
    looked = memoryview(view)
    del view
    third = pool.take()
    assert third.ctypes.data != address, "a buffer still looks at it"
    del looked, second, third
    assert address in {array.ctypes.data for array in [pool.take() for _ in range(4)]}


def test_observations_that_are_kept_stay_as_they_are() -> None:
    env = VecEnv(**LTS)
    kept = [env.reset()]
    copies = [kept[0].users.copy()]
    for step in range(8):
        kept.append(env.step(slates(step)).observation)
        copies.append(kept[-1].users.copy())
    assert all(np.array_equal(observation.users, copy) for observation, copy in zip(kept, copies, strict=True))
