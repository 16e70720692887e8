"""What does a report need? Plain values: whoever reads a run directory fills them in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from flarescope.events import EventDefinition
from flarescope.figures import FieldImage
from flarescope.html_report.view import Section
from flarescope.scores.decision import Decision


@dataclass(frozen=True)
class Compared:
    """Another run, or a foreign table, that the report sets beside its own.

    Attributes:
        name: what to call it.
        verification: what `scores.verify.verify` gives for it.
        difference: what `scores.compare.compare` gives for this report's forecasts (a) and these (b), or None.
        note: why there is no difference (such as other images), or another remark.
    """

    name: str
    verification: Mapping[str, Any]
    difference: Mapping[str, Any] | None = None
    note: str = ""


@dataclass(frozen=True)
class ReportInputs:
    """Everything that the page shows.

    Attributes:
        title: of the page.
        forecasts: the verified rows, as `tables.check_forecasts` gives them, all labelled, probabilities as the model
            gave them (before calibration); a column `flare` is shown where it is there.
        verification: what `scores.verify.verify` gives for them.
        event: what label 1 means; None where nobody says it.
        split: which rows these are.
        warnings: shown on top of everything, such as random filters or synthetic data.
        history: a mapping an epoch: `epoch`, and `train` and `validation` with `loss`, `tss`, `hss`, `tpr`, `tnr`.
        events: flares that count, to mark in the time lines: `noaa_ar`, `time` (peak, UTC), `flare` (class); None shows
            only the spells that the labels tell of.
        gallery: heading and magnetograms of each row (`choose.gallery_rows` says which).
        compared: other forecasts to set beside.
        provenance: recipe, seed, digests, versions, engine, precision; nested mappings are flattened.
        name: what these forecasts are called beside others; empty for the title.
        what: a row is called: an image, or of tables without a run a forecast or a region day.
        chosen: how the threshold of the decision "chosen" was found.
        lead: the page's first sentence; empty for that of the verification's references.
        further: sections that stand behind the comparison.
        footer: one line at the end, such as when the page was made; empty for the same bytes every time.
    """

    title: str
    forecasts: pd.DataFrame
    verification: Mapping[str, Any]
    event: EventDefinition | None = None
    split: str = "test"
    warnings: Sequence[str] = ()
    history: Sequence[Mapping[str, Any]] = ()
    events: pd.DataFrame | None = None
    gallery: Sequence[tuple[str, Sequence[FieldImage]]] = ()
    compared: Sequence[Compared] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    what: str = "image"
    chosen: str = "chosen on validation"
    lead: str = ""
    further: Sequence[Section] = ()
    footer: str = ""


def main_decision(verification: Mapping[str, Any]) -> str:
    """Name the decision that examples are taken by: the chosen threshold's if there is one, else argmax."""
    return "chosen" if "chosen" in verification["decisions"] else "argmax"


def decided_forecasts(forecasts: pd.DataFrame, verification: Mapping[str, Any]) -> tuple[pd.DataFrame, float]:
    """Give the rows with the probabilities that the main decision is made on, and its threshold.

    Args:
        forecasts: with the probabilities as the model gave them.
        verification: what `scores.verify.verify` gives for them.
    """
    decision = verification["decisions"][main_decision(verification)]
    if not decision["calibrated"]:
        return forecasts, decision["threshold"]
    made = Decision.of(decision["threshold"], verification["settings"]["calibration"])
    return forecasts.assign(probability=made.probability(forecasts["probability"].to_numpy(float))), made.threshold
