"""`flarescope forecast`: how probable is a flare of each region on the disk, and of the whole disk?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, note, settings, show_json, show_table

if TYPE_CHECKING:
    from flarescope.pipeline.featuring import Compute
    from flarescope.pipeline.forecasting.value import Forecast

EXAMPLE = "Example: flarescope forecast --regions 20160707SRS.txt --flares events/ --issue 2016-07-07T00:30 --out today"


def forecast(
    regions: Annotated[
        list[Path] | None,
        typer.Option(
            help="Region summaries: file, folder, tar, table of region days, solar_regions.json; may be given again.",
            show_default=False,
        ),
    ] = None,
    flares: Annotated[
        list[Path] | None,
        typer.Option(
            help="Flares before: event reports (file, folder, tar), eventList.txt, CSV, SWPC's JSON; again for more.",
            show_default="none: their history is unknown",
        ),
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="FITS file of HMI's whole disk, as JSOC's hmi.M_720s; again, or a folder, for models that look back.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A run that forecasts patches of --image, or another region model; may be given again.",
            show_default="the region model that ships",
        ),
    ] = None,
    issue: Annotated[
        str | None,
        typer.Option(
            help="When the forecast is issued, UTC; nothing later is used.",
            show_default="the image's time, else 00:30 of the newest summary",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of its files: JSON, CSV, Parquet, scoreboard, disk, page.", show_default="no files"),
    ] = None,
    archive: Annotated[
        Path | None,
        typer.Option(help="Folder in which the forecast is kept, for `archive verify`.", show_default="not kept"),
    ] = None,
    replay: Annotated[
        str | None,
        typer.Option(
            help="Instead one forecast a day of the past, verified, into --out; flares before and after are taken.",
            metavar="<FIRST..LAST>",
            show_default=False,
        ),
    ] = None,
    issue_hour: Annotated[
        float | None,
        typer.Option(help="Of --replay: at which hour, UTC; 0 is midnight.", show_default="0.5, when NOAA issues"),
    ] = None,
    now: Annotated[
        bool,
        typer.Option("--now", help="Fetch what NOAA and JSOC have now, instead of naming files. Untried for real."),
    ] = False,
    no_image: Annotated[
        bool, typer.Option("--no-image", help="With --now: do not fetch HMI's newest disk, some 15 MB.")
    ] = False,
    flux_scale: options.FluxScale = None,
    nan: options.Nan = "error",
    instrument_ok: options.InstrumentOk = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Forecast a day: each region and the whole disk.

    C1.0, M1.0 and X1.0 flares in 24, 48 and 72 hours, from NOAA's region summaries and flare lists, by a model that
    ships with flarescope; with an image of the whole disk the regions are cut out, and models of images forecast them
    beside it. What is missing is said, with what it costs.
    This is research, and no official forecast.
    """
    from flarescope.errors import InputError
    from flarescope.pipeline.forecasting.stage import PAGE_NAME
    from flarescope.pipeline.forecasting.stage import forecast as run_forecast

    reporter = ScreenReporter()
    compute = _compute(nan, instrument_ok=instrument_ok) if image or (now and not no_image) else None
    if issue_hour is not None and replay is None:
        raise InputError("--issue-hour belongs to --replay; --issue says when one forecast is issued")
    if now:
        from flarescope.pipeline.forecasting.live import forecast_now

        if regions or flares or image or issue or flux_scale or replay:
            raise InputError(
                "--now fetches its own data; leave --regions, --flares, --image, --issue, --flux-scale, --replay out"
            )
        found = forecast_now(
            models=model or [], out=out, archive=archive, image=not no_image, compute=compute, reporter=reporter
        )
    elif not regions:
        raise InputError("no region summaries; give --regions, or --now")
    elif replay is not None:
        from flarescope.cli.replay import run_replay

        if image or issue is not None or archive is not None:
            raise InputError("--replay takes no --image, --issue or --archive; leave them out")
        run_replay(replay, regions, flares or [], models=model or [], out=out, hour=issue_hour, flux_scale=flux_scale)
        return
    else:
        found = run_forecast(
            regions,
            flares or [],
            image=image or None,
            models=model or [],
            issued=issue,
            out=out,
            archive=archive,
            flux_scale=flux_scale,
            compute=compute,
            instrument_ok=instrument_ok,
            reporter=reporter,
        )
    show_forecast(found)
    if out is not None:
        note(f"written to {out}; the page is {PAGE_NAME}")


def _compute(nan: "options.NanPolicy", *, instrument_ok: bool) -> "Compute":
    from flarescope.pipeline.featuring import Compute

    return Compute(nan=nan, instrument_ok=instrument_ok)


def show_forecast(found: "Forecast") -> None:
    """Print a forecast, as a table or as JSON."""
    from flarescope.pipeline.forecasting.forms import by_model, location, to_json

    if settings.as_json:
        show_json(to_json(found))
        return
    rows = found.of_model()
    events = list(rows["event"].drop_duplicates())
    hours = "/".join(f"{one:g}" for one in rows["window_h"].drop_duplicates())
    disk = next(iter(by_model(rows[rows["noaa_ar"].isna()]).values()), {})
    table = [["whole disk", "", "", *_cells(disk, events), *_others(found, None), ""]]
    for record in found.regions.to_dict("records"):
        own = rows[rows["noaa_ar"].eq(record["noaa_ar"])]
        place = location(record["latitude_deg"], record["longitude_deg"]) or "-"
        shares = next(iter(by_model(own).values()), {})
        cells = [*_cells(shares, events), *_others(found, record["noaa_ar"])]
        mcintosh = record["mcintosh"] if isinstance(record["mcintosh"], str) else "-"
        table.append([str(record["noaa_ar"]), place, mcintosh, *cells, record["flags"] or "-"])
    when = f"{hours} h of {found.issued:%Y-%m-%d %H:%M} UTC"
    title = f"probability in % of a flare within {when} (research, no official forecast)"
    show_table(title, ["NOAA AR", "place", "class", *(f"{one}+" for one in events), *_names(found), "flags"], table)


def _cells(shares: "dict[str, float]", events: list[str]) -> list[str]:
    """Write the windows of each event one after the other: `67/80/88`."""
    from flarescope.figures.disk import percent

    return ["/".join(percent(share) for code, share in shares.items() if code.startswith(f"{one}/")) for one in events]


def _columns(found: "Forecast") -> dict[tuple[str, str, float], list[str]]:
    """Give the columns of models of images: model, class and latency, and the short names of its windows' events."""
    from flarescope.pipeline.forecasting.forms import code

    rows = found.probabilities[~found.probabilities.index.isin(found.of_model().index)]
    columns: dict[tuple[str, str, float], list[str]] = {}
    named = rows[["model", "event", "latency_h", "window_h"]].drop_duplicates().itertuples(index=False)
    for model, event, latency, window in named:
        columns.setdefault((str(model), str(event), float(latency)), []).append(code(event, window, latency))
    return columns


def _names(found: "Forecast") -> list[str]:
    """Name the forecasts of models of images: the model and its event, of several windows `M1.0/24/48`."""
    return [
        f"{model} {codes[0].partition('+')[0]}"
        + "".join(f"/{one.partition('/')[2].partition('+')[0]}" for one in codes[1:])
        + (f"+{latency:g}" if latency else "")
        for (model, _, latency), codes in _columns(found).items()
    ]


def _others(found: "Forecast", noaa_ar: int | None) -> list[str]:
    """Give the cells of those columns, the windows of an event one after the other: `12/20`."""
    from flarescope.figures.disk import percent
    from flarescope.pipeline.forecasting.forms import by_model

    rows = found.probabilities
    own = by_model(rows[rows["noaa_ar"].eq(noaa_ar).fillna(value=False)]) if noaa_ar else {}
    cells = []
    for (model, _, _), codes in _columns(found).items():
        shares = own.get(model, {})
        cells.append("/".join(percent(shares[one]) for one in codes) if codes[0] in shares else "-")
    return cells
