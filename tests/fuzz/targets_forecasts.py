"""Which readers of a day's forecast are given hostile files, and with which do they begin?"""

import json
from pathlib import Path

import pandas as pd

from flarescope.catalog.noaa_regions import REGION_DTYPES
from flarescope.pipeline.forecasting.forms import read_forecast, to_json
from flarescope.pipeline.forecasting.scoreboard import message_of, to_text, to_xml
from flarescope.pipeline.forecasting.scoreboard_reading import read_scoreboard
from flarescope.pipeline.forecasting.value import Forecast
from flarescope.regions.model import COLUMNS

from .harness import Target
from .targets_regions import DAY, REGIONS


def forecast() -> Forecast:
    """Make a forecast of one region and the disk."""
    regions = REGIONS.reindex(columns=[name for name in REGION_DTYPES if name != "section"]).assign(flags="limb")
    regions = regions.astype({name: dtype for name, dtype in REGION_DTYPES.items() if name != "section"})
    rows = [(DAY, number, event, 24.0, 0.0, 0.25, "made") for number in (12192, None) for event in ("C1.0", "X1.0")]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    return Forecast(DAY, DAY, "made", None, "operational", regions, table, {"regions": [{"name": "a"}]}, ("a note",))


def messages(folder: Path) -> list[bytes]:
    """Give both forms for the scoreboard."""
    message = message_of(forecast())
    return [to_xml(message, DAY).encode(), to_text(message, "a").encode()]


def use_forecast(path: Path) -> None:
    """Read a forecast and use it."""
    found = read_forecast(path)
    repr(found)
    to_json(found)


TARGETS = {
    "forecast-json": Target("a.json", lambda folder: [json.dumps(to_json(forecast())).encode()], use_forecast),
    "scoreboard": Target("a.xml", messages, read_scoreboard),
}
