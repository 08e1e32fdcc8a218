"""The mapping that RecSim's factories take."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slatesim._device import whole
from slatesim._sources import flat
from slatesim.errors import ConfigError

SIZES = ("num_candidates", "slate_size", "resample_documents")
"""The keys that every factory of RecSim asks for."""

MOST_STEPS = 2**32 - 1
"""RecSim has no limit of steps: this one takes years to reach."""

_LARGEST_SEED = 2**64 - 1


@dataclass(frozen=True)
class EnvConfig:
    """What an `env_config` says."""

    seed: int
    max_steps: int
    parameters: dict[str, Any]
    """The keys of the environment, dotted."""


def read(env_config: Mapping[str, Any], *, needs_seed: bool) -> EnvConfig:
    """Read an `env_config`; the seed is 0 if it is not given and not needed."""
    if not isinstance(env_config, Mapping):
        message = f"`env_config` is {env_config!r}; allowed is a mapping of keys"
        raise ConfigError(message)
    needed = (*SIZES, "seed") if needs_seed else SIZES
    for key in needed:
        if env_config.get(key) is None:
            message = f"`env_config` has no `{key}`; it needs {', '.join(needed)}"
            raise ConfigError(message)
    parameters = {key: value for _, key, value in flat("`env_config`", env_config)}
    if "name" in parameters:
        message = f"`env_config` has `name` = {parameters['name']!r}, which is not allowed: the module names the environment"
        raise ConfigError(message)
    seed = whole("seed", parameters.pop("seed", 0), 0, _LARGEST_SEED)
    max_steps = whole("max_steps", parameters.pop("max_steps", MOST_STEPS), 1, MOST_STEPS)
    return EnvConfig(seed, max_steps, parameters)
