"""What does a program get under /api/v1?"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

import pandas as pd
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from flarescope.images.render import NAN_POLICIES
from flarescope.notes import event_notes, events_notes
from flarescope.pipeline.forecasting.value import RESEARCH
from flarescope.pipeline.identity import versions
from flarescope.serving import examples
from flarescope.serving.answers import (
    CSV,
    JSON,
    PARQUET,
    Problem,
    accepted,
    conditional,
    csv_bytes,
    json_bytes,
    parquet_bytes,
)
from flarescope.serving.bodies import images_of
from flarescope.serving.documents import region_document, rows_table, summary_document
from flarescope.serving.kept import Kept
from flarescope.serving.metrics import MEDIA_TYPE
from flarescope.serving.models import ServedModel, shipped_card, used_document, used_models
from flarescope.serving.state import Snapshot
from flarescope.serving.uploads import MAP_COSTS, Upload, image_name, uploaded_document

VERSION: Final = "1"
PAGE: Final = 50
LARGEST_PAGE: Final = 500
PNG: Final = "image/png"
MARKDOWN: Final = "text/markdown; charset=utf-8"
MOST_CACHED: Final = 1000

router = APIRouter(prefix=f"/api/v{VERSION}", responses=examples.PROBLEMS)

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="How many at most.")]
Offset = Annotated[int, Query(ge=0, le=10_000_000, description="How many are skipped.")]
Day = Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}-\d{2}$", description="Only those issued on that day, UTC.")]
Region = Annotated[int | None, Query(ge=1, le=99_999, description="Only those of a region, by NOAA's full number.")]


@router.get("/forecasts/newest", tags=["forecasts"], responses=examples.FORECAST)
async def newest(request: Request) -> Response:
    """Give the newest forecast: JSON, or its rows as CSV or Parquet, by Accept."""
    kept = _snapshot(request).newest
    if kept is None:
        raise Problem(404, "no forecast was kept yet")
    return await _forecast(request, kept)


@router.get("/forecasts", tags=["forecasts"], responses=examples.LIST)
def forecasts(
    request: Request, day: Day = None, region: Region = None, limit: Limit = PAGE, offset: Offset = 0
) -> Response:
    """List forecasts, the newest first, a page at a time; as CSV or Parquet the rows of that page."""
    snapshot = _snapshot(request)
    found: Sequence[Kept] = snapshot.forecasts if region is None else snapshot.by_region.get(region, [])
    found = [kept for kept in reversed(found) if day is None or kept.day == day]
    page = found[offset : offset + limit]
    form = accepted(request)
    if form != JSON:
        return _table(request, form, rows_table(page), "forecasts")
    asked = {"day": day, "region": region, "limit": limit}
    query = "&".join(f"{name}={value}" for name, value in asked.items() if value is not None)
    more = offset + limit < len(found)
    document = {
        "notice": RESEARCH,
        "total": len(found),
        "offset": offset,
        "next": f"{router.prefix}/forecasts?{query}&offset={offset + limit}" if more else None,
        "items": [summary_document(kept) for kept in page],
    }
    return conditional(request, json_bytes(document), JSON)


@router.get("/forecasts/{forecast_id}", tags=["forecasts"], responses=examples.FORECAST)
async def forecast(request: Request, forecast_id: str) -> Response:
    """Give one forecast, by the `id` of a list."""
    kept = _snapshot(request).by_id.get(forecast_id)
    if kept is None:
        raise Problem(404, "no forecast of that id; /api/v1/forecasts lists them")
    return await _forecast(request, kept)


@router.get("/regions", tags=["regions"], responses=examples.REGIONS)
def regions(request: Request) -> Response:
    """List the regions that were forecast, with the issue times of their first and last forecast."""
    found = [
        {"noaa_ar": number, "first": several[0].time.isoformat(), "last": several[-1].time.isoformat()}
        for number, several in sorted(_snapshot(request).by_region.items())
    ]
    return conditional(request, json_bytes({"notice": RESEARCH, "items": found}), JSON)


@router.get("/regions/{noaa_ar}", tags=["regions"], responses=examples.REGION)
def region(request: Request, noaa_ar: int) -> Response:
    """Give a region's life: its forecasts, its flares, what changed since the day before."""
    snapshot = _snapshot(request)
    several = snapshot.by_region.get(noaa_ar)
    if not several:
        raise Problem(404, f"no forecast of region {noaa_ar}; /api/v1/regions lists them")
    form = accepted(request)
    if form != JSON:
        rows = rows_table(several)
        return _table(request, form, rows[rows["noaa_ar"].eq(noaa_ar).fillna(value=False)], f"region-{noaa_ar}")
    return conditional(request, json_bytes(region_document(noaa_ar, several, snapshot.flares_of(noaa_ar))), JSON)


@router.post("/uploads", tags=["uploads"], responses=examples.UPLOAD, openapi_extra=examples.UPLOAD_BODY)
async def uploads(
    request: Request,
    model: Annotated[str | None, Query(description="By its name in /models; the first by itself.")] = None,
    nan: Annotated[str, Query(description="What NaN pixels do: error, or zero: they become zero field.")] = "error",
) -> Response:
    """Forecast images: files in the field `images` of a form, or one file as the body, with `?name=`."""
    state = request.app.state
    served = _model(request, model)
    form = accepted(request)
    images = await images_of(request, state.settings.limits)
    found, notes = await state.uploads.forecast(served, Upload(request.scope["flarescope_client"], images, nan))
    if form == JSON:
        body = json_bytes(uploaded_document(served, found, notes))
    else:
        table = found.forecasts
        notes_of = events_notes(found.events) if found.events else event_notes(found.event)
        body = csv_bytes(table) if form == CSV else parquet_bytes(table, notes_of)
    return Response(body, 200, {"Cache-Control": "no-store", **_named(form, "forecasts")}, form)


@router.post("/maps", tags=["uploads"], responses=examples.MAP, openapi_extra=examples.MAP_BODY)
async def maps(
    request: Request,
    model: Annotated[str | None, Query(description="By its name in /models; the first by itself.")] = None,
    method: Annotated[str | None, Query(description="As `flarescope explain --method` has them.")] = None,
    nan: Annotated[str, Query(description="What NaN pixels do: error, or zero: they become zero field.")] = "error",
    event: Annotated[str | None, Query(description="One of the model's, as in /models; the first by itself.")] = None,
) -> Response:
    """Draw where in one image a model sees its forecast, as `flarescope explain` does: a PNG, or its numbers."""
    state = request.app.state
    served = _model(request, model)
    form = accepted(request, (PNG, JSON))
    if nan not in NAN_POLICIES:
        raise Problem(422, f"nan={nan[:20]}; expected error or zero")
    sent = await images_of(request, state.settings.limits)
    if len(sent) != 1:
        raise Problem(422, f"{len(sent)} images; a map is drawn of one")
    name = image_name(sent[0][0])
    event = served.chosen(event)
    state.uploads.spend(request.scope["flarescope_client"], MAP_COSTS)
    drawn, said = await state.maps.draw(served.path, name, sent[0][1], method=method, nan=nan, event=event)
    return Response(drawn if form == PNG else json_bytes(said), 200, {"Cache-Control": "no-store"}, form)


@router.get("/verification", tags=["verification"], responses=examples.VERIFICATION)
def verification(request: Request) -> Response:
    """Give how good the forecasts were to date: `scores.json` of `flarescope archive verify`, or why there is none."""
    snapshot = _snapshot(request)
    document = {"notice": RESEARCH, "scores": snapshot.verification, "why": snapshot.unverified or None}
    return conditional(request, json_bytes(document), JSON)


@router.get("/models", tags=["models"], responses=examples.MODELS)
def models(request: Request) -> Response:
    """List the models of images, which take uploads, and those of the forecasts."""
    own = [model.document() for model in request.app.state.models.values()]
    used = used_models(_snapshot(request).forecasts)
    others = [used_document(one) for name, one in used.items() if name not in request.app.state.models]
    return conditional(request, json_bytes({"notice": RESEARCH, "items": [*own, *others]}), JSON)


@router.get("/models/{name}/card", tags=["models"], responses=examples.CARD, response_class=Response)
def card(request: Request, name: str) -> Response:
    """Give a model's card, in Markdown."""
    own = request.app.state.models.get(name)
    used = used_models(_snapshot(request).forecasts).get(name)
    text = own.card if own is not None else None if used is None else shipped_card(used)
    if text is None:
        raise Problem(404, "no card of such a model; /api/v1/models lists them")
    return conditional(request, text.encode(), MARKDOWN)


@router.get("/health", tags=["operation"], responses=examples.HEALTH)
async def health(request: Request) -> Response:
    """Say whether the server is well; it needs no token, and says nothing of the forecasts."""
    state = request.app.state
    well = not state.stopping
    body = {"status": "ok" if well else "stopping", "version": versions(("flarescope",)).get("flarescope")}
    return Response(json_bytes(body), 200 if well else 503, {"Cache-Control": "no-store"}, JSON)


@router.get("/metrics", tags=["operation"], responses=examples.METRICS, response_class=Response)
async def metrics(request: Request) -> Response:
    """Give counts and times in the text that Prometheus reads."""
    text = request.app.state.metrics.text(request.app.state.gauges())
    return Response(text, 200, {"Cache-Control": "no-store"}, MEDIA_TYPE)


def _model(request: Request, name: str | None) -> ServedModel:
    models: dict[str, ServedModel] = request.app.state.models
    if not models:
        raise Problem(404, "this server has no model of images, so it forecasts no uploads")
    if name is None:
        return next(iter(models.values()))
    if name not in models:
        raise Problem(404, f"no model {name[:60]} for uploads; /api/v1/models lists them")
    return models[name]


async def _forecast(request: Request, kept: Kept) -> Response:
    """Answer with a forecast in the form asked for; each is made once a snapshot."""
    form = accepted(request)
    cache: dict[tuple[str, str, str], asyncio.Task[bytes]] = request.app.state.bodies
    snapshot = _snapshot(request)
    key = (snapshot.etag, kept.id, form)
    if key not in cache:
        if len(cache) >= MOST_CACHED or key[0] != next(iter(cache), key)[0]:
            cache.clear()  # nobody asks for what an older snapshot showed
        # Kept while it is made: who asks meanwhile waits for it. Places of a first forecast take a second.
        cache[key] = asyncio.create_task(asyncio.to_thread(_body, snapshot, kept, form))
    try:
        body = await asyncio.shield(cache[key])
    except Exception:
        cache.pop(key, None)
        raise
    return conditional(request, body, form, headers=_named(form, f"forecast-{kept.time:%Y%m%dT%H%MZ}"))


def _body(snapshot: Snapshot, kept: Kept, form: str) -> bytes:
    if form == JSON:
        return json_bytes(snapshot.document(kept))
    table = rows_table([kept])
    return csv_bytes(table) if form == CSV else parquet_bytes(table)


def _table(request: Request, form: str, table: pd.DataFrame, name: str) -> Response:
    body = csv_bytes(table) if form == CSV else parquet_bytes(table)
    return conditional(request, body, form, headers=_named(form, name))


def _named(form: str, name: str) -> dict[str, str]:
    ending = {CSV: "csv", PARQUET: "parquet"}.get(form)
    return {} if ending is None else {"Content-Disposition": f'attachment; filename="{name}.{ending}"'}


def _snapshot(request: Request) -> Snapshot:
    snapshot: Snapshot = request.app.state.kept.snapshot
    return snapshot
