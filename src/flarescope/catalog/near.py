"""Which images on two sides of a split show nearly the same picture, whatever they are called?"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from flarescope.catalog.connected import region_groups
from flarescope.catalog.leaks import Finding, shown, sides
from flarescope.counted import counted

LEAST_CORRELATION: Final = 0.85
"""Two signatures that correlate so much show nearly the same picture. Measured on HMI's magnetograms at hand and on
made regions: see docs/catalogue.md, The check."""

BLOCK: Final = 2048
"""Images a side that are compared at once: 2048 x 2048 correlations take 16 MiB."""


@dataclass(frozen=True)
class Pictures:
    """Images of one side.

    Attributes:
        vectors: `(N, D)` signatures of any scale; a row without spread, such as zeros, is alike to none.
        groups: `(N, K)` int, K groups that an image belongs to (its region and those connected with it, its digest), -1
            where unknown. Images that share a group are not compared.
    """

    vectors: np.ndarray
    groups: np.ndarray


def nearest_pictures(
    first: Pictures, second: Pictures, *, least: float = LEAST_CORRELATION
) -> tuple[np.ndarray, np.ndarray]:
    """Find for each image of the second side the one of the first that correlates most, block by block.

    Args:
        first: A images.
        second: B images.
        least: correlation from which images are near copies.

    Returns:
        `(B,)` int, the row in `first`, -1 where none correlates by `least`; and `(B,)` float32, the correlation, 0
        where there is none.
    """
    partner = np.full(len(second.vectors), -1)
    best = np.zeros(len(second.vectors), dtype=np.float32)
    for start in range(0, len(first.vectors), BLOCK):
        those = slice(start, start + BLOCK)
        left = _unit(first.vectors[those])
        for place in range(0, len(second.vectors), BLOCK):
            these = slice(place, place + BLOCK)
            rows, columns, values = _alike(left @ _unit(second.vectors[these]).T, least)
            told = _share(first.groups[those][rows], second.groups[these][columns])
            rows, columns, values = rows[~told], columns[~told], values[~told]
            order = np.argsort(values, kind="stable")  # of several values for one place, the last one assigned stays
            order = order[values[order] > best[these][columns[order]]]
            best[these][columns[order]] = values[order]
            partner[these][columns[order]] = rows[order] + start
    return partner, best


def _alike(correlation: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows, columns = np.nonzero(correlation >= least)
    return rows, columns, correlation[rows, columns]


def _share(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.asarray(((first == second) & (first >= 0)).any(axis=1))


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Centre and scale rows, so that their products are correlations; rows without spread become zero."""
    centred = vectors.astype(np.float32)
    centred -= centred.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.where(length > 0, length, 1))


def near_copies(split: pd.DataFrame, digests: pd.DataFrame, signatures: np.ndarray) -> list[Finding]:
    """Find images that look like an image of another split, of which nothing else tells that they belong together.

    Images of one known region, and images of one digest, are found by `regions_on_both_sides` and `same_images`.

    Args:
        split: catalogue rows with a split.
        digests: `filename` and `digest`, one row a file.
        signatures: `(len(digests), D)`, the signature of each of these files; a row of zeros where there is none.
    """
    row = pd.Series(np.arange(len(digests)), index=digests["filename"])
    row = row[~row.index.duplicated()].reindex(split["filename"])
    seen = split[row.notna().to_numpy()].reset_index(drop=True)
    place = row.dropna().to_numpy(dtype=np.int64)
    region = pd.factorize(region_groups(seen))[0]
    groups = np.stack([region, pd.factorize(digests["digest"])[0][place]], axis=1)
    found = []
    for first, second, a, b in sides(seen):
        there, here = (Pictures(signatures[place[part.index]], groups[part.index]) for part in (a, b))
        partner, correlation = nearest_pictures(there, here)
        alike = np.flatnonzero(partner >= 0)
        alike = alike[np.argsort(-correlation[alike], kind="stable")]
        if len(alike):
            names = zip(b["filename"].iloc[alike], a["filename"].iloc[partner[alike]], correlation[alike], strict=True)
            where = shown([f"{mine} like {other} ({value:.3f})" for mine, other, value in names])
            look = counted(len(alike), f"image of {second} looks", f"images of {second} look")
            what = f"{look} like an image of {first}: near copies under other names"
            found.append(Finding("error", what, where, "look at the pairs; put near copies into one split", len(alike)))
    return found
