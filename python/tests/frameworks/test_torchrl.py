"""torchrl: its wrapper takes our vector environments, and its checker has nothing to say. Gymnasium's NumpyToTorch belongs here, too."""

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import NumpyToTorch
from tensordict.nn import TensorDictModule
from torchrl.envs.libs.gym import GymWrapper
from torchrl.envs.utils import check_env_specs

from slatesim.gym import SlateVectorEnv

CPU = {"backend": "cpu", "num_threads": 1}
MODES = [AutoresetMode.SAME_STEP, AutoresetMode.DISABLED]
torch.set_num_threads(1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("observation", ["dict", "flat"])
@pytest.mark.parametrize("action", ["slate", "discrete"])
def test_the_checker_has_nothing_to_say(mode: AutoresetMode, observation: str, action: str) -> None:
    envs = SlateVectorEnv(3, autoreset_mode=mode, observation=observation, action=action, seed=1, **CPU)
    check_env_specs(GymWrapper(envs))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("observation", ["dict", "flat"])
def test_a_rollout_over_ends_has_our_observations_the_last_ones_too(mode: AutoresetMode, observation: str) -> None:
    # Sessions of some 25 steps that end at different times: where all end together, torchrl 0.14 resets once more in SAME_STEP.
    run = {"environment": "interest_evolution", "user": {"time_budget": 40}, "observation": observation, **CPU}
    slates = torch.as_tensor(np.random.default_rng(2).integers(0, 10, (70, 8, 2)))
    env = GymWrapper(SlateVectorEnv(8, autoreset_mode=mode, **run))
    shown = iter(slates)
    policy = TensorDictModule(lambda: next(shown), in_keys=[], out_keys=["action"])
    rollout = env.rollout(70, policy, tensordict=env.reset(seed=1), auto_reset=False, break_when_any_done=False)
    ours = SlateVectorEnv(8, autoreset_mode="SameStep", **run)
    observed, _ = ours.reset(seed=1)
    num_ends = 0
    for step in range(70):
        at = rollout[:, step]
        following, rewards, terminated, truncated, info = ours.step(slates[step].numpy())
        ended = terminated | truncated
        assert not ended.all()
        num_ends += ended.sum()
        last = info.get("final_obs", following)
        for name in observed if observation == "dict" else ["observation"]:
            before, after, begun = (part[name] if observation == "dict" else part for part in (observed, last, following))
            np.testing.assert_array_equal(at[name].numpy(), before)
            after = np.where(ended.reshape(8, *[1] * (after.ndim - 1)), after, begun)
            if mode is AutoresetMode.SAME_STEP and observation == "dict":
                # torchrl 0.14 looks for last observations that are one array, and has zeros for others.
                np.testing.assert_array_equal(at["next", name].numpy()[~ended], after[~ended])
            else:
                np.testing.assert_array_equal(at["next", name].numpy(), after)
        np.testing.assert_array_equal(at["next", "reward"].squeeze(-1).numpy(), rewards.astype(np.float32))
        np.testing.assert_array_equal(at["next", "terminated"].squeeze(-1).numpy(), terminated)
        observed = following
    assert num_ends >= 8


def test_the_mode_that_it_cannot_use_is_refused_by_it() -> None:
    with pytest.raises(Exception, match="autoreset_mode"):
        GymWrapper(SlateVectorEnv(2, **CPU))


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_tensors_have_the_values_of_the_arrays(mode: AutoresetMode) -> None:
    tensors = NumpyToTorch(SlateVectorEnv(3, autoreset_mode=mode, seed=4, **CPU))
    arrays = SlateVectorEnv(3, autoreset_mode=mode, seed=4, **CPU)
    tensors.reset()
    arrays.reset()
    for slates in np.random.default_rng(3).integers(0, 10, (62, 3, 2)):
        observation, rewards, terminated, _, info = tensors.step(torch.as_tensor(slates))
        expected = arrays.step(slates)
        assert isinstance(observation["doc"], torch.Tensor)
        np.testing.assert_array_equal(observation["doc"].numpy(), expected[0]["doc"])
        np.testing.assert_array_equal(rewards.numpy(), expected[1])
        np.testing.assert_array_equal(terminated.numpy(), expected[2])
        if "final_obs" in expected[4]:
            np.testing.assert_array_equal(info["final_obs"]["doc"].numpy(), expected[4]["final_obs"]["doc"])
            assert mode is AutoresetMode.SAME_STEP
