"""How long do twelve tables of 16,000 rows take, all scores with intervals, and a report of 100,000 rows?

    python benchmarks/many_tables.py

Made forecasts: 157 regions whose chance of an event differs, seen through more and more noise. Processor seconds of
this process, beside those of the clock; the targets are 60 s for the twelve and 20 s for the report.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from flarescope import Comparing, EventDefinition, compare_many, report_tables

REGIONS: Final = 157
TABLES: Final = 12
ROWS: Final = 16_000
MOST_ROWS: Final = 100_000
HOW: Final = Comparing(event=EventDefinition())


def made(rows: int, tables: int, folder: Path) -> list[Path]:
    """Write tables of the same made rows."""
    rng = np.random.default_rng(0)
    region = np.sort(rng.integers(0, REGIONS, rows))
    chance = rng.normal(-1.5, 1.5, REGIONS)[region]
    place = pd.Series(region).groupby(region).cumcount().to_numpy()
    hours = 24.0 * 30 * region + place
    known = {
        "noaa_ar": region + 11_000,
        "time": pd.Timestamp("2000-01-01", tz="UTC") + pd.to_timedelta(hours, unit="h"),
        "label": (rng.uniform(size=rows) < 1 / (1 + np.exp(-chance))).astype(int),
    }
    paths = []
    for number in range(tables):
        noisy = chance + rng.normal(0, 0.3 + 0.3 * number, rows)
        paths.append(folder / f"made_{rows}_{number}.csv")
        pd.DataFrame(known | {"probability": 1 / (1 + np.exp(-noisy))}).to_csv(paths[-1], index=False)
    return paths


def timed(what: str, work: Callable[[], object]) -> None:
    """Print how long some work takes."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    print(f"{what}: {time.process_time() - processor:.1f} s of processor, {time.perf_counter() - clock:.1f} s")


def main() -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        twelve, one = made(ROWS, TABLES, folder), made(MOST_ROWS, 1, folder)
        timed(f"compare {TABLES} tables of {ROWS:,} rows", lambda: compare_many(twelve, how=HOW))
        timed(
            f"report of {TABLES} tables of {ROWS:,} rows",
            lambda: report_tables(twelve, how=HOW, out=folder / "twelve/report.html"),
        )
        timed(f"report of {MOST_ROWS:,} rows", lambda: report_tables(one, how=HOW, out=folder / "one/report.html"))


if __name__ == "__main__":
    main()
