"""Which options do several commands share?"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flarescope.cli.screen import settings
from flarescope.counted import listed
from flarescope.errors import InputError

if TYPE_CHECKING:
    from flarescope.events import EventDefinition
    from flarescope.features.history import History
    from flarescope.pipeline.with_regions import RecordFiles

EngineName = Literal["auto", "torch", "openvino", "winograd"]
PrecisionName = Literal["auto", "fp32", "bf16"]
NanPolicy = Literal["error", "zero"]
StoreType = Literal["float32", "float16"]
SaveName = Literal["each", "best", "last"]
SplitName = Literal["train", "validation", "test"]
RulesName = Literal["utc", "ar-flares"]
FluxScaleName = Literal["operational", "science"]
SolverName = Literal["adam", "lbfgs"]
HeadName = Literal["linear", "ordinal", "regression", "mlp", "boosting", "gru", "attention"]
HistoryFormName = Literal["stack", "difference"]
ScopeName = Literal["region", "disk"]


def event_of_options(
    event: str | None, window: float | None, latency: float | None, scope: "ScopeName | None" = None
) -> "EventDefinition | None":
    """Give the event that the options state; None where they state none.

    Raises:
        InputError: a part of it without the rest.
    """
    from flarescope.events import EventDefinition

    if event is None and window is None and latency is None and scope is None:
        return None
    if event is None or window is None:
        raise InputError("--event, --window and --latency state an event together: give at least --event and --window")
    return EventDefinition(
        threshold=event, window_hours=window, latency_hours=latency or 0.0, scope=scope or "region", rules=None
    )


def events_of_options(
    events: list[str] | None, window: float | None, latency: float | None, scope: "ScopeName | None" = None
) -> "list[EventDefinition]":
    """Give the events that the options state, none, one or several.

    Raises:
        InputError: a part of one without the rest; events in the two forms; one twice.
    """
    from flarescope.events import EventDefinition
    from flarescope.several_events import check_events, event_of_code

    if not events or not any("/" in event for event in events):
        if len(events or ()) > 1:
            raise InputError("--event is given again: write each with its hours, as --event M1.0/24")
        stated = event_of_options(events[0] if events else None, window, latency, scope)
        return [] if stated is None else [stated]
    if window is not None or latency is not None:
        raise InputError(f"--event {events[0]} says its hours: leave --window and --latency out")
    like = EventDefinition(scope=scope or "region", rules=None)
    found = [event_of_code(event, like) for event in events]
    check_events(found)
    return found


def history_of_options(hours: str | None, tolerance: float | None, form: "HistoryFormName | None") -> "History | None":
    """Give the history that the options state; None where they state none.

    Raises:
        InputError: hours that are none, or a part of a history without hours.
    """
    if hours is None:
        if tolerance is not None or form is not None:
            raise InputError("--tolerance and --history-form say how --history looks back: give --history 6,12,24 too")
        return None
    from flarescope.features.history import FORMS, History

    try:
        numbers = tuple(float(part) for part in hours.split(","))
    except ValueError as error:
        raise InputError(f"--history {hours[:40]}: expected hours with commas between, as 6,12,24") from error
    return History.of(numbers, tolerance, form or FORMS[0])


def only_one(events: "list[EventDefinition]") -> "EventDefinition | None":
    """Give the one event that was stated, or none.

    Raises:
        InputError: several.
    """
    if len(events) > 1:
        raise InputError(f"--event is given {len(events)} times; only a run of several events takes that")
    return events[0] if events else None


def record_of_options(
    name: str | None, regions: list[Path] | None, flares: Path | None, flux_scale: "FluxScaleName | None"
) -> "RecordFiles | None":
    """Give which region model goes with a head, and NOAA's files for it; None where none is asked for.

    Raises:
        InputError: a part of it without the rest, or no such model.
    """
    if name is None:
        asked = {"--regions": regions, "--flares": flares, "--flux-scale": flux_scale}
        if given := [option for option, value in asked.items() if value]:
            one = "is" if len(given) == 1 else "are"
            raise InputError(f"{listed(given)} {one} for a region model: name it, as --with regions")
        return None
    if not regions or flares is None:
        raise InputError(
            f"--with {name[:40]} needs NOAA's record: give --regions (summaries) and --flares (a flare list)"
        )
    from flarescope.pipeline.with_regions import RecordFiles

    return RecordFiles(name, list(regions), flares, flux_scale)


def _set_quiet(value: bool) -> bool:
    settings.quiet = value
    return value


def _set_json(value: bool) -> bool:
    settings.as_json = value
    return value


def _set_debug(value: bool) -> bool:
    settings.debug = value
    return value


DAY = "<YYYY-MM-DD>"
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No notes and no progress; warnings stay.", callback=_set_quiet)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.", callback=_set_json)]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show the traceback of an error.", callback=_set_debug, is_eager=True)
]
ImagesAnywhere = Annotated[
    str,
    typer.Option(
        "--images", metavar="PATH", help="Folder that the table's file names are relative to, or s3://BUCKET/FOLDER."
    ),
]
ImagePaths = Annotated[
    list[str], typer.Argument(metavar="PATHS...", help="PNG and FITS files, and folders of them; s3://BUCKET/... too.")
]
CacheFolder = Annotated[
    Path | None, typer.Option(help="Folder that keeps images of a storage (s3://).", show_default="none are kept")
]
CacheGb = Annotated[float, typer.Option(help="--cache: what it may take, GB.")]
Backbone = Annotated[
    str,
    typer.Option(
        help="vgg16 (or imagenet), efficientnet-lite0 and others of `flarescope backbones`; NAME:random for random "
        "filters; random is VGG16's; or a Keras file with VGG16's weights.",
    ),
]
OtherBackbone = Annotated[
    str | None, typer.Option("--backbone", help="Where to find the backbone instead of where the model says.")
]
Engine = Annotated[EngineName, typer.Option(help="What runs the network; winograd: our own, on x86-64 processors.")]
Precision = Annotated[PrecisionName, typer.Option(help="Of the network; auto: bf16 where the hardware has it.")]
EngineBatch = Annotated[
    int | None,
    typer.Option(help="Images a forward pass of the network.", show_default="the fastest here, see `engine tune`"),
]
Workers = Annotated[
    int | None,
    typer.Option(help="Threads that read images ahead of the network; 0: none.", show_default="one a core"),
]
Nan = Annotated[NanPolicy, typer.Option("--nan", help="NaN pixels of FITS files; zero: they become zero field.")]
InstrumentOk = Annotated[
    bool,
    typer.Option("--instrument-ok", help="Take other magnetographs than HMI (MDI, GONG), whose scale and unit differ."),
]
Store = Annotated[StoreType, typer.Option("--store", help="How features are kept; float16: half the disk.")]
RunStore = Annotated[
    StoreType | None, typer.Option("--store", help="How features are kept.", show_default="as the run does")
]
Save = Annotated[SaveName, typer.Option(help="Which models are kept: each epoch's, only the best, or only the last.")]
Split = Annotated[SplitName, typer.Option(help="Which rows of a catalogue, and what the forecasts are called.")]
ForecastSplit = Annotated[SplitName, typer.Option("--split", help="Which forecasts of a run.")]
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
Replicates = Annotated[int, typer.Option(help="Resamplings for the intervals; 0: no intervals.")]
Epoch = Annotated[int | None, typer.Option(help="Which epoch's model of a run.", show_default="best by validation TSS")]
AllowOverlap = Annotated[
    bool, typer.Option("--allow-overlap", help="Go on where a region, or a time, is on both sides of the split.")
]
LabelledTable = Annotated[Path, typer.Argument(help="Labelled images: a catalogue, a published CSV, or a labels file.")]
Flares = Annotated[
    list[Path],
    typer.Option(help="Flares: event reports (file, folder, tar), eventList.txt, or a CSV; may be given again."),
]
Summaries = Annotated[list[Path], typer.Option(help="Solar Region Summaries: file, folder or tar; may be given again.")]
StatedEvents = Annotated[
    list[str] | None,
    typer.Option(
        "--event",
        help="Which event: M1.0/24, M1.0/24+6 (with latency), or M1.0 with --window; of a table of several also again.",
        show_default="as the table says, all of them",
    ),
]
StatedEvent = Annotated[
    str | None,
    typer.Option(
        "--event",
        help="Smallest flare class that is an event, for a table that does not say it; with --window.",
        show_default="as the table says",
    ),
]
StatedWindow = Annotated[
    float | None, typer.Option("--window", help="Hours of the window, with --event.", show_default=False)
]
StatedLatency = Annotated[
    float | None,
    typer.Option("--latency", help="Hours from the image to the window, with --event.", show_default=False),
]
With = Annotated[
    str | None,
    typer.Option(
        "--with",
        metavar="MODEL",
        help="A region model beside the head, as regions or mcintosh; with --regions and --flares.",
        show_default=False,
    ),
]
RecordRegions = Annotated[
    list[Path] | None,
    typer.Option("--regions", help="--with: region summaries, or a table of region days; again for more."),
]
RecordFlares = Annotated[
    Path | None,
    typer.Option("--flares", help="--with: a flare list, from 3 days before the images on.", show_default=False),
]
HistoryHours = Annotated[
    str | None,
    typer.Option("--history", metavar="HOURS", help="Earlier images of the region, so many hours before, as 6,12,24."),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        help="--history: the nearest image within so many hours is taken.", show_default="1, or a quarter of a step"
    ),
]
HistoryForm = Annotated[
    HistoryFormName | None,
    typer.Option(help="--history: how earlier images stand beside the image.", show_default="stack"),
]
StatedScope = Annotated[
    ScopeName | None,
    typer.Option("--scope", help="Flares of each row's region, or of all the disk; with --event.", show_default=False),
]
FluxScale = Annotated[
    FluxScaleName | None,
    typer.Option(
        help="Scale of a list that does not say it; operational: SWPC's before GOES-16; science: science-quality data, "
        "and GOES-16 on.",
        show_default=False,
    ),
]
First = Annotated[datetime, typer.Option(help="First day.", formats=["%Y-%m-%d"], metavar=DAY)]
Last = Annotated[datetime, typer.Option(help="Last day, included.", formats=["%Y-%m-%d"], metavar=DAY)]
OptionalFirst = Annotated[datetime | None, typer.Option(help="First day, UTC.", formats=["%Y-%m-%d"], metavar=DAY)]
OptionalLast = Annotated[
    datetime | None, typer.Option(help="Last day, UTC, included.", formats=["%Y-%m-%d"], metavar=DAY)
]
Scan = Annotated[
    Path | None,
    typer.Option(help="Parquet that keeps what is read of the images, so that they are read once."),
]
Processes = Annotated[
    int | None, typer.Option("--workers", help="Processes that read images.", show_default="one a core")
]
