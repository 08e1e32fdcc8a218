"""Metrics of clicks by cluster, with the names of RecSim's summaries."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

_CLUSTER = "cluster_watch_count_cluster_"


def aggregate_video_cluster_metrics(
    responses: Iterable[Mapping[str, Any]], metrics: dict[str, float], info: Any = None
) -> dict[str, float]:
    """Add the responses to one slate to metrics, which start from 0, and return them.

    `impression` counts slates, `click` and `quality` add up over clicks, and `cluster_watch_count_cluster_<id>` counts the clicks of
    a cluster, `cluster_watch_count_no_click` the slates without one.
    """
    del info
    clicked = [response for response in responses if response["click"]]
    metrics["impression"] += 1
    for response in clicked:
        metrics["click"] += 1
        metrics["quality"] += float(response["quality"])
        metrics[f"{_CLUSTER}{response['cluster_id']}"] += 1
    if not clicked:
        metrics["cluster_watch_count_no_click"] += 1
    return metrics


def write_video_cluster_metrics(metrics: Mapping[str, float], add_summary_fn: Callable[[str, float], Any]) -> None:
    """Write averages: a name and a value a call. Without a single slate there is nothing to write."""
    slates = metrics["impression"]
    if not slates:
        return
    clicks = metrics["click"]
    add_summary_fn("CTR", clicks / slates)
    if clicks:
        add_summary_fn("AverageQuality", metrics["quality"] / clicks)
    for name, count in metrics.items():
        if name.startswith(_CLUSTER):
            add_summary_fn(f"cluster_watch_count_frac/cluster_{name.removeprefix(_CLUSTER)}", count / slates)
    add_summary_fn("cluster_watch_count_frac/no_click", metrics["cluster_watch_count_no_click"] / slates)
