"""`flarescope serve`: how do people and programs see the forecasts?"""

from pathlib import Path
from typing import Annotated

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter

EXAMPLE = "Example: flarescope serve runs/png --archive archive --flares events"


def serve(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Runs and model files that forecast uploads.", show_default="no uploads", metavar="[RUN]..."
        ),
    ] = None,
    archive: Annotated[
        Path | None,
        typer.Option(help="Folder of issued forecasts, as `forecast --archive` keeps them.", show_default=False),
    ] = None,
    forecast: Annotated[
        list[Path] | None,
        typer.Option(help="Folder that `forecast --out` wrote, or one of such folders.", show_default=False),
    ] = None,
    regions: Annotated[
        list[Path] | None,
        typer.Option(
            help="Region summaries: a forecast is made of them, and of --flares, at the start.", show_default=False
        ),
    ] = None,
    image: Annotated[
        Path | None, typer.Option(help="FITS file of HMI's whole disk for that forecast.", show_default=False)
    ] = None,
    flares: Annotated[
        list[Path] | None,
        typer.Option(help="Flares that came: event reports, eventList.txt, or a CSV.", show_default="not verified"),
    ] = None,
    swpc: Annotated[
        Path | None,
        typer.Option(help="SWPC's own forecasts: a file like solar_probabilities.json.", show_default=False),
    ] = None,
    flux_scale: options.FluxScale = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Fetch new inputs, issue, keep and verify forecasts. Untried for real.")
    ] = False,
    every: Annotated[float, typer.Option(help="Minutes between two rounds of --watch.")] = 60.0,
    no_image: Annotated[
        bool, typer.Option("--no-image", help="With --watch: do not fetch HMI's newest disk, some 15 MB.")
    ] = False,
    host: Annotated[str, typer.Option(help="Address to listen on; another than loopback needs a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free one.")] = 8470,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Name under which the server may be asked, as behind a proxy.", show_default=False),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with the token that clients need.", show_default="$FLARESCOPE_TOKEN"),
    ] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="Take who asks from the proxy's X-Forwarded-For.")
    ] = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Serve forecasts as pages and as an API.

    Shows what an archive holds; models of images forecast uploads. Bound to this machine unless --host says otherwise.
    This is research, and no official forecast.
    """
    from flarescope.errors import InputError

    try:
        from flarescope.serving.running import serve as run_server
    except ModuleNotFoundError as error:
        raise InputError(
            f"serve needs the extra `serve` ({error.name} is missing): pip install 'flarescope[serve]'"
        ) from error
    from flarescope.serving.access import read_token
    from flarescope.serving.settings import Settings

    settings = Settings(
        archive=archive,
        made=tuple(forecast or ()),
        regions=tuple(regions or ()),
        disk=image,
        runs=tuple(runs or ()),
        flares=tuple(flares or ()),
        swpc=swpc,
        flux_scale=flux_scale,
        watch=watch,
        every_minutes=every,
        image=not no_image,
        host=host,
        port=port,
        hosts=tuple(allow_host or ()),
        token=read_token(token_file),
        behind_proxy=behind_proxy,
    )
    run_server(settings, reporter=ScreenReporter())
