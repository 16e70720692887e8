"""How much does a score change with the seed or the split, beside what the sample leaves open?

The interval of one verification says how far its score may be off because these regions, or these weeks, were looked
at. It does not say what another seed of the training, or another split, would have given. Several runs say that; both
belong beside a claim (Bouthillier et al. 2021, Proc. MLSys 3).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

SHOWN: Final = ("tss", "hss", "tpr", "tnr", "bss_sample", "roc_area")


def spread(verifications: Sequence[Mapping[str, Any]], *, decision: str = "argmax") -> dict[str, dict[str, Any]]:
    """Give the spread of each score over several verifications of one recipe.

    Args:
        verifications: what `scores.verify.verify` gives, of other seeds or splits.
        decision: whose yes/no scores; with `chosen` those of the probabilities are of the calibrated ones, where there
            are any.

    Returns:
        score -> `runs` (with a value), `mean`, `deviation` (sample standard deviation; NaN of one run), `lowest`,
        `highest`, and `half_interval`: half the mean width of their intervals by clusters, NaN where there are none.
    """
    found = {}
    for name in SHOWN:
        rows = [_row(one, decision, name) for one in verifications]
        values = np.array([row["value"] for row in rows if row["value"] is not None], float)
        ends = [(row["high"] - row["low"]) / 2 for row in rows if row.get("low") is not None]
        some = len(values) > 0
        found[name] = {
            "runs": len(values),
            "mean": float(values.mean()) if some else np.nan,
            "deviation": float(values.std(ddof=1)) if len(values) > 1 else np.nan,
            "lowest": float(values.min()) if some else np.nan,
            "highest": float(values.max()) if some else np.nan,
            "half_interval": float(np.mean(ends)) if ends else np.nan,
        }
    return found


def _row(verification: Mapping[str, Any], decision: str, name: str) -> Mapping[str, Any]:
    yes_no = verification["decisions"][decision]["scores"]
    calibrated = verification["calibrated"] if decision == "chosen" else None
    row: Mapping[str, Any] = yes_no.get(name) or (calibrated or verification["probability"])["scores"][name]
    return row
