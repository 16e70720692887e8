"""Which model does a user mean by a path: a run, a model file, a model of the reference notebook?"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from flarescope.backbones.base import Spec
from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.events import EventDefinition, event_from_json
from flarescope.forecaster.classifier import Classifier, load_classifier, read_description
from flarescope.forecaster.event_models import (
    EventModels,
    checked_parts,
    is_of_events,
    load_event_models,
    read_event_descriptions,
)
from flarescope.forecaster.event_runs import EventRuns
from flarescope.forecaster.event_runs import is_of_events as is_run_of_events
from flarescope.forecaster.folder_form import ARRAYS as FOLDER_ARRAYS
from flarescope.forecaster.folder_form import is_model_folder, read_folder, read_folder_descriptions
from flarescope.forecaster.runs import RunFolder
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.prediction import forecast_given
from flarescope.progress import Reporter


@dataclass(frozen=True)
class Model:
    """A loaded model, its file, and the run whose folder the file lies in, or None; of several events all of them.

    Example:
        >>> model = flarescope.load("runs/png")
        >>> forecasts = model.forecast(["some.fits", "folder/"])
    """

    classifier: Classifier = field(repr=False)
    path: Path
    run: RunFolder | None = field(repr=False)
    several: EventModels | None = field(default=None, repr=False)

    __repr__ = brief

    def forecast(
        self,
        images: Any,  # noqa: ANN401 - a path, a field, or several
        *,
        compute: Compute | None = None,
        strict: bool = False,
        reporter: Reporter | None = None,
    ) -> pd.DataFrame:
        """Forecast images: files, folders of them, and fields in hand.

        Args:
            images: a path of a PNG or FITS file, or of a folder, or an address of one in a storage; a field as an array
                `(H, W)` in gauss, a `flarescope.Magnetogram`, or a sunpy Map; or several of these, `(N, H, W)` for
                arrays. Rows are taken as they lie, south up in HMI's own images; nothing is rotated.
            compute: how the features are computed; they are not kept.
            strict: raise at the first image that cannot be read, where else it is named in a warning and left out.
            reporter: hears notes, warnings and progress; without one, warnings are Python's (`FlarescopeWarning`).

        Returns:
            One row an image, with the columns of `predicted.Predicted`. A field without a file is called `images[0]`
            by its place.

        Raises:
            InputError: none of the images can be read.
        """
        return forecast_given(
            self.several or self.classifier, images, compute=compute, strict=strict, reporter=reporter
        ).forecasts


def is_of_disk(path: str | Path) -> bool:
    """Tell, before its weights are read, whether the model that a path names forecasts whole disks.

    False where that cannot be known: `load` says what is wrong.
    """
    path = Path(path)
    try:
        if path.is_dir() and is_model_folder(path):
            return _is_of_disk(read_folder_descriptions(path)[0].event)
        if path.is_dir() and is_run_of_events(path):
            event: EventDefinition | None = EventRuns.open(path).events[0]
        elif path.is_dir():
            event = event_from_json(RunFolder(path).read().get("event"), str(path))
        else:
            event = _event_in(path) if path.is_file() else None
    except InputError:
        return False
    return _is_of_disk(event)


def _is_of_disk(event: EventDefinition | None) -> bool:
    return event is not None and event.scope == "disk"


def _event_in(path: Path) -> EventDefinition | None:
    """Give the event of a model file, of one of several the first."""
    if is_of_events(path):
        return read_event_descriptions(path)[0].event
    described = read_description(path)
    return described.event if described else None


def load(path: str | Path, *, epoch: int | None = None, backbone: Spec | None = None) -> Model:
    """Load the model that a path names.

    Args:
        path: a run's folder (its best model, or that of `epoch`), a model file (`.hdf5`, `.h5`, `.keras`), ours or
            made by the reference notebook, or a folder that `export --to folder` wrote.
        epoch: which epoch of a run.
        backbone: where to find the backbone instead of where the model says.

    Raises:
        InputError: nothing there, no model, no such epoch, another backbone.

    Example:
        >>> flarescope.load("runs/png", epoch=2)  # doctest: +ELLIPSIS
        Model(path='runs/png/model.02_...hdf5')
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such run or model file")
    if path.is_dir() and is_model_folder(path):
        return _load_folder(path, epoch, backbone)
    if path.is_dir() and is_run_of_events(path):
        return _load_run_of_events(EventRuns.open(path), epoch, backbone)
    if path.is_file() and is_of_events(path):
        if epoch is not None:
            raise InputError(f"{path}: is one model; --epoch chooses among those of a run's folder")
        models = load_event_models(path, backbone=backbone)
        return Model(models.parts[0], path, None, models)
    if path.is_dir():
        run = RunFolder(path)
        described = run.read()
        if described.get("kind") == "magnetic":
            raise InputError(f"{path}: a run on magnetic features; `flarescope evaluate-magnetic` verifies it")
        file = run.model_path(epoch)
        return Model(load_classifier(file, backbone=backbone or described.get("backbone")), file, run)
    if epoch is not None:
        raise InputError(f"{path}: is one model; --epoch chooses among those of a run's folder")
    run = RunFolder(path.parent)
    if run.run_json.is_file() and path.name in {row["model"] for row in run.history()}:
        return Model(load_classifier(path, backbone=backbone or run.read().get("backbone")), path, run)
    return Model(load_classifier(path, backbone=backbone), path, None)


def _load_run_of_events(runs: EventRuns, epoch: int | None, backbone: Spec | None) -> Model:
    """Load the models of all events of a run: the best of each."""
    if epoch is not None:
        raise InputError(f"{runs.path}: --epoch is of one event: give {runs.runs()[0].path} or another of its runs")
    if not runs.model.is_file():
        raise InputError(f"{runs.path}: its training has not ended; give its `flarescope train` again, as it was")
    models = load_event_models(runs.model, backbone=backbone or runs.runs()[0].read().get("backbone"))
    return Model(models.parts[0], runs.model, None, models)


def _load_folder(path: Path, epoch: int | None, backbone: Spec | None) -> Model:
    """Load the models of a folder in the form of a hub."""
    if epoch is not None:
        raise InputError(f"{path}: is one model; --epoch chooses among those of a run's folder")
    parts = read_folder(path, backbone=backbone)
    several = checked_parts(parts, path) if len(parts) > 1 else None
    return Model(parts[0], path / FOLDER_ARRAYS, None, several)
