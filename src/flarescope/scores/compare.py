"""Is forecast A better than forecast B on the same images?"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.scores.baselines import event_of_rows
from flarescope.scores.bootstrap import LEVEL, REPLICATES
from flarescope.scores.cases import PROBABILITY, Case, Sampling, ScoredCases
from flarescope.scores.clusters import AUTO, clusters_of
from flarescope.scores.definitions import DEFINITIONS
from flarescope.scores.interval_notes import DIFFERENCES, blocks_of_time, few_regions, odd_intervals
from flarescope.scores.rows import labels_and_probability, with_columns
from flarescope.scores.threshold import ARGMAX, check_threshold
from flarescope.scores.verify import plain
from flarescope.tables import forecast_key


def compare(
    a: pd.DataFrame,
    b: pd.DataFrame,
    *,
    threshold_a: float = ARGMAX,
    threshold_b: float = ARGMAX,
    climatology: float | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
    level: float = LEVEL,
    event: EventDefinition | None = None,
    resample: str = AUTO,
) -> dict[str, Any]:
    """Compare two tables of forecasts of the same images, with intervals of the differences.

    Args:
        a: rows as `tables.check_forecasts` gives them, all labelled, of both classes.
        b: the same images in any order, with the same labels.
        threshold_a: of A's decisions.
        threshold_b: of B's decisions.
        climatology: event rate of the training set, or None.
        replicates: of the bootstrap by region, the same for both; 0 makes no intervals. With few event regions the
            jackknife makes them (`scores.jackknife`).
        seed: of the bootstrap.
        level: of the intervals.
        event: what label 1 means: whether a row is of the whole disk, and how long a block of time is at least.
        resample: what is drawn or left out whole, one word (`scores.clusters`).

    Returns:
        JSON-able: `n`, `events`, `event_groups` (regions with events, connected ones as one, or blocks of time; None
        without any),
        `settings`, `notes` (what a reader must know), and `decision` and `probability`, each score -> `a`, `b`,
        `difference` (a - b), and with intervals `low`, `high`, `undefined` of the difference and `better`: "a" or "b"
        where the interval lies on one side of 0, else None. Bias has no `better`: its best value is in the middle.

    Raises:
        InputError: different images or labels, and what `verify` refuses.
    """
    a = with_columns(a)
    labels, probability = labels_and_probability(a, "verification")
    b = same_rows(a, with_columns(b))
    check_threshold(threshold_a)
    check_threshold(threshold_b)
    sampling = Sampling(replicates, seed, level)
    cases = {
        "a": Case(probability, {"decision": threshold_a}),
        "b": Case(labels_and_probability(b, "verification")[1], {"decision": threshold_b}),
    }
    known = event_of_rows(a, event)[0] if event else None
    clusters = clusters_of([a, b], known, resample)
    groups = clusters.of_rows
    scored = ScoredCases(labels, cases, regions=groups, climatology=climatology, sampling=sampling, unit=clusters.unit)
    chosen = {"threshold_a": threshold_a, "threshold_b": threshold_b, "climatology": climatology}
    settings = chosen | scored.settings() | {"memory": clusters.memory and clusters.memory.to_json()}
    parts = {part: _rows(scored, part) for part in ("decision", PROBABILITY)}
    event_groups = int(groups[labels].nunique()) if groups.notna().any() else None
    notes = few_regions(scored, event_groups=event_groups, what=DIFFERENCES)
    differences = {
        part: {name: row | {"value": row["difference"]} for name, row in rows.items()} for part, rows in parts.items()
    }
    notes += blocks_of_time(scored, clusters.memory, known.window_hours if known else None)
    notes += odd_intervals(scored, differences, DIFFERENCES)
    counts = {"n": len(labels), "events": int(labels.sum()), "event_groups": event_groups}
    written: dict[str, Any] = plain(counts | {"settings": settings} | parts | {"notes": notes})
    return written


def same_rows(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Bring the rows of `b` into the order of `a`.

    Images are told by `filename` if every row of both has one, else by `noaa_ar` and `time`.

    Raises:
        InputError: an image that only one of them has, or a label that differs.
    """
    keys = [forecast_key(a, "the first table"), forecast_key(b, "the second table")]
    key = keys[0] if keys[0] == keys[1] else ["noaa_ar", "time"]
    first, second = pd.MultiIndex.from_frame(a[key]), pd.MultiIndex.from_frame(b[key])
    only_first, only_second = ~first.isin(second), ~second.isin(first)
    if only_first.any() or only_second.any():
        table, index = ("first", first[only_first]) if only_first.any() else ("second", second[only_second])
        example = ", ".join(map(str, index[0]))
        raise InputError(
            f"the tables have different rows: {int(only_first.sum()):,} only in the first, {int(only_second.sum()):,} "
            f"only in the second (only in the {table}: {example}); compare forecasts of the same images"
        )
    if first.has_duplicates or second.has_duplicates:
        raise InputError(f"an image stands twice in a table (by {' and '.join(key)}); an image has one row")
    ordered = b.iloc[second.get_indexer(first)].reset_index(drop=True)
    differ = np.flatnonzero((a["label"].reset_index(drop=True) != ordered["label"]).fillna(True).to_numpy(bool))
    if len(differ):
        example = ", ".join(map(str, first[differ[0]]))
        raise InputError(
            f"{counted(len(differ), 'label differs', 'labels differ')} between the tables, the first: {example}"
        )
    return ordered


def _rows(scored: ScoredCases, part: str) -> dict[str, dict[str, Any]]:
    a, b = scored.scores("a", part), scored.scores("b", part)
    rows: dict[str, dict[str, Any]] = {}
    for name, difference in scored.differences(("a", part), ("b", part)).items():
        value = difference.pop("value")
        rows[name] = {"a": a[name]["value"], "b": b[name]["value"], "difference": value} | difference
        if "low" in difference:
            rows[name]["better"] = better(name, difference)
    return rows


def better(name: str, difference: Mapping[str, float]) -> str | None:
    """Say which of two is better by a score: "a" or "b" where the interval of a - b lies on one side of 0, else None.

    Bias has none: its best value is in the middle.
    """
    if name == "bias" or not (difference["low"] > 0 or difference["high"] < 0):
        return None
    score = DEFINITIONS[name]
    larger = "a" if difference["low"] > 0 else "b"
    return larger if score.perfect == score.highest else {"a": "b", "b": "a"}[larger]
