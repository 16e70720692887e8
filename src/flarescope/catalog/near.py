"""Which images on two sides of a split show nearly the same picture, whatever they are called, as it is or turned?

A copy can be turned by quarters, mirrored, and have the other sign: 16 pictures in all. In the cosine transform of a
signature, a square, a mirror at an axis changes only the signs of the terms that are odd along it, and a mirror at the
diagonal exchanges rows and columns. So the products of four parts, the terms even or odd in rows and in columns, with
and without that exchange, give all 16 correlations. The low terms, and the lengths of what is left, give a bound that
few pairs reach; only these are compared by all their terms.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from flarescope.catalog.leaks import Finding, shown, sides
from flarescope.connected import region_groups
from flarescope.cores import one_blas_thread
from flarescope.counted import counted

LEAST_CORRELATION: Final = 0.85
"""Two signatures that correlate so much show nearly the same picture. Measured on HMI's magnetograms at hand and on
made regions: see docs/catalogue.md, The check."""

BLOCK: Final = 2048
"""Images a side whose transforms are held at once: 2048 of them take 5 MiB."""

TILE: Final = 256
"""Images a side that are compared at once: what is added up, 256 x 256 numbers each, stays in the processor's cache."""

LOW: Final = 16
"""Terms along each axis that the bound is made of. Of 24; of 495,510 pairs of different made regions 0.2 % reached the
bound, with 12 of 24 terms 6 %; of random squares none and 0.05 %."""

_ROUNDING: Final = 1e-4
MOST_PAIRS: Final = 4096
"""Pairs of a tile that are compared one by one, in 19 MiB; where more reach the bound, all of the tile are."""


@dataclass(frozen=True)
class Pictures:
    """Images of one side.

    Attributes:
        vectors: `(N, S * S)` signatures of any scale, squares row by row; a row without spread, such as zeros, is alike
            to none.
        groups: `(N, K)` int, K groups that an image belongs to (its region and those connected with it, its digest), -1
            where unknown. Images that share a group are not compared.
    """

    vectors: np.ndarray
    groups: np.ndarray


def nearest_pictures(
    first: Pictures, second: Pictures, *, least: float = LEAST_CORRELATION
) -> tuple[np.ndarray, np.ndarray]:
    """Find for each image of the second side the one of the first that correlates most, block by block.

    Correlation is the largest of the 16 that the symmetries of the square and the sign of the field allow.

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
    with one_blas_thread():
        for start in range(0, len(first.vectors), BLOCK):
            those = slice(start, start + BLOCK)
            left = _terms(first.vectors[those])
            for place in range(0, len(second.vectors), BLOCK):
                these = slice(place, place + BLOCK)
                groups = first.groups[those], second.groups[these]
                rows, columns, values = _alike(left, _terms(second.vectors[these]), groups, least)
                order = np.argsort(values, kind="stable")  # of several values for one place, the last one stays
                order = order[values[order] > best[these][columns[order]]]
                best[these][columns[order]] = values[order]
                partner[these][columns[order]] = rows[order] + start
    return partner, best


def _alike(
    left: np.ndarray, right: np.ndarray, groups: tuple[np.ndarray, np.ndarray], least: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give rows, columns and values of the correlations of at least `least`, of images that share no group.

    Args:
        left: terms of A images, `(A, S, S)`.
        right: terms of B images.
        groups: of both, `(A, K)` and `(B, K)`.
        least: smallest correlation.
    """
    low, high = _Parts.of(left[:, :LOW, :LOW]), _Parts.of(right[:, :LOW, :LOW])
    whole, other = _Parts.of(left), _Parts.of(right)
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))]
    for top in range(0, len(left), TILE):
        for side in range(0, len(right), TILE):
            those, these = slice(top, top + TILE), slice(side, side + TILE)
            rows, columns = np.nonzero(_bound(low, high, those, these) >= least - _ROUNDING)
            apart = ~_share(groups[0][those][rows], groups[1][these][columns])
            rows, columns = rows[apart] + top, columns[apart] + side
            if len(rows) > MOST_PAIRS:
                values = _largest_of_all(whole, other, those, these)[rows - top, columns - side]
            else:
                values = _largest_of_pairs(whole, other, rows, columns)
            near = values >= least
            found.append((rows[near], columns[near], values[near]))
    rows, columns, values = (np.concatenate(part) for part in zip(*found, strict=True))
    return rows, columns, values


@dataclass(frozen=True)
class _Parts:
    """Terms of a side's images, taken apart.

    Attributes:
        plain: four times `(N, D)`, the terms even or odd in rows and columns as ee, oo, eo, oe.
        exchanged: the same with rows and columns exchanged.
        rest: `(N,)`, lengths of what the unit vectors have besides.
    """

    plain: list[np.ndarray]
    exchanged: list[np.ndarray]
    rest: np.ndarray

    @classmethod
    def of(cls, terms: np.ndarray) -> "_Parts":
        parities = ((0, 0), (1, 1), (0, 1), (1, 0))
        plain, exchanged = (
            [each[:, row::2, column::2].reshape(len(each), -1) for row, column in parities]
            for each in (terms, terms.transpose(0, 2, 1))
        )
        return cls(plain, exchanged, np.sqrt(np.clip(1 - (terms**2).sum(axis=(1, 2)), 0, 1)))


def _bound(left: _Parts, right: _Parts, those: slice, these: slice) -> np.ndarray:
    """Give what no correlation of any of the 16 pictures exceeds, by the low terms of images: `(A, B)`."""
    sums = []
    for turned in (right.plain, right.exchanged):
        products = [np.abs(a[those] @ b[these].T) for a, b in zip(left.plain, turned, strict=True)]
        sums.append(products[0])
        for each in products[1:]:
            sums[-1] += each
    bound = np.maximum(sums[0], sums[1], out=sums[0])
    bound += np.multiply.outer(left.rest[those], right.rest[these])
    return np.asarray(bound)


def _largest(products: Sequence[np.ndarray]) -> np.ndarray:
    """Give the largest of the correlations that the mirrors at both axes and the signs make of the parts' products.

    With e for even and o for odd in rows and columns, the mirrors give ee + oo + (eo + oe), ee + oo - (eo + oe),
    ee - oo + (eo - oe) and ee - oo - (eo - oe); the sign of the field takes the absolute value.
    """
    ee, oo, eo, oe = products
    return np.asarray(np.maximum(np.abs(ee + oo) + np.abs(eo + oe), np.abs(ee - oo) + np.abs(eo - oe)))


def _largest_of_all(left: _Parts, right: _Parts, those: slice, these: slice) -> np.ndarray:
    """Give the largest correlation over the 16 pictures of each two images of a tile, `(A, B)`."""
    plain, exchanged = (
        _largest([a[those] @ b[these].T for a, b in zip(left.plain, turned, strict=True)])
        for turned in (right.plain, right.exchanged)
    )
    return np.asarray(np.maximum(plain, exchanged))


def _largest_of_pairs(left: _Parts, right: _Parts, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Give the largest correlation over the 16 pictures of some pairs, `(len(rows),)`."""
    mine = [part[rows] for part in left.plain]
    plain, exchanged = (
        _largest([np.einsum("nd,nd->n", a, b[columns]) for a, b in zip(mine, turned, strict=True)])
        for turned in (right.plain, right.exchanged)
    )
    return np.asarray(np.maximum(plain, exchanged))


def _share(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.asarray(((first == second) & (first >= 0)).any(axis=1))


def _terms(vectors: np.ndarray) -> np.ndarray:
    """Give the orthonormal cosine transform of unit vectors, `(N, S, S)` float32: products stay what they are."""
    from scipy.fft import dctn

    side = math.isqrt(vectors.shape[1])
    return np.asarray(dctn(_unit(vectors).reshape(-1, side, side), axes=(1, 2), norm="ortho"), dtype=np.float32)


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
            names = zip(b["filename"].iloc[alike], a["filename"].iloc[partner[alike]], strict=True)
            plain = _unit(there.vectors[partner[alike]]) * _unit(here.vectors[alike])
            how = [
                "" if value >= LEAST_CORRELATION else ", turned, mirrored or negative" for value in plain.sum(axis=1)
            ]
            told = zip(names, correlation[alike], how, strict=True)
            where = shown([f"{mine} like {other} ({value:.3f}{turn})" for (mine, other), value, turn in told])
            look = counted(len(alike), f"image of {second} looks", f"images of {second} look")
            what = f"{look} like an image of {first}: near copies under other names"
            found.append(Finding("error", what, where, "look at the pairs; put near copies into one split", len(alike)))
    return found
