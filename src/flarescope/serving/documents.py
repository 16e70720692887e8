"""What does a program read of a forecast, of a region's life, and of a list of forecasts?"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import pandas as pd

from flarescope.archive.records import base_name
from flarescope.catalog.noaa_regions import REGION_DTYPES
from flarescope.pipeline.forecasting.forms import by_model, code, location
from flarescope.pipeline.forecasting.value import FLAGS, OFFICIAL, RESEARCH
from flarescope.serving.kept import Kept

FORM: Final = "flarescope served forecast 1"
YESTERDAY: Final = pd.Timedelta(hours=20)
"""A forecast at least so much older is that of the day before."""
SHOUTED: Final = re.compile(r"synthetic|random|NO TEST", re.IGNORECASE)
"""Notes that stand on top of everything."""
DESCRIBED: Final = tuple(name for name in REGION_DTYPES if name not in ("day", "section", "noaa_ar"))
COMPARED: Final = ("mcintosh", "hale", "area_msh", "spots")

Document = dict[str, Any]


def forecast_document(kept: Kept, places: Mapping[int, Mapping[str, Any]] | None = None) -> Document:
    """Give a forecast as plain values: what `forecast.json` says, and what an archive says of it.

    Args:
        kept: the forecast.
        places: where each region is on the disk (`places.places_of`), where that is known.
    """
    one, told = kept.issued, kept.told
    regions = [_region(kept, number, (places or {}).get(number)) for number in kept.regions]
    used = sorted({word for region in regions for word in region["flags"]})
    ends = one.rows["window_h"] + one.rows["latency_h"]
    until = one.issued + pd.Timedelta(hours=float(ends.max()))
    return {
        "form": FORM,
        "id": kept.id,
        "notice": RESEARCH,
        "official": [{"name": name, "url": url} for name, url in OFFICIAL],
        "issued": one.issued.isoformat(),
        "stored": None if one.stored is None else one.stored.isoformat(),
        "valid": {"from": one.issued.isoformat(), "to": until.isoformat()},
        "positions_of": None if told is None else told.day.isoformat(),
        "model": {"name": kept.model, "sha256": one.models[0].digest.removeprefix("sha256:") or None},
        "models": [asdict(model) for model in one.models],
        "flux_scale": one.flux_scale,
        "events": events_of(kept),
        "disk": {"shown": shown(kept, None), "probabilities": by_model(kept.own_rows(None))},
        "regions": regions,
        "flags": {word: FLAGS[word] for word in used if word in FLAGS},
        "inputs": [asdict(file) for file in one.inputs],
        "version": one.version or None,
        "notes": list(one.notes),
        "warnings": [note for note in one.notes if SHOUTED.search(note)],
    }


def events_of(kept: Kept) -> list[Document]:
    """List the events of the main model: `code` as in `shown`, class, window and latency in hours."""
    rows = kept.issued.rows
    rows = rows[rows["model"].map(base_name).eq(kept.model)]
    keys = rows[["event", "window_h", "latency_h"]].drop_duplicates()
    return [
        {"code": code(str(event), window, late), "event": str(event), "window_h": window, "latency_h": late}
        for event, window, late in keys.itertuples(index=False)
    ]


def shown(kept: Kept, noaa_ar: int | None) -> dict[str, float]:
    """Give the main model's probabilities of a region, or of the disk, by event in short: `M1.0/24`."""
    rows = kept.own_rows(noaa_ar)
    own = rows[rows["model"].map(base_name).eq(kept.model)]
    return {name: share for shares in by_model(own).values() for name, share in shares.items()}


def _region(kept: Kept, number: int, place: Mapping[str, Any] | None) -> Document:
    described: Document = dict.fromkeys(DESCRIBED)
    flags: list[str] = []
    if kept.told is not None:
        table = kept.told.regions
        own = table[table["noaa_ar"].eq(number).fillna(value=False)]
        if len(own):
            record = own.astype(object).where(own.notna(), None).iloc[0]
            described, flags = {name: record[name] for name in DESCRIBED}, str(record["flags"]).split()
    return {
        "noaa_ar": number,
        "location": location(described["latitude_deg"], described["longitude_deg"]),
        **described,
        "flags": flags,
        "place": None if place is None else dict(place),
        "shown": shown(kept, number),
        "probabilities": by_model(kept.own_rows(number)),
    }


def summary_document(kept: Kept) -> Document:
    """Give what a list of forecasts says of one."""
    return {
        "id": kept.id,
        "issued": kept.time.isoformat(),
        "stored": None if kept.stored is None else kept.stored.isoformat(),
        "day": kept.day,
        "model": kept.model,
        "regions": kept.regions,
        "disk": shown(kept, None),
        "url": f"/api/v1/forecasts/{kept.id}",
    }


def region_document(number: int, forecasts: Sequence[Kept], flares: Sequence[Mapping[str, Any]] | None) -> Document:
    """Give a region's life in forecasts.

    Args:
        number: NOAA's.
        forecasts: those that have it, the oldest first.
        flares: `time`, `flare` of the region, the oldest first; None where no list was given.
    """
    life = [{"id": kept.id, "issued": kept.time.isoformat(), **_region(kept, number, None)} for kept in forecasts]
    return {
        "notice": RESEARCH,
        "noaa_ar": number,
        "first": life[0]["issued"],
        "last": life[-1]["issued"],
        "forecasts": life,
        "flares": None if flares is None else [dict(one) for one in flares],
        "changes": changes(life, [kept.time for kept in forecasts]),
    }


def changes(life: Sequence[Document], times: Sequence[pd.Timestamp]) -> Document | None:
    """Say what of a region's newest forecast differs from that of the day before; None where there is none before.

    Returns:
        `since`, and `what`: `name` (a column of the summary, or an event in short), `before`, `now`.
    """
    earlier = [number for number, time in enumerate(times) if time <= times[-1] - YESTERDAY]
    if not earlier:
        return None
    before, now = life[earlier[-1]], life[-1]
    pairs = [(name, before[name], now[name]) for name in COMPARED]
    pairs += [(name, before["shown"].get(name), share) for name, share in now["shown"].items()]
    what = [{"name": name, "before": old, "now": new} for name, old, new in pairs if old != new]
    return {"since": before["issued"], "what": what}


def rows_table(several: Sequence[Kept]) -> pd.DataFrame:
    """Give the rows of forecasts as one table, `issued` first, for CSV and Parquet."""
    pieces = [kept.issued.rows.assign(issued=kept.time) for kept in several]
    table = pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=["issued"])
    return table[["issued", *(name for name in table.columns if name != "issued")]]
