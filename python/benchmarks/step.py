"""Measures the step API from Python, beside the same loop in Rust, JAX and RecSim, in one run.

    python benchmarks/step.py [--num-envs 65536] [--runs 5] [--seconds 0.5] [--json] [--recsim /path/to/python]

The environment is RecSim's long-term satisfaction with 20 candidates, slates of two and random slates from outside. Figures are
user-steps a second, medians of the runs with the smallest and the largest one. The kinds are measured in turns, so that what else
the machine does falls on all alike. `copy` is how fast NumPy copies an array much larger than the caches, all threads together:
what a step writes cannot be faster. JAX is measured if it can be imported, RecSim if a Python that has it is named.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from slatesim import VecEnv

CANDIDATES, SLATE, STEPS = 20, 2, 120
SETTINGS = {
    "environment": {
        "name": "long_term_satisfaction",
        "num_candidates": CANDIDATES,
        "slate_size": SLATE,
        "user": {
            "sensitivity": 0.058,
            "time_budget": STEPS,
            "choc_stddev": 0.1,
            "kale_stddev": 0.1,
        },
    },
    "seed": 7,
}
FIRST_STEPS = 3

Steps = Callable[[int], None]


def slatesim_kinds(num_envs: int, backend: str) -> dict[str, Steps]:
    """Return what takes a number of steps, by name."""
    slates = np.random.default_rng(1).integers(0, CANDIDATES, (num_envs, SLATE))

    def made(**arguments: Any) -> VecEnv:
        env = VecEnv(num_envs=num_envs, backend=backend, autoreset="SameStep", **SETTINGS, **arguments)
        env.reset()
        return env

    def stepping(env: VecEnv) -> Steps:
        def step(steps: int) -> None:
            for _ in range(steps):
                env.step(slates)

        return step

    kinds: dict[str, Steps] = {}

    advanced = made()

    def advance(steps: int) -> None:
        for _ in range(steps):
            advanced.advance(slates)

    kinds["advance"] = advance
    rust = made()
    kinds["advance, in Rust"] = lambda steps: rust._env.repeat(slates, steps, observes=False)
    for name, arguments in (
        ("step", {}),
        ("step, half precision", {"dtype": "float16"}),
        ("step, without documents", {"columns": ["response"]}),
        ("step, satisfaction alone", {"columns": [], "hidden": ["satisfaction"]}),
    ):
        kinds[name] = stepping(made(**arguments))
    observed = made()
    kinds["step, in Rust"] = lambda steps: observed._env.repeat(slates, steps, observes=True)
    rows_env = made()
    for name, dtype in (("step_into", np.float32), ("step_into, half precision", np.float16)):
        rows, last = (np.empty((num_envs, rows_env.spaces.row_size), dtype) for _ in range(2))

        def step_into(steps: int, rows: Any = rows, last: Any = last) -> None:
            for _ in range(steps):
                rows_env.step_into(slates, observations=rows, last=last)

        kinds[name] = step_into
    try:
        from slatesim.gym import SlateVectorEnv
    except ImportError:
        return kinds
    settings = dict(SETTINGS["environment"])
    gym = SlateVectorEnv(num_envs, environment=settings.pop("name"), backend=backend, **settings)
    gym.reset(seed=7)

    def step_gym(steps: int) -> None:
        for _ in range(steps):
            gym.step(slates)

    kinds["Gymnasium's step"] = step_gym
    return kinds


def jax_kind(num_envs: int) -> Steps | None:
    """Return the steps of the same environment in JAX: all candidates are made, as they are observed."""
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
    p = {"discount": 0.7, "sensitivity": 0.058, "innovation": 0.05, "choc": (5.0, 0.1), "kale": (4.0, 0.1)}

    def user(key: Any) -> tuple[Any, Any]:
        return (jax.random.uniform(key) - 0.5) / (1.0 - p["discount"]), jnp.float32(STEPS)

    def one(key: Any, exposure: Any, budget: Any, documents: Any, slate: Any) -> Any:
        of_documents, of_noise, of_user = jax.random.split(key, 3)
        noise = jax.random.normal(of_noise, (2,))
        score = documents[slate[0]]
        satisfaction = jax.nn.sigmoid(p["sensitivity"] * exposure)
        mean = (score * p["choc"][0] + (1 - score) * p["kale"][0]) * satisfaction
        deviation = score * p["choc"][1] + (1 - score) * p["kale"][1]
        reward = jnp.exp(mean + deviation * noise[0])
        exposure = p["discount"] * exposure - 2.0 * (score - 0.5) + p["innovation"] * noise[1]
        budget = budget - 1
        is_over = budget <= 0
        fresh = user(of_user)
        state = jnp.where(is_over, fresh[0], exposure), jnp.where(is_over, fresh[1], budget)
        return *state, jax.random.uniform(of_documents, (CANDIDATES,)), reward, is_over

    @jax.jit
    def step(key: Any, exposure: Any, budget: Any, documents: Any, slates: Any) -> Any:
        key, now = jax.random.split(key)
        return key, *jax.vmap(one)(jax.random.split(now, num_envs), exposure, budget, documents, slates)

    slates = jnp.asarray(np.random.default_rng(1).integers(0, CANDIDATES, (num_envs, SLATE)))
    exposure, budget = jax.vmap(user)(jax.random.split(jax.random.key(0), num_envs))
    state = [jax.random.key(1), exposure, budget, jax.random.uniform(jax.random.key(2), (num_envs, CANDIDATES))]

    def run(steps: int) -> None:
        for _ in range(steps):
            *state[:], reward, is_over = step(*state, slates)
            # What an agent in Python sees: arrays of NumPy.
            for seen in (state[3], reward, is_over):
                np.asarray(seen)

    return run


def copy_kind() -> tuple[Callable[[int], None], int]:
    """Return what copies arrays on two threads, and the bytes of a copy, read and written."""
    halves = [(np.ones(1 << 25, np.float32), np.empty(1 << 25, np.float32)) for _ in range(2)]
    pool = ThreadPoolExecutor(2)

    def copy(times: int) -> None:
        for _ in range(times):
            list(pool.map(lambda half: np.copyto(half[1], half[0]), halves))

    return copy, sum(2 * source.nbytes for source, _ in halves)


RECSIM = """
import sys, time
import numpy as np
from recsim.environments import long_term_satisfaction
env = long_term_satisfaction.create_environment(dict(num_candidates=20, slate_size=2, resample_documents=True, seed=7))
slates = np.random.RandomState(1).randint(0, 20, (100, 2))
env.reset()
seconds, steps, begun = float(sys.argv[1]), 0, time.perf_counter()
while time.perf_counter() - begun < seconds:
    for slate in slates:
        if env.step(slate)[2]:
            env.reset()
    steps += len(slates)
print(steps / (time.perf_counter() - begun))
"""


def rate(run: Callable[[int], None], of_one: float, seconds: float) -> float:
    """Return how many units a run does a second; a call does `of_one`."""
    times, taken = 1, 0.0
    while True:
        begun = time.perf_counter()
        run(times)
        taken = time.perf_counter() - begun
        if taken >= seconds:
            return of_one * times / taken
        times = max(times + 1, min(16 * times, int(1.1 * seconds / max(taken, 1e-9) * times)))


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--num-envs", type=int, default=65_536)
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=0.5, help="of each run")
    arguments.add_argument("--backend", default="cpu")
    arguments.add_argument("--recsim", help="a Python that has RecSim")
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()

    kinds = slatesim_kinds(given.num_envs, given.backend)
    if (of_jax := jax_kind(given.num_envs)) is not None:
        kinds["JAX"] = of_jax
    copy, copied = copy_kind()
    rates: dict[str, list[float]] = {name: [] for name in (*kinds, "copy")}
    for run in kinds.values():
        run(FIRST_STEPS)
    for _ in range(given.runs):
        for name, run in kinds.items():
            rates[name].append(rate(run, given.num_envs, given.seconds))
        rates["copy"].append(rate(copy, copied, given.seconds))
    if given.recsim:
        rates["RecSim"] = [
            float(subprocess.run([given.recsim, "-W", "ignore", "-c", RECSIM, str(given.seconds)], capture_output=True, check=True).stdout)
            for _ in range(given.runs)
        ]
    told = {name: (statistics.median(found), min(found), max(found)) for name, found in rates.items()}
    if given.json:
        json.dump({"num_envs": given.num_envs, "rates": told}, sys.stdout)
        return
    print(f"{given.num_envs} environments, user-steps/s: median (smallest, largest)")
    for name, (median, least, most) in told.items():
        unit, scale = ("GB/s", 1e9) if name == "copy" else ("M", 1e6)
        print(f"{name:28} {median / scale:10.4g} {unit:4} ({least / scale:.4g}, {most / scale:.4g})")


if __name__ == "__main__":
    main()
