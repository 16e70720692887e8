"""What does a forecast say that was written for the flare scoreboard, in either form?"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pandas as pd

from flarescope.errors import InputError
from flarescope.files import translate_os_errors
from flarescope.parsing import refusing_damage
from flarescope.pipeline.forecasting.scoreboard import BINS, HEAD, LETTERS, NONE, Entry, Message
from flarescope.region_numbers import full_region_number

_MOST_BYTES: Final = 2_000_000


def read_scoreboard(path: str | Path) -> Message:
    """Read a message that `write_scoreboard` wrote, in either form.

    Raises:
        InputError: it cannot be read as one.
    """
    path = Path(path)
    with translate_os_errors(path, "read"), path.open("rb") as stream:
        content = stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES or b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise InputError(
            f"{path}: too large, or XML with a DOCTYPE; expected a forecast as the flare scoreboard takes it"
        )
    with refusing_damage(path, "write it again", what="no forecast as the flare scoreboard takes it"):
        text = content.decode()
        return _of_xml(text) if text.lstrip().startswith("<") else _of_text(text)


def _of_xml(text: str) -> Message:
    forecast = _child(ET.fromstring(text), "forecast")
    window = _child(forecast, "predictionwindow")
    issued = _utc(_said(forecast, "issuetime"))
    entries = tuple(_entry(group, issued) for group in forecast.findall("group"))
    start, end = _utc(_said(window, "starttime")), _utc(_said(window, "endtime"))
    return Message(_said(forecast, "method"), issued, start, end, entries)


def _child(parent: ET.Element, name: str) -> ET.Element:
    found = parent.find(name)
    if found is None:
        raise ValueError(f"no {name} in {parent.tag}")
    return found


def _said(parent: ET.Element, name: str) -> str:
    return (_child(parent, name).text or "").strip()


def _entry(group: ET.Element, issued: pd.Timestamp) -> Entry:
    shares = {}
    for one in group.findall("entry"):
        event = BINS[_child(one, "fluxbin").attrib["name"]]
        shares[event] = _share(_said(_child(one, "probability"), "value"))
    region = group.find("sourceregion")
    if region is None:
        return Entry(None, None, shares)
    place = region.find("location")
    number = full_region_number(int(_said(region, "id")), issued.date())
    return Entry(number, None if place is None else place.text, shares)


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"probability {text[:20]}; expected 0 to 1")
    return value


def _utc(text: str) -> pd.Timestamp:
    time = pd.Timestamp(text)
    return time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")


def _of_text(text: str) -> Message:
    lines = text.splitlines()
    head = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith("#"))
    said = {name: head[words] for name, words in HEAD.items()}
    issued = _utc(said["issued"])
    entries = tuple(_text_entries(lines, issued))
    return Message(said["method"], issued, _utc(said["start"]), _utc(said["end"]), entries)


def _text_entries(lines: list[str], issued: pd.Timestamp) -> Iterator[Entry]:
    for line in lines:
        words = line.split()
        if line.startswith("#") or ": " in line or len(words) not in (9, 11):
            continue
        number = full_region_number(int(words[0]), issued.date()) if len(words) == 11 else None
        place = None if number is None or words[1] == str(NONE) else words[1]
        shares = zip(LETTERS.values(), words[-9::3], strict=True)
        yield Entry(number, place, {event: _share(word) for event, word in shares if word != str(NONE)})
