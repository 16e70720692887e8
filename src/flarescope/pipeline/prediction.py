"""What does a loaded model forecast for new images?"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from flarescope.errors import InputError
from flarescope.forecaster.classifier import Classifier
from flarescope.forecaster.event_models import EventModels
from flarescope.images.given import EXPECTED, Given, is_field, read_given
from flarescope.images.line_of_sight import Accept
from flarescope.images.magnetogram import is_fits
from flarescope.images.plausible import LEAST_SIDE
from flarescope.images.reading import ReadImage, Unread, each_ahead, read_image
from flarescope.images.received import Received
from flarescope.images.render import PixelForm, Rendering
from flarescope.images.stored import StoredImage, images_named
from flarescope.images.workers import Failure
from flarescope.pipeline.featuring import Compute, announce
from flarescope.pipeline.history import forecast_with_past
from flarescope.pipeline.likeness import tell_flags
from flarescope.pipeline.other_images import tell_later_scale, tell_other_form
from flarescope.pipeline.predicted import Predicted, event_table, events_table, places_of, rows_of
from flarescope.progress import Reporter, WarningReporter
from flarescope.scores.calibration import certain_words

AnyImage: TypeAlias = Path | StoredImage | Received | Given


def forecast_images(
    model: Classifier | EventModels,
    images: Sequence[AnyImage],
    *,
    earlier: Sequence[Path] = (),
    compute: Compute | None = None,
    strict: bool = False,
    failures: Sequence[Failure] = (),
    reporter: Reporter | None = None,
) -> Predicted:
    """Forecast images with a loaded model.

    Args:
        model: of one event, or of several.
        images: PNG and FITS files, on disk, in a storage or received, and fields in hand.
        earlier: more files, which a model that looks back sees beside these, and which are not forecast.
        compute: how the features are computed; they are not kept.
        strict: stop at the first image that cannot be read; those before it are forecast.
        failures: what is known to be no image beforehand.
        reporter: hears notes and progress, and of each image that cannot be read.

    Raises:
        InputError: none of the images can be read.
    """
    classifier = model.joined if isinstance(model, EventModels) else model
    compute, reporter = (compute or Compute()).of_event(classifier.description.event), reporter or WarningReporter()
    choice = compute.choose(classifier.weights.backbone)
    announce(classifier.weights, reporter, synthetic=classifier.description.synthetic)
    reporter.say(f"engine: {choice.id}")
    history, missing = classifier.description.looks_back, list[str]()
    everything = [*images, *(earlier if history else ())]
    unread, forecast = list(failures), 0

    def advance(count: int) -> None:
        nonlocal forecast
        forecast += count
        reporter.advance("forecasts", forecast + len(unread) - len(failures), len(everything))

    def job(image: AnyImage) -> ReadImage:
        return read_for(classifier, image, compute)

    readable = _readable(each_ahead(everything, job, workers=compute.threads()), unread, strict)

    def names(of: Sequence[AnyImage]) -> list[str]:
        failed = {one.filename for one in unread}
        return [name for name in map(str, of) if name not in failed]

    if history is None:
        results = classifier.log_odds(readable, choice, progress=advance)
    else:
        results = forecast_with_past(
            classifier,
            history,
            readable,
            choice,
            lambda kept: places_of(names(everything), [(one.rendered.noaa_ars, one.rendered.time) for one in kept]),
            own=lambda: len(names(images)),
            missing=missing,
            progress=advance,
            reporter=reporter,
        )
    read = list(rows_of(classifier, results))
    if len(unread) > len(failures):
        advance(0)
    tell_failures(unread, len(read), reporter)
    good = names(images)[: len(read)]
    if not compute.whole_disk:  # of a disk model's files, those of another form were refused
        used = set(good)
        forms = (rendering_of(image) for image in images if str(image) in used)
        tell_other_form(classifier.description.rendering, forms, reporter)
    tell_flags([row.flags for row in read], classifier.description.likeness, reporter)
    places = places_of(good, [(row.noaa_ars, row.time) for row in read])
    tell_later_scale(classifier.description.event, places["time"], reporter)
    looked = {} if history is None else {"missing_h": pd.Series(missing, dtype="str")}
    if isinstance(model, EventModels):
        several = events_table(model, places, read, reporter).assign(**looked)
        return Predicted(several, tuple(unread), model.events[0], model.events)
    table, event = event_table(classifier, places, read).assign(**looked), classifier.description.event
    if classifier.description.calibration and (certain := certain_words(table["probability"].to_numpy(float))):
        reporter.warn(certain)
    return Predicted(table, tuple(unread), event, threshold=classifier.description.threshold)


def read_for(classifier: Classifier, image: AnyImage, compute: Compute) -> ReadImage:
    """Read an image and render it as a model takes it.

    Raises:
        InputError: whatever is wrong with it, or with its form.
    """
    form = classifier.weights.backbone.pixels
    if compute.whole_disk:
        return _read_disk(image, classifier.description.rendering, compute, form.size)
    if isinstance(image, Given):
        return read_given(image, compute.nan, compute.accept, size=form.size)
    return _read(image, Rendering.for_file(image.name, compute.nan, form), compute.accept)


def _read(image: Path | Received | StoredImage, rendering: Rendering, accept: Accept) -> ReadImage:
    return read_image(image, rendering, accept) if isinstance(image, Path) else image.read(rendering, accept)


def _read_disk(image: AnyImage, trained: str | None, compute: Compute, size: int) -> ReadImage:
    """Read an image for a model of the whole disk; the levels of a JPEG say nothing to a model of FITS files.

    Raises:
        InputError: a field in hand, another form than the model's, or whatever is wrong with the file.
    """
    if isinstance(image, Given):
        raise InputError(f"{image}: a field in hand; a model of the whole disk takes files, FITS or JPEG")
    rendering = Rendering.for_file(image.name, form=PixelForm(size), whole_disk=True)
    read = _read(image, rendering, compute.accept)
    if trained is not None and rendering.files != Rendering.from_id(trained).files:
        raise InputError(
            f"{image}: a {rendering.files} file; the model was trained on {Rendering.from_id(trained).files}, whose "
            "scale is another"
        )
    return read


def rendering_of(image: AnyImage) -> str:
    """Name the rendering of an image; a field in hand is rendered as one of a FITS file."""
    return "reference-fits" if isinstance(image, Given) or is_fits(Path(image.name)) else "reference-png"


def forecast_given(
    model: Classifier | EventModels,
    images: Any,  # noqa: ANN401 - a path, a field, or several
    *,
    compute: Compute | None = None,
    strict: bool = False,
    reporter: Reporter | None = None,
) -> Predicted:
    """Forecast what a Python program has in hand (see `models.Model.forecast`).

    Raises:
        InputError: something that is neither path nor field; no image can be read; with `strict`, one cannot.
    """
    reporter, failures = reporter or WarningReporter(), list[Failure]()
    found: list[AnyImage] = []
    first = model.parts[0] if isinstance(model, EventModels) else model
    disk = (compute or Compute()).of_event(first.description.event).whole_disk
    for number, image in enumerate(_several(images)):
        if isinstance(image, str | Path):
            found += images_named([image], reporter, None if strict else failures, whole_disk=disk)
        elif is_field(image):
            found.append(Given(f"images[{number}]", image))
        else:
            raise InputError(f"images[{number}] is a {type(image).__name__}; expected a path, or a field: {EXPECTED}")
    options: dict[str, Any] = {"compute": compute, "strict": strict, "reporter": reporter}
    found = list({str(image): image for image in found}.values())
    predicted = forecast_images(model, found, failures=failures, **options)
    if strict and predicted.failures:
        raise InputError(predicted.failures[0].reason)
    return predicted


def _several(images: Any) -> Sequence[Any]:  # noqa: ANN401 - a path, a field, or several
    if isinstance(images, np.ndarray) and images.ndim == 3:
        if min(images.shape[1:]) < LEAST_SIDE:  # of an RGB picture the last is 3
            raise InputError(
                f"an array of shape {images.shape}; expected a field (rows, columns) in gauss, or several as "
                f"(N, rows, columns), at least {LEAST_SIDE} a side; an RGB picture is no magnetogram"
            )
        return list(images)
    if isinstance(images, str | Path) or is_field(images):
        return [images]
    if not isinstance(images, Iterable):
        raise InputError(f"a {type(images).__name__}; expected paths or fields: {EXPECTED}")
    return list(images)


def _readable(
    stream: Generator[ReadImage | Unread, None, None], unread: list[Failure], strict: bool
) -> Generator[ReadImage, None, None]:
    """Pass on what could be read and note what could not; strictly, the first of these ends the stream."""
    with closing(stream):
        for image in stream:
            if isinstance(image, ReadImage):
                yield image
            else:
                unread.append(Failure(image.name, str(image.error)))
                if strict:
                    return


def tell_failures(failures: Sequence[Failure], good: int, reporter: Reporter) -> None:
    """Name each image that could not be read.

    Raises:
        InputError: no other is left.
    """
    if not good and len(failures) < 2:
        raise InputError(failures[0].reason if failures else "no image to forecast; name files, folders or fields")
    for failure in failures:
        reporter.warn(f"not forecast: {failure.reason}")
    if not good:
        raise InputError(f"none of the {len(failures):,} images can be forecast")
