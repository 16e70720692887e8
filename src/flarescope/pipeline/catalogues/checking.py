"""What about these tables would make skill look better than it is?"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from flarescope.catalog.boucheron import CSV_NAMES
from flarescope.catalog.check import claimed_split, find_problems
from flarescope.catalog.flux_scales import scale_against
from flarescope.catalog.leaks import Finding
from flarescope.catalog.table_event import agreed_event
from flarescope.counted import counted
from flarescope.events import EventDefinition, Rules, agreed
from flarescope.images.signature import signature_vectors
from flarescope.pipeline.catalogues.labelling import join_flares
from flarescope.pipeline.catalogues.listing import read_catalogue, scan_beside
from flarescope.pipeline.catalogues.scanning import scan_images
from flarescope.pipeline.catalogues.selecting import read_regions
from flarescope.progress import Reporter, WarningReporter
from flarescope.several_events import rows_of_event
from flarescope.tables import SPLITS


def check(
    tables: Sequence[str | Path],
    *,
    rule: EventDefinition | None = None,
    rules: Rules | None = None,
    flares: Sequence[str | Path] = (),
    summaries: Sequence[str | Path] = (),
    images: str | Path | None = None,
    scan: str | Path | None = None,
    published: bool = False,
    instrument_ok: bool = False,
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> list[Finding]:
    """Check tables that belong together.

    Args:
        tables: a catalogue with splits, or the tables of the splits, such as the three published ones. A table without
            splits whose name begins with train, validation or test is taken to be that split.
        rule: the event that the labels are of, for tables that do not say it.
        rules: by which the labels were made, where the tables do not say it.
        flares: the lists that the labels come from; to find flares on both sides, and labels that do not follow.
        summaries: Solar Region Summaries; to find neighbours on both sides.
        images: the image root; its files are read, to find the same picture twice and near copies.
        scan: Parquet that keeps what was read; by default beside the first table.
        published: compare the counts with the published ones. Tables that bear the published names are compared anyway.
        instrument_ok: whether other magnetographs than HMI are taken.
        workers: processes that read images.
        reporter: hears notes and progress.

    Returns:
        Findings, errors first; none for a clean catalogue.

    Raises:
        InputError: bad tables, lists, summaries or images.

    Example:
        >>> for finding in flarescope.check(["train.csv", "validation.csv", "test.csv"]):
        ...     print(finding.severity, finding.what)
    """
    reporter, paths = reporter or WarningReporter(), [Path(table) for table in tables]
    catalogue = pd.concat([_read(path, rule) for path in paths], ignore_index=True)
    if not catalogue["split"].notna().any():
        reporter.warn("no row says its split: leaks between splits cannot be found")
    digests = signatures = None
    if images is not None:
        kept = Path(scan) if scan else scan_beside(paths[0])
        names = catalogue["filename"].drop_duplicates().tolist()
        digests = scan_images(
            Path(images),
            names,
            kept,
            instrument_ok=instrument_ok,
            whole_disk=any(event and event.scope == "disk" for event in (agreed_event(path, rule) for path in paths)),
            workers=workers,
            reporter=reporter,
        )
        signatures = signature_vectors(digests["signature"])
        flat = int((~signatures.any(axis=1)).sum() - digests["reason"].notna().sum())
        reporter.say(
            f"comparing {counted(len(signatures) - flat, 'picture')}; flat, and compared by pixels only: {flat:,}"
        )
    rule = _rule(paths, rule, rules, reporter)
    listed = join_flares(flares, None, reporter, anywhere=rule.scope == "disk") if flares else None
    if listed is not None and (scales := scale_against(listed, rule)):
        reporter.warn(f"the flare list and the labels are on {scales}")
    return find_problems(
        catalogue,
        rule=rule,
        flares=listed,
        regions=read_regions(summaries, reporter) if summaries else None,
        digests=digests,
        signatures=signatures,
        published=published or any(claimed_split(path) for path in paths),
    )


def _read(path: Path, stated: EventDefinition | None) -> pd.DataFrame:
    table, event = read_catalogue(path, repeated=True), agreed_event(path, stated)
    table = table if event is None else rows_of_event(table, event)
    if table["split"].notna().any():
        return table
    return table.assign(split=split_of_name(path))


def split_of_name(path: Path) -> str | None:
    """Tell which split a table is by its name: a published name, or one that begins with the split's."""
    published = [split for split, names in CSV_NAMES.items() if path.name.lower() in map(str.lower, names)]
    return next(iter([*published, *(split for split in SPLITS if path.name.lower().startswith(split))]), None)


def _rule(
    tables: Sequence[Path], stated: EventDefinition | None, rules: Rules | None, reporter: Reporter
) -> EventDefinition:
    """Find how the labels of the tables were made: as they say, else as was stated, else as is usual.

    Raises:
        InputError: they say different things.
    """
    events = {str(path): agreed_event(path, stated) for path in tables}
    event, said = agreed(events, "check tables of one event together")
    for text in said:
        reporter.warn(text)
    if event is None:
        event = EventDefinition()
        reporter.warn(f"no table says which event its labels are of; taken to be {event.sentence} (--event, --window)")
    return event if event.rules and rules is None else replace(event, rules=rules or event.rules or "utc")
