"""Has persistence no skill on flares without memory, whatever the task's window and latency?

Flares of a Poisson process of one constant rate have no memory: what happened before an image says nothing of what
comes after it, so the TSS of persistence is 0. A baseline that sees a minute of the future, or counts other flares,
has another.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flarescope.catalog.labels import label_by
from flarescope.catalog.noaa_flares import FlareList, flare_frame
from flarescope.events import EventDefinition
from flarescope.scores.cases import Case, Sampling, ScoredCases
from flarescope.scores.previous import previous_by_flares, previous_by_labels
from flarescope.scores.threshold import ARGMAX
from flarescope.scores.verify import verify

START = pd.Timestamp("2014-01-01", tz="UTC").as_unit("us")
HOUR_US = 3_600_000_000
REGIONS, DAYS = 120, 9
SAMPLING = Sampling(replicates=1000, seed=0, level=0.999)


def at(hours):
    return START + pd.to_timedelta(np.round(np.asarray(hours) * HOUR_US).astype(np.int64), unit="us")


def made(event, *, regions, days, classes=("C3.0", "M2.0"), seed=0):
    """Images an hour apart of regions that flare at random, labelled by the event; an event follows 40 % of them."""
    rng = np.random.default_rng(seed)
    reach = event.window_hours + event.latency_hours
    span = 24 * days + 2 * reach
    number = rng.poisson(0.5 / event.window_hours * span, (len(classes), regions))  # 1 - exp(-0.5) = 0.39 by class
    flares = [
        {"noaa_ar": 11000 + region, "time": time, "flare": goes_class}
        for goes_class, counts in zip(classes, number, strict=True)
        for region, count in enumerate(counts)
        for time in at(rng.uniform(-reach, 24 * days + reach, count))
    ]
    hours = np.tile(np.arange(24 * days), regions)
    images = pd.DataFrame({"noaa_ar": np.repeat(11000 + np.arange(regions), 24 * days), "time": at(hours)})
    listed = FlareList(flare_frame(flares), ((at(0.0), at(24 * days + reach)),))
    return images.assign(label=label_by(images, listed.table, event)["label"]), listed


def tss_interval(images, flared, blocks):
    """TSS of persistence where it is known, and its interval by resampling the blocks."""
    known = ~np.isnan(flared)
    assert known.mean() > 0.4
    scored = ScoredCases(
        images["label"].to_numpy(bool)[known],
        {"persistence": Case(flared[known], {"argmax": ARGMAX})},
        regions=blocks[known],
        climatology=None,
        sampling=SAMPLING,
    )
    return scored.scores("persistence", "argmax")["tss"]


def check(images, flared, blocks):
    row = tss_interval(images, flared, blocks)
    assert row["low"] <= 0 <= row["high"]
    assert row["high"] - row["low"] < 0.4  # narrow enough that the faults mended here lie outside


@given(
    window=st.integers(12, 144).map(lambda halves: halves / 2),
    latency=st.integers(0, 48).map(lambda halves: halves / 2),
    rules=st.sampled_from(["utc", "ar-flares"]),
    threshold=st.sampled_from(["C1.0", "M1.0"]),
)
@settings(max_examples=12, derandomize=True)
def test_persistence_has_no_skill_on_regions_without_memory(window, latency, rules, threshold):
    event = EventDefinition(threshold=threshold, window_hours=window, latency_hours=latency, rules=rules)
    images, flares = made(event, regions=REGIONS, days=DAYS)
    check(images, previous_by_labels(images, event).flared, images["noaa_ar"])
    check(images, previous_by_flares(images, flares, event).flared, images["noaa_ar"])


@pytest.mark.parametrize("latency", [0.0, 24.0])
@pytest.mark.parametrize("window", [6.0, 48.0, 72.0])
def test_the_verification_shows_none_where_the_unknown_is_forecast_by_climatology(window, latency):
    event = EventDefinition(threshold="M1.0", window_hours=window, latency_hours=latency)
    images, flares = made(event, regions=REGIONS, days=DAYS)
    for listed in (None, flares):
        rows = images.assign(probability=0.3)
        found = verify(rows, event=event, flares=listed, climatology=0.39, replicates=200, level=0.999)
        assert found["previous"]["unknown"] > 0
        row = found["baselines"]["persistence"]["decision"]["scores"]["tss"]
        assert row["low"] <= 0 <= row["high"]


@pytest.mark.parametrize("window", [6.0, 24.0, 72.0])
def test_persistence_has_no_skill_on_a_disk_without_memory(window):
    event = EventDefinition(window_hours=window, latency_hours=6, scope="disk")
    images, flares = made(event, regions=1, days=20 * window, classes=("C3.0",))
    blocks = pd.Series(np.arange(len(images)) // (4 * int(window)))  # longer than any window remembers
    images = images.assign(noaa_ar=pd.Series(None, index=images.index, dtype="Int32"))
    elsewhere = flares.table.assign(noaa_ar=pd.Series(np.arange(len(flares.table)) % 7 + 11000, dtype="Int32"))
    check(images, previous_by_labels(images, event).flared, blocks)
    check(images, previous_by_flares(images, FlareList(elsewhere, flares.covered), event).flared, blocks)


def test_the_check_sees_the_future_that_labels_of_48_hours_hold_after_24():
    event = EventDefinition(window_hours=48)
    images, _ = made(event, regions=REGIONS, days=DAYS)
    a_day_back = images.set_index(["noaa_ar", images["time"] + pd.Timedelta(hours=24)])["label"].astype(float)
    flared = a_day_back.reindex(pd.MultiIndex.from_frame(images[["noaa_ar", "time"]])).to_numpy()
    assert tss_interval(images, flared, images["noaa_ar"])["low"] > 0.25
