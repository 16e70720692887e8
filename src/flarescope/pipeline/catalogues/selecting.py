"""How is a catalogue narrowed to the images that are fit for use?"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from flarescope.catalog.noaa_regions import read_summaries
from flarescope.catalog.select import Removal, Selection, SelectionRules, select_images, with_positions
from flarescope.catalog.table_event import events_of_table
from flarescope.errors import InputError
from flarescope.images.instruments import segment_in_name
from flarescope.pipeline.catalogues.labelling import tell_refused
from flarescope.pipeline.catalogues.listing import check_form, read_catalogue, scan_beside, write_catalogue
from flarescope.pipeline.catalogues.scanning import scan_images
from flarescope.progress import Reporter, WarningReporter


def select(
    table: str | Path,
    *,
    rules: SelectionRules,
    out: str | Path,
    summaries: Sequence[str | Path] = (),
    images: str | Path | None = None,
    scan: str | Path | None = None,
    instrument_ok: bool = False,
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> Selection:
    """Take the images of a catalogue that keep every rule, and write them as a catalogue.

    Args:
        table: labelled images (see `flarescope.read_table`).
        rules: what is asked of an image.
        out: `.parquet`, `.csv` or `.txt` (see `listing.write_catalogue`).
        summaries: Solar Region Summaries: files, folders, tar archives; for a position limit, and for the columns
            `lon_deg` and `lat_deg` that the catalogue then gets.
        images: the image root; its files are read for a limit on NaN pixels or QUALITY.
        scan: Parquet that keeps what was read of them; by default beside `out`.
        instrument_ok: whether other magnetographs than HMI are taken.
        workers: processes that read.
        reporter: hears notes and progress.

    Raises:
        InputError: bad tables, summaries or rules; a rule lacks what it needs; no image is left.

    Example:
        >>> rules = flarescope.SelectionRules(cadence_minutes=60)
        >>> selected = flarescope.select("train.csv", rules=rules, out="selected.parquet")
    """
    reporter, out = reporter or WarningReporter(), Path(out)
    check_form(out)
    catalogue, others = _magnetograms(read_catalogue(Path(table)))
    before = [Removal("another segment by its name", others)]
    regions = read_regions(summaries, reporter) if summaries else None
    if regions is not None:
        catalogue = with_positions(catalogue, regions, rules.rules)
    scanned = None
    if images is not None and (rules.max_nan_pixels is not None or rules.quality_mask is not None):
        # Dates and positions cost nothing; only what they leave is read.
        left = select_images(catalogue, _without_scan(rules), regions=regions).table
        kept = Path(scan) if scan else scan_beside(out)
        scanned = scan_images(
            Path(images),
            left["filename"].tolist(),
            kept,
            instrument_ok=instrument_ok,
            workers=workers,
            reporter=reporter,
        )
        refused = catalogue["filename"].isin(scanned.loc[scanned["other"].notna(), "filename"])
        catalogue = catalogue[~refused].reset_index(drop=True)
        before.append(Removal("no line-of-sight magnetogram", int(refused.sum())))
    selection = select_images(catalogue, rules, regions=regions, scan=scanned)
    removed_before = [each for each in before if each.removed]
    if removed_before:
        images_in_all = selection.images + sum(each.removed for each in removed_before)
        selection = Selection(selection.table, images_in_all, (*removed_before, *selection.account))
    if selection.table.empty:
        removed = "; ".join(f"{each.rule}: {each.removed:,}" for each in selection.account)
        raise InputError(f"no image is left of {selection.images:,} ({removed}); nothing is written")
    write_catalogue(selection.table, out, events_of_table(table))
    return selection


def _magnetograms(catalogue: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Leave out the images whose names name another segment, and count them."""
    others = catalogue["filename"].map(lambda name: segment_in_name(PurePosixPath(name).name) is not None)
    return (catalogue[~others].reset_index(drop=True), int(others.sum())) if others.any() else (catalogue, 0)


def _without_scan(rules: SelectionRules) -> SelectionRules:
    return SelectionRules(
        first=rules.first, last=rules.last, max_degrees=rules.max_degrees, unknown=rules.unknown, rules=rules.rules
    )


def read_regions(summaries: Sequence[str | Path], reporter: Reporter) -> pd.DataFrame:
    """Read Solar Region Summaries, and say which files were not used."""
    regions, refused = read_summaries([Path(path) for path in summaries])
    tell_refused(refused, reporter)
    return regions
