"""What does a loaded model forecast for new images?"""

import datetime as dt
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.catalog.file_names import region_and_time
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.files import utf8
from flarescope.forecaster.classifier import Classifier
from flarescope.forecaster.event_models import EventModels
from flarescope.images.given import EXPECTED, Given, is_field, read_given
from flarescope.images.likeness import flags_beside
from flarescope.images.line_of_sight import Accept
from flarescope.images.magnetogram import is_fits
from flarescope.images.paths import expand
from flarescope.images.plausible import LEAST_SIDE
from flarescope.images.reading import ReadImage, Unread, each_ahead, read_image
from flarescope.images.received import Received
from flarescope.images.render import PixelForm, Rendering
from flarescope.images.workers import Failure
from flarescope.pipeline.featuring import Compute, announce
from flarescope.pipeline.flux_skill import median_log_flux
from flarescope.pipeline.history import forecast_with_past
from flarescope.pipeline.likeness import tell_flags
from flarescope.pipeline.other_images import tell_later_scale, tell_other_form
from flarescope.progress import Reporter, WarningReporter
from flarescope.region_numbers import regions_text
from flarescope.scores.calibration import certain_words, log_odds_of
from flarescope.several_events import flare_column
from flarescope.tables import check_forecasts


@dataclass(frozen=True)
class Predicted:
    """Forecasts, and what could not be forecast.

    Attributes:
        forecasts: one row an image: `filename` (the path, or a name as `images[0]` of a field without a file),
            `noaa_ar` and `time` (by the file name, else by the FITS header or the text of a PNG, else null), `noaa_ars`
            (where some header or text names several regions of a patch, and the file name no other one before them: all
            of them, see `tables.PATCH_DTYPES`),
            `probability` (calibrated where the model holds a calibration; then `probability_raw` is the network's own),
            `flags` (words of `images.flags.FLAGS` with spaces between, what of the image is unusual; empty for most),
            `flare` (whether it reaches the model's threshold), and `event` (what is forecast, in the short form
            `M1.0/24`; null where the model does not say it). Of a model that looks back `missing_h`: the hours before
            which there is no earlier image, such as `6,12`; empty where all are there.
        failures: what could not be read, in order, and why.
        event: what is forecast; None where the model does not say it.
        events: of a model of several events all of them; `forecasts` then has, in place of `probability`, `flare` and
            `event`, for each event `probability_M1.0_24h` (calibrated, and in order: no event is more probable than one
            that it implies), `yes_M1.0_24h` (whether its own threshold is reached) and `raw_M1.0_24h` (as its head
            gives it). Of a regression also `median_flare_24h` of each window: the median peak flux of the largest
            flare, W/m^2, null where it is below the weakest class that the model knows.
    """

    forecasts: pd.DataFrame
    failures: tuple[Failure, ...] = ()
    event: EventDefinition | None = None
    events: tuple[EventDefinition, ...] = ()

    __repr__ = brief

    def failure_records(self) -> list[dict[str, str | None]]:
        """Give what has no forecast as plain values: its name, `probability` None, and in `reason` why."""
        names = [f"probability_{event.name}" for event in self.events] or ["probability"]
        return [{"filename": one.filename, **dict.fromkeys(names), "reason": one.reason} for one in self.failures]


def forecast_images(
    model: Classifier | EventModels,
    images: Sequence[Path | Given | Received],
    *,
    compute: Compute | None = None,
    strict: bool = False,
    failures: Sequence[Failure] = (),
    reporter: Reporter | None = None,
) -> Predicted:
    """Forecast images with a loaded model.

    Args:
        model: of one event, or of several.
        images: PNG and FITS files, on disk or received, and fields in hand.
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
    disk = compute.whole_disk
    if not disk:  # of a disk model's files, those of another form are refused below
        tell_other_form(classifier.description.rendering, map(_rendering, images), reporter)
    unread, forecast = list(failures), 0

    def advance(count: int) -> None:
        nonlocal forecast
        forecast += count
        reporter.advance("forecasts", forecast + len(unread) - len(failures), len(images))

    def job(image: Path | Given | Received) -> ReadImage:
        return read_for(classifier, image, compute)

    history, missing = classifier.description.looks_back, list[str]()
    readable = _readable(each_ahead(images, job, workers=compute.threads()), unread, strict)

    def names() -> list[str]:
        failed = {one.filename for one in unread}
        return [name for name in map(str, images) if name not in failed]

    if history is None:
        results = classifier.probabilities(readable, choice, progress=advance)
    else:
        results = forecast_with_past(
            classifier,
            history,
            readable,
            choice,
            lambda kept: _places(names(), [(one.rendered.noaa_ars, one.rendered.time) for one in kept]),
            missing=missing,
            progress=advance,
            reporter=reporter,
        )
    read = list(_rows(classifier, results))
    if len(unread) > len(failures):
        advance(0)
    tell_failures(unread, len(read), reporter)
    tell_flags([row.flags for row in read], classifier.description.likeness, reporter)
    places = _places(names()[: len(read)], [(row.noaa_ars, row.time) for row in read])
    tell_later_scale(classifier.description.event, places["time"], reporter)
    looked = {} if history is None else {"missing_h": pd.Series(missing, dtype="str")}
    if isinstance(model, EventModels):
        several = _events_table(model, places, read, reporter).assign(**looked)
        return Predicted(several, tuple(unread), model.events[0], model.events)
    table, event = _table(classifier, places, read).assign(**looked), classifier.description.event
    if classifier.description.calibration and (certain := certain_words(table["probability"].to_numpy(float))):
        reporter.warn(certain)
    return Predicted(table, tuple(unread), event)


def read_for(classifier: Classifier, image: Path | Given | Received, compute: Compute) -> ReadImage:
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


def _read(image: Path | Received, rendering: Rendering, accept: Accept) -> ReadImage:
    return image.read(rendering, accept) if isinstance(image, Received) else read_image(image, rendering, accept)


def _read_disk(image: Path | Given | Received, trained: str | None, compute: Compute, size: int) -> ReadImage:
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


def _rendering(image: Path | Given | Received) -> str:
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
    found: list[Path | Given] = []
    first = model.parts[0] if isinstance(model, EventModels) else model
    disk = (compute or Compute()).of_event(first.description.event).whole_disk
    for number, image in enumerate(_several(images)):
        if isinstance(image, str | Path):
            found += expand([Path(image)], reporter, None if strict else failures, whole_disk=disk)
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


@dataclass(frozen=True)
class _Row:
    """What is kept of an image that was forecast."""

    noaa_ars: tuple[int, ...]
    time: dt.datetime | None
    probability: Any  # of an event; of several a list
    flags: tuple[str, ...]


def _rows(classifier: Classifier, results: Iterator[tuple[ReadImage, Any]]) -> Iterator[_Row]:
    likeness = classifier.description.likeness
    for image, probability in results:
        one = image.rendered
        yield _Row(one.noaa_ars, one.time, probability, flags_beside(one.flags, one.look, likeness))


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


def _places(names: Sequence[str], told: Sequence[tuple[tuple[int, ...], dt.datetime | None]]) -> pd.DataFrame:
    """Give `filename`, `noaa_ar`, `noaa_ars` where there are any, and `time`: by the names, else by headers or text."""
    table = pd.DataFrame({"filename": pd.Series([utf8(name) for name in names[: len(told)]], dtype="str")})
    named = region_and_time(table["filename"])
    principal = pd.Series([numbers[0] if numbers else None for numbers, _ in told], dtype="Int32")
    agreed = named["noaa_ar"].isna() | named["noaa_ar"].eq(principal).fillna(False)
    shown = pd.Series([regions_text(numbers) for numbers, _ in told], dtype="str").where(agreed)
    table["noaa_ar"] = named["noaa_ar"].fillna(principal)
    if shown.notna().any():
        table["noaa_ars"] = shown
    headers = pd.to_datetime(pd.Series([time for _, time in told], dtype="object"), utc=True)
    table["time"] = named["time"].fillna(headers.astype(named["time"].dtype))
    return table


def _events_table(model: EventModels, places: pd.DataFrame, read: Sequence[_Row], reporter: Reporter) -> pd.DataFrame:
    """Give one row an image with the probability of each event, and whether its threshold is reached."""
    raw = np.array([row.probability for row in read], float)
    found = model.probability(raw)
    table = check_forecasts(places.assign(probability=found[:, 0]), "the forecasts")[list(places)]
    table["flags"] = pd.Series([" ".join(row.flags) for row in read], index=table.index, dtype="str")
    for place, event in enumerate(model.events):
        described = model.parts[place].description
        table[f"probability_{event.name}"] = found[:, place]
        table[f"yes_{event.name}"] = found[:, place] >= described.threshold
        if described.calibration and (certain := certain_words(found[:, place])):
            reporter.warn(f"{event.code}: {certain}")
    for place, event in enumerate(model.events):
        described = model.parts[place].description
        name = f"median_{flare_column(event)}"
        if described.distribution is not None and name not in table:
            median = 10 ** median_log_flux(described, log_odds_of(raw[:, place]))
            table[name] = np.where(median >= described.distribution["limit_w_m2"], median, np.nan)
    return table.assign(**{f"raw_{event.name}": raw[:, place] for place, event in enumerate(model.events)})


def _table(classifier: Classifier, places: pd.DataFrame, read: Sequence[_Row]) -> pd.DataFrame:
    table = places
    table["probability"] = [row.probability for row in read]
    checked = check_forecasts(table, "the forecasts")[list(table)]
    described = classifier.description
    raw, decision = checked["probability"].to_numpy(float), described.decision
    if decision.calibration is not None:
        checked = checked.assign(probability=decision.probability(raw), probability_raw=raw)
    event = None if described.event is None else described.event.code
    return checked.assign(
        flags=pd.Series([" ".join(row.flags) for row in read], index=checked.index, dtype="str"),
        flare=pd.Series(decision.yes(raw), index=checked.index),
        event=pd.Series(event, index=checked.index, dtype="str"),
    )
