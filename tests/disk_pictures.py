"""What stands in for JPEGs of the whole disk? Small made ones: a grey disk in a black sky. Nothing here is real."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from flarescope.parquet_tables import write_parquet

SIDE = 96
FIRST = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)


def disk_pixels(seed: int = 0, *, spot: int = 0, side: int = SIDE) -> np.ndarray:
    """A disk of noise about 127.5, with a bipole of so many levels in its middle; black around it."""
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    pixels = np.random.default_rng(seed).normal(127.5, 4, (side, side))
    middle = np.hypot(rows, columns) < side / 8
    pixels += np.where(middle, np.sign(columns) * spot, 0)
    pixels[np.hypot(rows, columns) > 0.46 * side] = 0
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def write_jpeg(path: Path, pixels: np.ndarray | None = None, **options: object) -> Path:
    """Write pixels, by default those of a disk, as a JPEG of the best quality."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(disk_pixels() if pixels is None else pixels).save(path, quality=95, **options)
    return path


def name_at(hours: float) -> str:
    """The name of the image so many hours after the first one."""
    return f"HMI.m{FIRST + dt.timedelta(hours=hours):%Y.%m.%d_%H.%M.%S}.jpg"


def write_series(folder: Path, days: int, *, every_hours: int = 6, active: int = 3) -> Path:
    """Write a series of images and its flares.

    Days in which `day % active == 0` have an M5.0 at noon; images show a bipole on days before and with one. Flares are
    in `flares.csv` beside the images, without regions, with a C1.0 on the first and the last day that end the list.
    """
    peaks = [FIRST + dt.timedelta(days=day, hours=12) for day in range(0, days, active)]
    for hour in range(0, 24 * days, every_hours):
        time = FIRST + dt.timedelta(hours=hour)
        before = any(dt.timedelta(0) < peak - time <= dt.timedelta(hours=24) for peak in peaks)
        write_jpeg(folder / "images" / name_at(hour), disk_pixels(hour, spot=60 if before else 0))
    ends = [FIRST - dt.timedelta(days=1), FIRST + dt.timedelta(days=days + 3)]
    rows = [(peak, "M5.0") for peak in peaks] + [(end, "C1.0") for end in ends]
    lines = [f"{time:%Y-%m-%d %H:%M:%S},{flare}" for time, flare in sorted(rows)]
    (folder / "flares.csv").write_text("begin,class\n" + "\n".join(lines) + "\n")
    return folder


def disk_forecasts(path: Path, *, hours: range, notes: dict[str, object] | None = None) -> pd.DataFrame:
    """Forecasts of a series of the whole disk, with labels in runs of a day; written where a path is given."""
    times = pd.Series([FIRST + dt.timedelta(hours=hour) for hour in hours])
    day = (times - FIRST) // pd.Timedelta(days=1)
    generator = np.random.default_rng(0)
    label = (day % 3 == 0).astype(int)
    table = pd.DataFrame({"time": times, "label": label, "probability": generator.uniform(0, 1, len(times))})
    write_parquet(table, path, notes or {})
    return table
