"""The command line: `slatesim` and `python -m slatesim`."""

import sys

from slatesim import _slatesim


def main() -> int:
    """Run the command that the arguments of the process name, and return its exit code."""
    return _slatesim.cli(["slatesim", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
