"""How are forecasts verified with what is known of the model and of the flares?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from flarescope.brief import brief
from flarescope.catalog.flux_scales import scale_against, with_stated_scale
from flarescope.catalog.noaa_events import read_flares
from flarescope.catalog.noaa_flares import FlareList, unlisted
from flarescope.events import EventDefinition, FluxScale
from flarescope.forecaster.description import Description
from flarescope.forecaster.runs import RunFolder
from flarescope.pipeline.references import reference_skill, references_of, unknown_words
from flarescope.progress import Reporter
from flarescope.scores.baselines import event_of_rows
from flarescope.scores.bootstrap import REPLICATES
from flarescope.scores.calibration import Calibration, certain_words, prior_shift
from flarescope.scores.cases import Sampling
from flarescope.scores.clusters import AUTO, check_resample, clusters_of, column_of
from flarescope.scores.decision import Decision
from flarescope.scores.interval_notes import NO_INTERVALS
from flarescope.scores.rows import with_columns
from flarescope.scores.threshold import ARGMAX
from flarescope.scores.verify import verify


@dataclass(frozen=True)
class Verifying:
    """How a verification is made.

    Attributes:
        replicates: of the bootstrap by region; 0 makes no intervals.
        seed: of the bootstrap.
        events: a flare list (`catalog.noaa_events.read_flares`) for the persistence baseline; None reads the previous
            window off the labels of earlier images.
        resample: what is drawn or left out whole for the intervals: `region`, `harp`, `day`, `week`, `month`,
            `carrington`, hours as `12h`, a column of the table, or `auto`: the region where there is one, else a block
            of time that is long enough for the memory of the error (`scores.clusters`).
        regions: region summaries, for the forecasts of the shipped models of regions among the references.
        flux_scale: of the flares of a list that does not say its scale, `operational` or `science`.

    Example:
        >>> flarescope.Verifying(replicates=200)
        Verifying(replicates=200)
    """

    replicates: int = REPLICATES
    seed: int = 0
    events: Path | None = None
    resample: str = AUTO
    regions: tuple[Path, ...] = ()
    flux_scale: FluxScale | None = None

    __repr__ = brief

    def __post_init__(self) -> None:
        check_resample(self.resample)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a table, beside those that it must have, one of which `resample` asks for."""
        return column_of(self.resample)

    def read_flares(self, event: EventDefinition | None = None) -> FlareList | None:
        """Read the flare list; None without one. Of the whole disk (by the event) it needs no regions."""
        disk = event is not None and event.scope == "disk"
        return (
            None if self.events is None else with_stated_scale(read_flares(self.events, anywhere=disk), self.flux_scale)
        )

    def marked_flares(self, event: EventDefinition | None) -> pd.DataFrame | None:
        """Read the flares of known peak, and region, that count as events, or all where the event is not known."""
        listed = self.read_flares(event)
        if listed is None:
            return None
        disk = event is not None and event.scope == "disk"
        usable = listed.table.dropna(subset=["time"]) if disk else listed.usable()
        return usable if event is None else usable[event.counts(usable["flare"])]


def training_climatology(run: RunFolder | None) -> float | None:
    """Give the event rate of a run's training set; None for a model outside a run."""
    if run is None:
        return None
    train = run.read()["data"]["train"]
    return float(train["events"]) / float(train["images"])


def verify_model(
    forecasts: pd.DataFrame,
    described: Description,
    run: RunFolder | None,
    verifying: Verifying,
    reporter: Reporter,
    *,
    event: EventDefinition | None,
) -> dict[str, Any] | None:
    """Verify a model's raw forecasts with its own threshold and calibration (see `verify_raw`).

    It is warned of rows whose event rate differs much from that of the rows that these were fitted on, and of
    calibrated probabilities of exactly 0 or 1.
    """
    decision = described.decision
    found = verify_raw(
        forecasts,
        run,
        verifying,
        reporter,
        event=event,
        threshold=described.threshold if described.choice else None,
        calibration=decision.calibration,
    )
    if found is None or decision.calibration is None:
        return found
    said = []
    fitted = described.fitted_on or {}
    if 0 < fitted.get("events", 0) < fitted.get("images", 0):
        said.append(prior_shift(fitted["events"] / fitted["images"], found["sample"]["event_rate"]))
    calibrated = decision.probability(forecasts["probability"].to_numpy(float))
    said.append(certain_words(calibrated, (forecasts["label"] == 1).to_numpy()))
    notes = [text for text in said if text]
    for text in notes:
        reporter.about(event.code if event else str(run)).warn(text)
    return found | {"notes": [*notes, *found["notes"]]}


def verify_raw(
    forecasts: pd.DataFrame,
    run: RunFolder | None,
    verifying: Verifying,
    reporter: Reporter,
    *,
    event: EventDefinition | None,
    threshold: float | None = None,
    calibration: Calibration | None = None,
) -> dict[str, Any] | None:
    """Verify forecasts against the training climatology of a run.

    Args:
        forecasts: labelled rows with the probabilities as the model gave them.
        run: of the model, for the training climatology; None for a model outside a run.
        verifying: how.
        reporter: hears why there is no verification.
        event: what label 1 means; None where nobody says it.
        threshold: chosen on validation rows, or None.
        calibration: fitted on validation rows, or None.

    Returns:
        What `scores.verify.verify` gives, or None where all rows are of one class.
    """
    if forecasts["label"].nunique() < 2:
        reporter.say("all rows are of one class: no scores with intervals can be made")
        return None
    return verify_rows(
        forecasts,
        verifying,
        event=event,
        climatology=training_climatology(run),
        threshold=threshold,
        calibration=calibration,
    )


def verify_rows(
    forecasts: pd.DataFrame,
    verifying: Verifying,
    *,
    event: EventDefinition | None,
    climatology: float | None,
    threshold: float | None = None,
    calibration: Calibration | None = None,
) -> dict[str, Any]:
    """Give what `scores.verify.verify` gives, and `references`: the usual ones and the skill against each.

    What has to be said of flare list, regions and references is among the notes.
    """
    flares = verifying.read_flares(event)
    why = no_intervals(forecasts, event=event, resample=verifying.resample) if verifying.replicates else None
    found = verify(
        forecasts,
        event=event,
        flares=flares,
        climatology=climatology,
        threshold=threshold,
        calibration=calibration,
        replicates=0 if why else verifying.replicates,
        seed=verifying.seed,
        resample=verifying.resample,
    )
    said = list_notes(flares, event) if flares and event and found["previous"] else []
    against, more = _against_references(
        forecasts,
        verifying,
        flares,
        event=event,
        climatology=climatology,
        decision=Decision(ARGMAX if threshold is None else threshold, calibration),
    )
    return found | {"references": against, "notes": [*said, *with_reason(found["notes"], why), *more]}


def _against_references(
    forecasts: pd.DataFrame,
    verifying: Verifying,
    flares: FlareList | None,
    *,
    event: EventDefinition | None,
    climatology: float | None,
    decision: Decision,
) -> tuple[dict[str, Any], list[str]]:
    """Set forecasts, decided by the main decision, against the references that can be made."""
    rows = with_columns(forecasts)
    known = event_of_rows(rows, event)[0] if event else None
    clusters = clusters_of([rows], known, verifying.resample)
    made, said = references_of(
        rows, event=known, climatology=climatology, flares=flares, regions=verifying.regions, clusters=clusters
    )
    found = reference_skill(
        rows,
        decision.probability(rows["probability"].to_numpy(float)),
        decision.threshold,
        made,
        clusters=clusters,
        sampling=Sampling(verifying.replicates, verifying.seed),
    )
    return found, [*said, *unknown_words(made)]


def with_reason(notes: list[str], why: str | None) -> list[str]:
    """Put the reason why no intervals can be made in the place of the note that none were."""
    return [why if why and text == NO_INTERVALS else text for text in notes]


def no_intervals(*tables: pd.DataFrame, event: EventDefinition | None, resample: str = AUTO) -> str | None:
    """Say why intervals cannot be made of tables of the same rows; None where they can."""
    known = event_of_rows(tables[0], event)[0] if event else None
    return clusters_of(tables, known, resample).why_none


def list_notes(flares: FlareList, event: EventDefinition) -> list[str]:
    """Say where a flare list does not see the flares that the labels see: another flux scale, none so weak listed."""
    notes = []
    if scales := scale_against(flares, event):
        notes.append(f"Persistence: the flare list and the labels are on {scales}.")
    elif event.flux_scale and None in flares.scales:
        notes.append(
            "Persistence: the flare list does not say on which flux scale its classes are; they are taken to be on the "
            f"labels', {event.flux_scale}."
        )
    first = unlisted(flares.table, event.flux_w_m2)
    if first is not None:
        notes.append(
            f"Persistence: no flare below {first} is listed; if the list leaves them out, every event below {first} "
            "that came before an image is missed."
        )
    return notes
