"""How do images and flare lists become a labelled catalogue?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from flarescope.catalog.flux_scales import list_scale, scale_remarks, with_stated_scale
from flarescope.catalog.labels import Labelled
from flarescope.catalog.noaa import Refused
from flarescope.catalog.noaa_events import read_flares
from flarescope.catalog.noaa_flares import FlareList, join_lists, unlisted
from flarescope.catalog.several import events_of, label_several
from flarescope.connected import Labelling, check_labelling
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.pipeline.catalogues.listing import check_form, list_images, scan_beside, write_catalogue
from flarescope.progress import Reporter, WarningReporter
from flarescope.several_events import check_events, label_column

TIMES = {
    "utc": "image times are instants: TAI in file names and headers is turned into UTC before it meets the flares",
    "ar-flares": "as in the published set, TAI file times meet the flares' UTC times as they stand, 34 to 37 s off",
}
"""What is said of the times under each rule."""

_SHOWN = 3


def label(
    images: str | Path,
    *,
    flares: Sequence[str | Path],
    out: str | Path,
    rule: EventDefinition | Sequence[EventDefinition] | None = None,
    keep_uncovered: bool = False,
    columns: Mapping[str, str] | None = None,
    flux_scale: str | None = None,
    instrument_ok: bool = False,
    regions: Labelling = "all",
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> Labelled:
    """Label images by flares, and write the catalogue.

    Args:
        images: a catalogue, a published CSV, a labels file, a folder of images or an address of one, as
            `s3://bucket/folder` (see `listing.list_images`); labels that it has are replaced.
        flares: event reports (files, folders, tar archives), lists like `eventList.txt`, CSVs; several are joined.
        out: `.parquet`, `.csv` or `.txt` (see `listing.write_catalogue`).
        rule: threshold, window, latency and convention; by default >= C1.0 within 24 h, by UTC instants. With scope
            `disk` flares from anywhere count, and images need no region. Several give a Parquet with a column of labels
            each (see `catalog.several.label_several`).
        keep_uncovered: keep images whose window runs past the time that the lists cover.
        columns: names of the columns of a CSV that has none of the usual ones (see `flare_tables.read_flare_csv`).
        flux_scale: of lists that do not say it: `operational` or `science` (see `flarescope.events`).
        instrument_ok: whether other magnetographs than HMI are taken.
        regions: by whose flares a patch of several regions is labelled: `all` of theirs, or the `principal` one's.
        workers: processes, where image headers have to be read.
        reporter: hears notes and progress.

    Raises:
        InputError: bad images, lists or options; no image is left.

    Example:
        >>> event = flarescope.EventDefinition(threshold="M1.0", window_hours=12)
        >>> labelled = flarescope.label("images", flares=["flares.csv"], out="catalogue.parquet", rule=event)
    """
    events = [EventDefinition()] if rule is None else [rule] if isinstance(rule, EventDefinition) else list(rule)
    reporter, out, first = reporter or WarningReporter(), Path(out), _first(events, Path(out))
    check_labelling(regions)
    listed = join_flares(flares, columns, reporter, flux_scale=flux_scale, anywhere=first.scope == "disk")
    if not listed.names_regions and first.scope == "region":
        raise InputError("GOES' own list names no regions; label by event reports, or edited_events.json")
    events = [replace(event, flux_scale=list_scale(listed)) for event in events]
    table = list_images(
        images,
        scan_beside(out),
        instrument_ok=instrument_ok,
        whole_disk=first.scope == "disk",
        workers=workers,
        reporter=reporter,
    )
    labelled = label_several(table, listed, events, keep_uncovered=keep_uncovered, regions=regions)
    _tell(labelled, listed, reporter)
    write_catalogue(labelled.table, out, events_of(labelled))
    return labelled


def _first(events: Sequence[EventDefinition], out: Path) -> EventDefinition:
    """Check, before the work, that events can stand in one table of this form, and give the first.

    Raises:
        InputError: they cannot.
    """
    check_form(out)
    check_events(events)
    if len(events) > 1 and out.suffix.lower() != ".parquet":
        raise InputError(f"--out {out}: the labels of {len(events)} events need a .parquet file")
    return events[0]


def _tell(labelled: Labelled, listed: FlareList, reporter: Reporter) -> None:
    """Say of which events the labels are, and what has to be known of them."""
    events = events_of(labelled)
    weakest = min(events, key=lambda event: event.flux_w_m2)
    for text in scale_remarks(listed, weakest.threshold):
        reporter.warn(text)
    tell_unlisted(listed, weakest, reporter)
    for event in events if len(events) > 1 else ():
        if not labelled.table[label_column(event)].any():
            reporter.warn(f"no image is followed by a flare {event.brief}: no head can be trained for it")
    rules = events[0].rules
    told = "; ".join(event.brief for event in events[:-1]) + f"; {events[-1]}" if len(events) > 1 else f"{events[0]}"
    reporter.say(f"an event is a flare {told}; {TIMES[rules or 'utc']}")


def join_flares(
    paths: Sequence[str | Path],
    columns: Mapping[str, str] | None = None,
    reporter: Reporter | None = None,
    *,
    flux_scale: str | None = None,
    anywhere: bool = False,
) -> FlareList:
    """Read flare lists of any form and put them into one; `flux_scale` is of those that do not say it.

    Flares of the whole disk (`anywhere`) need no region.
    """
    named = dict(columns) if columns else None
    lists = [read_flares(Path(path), named, anywhere=anywhere) for path in paths]
    if flux_scale is not None and lists and not any(None in each.scales for each in lists):
        said = {scale for each in lists for scale in each.scales} - {flux_scale}
        if said:
            raise InputError(f"--flux-scale {flux_scale}: every list says its own scale, {said.pop()}; leave it out")
    lists = [with_stated_scale(each, flux_scale) for each in lists]
    listed = lists[0] if len(lists) == 1 else join_lists(lists)
    tell_refused(listed.refused, reporter or WarningReporter())
    return listed


def tell_unlisted(listed: FlareList, rule: EventDefinition, reporter: Reporter) -> None:
    """Warn of a list that has no flares as weak as those that count: it may leave them out."""
    first = unlisted(listed.table, rule.flux_w_m2)
    if first is not None:
        reporter.warn(
            f"no flare below {first} is listed: if the list leaves them out, labels from {rule.threshold} on miss "
            f"every event below {first}; take a whole list, or --threshold {first}"
        )


def tell_refused(refused: Sequence[Refused], reporter: Reporter) -> None:
    """Say which files were not used, the first few by name, and how many words cannot be read."""
    files = [file for file in refused if not file.part]
    for file in files[:_SHOWN]:
        reporter.warn(f"not used: {file.reason}")
    if len(files) > _SHOWN:
        reporter.warn(f"not used: {counted(len(files) - _SHOWN, 'more file')}")
    parts = [file.reason for file in refused if file.part]
    if parts:
        shown = "; ".join(parts[:_SHOWN]) + ("; ..." if len(parts) > _SHOWN else "")
        reporter.warn(f"{counted(len(parts), 'entry', 'entries')} cannot be read and left out: {shown}")
