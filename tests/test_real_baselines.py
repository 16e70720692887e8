"""Do the baselines of real tables, by region and of the whole disk, have the counts that a plain look gives?"""

import numpy as np
import pandas as pd
import pytest

from flarescope.catalog.noaa_events import read_flares
from flarescope.events import EventDefinition
from flarescope.pipeline.foreign import verify_table
from flarescope.pipeline.verifying import Verifying
from flarescope.scores.previous import previous_by_flares, previous_by_labels
from flarescope.scores.verify import verify
from real_data import REAL_DATA, needs_real_data

CASE = REAL_DATA / "cases" / "persistence"
FULL_DISK = REAL_DATA / "foreign_forecasts" / "fulldisk_m1_24h_vgg.csv"
PUBLISHED_LIST = REAL_DATA / "boucheron2023" / "eventList.txt"
M_REGION = EventDefinition(threshold="M1.0")
M_DISK = EventDefinition(threshold="M1.0", scope="disk")
HOUR = pd.Timedelta(hours=1)


def counts(verification, name="persistence"):
    decision = verification["baselines"][name]["decision"]
    return [decision[count] for count in ("tp", "fn", "fp", "tn")]


@pytest.fixture(scope="module")
def full_disk():
    """Hourly forecasts of M1.0+ anywhere within 24 h, 2011 to 2018; the time stands in the path of each image."""
    table = pd.read_csv(FULL_DISK)
    stamp = table["timestamp"].str.extract(r"HMI\.m([0-9._]+)\.jpg")[0]
    time = pd.to_datetime(stamp, format="%Y.%m.%d_%H.%M.%S", utc=True)
    return pd.DataFrame({"time": time, "label": table["target"], "probability": table["flare_prob"]})


@needs_real_data
def test_the_case_only_m_flares_count_for_an_m_task():
    verifying = Verifying(replicates=0, events=CASE / "pev.csv")
    found = verify_table(CASE / "pfc.csv", event=M_REGION, climatology=0.03, verifying=verifying)
    assert counts(found) == [0, 12, 24, 360]
    assert found["previous"]["unknown"] == 0
    # With C flares counted every region had "flared" every day.
    found = verify_table(CASE / "pfc.csv", event=EventDefinition(), climatology=0.03, verifying=verifying)
    assert counts(found) == [12, 0, 384, 0]


@needs_real_data
def test_the_case_a_list_of_m_flares_alone_covers_little():
    # From 2014-01-05 00:00 to its last peak, 2014-01-06 11:00: known are 00:00 and 06:00 of the 6th, 12 regions each.
    verifying = Verifying(replicates=0, events=CASE / "pev_M.csv")
    found = verify_table(CASE / "pfc.csv", event=M_REGION, climatology=0.03, verifying=verifying)
    assert found["previous"]["known"] == 24
    assert found["previous"]["reasons"] == {"windows that the flare list does not cover": 396 - 24}
    # On the 6th at 00:00 the flares of 00:00 (exactly 24 h before) no longer count: 3 regions; at 06:00 those of 07:00,
    # 14:00, 21:00 and 04:00: 4 regions.
    assert counts(found)[0] + counts(found)[2] == 3 + 4
    found = verify_table(CASE / "pfc.csv", event=EventDefinition(), verifying=verifying)
    assert any("no flare below M1.0 is listed" in note for note in found["notes"])


@needs_real_data
def test_a_table_that_does_not_say_its_event_has_no_persistence():
    found = verify_table(CASE / "pfc.csv", verifying=Verifying(replicates=0))
    assert set(found["baselines"]) == {"always_no"}
    assert found["settings"]["event"] is None
    assert any("--event M1.0 --window 24" in note for note in found["notes"])


@needs_real_data
def test_the_disk_before_is_read_off_the_labels_of_the_series(full_disk):
    label = dict(zip(full_disk["time"], full_disk["label"], strict=True))
    expected = [
        next((label[time - age * HOUR] for age in (24, 25, 26) if time - age * HOUR in label), np.nan)
        for time in full_disk["time"]
    ]
    rows = full_disk.assign(noaa_ar=pd.Series(None, index=full_disk.index, dtype="Int32"))
    assert previous_by_labels(rows, M_DISK).flared == pytest.approx(expected, nan_ok=True)
    found = verify(full_disk, event=M_DISK, climatology=0.15, replicates=0)
    assert found["previous"]["unknown"] == int(np.isnan(expected).sum()) == 586
    assert counts(found) == [1243, 1091, 1035, 11419]
    assert set(found["baselines"]) == {"always_no", "climatology", "persistence"}


@needs_real_data
def test_the_disk_before_is_seen_in_a_list_of_flares_of_any_region(full_disk):
    listed = read_flares(PUBLISHED_LIST)
    strong = listed.table[listed.table["flare"].str[0].isin(["M", "X"])].dropna(subset=["time"])
    peaks = np.sort(strong["time"].to_numpy("datetime64[us]"))
    now = full_disk["time"].to_numpy("datetime64[us]")
    day = np.timedelta64(24, "h")
    expected = np.searchsorted(peaks, now, side="right") > np.searchsorted(peaks, now - day, side="right")
    found = verify(full_disk, event=M_DISK, flares=listed, climatology=0.15, replicates=0)
    event = full_disk["label"].to_numpy() == 1
    assert counts(found) == [
        int(part.sum()) for part in (event & expected, event & ~expected, ~event & expected, ~event & ~expected)
    ]
    # Their labels, of another list, and this list agree on 99 % of the days before.
    rows = full_disk.assign(noaa_ar=pd.Series(None, index=full_disk.index, dtype="Int32"))
    by_label = previous_by_labels(rows, M_DISK).flared
    known = ~np.isnan(by_label)
    assert (by_label == previous_by_flares(rows, listed, M_DISK).flared)[known].mean() > 0.99
