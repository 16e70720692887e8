"""Are these rows fit to be scored, and which of them may a threshold or a calibration be fitted on?"""

import numpy as np
import pandas as pd

from flarescope.counted import of_them
from flarescope.errors import InputError
from flarescope.tables import FORECAST_DTYPES


def fitting_rows(forecasts: pd.DataFrame, purpose: str) -> tuple[np.ndarray, np.ndarray]:
    """Give the labels and probabilities to fit on, after refusing rows of other splits.

    Args:
        forecasts: `label`, `probability`, and `split` where it is known; the rows must be validation rows. Rows
            without a split (foreign tables) are taken at the caller's word.
        purpose: what is fitted, for a message.

    Returns:
        Labels `(N,)` bool and probabilities `(N,)` float64.

    Raises:
        InputError: rows of the training or the test split, unknown labels, one class only.
    """
    refuse_other_splits(forecasts, purpose)
    return labels_and_probability(forecasts, purpose)


def refuse_other_splits(forecasts: pd.DataFrame, purpose: str) -> None:
    """Refuse rows of the training or the test split.

    Raises:
        InputError: there are some.
    """
    splits = set(forecasts["split"].dropna()) if "split" in forecasts else set()
    wrong = sorted(splits - {"validation"})
    if wrong:
        raise InputError(f"{purpose} is fitted on validation rows only, but there are rows of {', '.join(wrong)}")


def labels_and_probability(forecasts: pd.DataFrame, purpose: str) -> tuple[np.ndarray, np.ndarray]:
    """Give the labels `(N,)` bool and probabilities `(N,)` of a table in which both classes occur.

    Raises:
        InputError: no rows, labels missing or other than 0/1, probabilities missing or outside 0..1, one class only.
    """
    if forecasts.empty:
        raise InputError(f"{purpose} needs forecasts, and the table has no rows")
    labels = forecasts["label"].astype("Float64").to_numpy(float, na_value=np.nan)
    probability = forecasts["probability"].to_numpy(float, na_value=np.nan)
    unknown = ~np.isin(labels, (0, 1))
    if unknown.any():
        which = of_them(int(unknown.sum()), len(labels), "row", "has", "have")
        raise InputError(f"{purpose} needs labels 0 or 1; {which} no such")
    outside = ~((probability >= 0) & (probability <= 1))
    if outside.any():
        raise InputError(f"{purpose} needs probabilities from 0 to 1; a row has {probability[outside][0]}")
    event = labels == 1
    if event.all() or not event.any():
        every = "the only label" if len(event) == 1 else f"each of the {len(event):,} labels"
        raise InputError(f"{purpose} needs both classes; {every} is {int(event[0])}")
    return event, probability


def with_columns(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that the table has not, empty, so that nothing below asks what is there."""
    forecasts = forecasts.reset_index(drop=True)
    absent = [name for name in FORECAST_DTYPES if name not in forecasts]
    empty = {name: pd.Series([None] * len(forecasts), dtype=FORECAST_DTYPES[name]) for name in absent}
    return forecasts.assign(**empty)
