"""How is an issued forecast kept in an archive, with what it is to be compared with?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from flarescope.archive import Input, IssuedForecast, ModelUsed, keep
from flarescope.archive.records import base_name
from flarescope.pipeline.forecasting.beside import CLIMATOLOGY, MCSTAT, trained_until, with_climatology
from flarescope.pipeline.forecasting.inputs import Inputs
from flarescope.pipeline.forecasting.issue import issue_forecast
from flarescope.pipeline.forecasting.region_models import load_region_model
from flarescope.pipeline.forecasting.value import Forecast
from flarescope.pipeline.identity import versions
from flarescope.pipeline.origin import now
from flarescope.regions.model import RegionModel
from flarescope.regions.shipped import shipped_models


def keep_forecast(folder: str | Path, forecast: Forecast, inputs: Inputs, *, model: RegionModel) -> bool:
    """Keep a forecast, and beside it what MCSTAT and climatology say of the same regions and moment.

    Args:
        folder: of the archive; made where it is not there.
        forecast: as it was issued, with the rows of models of images where there are any.
        inputs: what it was made from.
        model: the region model that made it.

    Returns:
        False where the very same forecast is kept already.

    Raises:
        InputError, FlarescopeError: the archive cannot be written.
    """
    used = [_used(forecast, name, model) for name in _names(forecast.probabilities)]
    rows = with_climatology(forecast.probabilities, model, flux_scale=forecast.flux_scale)
    if MCSTAT in shipped_models() and MCSTAT not in {one.name for one in used}:
        other, digest = load_region_model(MCSTAT)
        theirs = issue_forecast(
            inputs.regions, inputs.flares, forecast.issued, model=other, flux_scale=forecast.flux_scale
        )
        rows = pd.concat([rows, theirs.probabilities], ignore_index=True)
        used.append(ModelUsed(other.name, f"sha256:{digest}", *trained_until(other)))
    if rows["model"].eq(CLIMATOLOGY).any():
        used.append(ModelUsed(CLIMATOLOGY, "", *trained_until(model)))
    one = IssuedForecast(
        forecast.issued,
        rows,
        tuple(used),
        tuple(_inputs(forecast.data)),
        versions(("flarescope",)).get("flarescope", ""),
        forecast.flux_scale,
        forecast.notes,
        pd.Timestamp(now()),
    )
    return keep(folder, one)


def _names(rows: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(rows["model"].map(base_name)))


def _used(forecast: Forecast, name: str, model: RegionModel) -> ModelUsed:
    if name == model.name:
        digest = f"sha256:{forecast.model_sha256}" if forecast.model_sha256 else ""
        return ModelUsed(name, digest, *trained_until(model))
    told = [one for one in forecast.data.get("models", ()) if one.get("name") == name]
    return ModelUsed(name, f"sha256:{told[0]['sha256']}" if told and told[0].get("sha256") else "")


def _inputs(data: Mapping[str, Any]) -> list[Input]:
    return [
        Input(role, str(one.get("name", "")), str(one.get("sha256") or ""))
        for role, files in data.items()
        if role != "models"
        for one in files
    ]
