"""What do anybody's forecasts hold: whatever their form, their names of columns, and whoever says what came?"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, get_args

import pandas as pd

from flarescope.brief import brief
from flarescope.catalog.daily_forms import of_event
from flarescope.catalog.file_names import region_and_time
from flarescope.catalog.flux_scales import list_scale, scale_remarks
from flarescope.catalog.labels import label_by, window_covered
from flarescope.catalog.met_office import ASSUMED as MET_OFFICE
from flarescope.catalog.met_office import read_met_office
from flarescope.catalog.noaa_events import read_flares
from flarescope.catalog.swpc_reports import read_swpc
from flarescope.catalog.table_event import agreed_event
from flarescope.counted import counted, of_them
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.notes import read_notes
from flarescope.pipeline.foreign_columns import as_shares, with_our_names, with_times
from flarescope.pipeline.issued_rows import is_issued, issued_rows, no_test, split_name
from flarescope.tables import check_forecasts, read_as_it_is

Form = Literal["flarescope", "metoffice", "swpc"]
"""A table with columns; the Met Office's four-day form (`catalog.met_office`); SWPC's (`catalog.swpc_reports`)."""
FORMS: Final = get_args(Form)


@dataclass(frozen=True)
class Reading:
    """How a table of somebody else's forecasts is read.

    Attributes:
        columns: our name of a column -> the table's (`foreign_columns.parse_columns`).
        percent: whether probabilities are percent.
        form: what kind of file it is.
        flares: a flare list to label the rows by, where the table has no labels; with labels it is held against them.
        keep: further columns that are kept, as in `tables.check_forecasts`.

    Example:
        >>> how = flarescope.Reading(columns={"probability": "flare_prob", "label": "target", "time": "timestamp"})
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    percent: bool = False
    form: Form = "flarescope"
    flares: Path | None = None
    keep: tuple[str, ...] = ()

    __repr__ = brief

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise InputError(f"--form {self.form}: expected {', '.join(FORMS[:-1])} or {FORMS[-1]}")
        if self.form != "flarescope" and (self.columns or self.percent):
            raise InputError(f"--form {self.form} says what its columns are: leave out --columns and --percent")


@dataclass(frozen=True)
class ForeignRows:
    """Forecasts as they were read.

    Attributes:
        rows: what `tables.check_forecasts` gives.
        event: what label 1 means; None where nobody says it.
        notes: what has to be said of how they were read.
    """

    rows: pd.DataFrame
    event: EventDefinition | None
    notes: tuple[str, ...] = ()

    __repr__ = brief


def read_foreign(path: str | Path, event: EventDefinition | None = None, reading: Reading | None = None) -> ForeignRows:
    """Read a table of forecasts; region and time that it does not give are taken from file names of the usual form.

    Args:
        path: the table; of one of issued forecasts (`issued_rows`) also with a model behind it, `#mcintosh`.
        event: stated, for a table that does not say it; of several events, which.
        reading: how; None takes it as it is.

    Raises:
        InputError: whatever is wrong with the table, naming it.
    """
    reading = reading or Reading()
    place, model = split_name(path)
    if reading.form != "flarescope":
        found = _of_centre(place, event, reading.form)
    elif is_issued(place):
        rows, of_rows, said = issued_rows(place, event, model, labelled=reading.flares is None)
        found = ForeignRows(rows, of_rows, tuple(said))
    else:
        found = _of_table(place, event, reading)
    return found if reading.flares is None else with_labels(found, reading.flares, str(path))


def _of_centre(path: Path, event: EventDefinition | None, form: Form) -> ForeignRows:
    """Read a centre's form: forecasts of the whole disk."""
    if form == "metoffice":
        table, said = read_met_office(path), [MET_OFFICE]
    else:
        table, refused, assumed = read_swpc(path)
        said = [assumed, *(f"not used: {one.reason}" for one in refused)]
    rows = of_event(table, event, str(path))
    again = rows.duplicated("time", keep="last")
    if again.any():
        said.append(f"{counted(int(again.sum()), 'forecast')} of a time that stands there again: the last is taken")
        rows = rows[~again]
    whole = replace(event, scope="disk") if event else None
    return ForeignRows(check_forecasts(rows, str(path)), whole, tuple(f"{text.removesuffix('.')}." for text in said))


def _of_table(path: Path, event: EventDefinition | None, reading: Reading) -> ForeignRows:
    stated = agreed_event(path, event)
    table = with_our_names(read_as_it_is(path), reading.columns, str(path))
    table, timed = with_times(table, str(path))
    table, shares = as_shares(table, percent=reading.percent, source=str(path))
    forecasts = check_forecasts(table, str(path), keep=reading.keep)
    named = region_and_time(forecasts["filename"])
    filled = {name: named[name].notna() & forecasts[name].isna() for name in ("noaa_ar", "time")}
    words = {"noaa_ar": "the region of", "time": "the time (TAI, turned into UTC) of"}
    parts = [f"{words[name]} {counted(int(rows.sum()), 'row')}" for name, rows in filled.items() if rows.any()]
    notes = [f"Read from the file names, since the table does not give it: {' and '.join(parts)}."] if parts else []
    rows = forecasts.assign(**{name: forecasts[name].fillna(named[name]) for name in filled})
    seen = no_test(read_notes(path), None, rows["time"])
    return ForeignRows(rows, stated, (*seen, *timed, *shares, *notes))


def with_labels(found: ForeignRows, flares: Path, source: str) -> ForeignRows:
    """Label forecasts by a flare list; labels that they have stay, and how far the list agrees is said.

    Rows whose window the list does not cover whole are left out: no flare listed there does not mean that none came.

    Raises:
        InputError: no event stated, rows without time or region, a list that covers no row's window.
    """
    rows, event = found.rows, found.event
    if event is None:
        raise InputError(f"{source}: a flare list labels forecasts of a stated event: --event M1.0 --window 24")
    if event.scope == "region" and rows["noaa_ar"].isna().all():
        event = replace(event, scope="disk")
    disk = event.scope == "disk"
    lacking = rows["time"].isna() | (rows["noaa_ar"].isna() & (not disk))
    if lacking.any():
        what = "time" if disk else "region or time"
        raise InputError(
            f"{source}: {of_them(int(lacking.sum()), len(rows), 'row')} without {what}: no flare labels them"
        )
    listed = read_flares(flares, anywhere=disk)
    rule = replace(event, rules=event.rules or "utc", flux_scale=event.flux_scale or list_scale(listed))
    covered = window_covered(rows, listed, rule)
    made = label_by(rows, listed.table, rule)
    said = [text for text in scale_remarks(listed, rule.threshold) if not text.startswith("a flare list does not say")]
    said += ["it does not say on which flux scale its classes are"] if None in listed.scales else []
    notes = [*found.notes, *(f"{flares.name}: {text}." for text in said)]
    if rows["label"].notna().all():
        differ = int((covered & (rows["label"] != made["label"]).to_numpy(bool)).sum())
        return replace(found, event=rule, notes=(*notes, _agreement(differ, int(covered.sum()), flares.name)))
    if not covered.any():
        shown = ", ".join(f"{first:%Y-%m-%d} to {last:%Y-%m-%d}" for first, last in listed.covered[:2])
        raise InputError(f"{source}: {flares} covers no row's window; it covers {shown or 'nothing'}")
    left_out = of_them(int((~covered).sum()), len(rows), "row")
    kept = rows.assign(flare=made["flare"], label=made["label"])[covered].reset_index(drop=True)
    notes.append(f"Labels: flares of {rule.threshold} or above in {flares.name}.")
    notes += [f"The flare list does not cover the window of {left_out}: left out."] if (~covered).any() else []
    return ForeignRows(kept, rule, tuple(notes))


def _agreement(differ: int, known: int, name: str) -> str:
    said = f"The table's own labels are used; {name} gives another for {of_them(differ, known, 'row')} that it covers"
    return f"{said} (--columns label= labels them by the list)." if differ else f"{said}."
