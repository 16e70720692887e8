"""How are anybody's forecasts verified?"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.files import write_json
from flarescope.pipeline.choosing import Choosing, choose
from flarescope.pipeline.foreign_rows import Reading, read_foreign
from flarescope.pipeline.issued_rows import split_name
from flarescope.pipeline.verifying import Verifying, verify_rows
from flarescope.progress import Reporter, WarningReporter


def verify_table(
    path: str | Path,
    *,
    climatology: float | None = None,
    event: EventDefinition | None = None,
    reading: Reading | None = None,
    choosing: Choosing | None = None,
    verifying: Verifying | None = None,
    out: Path | None = None,
) -> dict[str, Any]:
    """Verify a table of forecasts: CSV or Parquet with `filename` or `time`, `noaa_ar`, `label`, `probability`.

    Args:
        path: the table.
        climatology: event rate of the training set that the forecasts come from, or None.
        event: that the labels are of, for a table that does not say it.
        reading: what its columns are called, its form, and a flare list to label it by.
        choosing: threshold and calibration, and the rows that they are chosen on.
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
    reading, choosing = keeping(reading, verifying), choosing or Choosing()
    verifying = with_list(verifying, reading)
    chosen = choose(read_foreign(path, event, reading), choosing, reading, str(path))
    if chosen.rows["label"].isna().all():
        raise InputError(f"{path}: no labels; label the rows by a flare list: --flares LIST --event M1.0 --window 24")
    try:
        verification = verify_rows(
            chosen.rows,
            verifying,
            event=chosen.event,
            climatology=climatology,
            threshold=chosen.threshold,
            calibration=chosen.calibration,
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    verification |= {"notes": [*chosen.notes, *verification["notes"]]}
    if out is not None:
        write_verified(verification, path, out, WarningReporter())
    return verification


def write_verified(verification: dict[str, Any], path: str | Path, out: Path | None, reporter: Reporter) -> None:
    """Write the scores of a table as `scores.json`: into a folder, or into `NAME.verified` beside the table.

    Where that one cannot be written, as beside data that is read only, this is said; another folder must be writable.
    """
    folder = out or verified_folder(path)
    event = verification["settings"]["event"]
    values = {"forecasts": str(path), "event": event, "verification": verification}
    try:
        write_json(folder / "scores.json", values)
    except InputError as error:
        if out is not None:
            raise
        reporter.warn(f"no scores.json was written: {error} (--out)")
        return
    reporter.say(f"scores written to {folder / 'scores.json'}")


def verified_folder(path: str | Path) -> Path:
    """Name the folder for what is written of a table: `other_model.csv` -> `other_model.verified` beside it."""
    path = split_name(path)[0]
    return path.with_name(f"{path.stem}.verified")


def keeping(reading: Reading | None, verifying: Verifying) -> Reading:
    """Keep the column that is resampled by, where that is one of the table's."""
    return replace(reading or Reading(), keep=verifying.columns)


def with_list(verifying: Verifying, reading: Reading) -> Verifying:
    """Let the flare list that labels rows tell of the window before them too, where no other was named."""
    return verifying if verifying.events or reading.flares is None else replace(verifying, events=reading.flares)
