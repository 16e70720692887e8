"""How do pages, API, security and background work become one application?

What is served, for whoever writes pages or scripts of them:

- `/` the newest forecast, `/days/2014-10-24`, `/forecasts/{id}`, `/regions/{ar}` with
  `/days/2014-10-24` or `/forecasts/{id}` behind it: `pages.py` renders templates of
  `serving/templates/` with the plain values of `page_views.py`. A page holds the numbers of every event; the scripts
  of `serving/static/` show those of the event that is chosen, which the address keeps (`/days/2014-10-24#X1.0/72`).
- `/static/{name}`: the files of `serving/static/`, read once; nothing else is a file there.
- `/pictures/{id}/disk.png` (north up, the disk from edge to edge: `place` of a region is in solar radii from its
  centre, x west, y north), `/pictures/{id}/{ar}.png` (the patch, -1500 to +1500 G) and
  `/pictures/{id}/{ar}/map.png?model=` (where in it a model of uploads sees its forecast); 404 where there is no image.
- `/api/v1`: `forecasts/newest`, `forecasts?day=&region=&limit=&offset=`, `forecasts/{id}`, `regions`, `regions/{ar}`,
  `verification`, `models`, `models/{name}/card`, `health`, `metrics`, `openapi.json`, and
  `POST uploads?model=` (multipart field `images`, or one image as the body with `?name=`), and `POST maps?model=` of
  one image, which gives a PNG (seconds to a minute).

The content security policy allows what comes from here alone, and no script or style inside a page.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from flarescope.archive.folder import ChangedError
from flarescope.errors import FlarescopeError, InputError
from flarescope.pipeline.identity import versions
from flarescope.progress import Reporter
from flarescope.serving import api, assets, pages, pictures
from flarescope.serving.answers import Problem
from flarescope.serving.background import Background
from flarescope.serving.clients import Buckets
from flarescope.serving.guard import Guard, Held
from flarescope.serving.mapping import Maps
from flarescope.serving.metrics import Line, Metrics
from flarescope.serving.models import load_models
from flarescope.serving.pages import Pages
from flarescope.serving.settings import Settings
from flarescope.serving.state import State
from flarescope.serving.uploads import Uploads

DESCRIPTION: Final = (
    "Probabilities of solar flares, of each region and of the whole disk, as they were issued and kept. Research "
    "software: this is no official forecast. Numbers are those of `flarescope forecast` and `flarescope predict` to "
    "the last digit. Errors are problems of RFC 9457. Within version 1 fields are added, none changes its "
    "meaning or goes."
)


def create_app(settings: Settings, *, work: Path | None = None, reporter: Reporter | None = None) -> FastAPI:
    """Make the application.

    Args:
        settings: what is served.
        work: folder for what is made in the background; None makes nothing there.
        reporter: hears of the work in the background.

    Raises:
        InputError: a run that is none, no archive, a damaged one.
        FlarescopeError: an archive that another process holds.
    """
    app = FastAPI(
        title="flarescope",
        version=f"{api.VERSION} (flarescope {versions(('flarescope',)).get('flarescope', '')})",
        description=DESCRIPTION,
        openapi_url=f"{api.router.prefix}/openapi.json",
        docs_url=None,  # they would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # the redirect would name http://, also behind a proxy with TLS
        lifespan=_lifespan,
    )
    state = app.state
    state.settings, state.stopping, state.bodies = settings, False, {}
    state.reporter = reporter or Reporter()
    state.models = load_models(settings.runs)
    state.kept = State(settings, work=work)
    state.pages, state.assets, state.metrics = Pages(), assets.read_assets(), Metrics()
    state.maps = Maps()
    state.background = Background(settings, state.kept, state.metrics, work)
    state.uploads = Uploads(list(state.models.values()), settings.limits, state.metrics)
    state.gauges = lambda: list(_gauges(app))
    limits = settings.limits
    state.held = Held(limits.buffered_bytes)
    for router in (api.router, assets.router, pictures.router, pages.router):
        app.include_router(router)
    app.add_middleware(
        Guard,
        settings=settings,
        metrics=state.metrics,
        buckets=Buckets(limits.rate, limits.burst),
        bytes_held=state.held,
    )
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(InputError, _input)
    app.add_exception_handler(ChangedError, _changed)
    app.add_exception_handler(FlarescopeError, _failed)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state = app.state
    await asyncio.to_thread(state.uploads.start)
    await asyncio.to_thread(_warm, app)
    state.background.start(state.reporter)
    yield
    state.stopping = True
    await state.background.stop()
    await asyncio.to_thread(state.uploads.close)


def _warm(app: FastAPI) -> None:
    """Make what is asked for first before it is, which takes sunpy a second."""
    snapshot = app.state.kept.snapshot
    if snapshot.newest is not None:
        snapshot.document(snapshot.newest)


def _gauges(app: FastAPI) -> Iterator[Line]:
    snapshot = app.state.kept.snapshot
    yield "forecasts", "gauge", "Forecasts that are shown.", len(snapshot.forecasts)
    yield "images_pending", "gauge", "Uploaded images that wait, or are being forecast.", app.state.uploads.pending
    yield "bodies_bytes", "gauge", "Of bodies that are held.", app.state.held.now
    if snapshot.newest is not None:
        age = time.time() - snapshot.newest.time.timestamp()
        yield "newest_forecast_age_seconds", "gauge", "Since the newest was issued.", age


async def _problem(request: Request, error: Exception) -> Response:
    """Answer a program with a problem, a person with a page."""
    if not isinstance(error, Problem):
        raise error
    return _answer(request, error)


async def _http_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _answer(request, Problem(error.status_code, error.detail, headers=error.headers))


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return _answer(request, Problem(422, f"{where}: {first['msg']}"))


async def _input(request: Request, error: Exception) -> Response:
    return _answer(request, Problem(422, error))


async def _changed(request: Request, error: Exception) -> Response:
    """Leave a forecast out that is not as it was kept; whoever asks again gets what there is without it."""
    await asyncio.to_thread(request.app.state.kept.refresh)
    said = "a forecast of the archive is not as it was kept, and is left out now; ask again"
    return _answer(request, Problem(503, said, headers={"Retry-After": "1"}))


async def _failed(request: Request, error: Exception) -> Response:
    """Say that the server cannot, such as with an archive that another process holds; standard error hears why."""
    request.app.state.reporter.warn(f"an answer failed: {error}")
    return _answer(request, Problem(503, "the server cannot do this now; ask again", headers={"Retry-After": "5"}))


def _answer(request: Request, problem: Problem) -> Response:
    if request.url.path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
        return problem.response()
    page = pages.not_found(request, problem.detail, problem.status)
    page.headers.update(problem.headers)
    return page
