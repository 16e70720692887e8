"""Is what the commands do to be had from Python, under the names that `flarescope.__all__` lists?"""

import inspect
from importlib.util import find_spec

import pytest

import flarescope
from fakes import draw_blank, use_fake_network, write_set


def test_every_public_name_is_there_and_says_what_it_is():
    for name in flarescope.__all__:
        assert inspect.getdoc(getattr(flarescope, name)), name


def test_no_public_name_is_also_a_module_which_an_import_would_put_in_its_place():
    assert [name for name in flarescope.__all__ if find_spec(f"flarescope.{name}")] == []


def test_the_whole_job_goes_without_a_command(tmp_path, monkeypatch):
    use_fake_network(monkeypatch)
    draw_blank(monkeypatch)
    paths = write_set(tmp_path, regions={"all": list(range(1121, 1141))}, images_a_region=4)
    flares = tmp_path / "flares.csv"
    rows = [f"2010-11-10T15:{3 * number // 2:02d},M2.0,{11121 + number}" for number in range(0, 20, 2)]
    rows += ["2010-11-09T00:00,B1.0,11000", "2010-11-12T00:00,B1.0,11000"]
    flares.write_text("\n".join(["time,flare,noaa_ar", *rows]) + "\n")
    event = flarescope.EventDefinition(threshold="M1.0", window_hours=12, latency_hours=1)
    out = tmp_path / "catalogue.parquet"
    labelled = flarescope.label(paths["images"], flares=[flares], out=out, rule=event, flux_scale="science")
    assert labelled.table["label"].sum() == 20  # ten regions, of each the two images from 02:36 on
    flarescope.select(out, rules=flarescope.SelectionRules(), out=tmp_path / "selected.parquet")
    rules = flarescope.SplitRules(how="region", fractions=(0.5, 0.25, 0.25))
    table = tmp_path / "split.parquet"
    flarescope.split(tmp_path / "selected.parquet", rules=rules, out=table)
    assert [finding for finding in flarescope.check([table]) if finding.severity == "error"] == []
    run = flarescope.train(train=table, validation=table, images=paths["images"], out=tmp_path / "runs/m")
    with pytest.warns(UserWarning, match="fewer"):
        flarescope.calibrate(run.path, method="none")
    flarescope.evaluate(run.path, table=table, images=paths["images"], verifying=flarescope.Verifying(replicates=20))
    assert flarescope.report(run.path).page.is_file()
    image = sorted(paths["images"].rglob("*.png"))[0]
    predicted = flarescope.predict(str(run.path), str(image))
    assert predicted.forecasts["event"].tolist() == ["M1.0/12+1"]
    assert flarescope.compare(run.path, run.path)["n"] == 20
