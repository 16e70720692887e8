"""What do the forecasts of regions say of the whole disk: will any of them flare?

If regions flare independently of one another, the probability that some region does is 1 - prod(1 - p). It speaks of
the regions that have rows at that time; flares of others, and of none, are not in it.
"""

from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.events import EventDefinition
from flarescope.scores.cases import PROBABILITY, Case, Sampling, ScoredCases
from flarescope.scores.clusters import clusters_of

SHOWN: Final = ("tpr", "tnr", "tss", "hss")
SHOWN_OF_PROBABILITY: Final = ("brier", "bss_sample", "roc_area")
FEWEST_REGIONS: Final = 1.2
"""Regions at a time, on average, from which on there is something to put together."""


def disk_rows(rows: pd.DataFrame, labels: np.ndarray, probability: np.ndarray) -> pd.DataFrame:
    """Put the regions of each time together.

    Args:
        rows: N rows with `time` (UTC) and `noaa_ar`; those without either are left out.
        labels: `(N,)` bool.
        probability: `(N,)` in 0..1.

    Returns:
        A row a time: `time`, `label` (whether any region had an event), `probability` (1 - prod(1 - p)), `regions`.
    """
    known = (rows["time"].notna() & rows["noaa_ar"].notna()).to_numpy()
    with np.errstate(divide="ignore"):
        none = np.log1p(-probability[known])
    table = pd.DataFrame({"time": rows["time"].array[known], "none": none, "label": labels[known]})
    found = table.groupby("time").agg(label=("label", "max"), none=("none", "sum"), regions=("none", "size"))
    found = found.reset_index().assign(probability=lambda one: -np.expm1(one["none"]))
    found["label"] = found["label"].astype("Int8")
    return found[["time", "label", "probability", "regions"]]


def any_region(
    rows: pd.DataFrame,
    labels: np.ndarray,
    probability: np.ndarray,
    threshold: float,
    event: EventDefinition | None,
    sampling: Sampling,
) -> dict[str, Any] | None:
    """Score the forecast that any region of the disk will have an event.

    Args:
        rows: N rows with `time` and `noaa_ar`.
        labels: `(N,)` bool.
        probability: `(N,)` in 0..1.
        threshold: yes is forecast for the disk where its probability is at least this.
        event: what label 1 means, or None.
        sampling: how intervals are made, by blocks of time that the error's memory asks for.

    Returns:
        `times`, `events`, `mean_regions`, `settings` (of the intervals), and the scores, each a row; None where
        hardly a time has two regions, or all times are of one class.
    """
    if rows["noaa_ar"].isna().all() or rows["time"].isna().all():
        return None
    disk = disk_rows(rows, labels, probability)
    came = (disk["label"] == 1).to_numpy(bool)
    if disk["regions"].mean() < FEWEST_REGIONS or came.all() or not came.any():
        return None
    nameless = disk.assign(noaa_ar=pd.array([None] * len(disk), dtype="Int32"))
    clusters = clusters_of([nameless], event)
    if clusters.why_none:
        sampling = Sampling(0, sampling.seed, sampling.level)
    scored = ScoredCases(
        came,
        {"disk": Case(disk["probability"].to_numpy(float), {"decision": threshold})},
        regions=clusters.of_rows,
        climatology=None,
        sampling=sampling,
        unit=clusters.unit,
    )
    yes_no, of_probability = scored.scores("disk", "decision"), scored.scores("disk", PROBABILITY)
    scores = {name: yes_no[name] for name in SHOWN} | {name: of_probability[name] for name in SHOWN_OF_PROBABILITY}
    counts = {"times": len(disk), "events": int(came.sum()), "mean_regions": float(disk["regions"].mean())}
    return counts | {"settings": scored.settings()} | scores
