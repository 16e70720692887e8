"""`flarescope archive`: which forecasts were kept, and how good were they?"""

from pathlib import Path
from typing import Annotated, Any

import typer

from flarescope.cli import options
from flarescope.cli.groups import group
from flarescope.cli.screen import ScreenReporter, note, out, settings, show_json, show_table
from flarescope.counted import counted

app = group("Issued forecasts that were kept, against what happened.")

VERIFY_EXAMPLE = "Example: flarescope archive verify archive --flares events --swpc solar_probabilities.json --out page"
SHOW_EXAMPLE = "Example: flarescope archive show archive"

Folder = Annotated[Path, typer.Argument(help="Folder of the archive, as `flarescope forecast --archive` keeps it.")]


@app.command("verify", epilog=VERIFY_EXAMPLE)
def verify(
    folder: Folder,
    flares: options.Flares,
    swpc: Annotated[
        Path | None,
        typer.Option(help="SWPC's own forecasts: a file like solar_probabilities.json.", show_default=False),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Whose forecasts.", show_default="the newest forecast's own")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", help="Folder for scores.json and the page index.html.", show_default=False)
    ] = None,
    flux_scale: options.FluxScale = None,
    replicates: options.Replicates = 1000,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Verify what was forecast to date.

    Against the flares that came: Brier skill with 95 % intervals, by regions or blocks of 27 days, beside climatology,
    MCSTAT and persistence. Of fewer than 10 events nothing is scored. The page has reliability, and the last 30 days
    against what happened.
    """
    from flarescope.pipeline.archiving.verifying import verify_archive
    from flarescope.scores.cases import Sampling

    found = verify_archive(
        folder,
        flares=flares,
        swpc=swpc,
        model=model,
        flux_scale=flux_scale,
        out=to,
        sampling=Sampling(replicates=replicates),
        reporter=ScreenReporter(),
    )
    show_verified(found)
    if to is not None:
        note(f"scores.json and index.html written to {to}")


@app.command("show", epilog=SHOW_EXAMPLE)
def show(
    folder: Folder,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Say what an archive holds.

    How many forecasts, of which time, by which models, and what cannot be used.
    """
    from flarescope.pipeline.archiving.verifying import summary_of

    found = summary_of(folder)
    if settings.as_json:
        show_json(found)
        return
    span = f", issued {found['first'][:16]} to {found['last'][:16]} UTC" if found["forecasts"] else ""
    out(f"{counted(found['forecasts'], 'forecast')} of {counted(found['rows'], 'row')}{span}")
    if found["models"]:
        rows = [[one["name"], one["first"][:10] or "-", one["last"][:10] or "-"] for one in found["models"]]
        show_table("models", ["model", "learned from", "to"], rows)
    for text in found["refused"]:
        note(f"- not usable: {text}")


def show_verified(found: dict[str, Any]) -> None:
    """Print the skill of issued forecasts to date, as tables or as JSON."""
    if settings.as_json:
        show_json(found)
        return
    from flarescope.html_report.archive_page import beside_rows, skill_rows

    times = counted(found["forecasts"], "issue time")
    out(f"{found['model']}: {times}, {found['first'][:10]} to {found['last'][:10]}")
    for scope, title in (("disk", "the whole disk"), ("region", "each region")):
        if not found[scope]:
            continue
        header, rows = skill_rows(found[scope])
        out("")
        show_table(f"{title}: Brier skill (95 % interval) against climatology", header, rows)
        beside = beside_rows(found[scope])
        if beside:
            header = ["event", "other", "forecasts", "events", found["model"], "the other"]
            show_table("beside those who forecast some of them, on the same rows", header, beside)
    for text in found["notes"]:
        note(f"- {text}")
