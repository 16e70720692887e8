"""Which pages are there, and which templates show which values?"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

from flarescope.pipeline.forecasting.value import OFFICIAL, RESEARCH
from flarescope.pipeline.identity import versions
from flarescope.serving.answers import conditional
from flarescope.serving.documents import Document
from flarescope.serving.kept import Kept
from flarescope.serving.page_values import greek, plain
from flarescope.serving.page_views import clock, forecast_view, region_view, utc
from flarescope.serving.state import Snapshot

HTML: Final = "text/html; charset=utf-8"
DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
MOST_CACHED: Final = 500

router = APIRouter(include_in_schema=False)


class Pages:
    """Renders the templates; a page of a snapshot is rendered once."""

    def __init__(self) -> None:
        """Read the templates."""
        self._templates = Environment(
            loader=PackageLoader("flarescope.serving", "templates"), autoescape=True, undefined=StrictUndefined
        )
        filters = {"utc": utc, "clock": clock, "plain": plain, "greek": greek, "json": _json, "sentence": sentence}
        self._templates.filters |= filters
        self._common = {
            "notice": RESEARCH,
            "official": OFFICIAL,
            "version": versions(("flarescope",)).get("flarescope", ""),
            "here": None,
            "warnings": (),
        }
        self._cache: dict[tuple[str, str], bytes] = {}
        self._etag = ""

    def render(self, name: str, values: Mapping[str, Any]) -> bytes:
        """Render a template."""
        return self._templates.get_template(name).render({**self._common, **values}).encode("utf-8", "backslashreplace")

    def cached(self, path: str, snapshot: Snapshot, name: str, view: Callable[[], Mapping[str, Any]]) -> bytes:
        """Render a template for a path, or give what was rendered of this snapshot before."""
        key = (snapshot.etag, path)
        found = self._cache.get(key)
        if found is None:
            if len(self._cache) >= MOST_CACHED or snapshot.etag != self._etag:
                self._cache.clear()  # nobody asks for what an older snapshot showed
            self._etag = snapshot.etag
            found = self._cache[key] = self.render(name, view())
        return found


@router.get("/")
def newest(request: Request) -> Response:
    """Show the newest forecast."""
    snapshot = _snapshot(request)
    kept = snapshot.newest
    if kept is None:
        return _page(request, "empty.html.j2", lambda: {"models": _models(request)})
    return _forecast(request, kept)


@router.get("/days/{day}")
def of_day(request: Request, day: str) -> Response:
    """Show the first forecast of a day; its others are linked."""
    snapshot = _snapshot(request)
    found = snapshot.by_day.get(day) if DAY.fullmatch(day) and _is_day(day) else None
    if not found:
        return not_found(request, f"no forecast was kept on {day}" if DAY.fullmatch(day) else "no such day")
    return _forecast(request, found[0])


@router.get("/forecasts/{forecast_id}")
def of_id(request: Request, forecast_id: str) -> Response:
    """Show one forecast."""
    kept = _snapshot(request).by_id.get(forecast_id)
    return not_found(request, "no such forecast") if kept is None else _forecast(request, kept)


@router.get("/regions/{noaa_ar}")
def region(request: Request, noaa_ar: str) -> Response:
    """Show a region's life, and its newest forecast."""
    return _region(request, noaa_ar, lambda several: several[-1])


@router.get("/regions/{noaa_ar}/days/{day}")
def region_of_day(request: Request, noaa_ar: str, day: str) -> Response:
    """Show a region's life, and its first forecast of a day."""
    return _region(request, noaa_ar, lambda several: next((one for one in several if one.day == day), None))


@router.get("/regions/{noaa_ar}/forecasts/{forecast_id}")
def region_of_id(request: Request, noaa_ar: str, forecast_id: str) -> Response:
    """Show a region's life, and one forecast of it."""
    return _region(request, noaa_ar, lambda several: next((one for one in several if one.id == forecast_id), None))


def _region(request: Request, noaa_ar: str, choose: Callable[[Sequence[Kept]], Kept | None]) -> Response:
    snapshot = _snapshot(request)
    number = int(noaa_ar) if noaa_ar.isascii() and noaa_ar.isdecimal() and len(noaa_ar) <= 5 else 0
    if number not in snapshot.by_region:
        return not_found(request, "no forecast of such a region was kept")
    kept = choose(snapshot.by_region[number])
    if kept is None:
        return not_found(request, f"no such forecast of region {number} was kept")
    return _page(request, "region.html.j2", lambda: region_view(snapshot, number, kept, _models(request)))


def not_found(request: Request, why: str, status: int = 404) -> Response:
    """Show that there is nothing."""
    pages: Pages = request.app.state.pages
    return Response(pages.render("problem.html.j2", {"why": why, "status": status}), status, media_type=HTML)


def _forecast(request: Request, kept: Kept) -> Response:
    snapshot = _snapshot(request)
    return _page(request, "forecast.html.j2", lambda: forecast_view(snapshot, kept, _models(request)))


def _page(request: Request, template: str, view: Callable[[], Mapping[str, Any]]) -> Response:
    pages: Pages = request.app.state.pages
    return conditional(request, pages.cached(request.url.path, _snapshot(request), template, view), HTML)


def _models(request: Request) -> list[Document]:
    return [model.document() for model in request.app.state.models.values()]


def _snapshot(request: Request) -> Snapshot:
    snapshot: Snapshot = request.app.state.kept.snapshot
    return snapshot


def _is_day(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        return False
    return True


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def sentence(text: str) -> str:
    """Give a note a capital and a full stop."""
    said = text[:1].upper() + text[1:]
    return said if said.endswith((".", "!", "?")) else f"{said}."
