"""How is a forecast written in the XML and the text that forecasting centres send to CCMC's flare scoreboard?

The forms follow messages of centres as they were published; the scoreboard's schema could not be had, so no conformance
is claimed, and nothing was ever sent. Probabilities are of a class **or more** (CPlus, MPlus; X is alike). What
flarescope has not, an uncertainty and a level, is -1 in the text, as the scoreboard's server writes what is not there.
"""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from flarescope.errors import InputError
from flarescope.files import write_text
from flarescope.pipeline.forecasting.forms import location
from flarescope.pipeline.forecasting.value import RESEARCH, Forecast
from flarescope.region_numbers import NOAA_OFFSET

BINS: Final = {"X": "X1.0", "MPlus": "M1.0", "CPlus": "C1.0"}
"""Names of the flux bins, and the events that they are."""
LETTERS: Final = {"X": "X1.0", "M": "M1.0", "C": "C1.0"}
"""The columns of the text, in their order."""
SCHEME: Final = "NOAA_AR_numbering_scheme"
NONE: Final = -1
_TIME: Final = "%Y-%m-%dT%H:%MZ"
HEAD: Final = {
    "method": "Forecasting method",
    "issued": "Issue Time",
    "start": "Prediction Window Start Time",
    "end": "Prediction Window End Time",
}


@dataclass(frozen=True)
class Entry:
    """Probabilities of one region, or of the whole disk.

    Attributes:
        noaa_ar: full number; None of the disk.
        place: as `N15E06`; None where unknown.
        probabilities: event -> 0..1.
    """

    noaa_ar: int | None
    place: str | None
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Message:
    """What a file for the scoreboard says: `method`, the times in UTC, and the entries, the disk first."""

    method: str
    issued: pd.Timestamp
    start: pd.Timestamp
    end: pd.Timestamp
    entries: tuple[Entry, ...]


def message_of(forecast: Forecast, window_h: float = 24.0) -> Message:
    """Give what the scoreboard takes of a forecast: one window, C, M and X, by the region model.

    Raises:
        InputError: the forecast has no such window.
    """
    rows = forecast.of_model()
    rows = rows[rows["window_h"].eq(window_h) & rows["latency_h"].eq(0) & rows["event"].isin(BINS.values())]
    if rows.empty:
        raise InputError(f"no forecast of C1.0, M1.0 or X1.0 in {window_h:g} h; the scoreboard takes no other")
    regions = forecast.regions
    where = {
        int(number): location(latitude, longitude)
        for number, latitude, longitude in zip(
            regions["noaa_ar"], regions["latitude_deg"], regions["longitude_deg"], strict=True
        )
    }
    entries = [Entry(None, None, _shares(rows[rows["noaa_ar"].isna()]))]
    entries += [Entry(number, place, _shares(rows[rows["noaa_ar"].eq(number)])) for number, place in where.items()]
    end = forecast.issued + pd.Timedelta(hours=window_h)
    kept = tuple(entry for entry in entries if entry.probabilities)
    return Message(f"flarescope-{forecast.model}", forecast.issued, forecast.issued, end, kept)


def _shares(rows: pd.DataFrame) -> dict[str, float]:
    return dict(zip(rows["event"], rows["probability"].round(6), strict=True))


def file_name(message: Message, ending: str) -> str:
    """Name a file as the scoreboard does: `Flare_Forecast_modelname_yyyymmdd_hhmm.txt`."""
    name = re.sub("[^A-Za-z0-9.-]", "-", message.method)
    return f"Flare_Forecast_{name}_{message.issued:%Y%m%d_%H%M}.{ending}"


def to_xml(message: Message, day: pd.Timestamp) -> str:
    """Write a message as XML.

    Args:
        message: what it says.
        day: when the regions' places hold, UTC.
    """
    root = ET.Element("message")
    root.append(ET.Comment(f" {RESEARCH} "))
    forecast = ET.SubElement(root, "forecast")
    ET.SubElement(forecast, "method").text = message.method
    ET.SubElement(forecast, "issuetime").text = message.issued.strftime(_TIME)
    window = ET.SubElement(forecast, "predictionwindow")
    ET.SubElement(window, "starttime").text = message.start.strftime(_TIME)
    ET.SubElement(window, "endtime").text = message.end.strftime(_TIME)
    for entry in message.entries:
        group = ET.SubElement(forecast, "group")
        ET.SubElement(group, "forecasttype").text = "Full Disk" if entry.noaa_ar is None else "Region"
        if entry.noaa_ar is not None:
            region = ET.SubElement(group, "sourceregion")
            ET.SubElement(region, "id", scheme=SCHEME).text = f"{entry.noaa_ar % NOAA_OFFSET:04d}"
            if entry.place:
                ET.SubElement(region, "location", time=day.strftime(_TIME)).text = entry.place
        for name, event in BINS.items():
            if event in entry.probabilities:
                one = ET.SubElement(group, "entry")
                ET.SubElement(one, "fluxbin", name=name)
                share = ET.SubElement(ET.SubElement(one, "probability"), "value")
                share.text = f"{entry.probabilities[event]:.6f}"
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def to_text(message: Message, inputs: str) -> str:
    """Write a message as text.

    Args:
        message: what it says.
        inputs: what it was made from, in a few words.
    """
    times = {"issued": message.issued, "start": message.start, "end": message.end}
    head = {"method": message.method, **{name: time.strftime(_TIME) for name, time in times.items()}}
    hours = (message.end - message.start) / pd.Timedelta(hours=1)
    lines = [f"#{RESEARCH}", *(f"{HEAD[name]}: {value}" for name, value in head.items())]
    lines += ["Probability Bins: X, M+, C+", f"Input data: {inputs}", f"Prediction window (hours): {hours:g}"]
    columns = " ".join(f"{letter}_prob {letter}_uncert {letter}_Level" for letter in LETTERS)
    lines += ["#Full Disk Forecast", f"#{columns}"]
    lines += [_numbers(entry) for entry in message.entries if entry.noaa_ar is None]
    lines += ["#Region Forecast", f"#Region Location {columns}"]
    regions = [entry for entry in message.entries if entry.noaa_ar is not None]
    lines += [f"{(entry.noaa_ar or 0) % NOAA_OFFSET:04d} {entry.place or NONE} {_numbers(entry)}" for entry in regions]
    return "\n".join(lines) + "\n"


def _numbers(entry: Entry) -> str:
    shares = [entry.probabilities.get(event) for event in LETTERS.values()]
    return " ".join(f"{NONE if share is None else f'{share:.6f}'} {NONE} {NONE}" for share in shares)


def write_scoreboard(forecast: Forecast, folder: Path) -> list[Path]:
    """Write both forms of the next 24 hours into a folder; give the files."""
    message = message_of(forecast)
    # The message has the region model's numbers alone: an image, and who forecasts by it, are no input of theirs.
    named = [str(one.get("name")) for kind in ("regions", "flares") for one in forecast.data.get(kind, ())]
    inputs = re.sub(r"\s+", " ", ", ".join(named)) or "region summaries"
    texts = {"xml": to_xml(message, forecast.day), "txt": to_text(message, inputs)}
    paths = {ending: folder / file_name(message, ending) for ending in texts}
    for ending, text in texts.items():
        write_text(paths[ending], text)
    return list(paths.values())
