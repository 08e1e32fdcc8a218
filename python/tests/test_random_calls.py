"""Ten thousand calls with random arguments, most of them wrong: each returns, or raises an exception that users are told of."""

import threading
from typing import Any

import numpy as np

import slatesim
from slatesim import _slatesim
from slatesim.gym import SlateVectorEnv
from slatesim.vec_env import VecEnv

SEED = 20_261_130
CALLS = 10_000
TOLD = (slatesim.Error, TypeError, ValueError, OverflowError)
"""Exceptions that a wrong argument may raise; above all no panic of Rust, which is a BaseException alone."""

NUMBERS: list[Any] = [0, 1, 2, 3, 7, 255, 256, 257, -1, -(2**63), 2**31, 2**32 - 1, 2**32, 2**53 + 1, 2**63, 2**64, 0.5, -0.0, 1e308]
NUMBERS += [float("nan"), float("inf"), True, None, "1", "", "nan", [], [1], [[0.1]], {}, {"a": 1}, b"1", np.int8(3), np.float32(0.1)]
ENVIRONMENTS: list[Any] = [*slatesim.environments(), "nothing", "", None, 3, {}, {"name": 1}, {"name": "test_mdp", "x": {"y": 1}}]
POLICIES: list[Any] = [*slatesim.policies(), "nothing", None, [], {"name": "greedy", "order": "up"}, {"name": "mlp"}, {"name": None}]
MODES: list[Any] = ["NextStep", "SameStep", "Disabled", "", "nextstep", None, 1]
DTYPES = [np.int64, np.int32, np.uint8, np.uint64, np.float32, np.float64, np.bool_, np.complex64, object, np.float16]


class Calls:
    """Random calls on small environments and campaigns."""

    def __init__(self) -> None:
        self.draw = np.random.default_rng(SEED)
        self.envs: list[Any] = []
        self.silent = 0
        self.reports = [slatesim.evaluate(environment="test_mdp", max_steps=3, episodes=256, progress=False).to_json()]

    def one(self, values: list[Any]) -> Any:
        """Draw one of some values, mostly the first one, which is right."""
        return values[0 if self.draw.random() < 0.8 else self.draw.integers(len(values))]

    def any(self, values: list[Any]) -> Any:
        """Draw one of some values."""
        return values[self.draw.integers(len(values))]

    def array(self, env: Any) -> Any:
        sizes = env.spaces
        shapes = [(sizes.num_envs, sizes.slate_size)] * 6 + [(sizes.num_envs,), (sizes.num_envs, 9), (0, 0), (), (1, 1, 1)]
        dtype = self.one(DTYPES) if self.draw.random() < 0.5 else np.int64
        numbers = np.asarray(self.draw.integers(-2, sizes.num_candidates + 2, self.one(shapes)))
        if self.draw.random() < 0.6:
            numbers = np.asarray(np.clip(numbers, 0, sizes.num_candidates - 1))
        array = numbers.astype(dtype)
        return array[::-1] if array.ndim and self.draw.random() < 0.2 else array

    def memory(self, env: Any) -> Any:
        size = env.spaces.row_size
        shape = self.one([(env.num_envs, size)] * 4 + [(env.num_envs, size + 1), (0,), (env.num_envs,)])
        return np.empty(shape, self.one([np.float32, np.float16, np.float32, np.float64, np.int64]))

    def make(self) -> None:
        arguments: dict[str, Any] = {
            "environment": self.any(ENVIRONMENTS[:5] * 3 + ENVIRONMENTS),
            "num_envs": self.one([5, 1, 2, 300, 0, -1, 2**32, 2**63, 1.5, "2", None]),
            "max_steps": self.one([20, 1, 3, *NUMBERS]),
            "seed": self.one([1, 2, None, None, *NUMBERS]),
            "autoreset": self.one(MODES[:3] * 3 + MODES),
            "first_env": self.one([0, 0, 0, *NUMBERS]),
            "columns": self.one([None, None, ["doc"], [], ["user", "response"], ["doc.x"], "doc", [1]]),
            "hidden": self.one([(), (), ["satisfaction"], ["state"], [""], 3]),
            "dtype": self.one(["float32", "float16", "float64", None, 3]),
            "backend": self.one(["cpu", "cpu", "reference", "x", None, 3]),
            "num_threads": self.one([1, 1, 2, None, *NUMBERS[:8]]),
        }
        kind = self.any([VecEnv, VecEnv, SlateVectorEnv])
        if kind is SlateVectorEnv:
            arguments["autoreset_mode"] = arguments.pop("autoreset")
            arguments["action"] = self.one(["slate", "discrete", 1])
            arguments["observation"] = self.one(["dict", "flat", None])
            if self.draw.random() < 0.3:
                arguments[self.any(["slate_size", "num_candidates", "user", "nothing"])] = self.any(NUMBERS)
        made = kind(**arguments)
        self.envs = [*self.envs[-3:], made._env if kind is SlateVectorEnv else made]

    def step(self) -> None:
        env = self.any(self.envs)
        match self.draw.integers(10):
            case 0:
                env.reset(self.one([None, 1, 2, *NUMBERS]))
            case 1:
                env.reset_lanes(self.draw.integers(0, 2, self.one([env.num_envs, 3])).astype(self.one([bool, bool, int])))
            case 2 | 3 | 4:
                env.step(self.array(env))
            case 5:
                env.advance(self.array(env))
            case 6:
                env.observe()
            case 7:
                env.step_into(self.array(env), observations=self.memory(env), last=self.one([None, self.memory(env)]))
            case 8:
                env.reset_into(self.memory(env), seed=self.one([None, 5]))
            case _:
                if self.draw.random() < 0.02:
                    env.close()

    def below(self) -> None:
        """Call what the package calls, without its checks."""
        env = self.any(self.envs)._env
        slates, memory = self.array(self.any(self.envs)), self.memory(self.any(self.envs))
        match self.draw.integers(5):
            case 0:
                env.step(slates, memory, self.one([None, memory, (memory, memory, memory)]))
            case 1:
                env.reset(self.one(NUMBERS), memory)
            case 2:
                env.observe(self.one([memory, (memory, memory, memory), slates, None]))
            case 3:
                env.reset_lanes(self.one([slates, np.ones(5, bool)]), memory)
            case _:
                _slatesim.critical_value(self.one(NUMBERS), self.one(NUMBERS))

    def campaign(self) -> None:
        run: dict[str, Any] = {
            "environment": self.any(ENVIRONMENTS),
            "policy": self.one(POLICIES),
            "max_steps": self.one([1, 5, 20]),
            "seed": self.one([1, None, *NUMBERS]),
            "backend": self.one(["cpu", "reference", "x"]),
            "num_threads": 1,
            "progress": False,
        }
        episodes = self.one([1, 256, 257, 0, -1, None, "x", 1.5])
        episodes = 1 if episodes is None else episodes
        settings = self.one([None, {}, {"discount": self.one(NUMBERS)}, {"environment.slate_size": self.one(NUMBERS)}, [1], {1: 2}])
        match self.draw.integers(6):
            case 0 | 1:
                shard = self.one([None, None, "0/2", "1/0", "x", 3])
                slatesim.evaluate(**run, episodes=episodes, settings=settings, shard=shard)
            case 2:
                run.pop("policy")
                slatesim.compare(**run, episodes=episodes, policies=[self.one(POLICIES), self.one(POLICIES)])
            case 3:
                slatesim.sweep(
                    **run, episodes=episodes, vary={self.one(["seed", "discount", "x", ""]): self.one([[1, 2], [], NUMBERS[:4], 3])}
                )
            case 4:
                slatesim.trace(**run, episodes=episodes, first=self.one([1, 2, *NUMBERS[:9]]))
            case _:
                text = list(self.one(self.reports))
                for _ in range(self.draw.integers(3)):
                    text[self.draw.integers(len(text))] = self.one(list('{}[]",:0x\n'))
                slatesim.Report.from_json("".join(text))

    def run(self) -> tuple[int, int]:
        """Make the calls; return how many did something, and how many were refused."""
        done = refused = 0
        while not self.envs:
            try:
                self.make()
            except TOLD:
                refused += 1
        for _ in range(CALLS):
            call = self.any([self.make] + [self.step] * 8 + [self.below] * 2 + [self.campaign])
            try:
                call()
                done += 1
            except TOLD as error:
                self.silent += not str(error)
                refused += 1
        return done, refused


def test_no_argument_makes_rust_panic() -> None:
    counts: list[tuple[int, int]] = []
    failures: list[BaseException] = []
    calls = Calls()

    def run() -> None:
        try:
            counts.append(calls.run())
        except BaseException as error:
            failures.append(error)

    worker = threading.Thread(target=run)
    worker.start()
    worker.join(timeout=300)
    assert not worker.is_alive(), "a call has not returned"
    if failures:
        raise failures[0]
    done, refused = counts[0]
    assert calls.silent == 0, "an error tells something"
    assert min(done, refused) > CALLS // 10, "both what is right and what is wrong was tried"
