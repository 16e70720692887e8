"""For how long does the error of a series of forecasts remember itself, so that a block of time must be longer?

Forecasts of the whole disk hour by hour share flares, regions and the same weather of the Sun. The autocorrelation of
the error (probability - label) tells how long: where it has fallen below `FORGOTTEN`, the error has forgotten itself.
Blocks of `TIMES_MEMORY` times that length are nearly independent; `benchmarks/block_coverage.py` measures how often
intervals by such blocks hold the truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.blocks import PERIODS, time_blocks

FORGOTTEN: Final = 0.1
TIMES_MEMORY: Final = 7.0
"""How many times as long as the memory a block is at least. Of an error whose autocorrelation falls as exp(-t / s),
the memory is 2.3 s; blocks of length L lose s / L of the variance, with 16 s one part in sixteen, which is 3 % of the
interval's width."""

FEWEST_BLOCKS: Final = 10
"""So many blocks are wanted at least: with fewer an interval would rest on a handful. Where that leaves blocks shorter
than the memory asks for, the notes say that intervals are too narrow."""

SHOWN_HOURS: Final = (1.0, 24.0, 168.0)
"""Lags whose autocorrelation is told: an hour, a day, a week."""

_CANDIDATES: Final = ("day", "week", "carrington")
_MOST_STEPS: Final = 1_000_000
_FEWEST_PAIRS: Final = 30


@dataclass(frozen=True)
class Memory:
    """How long an error is remembered.

    Attributes:
        hours: first lag at which the autocorrelation is below `FORGOTTEN`; None where no lag shows that.
        lags_hours: some lags, hours.
        autocorrelation: of the error at these, -1..1.
    """

    hours: float | None
    lags_hours: tuple[float, ...]
    autocorrelation: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "hours": self.hours,
            "lags_hours": list(self.lags_hours),
            "autocorrelation": list(self.autocorrelation),
        }


def autocorrelation(times: "pd.Series[pd.Timestamp]", error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the autocorrelation of an error over lags; gaps in the series are left out, pair by pair.

    Rows fall into steps as long as the usual distance of two rows, those of one step by their mean. A lag with few
    pairs of rows has none.

    Args:
        times: `(N,)` UTC, in any order; null ones are left out.
        error: `(N,)`.

    Returns:
        Lags `(K,)` in hours, from 0 on, and autocorrelations `(K,)`, NaN where it is not known; empty of fewer than
        three times, or where the error never changes.
    """
    known = times.notna().to_numpy() & np.isfinite(error)
    hours = (times[known] - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(float) / 3600
    steps = np.diff(np.unique(hours))
    nothing = np.empty(0), np.empty(0)
    if len(steps) < 2:
        return nothing
    step = max(float(np.median(steps)), float(np.ptp(hours)) / _MOST_STEPS)
    place = np.rint((hours - hours.min()) / step).astype(np.intp)
    rows = np.bincount(place)
    mean = np.bincount(place, error[known]) / np.maximum(rows, 1)
    here = rows > 0
    deviation = np.where(here, mean - mean[here].mean(), 0.0)
    size = 1 << (2 * len(rows) - 1).bit_length()
    pairs = np.rint(_self_product(here.astype(float), size)[: len(rows)])
    products = _self_product(deviation, size)[: len(rows)]
    variance = products[0] / pairs[0]
    if not variance > 1e-12:
        return nothing
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(pairs >= min(_FEWEST_PAIRS, pairs[0] / 2), products / pairs / variance, np.nan)
    return step * np.arange(len(rows)), np.clip(found, -1, 1)


def _self_product(values: np.ndarray, size: int) -> np.ndarray:
    spectrum = np.fft.rfft(values, size)
    return np.asarray(np.fft.irfft(spectrum * spectrum.conj(), size))


def error_memory(times: "pd.Series[pd.Timestamp]", error: np.ndarray) -> Memory | None:
    """Give the memory of the error of one series; None where too few times tell (see `autocorrelation`).

    Args:
        times: `(N,)` UTC.
        error: `(N,)` probability - label.
    """
    lags, values = autocorrelation(times, error)
    if not len(lags):
        return None
    below = np.flatnonzero(values < FORGOTTEN)
    shown = [int(np.argmin(np.abs(lags - hours))) for hours in SHOWN_HOURS]
    kept = [i for i in dict.fromkeys(shown) if i and np.isfinite(values[i])]
    return Memory(
        float(lags[below[0]]) if len(below) else None,
        tuple(float(lags[i]) for i in kept),
        tuple(float(values[i]) for i in kept),
    )


def longest(memories: Sequence[Memory | None]) -> Memory | None:
    """Give the longest of the memories of several forecasts of the same rows; None where none is known."""
    known = [one for one in memories if one is not None]
    return max(known, key=lambda one: np.inf if one.hours is None else one.hours, default=None)


def wanted_hours(memory: Memory | None) -> float | None:
    """Give the length that a block is to have at least, hours; None where the memory is not known."""
    return None if memory is None or memory.hours is None else TIMES_MEMORY * memory.hours


def usual_blocks(times: "pd.Series[pd.Timestamp]", memory: Memory | None, window_hours: float) -> str:
    """Say which blocks a series is resampled by where nobody says it: a word of `blocks.PERIODS`.

    It is the shortest of day, week and Carrington rotation that is long enough for the memory (an unknown memory wants
    the longest), or the longest one of which there are `FEWEST_BLOCKS`, whichever is shorter; a day where there are
    too few of all.

    Args:
        times: `(N,)` UTC.
        memory: of the error.
        window_hours: of the event, which no block is shorter than; 0 where nobody says it.
    """
    wanted = wanted_hours(memory)
    long_enough = [name for name in _CANDIDATES if wanted is not None and PERIODS[name][2] >= wanted]
    upto = _CANDIDATES.index(long_enough[0]) if long_enough else len(_CANDIDATES) - 1
    for name in reversed(_CANDIDATES[: upto + 1]):
        if time_blocks(times, blocks=name, window_hours=window_hours)[0].nunique() >= FEWEST_BLOCKS:
            return name
    return "day"
