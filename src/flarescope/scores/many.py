"""Which of many forecasts of the same rows are better than which, when so many pairs are looked at?

Every pair is compared on the same replicates, as `scores.compare` compares two. Beside the p-value of a pair stands
Holm's (1979, Scandinavian Journal of Statistics 6, 65): of all pairs and one score, the chance that any pair is called
different by mistake stays below what it says.
"""

import itertools
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import stdtr

from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.scores.baselines import event_of_rows
from flarescope.scores.bootstrap import LEVEL, REPLICATES
from flarescope.scores.cases import PROBABILITY, Case, Sampling, ScoredCases
from flarescope.scores.clusters import AUTO, clusters_of
from flarescope.scores.compare import better, same_rows
from flarescope.scores.interval_notes import DIFFERENCES, blocks_of_time, few_regions
from flarescope.scores.jackknife import JACKKNIFE, standard_error
from flarescope.scores.rows import labels_and_probability, with_columns
from flarescope.scores.threshold import check_threshold
from flarescope.scores.verify import plain

PARTS: Final = ("decision", PROBABILITY)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Adjust p-values for their number by Holm's step-down method.

    Args:
        p_values: `(M,)` in 0..1; NaN for a comparison that could not be made, which does not count.

    Returns:
        `(M,)`: sorted rising, the i-th of m is the largest of (m - j + 1) p_j over j <= i, at most 1; NaN stays.
    """
    p = np.asarray(p_values, np.float64)
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p[order]), 1)
    return adjusted


def p_value(value: float, drawn: np.ndarray, method: str | None, freedom: float | None) -> float:
    """Give the two-sided p-value of a difference, by the replicates that its interval is made from.

    By resampling it is twice the smaller share of the replicates on one side of 0, where one more counts on either side
    (Davison & Hinkley 1997, Bootstrap Methods and their Application, ch. 4): with B replicates never below 2 / (B + 1).
    By the jackknife it is that of Student's t, of difference over standard error.

    Args:
        value: the difference.
        drawn: `(B,)` it in each replicate, or in each sample without one region.
        method: of `jackknife.interval_method`.
        freedom: degrees of freedom of t.

    Returns:
        In 0..1; NaN where there is no interval; 1 where no replicate differs from 0.
    """
    if method is None or not math.isfinite(value):
        return math.nan
    if method == JACKKNIFE:
        error = standard_error(drawn)
        if error == 0 or not math.isfinite(error):
            return 1.0 if error == 0 and value == 0 else math.nan
        return float(2 * stdtr(freedom, -abs(value) / error))
    known = drawn[np.isfinite(drawn)]
    if not len(known):
        return math.nan
    fewer = min(int((known <= 0).sum()), int((known >= 0).sum()))
    return float(min(1.0, 2 * (1 + fewer) / (1 + len(known))))


def compare_many(
    tables: Mapping[str, pd.DataFrame],
    *,
    thresholds: Mapping[str, float],
    climatology: float | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
    level: float = LEVEL,
    event: EventDefinition | None = None,
    resample: str = AUTO,
) -> dict[str, Any]:
    """Compare every pair of several tables of forecasts of the same rows.

    Args:
        tables: name -> rows as `tables.check_forecasts` gives them, all labelled, of both classes, the same in each, in
            any order.
        thresholds: name -> of its decisions.
        climatology: event rate of the training set, or None.
        replicates: as of `compare.compare`.
        seed: likewise.
        level: of the intervals; no correction is made for their number, the adjusted p-values are.
        event: as of `compare.compare`.
        resample: likewise.

    Returns:
        JSON-able: `n`, `events`, `event_groups`, `settings` (with `thresholds`), `notes`; `tables`: name ->
        `decision` and `probability`, each score -> `value`, `low`, `high`; `pairs`: in the order of the names `a` and
        `b`, and `decision` and `probability`, each score -> `difference` (a - b), `low`, `high`, `undefined`, `p`,
        `p_holm` (of this score over all pairs) and `better` ("a", "b" or None, by the interval).

    Raises:
        InputError: fewer than two tables, different rows or labels, and what `verify` refuses.
    """
    if len(tables) < 2:
        raise InputError(f"{len(tables)} table to compare; expected two or more")
    names = list(tables)
    first = with_columns(tables[names[0]])
    rows = {name: first if name == names[0] else _in_order(first, tables[name], names[0], name) for name in names}
    labels = labels_and_probability(first, "verification")[0]
    for name in names:
        check_threshold(thresholds[name])
    known = event_of_rows(first, event)[0] if event else None
    clusters = clusters_of(list(rows.values()), known, resample)
    cases = {
        name: Case(labels_and_probability(table, "verification")[1], {"decision": thresholds[name]})
        for name, table in rows.items()
    }
    sampling = Sampling(replicates, seed, level)
    groups = clusters.of_rows
    scored = ScoredCases(labels, cases, regions=groups, climatology=climatology, sampling=sampling, unit=clusters.unit)
    event_groups = int(groups[labels].nunique()) if groups.notna().any() else None
    notes = few_regions(scored, event_groups=event_groups, what=DIFFERENCES)
    notes += blocks_of_time(scored, clusters.memory, known.window_hours if known else None)
    pairs = _pairs(scored, names)
    notes += _notes(scored, len(pairs), level)
    memory = {"memory": clusters.memory and clusters.memory.to_json()}
    found = {
        "n": len(labels),
        "events": int(labels.sum()),
        "event_groups": event_groups,
        "settings": {"thresholds": dict(thresholds), "climatology": climatology} | scored.settings() | memory,
        "tables": {name: {part: scored.scores(name, part) for part in PARTS} for name in names},
        "pairs": pairs,
        "notes": notes,
    }
    written: dict[str, Any] = plain(found)
    return written


def _in_order(first: pd.DataFrame, other: pd.DataFrame, name: str, others: str) -> pd.DataFrame:
    try:
        return same_rows(first, with_columns(other))
    except InputError as error:
        raise InputError(f"{name} and {others}: {error}") from error


def _pairs(scored: ScoredCases, names: list[str]) -> list[dict[str, Any]]:
    method, freedom = scored.method, scored.settings()["degrees_of_freedom"]
    found: list[dict[str, Any]] = []
    for a, b in itertools.combinations(names, 2):
        pair: dict[str, Any] = {"a": a, "b": b}
        for part in PARTS:
            drawn = scored.drawn_differences((a, part), (b, part))
            pair[part] = {
                name: _row(name, row, drawn.get(name), method, freedom)
                for name, row in scored.differences((a, part), (b, part)).items()
            }
        found.append(pair)
    if method is not None:
        for part in PARTS:
            for name in found[0][part]:
                adjusted = holm(np.array([pair[part][name]["p"] for pair in found]))
                for pair, value in zip(found, adjusted, strict=True):
                    pair[part][name]["p_holm"] = float(value)
    return found


def _row(
    name: str, row: Mapping[str, float], drawn: np.ndarray | None, method: str | None, freedom: float | None
) -> dict[str, Any]:
    made: dict[str, Any] = {"difference": row["value"]} | {key: row[key] for key in row if key != "value"}
    if drawn is None:
        return made
    return made | {"p": p_value(row["value"], drawn, method, freedom), "better": better(name, row)}


def _notes(scored: ScoredCases, pairs: int, level: float) -> list[str]:
    """Say where so many pairs are compared that the replicates are too few to call any of them different."""
    if scored.method is None or scored.method == JACKKNIFE or pairs * 2 / (scored.replicates + 1) <= 1 - level:
        return []
    needed, least = math.ceil(2 * pairs / (1 - level)), 2 / (scored.replicates + 1)
    return [
        f"With {scored.replicates:,} resamplings no p-value is below {least:.2g}, so that of {pairs} pairs none can be "
        f"told apart at {1 - level:.2g} after Holm's correction: take {needed:,} (--replicates)."
    ]


def own_scores(
    table: pd.DataFrame,
    threshold: float,
    *,
    climatology: float | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
    level: float = LEVEL,
    event: EventDefinition | None = None,
    resample: str = AUTO,
) -> dict[str, Any]:
    """Score one table on all rows of its own.

    Args:
        table: rows as `tables.check_forecasts` gives them, all labelled, of both classes.
        threshold: of its decisions.
        climatology: as of `compare_many`, like the others.
        replicates: likewise.
        seed: likewise.
        level: likewise.
        event: likewise.
        resample: likewise.

    Returns:
        JSON-able: `n`, `events`, `decision` and `probability`, each score -> `value`, `low`, `high`.

    Raises:
        InputError: what `verify` refuses.
    """
    rows = with_columns(table)
    labels, probability = labels_and_probability(rows, "verification")
    known = event_of_rows(rows, event)[0] if event else None
    clusters = clusters_of([rows], known, resample)
    case = Case(probability, {"decision": threshold})
    sampling = Sampling(0 if clusters.why_none else replicates, seed, level)
    scored = ScoredCases(
        labels,
        {"own": case},
        regions=clusters.of_rows,
        climatology=climatology,
        sampling=sampling,
        unit=clusters.unit,
    )
    counts = {"n": len(labels), "events": int(labels.sum())}
    written: dict[str, Any] = plain(counts | {part: scored.scores("own", part) for part in PARTS})
    return written
