"""Is what shares an error drawn together: regions, HARPs, blocks of time as long as the error is remembered?"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

import flarescope
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.scores.clusters import check_resample, clusters_of, column_of
from flarescope.scores.interval_notes import _memory_words
from flarescope.scores.memory import FEWEST_BLOCKS, Memory, autocorrelation, error_memory, usual_blocks, wanted_hours
from flarescope.scores.verify import verify

DISK = EventDefinition(threshold="M1.0", scope="disk")


def hours(number, step=1):
    return pd.Series(pd.date_range("2012-01-01", periods=number, freq=f"{step}h", tz="UTC"))


def series(number=2000, memory_hours=30.0, seed=0, step=1):
    """Make a whole-disk series whose error is remembered for about so long."""
    rng = np.random.default_rng(seed)
    keep = np.exp(-step / memory_hours)
    walk = lfilter([np.sqrt(1 - keep**2)], [1, -keep], rng.normal(size=number))
    label = (walk + 0.3 * rng.normal(size=number) > 0.8).astype(int)
    probability = 1 / (1 + np.exp(-2 * (0.7 * walk + 0.5 * np.roll(walk, 400)) + 1))
    return pd.DataFrame({"time": hours(number, step), "label": label, "probability": probability})


def plain_autocorrelation(times, error, lag):
    """Pair by pair, as it is defined."""
    at = dict(zip(times, error, strict=True))
    mean = np.mean(list(at.values()))
    pairs = [
        (at[time] - mean) * (at[time + pd.Timedelta(hours=lag)] - mean)
        for time in at
        if time + pd.Timedelta(hours=lag) in at
    ]
    return np.mean(pairs) / np.mean([(value - mean) ** 2 for value in at.values()])


def test_the_autocorrelation_is_that_of_every_pair_gaps_or_not():
    rng = np.random.default_rng(1)
    error = np.cumsum(rng.normal(size=400))
    kept = rng.random(400) > 0.3
    times = hours(400)[kept]
    lags, found = autocorrelation(times, error[kept])
    assert lags[:3].tolist() == [0, 1, 2]
    for lag in (1, 5, 24, 100):
        assert found[lag] == pytest.approx(plain_autocorrelation(times, error[kept], lag), abs=1e-9)
    order = rng.permutation(kept.sum())
    assert np.allclose(autocorrelation(times.iloc[order], error[kept][order])[1], found, equal_nan=True)


def test_the_memory_of_a_known_process_is_found():
    steps = np.random.default_rng(0).normal(size=100_000)
    walk = lfilter([1], [1, -np.exp(-0.1)], steps)
    known = error_memory(hours(len(walk)), walk)
    assert known.hours == pytest.approx(10 * np.log(10), abs=2)  # exp(-t / 10 h) is 0.1 after 23 h
    assert known.lags_hours == (1, 24, 168)
    assert known.autocorrelation[0] == pytest.approx(np.exp(-0.1), abs=0.01)


def test_a_memory_needs_times_and_an_error_that_changes():
    assert error_memory(hours(2), np.array([0.0, 1.0])) is None
    assert error_memory(hours(100), np.full(100, 0.25)) is None
    assert error_memory(pd.Series(pd.NaT, index=range(9), dtype="datetime64[us, UTC]"), np.arange(9.0)) is None


def test_blocks_are_long_enough_as_long_as_there_are_ten():
    long_series = hours(24 * 3000, 1)
    for memory, expected in ((3.0, "day"), (24.0, "week"), (40.0, "carrington"), (None, "carrington")):
        assert usual_blocks(long_series, Memory(memory, (), ()), 24) == expected
    weeks = hours(24 * 7 * FEWEST_BLOCKS)
    assert usual_blocks(weeks, Memory(90.0, (), ()), 24) == "week"
    assert usual_blocks(hours(24 * 20), Memory(90.0, (), ()), 24) == "day"
    assert usual_blocks(hours(24), None, 24) == "day"
    assert wanted_hours(Memory(86.0, (), ())) == 7 * 86


def test_auto_is_the_region_where_there_is_one_and_else_a_block_of_time():
    rows = series(24 * 400).assign(noaa_ar=pd.array([11_000 + i // 200 for i in range(24 * 400)], dtype="Int32"))
    assert clusters_of([rows], None).unit.one == "region"
    assert clusters_of([rows], DISK).unit.hours is not None
    nameless = rows.assign(noaa_ar=pd.array([None] * len(rows), dtype="Int32"))
    found = clusters_of([nameless], None)
    assert found.unit.hours >= wanted_hours(found.memory)
    assert clusters_of([rows], None, "week").unit.one == "week"
    assert clusters_of([rows], DISK, "region").unit.one == "region"


def test_a_column_or_harps_are_drawn_whole_and_what_is_missing_is_said_in_a_line():
    rows = series(600).assign(noaa_ar=pd.array([11_158] * 600, dtype="Int32"), harpnum=np.repeat(range(6), 100))
    found = clusters_of([rows], None, "harp")
    assert (found.unit.many, found.of_rows.nunique()) == ("HARPs", 6)
    named = clusters_of([rows.assign(station=["a", "b", None] * 200)], None, "station")
    assert named.unit.many == "values of station"
    assert named.of_rows.isna().sum() == 200
    for word, message in (("station", "expected a word it knows or a column"), ("harp", "column harp or harpnum")):
        with pytest.raises(InputError, match=message):
            clusters_of([rows.drop(columns="harpnum")], None, word)
    with pytest.raises(InputError, match="200 of 600 rows are of no value of station"):
        verify(rows.assign(station=["a", "b", None] * 200), resample="station", replicates=50)
    with pytest.raises(InputError, match="--resample says nothing"):
        check_resample(" ")
    with pytest.raises(InputError, match="more than 0"):
        flarescope.Verifying(resample="0h")
    assert column_of("12h") == column_of("auto") == ()


def test_the_method_and_the_memory_stand_beside_the_intervals():
    rows = series(24 * 120)
    found = verify(rows, event=DISK, resample="12h", replicates=200)
    assert found["settings"]["unit"]["many"] == "blocks of 12 hours"
    assert found["settings"]["memory"]["lags_hours"] == [1, 24, 168]
    assert any("shorter than the event's window of 24 h" in note for note in found["notes"])
    assert any(note.startswith("Autocorrelation of the error") for note in found["notes"])
    short = verify(rows, event=DISK, resample="day", replicates=200)
    assert any("Neighbouring days need not be independent" in note for note in short["notes"])
    long = verify(series(24 * 400, memory_hours=2.0), event=DISK, replicates=200)
    assert not any("Neighbouring" in note for note in long["notes"])


def test_of_the_memory_no_more_is_said_than_is_known():
    """0.0958 at 24 h is below 0.1 and would be 0.10 in two digits; that of 12 h is the first below, not the last."""
    said = _memory_words(Memory(12.0, (24.0,), (0.0958,)))
    assert said.endswith("label: 0.096 at 24 h; it is first below 0.1 at 12 h.")
    unknown = _memory_words(Memory(None, (), ()))
    assert unknown.endswith("known at no lag that is told here; where it falls below 0.1 these rows do not show.")
    rotations = verify(series(24 * 120), event=DISK, resample="carrington", replicates=200)["notes"]
    assert not any("--resample carrington" in note for note in rotations)


def test_a_table_of_anybodys_is_resampled_by_its_own_column(tmp_path):
    rows = series(600).assign(campaign=[f"c{i // 50}" for i in range(600)])
    rows.to_csv(tmp_path / "f.csv", index=False)
    found = flarescope.verify_table(
        tmp_path / "f.csv", event=DISK, verifying=flarescope.Verifying(resample="campaign", replicates=100)
    )
    assert (found["settings"]["clusters"], found["settings"]["unit"]["one"]) == (12, "value of campaign")
    by_name = verify(rows, event=DISK, resample="50h", replicates=100)["decisions"]["argmax"]["scores"]["tss"]
    tss = found["decisions"]["argmax"]["scores"]["tss"]
    assert tss["value"] == by_name["value"]
    assert tss["low"] < tss["value"] < tss["high"]


@given(st.integers(0, 2**31), st.sampled_from(["day", "week", "48h", "auto"]))
def test_the_order_of_the_rows_changes_no_block(seed, resample):
    rows = series(24 * 30, seed=3)
    a, b = (clusters_of([table], DISK, resample) for table in (rows, rows.sample(frac=1, random_state=seed)))
    assert a.of_rows.tolist() == b.of_rows.sort_index().tolist()
    assert (a.unit, a.memory.hours) == (b.unit, b.memory.hours)
