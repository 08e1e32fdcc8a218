"""Hundreds of thousands of simulated users who are shown slates of documents, stepped in lockstep.

>>> import slatesim
>>> report = slatesim.evaluate(environment="long_term_satisfaction", policy="random", episodes=1024, progress=False)
>>> report.episodes
1024
>>> 900 < report.returns.mean < 1000
True

Everything that the command line can configure is configured in the same way here: by a TOML file, by mappings, or by keyword
arguments. What goes wrong is an exception of `slatesim.errors`, with the sentence that the command line prints.
"""

from slatesim._slatesim import version as _version
from slatesim.campaigns import compare, evaluate, merge, sweep, trace
from slatesim.errors import ActionError, ConfigError, DeviceError, Error, Interrupted
from slatesim.figures import Estimate, Figures, Moments
from slatesim.listing import Adapter, Entry, Key, adapters, environments, layers, policies, run_keys
from slatesim.results import Comparison, Difference, Point, Report, Sweep, Trace, Variant
from slatesim.vec_env import VecEnv

__version__ = _version()

__all__ = [
    "ActionError",
    "Adapter",
    "Comparison",
    "ConfigError",
    "DeviceError",
    "Difference",
    "Entry",
    "Error",
    "Estimate",
    "Figures",
    "Interrupted",
    "Key",
    "Moments",
    "Point",
    "Report",
    "Sweep",
    "Trace",
    "Variant",
    "VecEnv",
    "adapters",
    "compare",
    "environments",
    "evaluate",
    "layers",
    "merge",
    "policies",
    "run_keys",
    "sweep",
    "trace",
]
