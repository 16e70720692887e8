"""What are all the yes/no scores, for one table of counts or for thousands at once?"""

from typing import Any, Final

import numpy as np

from flarescope.scores.definitions_yes_no import CATEGORICAL

COUNTS: Final = ("tp", "fn", "fp", "tn")
"""Order of the four counts wherever they stand in the columns of an array."""


def categorical_scores(tp: np.ndarray, fn: np.ndarray, fp: np.ndarray, tn: np.ndarray) -> dict[str, np.ndarray]:
    """Give every score of `definitions.CATEGORICAL` from the four counts.

    What the `scores` library has is computed by it. MCC and Appleman's score are not there; its HSS multiplies by 1/n,
    which can turn 0/0 into 1. On 2,000 tables at once it takes half a millisecond, so that the bootstrap uses it too.

    Args:
        tp: hits, `(...)` of any shape; counts may be any number that is not negative.
        fn: misses, like `tp`.
        fp: false alarms, like `tp`.
        tn: correct rejections, like `tp`.

    Returns:
        name -> `(...)` float64; NaN where the score is undefined (`Score.undefined`).
    """
    tp, fn, fp, tn = (np.asarray(count, np.float64) for count in (tp, fn, fp, tn))
    ours = {"hss": heidke, "mcc": _mcc, "appleman": _appleman}
    with np.errstate(divide="ignore", invalid="ignore"):
        manager = _contingency_manager(tp, fn, fp, tn)
        values = {
            name: np.asarray(getattr(manager, score.library)() if score.library else ours[name](tp, fn, fp, tn))
            for name, score in CATEGORICAL.items()
        }
    # The library lets x/0 be infinite (bias without events); here every score that has no value is NaN.
    return {name: np.where(np.isfinite(value), value, np.nan) for name, value in values.items()}


def _contingency_manager(tp: np.ndarray, fn: np.ndarray, fp: np.ndarray, tn: np.ndarray) -> Any:  # noqa: ANN401
    # Imported here: `scores` brings xarray along, 0.7 s that `flarescope --help` and a training run do not need.
    from scores.categorical import BasicContingencyManager

    # Without its own beginning, which puts each array into xarray: nine tenths of the time. Its formulas take either.
    manager = BasicContingencyManager.__new__(BasicContingencyManager)
    manager.counts = {"tp_count": tp, "fn_count": fn, "fp_count": fp, "tn_count": tn, "total_count": tp + fn + fp + tn}
    return manager


def four_scores(tp: np.ndarray, fn: np.ndarray, fp: np.ndarray, tn: np.ndarray) -> dict[str, np.ndarray]:
    """Give TPR, TNR, TSS and HSS alone, without the library, for the many tables of slices and curves.

    Args:
        tp: hits, `(...)` float64.
        fn: misses.
        fp: false alarms.
        tn: correct rejections.

    Returns:
        name -> `(...)` as `categorical_scores` has them; NaN where undefined.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        tpr, tnr = tp / (tp + fn), tn / (tn + fp)
        return {"tpr": tpr, "tnr": tnr, "tss": tpr + tnr - 1, "hss": heidke(tp, fn, fp, tn)}


def heidke(tp: np.ndarray, fn: np.ndarray, fp: np.ndarray, tn: np.ndarray) -> np.ndarray:
    """Give HSS of counts `(...)`; where it is 0/0 NumPy says so and gives NaN."""
    return np.asarray(2 * (tp * tn - fn * fp) / ((tp + fn) * (fn + tn) + (tp + fp) * (fp + tn)))


def _mcc(tp: np.ndarray, fn: np.ndarray, fp: np.ndarray, tn: np.ndarray) -> np.ndarray:
    # Two roots: the product of four sums of a large table is beyond the range in which float64 is exact.
    return np.asarray((tp * tn - fn * fp) / (np.sqrt((tp + fn) * (tn + fp)) * np.sqrt((tp + fp) * (tn + fn))))


def _appleman(tp: np.ndarray, fn: np.ndarray, fp: np.ndarray, tn: np.ndarray) -> np.ndarray:
    return np.asarray(1 - (fn + fp) / np.minimum(tp + fn, fp + tn))
