"""Configurations: a file and values, as the extension module takes them."""

import os
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from slatesim.errors import ConfigError

_SEED_BITS = 63
"""Bits of a seed of the operating system."""

Config: TypeAlias = str | os.PathLike[str] | Mapping[str, Any] | None
"""A TOML file, or a mapping of keys, dotted or nested."""

Section: TypeAlias = str | Mapping[str, Any] | None
"""The name of an environment or a policy, or a mapping of the keys of its section, `name` among them."""

Given: TypeAlias = tuple[str, str, Any]
"""Where a value was given, its dotted key, and the value."""

Source: TypeAlias = tuple[str | None, list[Given]]


DEEPEST = 32
"""The deepest nesting of tables."""


def flat(place: str, table: Any, prefix: str = "", depth: int = 0) -> Iterator[Given]:
    """List the values of nested tables with their dotted keys; None stands for what is not given."""
    if not isinstance(table, Mapping):
        message = f"{place} is {table!r}; allowed is a mapping of keys"
        raise ConfigError(message)
    if depth > DEEPEST:
        message = f"{place} is nested deeper than {DEEPEST} tables, which is not allowed"
        raise ConfigError(message)
    for name, value in table.items():
        if not isinstance(name, str):
            message = f"{place} has the key {name!r}; allowed are texts"
            raise ConfigError(message)
        key = prefix + name
        if isinstance(value, Mapping):
            yield from flat(place, value, key + ".", depth + 1)
        elif value is not None:
            yield place, key, value


def of_section(section: str, given: Section) -> Iterator[Given]:
    """List the values of one section."""
    place = f"the argument `{section}`"
    if given is None:
        return
    if isinstance(given, str):
        yield place, f"{section}.name", given
    elif isinstance(given, Mapping):
        yield from flat(place, given, f"{section}.")
    else:
        message = f"`{section}` is {given!r}; allowed is a name or a mapping of keys"
        raise ConfigError(message)


def fresh_seed() -> int:
    """Draw a seed from the operating system."""
    return secrets.randbits(_SEED_BITS)


def source(
    config: Config,
    *,
    environment: Section,
    policy: Section,
    run: Mapping[str, Any],
    settings: Mapping[str, Any] | None,
) -> Source:
    """Combine all that a configuration is given by, later ones over earlier ones."""
    values: list[Given] = []
    path = None
    if isinstance(config, Mapping):
        values += flat("`config`", config)
    elif config is not None:
        try:
            path = os.fspath(config)
        except TypeError:
            path = None
        if not isinstance(path, str) or path == "-" or "\0" in path:
            message = f"`config` is {config!r}; allowed is the path of a TOML file, or a mapping of keys"
            raise ConfigError(message)
    values += of_section("environment", environment)
    values += of_section("policy", policy)
    values += [(f"the argument `{key}`", key, value) for key, value in run.items() if value is not None]
    if settings is not None:
        values += flat("`settings`", settings)
    return path, values
