"""Which values do the templates of a forecast's and a region's page show?"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from flarescope.archive.records import base_name
from flarescope.figures.disk import percent
from flarescope.pipeline.forecasting.beside import TESTS_NOTHING, seen_in_training
from flarescope.serving.documents import YESTERDAY, Document, changes, forecast_document, region_document
from flarescope.serving.kept import Kept, by_day
from flarescope.serving.page_disk import disk_drawing, field_stops
from flarescope.serving.page_life import changes_rows, life_chart
from flarescope.serving.page_scores import score_view
from flarescope.serving.page_values import (
    LEVEL_WORDS,
    around,
    came,
    cell,
    change,
    choices,
    day_runs,
    forecast_rows,
    greek,
    plain,
)
from flarescope.serving.pictures import disk_picture, patches_of
from flarescope.serving.places import moment_of, view_of_forecast
from flarescope.serving.state import Snapshot
from flarescope.wording import NOTHING

DAY_BEFORE: Final = pd.Timedelta(hours=36)
"""A forecast so much older at most is that of the day before."""
SCALES: Final = {
    "operational": "SWPC's operational flux scale of before GOES-16",
    "science": "the flux scale of GOES-16 and later",
}


def forecast_view(snapshot: Snapshot, kept: Kept, models: Sequence[Document]) -> Document:
    """Give the values of `forecast.html.j2`.

    Args:
        snapshot: what is shown at this moment.
        kept: the forecast.
        models: documents of those that take uploads.
    """
    document = snapshot.document(kept)
    before = _day_before(snapshot, kept)
    earlier = None if before is None else forecast_document(before)
    chosen = choices(document["events"])
    urls = {one["noaa_ar"]: region_url(snapshot, kept, one["noaa_ar"]) for one in document["regions"]}
    rows = [{**row, "url": urls[row["noaa_ar"]]} for row in forecast_rows(document, earlier)]
    disk = document["disk"]["shown"]
    return {
        "here": "newest" if kept is snapshot.newest else None,
        "warnings": document["warnings"],
        "hindsight": hindsight(kept),
        "forecast": document,
        "line": day_line(snapshot.by_day, kept, "/"),
        "is_newest": kept is snapshot.newest,
        "choices": chosen,
        "chosen": chosen_words(chosen),
        "cards": _cards(chosen, disk),
        "disk_cell": cell(disk),
        "disk_change": {} if earlier is None else change(disk, earlier["disk"]["shown"]),
        "before": None if before is None else before.time.isoformat(),
        "rows": rows,
        "rows_by_region": {row["noaa_ar"]: row for row in rows},
        **_disk(kept, document),
        "level_words": LEVEL_WORDS,
        "came": came(snapshot.verification, document["issued"]),
        "scores": score_view(snapshot.verification),
        "unverified": snapshot.unverified,
        "models": models,
        "every": [every_table(document, model) for model in _models_of(document)],
        "scale": SCALES.get(document["flux_scale"], document["flux_scale"]),
        "refused": snapshot.refused,
    }


def region_view(snapshot: Snapshot, noaa_ar: int, kept: Kept, models: Sequence[Document]) -> Document:
    """Give the values of `region.html.j2` for a region that was forecast.

    Args:
        snapshot: what is shown at this moment.
        noaa_ar: the region.
        kept: the forecast of it that is shown in its life.
        models: documents of those that take uploads, which can draw maps of its patch.
    """
    several = snapshot.by_region[noaa_ar]
    at = several.index(kept)
    region = region_document(noaa_ar, several, snapshot.flares_of(noaa_ar))
    document, one = forecast_document(kept), region["forecasts"][at]
    changed = changes(region["forecasts"][: at + 1], [before.time for before in several[: at + 1]])
    chosen = choices(document["events"])
    return {
        "here": None,
        "warnings": document["warnings"],
        "hindsight": hindsight(kept),
        "region": region,
        "one": one,
        "line": day_line(by_day(several), kept, f"/regions/{noaa_ar}/"),
        "is_newest": kept is several[-1],
        "gone": several[-1] is not snapshot.newest,
        "newest_issued": None if snapshot.newest is None else snapshot.newest.time.isoformat(),
        "choices": chosen,
        "chosen": chosen_words(chosen),
        "cell": cell(one["shown"]),
        "facts": _facts(one),
        "flags": [(word, document["flags"][word]) for word in one["flags"] if word in document["flags"]],
        "patch": _patch(several[: at + 1], noaa_ar),
        "stops": field_stops(),
        "chart": life_chart(region, at),
        "since": None if changed is None else changed["since"],
        "changes": changes_rows(changed),
        "mappers": models,
        "models": _models_table(one["probabilities"]),
        "table": _life_table(region),
        "flares": [[utc(flare["time"]), flare["flare"]] for flare in region["flares"] or ()],
    }


def region_url(snapshot: Snapshot, kept: Kept, noaa_ar: int) -> str:
    """Give the address of a region's page that shows it as a forecast has it."""
    page = f"/regions/{noaa_ar}"
    if kept is snapshot.newest:
        return page
    return f"{page}/days/{kept.day}" if kept is snapshot.by_day[kept.day][0] else f"{page}/forecasts/{kept.id}"


def day_line(days: Mapping[str, Sequence[Kept]], kept: Kept, page: str) -> Document:
    """Give the slider of the days that have a forecast.

    Args:
        days: day -> its forecasts, the oldest first.
        kept: the forecast that is shown.
        page: address under which there are `days/` and `forecasts/`.
    """
    every = list(days)
    return {
        "base": f"{page}days/",
        "day": kept.day,
        "days": every,
        "at": every.index(kept.day),
        "runs": day_runs(every),
        **around(every, kept.day),
        "same_day": [
            {"id": one.id, "issued": one.time.isoformat(), "url": f"{page}forecasts/{one.id}"} for one in days[kept.day]
        ],
    }


def utc(text: str) -> str:
    """Write a time as people read it, `24 Oct 2014, 00:30 UTC`."""
    time = pd.Timestamp(text)
    time = time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")
    return f"{time.day} {time:%b %Y, %H:%M} UTC"


def clock(text: str) -> str:
    """Write the hour of a time, UTC: `00:30`."""
    return utc(text)[-9:-4]


def chosen_words(chosen: Mapping[str, Any]) -> str:
    """Say which event is chosen: `of M1.0 or more within 24 h`."""
    named = {one["key"]: one["name"] for one in chosen["classes"]}
    return f"of {named[chosen['key']]} within {chosen['window']} h" if chosen["first"] else ""


def hindsight(kept: Kept) -> list[str]:
    """Say what makes a forecast less than one: it was kept when all was over, or its model learned from its days."""
    one, said = kept.issued, []
    ends = kept.time + pd.Timedelta(hours=float((one.rows["window_h"] + one.rows["latency_h"]).max()))
    if one.stored is not None and one.stored >= ends:
        said.append(f"made afterwards: it was kept on {utc(one.stored.isoformat())}, when its windows were over")
    model = one.models[0]
    told = any(text.endswith(TESTS_NOTHING) for text in one.notes)  # by the forecast itself
    if not told and model.last and seen_in_training(model, kept.time, kept.time):
        said.append(
            f"no test of the model {model.name}, which learned from {model.first[:10]} to {model.last[:10]}, "
            "the time of this forecast"
        )
    return said


def _day_before(snapshot: Snapshot, kept: Kept) -> Kept | None:
    """Give the last forecast that is 20 to 36 hours older."""
    near = [one for one in snapshot.forecasts if YESTERDAY <= kept.time - one.time <= DAY_BEFORE]
    return near[-1] if near else None


def _cards(chosen: Mapping[str, Any], disk: Mapping[str, float]) -> dict[str, dict[str, list[Any]]]:
    """Give what the card of each class says of the whole disk, by hours."""
    every = cell(disk)
    return {
        key: {hours: every[code] for hours, code in of_class.items() if code in every}
        for key, of_class in chosen["codes"].items()
    }


def _disk(kept: Kept, document: Mapping[str, Any]) -> Document:
    if kept.told is None:
        return {"disk": None, "picture": None, "moment": None}
    drawn = disk_drawing(document["regions"], view_of_forecast(kept.told).latitude_deg)
    picture = None if disk_picture(kept) is None else f"/pictures/{kept.id}/disk.png"
    return {"disk": drawn, "picture": picture, "moment": moment_of(kept.told).isoformat()}


def every_table(document: Mapping[str, Any], model: str) -> Document:
    """Give all probabilities of a model as a table: `model`, `header`, and a row for the disk and each region."""
    named = [("whole disk", document["disk"]["probabilities"])]
    named += [(str(one["noaa_ar"]), one["probabilities"]) for one in document["regions"]]
    shares = [(name, _of_model(found, model)) for name, found in named]
    codes = list(dict.fromkeys(code for _, one in shares for code in one))
    rows = [[name, *_shares(one, codes)] for name, one in shares if one]
    return {"model": model, "header": ["", *codes], "rows": rows}


def _models_of(document: Mapping[str, Any]) -> list[str]:
    """List the models of a forecast, its own first."""
    places = [document["disk"], *document["regions"]]
    names = [base_name(name) for place in places for name in place["probabilities"]]
    return list(dict.fromkeys([document["model"]["name"], *names]))


def _of_model(probabilities: Mapping[str, Mapping[str, float]], model: str) -> dict[str, float]:
    return {code: p for name, found in probabilities.items() if base_name(name) == model for code, p in found.items()}


def _shares(shown: Mapping[str, float], codes: Sequence[str]) -> list[str]:
    return [percent(shown[code]) if code in shown else NOTHING for code in codes]


def _facts(last: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = [
        ("McIntosh class", plain(last["mcintosh"])),
        ("Hale type", plain(last["hale"])),
        ("Area", NOTHING if last["area_msh"] is None else f"{last['area_msh']:g} millionths"),
        ("Spots", plain(last["spots"])),
        ("Place", plain(last["location"])),
    ]
    return [(name, value) for name, value in facts if value != NOTHING]


def _patch(several: Sequence[Kept], noaa_ar: int) -> Document | None:
    """Give the newest picture of a region."""
    for kept in reversed(several):
        if kept.told is not None and noaa_ar in patches_of(kept):
            base = f"/pictures/{kept.id}/{noaa_ar}"
            return {"url": f"{base}.png", "map": f"{base}/map.png", "time": moment_of(kept.told).isoformat()}
    return None


def _models_table(probabilities: Mapping[str, Mapping[str, float]]) -> Document:
    """Give what each model says of a region: a row a model, a column an event."""
    codes = list(dict.fromkeys(code for one in probabilities.values() for code in one))
    return {"header": ["", *codes], "rows": [[name, *_shares(one, codes)] for name, one in probabilities.items()]}


def _life_table(region: Mapping[str, Any]) -> Document:
    codes = list(dict.fromkeys(code for one in region["forecasts"] for code in one["shown"]))
    rows = [
        [utc(one["issued"]), *_shares(one["shown"], codes), *_described(one)] for one in reversed(region["forecasts"])
    ]
    return {"header": ["issued", *codes, "place", "class", "Hale", "area"], "rows": rows}


def _described(one: Mapping[str, Any]) -> list[str]:
    return [plain(one["location"]), plain(one["mcintosh"]), greek(plain(one["hale"])), plain(one["area_msh"])]
