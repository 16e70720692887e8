"""Is an issued forecast kept with what it is to be compared with, and verified from there?"""

import pandas as pd
import pytest

from flarescope import region_model
from flarescope.archive import read_archive
from flarescope.cli import main
from flarescope.pipeline.archiving.verifying import verify_archive
from flarescope.pipeline.forecasting.inputs import read_inputs
from flarescope.pipeline.forecasting.issue import issue_forecast
from flarescope.pipeline.forecasting.keeping import keep_forecast
from flarescope.progress import Reporter
from flarescope.regions.model import NO_HISTORY
from flarescope.scores.cases import Sampling
from made_regions import write_made_regions


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_made_regions(tmp_path_factory.mktemp("made"), regions=6)


def test_a_forecast_is_kept_with_mcstat_climatology_and_its_inputs(paths, tmp_path):
    inputs, model = read_inputs([paths[0]], [paths[1]]), region_model()
    forecasts = [
        issue_forecast(
            inputs.regions,
            inputs.flares,
            pd.Timestamp(f"2001-01-{day}T00:30", tz="UTC"),
            model=model,
            model_sha256="1" * 64,
            data=inputs.data,
        )
        for day in (8, 9)
    ]
    for forecast in forecasts:
        assert keep_forecast(tmp_path / "a", forecast, inputs, model=model)
        assert not keep_forecast(tmp_path / "a", forecast, inputs, model=model)
    kept = read_archive(tmp_path / "a").forecasts
    assert [one.issued for one in kept] == [one.issued for one in forecasts]
    assert [one.name for one in kept[0].models] == ["regions", "mcintosh", "climatology"]
    assert kept[0].models[0].last == "2015-12-28T00:30"
    assert [(one.role, one.name) for one in kept[0].inputs] == [
        ("regions", "region_days.csv"),
        ("flares", "region_flares.csv"),
    ]
    assert all(len(one.sha256) == 64 for one in kept[0].inputs)
    own = kept[0].rows[kept[0].rows["model"].str.startswith("regions")]
    assert own["probability"].tolist() == forecasts[0].probabilities["probability"].tolist()
    assert kept[0].rows["model"].str.removesuffix(NO_HISTORY).value_counts().nunique() == 1
    found = verify_archive(tmp_path / "a", flares=[paths[1]], sampling=Sampling(replicates=20), reporter=Reporter())
    assert found["disk"]["C1.0/24"]["n"] == 2
    assert any("kept after" in text for text in found["notes"])


def test_the_command_keeps_what_it_forecasts(paths, tmp_path, capsys):
    arguments = ["forecast", "--regions", str(paths[0]), "--flares", str(paths[1]), "--issue", "2001-01-09T00:30"]
    folder = str(tmp_path / "archive")
    assert main([*arguments, "--archive", folder]) == 0
    assert f"kept in {folder}" in capsys.readouterr().err
    assert main([*arguments, "--archive", folder]) == 0
    assert "has this very forecast already" in capsys.readouterr().err
    assert main(["archive", "show", folder]) == 0
    assert "1 forecast of " in capsys.readouterr().out
