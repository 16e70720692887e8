"""flarescope forecasts solar flares from magnetograms of active regions.

    import flarescope

    model = flarescope.load("runs/png")
    forecasts = model.forecast(["some.fits", "folder/"])

The public names are listed in `__all__`; each is imported when it is first asked for, so that `import flarescope` is
cheap.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flarescope.errors import FlarescopeError, FlarescopeWarning, InputError

# OpenVINO tells Google Analytics of its import and of each conversion, unasked, from a copy of the process that it
# forks for it. None stands for a package that is not there; who wants to tell imports openvino_telemetry before.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

if TYPE_CHECKING:
    from flarescope.backbones.module import Backbone
    from flarescope.catalog.boucheron import read_table
    from flarescope.catalog.select import SelectionRules
    from flarescope.events import EventDefinition
    from flarescope.features.history import History
    from flarescope.finetuning.recipe import TuneRecipe
    from flarescope.heads.head import Recipe
    from flarescope.images.magnetogram import Magnetogram, read_fits
    from flarescope.images.render import render_field
    from flarescope.pipeline.ablating import ablate
    from flarescope.pipeline.archiving.replaying import replay
    from flarescope.pipeline.archiving.verifying import verify_archive
    from flarescope.pipeline.calibrating import calibrate, calibrate_table
    from flarescope.pipeline.catalogues.catalogue import build_catalogue
    from flarescope.pipeline.catalogues.checking import check
    from flarescope.pipeline.catalogues.labelling import label
    from flarescope.pipeline.catalogues.selecting import select
    from flarescope.pipeline.catalogues.splitting import SplitRules, split
    from flarescope.pipeline.choosing import Choosing
    from flarescope.pipeline.comparing import Comparing, compare, compare_many
    from flarescope.pipeline.cutting import cut_disk
    from flarescope.pipeline.evaluating import evaluate
    from flarescope.pipeline.evaluation import Evaluation
    from flarescope.pipeline.explaining.stage import Explaining, explain
    from flarescope.pipeline.exporting.stage import export
    from flarescope.pipeline.featuring import Compute
    from flarescope.pipeline.finetuning.stage import finetune
    from flarescope.pipeline.fitting import Saving
    from flarescope.pipeline.forecasting.forms import read_forecast
    from flarescope.pipeline.forecasting.stage import forecast
    from flarescope.pipeline.forecasting.value import Forecast
    from flarescope.pipeline.foreign import verify_table
    from flarescope.pipeline.foreign_rows import Reading
    from flarescope.pipeline.models import Model, load
    from flarescope.pipeline.predicting import predict
    from flarescope.pipeline.region_training import train_regions
    from flarescope.pipeline.reporting import report
    from flarescope.pipeline.spreading import spread_of_runs
    from flarescope.pipeline.sweep_grid import Grid
    from flarescope.pipeline.sweeping import sweep
    from flarescope.pipeline.table_report import report_tables
    from flarescope.pipeline.training import train
    from flarescope.pipeline.verifying import Verifying
    from flarescope.progress import Reporter
    from flarescope.regions.model import RegionModel
    from flarescope.regions.shipped import region_model
    from flarescope.scores.contingency import ContingencyTable

_HOMES = {
    "Backbone": "backbones.module",
    "Choosing": "pipeline.choosing",
    "Comparing": "pipeline.comparing",
    "Compute": "pipeline.featuring",
    "ContingencyTable": "scores.contingency",
    "Evaluation": "pipeline.evaluation",
    "EventDefinition": "events",
    "Explaining": "pipeline.explaining.stage",
    "Forecast": "pipeline.forecasting.value",
    "Grid": "pipeline.sweep_grid",
    "History": "features.history",
    "Magnetogram": "images.magnetogram",
    "Model": "pipeline.models",
    "Reading": "pipeline.foreign_rows",
    "Recipe": "heads.head",
    "RegionModel": "regions.model",
    "Reporter": "progress",
    "Saving": "pipeline.fitting",
    "SelectionRules": "catalog.select",
    "SplitRules": "pipeline.catalogues.splitting",
    "TuneRecipe": "finetuning.recipe",
    "Verifying": "pipeline.verifying",
    "ablate": "pipeline.ablating",
    "build_catalogue": "pipeline.catalogues.catalogue",
    "calibrate": "pipeline.calibrating",
    "calibrate_table": "pipeline.calibrating",
    "check": "pipeline.catalogues.checking",
    "compare": "pipeline.comparing",
    "compare_many": "pipeline.comparing",
    "cut_disk": "pipeline.cutting",
    "evaluate": "pipeline.evaluating",
    "explain": "pipeline.explaining.stage",
    "export": "pipeline.exporting.stage",
    "finetune": "pipeline.finetuning.stage",
    "forecast": "pipeline.forecasting.stage",
    "label": "pipeline.catalogues.labelling",
    "load": "pipeline.models",
    "predict": "pipeline.predicting",
    "read_fits": "images.magnetogram",
    "read_forecast": "pipeline.forecasting.forms",
    "read_table": "catalog.boucheron",
    "region_model": "regions.shipped",
    "render_field": "images.render",
    "select": "pipeline.catalogues.selecting",
    "split": "pipeline.catalogues.splitting",
    "spread_of_runs": "pipeline.spreading",
    "sweep": "pipeline.sweeping",
    "train": "pipeline.training",
    "train_regions": "pipeline.region_training",
    "verify_archive": "pipeline.archiving.verifying",
    "verify_table": "pipeline.foreign",
    "replay": "pipeline.archiving.replaying",
    "report": "pipeline.reporting",
    "report_tables": "pipeline.table_report",
}

__all__ = [
    "Backbone",
    "Choosing",
    "Comparing",
    "Compute",
    "ContingencyTable",
    "Evaluation",
    "EventDefinition",
    "Explaining",
    "FlarescopeError",
    "FlarescopeWarning",
    "Forecast",
    "Grid",
    "History",
    "InputError",
    "Magnetogram",
    "Model",
    "Reading",
    "Recipe",
    "RegionModel",
    "Reporter",
    "Saving",
    "SelectionRules",
    "SplitRules",
    "TuneRecipe",
    "Verifying",
    "ablate",
    "build_catalogue",
    "calibrate",
    "calibrate_table",
    "check",
    "compare",
    "compare_many",
    "cut_disk",
    "evaluate",
    "explain",
    "export",
    "finetune",
    "forecast",
    "label",
    "load",
    "predict",
    "read_fits",
    "read_forecast",
    "read_table",
    "region_model",
    "render_field",
    "replay",
    "report",
    "report_tables",
    "select",
    "split",
    "spread_of_runs",
    "sweep",
    "train",
    "train_regions",
    "verify_archive",
    "verify_table",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in _HOMES:
        raise AttributeError(f"module 'flarescope' has no attribute {name!r}")
    return getattr(import_module(f"flarescope.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
