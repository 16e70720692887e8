"""Does the whole path run on real magnetograms, by region, with the true network (random filters)?

The patches are few and of one or two violent regions: what is measured here says nothing of the quality of a forecast.
"""

import json

import pandas as pd
import pytest

import flarescope
from flarescope.parquet_tables import write_parquet
from real_data import REAL_DATA, needs_real_data

# By region: the flaring 11429 and quiet patches train, 11428 (which has both) validates, 11158 and others test.
SPLIT = {1449: "train", 1446: "train", 1457: "train", 1447: "validation", 377: "test", 1455: "test", 1460: "test"}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    table = pd.read_csv(REAL_DATA / "hmi" / "labels_derived.csv")
    table = table[table["harpnum"].isin(SPLIT)]
    table = table[(table["harpnum"] != 377) | (table.index % 10 == 0)]
    largest = table["max_flare_24h_eventList"].fillna("0")
    rows = pd.DataFrame(
        {
            "filename": table["file"],
            # Patches without a NOAA region keep their HARP number: what counts is that a patch is on one side only.
            "noaa_ar": table["noaa_ars"].str.split().str[0].fillna(table["harpnum"].astype(int)).astype(int),
            "label": largest.str[0].isin(["C", "M", "X"]).astype(int),
            "split": table["harpnum"].astype(int).map(SPLIT),
        }
    )
    path = tmp_path_factory.mktemp("real") / "catalogue.parquet"
    write_parquet(rows, path)
    return path


@needs_real_data
@pytest.mark.slow
@pytest.mark.xdist_group("network")
@pytest.mark.usefixtures("random_network_everywhere")
def test_train_evaluate_and_forecast_on_real_fits(catalogue):
    images, out = REAL_DATA / "hmi", catalogue.parent / "run"
    compute = flarescope.Compute(workers=2)
    common = {"images": images, "compute": compute, "reporter": flarescope.Reporter()}
    run = flarescope.train(train=catalogue, validation=catalogue, out=out, backbone="random", **common)
    described = json.loads((out / "run.json").read_text())
    assert described["store"]["rendering"] == "reference-fits"
    assert [row["epoch"] for row in run.history()] == [1, 2, 3, 4, 5]
    evaluation = flarescope.evaluate(out, table=catalogue, **common)
    rows = pd.read_parquet(catalogue)
    test = rows[rows["split"] == "test"]
    assert len(evaluation.forecasts) == len(test) == sum(evaluation.table.counts().values())
    assert evaluation.table.tp + evaluation.table.fn == test["label"].sum() > 0
    files = [images / name for name in test["filename"][:3]]
    forecasts = flarescope.load(out).forecast(files, compute=compute, reporter=flarescope.Reporter())
    again = evaluation.forecasts["probability"].head(3)
    assert forecasts["probability"].tolist() == pytest.approx(again.tolist(), abs=0.02)  # bf16, other batches
    assert forecasts["time"].notna().all()
    assert forecasts["noaa_ar"].iloc[0] in rows["noaa_ar"].tolist()
