"""What can go wrong. Every message is the sentence that the command line prints."""

from typing import Any


class Error(Exception):
    """Any failure of slatesim."""


class ConfigError(Error, ValueError):
    """The configuration or an argument is wrong; the message names the key, the value, and what is allowed."""


class ActionError(Error, ValueError):
    """Slates or masks that cannot be taken: another shape or type, or candidates that are not offered. Nothing was done."""


class DeviceError(Error, RuntimeError):
    """A device failed, or there is none."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended a campaign early.

    `partial` is the result of the episodes that were done: a `Report`, `Comparison` or `Sweep` whose `is_partial` tells whether
    episodes are missing, or a `Trace`.
    """

    def __init__(self, partial: Any) -> None:
        """Keep the partial result."""
        super().__init__("the campaign was interrupted; `partial` has the result of what was done")
        self.partial = partial
