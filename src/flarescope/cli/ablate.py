"""`flarescope ablate`: what does each part of a forecast add?"""

from pathlib import Path
from typing import Annotated, Any

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, note, out, settings, show_json, show_table
from flarescope.counted import counted

EXAMPLE = (
    "Example: flarescope ablate runs/png --table Test_Data_by_AR_png_224.csv --regions srs_2010_2018 "
    "--flares eventList.txt --history 6,12,24"
)


def ablate(
    run: Annotated[Path, typer.Argument(help="A run's folder; with a history or without.")],
    table: Annotated[Path, typer.Option(help="Table of labelled images to score on, of regions the run never saw.")],
    regions: Annotated[
        list[Path],
        typer.Option(help="Region summaries, folders or archives of them, or a table of region days; again for more."),
    ],
    flares: Annotated[Path, typer.Option(help="A flare list, complete from 3 days before the first image.")],
    images: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Folder that file names are relative to, or s3://BUCKET/FOLDER.",
            show_default="the run's",
        ),
    ] = None,
    history: options.HistoryHours = None,
    tolerance: options.Tolerance = None,
    history_form: options.HistoryForm = None,
    split: options.Split = "test",
    output: Annotated[
        Path | None, typer.Option("--out", help="Folder for what is written.", show_default="'ablation' in the run")
    ] = None,
    flux_scale: options.FluxScale = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    engine_batch: options.EngineBatch = None,
    workers: options.Workers = None,
    nan: options.Nan = "error",
    event: options.StatedEvent = None,
    window: options.StatedWindow = None,
    latency: options.StatedLatency = None,
    replicates: options.Replicates = 2000,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Score each part of a forecast alone and together.

    The parts are the image, the image with its past (--history, or a run with one), how the region flared before, and
    its McIntosh class. Each is trained on the run's training regions, joined on its validation regions, and scored
    on the table's. Writes ablation.json, ablation.csv and a figure.
    """
    from flarescope.pipeline.ablating import ablate as run_ablation
    from flarescope.pipeline.ablating import draw
    from flarescope.pipeline.featuring import Compute
    from flarescope.scores.cases import Sampling

    place = output or run / "ablation"
    found = run_ablation(
        run,
        table=table,
        regions=regions,
        flares=flares,
        images=images,
        history=options.history_of_options(history, tolerance, history_form),
        split=split,
        out=place,
        flux_scale=flux_scale,
        compute=Compute(engine, precision, workers, nan, engine_batch),
        event=options.event_of_options(event, window, latency),
        sampling=Sampling(replicates=replicates),
        reporter=ScreenReporter(),
    )
    draw(found, place)
    show_ablation(found)
    note(f"written to {place}")


def show_ablation(found: dict[str, Any]) -> None:
    """Print the sets with their scores, and what each part adds; or JSON."""
    if settings.as_json:
        show_json(found)
        return
    from flarescope.events import event_from_json, statement_of
    from flarescope.wording import interval, interval_words, number, score_title

    rows, how = found["rows"], interval_words(found["settings"])
    out(statement_of(event_from_json(found["event"], "the ablation")))
    names = list(found["sets"][0]["scores"])
    title = (
        f"{counted(rows['images'], 'image')} of {counted(rows['regions'], 'region')}, {rows['events']:,} with an event"
    )
    title += ", SYNTHETIC" if found["synthetic"] else ""
    main = names[0]
    for head, part, key in ((title, "sets", "set"), ("what each adds", "adds", "what")):
        cells = []
        for one in found[part]:
            scores = one["scores"]
            ends = interval(scores[main].get("low"), scores[main].get("high"))
            cells.append(
                [one[key], number(scores[main]["value"]), ends, *(number(scores[x]["value"]) for x in names[1:])]
            )
        out("")
        show_table(head, ["parts", score_title(main), "interval", *map(score_title, names[1:])], cells)
    if how:
        note(f"{found['settings']['level']:.0%} intervals {how}")
    for text in found["notes"]:
        note(f"- {text}")
