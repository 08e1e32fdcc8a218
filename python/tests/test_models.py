"""Models of one's own, from the extension module of examples/custom_models, which scripts/test_python builds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import slatesim

PROGRAM = """
import sys
import numpy as np
import slatesim
from slatesim.gym import SlateVectorEnv

assert "boredom" not in slatesim.environments()
before = slatesim.VecEnv(environment="item_transition", num_envs=2, backend="cpu")
import custom_models
slatesim.use(custom_models)
assert "boredom" in slatesim.environments() and "long_term_satisfaction" in slatesim.environments()
before.reset()

run = dict(environment="boredom", episodes=2560, seed=3, progress=False)
found = [slatesim.evaluate(**run, backend=backend) for backend in ("cpu", "reference")]
assert found[0].returns.mean > 1 and abs(found[0].returns.mean / found[1].returns.mean - 1) < 1e-5
comparison = slatesim.compare(environment="boredom", policies=["random", "greedy"], episodes=512, progress=False)
assert comparison.best

envs = SlateVectorEnv(5, environment="boredom", hidden=["steps_left"], backend="cpu")
observation, _ = envs.reset(seed=1)
assert observation["user"][:, 0].tolist() == [50.0] * 5
envs.step(envs.action_space.sample())

try:
    slatesim.evaluate(environment="bordom")
except slatesim.ConfigError as error:
    assert "boredom" in str(error)
else:
    raise AssertionError("a wrong name was taken")
try:
    slatesim.use(sys)
except slatesim.ConfigError as error:
    assert "'sys'" in str(error)
else:
    raise AssertionError("a module without models was taken")
print("done")
"""


def test_a_module_of_ones_own_works_in_everything_that_slatesim_does() -> None:
    folder = os.environ.get("SLATESIM_TEST_MODELS")
    if folder is None:
        pytest.fail("SLATESIM_TEST_MODELS names no folder with the module custom_models: run scripts/test_python")
    path = os.pathsep.join([folder, str(Path(slatesim.__file__).parents[1])])
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, timeout=300, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "done\n"), ran.stderr
