"""How are anybody's forecasts verified, and two tables of forecasts compared?"""

from pathlib import Path
from typing import Any

from flarescope.errors import InputError
from flarescope.events import EventDefinition, agreed
from flarescope.files import write_json
from flarescope.pipeline.evaluated import ONE_EVENT, event_of_forecasts, forecasts_of
from flarescope.pipeline.foreign_rows import read_foreign
from flarescope.pipeline.verifying import Verifying, no_intervals, verify_rows, with_reason
from flarescope.progress import Reporter, WarningReporter
from flarescope.scores.compare import compare as compare_rows


def verify_table(
    path: str | Path,
    *,
    climatology: float | None = None,
    event: EventDefinition | None = None,
    verifying: Verifying | None = None,
    out: Path | None = None,
) -> dict[str, Any]:
    """Verify a table of forecasts: CSV or Parquet with `filename` or `time`, `noaa_ar`, `label`, `probability`.

    Args:
        path: the table.
        climatology: event rate of the training set that the forecasts come from, or None.
        event: that the labels are of, for a table that does not say it.
        verifying: how.
        out: folder for `scores.json`; None writes nothing.

    Returns:
        What `scores.verify.verify` gives.

    Raises:
        InputError: whatever is wrong with the table, naming it.

    Example:
        >>> found = flarescope.verify_table("other_model.csv", event=flarescope.EventDefinition())
        >>> tss = found["decisions"]["argmax"]["scores"]["tss"]["value"]
    """
    verifying = verifying or Verifying()
    forecasts, read = read_foreign(Path(path), event, keep=verifying.columns)
    event = event_of_forecasts(path, stated=event)
    try:
        verification = verify_rows(forecasts, verifying, event=event, climatology=climatology)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    verification |= {"notes": [*read, *verification["notes"]]}
    if out is not None:
        write_json(
            out / "scores.json",
            {"forecasts": str(path), "event": event and event.to_json(), "verification": verification},
        )
    return verification


def compare(
    a: str | Path,
    b: str | Path,
    *,
    split: str = "test",
    event: EventDefinition | None = None,
    verifying: Verifying | None = None,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Compare two forecasts of the same images, with intervals of the differences.

    Args:
        a: a run that was evaluated, or a table of forecasts; of a table with several models one is named behind it
            (`forecasts.parquet#mcintosh`).
        b: another one, of the same images.
        split: of runs.
        event: which, for tables of several events, or that do not say it.
        verifying: how.
        reporter: hears what must be said.

    Returns:
        What `scores.compare.compare` gives, where settings also hold `event` (or None), and `calibrated_a` and
        `calibrated_b`: whether the probabilities are calibrated ones of a run.

    Raises:
        InputError: forecasts of different events, and as `scores.compare.compare`.

    Example:
        >>> found = flarescope.compare("runs/png", "other_model.csv")
        >>> difference = found["decision"]["tss"]["difference"]
    """
    verifying, reporter = verifying or Verifying(), reporter or WarningReporter()
    events = {str(path): event_of_forecasts(path, split, stated=event) for path in (a, b)}
    event, said = agreed(events, ONE_EVENT)
    for text in said:
        reporter.warn(text)
    first, second = (forecasts_of(path, split, event, keep=verifying.columns) for path in (a, b))
    why = (
        no_intervals(first.rows, second.rows, event=event, resample=verifying.resample)
        if verifying.replicates
        else None
    )
    found = compare_rows(
        first.rows,
        second.rows,
        threshold_a=first.threshold,
        threshold_b=second.threshold,
        replicates=0 if why else verifying.replicates,
        seed=verifying.seed,
        event=event,
        resample=verifying.resample,
    )
    read = [f"{path}: {text}" for path, side in ((a, first), (b, second)) for text in side.notes]
    settings = {"event": event and event.to_json(), "calibrated_a": first.calibrated, "calibrated_b": second.calibrated}
    notes = read + with_reason(found["notes"], why)
    return found | {"settings": settings | found["settings"], "notes": notes}
