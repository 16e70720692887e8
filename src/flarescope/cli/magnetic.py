"""`flarescope features`, `train-magnetic`, `evaluate-magnetic`: numbers of images, and the baseline on 29 of them."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from flarescope.cli import options, table_options
from flarescope.cli.addresses import READ_ANYWHERE
from flarescope.cli.screen import ScreenReporter, note, show_counts, warn
from flarescope.cli.show_evaluation import show_evaluation
from flarescope.cli.train import show_history
from flarescope.errors import InputError
from flarescope.storage.systems import is_url

FEATURES_EXAMPLE = (
    "Example: flarescope features catalogue.parquet --images Lat60_Lon60_Nans0_png_224 --magnetic --out features.csv"
)
TRAIN_EXAMPLE = (
    "Example: flarescope train-magnetic --train Train_Data_by_AR_png_224.csv "
    "--validation Validation_Data_by_AR_png_224.csv --features features.csv --kind svm --out runs/svm"
)
EVALUATE_EXAMPLE = (
    "Example: flarescope evaluate-magnetic runs/svm --table Test_Data_by_AR_png_224.csv --features features.csv"
)
KindName = Literal["svm", "logistic"]
MagneticFeatures = Annotated[
    Path, typer.Option(help="The 29 features: the published CSV, or one made by `flarescope features --magnetic`.")
]


def features(
    table: options.LabelledTable,
    images: options.ImagesAnywhere,
    out: Annotated[
        Path, typer.Option(help="With --magnetic the CSV, 32 columns as published; else the folder of the stores.")
    ],
    magnetic: Annotated[
        bool, typer.Option("--magnetic", help="The 29 magnetic-complexity features instead of the network's.")
    ] = False,
    backbone: options.Backbone = "imagenet",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    engine_batch: options.EngineBatch = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Threads, or with --magnetic processes, that read images.", show_default="one a core"),
    ] = None,
    nan: options.Nan = "error",
    instrument_ok: options.InstrumentOk = False,
    store: options.Store = "float32",
    on: Annotated[
        Literal["ray"] | None, typer.Option("--on", help="Compute on a Ray cluster.", show_default="this process")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="--on ray: auto, or HOST:PORT of the head.", show_default="this machine alone"),
    ] = None,
    per_node: Annotated[int, typer.Option(help="--on ray: networks on the smallest node; on GPUs one a GPU.")] = 1,
    cache: options.CacheFolder = None,
    cache_gb: options.CacheGb = 10.0,
    limit: options.Limit = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Compute the features of a table's images.

    The network's go into the store that `train` uses, computed here or (--on ray) by a cluster. With --magnetic the 29
    magnetic-complexity ones go into a CSV; images that cannot be read are then named and left out, and the command ends
    with code 1.
    """
    reporter = ScreenReporter()
    if not magnetic:
        from flarescope.pipeline.featuring import Compute, fill_store
        from flarescope.pipeline.hiring import OnRay
        from flarescope.storage.cache import FileCache

        compute = Compute(engine, precision, workers, nan, engine_batch, store, instrument_ok)
        cluster = None if on is None else OnRay(address, per_node)
        if cluster is None and (address is not None or per_node != 1):
            raise InputError("--address and --per-node are for a cluster: give --on ray too")
        filled = fill_store(
            table,
            images,
            out,
            backbone=backbone,
            compute=compute,
            limit=limit,
            on=cluster,
            cache=None if cache is None else FileCache.of(cache, cache_gb),
            reporter=reporter,
        )
        note(f"kept in {filled.folder}")
        return
    if on is not None:
        raise InputError("--on ray computes the network's features; leave --magnetic out, or --on")
    if is_url(images):
        raise InputError(f"--images {images}: with --magnetic expected a path of this machine; {READ_ANYWHERE}")
    from flarescope.pipeline.magnetic import write_features

    found = write_features(
        table,
        images=images,
        out=out,
        nan=nan,
        instrument_ok=instrument_ok,
        limit=limit,
        workers=workers,
        reporter=reporter,
    )
    show_counts("magnetic features", {"images": len(found.filenames), "failed": len(found.failures)})
    for failure in found.failures:
        warn(f"left out: {failure.reason}")
    note(f"written to {out}")
    if found.failures:
        raise typer.Exit(1)


def train_magnetic(
    train: Annotated[Path, typer.Option(help="Table of training images: a published CSV, a catalogue, a labels file.")],
    validation: Annotated[Path, typer.Option(help="Table of validation images; the same catalogue is fine.")],
    features: MagneticFeatures,
    out: Annotated[Path, typer.Option(help="Folder of the run; it must not hold one.")],
    kind: Annotated[KindName, typer.Option(help="A linear SVM, or a logistic regression.")] = "svm",
    seed: Annotated[int, typer.Option(help="Of the solver.")] = 0,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images, for the gallery of the report.", show_default=False)
    ] = None,
    limit: options.Limit = None,
    allow_overlap: options.AllowOverlap = False,
    event: options.StatedEvent = None,
    window: options.StatedWindow = None,
    latency: options.StatedLatency = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Train the baseline on 29 magnetic features.

    It is a linear model on magnetic-complexity features, which a network has to beat. Writes a run folder as `train`
    does; `report` and `compare` take it after `evaluate-magnetic`.
    """
    from flarescope.pipeline.magnetic import train_on_features

    run = train_on_features(
        train=train,
        validation=validation,
        features=features,
        out=out,
        kind=kind,
        seed=seed,
        images=images,
        limit=limit,
        allow_overlap=allow_overlap,
        event=options.event_of_options(event, window, latency),
        reporter=ScreenReporter(),
    )
    show_history(run.history(), out)


def evaluate_magnetic(
    run: Annotated[Path, typer.Argument(help="Folder of a run of `train-magnetic`.")],
    table: Annotated[Path, typer.Option(help="Table of labelled images.")],
    features: MagneticFeatures,
    split: options.Split = "test",
    out: Annotated[Path | None, typer.Option(help="Folder for scores and forecasts.", show_default="the run's")] = None,
    events: options.Events = None,
    replicates: options.Replicates = 2000,
    resample: table_options.Resample = "auto",
    limit: options.Limit = None,
    allow_overlap: options.AllowOverlap = False,
    event: options.StatedEvent = None,
    window: options.StatedWindow = None,
    latency: options.StatedLatency = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Verify a baseline on magnetic features.

    Same scores, intervals and files as `evaluate` gives for the network.
    """
    from flarescope.pipeline.magnetic_evaluation import evaluate_on_features
    from flarescope.pipeline.verifying import Verifying

    evaluation = evaluate_on_features(
        run,
        table=table,
        features=features,
        split=split,
        out=out,
        limit=limit,
        allow_overlap=allow_overlap,
        event=options.event_of_options(event, window, latency),
        verifying=Verifying(replicates=replicates, events=events, resample=resample),
        reporter=ScreenReporter(),
    )
    show_evaluation(evaluation)
