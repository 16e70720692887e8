"""`flarescope train-regions`: a forecast from what NOAA says of each region and from its earlier flares."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, note, settings, show_json, show_table

if TYPE_CHECKING:
    from flarescope.pipeline.region_training import TrainedRegions

EXAMPLE = (
    "Example: flarescope train-regions --regions region_days.csv --flares flares.csv --until 2011-12-31 "
    "--out runs/regions_2011"
)


def train_regions(
    regions: Annotated[
        list[Path],
        typer.Option(help="Region summaries, folders or archives of them, or a table of region days; again for more."),
    ],
    flares: Annotated[Path, typer.Option(help="A flare list: event reports, a list like eventList.txt, or a CSV.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; it must not hold one.")],
    model: Annotated[
        str,
        typer.Option(help="climatology, mcintosh (MCSTAT), mcevol, class, history, summary, or regions (the best)."),
    ] = "regions",
    until: Annotated[
        str | None,
        typer.Option(
            help="Last day to train on; the time after is verified.",
            show_default="all days, verified by cross-validation",
        ),
    ] = None,
    flux_scale: Annotated[
        options.FluxScaleName | None,
        typer.Option(help="Of the flare list, where it does not say it.", show_default=False),
    ] = None,
    credit: Annotated[
        str | None, typer.Option(help="Whom the files are from, for the card.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the boosted trees.")] = 0,
    replicates: options.Replicates = 1000,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Train a model on region summaries and flares.

    It forecasts C1.0 to X1.0 in 12 to 72 hours for every region and the whole disk. Writes the model as plain JSON, its
    forecasts, and its skill beside climatology, MCSTAT, persistence and its own parts, with intervals. The model that
    ships with flarescope was made so.
    """
    from flarescope.pipeline.region_training import train_regions as train
    from flarescope.scores.cases import Sampling

    trained = train(
        regions=regions,
        flares=flares,
        out=out,
        model=model,
        until=until,
        flux_scale=flux_scale,
        credit=credit,
        seed=seed,
        sampling=Sampling(replicates=replicates),
        reporter=ScreenReporter(),
    )
    show_trained(trained)


def show_trained(trained: "TrainedRegions") -> None:
    """Print the Brier skill of the model and of the others, with intervals; or JSON."""
    if settings.as_json:
        show_json(trained.scores)
        return
    from flarescope.wording import interval, number

    for scope, title in (("region", "each region"), ("disk", "the whole disk")):
        days = {
            code: found for code, found in trained.scores[scope].items() if code.endswith("/24") and found["scores"]
        }
        if not days:
            continue
        names = list(next(iter(days.values()))["scores"])
        rows = []
        for name in names:
            cells = [found["scores"][name]["bss_climatology"] for found in days.values()]
            rows.append(
                [name, *(f"{number(one['value'])} {interval(one.get('low'), one.get('high'))}" for one in cells)]
            )
        first = next(iter(days.values()))
        head = f"{title}, 24 h: Brier skill, {first['n']:,} rows: {trained.scores['rows']}"
        show_table(head, ["forecast", *(code.split("/")[0] for code in days)], rows)
    note(f"written to {trained.folder}")
