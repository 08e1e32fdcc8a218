"""Single steps of some episodes, and ways to look at them."""

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from slatesim import _plots
from slatesim._tables import Columns, Tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Trace(Tables):
    """Every step of some episodes, from `slatesim.trace`. The only table (`to_pandas`, `to_polars`) is `"steps"`, a row a step."""

    _tables = ("steps",)

    arrays: dict[str, NDArray[Any]]
    """The columns by the names of docs/trajectories.md, a row a step. Missing whole numbers are -1, others NaN."""
    episodes: int
    """How many episodes there are."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], episodes: int) -> None:
        """Wrap columns."""
        self.arrays = dict(arrays)
        self.episodes = episodes

    def _columns(self, what: str) -> Columns:
        del what
        return dict(self.arrays)

    def plot(self, what: str = "reward", *, ax: "Axes | None" = None) -> "Axes":
        """Draw the column `what` over the step, a line an episode (of at most ten), on `ax` if it is given; return the axes."""
        return _plots.trace_column(self, what, ax)

    def plot_episode(self, episode: int | None = None) -> "list[Axes]":
        """Draw the reward and all of the user's state, hidden or not, over the steps of one episode: an axes for each.

        `episode` is its index in the run; the first one of the trace, if it is not given. Numbers of a list share an axes.
        """
        return _plots.trace_episode(self, episode)

    def __repr__(self) -> str:
        """Say how much there is."""
        steps = len(next(iter(self.arrays.values()), ()))
        return f"<slatesim.Trace: {self.episodes} episodes, {steps} steps, {len(self.arrays)} columns>"

    def _repr_html_(self) -> str:
        columns = ", ".join(self.arrays)
        return f"<pre>{html.escape(repr(self))}</pre><p>Columns: {html.escape(columns)}</p>"
