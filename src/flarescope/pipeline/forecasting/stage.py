"""How do summaries, flares and maybe an image become a forecast, and its files?"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from flarescope.disk.view import View
from flarescope.errors import InputError
from flarescope.events import FluxScale
from flarescope.files import atomic_path, check_writable
from flarescope.images.stored import on_this_machine
from flarescope.pipeline.forecasting.beside import learned_then
from flarescope.pipeline.forecasting.forms import write_csv, write_forecast_json, write_rows
from flarescope.pipeline.forecasting.inputs import Inputs, read_inputs
from flarescope.pipeline.forecasting.issue import issue_forecast
from flarescope.pipeline.forecasting.keeping import keep_forecast
from flarescope.pipeline.forecasting.region_models import load_region_model
from flarescope.pipeline.forecasting.scoreboard import write_scoreboard
from flarescope.pipeline.forecasting.value import Forecast
from flarescope.progress import Reporter, WarningReporter
from flarescope.regions.model import RegionModel
from flarescope.regions.shipped import MODEL_NAME, shipped_models
from flarescope.times import moment_of

if TYPE_CHECKING:  # it leads to the engines, which a forecast without an image does without
    from flarescope.pipeline.featuring import Compute
    from flarescope.pipeline.forecasting.past_images import Disks

JSON_NAME: Final = "forecast.json"
CSV_NAME: Final = "forecast.csv"
ROWS_NAME: Final = "forecasts.parquet"
PAGE_NAME: Final = "forecast.html"
DISK_NAME: Final = "disk"
FIELD_NAME: Final = "magnetogram.png"
"""The disk of the image alone: north up, west to the right, from edge to edge."""
FIELD_SIDE: Final = 560


@dataclass(frozen=True)
class Picture:
    """An image that a forecast is drawn on: how it shows the disk, and the disk in few pixels, north up."""

    view: View
    upright_gauss: np.ndarray


def forecast(
    regions: Sequence[str | Path],
    flares: Sequence[str | Path] = (),
    *,
    image: str | Path | Sequence[str | Path] | None = None,
    models: Sequence[str | Path] = (),
    issued: "pd.Timestamp | str | None" = None,
    out: str | Path | None = None,
    archive: str | Path | None = None,
    flux_scale: FluxScale | None = None,
    compute: "Compute | None" = None,
    instrument_ok: bool = False,
    reporter: Reporter | None = None,
) -> Forecast:
    """Forecast every region on the disk, and the whole disk: C1.0, M1.0 and X1.0 in 24, 48 and 72 hours.

    Args:
        regions: region summaries: files, folders, archives, a table of region days, SWPC's `solar_regions.json`. The
            newest not later than `issued` tells the regions; earlier ones how they changed.
        flares: flare lists: event reports, folders and archives of them, lists, tables, SWPC's JSON.
        image: a FITS file of HMI's whole disk, of the 24 hours before `issued`. Of several, or of a folder, the newest
            is forecast, and models that look back see the others. Addresses of a storage are fetched.
        models: runs of `flarescope train`, which forecast the patches of `image`; and at most one region model, a name
            or a run of `flarescope train-regions`, instead of the one that ships.
        issued: UTC; by default when the image was taken, else half an hour after the newest summary's positions hold.
            Nothing later is used.
        out: folder of the files; None writes none.
        archive: folder in which issued forecasts are kept, to be verified later; None keeps none.
        flux_scale: of flares that do not say theirs, and of the classes forecast.
        compute: how features of images are computed.
        instrument_ok: whether other magnetographs than HMI are taken.
        reporter: hears notes; the forecast has them too.

    Raises:
        InputError: no summary of the 72 hours before, an image of another day, no model, or what cannot be read.

    Example:
        >>> forecast = flarescope.forecast(["20160707SRS.txt"], out="today")
        >>> forecast
        Forecast(issued='2016-07-07T00:30', model='regions', regions=1)
    """
    reporter, out = reporter or WarningReporter(), None if out is None else Path(out)
    if out is not None:
        check_writable(out / JSON_NAME)
    inputs = read_inputs(regions, flares, flux_scale=flux_scale, reporter=reporter)
    images = [] if image is None else [image] if isinstance(image, str | Path) else image
    with on_this_machine(images, reporter) as (files, hearing):
        return forecast_inputs(
            inputs,
            image=None if image is None else files,
            models=models,
            issued=issued,
            out=out,
            archive=archive,
            flux_scale=flux_scale,
            compute=compute,
            instrument_ok=instrument_ok,
            reporter=hearing,
        )


def forecast_inputs(
    inputs: Inputs,
    *,
    image: str | Path | Sequence[str | Path] | None = None,
    models: Sequence[str | Path] = (),
    issued: "pd.Timestamp | str | None" = None,
    out: Path | None = None,
    archive: str | Path | None = None,
    flux_scale: FluxScale | None = None,
    compute: "Compute | None" = None,
    instrument_ok: bool = False,
    reporter: Reporter,
) -> Forecast:
    """Do what `forecast` does with what was read."""
    region_names, runs = _models(models)
    if runs and image is None:
        raise InputError(f"{runs[0]}: a model of images, and no image; give --image, or leave --model out")
    model, digest = load_region_model(region_names[0] if region_names else None)
    moment = None if issued is None else utc(issued)
    disks = None if image is None else _read(image, moment, instrument_ok=instrument_ok, reporter=reporter)
    found = issue_forecast(
        inputs.regions,
        inputs.flares,
        _moment(inputs, disks) if moment is None else moment,
        model=model,
        model_sha256=digest,
        flux_scale=flux_scale,
        data=inputs.data,
        notes=inputs.notes,
        reporter=reporter,
    )
    if said := learned_then(model, found.issued):
        reporter.warn(said)
        found = replace(found, notes=(*found.notes, said))
    picture = None
    if disks is not None:
        chosen = {"models": runs, "compute": compute, "instrument_ok": instrument_ok, "reporter": reporter}
        found, picture = _with_image(found, disks, inputs.regions, out, chosen)
    _keep(archive, found, inputs, model, reporter)
    if out is not None:
        write_forecast(found, out, picture)
    return found


def _with_image(
    forecast: Forecast, disks: "Disks", regions: pd.DataFrame, out: Path | None, chosen: dict[str, Any]
) -> tuple[Forecast, Picture]:
    """Set models of images beside; the patches stay where there is a folder."""
    from flarescope.pipeline.forecasting.images import PATCHES, with_image

    with tempfile.TemporaryDirectory() as temporary:
        folder = (Path(temporary) if out is None else out) / PATCHES
        seen = with_image(
            forecast, disks.disk, disks.image, earlier=disks.earlier, regions=regions, folder=folder, **chosen
        )
    return seen.forecast, Picture(seen.view, seen.upright_gauss)


def _keep(
    archive: str | Path | None, forecast: Forecast, inputs: Inputs, model: RegionModel, reporter: Reporter
) -> None:
    if archive is None:
        return
    kept = keep_forecast(archive, forecast, inputs, model=model)
    reporter.say(f"kept in {archive}" if kept else f"{archive} has this very forecast already")


def _read(
    image: str | Path | Sequence[str | Path],
    issued: pd.Timestamp | None,
    *,
    instrument_ok: bool,
    reporter: Reporter,
) -> "Disks":
    from flarescope.pipeline.forecasting.past_images import read_images

    images = [image] if isinstance(image, str | Path) else image
    return read_images([Path(one) for one in images], issued, instrument_ok=instrument_ok, reporter=reporter)


def _moment(inputs: Inputs, disks: "Disks | None") -> pd.Timestamp | None:
    if disks is None:
        return None
    from flarescope.pipeline.forecasting.images import issue_time

    return issue_time(disks.disk.time, inputs.regions["day"])


def utc(time: "pd.Timestamp | str") -> pd.Timestamp:
    """Read an issue time; without a zone it is UTC.

    Raises:
        InputError: no time.
    """
    try:
        return moment_of(time)
    except ValueError as error:
        raise InputError(f"issue time {str(time)[:40]!r}; expected such as 2014-10-22T00:30 (UTC)") from error


def _models(models: Sequence[str | Path]) -> tuple[list[str | Path], list[str | Path]]:
    """Tell region models from models of images."""
    missing = [one for one in models if not Path(one).exists() and str(one) not in shipped_models()]
    if missing:
        ships = ", ".join(shipped_models())
        raise InputError(
            f"--model {missing[0]}: no such run or model; expected a folder, a file, or one that ships: {ships}"
        )
    named = [one for one in models if is_region_model(one)]
    if len(named) > 1:
        raise InputError(f"--model names {len(named)} region models ({named[0]}, {named[1]}); expected one")
    return named, [one for one in models if one not in named]


def is_region_model(name_or_path: str | Path) -> bool:
    """Whether a name or a path is that of a region model, by what lies there."""
    path = Path(name_or_path)
    if path.exists():
        return path.suffix == ".json" or (path / MODEL_NAME).is_file()
    return str(name_or_path) in shipped_models()


def write_forecast(forecast: Forecast, out: Path, picture: Picture | None = None) -> None:
    """Write every form of a forecast into a folder: JSON, CSV, Parquet, the scoreboard's, the disk and the page."""
    from flarescope.figures.field import field_png
    from flarescope.figures.svg import save_figures
    from flarescope.pipeline.forecasting.drawing import draw_forecast
    from flarescope.pipeline.forecasting.page import write_page

    on: dict[str, Any] = {} if picture is None else {"view": picture.view, "upright_gauss": picture.upright_gauss}
    disk = draw_forecast(forecast, **on)
    save_figures({DISK_NAME: disk}, out)
    if picture is not None:
        with atomic_path(out / FIELD_NAME) as temporary:
            temporary.write_bytes(field_png(picture.upright_gauss, side=FIELD_SIDE, see_through=True))
    write_page(forecast, disk, out / PAGE_NAME)
    write_csv(forecast, out / CSV_NAME)
    write_rows(forecast, out / ROWS_NAME)
    write_scoreboard(forecast, out)
    write_forecast_json(forecast, out / JSON_NAME)
