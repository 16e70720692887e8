"""Are several events forecast by head and region model together, each by its own and all in order?"""

import json

import numpy as np
import pandas as pd
import pytest

from fakes import train_three_epochs, use_fake_network, write_set
from flarescope.catalog.boucheron import read_table
from flarescope.cli import main
from flarescope.forecaster.with_regions import read_with_regions
from flarescope.pipeline.catalogues.listing import write_catalogue
from flarescope.scores.contingency import count
from made_events import EVENTS, label_rows
from made_regions import write_set_record

SPLITS = {"train": [*range(1121, 1133)], "validation": [*range(1141, 1146)], "test": [*range(1151, 1154)]}


@pytest.fixture(scope="module")
def run_and_words(tmp_path_factory):
    """A run of three events with a region model of each, by a fake network; its set, and a record of its regions."""
    place = tmp_path_factory.mktemp("events")
    data = write_set(place / "set", regions=SPLITS)
    tables = [label_rows(read_table(data[split]).assign(split=split)) for split in SPLITS]
    write_catalogue(pd.concat(tables, ignore_index=True), place / "events.parquet", EVENTS)
    regions, flares = write_set_record(place, [number for numbers in SPLITS.values() for number in numbers])
    record = ("--with", "mcintosh", "--regions", regions, "--flares", flares, "--quiet")
    table = place / "events.parquet"
    with pytest.MonkeyPatch.context() as patch:
        use_fake_network(patch)
        train_three_epochs(data, place / "run", *record[:-1], train=table, validation=table)
    return place / "run", data["images"], table, record


def call(*words):
    return main([str(word) for word in words])


def test_all_events_are_evaluated_with_their_region_models_and_predicted_alike(run_and_words, tmp_path, monkeypatch):
    run, images, table, record = run_and_words
    use_fake_network(monkeypatch)
    assert call("evaluate", run, "--table", table, "--images", images, "--replicates", "0", *record) == 0
    assert not (run / "scores.json").exists()  # what the heads alone were worth is another evaluation
    found = pd.read_parquet(run / "with_regions/forecasts/test.parquet")
    c24, m24, c48 = (found[f"probability_{event.name}"] for event in EVENTS)
    assert (m24 <= c24).all()
    assert (c24 <= c48).all()
    order = json.loads((run / "with_regions/scores.json").read_text())["order"]
    assert call("predict", run, images / "1152", *record, "--parquet", tmp_path / "p.parquet") == 0
    forecast = pd.read_parquet(tmp_path / "p.parquet")
    own = (found["noaa_ar"] == 11152).to_numpy()
    for event in EVENTS:
        joined = read_with_regions(run / "events" / event.name)
        alone = pd.read_parquet(run / f"events/{event.name}/with_regions/forecasts/test.parquet")["probability"]
        both, labels = found[f"probability_{event.name}"], found[f"label_{event.name}"]
        threshold = joined.choice.threshold
        assert order[event.code]["tss"] == pytest.approx(count(labels, alone >= threshold).tss)
        assert order[event.code]["tss_ordered"] == pytest.approx(count(labels, both >= threshold).tss)
        np.testing.assert_allclose(forecast[f"probability_{event.name}"], both[own], atol=1e-6)
        assert (forecast[f"yes_{event.name}"] == (forecast[f"probability_{event.name}"] >= threshold)).all()
        assert forecast[f"regions_{event.name}"].notna().all()


def test_one_event_of_a_run_is_evaluated_with_its_region_model(run_and_words, monkeypatch, capsys):
    run, images, table, record = run_and_words
    use_fake_network(monkeypatch)
    words = ("evaluate", run, "--table", table, "--images", images, "--replicates", "0", *record, "--event", "M1.0/24")
    assert call(*words, "--json") == 0
    scores = json.loads(capsys.readouterr().out)
    assert (scores["event"]["threshold"], scores["with_regions"]["name"]) == ("M1.0", "mcintosh")


def test_a_model_file_has_no_region_model_beside_it(run_and_words, monkeypatch, capsys):
    run, images, _, record = run_and_words
    use_fake_network(monkeypatch)
    for file in (run / "model.hdf5", next((run / "events/M1.0_24h").glob("model.*.hdf5"))):
        assert call("predict", file, images / "1152", *record) == 2
        assert "no region model lies beside a model file; give the folder of its run" in capsys.readouterr().err
