"""Which files are left out because the library that they are about is not installed."""

from importlib.util import find_spec

LIBRARIES = {
    "slatesim/sb3.py": "stable_baselines3",
    "tests/frameworks/test_ray.py": "ray",
    "tests/frameworks/test_recsim_agents.py": "recsim",
    "tests/frameworks/test_rllib.py": "ray",
    "tests/frameworks/test_sb3.py": "stable_baselines3",
    "tests/frameworks/test_torchrl.py": "torchrl",
}

collect_ignore = [file for file, library in LIBRARIES.items() if find_spec(library) is None]
