"""How does a forecast become one page that anybody can open?"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from flarescope.counted import counted
from flarescope.figures import inline_svg
from flarescope.figures.disk import percent
from flarescope.files import write_text
from flarescope.html_report.render import render_page
from flarescope.html_report.view import Card, Drawing, Page, Section, Table
from flarescope.pipeline.featuring import FILTERS_ARE_RANDOM, MADE_DATA
from flarescope.pipeline.forecasting.forms import by_model, code, location
from flarescope.pipeline.forecasting.value import FLAGS, OFFICIAL, RESEARCH, Forecast
from flarescope.wording import DISCLAIMER, NOTHING, number

_SCALES = {
    "operational": "SWPC's operational flux scale of before GOES-16",
    "science": "the flux scale of GOES-16 and later",
}


def write_page(forecast: Forecast, disk: Figure, path: Path) -> None:
    """Write the page, whole or not at all."""
    write_text(path, render_page(forecast_page(forecast, disk)))


def forecast_page(forecast: Forecast, disk: Figure) -> Page:
    """Put the page together.

    Args:
        forecast: what it tells.
        disk: the drawing of `drawing.draw_forecast`.
    """
    title = f"Solar flare forecast, {forecast.issued:%Y-%m-%d %H:%M} UTC"
    summary = (
        f"Probabilities of flares from {counted(len(forecast.regions), 'region')} and from the whole disk until "
        f"{forecast.valid_to:%Y-%m-%d %H:%M} UTC, by the regions of {forecast.day:%Y-%m-%d %H:%M} UTC. Classes are "
        f"those of {_SCALES[forecast.flux_scale]}."
    )
    parts = [
        Section("disk", "The whole disk", cards=list(_cards(forecast)), drawings=[_drawing(forecast, disk)]),
        Section("regions", "Each region", tables=[_regions(forecast)]),
        Section("images", "Models of images", tables=_images(forecast)),
        Section("notes", "What to know", list(forecast.notes), pairs=_flags(forecast)),
        Section(
            "official",
            "Official forecasts",
            ["This is research. Who depends on forecasts goes to those who are responsible for them:"],
            links=OFFICIAL,
        ),
        Section("data", "Made from", pairs=_sources(forecast)),
    ]
    shown = [part for part in parts if any((part.cards, part.tables, part.paragraphs, part.pairs, part.links))]
    shouted = [note for note in forecast.notes if any(said in note for said in (MADE_DATA, FILTERS_ARE_RANDOM))]
    return Page(title, summary, DISCLAIMER, f"Made by flarescope. {RESEARCH}", [RESEARCH, *shouted], shown)


def _events(rows: pd.DataFrame) -> list[tuple[str, float, float]]:
    """Give the events of some rows in their order: class, window, latency."""
    found = rows[["event", "window_h", "latency_h"]].drop_duplicates()
    return [(str(event), float(hours), float(late)) for event, hours, late in found.itertuples(index=False)]


def share(probability: float | None) -> str:
    """Write a probability in percent, `<1` and `>99` at the ends."""
    return NOTHING if probability is None else f"{percent(probability)} %"


def _cards(forecast: Forecast) -> Iterator[Card]:
    rows = forecast.of_model()
    disk = rows[rows["noaa_ar"].isna()]
    for event in disk["event"].drop_duplicates():
        (first, least), *others = [
            (hours, value)
            for hours, value in disk.loc[disk["event"].eq(event), ["window_h", "probability"]].itertuples(index=False)
        ]
        more = ", ".join(f"{hours:g} h: {share(value)}" for hours, value in others)
        yield Card(f"{event} or more", share(least), more, f"anywhere on the disk within {first:g} hours")


def _drawing(forecast: Forecast, disk: Figure) -> Drawing:
    rows = forecast.of_model()
    own = rows[rows["noaa_ar"].notna() & rows["event"].eq("M1.0") & rows["window_h"].eq(24)]
    told = ", ".join(f"{int(row['noaa_ar'])} {share(row['probability'])}" for row in own.to_dict("records"))
    alt = f"The Sun's disk with {counted(len(forecast.regions), 'region')}" + (
        f"; M1.0 within 24 h: {told}" if told else ""
    )
    return Drawing("disk", Markup(inline_svg(disk, "disk", alt)), "North up, west to the right, as seen from Earth.")


def _regions(forecast: Forecast) -> Table:
    """Put the probabilities first, so that a phone shows them."""
    rows = forecast.of_model()
    events = _events(rows[rows["noaa_ar"].notna()])
    classes = list(dict.fromkeys((event, late) for event, _, late in events))
    cells = []
    for record in forecast.regions.astype(object).where(forecast.regions.notna(), None).to_dict("records"):
        own = next(iter(by_model(rows[rows["noaa_ar"].eq(record["noaa_ar"])]).values()), {})
        shares = [
            " / ".join(percent(own[code(*one)]) for one in events if (one[0], one[2]) == kind and code(*one) in own)
            for kind in classes
        ]
        number_of, *described = _described(record)
        cells.append([number_of, *shares, *described, record["flags"] or NOTHING])
    hours = " / ".join(f"{hours:g}" for hours in dict.fromkeys(hours for _, hours, _ in events))
    columns = ["NOAA", *(f"{event}+" for event, _ in classes), "place", "class", "Hale type", "area", "flags"]
    caption = f"Probability in % of a flare of the class or more within {hours} h; area in millionths of the hemisphere"
    return Table(caption, columns, cells)


def _described(record: dict[Any, Any]) -> list[str]:
    place = location(record["latitude_deg"], record["longitude_deg"])
    words = [str(value or NOTHING) for value in (place, record["mcintosh"], record["hale"])]
    return [str(record["noaa_ar"]), *words, number(record["area_msh"], 0)]


def _images(forecast: Forecast) -> list[Table]:
    """Set each model of images beside the region model, event by event."""
    others = forecast.probabilities[~forecast.probabilities.index.isin(forecast.of_model().index)]
    regions = [int(one) for one in forecast.regions["noaa_ar"]]
    return [
        _beside(forecast, str(model), others[others["model"].eq(model)], regions) for model in others["model"].unique()
    ]


def _beside(forecast: Forecast, model: str, own: pd.DataFrame, regions: Sequence[int]) -> Table:
    """Give a row a region: of each event what the model of images says, and in brackets the region model."""
    events = _events(own)
    region_model = forecast.of_model()
    cells = []
    for region in regions:
        mine, theirs = (
            next(iter(by_model(rows[rows["noaa_ar"].eq(region).fillna(value=False)]).values()), {})
            for rows in (own, region_model)
        )
        shares = [f"{share(mine.get(code(*one)))} ({share(theirs.get(code(*one)))})" for one in events]
        cells.append([str(region), *shares])
    caption = f"Probability by {model}, from the image; in brackets by {forecast.model}, from the summaries"
    return Table(caption, ["NOAA", *(code(*one) for one in events)], cells)


def _flags(forecast: Forecast) -> list[tuple[str, str]]:
    used = sorted({word for flags in forecast.regions["flags"] for word in flags.split()})
    return [(word, FLAGS[word]) for word in used if word in FLAGS]


def _sources(forecast: Forecast) -> list[tuple[str, str]]:
    def words(one: Any) -> str:  # noqa: ANN401 - what a source says of itself
        return ", ".join(f"{value}" if name == "name" else f"{name} {value}" for name, value in one.items())

    files: Sequence[tuple[str, str]] = [(kind, words(one)) for kind, some in forecast.data.items() for one in some]
    digest = f", sha256 {forecast.model_sha256}" if forecast.model_sha256 else ""
    return [("region model", f"{forecast.model}{digest}"), *files]
