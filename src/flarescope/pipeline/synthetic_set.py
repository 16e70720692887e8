"""How does a user get made-up magnetograms and their flare lists, as many as a trial needs?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from flarescope.catalog.published import write_event_list
from flarescope.errors import InputError
from flarescope.files import make_folder, read_json, write_json
from flarescope.progress import Reporter, WarningReporter
from flarescope.synthetic.field import SyntheticRegion
from flarescope.synthetic.files import write_synthetic_images
from flarescope.synthetic.flares import FOLLOW
from flarescope.synthetic.regions import synthetic_regions

MARKER: Final = "synthetic.json"
"""Beside the folder of the images: that they are made up, which trainings and pages then say (`images.root`)."""


def flare_list_name(follow: str) -> str:
    """Name the list of the flares that follow one of `FOLLOW`: `eventList_growth.txt`; the first as published."""
    return "eventList.txt" if follow == FOLLOW[0] else f"eventList_{follow}.txt"


def write_synthetic_set(
    folder: Path,
    *,
    regions: int,
    images: int,
    seed: int = 0,
    follow: Sequence[str] = FOLLOW[:1],
    fits: bool = False,
    reporter: Reporter | None = None,
) -> dict[str, int]:
    """Write images of made regions in the published layout, and a flare list for each rule by which flares come.

    The images do not depend on the rule. A set that is there, whole and of the same choices, keeps its images; another
    rule then adds its list.

    Args:
        folder: where to write.
        regions: active regions, at most 999.
        images: of each, one every three hours.
        seed: of everything.
        follow: what the rate of flares follows, of `synthetic.flares.FOLLOW`, a list each.
        fits: FITS files of 600x600 beside the PNG of 224x224; 30 times the space.
        reporter: hears the progress.

    Returns:
        How many images, and how many flares of each rule (`flares, growth`).

    Raises:
        InputError: choices out of range, or a folder that holds another made set.
    """
    reporter, made = reporter or WarningReporter(), {}
    by_rule = {rule: synthetic_regions(regions, images_per_region=images, seed=seed, follow=rule) for rule in follow}
    _write_images(folder, by_rule[follow[0]], images, {"regions": regions, "seed": seed, "fits": fits}, reporter)
    made["images"] = regions * images
    for rule, some in by_rule.items():
        flares = flares_of(some)
        write_event_list(flares, folder / flare_list_name(rule))
        made[f"flares, {rule}"] = len(flares)
    return made


def flares_of(regions: Sequence[SyntheticRegion]) -> pd.DataFrame:
    """Give the flares of made regions as a flare list has them: `noaa_ar`, `time` of the peak, UTC, and `flare`."""
    flares = [(one.noaa_ar, pd.Timestamp(one.peak_utc), one.goes_class) for region in regions for one in region.flares]
    return pd.DataFrame(flares, columns=["noaa_ar", "time", "flare"])


def _write_images(
    folder: Path, regions: Sequence[SyntheticRegion], images: int, choices: dict[str, int], reporter: Reporter
) -> None:
    """Write the images, unless they are there."""
    said, done = {"synthetic": True, "images": images, **choices, "finished": True}, 0
    make_folder(folder)
    marker = folder / MARKER
    there = read_json(marker) if marker.exists() else None
    if there is not None and {**there, "finished": True} != said:
        raise InputError(f"{folder}: holds another made set, {str(there)[:120]}; choose another --out")
    if there == said:
        reporter.say("the images are there")
        return
    write_json(marker, {**said, "finished": False})
    total = len(regions) * images

    def advance(count: int) -> None:
        nonlocal done
        done += count
        reporter.advance("synthetic images", done, total)

    formats = ("png", "fits") if choices["fits"] else ("png",)
    write_synthetic_images(folder, regions, images_per_region=images, formats=formats, progress=advance)
    write_json(marker, said)
