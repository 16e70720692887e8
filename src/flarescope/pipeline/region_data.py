"""Which region summaries and flares do some paths hold, for region models?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from flarescope.catalog.flux_scales import list_scale, with_stated_scale
from flarescope.catalog.noaa_events import read_flares
from flarescope.catalog.noaa_flares import FlareList
from flarescope.catalog.noaa_regions import read_summaries
from flarescope.counted import counted
from flarescope.events import FluxScale
from flarescope.files import sha256_of
from flarescope.progress import Reporter
from flarescope.regions.description import ISSUE_AFTER, on_operational_scale


@dataclass(frozen=True)
class RegionData:
    """Summaries and flares as region models take them.

    Attributes:
        regions: `REGION_DTYPES` and `issued`: rows with spots, one a region and day.
        flares: the list, on the models' flux scale.
        scale: that of the list as it was read; None where nobody says it.
        sources: what was read: `regions_files` and `flares_files`, each path's name with the digest of a file.
    """

    regions: pd.DataFrame
    flares: FlareList
    scale: FluxScale | None
    sources: dict[str, Any]


def read_region_data(
    regions: Sequence[str | Path], flares: str | Path, *, flux_scale: str | None = None, reporter: Reporter
) -> RegionData:
    """Read them; files that cannot be used are named.

    Args:
        regions: summaries, folders or archives of them, tables of region days (`catalog.noaa_regions.read_summaries`).
        flares: any flare list (`catalog.noaa_events.read_flares`).
        flux_scale: of the list, where it does not say it.
        reporter: hears of files that were not used.

    Raises:
        InputError: nothing could be read.
    """
    paths = [Path(path) for path in regions]
    table, refused = read_summaries(paths)
    listed = with_stated_scale(read_flares(Path(flares)), flux_scale)
    for one in (*refused, *listed.refused):
        reporter.warn(f"not used: {one.reason}")
    spotted = table[table["section"] == "I"].drop_duplicates(["noaa_ar", "day"]).reset_index(drop=True)
    reporter.say(f"{counted(len(spotted), 'region-day')}, {counted(len(listed.table), 'flare')}")
    scale = list_scale(listed)
    if scale == "science":
        reporter.say("the flares are on the science flux scale; they are turned to the operational one (x 0.7)")
        listed = FlareList(on_operational_scale(listed.table), listed.covered, listed.refused, ("operational",))
    sources = {
        "regions_files": [_described(path) for path in paths],
        "flares_files": [_described(Path(flares))],
    }
    return RegionData(spotted.assign(issued=spotted["day"] + ISSUE_AFTER), listed, scale, sources)


def _described(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {"name": path.name}
    return {"name": path.name, "sha256": sha256_of(path)}
