"""Are forecasts of patches that show several regions scored by all of their regions?"""

import numpy as np
import pandas as pd
import pytest

import plain_persistence
from flarescope.catalog.labels import label_catalogue
from flarescope.catalog.noaa_events import read_flares
from flarescope.connected import region_sets
from flarescope.events import EventDefinition
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.listing import list_images
from flarescope.scores.previous import previous_by_flares, previous_by_labels
from flarescope.scores.verify import verify
from flarescope.tables import check_catalogue, forecast_table, read_forecasts
from real_data import REAL_DATA, needs_real_data
from test_connected import PATCHES
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
