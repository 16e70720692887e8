"""What would the usual references have forecast of the same rows: climatology, persistence, the state before, NOAA's?

Only what was known at a row's time is used, but for rates that are counted on the rows themselves, which is said.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.archive.records import ModelUsed
from flarescope.catalog.noaa_flares import FlareList, unlisted
from flarescope.catalog.noaa_regions import read_summaries
from flarescope.counted import counted, of_them
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.pipeline.forecasting.beside import seen_in_training, trained_until
from flarescope.progress import Reporter
from flarescope.regions.description import FAR_HOURS, ISSUE_AFTER
from flarescope.regions.grid import check_event
from flarescope.regions.model import NO_HISTORY, RegionModel
from flarescope.regions.shipped import region_model
from flarescope.scores.baselines import event_of_rows
from flarescope.scores.cases import Sampling
from flarescope.scores.clusters import Clusters, clusters_of
from flarescope.scores.previous import previous_by_flares, previous_by_labels
from flarescope.scores.reference_skill import Reference, rate_by_state, skill_against
from flarescope.scores.rows import labels_and_probability, with_columns
from flarescope.scores.verify import plain

CLIMATOLOGY: Final = "climatology"
PERSISTENCE: Final = "persistence"
STATE: Final = "state before"
MCINTOSH: Final = "McIntosh rates"
REGIONS: Final = "shipped region model"
MODELS: Final = {MCINTOSH: "mcintosh", REGIONS: "regions"}
OLDEST: Final = pd.Timedelta(hours=36)
"""A summary older than this says nothing of a row."""
_WEAKEST_W_M2: Final = 1e-6
"""The region models look at flares of C1.0 and above."""


def references_of(
    forecasts: pd.DataFrame,
    *,
    event: EventDefinition | None,
    climatology: float | None,
    flares: FlareList | None,
    regions: Sequence[Path] = (),
    clusters: Clusters | None = None,
) -> tuple[list[Reference], list[str]]:
    """Make the reference forecasts that can be made of some rows.

    Args:
        forecasts: N rows, all labelled.
        event: what label 1 means; None makes climatology alone.
        climatology: event rate of a training set; None takes that of the rows themselves, which nobody knew before.
        flares: a flare list; None reads the window before off the labels of earlier rows.
        regions: region summaries (`catalog.noaa_regions.read_summaries`), for the models of regions.
        clusters: what is left out together where a rate is counted on the rows.

    Returns:
        The references, and what has to be said of those that could not be made.
    """
    rows = with_columns(forecasts)
    labels = labels_and_probability(rows, "verification")[0]
    rate = float(labels.mean()) if climatology is None else climatology
    whose = f"the event rate of the training set, {rate:.3g}"
    if climatology is None:
        whose = f"the event rate of these very rows, {rate:.3g}, which nobody knew before"
    made = [Reference(CLIMATOLOGY, np.full(len(rows), rate), rate, whose, counted_here=climatology is None)]
    if event is None:
        return made, []
    event = event_of_rows(rows, event)[0]
    before, by = _state_before(rows, event, flares)
    if np.isfinite(before).any():
        hours = f"{event.window_hours:g} h"
        made.append(Reference(PERSISTENCE, before, 0.5, f"what was observed in the {hours} before, by the {by}"))
        clusters = clusters or clusters_of([rows], event)
        group = clusters.of_rows.fillna(-1).to_numpy(np.int64)
        if clusters.of_rows.nunique() > 1:
            told = f"how often an event follows that state of the {hours} before, counted without the row's own "
            share = rate_by_state(labels, before, group)
            yes = share >= rate_by_state(labels, np.where(np.isnan(before), np.nan, 0.0), group)  # of any state
            made.append(Reference(STATE, share, _rate_where(labels, share), told + clusters.unit.one, yes=yes))
    if not regions:
        return made, []
    more, said = _by_regions(rows, labels, event, flares, regions)
    return made + more, said


def _rate_where(labels: np.ndarray, probability: np.ndarray) -> float:
    """Give the share of events among the rows that are forecast: from it on a calibrated forecast's TSS is largest."""
    return float(labels[np.isfinite(probability)].mean())


def _state_before(rows: pd.DataFrame, event: EventDefinition, flares: FlareList | None) -> tuple[np.ndarray, str]:
    """Tell whether there was an event in the window before, `(N,)`, by a flare list, where that ends by labels."""
    labels = previous_by_labels(rows, event)
    if flares is None:
        return labels.flared, labels.source
    listed = previous_by_flares(rows, flares, event)
    unknown = np.isnan(listed.flared)
    if not (unknown & np.isfinite(labels.flared)).any():
        return listed.flared, listed.source
    return np.where(unknown, labels.flared, listed.flared), f"{listed.source}, where that ends by {labels.source}"


def _by_regions(
    rows: pd.DataFrame,
    labels: np.ndarray,
    event: EventDefinition,
    flares: FlareList | None,
    regions: Sequence[Path],
) -> tuple[list[Reference], list[str]]:
    """Make the forecasts of the shipped models of regions, by the last summary before each row."""
    times = rows["time"].dropna()
    if len(times) < len(rows):
        return [], [f"No forecast by regions: {of_them(len(rows) - len(times), len(rows), 'row')} without a time."]
    try:
        check_event(event.flux_w_m2, window_hours=event.window_hours, latency_hours=event.latency_hours)
    except InputError as error:
        return [], [f"No forecast by regions: {error}."]
    table, refused = read_summaries([Path(path) for path in regions])
    said = [f"not used: {one.reason}." for one in refused]
    first = times.min() - pd.Timedelta(hours=FAR_HOURS) - OLDEST
    table = table[(table["day"] >= first) & (table["day"] <= times.max())]
    table = table.assign(issued=table["day"] + ISSUE_AFTER)
    if table.empty:
        return [], [*said, "No forecast by regions: no summary of the time of these rows."]
    if flares is not None and unlisted(flares.table, _WEAKEST_W_M2) is not None:
        said.append("Forecasts by regions: the flare list has no C flares, so that no flare history is used.")
        flares = None
    made = []
    for name, model_name in MODELS.items():
        model = region_model(model_name)
        probability, history = _of_model(model, table, flares, rows, event)
        if np.isfinite(probability).any():
            begin, end = trained_until(model)
            used = ModelUsed(model.name, first=begin, last=end)
            seen = seen_in_training(used, times[np.isfinite(probability)].min(), times[np.isfinite(probability)].max())
            warning = f"no test of it: it learned from {begin[:10]} to {end[:10]}, the time of these rows"
            made.append(
                Reference(
                    name, probability, _rate_where(labels, probability), _told(model, history), warning if seen else ""
                )
            )
    return made, said if made else [*said, "No forecast by regions: no summary within 36 h before a row."]


def _told(model: RegionModel, history: bool) -> str:
    begin, end = trained_until(model)
    how = "" if history or model.blind is None else ", without flare history"
    return (
        f"the model {model.name!r} that ships (trained on {begin[:10]} to {end[:10]}){how}, by the last region summary "
        "before each row, as it was issued at 00:30 UTC"
    )


def _of_model(
    model: RegionModel, table: pd.DataFrame, flares: FlareList | None, rows: pd.DataFrame, event: EventDefinition
) -> tuple[np.ndarray, bool]:
    """Give a model's probabilities for each row, `(N,)`, NaN where no summary is near; and whether flares were used."""
    quiet = Reporter()  # what it would say of history is counted below
    asked = replace(event, rules="utc")
    made = model.forecast(table, flares, events=[asked], reporter=quiet)
    history = not bool(made["model"].str.endswith(NO_HISTORY).all())
    disk = event.scope == "disk"
    keys = [] if disk else ["noaa_ar"]
    left = rows[["time", *keys]].assign(row=np.arange(len(rows)))
    left = left.dropna().sort_values("time", kind="stable")
    right = made[["issued", *keys, "probability"]].sort_values("issued", kind="stable")
    right = right.astype({"issued": left["time"].dtype})
    near = pd.merge_asof(left, right, left_on="time", right_on="issued", by=keys or None, tolerance=OLDEST)
    found = np.full(len(rows), np.nan)
    found[near["row"].to_numpy(int)] = near["probability"].to_numpy(float)
    return found, history


def reference_skill(
    forecasts: pd.DataFrame,
    probability: np.ndarray,
    threshold: float,
    references: Sequence[Reference],
    *,
    clusters: Clusters,
    sampling: Sampling,
) -> dict[str, Any]:
    """Set forecasts against each reference: name -> what `scores.reference_skill.skill_against` gives, JSON-able."""
    labels = labels_and_probability(with_columns(forecasts), "verification")[0]
    found = {
        one.name: skill_against(
            labels, probability, threshold, one, groups=clusters.of_rows, unit=clusters.unit, sampling=sampling
        )
        for one in references
    }
    written: dict[str, Any] = plain(found)
    return written


def unknown_words(references: Sequence[Reference]) -> list[str]:
    """Say of how many rows each reference forecasts nothing, so that these are left out where it is compared."""
    said = []
    for one in references:
        unknown = int(np.isnan(one.probability).sum())
        if unknown:
            said.append(f"{one.name} forecasts nothing for {counted(unknown, 'row')}, left out beside it")
    return [f"References: {'; '.join(said)}."] if said else []
