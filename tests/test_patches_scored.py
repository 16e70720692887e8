"""Are forecasts of patches that show several regions scored by all of their regions?"""

import re

import numpy as np
import pandas as pd
import pytest

import plain_persistence
from fakes import draw_blank
from flarescope.blocks import GROUP
from flarescope.catalog.labels import label_catalogue
from flarescope.catalog.noaa_events import read_flares
from flarescope.connected import region_groups, region_sets
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.html_report import ReportInputs, drawings
from flarescope.html_report.sections import interval_sentence
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.catalogues.listing import list_images
from flarescope.scores.bootstrap import region_codes
from flarescope.scores.compare import compare
from flarescope.scores.previous import previous_by_flares, previous_by_labels
from flarescope.scores.verify import verify
from flarescope.tables import check_catalogue, forecast_table, read_forecasts
from flarescope.wording import interval_words
from real_data import REAL_DATA, needs_real_data
from test_connected import PATCHES, patch_set, run
from test_scores_previous import NOW, listed, patches

DAY = EventDefinition()


def made(*rows, **more):
    """A catalogue of `(noaa_ars, time, label)`."""
    frame = patches(*rows, **more).drop(columns="probability")
    return check_catalogue(frame.assign(filename=[f"{number}.fits" for number in range(len(frame))]), "made")


def test_images_of_the_same_regions_have_one_number():
    rows = made(("11429,11430", NOW, 0), ("11430,11429", NOW, 0), ("11430", NOW, 0), (None, NOW, 0))
    assert region_sets(rows).tolist() == [100_000, 100_000, 11430, -1]
    rows = rows.assign(principal_only=pd.array([1, None, None, None], "Int8"))
    assert region_sets(rows, labelling=True).tolist() == [11429, 100_000, 11430, -1]
    assert region_sets(rows.drop(columns="noaa_ars")).tolist() == [11429, 11430, 11430, -1]


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_forecasts_keep_the_regions_of_a_patch(tmp_path, suffix):
    table = forecast_table(made(("11429,11430", NOW, 1), ("11431", NOW, 0)), "test", np.array([0.5, 0.25]))
    assert table["noaa_ars"].fillna("-").tolist() == ["11429,11430", "-"]
    assert "principal_only" not in table
    path = tmp_path / f"f.{suffix}"
    if suffix == "csv":
        table.to_csv(path, index=False)
    else:
        write_parquet(table, path)
    pd.testing.assert_frame_equal(read_forecasts(path), table)
    alone = forecast_table(made(("11431", NOW, 0)), "test", np.array([0.5]))
    assert "noaa_ars" not in alone


def test_persistence_of_a_patch_says_yes_where_its_second_region_flared():
    # Yes for both patches of 11429 and 11430, where 11430 flared; no for 11428.
    rows = made(("11429,11430", NOW, 1), ("11430,11429", NOW, 0), ("11428", NOW, 0))
    forecasts = forecast_table(rows, "test", np.array([0.5, 0.5, 0.5]))
    flares = listed((11430, "2012-03-06 02:00", "C1.0"))
    found = verify(forecasts, event=DAY, flares=flares, replicates=0)
    decision = found["baselines"]["persistence"]["decision"]
    assert [decision[name] for name in ("tp", "fn", "fp", "tn")] == [1, 0, 1, 1]
    assert "(flares of C1.0 or above of the region, or the regions, that its label is of)" in " ".join(found["notes"])
    principal = forecast_table(rows.assign(principal_only=pd.array([1, 1, 0], "Int8")), "test", np.full(3, 0.5))
    found = verify(principal, event=DAY, flares=flares, replicates=0)
    decision = found["baselines"]["persistence"]["decision"]
    assert [decision[name] for name in ("tp", "fn", "fp", "tn")] == [0, 1, 1, 1]
    assert "of C1.0 or above of the same region)" in " ".join(found["notes"])


@needs_real_data
@pytest.mark.parametrize(("regions", "hours"), [("all", [26]), ("principal", [])])
def test_persistence_of_real_patches_is_by_the_regions_of_their_labels(tmp_path, regions, hours):
    images = list_images(PATCHES, tmp_path / "scan.parquet", workers=1)
    flares = read_flares(REAL_DATA / "boucheron2023" / "eventList.txt")
    # X1.3 of 11430 on 2012-03-07 at 01:14, after which 11429 had no such flare until the image of 02:24.
    event = EventDefinition(threshold="X1.0", window_hours=1.5)
    table = label_catalogue(images, flares, event, regions=regions).table
    rows = forecast_table(table, "test", np.full(len(table), 0.5))
    found = previous_by_flares(rows, flares, event).flared
    assert found.tolist() == plain_persistence.by_flares(rows, flares, event)
    since = rows["time"][found == 1] - pd.Timestamp("2012-03-06", tz="UTC")
    assert since.dt.round("h").dt.total_seconds().div(3600).tolist() == hours
    # The images lie six hours apart: with windows as long, the label of the one before is the list's window before.
    event = EventDefinition(threshold="M1.0", window_hours=6)
    table = label_catalogue(images, flares, event, regions=regions).table
    rows = forecast_table(table, "test", np.full(len(table), 0.5))
    by_label = previous_by_labels(rows, event).flared
    known = ~np.isnan(by_label)
    assert by_label[known].tolist() == previous_by_flares(rows, flares, event).flared[known].tolist()
    assert 0 < by_label[known & rows["noaa_ars"].notna()].sum() < known.sum()


# Intervals


def sample(regions, joined, *, rows_each=12, seed=0):
    """Every region has events and images without; `joined` maps a region to the further one that its images show."""
    rng = np.random.default_rng(seed)
    numbers = np.repeat(11001 + np.arange(regions), rows_each)
    activity = rng.normal(size=regions)[numbers - 11001]
    labels = (activity + rng.normal(size=len(numbers)) > 0).astype(int)
    labels[::rows_each], labels[1::rows_each] = 0, 1
    shown = [f"{number},{joined[number]}" if number in joined else str(number) for number in numbers]
    times = pd.Timestamp(NOW) + pd.to_timedelta(np.arange(len(numbers)), unit="h")
    rows = made(*zip(shown, times, labels, strict=True))
    return forecast_table(rows, "test", 1 / (1 + np.exp(-activity - rng.normal(size=len(numbers)))))


PAIRS = {11001: 11002, 11003: 11004, 11005: 11004}  # groups: 11001 and 11002; 11003, 11004 and 11005


def test_rows_of_patches_that_share_a_region_are_resampled_together():
    rows = made(("11429,11430", NOW, 1), ("11430,11431", NOW, 0), ("11431", NOW, 0), ("11440", NOW, 0))
    codes, count = region_codes(region_groups(rows))
    assert codes.tolist() == [0, 0, 0, 1]
    assert count == 2
    with pytest.raises(InputError, match="one region only, or regions that images join: an interval needs several"):
        verify(forecast_table(rows.iloc[:3], "test", np.full(3, 0.5)))


@pytest.mark.parametrize(
    ("regions", "groups", "method"), [(12, 9, "jackknife-t"), (42, 39, "jackknife-t"), (63, 60, "percentile")]
)
def test_intervals_are_those_of_the_groups_of_connected_regions(regions, groups, method):
    rows = sample(regions, PAIRS)
    as_one = {11002: 11001, 11004: 11003, 11005: 11003}
    by_group = rows.drop(columns="noaa_ars").assign(noaa_ar=rows["noaa_ar"].replace(as_one))
    found, plain = verify(rows, replicates=60), verify(by_group, replicates=60)
    assert found["decisions"] == plain["decisions"]
    assert found["probability"] == plain["probability"]
    assert found["decisions"] != verify(rows.drop(columns="noaa_ars"), replicates=60)["decisions"]
    settings, counts = found["settings"], found["sample"]
    assert (settings["interval_method"], settings["clusters"], settings["connected"]) == (method, groups, True)
    assert [counts[name] for name in ("regions", "event_regions", "groups", "event_groups")] == [regions] * 2 + [
        groups
    ] * 2
    assert (plain["settings"]["clusters"], plain["settings"]["connected"]) == (groups, False)
    pair = compare(rows, rows.assign(probability=rows["probability"] ** 2), replicates=60)
    expected = compare(by_group, by_group.assign(probability=by_group["probability"] ** 2), replicates=60)
    assert pair["decision"] == expected["decision"]
    assert pair["settings"] == expected["settings"] | {"connected": True, "unit": GROUP.to_json()}


def test_what_is_said_of_the_groups():
    few, many = verify(sample(12, PAIRS)), verify(sample(63, PAIRS), replicates=60)
    freedom = few["settings"]["degrees_of_freedom"]
    assert freedom < 9
    assert interval_words(few["settings"]) == (
        f"by the jackknife over 9 groups of connected regions, Student's t with {freedom:.1f} degrees of freedom"
    )
    assert interval_words(many["settings"]) == "from 60 resamplings of 60 groups of connected regions"
    said = " ".join(few["notes"])
    assert re.search("Only 9 groups of connected regions have events, worth [0-9.]+ of equal weight, too few", said)
    assert "leaving out each group once" in said
    assert "those that an image shows together as one group: 9 groups of 12 regions. The interval" in said
    assert interval_sentence(few).endswith(
        "(12 active regions; 9 of the groups with events), because images of one region can be nearly copies, and an "
        "image that shows several is of each."
    )
    alone = verify(sample(12, {}))
    assert "12 regions have events" in " ".join(alone["notes"])
    assert "group" not in " ".join(alone["notes"]) + interval_words(alone["settings"]) + interval_sentence(alone)


def test_a_table_that_joins_the_regions_of_another_joins_them_in_the_comparison():
    a, b = sample(12, {}), sample(12, PAIRS)
    found = compare(a, b.assign(probability=b["probability"] ** 2))
    assert (found["settings"]["clusters"], found["settings"]["connected"]) == (9, True)


def test_slices_count_the_regions_that_their_rows_show():
    rows = made(("11429,11430", NOW, 1), ("11430", NOW, 0), ("11431", NOW, 0))
    [year] = verify(forecast_table(rows, "test", np.full(3, 0.5)), replicates=0)["slices"]["argmax"]["year"]
    assert (year["regions"], year["event_regions"]) == (3, 2)


def test_the_time_line_of_a_patch_shows_the_flares_of_all_its_regions(monkeypatch):
    shown = []
    monkeypatch.setattr(drawings, "timeline_figure", lambda rows, flares, **_: shown.append(flares["flare"].tolist()))
    rows = sample(3, {11001: 11099})
    flares = listed(*((region, NOW, flare) for region, flare in ((11001, "C1.0"), (11099, "M1.0"), (11050, "X1.0"))))
    inputs = ReportInputs(title="", forecasts=rows, verification=verify(rows), events=flares.table)
    drawings._timelines(inputs)
    assert ["C1.0", "M1.0"] in shown
    assert not any("X1.0" in each for each in shown)


# Runs


def test_a_run_keeps_the_regions_of_patches_from_training_to_the_card(tmp_path, monkeypatch, capsys):
    draw_blank(monkeypatch)
    tables, data, train = patch_set(tmp_path, monkeypatch, {11131: [11132], 11141: [11122]})
    assert run(*train) == 0
    folder, images = tmp_path / "run", ["--images", data["images"]]
    assert pd.read_parquet(folder / "forecasts/validation.parquet")["noaa_ars"].unique().tolist() == ["11131,11132"]
    capsys.readouterr()
    assert run("calibrate", folder, "--method", "none", "--quiet") == 0
    assert "with an event, of 1 group of connected regions (fewer than 40)" in capsys.readouterr().err
    assert run("evaluate", folder, "--table", tables["test"], *images) == 2  # 11122 is in training
    assert run("evaluate", folder, "--table", tables["test"], *images, "--allow-overlap") == 0
    assert "Images join the regions of all rows: no intervals can be made" in capsys.readouterr().err
    assert pd.read_parquet(folder / "forecasts/test.parquet")["noaa_ars"].unique().tolist() == ["11141,11122"]
    assert run("report", folder, "--quiet") == 0
    assert "1 active region is in two splits: scores on them look too good" in (folder / "README.md").read_text()
    assert "REGIONS IN TWO SPLITS: 1" in (folder / "report.html").read_text()
