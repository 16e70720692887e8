"""flarescope forecasts solar flares from magnetograms of active regions.

    import flarescope

    model = flarescope.load("runs/png")
    forecasts = model.forecast(["some.fits", "folder/"])

The public names are listed in `__all__`; each is imported when it is first asked for, so that `import flarescope` is
cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from flarescope.errors import FlarescopeError, InputError

if TYPE_CHECKING:
    from flarescope.catalog.boucheron import read_table
    from flarescope.images.magnetogram import Magnetogram, read_fits
    from flarescope.images.render import render_field
    from flarescope.model.head import Recipe
    from flarescope.pipeline.catalogue import build_catalogue
    from flarescope.pipeline.evaluation import Evaluation, evaluate
    from flarescope.pipeline.featuring import Compute
    from flarescope.pipeline.fitting import Saving
    from flarescope.pipeline.models import Model, load
    from flarescope.pipeline.sweeping import Grid, sweep
    from flarescope.pipeline.training import train
    from flarescope.progress import Reporter
    from flarescope.scores.contingency import ContingencyTable

_HOMES = {
    "Compute": "pipeline.featuring",
    "ContingencyTable": "scores.contingency",
    "Evaluation": "pipeline.evaluation",
    "Grid": "pipeline.sweeping",
    "Magnetogram": "images.magnetogram",
    "Model": "pipeline.models",
    "Recipe": "model.head",
    "Reporter": "progress",
    "Saving": "pipeline.fitting",
    "build_catalogue": "pipeline.catalogue",
    "evaluate": "pipeline.evaluation",
    "load": "pipeline.models",
    "read_fits": "images.magnetogram",
    "read_table": "catalog.boucheron",
    "render_field": "images.render",
    "sweep": "pipeline.sweeping",
    "train": "pipeline.training",
}

__all__ = [
    "Compute",
    "ContingencyTable",
    "Evaluation",
    "FlarescopeError",
    "Grid",
    "InputError",
    "Magnetogram",
    "Model",
    "Recipe",
    "Reporter",
    "Saving",
    "build_catalogue",
    "evaluate",
    "load",
    "read_fits",
    "read_table",
    "render_field",
    "sweep",
    "train",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in _HOMES:
        raise AttributeError(f"module 'flarescope' has no attribute {name!r}")
    return getattr(import_module(f"flarescope.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
