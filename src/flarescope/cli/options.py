"""Which options do several commands share?"""

from pathlib import Path
from typing import Annotated

import typer

from flarescope.cli.screen import settings


def _set_quiet(value: bool) -> bool:
    settings.quiet = value
    return value


def _set_json(value: bool) -> bool:
    settings.as_json = value
    return value


def _set_debug(value: bool) -> bool:
    settings.debug = value
    return value


Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No notes and no progress; warnings stay.", callback=_set_quiet)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.", callback=_set_json)]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show the traceback of an error.", callback=_set_debug, is_eager=True)
]
Images = Annotated[Path, typer.Option(help="Folder that the table's file names are relative to.")]
Backbone = Annotated[str, typer.Option(help="imagenet, random, random:SEED, or a Keras file with VGG16's weights.")]
OtherBackbone = Annotated[
    str | None, typer.Option("--backbone", help="Where to find the backbone instead of where the model says.")
]
Engine = Annotated[str, typer.Option(help="auto, torch or openvino.")]
Precision = Annotated[str, typer.Option(help="auto, fp32 or bf16.")]
Workers = Annotated[
    int | None,
    typer.Option(help="Threads that read images ahead of the network; 0: none.", show_default="one a core"),
]
Nan = Annotated[str, typer.Option("--nan", help="NaN pixels of FITS files: error, or zero (they become zero field).")]
Features = Annotated[
    Path | None, typer.Option(help="Folder of the feature stores.", show_default="'features' beside the run")
]
Limit = Annotated[
    int | None, typer.Option(help="Only N rows of each table, drawn at random, for a first try.", show_default="all")
]
Events = Annotated[
    Path | None,
    typer.Option(help="Flare list (eventList.txt, event reports, CSV), for persistence.", show_default="the labels"),
]
Replicates = Annotated[int, typer.Option(help="Resamplings of regions for the intervals; 0: no intervals.")]
Epoch = Annotated[int | None, typer.Option(help="Which epoch's model of a run.", show_default="best by validation TSS")]
AllowOverlap = Annotated[
    bool, typer.Option("--allow-overlap", help="Go on where a region stands on both sides of the split.")
]
