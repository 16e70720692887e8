"""How does a model become a file that other programs run, and is it the same model?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from flarescope.backbones.base import Spec
from flarescope.backbones.vgg16 import VGG16
from flarescope.brief import brief
from flarescope.errors import FlarescopeError, InputError
from flarescope.exporting.metadata import described_export
from flarescope.exporting.module import FromGauss, FromPixels, forecast_module, gauss_rendering
from flarescope.exporting.onnx_file import check_onnx, run_onnx, write_onnx
from flarescope.exporting.openvino_file import run_openvino, write_openvino
from flarescope.exporting.state_dict import write_state_dict
from flarescope.files import atomic_path, check_writable
from flarescope.forecaster.event_runs import EventRuns, is_of_events
from flarescope.forecaster.folder_form import FORMAT as FOLDER
from flarescope.forecaster.folder_form import write_folder
from flarescope.heads.stored import LINEAR, kind_of
from flarescope.images.render import LARGEST_SIZE
from flarescope.pipeline.exporting.folder import card_of
from flarescope.pipeline.exporting.made_images import forecast_here, made_fields, made_pixels, most_telling
from flarescope.pipeline.featuring import announce
from flarescope.pipeline.model_parts import ModelParts, load_parts
from flarescope.progress import Reporter, WarningReporter

ENDINGS: Final = {
    "onnx": (".onnx",),
    "openvino": (".xml",),
    "keras": (".hdf5", ".h5"),
    "state-dict": (".safetensors",),
    "folder": ("",),
}
"""What the name of a file of each form ends in."""

SOURCES: Final = {"pixels": "pixels", "gauss": "field_gauss"}
"""What goes in, and the name of the input."""

MOST_DIFFERENCE: Final = 1e-5
"""Between probabilities of an exported file and flarescope's own, in fp32; a file that differs more is not written."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        files: the file, and of OpenVINO its weights.
        difference: the largest between its probabilities and flarescope's own on made images; None where the form
            cannot be run here.
        described: what it says of itself.
        span: the smallest and the largest probability that were compared; None where nothing was.
    """

    files: tuple[Path, ...]
    difference: float | None
    described: Mapping[str, Any] = field(repr=False)
    span: tuple[float, float] | None = None

    __repr__ = brief


def export(
    model: str | Path,
    *,
    to: str,
    out: str | Path,
    source: str = "pixels",
    shape: tuple[int, int] = (600, 600),
    epoch: int | None = None,
    backbone: Spec | None = None,
    reporter: Reporter | None = None,
) -> Exported:
    """Write a model as one graph from pixels, or a field in gauss, to calibrated probabilities of all its events.

    An ONNX or OpenVINO file is run before it gets its name, on batches of one and of three made images, and compared
    with what flarescope forecasts.

    Args:
        model: a run's folder or a model file, of one event or of several.
        to: `onnx`, `openvino`, `keras` (VGG16 with one event, uncalibrated), `state-dict`, or `folder`
            (safetensors, `config.json` and a card, which `flarescope.load` takes).
        out: the file, or the folder.
        source: `pixels` 0..255 of the network's size, or `gauss`, with the rendering inside.
        shape: height and width of fields in gauss.
        epoch: which epoch of a run.
        backbone: where to find the backbone instead of where the model says; a `flarescope.Backbone` serves too.
        reporter: hears notes.

    Raises:
        InputError: no model, no network, an unknown form, a name that does not end as the form's, packages that are
            missing, what a form cannot hold.
        FlarescopeError: the file would forecast otherwise.

    Example:
        >>> made = flarescope.export("runs/png", to="state-dict", out="model.safetensors")
        >>> made.described["output"]["name"]
        'probability'
    """
    path, reporter = Path(out), reporter or WarningReporter()
    _check(to, path, source, shape)
    found = load_parts(model, epoch=epoch, backbone=backbone)
    reporter.say(f"model: {found.path}")
    announce(found.parts[0].weights, reporter, synthetic=found.parts[0].description.synthetic)
    if to == "folder":
        files = write_folder(path, found.parts, card_of(found, path))
        return Exported(tuple(files), None, {"format": FOLDER})
    if any(part.description.looks_back is not None for part in found.parts):
        raise InputError(
            f"--to {to}: the model looks back to earlier images (--history), and such a file takes one image; take "
            "--to folder, which flarescope.load reads, or a run without --history"
        )
    if to == "keras":
        return _keras(found, path, reporter)
    fields = shape if source == "gauss" else None
    module = forecast_module(found.parts, found.implies, shape=fields)
    rendering = _rendering(found, fields, reporter)
    run = run_json_of(found)
    said = described_export(found.parts, source=SOURCES[source], shape=fields, rendering=rendering, run=run)
    if to == "state-dict":
        inner = module.inner if isinstance(module, FromGauss) else module
        with atomic_path(path) as temporary:
            write_state_dict(inner.log_odds, temporary, said=said)
        return Exported((path,), None, said)
    size = found.parts[0].weights.backbone.pixels.size
    batch = made_pixels(size) if fields is None else made_fields(fields)
    return _graph(to, found, module, batch, path, source=SOURCES[source], said=said)


def _check(to: str, path: Path, source: str, shape: tuple[int, int]) -> None:
    """Refuse what cannot be before anything is loaded.

    Raises:
        InputError: the first of it.
    """
    if to not in ENDINGS:
        raise InputError(f"--to {to}: expected one of {', '.join(ENDINGS)}")
    if not path.name.lower().endswith(ENDINGS[to]):
        raise InputError(f"--out {path}: expected a name that ends in {' or '.join(ENDINGS[to])} for --to {to}")
    if source not in SOURCES:
        raise InputError(f"--from {source}: expected one of {', '.join(SOURCES)}")
    if source == "gauss" and to in ("keras", "state-dict", "folder"):
        raise InputError(f"--from gauss: --to {to} holds no rendering; take --from pixels, or --to onnx or openvino")
    if not all(1 < side <= LARGEST_SIZE for side in shape):
        raise InputError(f"--shape {shape[0]}x{shape[1]}: expected sides of 2 to {LARGEST_SIZE} pixels, as 600x600")
    if to == "onnx":
        check_onnx()
    if to != "folder":
        check_writable(path)


def _rendering(found: ModelParts, fields: tuple[int, int] | None, reporter: Reporter) -> str | None:
    """Give the id of the rendering that the file has within, or that its pixels are to have."""
    trained = found.parts[0].description.rendering
    if fields is None:
        return trained
    rendering = gauss_rendering(found.parts[0]).id
    if trained is not None and trained != rendering:
        reporter.warn(f"the model was trained on {trained} images; the file renders fields as {rendering}")
    return rendering


def run_json_of(found: ModelParts) -> dict[str, Any] | None:
    """Give what `run.json` says of a model that lies in a run; of several events, what each says, under `by_event`."""
    if found.run is not None or found.together is None:
        return found.run.read() if found.run else None
    folder = found.path.parent
    if not is_of_events(folder) or found.path != EventRuns.open(folder).model:
        return None
    runs = EventRuns.open(folder)
    own = {event.code: run.read() for event, run in zip(runs.events, runs.runs(), strict=True)}
    return {"by_event": {code: {key: said[key] for key in ("recipe", "data")} for code, said in own.items()}}


def _keras(found: ModelParts, path: Path, reporter: Reporter) -> Exported:
    """Write the complete Keras model, as `train --full` does.

    Raises:
        InputError: another network than VGG16, several events, or another head than the linear one.
    """
    part = found.parts[0]
    if part.weights.backbone is not VGG16:
        raise InputError(
            f"--to keras: the Keras form is VGG16's; the model is of {part.weights.backbone.name}: take --to onnx"
        )
    if len(found.parts) > 1:
        raise InputError("--to keras: it holds one event; name the run of one event, or take --to onnx")
    if (kind := kind_of(part.head)) != LINEAR:
        raise InputError(f"--to keras: it holds a linear head, and the model's is of kind {kind}: take --to folder")
    if part.description.calibration is not None:
        reporter.warn(
            "Keras' softmax gives probabilities before the calibration, which stands in the file's description alone"
        )
    part.save(path, full=True)
    said = described_export(found.parts, source="pixels", shape=None, rendering=part.description.rendering, run=None)
    return Exported((path,), None, said)


def _graph(
    to: str,
    found: ModelParts,
    module: FromPixels | FromGauss,
    batch: np.ndarray,
    path: Path,
    *,
    source: str,
    said: Mapping[str, Any],
) -> Exported:
    """Write ONNX or OpenVINO, run it, and give it its name where it is the same model.

    Raises:
        FlarescopeError: it is not.
    """
    expected = forecast_here(found, module, batch)
    telling = most_telling(expected)
    batch, expected, example = batch[telling], expected[telling], torch.from_numpy(batch[:2])
    write: Callable[..., None] = write_onnx if to == "onnx" else write_openvino
    run = run_onnx if to == "onnx" else run_openvino
    with atomic_path(path) as temporary:
        beside = temporary.with_suffix(".bin")
        try:
            write(module, example, temporary, source=source, said=said)
            difference = max(
                float(np.abs(run(temporary, batch[:number]) - expected[:number]).max()) for number in (1, len(batch))
            )
            if not difference <= MOST_DIFFERENCE:
                raise FlarescopeError(
                    f"{path}: not written: its probabilities differ from flarescope's by {difference:.2g} on made "
                    f"images, and at most {MOST_DIFFERENCE:g} was expected"
                )
            if to == "openvino":
                beside.replace(path.with_suffix(".bin"))
        finally:
            beside.unlink(missing_ok=True)
    files = (path, path.with_suffix(".bin")) if to == "openvino" else (path,)
    return Exported(files, difference, said, (float(expected.min()), float(expected.max())))
