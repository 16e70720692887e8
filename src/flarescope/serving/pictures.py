"""What do the disk and a region look like in an image that a forecast was made with?"""

import functools
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from fastapi import APIRouter, Request
from starlette.responses import Response

from flarescope.errors import InputError
from flarescope.figures.field import field_png
from flarescope.images.line_of_sight import Accept
from flarescope.images.magnetogram import read_fits
from flarescope.parsing import refusing_damage
from flarescope.pipeline.forecasting.stage import FIELD_NAME
from flarescope.serving.answers import Problem, conditional
from flarescope.serving.kept import Kept
from flarescope.serving.uploads import MAP_COSTS

PATCHES: Final = "patches"
PATCH_SIDE: Final = 448
"""Pixels of the longer side of a region's picture."""
SHOWN: Final = Accept(instrument_ok=True)
"""Whoever made the forecast took the instrument."""
LARGEST_PICTURE: Final = 8 << 20

router = APIRouter(include_in_schema=False)


def disk_picture(kept: Kept) -> Path | None:
    """Name the picture of the disk, if there is one: north up, west to the right, the disk from edge to edge."""
    path = None if kept.folder is None else kept.folder / FIELD_NAME
    return path if path is not None and path.is_file() else None


def patches_of(kept: Kept) -> dict[int, Path]:
    """Name the patch of each region that was cut out of the image."""
    table = None if kept.folder is None else kept.folder / PATCHES / "patches.csv"
    return {} if table is None or not table.is_file() else _patches(table, table.stat().st_mtime_ns)


@functools.lru_cache(maxsize=512)
def _patches(table: Path, _: int) -> dict[int, Path]:
    with refusing_damage(table, "make the forecast again"):
        rows = pd.read_csv(table)[["noaa_ar", "filename"]].dropna()
        named = {int(number): (table.parent / str(name)).resolve() for number, name in rows.itertuples(index=False)}
    inside = table.parent.resolve()
    return {number: path for number, path in named.items() if path.is_relative_to(inside) and path.is_file()}


@functools.lru_cache(maxsize=256)
def patch_png(path: Path) -> bytes:
    """Draw a patch as HMI's readers know it, -1500 to +1500 G, north up and west to the right.

    Raises:
        InputError: it cannot be read.
    """
    found = read_fits(path, accept=SHOWN)
    return field_png(upright(found.field_gauss, found.look.crota_deg), side=PATCH_SIDE)


def upright(field_gauss: np.ndarray, crota_deg: float | None) -> np.ndarray:
    """Turn a field whose first row is its lowest so that, drawn from the top, north is up and west to the right.

    Args:
        field_gauss: `(H, W)`, as it lies in a FITS file.
        crota_deg: CROTA2; of HMI's images, and where it is not known, about 180: south up, east to the right.
    """
    turned = crota_deg is None or abs(crota_deg % 360 - 180) < 90
    return field_gauss[:, ::-1] if turned else field_gauss[::-1]


@router.get("/pictures/{forecast_id}/disk.png")
def disk(request: Request, forecast_id: str) -> Response:
    """Serve the disk."""
    path = disk_picture(_kept(request, forecast_id))
    if path is None:
        raise Problem(404, "this forecast was made without an image, or it was not kept")
    with path.open("rb") as stream:
        return conditional(request, stream.read(LARGEST_PICTURE), "image/png")


@router.get("/pictures/{forecast_id}/{noaa_ar}.png")
def patch(request: Request, forecast_id: str, noaa_ar: int) -> Response:
    """Serve a region's patch."""
    path = patches_of(_kept(request, forecast_id)).get(noaa_ar)
    if path is None:
        raise Problem(404, "there is no image of this region with this forecast")
    try:
        return conditional(request, patch_png(path), "image/png")
    except InputError as error:
        raise Problem(404, "the image of this region cannot be read") from error


@router.get("/pictures/{forecast_id}/{noaa_ar}/map.png")
async def patch_map(request: Request, forecast_id: str, noaa_ar: int, model: str) -> Response:
    """Draw where in a region's patch a model of uploads sees its forecast, as `flarescope explain` does."""
    state = request.app.state
    path, served = patches_of(_kept(request, forecast_id)).get(noaa_ar), state.models.get(model)
    if path is None or served is None:
        raise Problem(404, "there is no image of this region with this forecast, or no such model")
    state.uploads.spend(request.scope["flarescope_client"], MAP_COSTS)
    options = {"method": None, "nan": "error", "event": served.chosen(None)}
    drawn, _ = await state.maps.draw(served.path, path.name, path.read_bytes(), **options)
    return conditional(request, drawn, "image/png")


def _kept(request: Request, forecast_id: str) -> Kept:
    kept: Kept | None = request.app.state.kept.snapshot.by_id.get(forecast_id)
    if kept is None:
        raise Problem(404, "no such forecast")
    return kept
