"""How are images that came over the network forecast, without one client holding the others?"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from flarescope.errors import InputError, one_line
from flarescope.files import utf8
from flarescope.images.line_of_sight import Accept
from flarescope.images.magnetogram import is_image
from flarescope.images.reading import ReadImage
from flarescope.images.received import Received
from flarescope.images.render import NAN_POLICIES, Rendering
from flarescope.images.workers import Failure
from flarescope.json_values import frame_records
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.forecasting.hearing import Heard
from flarescope.pipeline.forecasting.value import RESEARCH
from flarescope.pipeline.predicted import Predicted
from flarescope.pipeline.prediction import forecast_images
from flarescope.progress import Reporter
from flarescope.serving.answers import Problem
from flarescope.serving.clients import Buckets, seconds
from flarescope.serving.decoding import Decoders
from flarescope.serving.metrics import Metrics
from flarescope.serving.models import ServedModel
from flarescope.serving.settings import Limits
from flarescope.serving.shared_engine import SharedEngine
from flarescope.serving.telling import for_client

NAME_LENGTH: Final = 200
EXPECTED: Final = "expected a .png, .jpg (whole disk), .fits, .fit, .fts or .fits.gz file"
DECODING_S: Final = 60.0
"""So long an upload's images are decoded; those that are left then are refused."""
THREADS: Final = 4
MAP_COSTS: Final = 8
"""So many images of what one client may send is a map worth."""
NOT_FORECAST: Final = "not forecast: "
"""How a reporter is warned of an image that could not be read; the records say it already."""


@dataclass(frozen=True)
class Upload:
    """Images of one request.

    Attributes:
        client: who sent them.
        images: name and bytes of each.
        nan: what NaN pixels do, `error` or `zero`.
    """

    client: str
    images: Sequence[tuple[str, bytes]]
    nan: str = "error"


class Uploads:
    """The way of uploads through decoders and engines; engines are started once."""

    def __init__(self, models: Sequence[ServedModel], limits: Limits, metrics: Metrics) -> None:
        """Start nothing yet."""
        self._limits, self._metrics = limits, metrics
        self._buckets = Buckets(limits.uploads_rate, limits.uploads_burst)
        self._decoders = Decoders(limits.decoders)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="flarescope-upload")
        self._models, self._engines = models, list[SharedEngine]()
        self._lock = threading.Lock()
        self._pending: Counter[str] = Counter()
        self._image_s = 1.0

    @property
    def pending(self) -> int:
        """Images that are being forecast, or wait."""
        return self._pending.total()

    def start(self) -> None:
        """Make every model's engine ready, and lead all uploads through it."""
        if self._models:
            self._decoders.start()
        for served in self._models:
            several = served.model.several
            classifier = served.model.classifier if several is None else several.joined
            choice = Compute().choose(classifier.weights.backbone)
            classifier.lead_through(choice, self._shared)

    def _shared(self, engine: Any) -> SharedEngine:  # noqa: ANN401 - an Engine
        shared = SharedEngine(engine, window_s=self._limits.window_s)
        self._engines.append(shared)
        return shared

    def close(self) -> None:
        """End what runs, after what was begun."""
        self._threads.shutdown(wait=True)
        for engine in self._engines:
            engine.close()
        self._decoders.close()

    async def forecast(self, served: ServedModel, upload: Upload) -> tuple[Predicted, list[str]]:
        """Forecast the images of a request.

        Returns:
            What `predict` gives for the same files, and what was said of them.

        Raises:
            Problem: 400, 413, 422 the request or all its images are none; 429, 503 ask again later.
        """
        count = self._checked(upload)
        self._enter(upload.client, count)
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._forecast, served, upload)
        finally:
            with self._lock:
                self._pending[upload.client] -= count
                self._pending += Counter()  # those with none are forgotten

    def _checked(self, upload: Upload) -> int:
        count = len(upload.images)
        if not count:
            raise Problem(400, "no image in this upload; send a field `images` with a FITS or PNG file, or the file")
        if count > self._limits.images:
            raise Problem(413, f"{count} images; expected at most {self._limits.images} an upload")
        if upload.nan not in NAN_POLICIES:
            raise Problem(422, f"nan={upload.nan[:20]}; expected error or zero")
        return count

    def _enter(self, client: str, count: int) -> None:
        """Let an upload into the queue, or say when to ask again."""
        with self._lock:
            most = self._limits.queued
            if self.pending + count > most or self._pending[client] + count > max(most // 2, self._limits.images):
                after = seconds(min(self.pending * self._image_s, 60.0))
                self._metrics.add("uploads_refused")
                said = f"too many images wait for the network; ask again in {after} s"
                raise Problem(503, said, headers={"Retry-After": after})
            self.spend(client, count)
            self._pending[client] += count

    def spend(self, client: str, images: int) -> None:
        """Take from what one client may send.

        Raises:
            Problem: 429, ask again later.
        """
        wait = self._buckets.take(client, images)
        if wait:
            after = seconds(wait)
            said = f"more images than one client has; ask again in {after} s"
            raise Problem(429, said, headers={"Retry-After": after})

    def _forecast(self, served: ServedModel, upload: Upload) -> tuple[Predicted, list[str]]:
        began = time.monotonic()
        heard = Heard(Reporter(), warnings_alone=True)
        until = began + DECODING_S

        def decode(name: str, content: bytes, rendering: Rendering, accept: Accept) -> ReadImage:
            if time.monotonic() > until:
                raise InputError(f"{name}: not read, for the images of this upload took more than {DECODING_S:g} s")
            return self._decoders.decode(name, content, rendering, accept)

        images, failures = named_images(upload.images, decode)
        compute = Compute(workers=self._limits.decoders, nan=upload.nan)
        try:
            if not images:
                raise InputError(failures[0].reason)
            model = served.model.several or served.model.classifier
            found = forecast_images(model, images, compute=compute, failures=failures, reporter=heard)
        except InputError as error:
            self._metrics.add("images_refused", len(upload.images))
            notes = [one.removeprefix(NOT_FORECAST) for one in heard.notes if one.startswith(NOT_FORECAST)]
            raise Problem(422, error, reasons=[for_client(one) for one in notes or [str(error)]]) from error
        self._metrics.add("images_forecast", len(found.forecasts))
        self._metrics.add("images_refused", len(found.failures))
        self._image_s = 0.8 * self._image_s + 0.2 * (time.monotonic() - began) / len(upload.images)
        refused = tuple(replace(one, reason=for_client(one.reason)) for one in found.failures)
        said = [for_client(one) for one in heard.notes if not one.startswith(NOT_FORECAST)]
        return replace(found, failures=refused), said


def named_images(images: Sequence[tuple[str, bytes]], decode: Any) -> tuple[list[Received], list[Failure]]:  # noqa: ANN401 - as Received has it
    """Give each file a name of its own, which leads nowhere, and tell those that are no images by it."""
    found: dict[str, Received] = {}
    failures = []
    for number, (told, content) in enumerate(images):
        name = plain_name(told) or f"image-{number}"
        name = name if name not in found else f"{number}-{name}"
        if is_image_name(name):
            found[name] = Received(name, content, decode)
        else:
            failures.append(Failure(name, f"{name}: {EXPECTED}"))
    return list(found.values()), failures


def is_image_name(name: str) -> bool:
    """Whether a name ends as those of images do."""
    return is_image(Path(name)) or is_image(Path(name), whole_disk=True)


def image_name(told: str) -> str:
    """Give the plain name of an image.

    Raises:
        Problem: it ends otherwise.
    """
    name = plain_name(told)
    if not is_image_name(name):
        raise Problem(422, f"{name or 'an image without a name'}: {EXPECTED}")
    return name


def plain_name(told: str) -> str:
    """Give the last part of a name that a client told: no folder, nothing that moves a cursor."""
    last = told.replace("\\", "/").rpartition("/")[2]
    plain = one_line(utf8(last).replace("\0", ""), NAME_LENGTH).strip()
    return "" if plain in (".", "..") else plain


def uploaded_document(served: ServedModel, found: Predicted, notes: Sequence[str]) -> dict[str, Any]:
    """Give what was forecast as plain values; `forecasts` are the records of `predict --json`."""
    event = found.event
    return {
        "notice": RESEARCH,
        "model": served.name,
        "event": None if event is None else event.code,
        "events": [one.code for one in found.events or (() if event is None else (event,))],
        "of": served.document()["forecasts"],
        "warnings": list(served.warnings),
        "notes": list(notes),
        "forecasts": [*frame_records(found.forecasts), *found.failure_records()],
    }
