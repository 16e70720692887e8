"""What was observed in the window before each image, row by row and flare by flare, slowly (a second look)."""

import math

import pandas as pd

from flarescope.times import utc_to_tai

FLUX = {"A": 1e-8, "B": 1e-7, "C": 1e-6, "M": 1e-5, "X": 1e-4}


def flux(goes_class):
    return FLUX[goes_class[0]] * float(goes_class[1:])


def clock(time, event):
    """The image's time as the rule reads it: the instant, or the TAI clock."""
    return utc_to_tai(pd.DatetimeIndex([time]))[0].tz_localize("UTC") if event.rules == "ar-flares" else time


def same_series(row, other, event):
    return event.scope == "disk" or (not pd.isna(other.noaa_ar) and row.noaa_ar == other.noaa_ar)


def unplaced(row, event):
    return pd.isna(row.time) or (event.scope == "region" and pd.isna(row.noaa_ar))


def by_flares(images, flares, event):
    window, found = pd.Timedelta(hours=event.window_hours), []
    for row in images.itertuples():
        if unplaced(row, event):
            found.append(math.nan)
            continue
        start, end = clock(row.time, event) - window, row.time
        if not any(first <= start and end <= last for first, last in flares.covered):
            found.append(math.nan)
            continue
        counts = [
            same_series(row, flare, event) and start < flare.time <= end and flux(flare.flare) >= flux(event.threshold)
            for flare in flares.table.itertuples()
            if not pd.isna(flare.time)
        ]
        found.append(float(any(counts)))
    return found


def by_labels(images, event):
    window, back = pd.Timedelta(hours=event.window_hours), pd.Timedelta(hours=event.window_hours + event.latency_hours)
    found = []
    for row in images.itertuples():
        answer = math.nan
        if not unplaced(row, event):
            end = clock(row.time, event) - back
            labels = {}
            for other in images.itertuples():
                if unplaced(other, event) or pd.isna(other.label) or not same_series(row, other, event):
                    continue
                if end - window / 12 <= clock(other.time, event) <= end:
                    labels.setdefault(other.time, set()).add(int(other.label))
            agreeing = {time: label for time, label in labels.items() if len(label) == 1}
            if agreeing:
                answer = float(*agreeing[max(agreeing)])
        found.append(answer)
    return found
