"""How does what somebody asks for become downloads: of the published set, of NOAA's daily files, of JSOC's cut-outs?"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from flarescope.catalog.published import read_region_days
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.pipeline.catalogues.selecting import read_regions
from flarescope.progress import Reporter, WarningReporter
from flarescope.sources import addresses as services
from flarescope.sources.download import DailyReport, DownloadReport, Progress, download_noaa, download_part
from flarescope.sources.jsoc import Client, CutoutReport, download_cutouts, make_client
from flarescope.sources.jsoc_orders import CADENCE_MINUTES, Order, Position, daily_orders


def fetch_published(
    parts: Sequence[str],
    out: str | Path,
    *,
    only: Sequence[str] = (),
    unpack: bool = True,
    reporter: Reporter | None = None,
) -> dict[str, DownloadReport]:
    """Fetch parts of the published set, each into a folder of its own: files of two parts may bear one name.

    Args:
        parts: names of `sources.repositories.PARTS`.
        out: gets a folder a part.
        only: patterns of file names; nothing takes all.
        unpack: unpack tar archives.
        reporter: hears the progress, and which files could not be verified.

    Raises:
        InputError, FlarescopeError: as `sources.download.download_part` says.
    """
    reporter = reporter or WarningReporter()
    progress = in_megabytes(reporter)
    reports = {}
    for part in parts:
        report = download_part(
            part, Path(out) / part, only=only, unpack=unpack, progress=progress, addresses=services.ADDRESSES
        )
        for path in report.unverified:
            reporter.warn(f"{path}: the service states no digest that can be checked")
        reports[part] = report
    return reports


def in_megabytes(reporter: Reporter) -> Progress:
    """Turn bytes of a named file into progress in MB."""

    def advance(name: str, done: int, total: int | None) -> None:
        reporter.advance(f"{name}, MB", done // 1_000_000, (done if total is None else total) // 1_000_000)

    return advance


def fetch_noaa(
    product: str, *, first: dt.date, last: dt.date, out: str | Path, reporter: Reporter | None = None
) -> DailyReport:
    """Fetch NOAA's summaries or event reports of a period (see `sources.download.download_noaa`)."""
    reporter = reporter or WarningReporter()
    return download_noaa(
        product,
        first,
        last,
        Path(out),
        progress=lambda name, done, total: reporter.advance(f"{name}, days", done, total or done),
        addresses=services.ADDRESSES,
    )


def fetch_cutouts(
    *,
    summaries: Sequence[str | Path],
    out: str | Path,
    regions: Sequence[int] = (),
    orders: str | Path | None = None,
    first: dt.date | None = None,
    last: dt.date | None = None,
    max_degrees: float = 60.0,
    cadence_minutes: int = CADENCE_MINUTES,
    series: str = "definitive",
    client: Client | None = None,
    reporter: Reporter | None = None,
) -> CutoutReport:
    """Order cut-outs that follow regions, an order a region and day, and fetch them.

    Args:
        summaries: Solar Region Summaries: they say where the regions are, and on which days.
        out: folder for `1121/1121_hmi....fits` and the manifest of the orders.
        regions: full or four-digit NOAA numbers.
        orders: a list like `ARList.txt`: region, first day, number of days.
        first: first day; None for all days of the summaries.
        last: last day, included.
        max_degrees: |latitude| and |longitude| must be below this on a day, as in the published set.
        cadence_minutes: a multiple of 12.
        series: `definitive` or `near-real-time`.
        client: of JSOC; None connects, with the e-mail address in JSOC_EMAIL.
        reporter: hears how many orders are finished.

    Raises:
        InputError: nothing asked for, no position known, no e-mail address.
        FlarescopeError: JSOC does not answer.
    """
    reporter = reporter or WarningReporter()
    spans: list[tuple[int, dt.date | None, int | None]] = [(number, None, None) for number in regions]
    spans += read_region_days(Path(orders)) if orders else []
    if not spans:
        raise InputError("no region asked for; name some with --region, or a list like ARList.txt with --orders")
    known = read_regions(summaries, reporter)
    wanted = make_orders(
        known,
        spans,
        first=first,
        last=last,
        max_degrees=max_degrees,
        cadence_minutes=cadence_minutes,
        series=series,
    )
    reporter.say(f"{counted(len(wanted), 'order')}, each of a region and a day")
    return download_cutouts(
        wanted,
        Path(out),
        client or make_client(addresses=services.ADDRESSES),
        progress=lambda done, total: reporter.advance("orders", done, total),
    )


def make_orders(
    regions: pd.DataFrame,
    spans: Sequence[tuple[int, dt.date | None, int | None]],
    *,
    first: dt.date | None = None,
    last: dt.date | None = None,
    max_degrees: float = 60.0,
    cadence_minutes: int = CADENCE_MINUTES,
    series: str = "definitive",
) -> list[Order]:
    """Describe an order a day for each region: the 24 hours after the moment of which a summary gives its place.

    Args:
        regions: as `catalog.noaa_regions.read_summaries` gives them.
        spans: region (four digits or five), first day or None, number of days or None.
        first: first day of all.
        last: last day of all, included.
        max_degrees: |latitude| and |longitude| must be below this, as in the published set; 90 is the limb.
        cadence_minutes: a multiple of 12.
        series: `definitive` or `near-real-time`.

    Raises:
        InputError: a region that no summary of the period places on the disk.
    """
    seen = regions[regions["section"].isin(["I", "IA"])].drop_duplicates(["day", "noaa_ar"])
    day = seen["day"].dt.date
    seen = seen[(day >= (first or dt.date.min)) & (day <= (last or dt.date.max))]
    orders: list[Order] = []
    for number, begin, days in spans:
        found = seen[seen["noaa_ar"].mod(10_000) == number % 10_000]
        if begin is not None:
            found = found[found["day"] >= pd.Timestamp(begin, tz="UTC")]
        found = found.head(days if days is not None else len(found))
        found = found.dropna(subset=["latitude_deg", "longitude_deg"])
        near = found[(found[["latitude_deg", "longitude_deg"]].abs() < max_degrees).all(axis=1)]
        places = [
            Position(int(row["noaa_ar"]), row["day"].to_pydatetime(), row["latitude_deg"], row["longitude_deg"])
            for row in near.to_dict("records")
        ]
        if not places:
            where = f"within {max_degrees:g} degrees of the disk's centre"
            raise InputError(f"region {number}: no summary of the period has it {where}; fetch those of its days")
        orders += daily_orders(places, series=series, cadence_minutes=cadence_minutes)
    return orders
