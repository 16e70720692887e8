"""How far may one trust the forecast that nothing will come?

A crew goes out, or a satellite is turned, on an all-clear. What counts is how often an event comes all the same, and
how much of the quiet time is called quiet if hardly an event may be missed. (The workshop whose comparison is Barnes et
al. 2016, ApJ 829, 89, was on all-clear forecasts.)
"""

from typing import Any, Final

import numpy as np

from flarescope.scores.bootstrap import CategoricalScorer
from flarescope.scores.by_cluster import ByCluster
from flarescope.scores.threshold_sums import threshold_sums

MISSES: Final = (0.0, 0.01, 0.05, 0.1)
"""Shares of the events that may be missed."""
_STEPS: Final = 500
"""Thresholds that a replicate's is sought among."""


def all_clear(labels: np.ndarray, probability: np.ndarray, threshold: float, by: ByCluster) -> dict[str, Any]:
    """Score the all-clear of a decision, and of thresholds that miss hardly an event.

    Args:
        labels: `(N,)` bool.
        probability: `(N,)` in 0..1.
        threshold: no event is forecast where probability < threshold.
        by: what is drawn whole.

    Returns:
        `threshold`; `decision`: `npv` (TN / (TN + FN)), `false_all_clear` (FN / (TN + FN)) and `clear` (share of rows
        called clear), each a row with its interval; `at_misses`: for each of `MISSES` the share `misses` and, at the
        highest threshold that misses no more of these very rows, `tnr`, a row. The thresholds are found on the rows
        that are scored, again in each replicate: what a threshold chosen before would give is less.
    """
    counts = CategoricalScorer.of_rows(labels, probability >= threshold, by.codes).counts
    _, missed, _, quiet = counts.T
    called, rows_of = missed + quiet, counts.sum(axis=1)
    decision = by.shares({"npv": (quiet, called), "false_all_clear": (missed, called), "clear": (called, rows_of)})
    steps = _steps(np.sort(probability[labels]))
    sums = threshold_sums(labels, probability, by.codes, steps, by.count)

    def rates(weights: np.ndarray) -> dict[str, np.ndarray]:
        hits, alarms, _ = sums.rates(weights)
        return {f"{share:g}": _tnr_at(hits, alarms, share) for share in MISSES}

    rows = by.rows(rates, {f"{share:g}": (0.0, 1.0) for share in MISSES})
    at = [{"misses": share, "tnr": rows[f"{share:g}"]} for share in MISSES]
    return {"threshold": threshold, "decision": decision, "at_misses": at}


def _steps(rising: np.ndarray) -> np.ndarray:
    """Give thresholds, rising: those that miss just the `MISSES` of these events, and others for the replicates.

    Args:
        rising: `(E,)` probabilities of the events.
    """
    exact = [rising[min(int(share * len(rising) + 1e-9), len(rising) - 1)] for share in MISSES]
    return np.unique(np.concatenate([np.quantile(rising, np.linspace(0, 1, _STEPS), method="lower"), exact, [1.0]]))


def _tnr_at(hits: np.ndarray, alarms: np.ndarray, share: float) -> np.ndarray:
    """Give TNR `(B,)` at the highest threshold whose hit rate `(B, T)` is 1 - share or more; NaN without events."""
    enough = hits >= 1 - share - 1e-12
    last = hits.shape[1] - 1 - np.argmax(enough[:, ::-1], axis=1)
    found = 1 - alarms[np.arange(len(hits)), last]
    return np.where(enough.any(axis=1), found, np.nan)
