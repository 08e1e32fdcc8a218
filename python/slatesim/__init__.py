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
from slatesim.estimates import Estimate, Extension, Moments, Position, Quality, Stopping, Topic
from slatesim.figures import Figures
from slatesim.listing import Adapter, Entry, Key, adapters, environments, layers, policies, run_keys
from slatesim.models import use
from slatesim.results import Comparison, Difference, Point, Report, Sweep, Variant
from slatesim.solution import Solution, exact
from slatesim.traces import Trace
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
    "Extension",
    "Figures",
    "Interrupted",
    "Key",
    "Moments",
    "Point",
    "Position",
    "Quality",
    "Report",
    "Solution",
    "Stopping",
    "Sweep",
    "Topic",
    "Trace",
    "Variant",
    "VecEnv",
    "adapters",
    "compare",
    "environments",
    "evaluate",
    "exact",
    "layers",
    "merge",
    "policies",
    "run_keys",
    "sweep",
    "trace",
    "use",
]
