"""What would the scores be where events are rarer or more frequent, and how much is owed to the quiet regions?

TPR and TNR belong to a decision; with them TSS stays the same however rare events are. HSS, precision and bias do not.
That holds as long as the rows are of the same kinds. A sample that leaves the quiet regions out is of another kind: it
lacks the easiest non-events, and its TNR and TSS are lower. So both are told (Woodcock 1976, Mon. Wea. Rev. 104, 1209;
Bloomfield et al. 2012, ApJL 747, L41).
"""

from typing import Any, Final

import numpy as np

from flarescope.scores.bootstrap import CategoricalScorer
from flarescope.scores.by_cluster import ByCluster
from flarescope.scores.categorical import categorical_scores, heidke

RATES: Final = (0.01, 0.03, 0.1, 0.2, 0.5)
"""Shares of events: about X, M and C flares of a region-day, a mixed sample, and a balanced one."""

_BOUNDS: Final = {"tss": (-1.0, 1.0), "hss": (-1.0, 1.0), "precision": (0.0, 1.0), "bias": (0.0, np.inf)}


def scores_at(hit_rate: np.ndarray, rejection_rate: np.ndarray, event_rate: float) -> dict[str, np.ndarray]:
    """Give the scores that the same two rates have at another share of events.

    Args:
        hit_rate: `(...)` TPR.
        rejection_rate: `(...)` TNR.
        event_rate: share of events, between 0 and 1.

    Returns:
        `tss`, `hss`, `precision` (NaN where nothing is forecast) and `bias`, `(...)`.
    """
    tp, tn = hit_rate * event_rate, rejection_rate * (1 - event_rate)
    fn, fp = event_rate - tp, 1 - event_rate - tn
    with np.errstate(divide="ignore", invalid="ignore"):
        precision, bias = tp / (tp + fp), (tp + fp) / event_rate
        return {
            "tss": hit_rate + rejection_rate - 1,
            "hss": heidke(tp, fn, fp, tn),
            "precision": precision,
            "bias": bias,
        }


def at_base_rates(labels: np.ndarray, yes: np.ndarray, by: ByCluster) -> dict[str, Any]:
    """Give the scores of a decision at its own and at other shares of events, and without what never had one.

    Args:
        labels: `(N,)` bool.
        yes: `(N,)` bool.
        by: what is drawn whole.

    Returns:
        `rates`: rows of `event_rate`, `own` (whether it is that of the rows) and the scores with their intervals: at
        their own share those of the decision, elsewhere of that very share, whatever it is in a replicate;
        `active`: `n`, `events` and the yes/no scores of the rows of clusters that have an event, or None where all
        have one, or there are no clusters.
    """
    counts = CategoricalScorer.of_rows(labels, yes, by.codes).counts
    own = float(labels.mean())
    decided = by.decision(labels, yes, categorical_scores)
    here: dict[str, Any] = {name: decided[name] for name in _BOUNDS}
    scores = {rate: _at(counts, rate, by) | {"tss": here["tss"]} for rate in RATES} | {own: here}
    rows = [{"event_rate": rate} | scores[rate] | {"own": rate == own} for rate in sorted(scores)]
    return {"rates": rows, "active": _active(labels, yes, by)}


def _at(counts: np.ndarray, rate: float, by: ByCluster) -> dict[str, Any]:
    def scorer(weights: np.ndarray) -> dict[str, np.ndarray]:
        tp, fn, fp, tn = (weights @ counts).T
        with np.errstate(divide="ignore", invalid="ignore"):
            return scores_at(tp / (tp + fn), tn / (tn + fp), rate)

    return dict(by.rows(scorer, _BOUNDS))


def _active(labels: np.ndarray, yes: np.ndarray, by: ByCluster) -> dict[str, Any] | None:
    has_event = np.bincount(by.codes, labels, minlength=by.count) > 0
    inside = has_event[by.codes]
    if inside.all() or by.count == 1 or labels[inside].all():
        return None
    part = by.part(labels, inside)
    scores: dict[str, Any] = part.decision(labels[inside], yes[inside])
    return {"n": int(inside.sum()), "events": int(labels[inside].sum()), "clusters": int(has_event.sum())} | scores
