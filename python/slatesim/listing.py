"""What can be configured: environments, policies, layers, and their keys."""

import json
from dataclasses import dataclass
from typing import Any

from slatesim import _slatesim


@dataclass(frozen=True)
class Key:
    """A parameter that a configuration can set."""

    name: str
    """Its dotted name within its section."""
    default: Any
    """Its default; None if there is none, or if it depends on other keys alone."""
    is_required: bool
    """Whether it must be given."""
    allowed: str
    """What is allowed, in words."""
    about: str
    """What it does."""
    unit: str | None
    """What it is measured in."""
    source: str | None
    """The paper or program that it comes from."""


@dataclass(frozen=True)
class Entry:
    """An environment, a policy or a layer."""

    name: str
    """The name in configurations."""
    about: str
    """What it is."""
    keys: dict[str, Key]
    """Its keys by their names."""


@dataclass(frozen=True)
class Adapter:
    """A GPU of this machine, or a software one."""

    index: int
    """The number for `adapter`."""
    name: str
    """Name of the device."""
    driver: str
    """Name and version of the driver."""
    kind: str
    """`discrete`, `integrated`, `virtual`, `other` or `software`."""
    pci_bus_id: str
    """Where it is plugged in, which `adapter` takes, too; empty where the driver does not tell."""


def _keys(keys: list[dict[str, Any]]) -> dict[str, Key]:
    return {
        key["name"]: Key(
            key["name"],
            key["default"],
            key["required"],
            key["allowed"],
            key["about"],
            key.get("unit"),
            key.get("source"),
        )
        for key in keys
    }


def _entries(kind: str) -> dict[str, Entry]:
    declared = json.loads(_slatesim.declarations()[0])[kind]
    return {entry["name"]: Entry(entry["name"], entry["about"], _keys(entry["keys"])) for entry in declared}


def environments() -> dict[str, Entry]:
    """List the environments by their names, with their keys.

    >>> import slatesim
    >>> slatesim.environments()["long_term_satisfaction"].keys["user.time_budget"].unit
    'steps'
    """
    return _entries("environments")


def policies() -> dict[str, Entry]:
    """List the policies by their names, with their keys."""
    return _entries("policies")


def layers() -> dict[str, Entry]:
    """List the layers that go around a policy by their names, with their keys."""
    return _entries("layers")


def run_keys() -> dict[str, Key]:
    """List the keys of a run that belong to neither environment nor policy."""
    return _keys(json.loads(_slatesim.declarations()[1]))


def adapters() -> list[Adapter]:
    """List the GPUs of this machine."""
    return [Adapter(*row) for row in _slatesim.adapters()]
