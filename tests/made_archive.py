"""Made issued forecasts. No results."""

import pandas as pd

from flarescope.archive import Input, IssuedForecast, ModelUsed
from flarescope.archive.records import ROW_DTYPES


def made_rows(probability: float = 0.25, *, model: str = "regions") -> pd.DataFrame:
    """Two regions and the disk, two classes in 24 h."""
    rows = [
        (number, event, 24.0, 0.0, probability / (1 if event == "C1.0" else 4), model)
        for number in (11158, 11161, None)
        for event in ("C1.0", "M1.0")
    ]
    return pd.DataFrame(rows, columns=list(ROW_DTYPES)).astype(ROW_DTYPES)


def made_forecast(day: int = 1, *, probability: float = 0.25, stored_day: int | None = None) -> IssuedForecast:
    """The forecast of a day of February 2011, kept 10 minutes after it was issued, or on another day."""
    issued = pd.Timestamp(2011, 2, day, 0, 30, tz="UTC")
    stored = issued + pd.Timedelta(minutes=10)
    if stored_day is not None:
        stored = pd.Timestamp(2011, 2, stored_day, tz="UTC")
    return IssuedForecast(
        issued,
        pd.concat([made_rows(probability), made_rows(0.2, model="mcintosh")], ignore_index=True),
        (ModelUsed("regions", "sha256:0", "1996-08-09T00:30", "2010-12-28T00:30"), ModelUsed("mcintosh")),
        (Input("regions", "20110201SRS.txt", "0" * 64), Input("flares", "events")),
        "0.0",
        "operational",
        ("made up",),
        stored,
    )
