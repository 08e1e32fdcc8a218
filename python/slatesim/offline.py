"""Logs of a policy that RLlib's offline algorithms (BC, MARWIL) read, as Parquet. It needs Gymnasium and pyarrow."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from slatesim._codec import Codec
from slatesim._device import whole
from slatesim._sources import Config, Section
from slatesim.campaigns import trace
from slatesim.errors import ConfigError, Error
from slatesim.vec_env import VecEnv

_BLOCK = 256
"""Episodes that are in memory together."""

_MOST_EPISODES = 2**32
"""So many environments there are at most; the first episode of environment i is episode i."""


class Logs(NamedTuple):
    """What was written, and what RLlib has to be told of it."""

    path: Path
    episodes: int
    steps: int
    """How many rows there are."""
    has_propensities: bool
    """Whether there is a column `action_logp`."""
    observation_space: spaces.Space[Any]
    """For `config.environment(observation_space=...)`."""
    action_space: spaces.Space[Any]
    """For `config.environment(action_space=...)`."""


def write_rllib(
    path: str | os.PathLike[str],
    config: Config = None,
    *,
    episodes: int,
    environment: Section = None,
    policy: Section = None,
    seed: int | None = None,
    max_steps: int | None = None,
    settings: Mapping[str, Any] | None = None,
    action: Literal["slate", "discrete"] = "slate",
    first_episode: int = 0,
    overwrite: bool = False,
    backend: str = "auto",
    num_threads: int | None = None,
    adapter: int | str | None = None,
) -> Logs:
    """Write every step of episodes to a Parquet file that RLlib reads.

    What is simulated is given as for `slatesim.trace`. A row is a step, with the columns

    `eps_id`, `t`
        the episode and the step within it;
    `obs`, `new_obs`
        what `slatesim.gym.SlateVectorEnv` observes with `observation="flat"` before the step and after it, also where the episode ends;
    `actions`
        the slate, or with `action="discrete"` its number;
    `rewards`, `terminateds`, `truncateds`
        what came of it;
    `action_logp`
        the logarithm of the propensity, if the policy has one at every step.

    The file takes its place when it is whole. Raises `ConfigError` if it exists and `overwrite` is not set, and where a slate is shorter
    than `slate_size`, which the action spaces of RLlib cannot express.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        message = f"`path` = {str(path)!r} exists; allowed is a new file, or overwrite=True"
        raise ConfigError(message)
    first_episode = whole("first_episode", first_episode, 0, _MOST_EPISODES - 1)
    episodes = whole("episodes", episodes, 1, _MOST_EPISODES - first_episode)
    simulated: dict[str, Any] = {"environment": environment, "max_steps": max_steps, "settings": settings}
    device: dict[str, Any] = {"backend": backend, "num_threads": num_threads, "adapter": adapter}
    codecs: list[Codec] = []

    def blocks() -> Iterator[dict[str, NDArray[Any]]]:
        for first in range(first_episode, first_episode + episodes, _BLOCK):
            count = min(_BLOCK, first_episode + episodes - first)
            told = trace(
                config,
                policy=policy,
                episodes=count,
                seed=seed,
                first=count,
                first_episode=first,
                progress=False,
                **simulated,
                **device,
            )
            if told.episodes != count:
                message = f"`episodes` = {told.episodes} in `settings` is not allowed; allowed is the argument `episodes`"
                raise ConfigError(message)
            env = VecEnv(config, num_envs=count, first_env=first, autoreset="SameStep", **simulated, **device)
            codecs[:] = [Codec(env.spaces, "flat", action, np.dtype(np.float32))]
            yield _replay(told.arrays, env, codecs[0])
            env.close()

    steps, has_propensities = _write(path, blocks())
    return Logs(path, episodes, steps, has_propensities, codecs[0].observation_space(), codecs[0].action_space())


def _replay(told: dict[str, NDArray[Any]], env: VecEnv, codec: Codec) -> dict[str, NDArray[Any]]:
    """Show the slates of a trace again, and return the rows: the trace itself does not have what is observed at the end."""
    sizes = env.spaces
    slates = np.stack([told[f"slate[{position}]"] for position in range(sizes.slate_size)], axis=1)
    if slates.min() < 0:
        message = f"the policy shows fewer documents than `slate_size` = {sizes.slate_size}; allowed are full slates"
        raise ConfigError(message)
    lane = told["episode"] - told["episode"][0]
    step = told["step"]
    observed, last = (np.empty((sizes.num_envs, sizes.row_size), np.float32) for _ in range(2))
    env.reset_into(observed, seed=int(told["seed"][0]))
    before = np.empty((len(step), sizes.row_size), np.float32)
    after = np.empty_like(before)
    rewards = np.empty(len(step), np.float32)
    # Environments whose episode is over go on with the next one, of which nothing is kept.
    shown = np.tile(np.arange(sizes.slate_size), (sizes.num_envs, 1))
    for now in range(int(step.max()) + 1):
        rows = np.flatnonzero(step == now)
        lanes = lane[rows]
        shown[lanes] = slates[rows]
        before[rows] = observed[lanes]
        outcome, replaced = env.step_into(shown, observations=observed, last=last)
        if not np.array_equal(outcome.chosen[lanes], told["chosen"][rows]):
            message = f"environments chose otherwise than the trace in step {now}; both are of one configuration and backend"
            raise Error(message)
        after[rows] = observed[lanes]
        if replaced is not None:
            ended = replaced[lanes]
            after[rows[ended]] = last[lanes[ended]]
        rewards[rows] = outcome.rewards[lanes]
    places = sizes.num_candidates ** np.arange(sizes.slate_size)
    return {
        "eps_id": told["episode"],
        "t": step,
        "obs": before,
        "actions": slates @ places if codec.is_discrete else slates,
        "rewards": rewards,
        "new_obs": after,
        "terminateds": told["terminated"],
        "truncateds": told["truncated"],
        "action_logp": np.log(told["propensity"]).astype(np.float32),
    }


def _table(rows: dict[str, NDArray[Any]], has_propensities: bool) -> Any:
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for name, values in rows.items():
        if name == "eps_id":
            columns[name] = pa.array([str(episode) for episode in values.tolist()])
        elif values.ndim == 2:
            offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
            columns[name] = pa.ListArray.from_arrays(offsets, values.ravel())
        elif name != "action_logp" or has_propensities:
            columns[name] = pa.array(values)
    return pa.table(columns)


def _write(path: Path, blocks: Iterator[dict[str, NDArray[Any]]]) -> tuple[int, bool]:
    """Write rows to a file that takes its place when it is whole; return how many, and whether they have propensities."""
    import pyarrow.parquet as pq

    partial = path.with_name(path.name + ".partial")
    rows = next(blocks)
    has_propensities = bool(np.isfinite(rows["action_logp"]).all())
    table = _table(rows, has_propensities)
    steps = table.num_rows
    try:
        with pq.ParquetWriter(partial, table.schema) as writer:
            writer.write_table(table)
            for rows in blocks:
                if has_propensities and not np.isfinite(rows["action_logp"]).all():
                    message = f"the policy has no propensity at some steps from episode {rows['eps_id'][0]} on, and has all of them before"
                    raise Error(message)
                table = _table(rows, has_propensities)
                writer.write_table(table)
                steps += table.num_rows
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return steps, has_propensities
