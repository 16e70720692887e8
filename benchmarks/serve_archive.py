"""How long until a server shows a large archive: read as it is asked for, beside read whole?

    python benchmarks/serve_archive.py                  # 3,000 forecasts, some 3 minutes
    python benchmarks/serve_archive.py --forecasts 300

The forecasts are made: copies of one real forecast at other days, with other regions. Times are of the processor.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

import flarescope
from flarescope.archive import read_archive
from flarescope.archive.database import opened
from flarescope.archive.records import row_values
from flarescope.pipeline.real_day import FLARES, ISSUED, REGIONS
from flarescope.serving.settings import Settings
from flarescope.serving.state import State


def make(work: Path, count: int) -> Path:
    """Make an archive of so many forecasts, in one transaction."""
    options: dict[str, Any] = {"issued": ISSUED, "archive": work / "one", "reporter": flarescope.Reporter()}
    flarescope.forecast([REGIONS], [FLARES], **options)
    (one,) = read_archive(work / "one").forecasts
    with opened(work / "many", write=True) as connection:
        for back in range(count):
            issued = one.issued - pd.Timedelta(days=back)
            rows = one.rows.assign(noaa_ar=one.rows["noaa_ar"] - back // 7)
            made = replace(one, issued=issued, rows=rows)
            header = (made.digest(), issued.isoformat(), issued.isoformat(), json.dumps(made.header()))
            added = connection.execute(
                "INSERT INTO forecast (digest, stored, issued, header) VALUES (?, ?, ?, ?)", header
            )
            values = [(added.lastrowid, *row) for row in row_values(rows)]
            connection.executemany("INSERT INTO forecast_row VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    return work / "many"


def timed(function: Callable[[], object]) -> float:
    """Give the seconds of the processor that a call takes."""
    began = time.process_time()
    function()
    return round(time.process_time() - began, 3)


def main() -> None:
    """Measure, and print a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forecasts", type=int, default=3000)
    count = parser.parse_args().forecasts
    with tempfile.TemporaryDirectory() as work:
        archive = make(Path(work), count)
        state = State(Settings(archive=archive))
        found = {
            "forecasts": count,
            "megabytes": round((archive / "archive.sqlite").stat().st_size / 1e6, 1),
            "whole_s": timed(lambda: read_archive(archive)),
            "as_asked_for_s": timed(lambda: State(Settings(archive=archive))),
            "a_forecast_s": timed(state.snapshot.forecasts[0].read),
        }
        print(json.dumps({**found, "ratio": round(found["whole_s"] / found["as_asked_for_s"], 1)}))


if __name__ == "__main__":
    main()
