"""What would the simplest forecasts have said of the same images?"""

import numpy as np
import pandas as pd

from flarescope.errors import InputError


def climatology(forecasts: pd.DataFrame, rate: float) -> pd.DataFrame:
    """Forecast the event rate of the training set, always.

    Args:
        forecasts: the rows to forecast.
        rate: share of events in the training set, 0..1.

    Returns:
        The same rows with that `probability`.

    Raises:
        InputError: a rate outside 0..1.
    """
    if not 0 <= rate <= 1:
        raise InputError(f"climatology is {rate}; expected the training set's share of events, 0 to 1")
    return forecasts.assign(probability=float(rate))


def always_no(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Forecast that no region ever flares: the same rows with `probability` 0."""
    return forecasts.assign(probability=0.0)


def persistence(forecasts: pd.DataFrame, before: np.ndarray, *, unknown: float = 0.0) -> pd.DataFrame:
    """Forecast that a region goes on as it did in the 24 hours before the image.

    Args:
        forecasts: N rows.
        before: `(N,)` 1 if it flared before the image, 0 if not, NaN if that is not known: what `events_before` or
            `labels_before` gives.
        unknown: probability where it is not known, such as the training climatology.

    Returns:
        The same rows with `probability` 0, 1, or `unknown`.
    """
    return forecasts.assign(probability=np.where(np.isnan(before), unknown, before))


def events_before(images: pd.DataFrame, events: pd.DataFrame, *, hours: float = 24.0) -> np.ndarray:
    """Find by the event list whether each region flared in the hours before its image.

    Args:
        images: `noaa_ar` and `time`, N rows.
        events: `noaa_ar` and `time` of the peak, only flares that count as events.
        hours: how far to look back; a peak at the time of the image counts, one exactly `hours` earlier does not.

    Returns:
        `(N,)` 1.0 or 0.0; NaN where the image's region or time is not known.
    """
    peaks = events.assign(before=1.0)
    nearly = pd.Timedelta(hours=hours) - pd.Timedelta(microseconds=1)
    found = _last_at_or_before(images, pd.Timedelta(0), peaks, nearly)
    return np.where(_placed(images), np.nan_to_num(found), np.nan)


def labels_before(
    images: pd.DataFrame, history: pd.DataFrame, *, hours: float = 24.0, tolerance_hours: float = 2.0
) -> np.ndarray:
    """Find by the labels of earlier images whether each region flared in the hours before its image.

    The label of an image `hours` earlier says whether the region flared from then until now. Where that very image is
    missing the last one before it is taken, never a later one: its window would reach beyond now, into the future that
    is to be forecast.

    Args:
        images: `noaa_ar` and `time`, N rows.
        history: `noaa_ar`, `time` and `label` of the same regions, such as `images` itself.
        hours: length of the labels' window.
        tolerance_hours: how much older than `hours` the earlier image may be.

    Returns:
        `(N,)` 1.0 or 0.0; NaN where there is no such image, as in the first 24 hours of a region.
    """
    known = history[history["label"].notna()]
    past = known.assign(before=known["label"].astype(float))
    return _last_at_or_before(images, pd.Timedelta(hours=hours), past, pd.Timedelta(hours=tolerance_hours))


def _placed(images: pd.DataFrame) -> np.ndarray:
    return (images["noaa_ar"].notna() & images["time"].notna()).to_numpy()


def _last_at_or_before(
    images: pd.DataFrame, back: pd.Timedelta, past: pd.DataFrame, tolerance: pd.Timedelta
) -> np.ndarray:
    """Give the `before` of the last row of `past` of the same region at or before time - back; NaN if none is near."""
    past = past[_placed(past)]
    rows = np.flatnonzero(_placed(images))
    left = images.iloc[rows]
    left = pd.DataFrame({"row": rows, "noaa_ar": left["noaa_ar"].astype(int), "time": left["time"] - back})
    right = pd.DataFrame({"noaa_ar": past["noaa_ar"].astype(int), "time": past["time"], "before": past["before"]})
    found = pd.merge_asof(
        left.sort_values("time", kind="stable"),
        right.astype({"time": left["time"].dtype}).sort_values("time", kind="stable"),
        on="time",
        by="noaa_ar",
        tolerance=tolerance,
    )
    result = np.full(len(images), np.nan)
    result[found["row"]] = found["before"]
    return result
