"""Do the numbers that describe a region say what its summaries and its earlier flares say, and nothing later?"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.catalog.noaa_flares import FLARE_DTYPES
from flarescope.catalog.noaa_regions import REGION_DTYPES
from flarescope.regions import PARTS, region_features
from flarescope.regions.history import LONG_AGO_H, NO_FLUX
from flarescope.regions.pairs import pairs_before
from real_data import flares_since_1996, needs_real_data, reads_since_1996, region_days_since_1996


def utc(text):
    return pd.Timestamp(text, tz="UTC")


def regions_of(*rows):
    """Rows of day, number, McIntosh class, area, longitude, Carrington longitude."""
    frame = pd.DataFrame(
        {
            "day": [utc(row[0]) for row in rows],
            "section": "I",
            "noaa_ar": [row[1] for row in rows],
            "latitude_deg": 10.0,
            "longitude_deg": [row[4] for row in rows],
            "carrington_deg": [row[5] for row in rows],
            "area_msh": [row[3] for row in rows],
            "mcintosh": [row[2] for row in rows],
            "extent_deg": 5,
            "spots": 7,
            "hale": "Beta-Gamma",
        }
    ).astype(REGION_DTYPES)
    return frame.assign(issued=frame["day"] + pd.Timedelta(minutes=30))


def flares_of(*rows):
    """Rows of peak, class, region."""
    frame = pd.DataFrame(rows, columns=["time", "flare", "noaa_ar"]).reindex(columns=list(FLARE_DTYPES))
    frame["time"] = pd.to_datetime(frame["time"], utc=True)
    return frame.astype(FLARE_DTYPES)


def described(regions, flares):
    return pd.concat(region_features(regions, flares).values(), axis=1)


def test_the_letters_and_numbers_of_a_row():
    found = described(regions_of(("2014-10-22", 12192, "Fkc", 2610, -13.0, 247)), flares_of()).iloc[0]
    assert [found[name] for name in ("zurich_f", "zurich_e", "penumbra_k", "compactness_c")] == [1, 0, 1, 1]
    assert [found[name] for name in ("zurich_rank", "penumbra_rank", "compactness_rank")] == [6, 5, 3]
    assert [found[name] for name in ("beta", "gamma", "delta")] == [1, 1, 0]
    assert found["area"] == pytest.approx(np.log(2611))
    assert (found["longitude_size_deg"], found["beyond_east_deg"]) == (13, 0)
    assert (found["age_days"], found["emerged"]) == (0, 1)
    assert np.isnan(found["area_since_yesterday"])


def test_what_a_summary_does_not_say_is_not_a_number():
    regions = regions_of(("2014-10-22", 12192, "Fkc", 2610, -13.0, 247)).assign(mcintosh=None, hale=None, area_msh=None)
    found = described(regions.astype(REGION_DTYPES), flares_of()).iloc[0]
    for name in ("zurich_f", "zurich_rank", "compactness_o", "delta", "area", "area_largest", "share_of_area"):
        assert np.isnan(found[name]), name
    assert found["spots"] == pytest.approx(np.log(8))


def test_changes_are_from_yesterday_the_first_day_and_the_largest():
    rows = [("2014-10-20", 5, "Dso", 99), ("2014-10-21", 5, "Eko", 399), ("2014-10-23", 5, "Dso", 199)]
    found = described(regions_of(*((*row, -80.0, 1) for row in rows)), flares_of())
    logs = np.log([100, 400, 200])
    assert found["area_since_yesterday"].tolist() == pytest.approx([np.nan, logs[1] - logs[0], np.nan], nan_ok=True)
    assert found["area_since_first"].tolist() == pytest.approx(logs - logs[0])
    assert found["area_below_largest"].tolist() == pytest.approx([0, 0, logs[1] - logs[2]])
    assert found["zurich_rank_largest"].tolist() == [4, 5, 5]
    assert found["age_days"].tolist() == [0, 1, 3]
    assert found["emerged"].tolist() == [0, 0, 0]


def test_flares_are_counted_by_region_class_and_hours():
    regions = regions_of(("2014-10-22", 7, "Fkc", 100, 0.0, 1), ("2014-10-22", 8, "Axx", 10, 0.0, 1))
    flares = flares_of(
        ("2014-10-22T00:30", "C1.0", 7),  # at the moment of issue
        ("2014-10-22T00:31", "X9.0", 7),  # a minute later
        ("2014-10-21T19:30", "M2.0", 7),  # 5 h before
        ("2014-10-21T18:30", "B9.9", 7),  # too small
        ("2014-10-19T00:29", "X1.0", 7),  # 72 h and a minute before
        ("2014-10-22T00:00", "C3.0", None),
        ("2014-10-21T19:30", "M2.0", 7),  # listed twice
    )
    found = described(regions, flares)
    counts = np.expm1(found[["flares_c_6h", "flares_c_72h", "flares_c_life", "flares_m_6h", "flares_x_life"]])
    assert counts.iloc[0].tolist() == pytest.approx([2, 2, 3, 1, 1])
    assert counts.iloc[1].tolist() == [0] * 5
    assert np.expm1(found["rate_6h"][0]) == pytest.approx(1 + np.exp(-5 / 6) + np.exp(-(72 + 1 / 60) / 6))
    assert np.expm1(found["flux_12h"][0]) == pytest.approx(1 + 20 * np.exp(-5 / 12) + 100 * np.exp(-(72 + 1 / 60) / 12))
    assert found["largest_24h"].tolist() == pytest.approx([np.log10(2e-5), NO_FLUX])
    assert found["largest_life"].tolist() == pytest.approx([-4, NO_FLUX])
    assert np.expm1(found[["since_c", "since_m"]]).to_numpy().tolist() == [
        pytest.approx([0, 5]),
        pytest.approx([LONG_AGO_H] * 2),
    ]
    assert np.expm1(found["disk_c_1d"]).tolist() == pytest.approx([3, 3])
    assert np.expm1(found["unnumbered_1d"]).tolist() == pytest.approx([1, 1])
    assert found["disk_regions"].tolist() == [2, 2]
    assert found["disk_area"].tolist() == pytest.approx([np.log(111)] * 2)


def test_the_course_of_flares_is_told_by_their_decaying_counts():
    regions = regions_of(("2014-10-22", 7, "Fkc", 100, 0.0, 1), ("2014-10-22", 8, "Axx", 10, 0.0, 1))
    found = described(regions, flares_of(("2014-10-21T12:30", "M2.0", 7), ("2014-10-20T00:30", "C2.0", 7)))
    fast, slow = np.exp(-1) + np.exp(-4), np.exp(-12 / 72) + np.exp(-48 / 72)
    quiet = [0, np.log(0.5 / 1.5), np.log(0.1 / 0.5)]
    assert found["rate_trend"].tolist() == pytest.approx([np.log((fast / 12 + 0.02) / (slow / 72 + 0.02)), quiet[0]])
    strong = np.exp(-12 / 72) + 0.5
    assert found["share_c5"].tolist() == pytest.approx([np.log(strong / (slow + 1.5)), quiet[1]])
    m1 = np.exp(-12 / 168)
    assert found["share_m"].tolist() == pytest.approx([np.log((m1 + 0.1) / (m1 + 0.5)), quiet[2]])


def test_flares_are_as_long_as_was_known_when_the_forecast_was_issued():
    regions = regions_of(("2014-10-22", 7, "Fkc", 100, 0.0, 1), ("2014-10-22", 8, "Axx", 10, 0.0, 1))
    flares = flares_of(("2014-10-22T00:30", "M2.0", 7), ("2014-10-21T12:30", "C2.0", 7), ("2014-10-20T12:30", "X1", 7))
    w = np.exp(-np.array([0, 12, 36]) / 24)

    def duration(begin, end):
        told = flares.assign(begin=pd.to_datetime(begin, utc=True), end=pd.to_datetime(end, utc=True))
        return described(regions, told.astype(FLARE_DTYPES))["duration_24h"].tolist()

    begin = ["2014-10-22T00:15", "2014-10-21T12:00", None]
    # The first goes on after the moment of issue; of the last nothing is known, and an X lasts 26 minutes as a rule.
    expected = [(w @ [15, 80, 26]) / (w.sum() + 1), 0]
    for last in ("2014-10-22T00:30", "2014-10-22T03:00"):
        assert duration(begin, [last, "2014-10-21T13:20", None]) == pytest.approx(expected)
    # An end that is not listed: begin and the usual minutes, 13 of a C, and not beyond the moment of issue.
    assert duration(begin, [None] * 3)[0] == pytest.approx((w @ [15, 13, 26]) / (w.sum() + 1))
    bare = described(regions, flares[["noaa_ar", "time", "flare"]])["duration_24h"]
    assert bare[0] == pytest.approx((w @ [20, 13, 26]) / (w.sum() + 1))
    unknown = described(regions, flares.assign(begin=pd.NaT, end=None))["duration_24h"]
    assert unknown[0] == bare[0]


def test_an_old_region_a_rotation_ago_is_found_by_its_place():
    old = [("2014-10-01", 3, "Ekc", 500, 60.0, 250), ("2014-10-02", 3, "Dko", 300, 75.0, 251)]
    new = [("2014-10-17", 9, "Dso", 100, -80.0, 247), ("2014-10-17", 10, "Dso", 100, -80.0, 200)]
    found = described(regions_of(*old, *new), flares_of(("2014-10-01T12:00", "M1.0", 3)))
    assert found["returned"].tolist() == [0, 0, 1, 0]
    assert np.expm1(found["returned_flares_m"]).tolist() == pytest.approx([0, 0, 1, 0])
    assert found["returned_area"].tolist() == pytest.approx([0, 0, np.log(501), 0])


@given(st.data())
def test_pairs_are_those_of_a_plain_search(data):
    hours = st.integers(0, 200)
    rows = data.draw(st.lists(st.tuples(hours, st.integers(0, 3)), max_size=8))
    flares = data.draw(st.lists(st.tuples(hours, st.integers(0, 3)), max_size=8))
    reach = data.draw(st.sampled_from([None, 0, 24, 1000]))
    start = utc("2014-01-01")

    def split(pairs):
        times = pd.Series([start + pd.Timedelta(hours=hour) for hour, _ in pairs], dtype="datetime64[us, UTC]")
        return times, np.array([key for _, key in pairs], dtype=np.int64)

    found = pairs_before(*split(rows), *split(flares), reach_hours=reach)
    plain = {
        (i, j)
        for i, (issued, key) in enumerate(rows)
        for j, (peak, other) in enumerate(flares)
        if key == other and peak <= issued and (reach is None or issued - peak <= reach)
    }
    assert set(zip(*(side.tolist() for side in found), strict=True)) == plain
    assert len(found[0]) == len(plain)


@pytest.fixture(scope="module")
def since_1996():
    table = region_days_since_1996()[0].drop_duplicates(["noaa_ar", "day"])
    inside = table["day"].between(utc("2003-09-01"), utc("2003-12-01"))
    regions = table[inside].reset_index(drop=True)
    regions["issued"] = regions["day"] + pd.Timedelta(minutes=30)
    return regions, flares_since_1996().table


@needs_real_data
@reads_since_1996
def test_what_comes_after_a_forecast_changes_nothing_of_it(since_1996):
    regions, flares = since_1996
    whole = region_features(regions, flares)
    now = utc("2003-10-28T00:30")
    before = regions["issued"] <= now
    later = flares["time"] > now
    moved = flares.assign(time=flares["time"].where(~later, flares["time"] + pd.Timedelta(hours=5)))
    moved["flare"] = moved["flare"].where(~later, "X9.9")
    goes_on = ~later & (flares["end"] > now)
    assert goes_on.any()
    moved["end"] = moved["end"].where(~goes_on & ~later, moved["end"] + pd.Timedelta(hours=3))
    grown = regions.assign(
        area_msh=regions["area_msh"].where(before, 3000), mcintosh=regions["mcintosh"].where(before, "Fkc")
    )
    tampered = region_features(grown, moved)
    assert before.sum() == 258
    for part in PARTS:
        pd.testing.assert_frame_equal(tampered[part][before], whole[part][before])
        pd.testing.assert_frame_equal(
            region_features(regions[before], flares[~later])[part], whole[part][before], check_exact=False, rtol=1e-12
        )
    assert not tampered["history"][~before].equals(whole["history"][~before])


@needs_real_data
@reads_since_1996
def test_the_order_of_the_rows_changes_nothing(since_1996):
    regions, flares = since_1996
    mixed = regions.sample(frac=1, random_state=0)
    whole, other = (described(rows, flares) for rows in (regions, mixed))
    pd.testing.assert_frame_equal(other.sort_index(), whole, check_exact=False, rtol=1e-12)


@needs_real_data
@reads_since_1996
def test_a_great_region_of_2003_is_told_by_its_numbers(since_1996):
    regions, flares = since_1996
    found = described(regions, flares)
    row = found[(regions["noaa_ar"] == 10486) & (regions["day"] == utc("2003-10-29"))].iloc[0]
    assert [row[name] for name in ("zurich_f", "delta", "penumbra_k")] == [1, 1, 1]
    # The X17 of 2003-10-28 11:10 is the largest of its life until then.
    assert row["largest_life"] == pytest.approx(np.log10(17e-4))
    assert row["largest_24h"] == row["largest_life"]
