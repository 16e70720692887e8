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


def regions(row):
    """The regions whose flares make the label of an image."""
    listed = getattr(row, "noaa_ars", None)
    principal_only = getattr(row, "principal_only", 0)
    if pd.isna(listed) or (not pd.isna(principal_only) and principal_only == 1):
        return {row.noaa_ar}
    return {int(number) for number in listed.split(",")}


def last_peak(time, event):
    """The last peak that labels an image: the published rule's windows are open, and its peaks on whole minutes."""
    end = clock(time, event) + pd.Timedelta(hours=event.window_hours + event.latency_hours)
    if event.rules != "ar-flares":
        return end
    minute = end.replace(second=0, microsecond=0)
    return minute - pd.Timedelta(minutes=1) if minute == end else minute


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
            (event.scope == "disk" or (not pd.isna(flare.noaa_ar) and flare.noaa_ar in regions(row)))
            and start < flare.time <= end
            and flux(flare.flare) >= flux(event.threshold)
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
            labels = {}
            for other in images.itertuples():
                if unplaced(other, event) or pd.isna(other.label):
                    continue
                if event.scope == "region" and regions(row) != regions(other):
                    continue
                if last_peak(other.time, event) <= row.time <= other.time + back + window / 12:
                    labels.setdefault(other.time, set()).add(int(other.label))
            agreeing = {time: label for time, label in labels.items() if len(label) == 1}
            if agreeing:
                answer = float(*agreeing[max(agreeing)])
        found.append(answer)
    return found
