"""`flarescope export`: how does a model go out to other programs?"""

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, note, out, settings, show_json
from flarescope.errors import InputError

EXAMPLE = "Example: flarescope export runs/png --to onnx --out model.onnx"


def export(
    model: Annotated[Path, typer.Argument(help="A run's folder or a model file, of one event or of several.")],
    to: Annotated[Literal["onnx", "openvino", "keras", "state-dict", "folder"], typer.Option(help="Form of the file.")],
    out_file: Annotated[
        Path, typer.Option("--out", help="The file (.onnx, .xml, .hdf5, .safetensors), or the folder.")
    ],
    source: Annotated[
        Literal["pixels", "gauss"],
        typer.Option("--from", help="What goes in; gauss: fields, whose rendering is then inside."),
    ] = "pixels",
    shape: Annotated[str, typer.Option(help="Height and width of fields in gauss.")] = "600x600",
    epoch: options.Epoch = None,
    backbone: options.OtherBackbone = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Write a model as one file for other programs.

    The number of images stays free. Event, model, digests, rendering and training stand inside, as JSON
    under the key `flarescope`. An ONNX or OpenVINO file is run on made images before it gets its name: if
    its probabilities differ from flarescope's by more than 1e-5 it is not written. A folder holds the
    heads in safetensors, a config.json and a card, as hubs keep models; every command that takes a model
    takes it.
    """
    from flarescope.pipeline.exporting.stage import export as run_export

    made = run_export(
        model,
        to=to,
        out=out_file,
        source=source,
        shape=_shape(shape),
        epoch=epoch,
        backbone=backbone,
        reporter=ScreenReporter(),
    )
    if made.difference is not None and made.span is not None:
        note(
            f"compared on made images, in batches of one and three: probabilities from {made.span[0]:.1e} to "
            f"{made.span[1]:.1e} differ by at most {made.difference:.1e}"
        )
    if settings.as_json:
        files = [str(path) for path in made.files]
        show_json({"files": files, "difference": made.difference, "span": made.span, "described": made.described})
        return
    for path in made.files:
        out(str(path))


def _shape(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.strip())
    if match is None:
        raise InputError(f"--shape {text[:30]}: expected height and width, as 600x600")
    return int(match[1]), int(match[2])
