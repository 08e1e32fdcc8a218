"""The checker of vector environments: what keeps the contract passes, and every planted fault is found."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from slatesim.checks import check_vector_env
from slatesim.gym import SlateVectorEnv

CPU = {"backend": "cpu", "num_threads": 1}


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("observation", ["dict", "flat"])
@pytest.mark.parametrize("action", ["slate", "discrete"])
@pytest.mark.parametrize("environment", ["long_term_satisfaction", "interest_evolution"])
def test_environments_of_slatesim_pass(mode: AutoresetMode, observation: str, action: str, environment: str) -> None:
    check_vector_env(SlateVectorEnv(4, environment=environment, autoreset_mode=mode, observation=observation, action=action, **CPU))


def test_environments_of_gymnasium_pass() -> None:
    for mode in AutoresetMode:
        envs = gymnasium.make_vec("CartPole-v1", 3, "sync", vector_kwargs={"autoreset_mode": mode})
        check_vector_env(envs)


class Changed(SlateVectorEnv):
    """Environments with a fault."""

    def __init__(self, fault: Callable[..., Any], mode: AutoresetMode) -> None:
        super().__init__(3, autoreset_mode=mode, observation="flat", **CPU)
        self.fault = fault
        self.count = 0

    def step(self, actions: Any) -> Any:
        self.count += 1
        return self.fault(self, *super().step(actions))


def reuse(env: Changed, *told: Any) -> Any:
    if not hasattr(env, "buffer"):
        env.buffer = told[0]
    env.buffer[:] = told[0]
    return env.buffer, *told[1:]


def without_final(_: Changed, *told: Any) -> Any:
    return *told[:4], {}


def with_wrong_mask(_: Changed, *told: Any) -> Any:
    info = told[4]
    if "_final_obs" in info:
        info["_final_obs"] = ~info["_final_obs"]
    return told


NEXT, SAME = AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP


@pytest.mark.parametrize(
    ("mode", "fault", "told"),
    [
        (NEXT, reuse, "has changed with the next step"),
        (NEXT, lambda _, *told: (told[0] - 1e9, *told[1:]), "not in `observation_space`"),
        (NEXT, lambda _, *told: (told[0], told[1].astype(int), *told[2:]), "`rewards` has type int64"),
        (NEXT, lambda _, *told: (told[0], told[1] + 1, *told[2:]), "has a reward"),
        (NEXT, lambda _, *told: (told[0], told[1][:2], *told[2:]), "`rewards` has shape (2,)"),
        (NEXT, lambda _, *told: (*told[:2], told[2].astype(float), *told[3:]), "`terminated` has type float64"),
        (NEXT, lambda env, *told: (told[0], told[1] * (1 + (env.count > 200)), *told[2:]), "differs when the seed"),
        (NEXT, lambda _, *told: (*told[:4], None), "no dict"),
        (SAME, without_final, "no `final_obs`"),
        (SAME, with_wrong_mask, "the mask of `final_obs`"),
    ],
)
def test_planted_faults_are_found(mode: AutoresetMode, fault: Callable[..., Any], told: str) -> None:
    with pytest.raises(AssertionError) as error:
        check_vector_env(Changed(fault, mode))
    assert told in str(error.value)


def test_a_mode_that_is_a_text_is_found() -> None:
    envs = SlateVectorEnv(2, **CPU)
    envs.metadata = {"autoreset_mode": "NextStep"}
    with pytest.raises(AssertionError, match="no `AutoresetMode`"):
        check_vector_env(envs)
    envs = SlateVectorEnv(2, **CPU)
    envs.__dict__["action_space"] = gymnasium.spaces.MultiDiscrete(np.full((3, 2), 10))
    with pytest.raises(AssertionError, match="`action_space` is not"):
        check_vector_env(envs)
