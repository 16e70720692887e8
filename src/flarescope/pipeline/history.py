"""To which earlier images of its region does each row of a table look back, and what does the head see of them?"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flarescope.backbones.base import Weights
from flarescope.counted import of_them
from flarescope.engines.base import EngineChoice
from flarescope.errors import InputError
from flarescope.features.gather import Rows
from flarescope.features.history import History, HistoryRows, find_past, hours_text
from flarescope.forecaster.classifier import Classifier
from flarescope.images.reading import ReadImage
from flarescope.images.root import ImageRoot
from flarescope.pipeline.featuring import Compute, Features, ensure_features
from flarescope.progress import Reporter


@dataclass(frozen=True)
class LookBack:
    """Which images stand beside which.

    Attributes:
        names: `(M,)` file names of the images and of the earlier ones, each once.
        own: `(N,)` the place of each image among them.
        past: `(N, K)` the places of its earlier ones, -1 for none.
    """

    names: "pd.Series[str]"
    own: np.ndarray
    past: np.ndarray

    @property
    def missing(self) -> np.ndarray:
        """How many images have no earlier one, `(K,)`, for each of the history's hours."""
        return np.asarray((self.past < 0).sum(axis=0))


def look_back(rows: pd.DataFrame, whole: pd.DataFrame, history: History) -> LookBack:
    """Find the earlier images of the rows of a table.

    Args:
        rows: `(N,)` `filename`, `noaa_ar`, `time`.
        whole: all rows that may be looked back to, of which `rows` may be a sample; their labels are not looked at.
        history: how far.
    """
    found = find_past(rows, whole, history)
    used = np.unique(found[found >= 0])
    names = pd.concat([rows["filename"], whole["filename"].iloc[used]]).drop_duplicates().reset_index(drop=True)
    place = np.full(len(whole) + 1, -1, np.int64)
    place[used] = pd.Index(names).get_indexer(pd.Index(whole["filename"].iloc[used]))
    return LookBack(names, np.arange(len(rows)), place[found])


def check_history(rows: pd.DataFrame, look: LookBack, history: History, source: str) -> None:
    """Refuse rows to train on that cannot be looked back from.

    Raises:
        InputError: rows without a time; hours before which no row has an earlier image.
    """
    unknown = int(rows["time"].isna().sum())
    if unknown:
        raise InputError(
            f"{source}: {of_them(unknown, len(rows), 'row', 'has', 'have')} no time; a history needs when each image "
            "was taken (column time, or file names of the published form)"
        )
    never = [hours for hours, missing in zip(history.hours, look.missing, strict=True) if missing == len(rows)]
    if never:
        raise InputError(
            f"{source}: no image has one of its region {hours_text(tuple(never))} h before (within "
            f"{history.tolerance_hours:g} h); the longest series is {_longest(rows):.3g} h: choose a shorter "
            "--history, or a larger --tolerance"
        )


def _longest(rows: pd.DataFrame) -> float:
    """Give the hours from the first to the last image of the region that is seen longest."""
    times = rows.groupby(rows["noaa_ar"].fillna(0))["time"]
    return float((times.max() - times.min()).max().total_seconds() / 3600)


def tell_missing(look: LookBack, history: History, reporter: Reporter, label: str) -> None:
    """Say for how many images an earlier one is missing."""
    count = len(look.own)
    told = [f"{hours:g} h: {missing:,}" for hours, missing in zip(history.hours, look.missing, strict=True) if missing]
    if told:
        reporter.say(f"{label}: of {count:,} images these have no earlier one (marked as missing): {', '.join(told)}")


def features_of(
    store: Features,
    rows: pd.DataFrame,
    whole: pd.DataFrame,
    history: History | None,
    *,
    images: Path | ImageRoot,
    weights: Weights,
    compute: Compute,
    reporter: Reporter,
    label: str,
) -> Rows:
    """Compute what the store lacks of a table and of the images that it looks back to, and give what a head sees.

    The arguments are those of `featuring.ensure_features`, and those of `look_back`; without a history the rows are
    those of the images alone.
    """
    if history is None:
        return ensure_features(store, rows, images, weights, compute, reporter, label)
    look = look_back(rows, whole, history)
    tell_missing(look, history, reporter, label)
    table = pd.DataFrame({"filename": look.names})
    found = ensure_features(store, table, images, weights, compute, reporter, label)
    return HistoryRows(found, look.own, look.past, history.form)


def forecast_with_past(
    classifier: Classifier,
    history: History,
    stream: Generator[ReadImage, None, None],
    engine: EngineChoice,
    places: Callable[[Sequence[ReadImage]], pd.DataFrame],
    *,
    own: Callable[[], int],
    missing: list[str],
    progress: Callable[[int], None],
    reporter: Reporter,
) -> Iterator[tuple[ReadImage, Any]]:
    """Forecast images beside the earlier ones of their regions among them; their features are kept till all are read.

    Args:
        classifier: whose head looks back.
        history: how far.
        stream: the images; closed at the end.
        engine: how the network runs.
        places: gives `noaa_ar` and `time` of the images that were read.
        own: tells, once all are read, how many of them are forecast, the first ones; the others are looked back to.
        missing: gets the hours before which each image has no earlier one, such as `6,12`; empty where all are there.
        progress: called with the number of images of each finished batch.
        reporter: hears how many have no earlier image.

    Yields:
        Each image without its pixels, and the log odds of an event; of several events a list.
    """
    kept, features = list[ReadImage](), list[np.ndarray]()
    with closing(stream):
        for some, found in classifier.features(stream, repeat(engine.batch), engine, _without_pixels):
            kept += some
            features.append(found)
            progress(len(found))
    table, kept = places(kept), kept[: own()]
    if not kept:
        return
    past = find_past(table[: len(kept)], table, history)
    lacking = past < 0
    missing += [hours_text(tuple(np.array(history.hours)[row])) for row in lacking]
    number = int(lacking.any(axis=1).sum())
    if number:
        reporter.warn(
            f"the model looks back {hours_text(history.hours)} h (within {history.tolerance_hours:g} h); of "
            f"{of_them(number, len(kept), 'image')} not every earlier one is among those given: what is missing is "
            "marked as missing, not invented; give those images too"
        )
    rows = HistoryRows(np.concatenate(features), np.arange(len(kept)), past, history.form)
    yield from zip(kept, classifier.head.log_odds(rows).tolist(), strict=True)


def _without_pixels(image: ReadImage) -> ReadImage:
    return replace(image, rendered=replace(image.rendered, pixels=np.empty((1, 0, 0), np.float32)))
