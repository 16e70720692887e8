"""Made region summaries and flares: strong classes flare more often. No results."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

CLASSES = ("Axx", "Hsx", "Cso", "Dso", "Dai", "Eki", "Fkc")


def write_made_regions(folder: Path, *, regions: int = 90, days: int = 10, seed: int = 0) -> tuple[Path, Path]:
    """Write `region_days.csv` and `region_flares.csv` in the forms of NOAA's tables of 1996 to 2015."""
    rng = np.random.default_rng(seed)
    start = np.datetime64("2001-01-01")
    summaries, flares = [], [("2000-11-01T00:00", "C1.0", ""), ("2003-12-31T00:00", "C1.0", "")]
    for number in range(regions):
        first, rank = start + 6 * number, int(rng.integers(len(CLASSES)))
        for day in range(days):
            moment = first + day
            rank = int(np.clip(rank + rng.integers(-1, 2), 0, len(CLASSES) - 1))
            longitude = -63 + 13 * day
            place = f"{'NS'[number % 2]}15{'E' if longitude < 0 else 'W'}{abs(longitude):02d}"
            area, spots = 10 + 90 * rank, 1 + 4 * rank
            hale = "BETA" if rank < 5 else "BETA-GAMMA-DELTA"
            row = (
                f"{moment} 00:30",
                9000 + number,
                place,
                (20 * number) % 360,
                area,
                CLASSES[rank],
                1 + rank,
                spots,
                hale,
            )
            summaries.append(row)
            for _ in range(rng.poisson(0.02 + 0.25 * rank)):
                flux = 10 ** rng.pareto(2)
                name = f"C{flux:.1f}" if flux < 9.9 else f"M{min(flux / 10, 9.9):.1f}"
                hour, minute = rng.integers(24), rng.integers(60)
                flares.append((f"{moment}T{hour:02d}:{minute:02d}", name, 9000 + number))
    paths = folder / "region_days.csv", folder / "region_flares.csv"
    names = "issued,noaa_ar,location,carrington_longitude,area,mcintosh,longitude_extent,spots,mag_type".split(",")
    for path, header, rows in zip(paths, (names, ["time", "flare", "noaa_ar"]), (summaries, flares), strict=True):
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *sorted(rows)])
    return paths


def write_set_record(folder: Path, numbers: Sequence[int]) -> tuple[Path, Path]:
    """Write summaries of the days about the images of `fakes.write_set`, and flares of some of its regions."""
    letters, rows = ("AXX", "CSO", "DAI", "FKC"), []
    flares = [("2010-10-01T00:00", "C1.0", ""), ("2010-11-20T00:00", "C1.0", "")]
    for place, number in enumerate(numbers):
        for day in (9, 10, 11):
            kind = letters[(place + day) % 4]
            issued = f"2010-11-{day:02d} 00:30"
            rows.append((issued, 10000 + number, f"N15W{day:02d}", 100, 10 * place, kind, 5, 3, "BETA"))
        if place % 3:
            flares.append((f"2010-11-{7 + place % 5:02d}T{place % 24:02d}:00", "C2.0", 10000 + number))
    paths = folder / "set_regions.csv", folder / "set_flares.csv"
    names = ("issued", "noaa_ar", "location", "carrington_longitude", "area")
    names += ("mcintosh", "longitude_extent", "spots", "mag_type")
    for path, header, lines in zip(paths, (names, ("time", "flare", "noaa_ar")), (rows, flares), strict=True):
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *sorted(lines)])
    return paths
