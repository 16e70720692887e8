"""For which flare classes and windows does a region model forecast, and what follows for those between?

A model forecasts a grid of events. Between them the expected number of flares, H = -ln(1 - P), is interpolated: as a
power of the flux, for flares are distributed so (Wheatland 2005, Space Weather 3, S07003), and linearly in the length
of the window and in its beginning. Windows that begin later are learned like the others: flares cluster, so that the H
of two days less that of the first is far too little for the second (on 1996 to 2015 .12 instead of .17 for C1.0).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from flarescope import several_events
from flarescope.errors import InputError
from flarescope.events import class_of_flux
from flarescope.log_odds import logit

THRESHOLDS_W_M2: Final = (1e-6, 2e-6, 5e-6, 1e-5, 5e-5, 1e-4)
"""C1.0, C2.0, C5.0, M1.0, M5.0 and X1.0 on the scale of the training's flare list."""
WINDOWS_H: Final = ((0, 12), (0, 24), (0, 48), (0, 72), (24, 24), (24, 48), (48, 24))
"""Latency from the issue time, and length."""
DAY: Final = WINDOWS_H.index((0, 24))
SHAPE: Final = (len(THRESHOLDS_W_M2), len(WINDOWS_H))
LEAST_FLUX_W_M2: Final = 0.7e-6
"""A C1.0 of GOES-16 on the operational scale of before: the power law is taken that far below C1.0, and no further."""
SHORTEST_H: Final = 12.0
LAST_H: Final = 72.0
"""No window ends later."""

SMALLEST: Final = 1e-9
"""Probabilities of the grid are kept this far from 0 and 1."""
_SLACK: Final = 1e-9
_INSIDE: Final = np.array([[a >= b and a + c <= b + d for b, d in WINDOWS_H] for a, c in WINDOWS_H])
"""Whether a window (row) lies in another (column)."""
_IMPLIES: Final = np.kron(np.tri(SHAPE[0], dtype=int), _INSIDE) > 0
"""Whether an event (row, class by class) implies another (column)."""


def log_odds(probability: np.ndarray) -> np.ndarray:
    """Give ln(p / (1 - p)); p is kept `SMALLEST` from 0 and 1."""
    return logit(probability, smallest=SMALLEST)


def ordered(probability: np.ndarray) -> np.ndarray:
    """Make probabilities fall with the class, and no less for a window than for one that lies in it.

    Each becomes the mean of the largest among the events that imply it and the least among those that it implies; what
    is in order stays as it is.

    Args:
        probability: `(N, T, W)` for rising thresholds, and `WINDOWS_H`.

    Returns:
        `(N, T, W)`, `SMALLEST` from 0 and 1.
    """
    p = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return several_events.ordered(p.reshape(len(p), len(_IMPLIES)), _IMPLIES).reshape(p.shape)


def check_event(flux_w_m2: float, *, window_hours: float, latency_hours: float) -> None:
    """Refuse an event that the grid does not reach.

    Raises:
        InputError: a class below `LEAST_FLUX_W_M2` or above the last threshold; a window shorter than `SHORTEST_H`, or
            that ends after `LAST_H`.
    """
    if not LEAST_FLUX_W_M2 * (1 - _SLACK) <= flux_w_m2 <= THRESHOLDS_W_M2[-1] * (1 + _SLACK):
        raise InputError(
            f"flares of class {class_of_flux(flux_w_m2)} or above on the scale of the region model: it forecasts "
            f"{class_of_flux(LEAST_FLUX_W_M2)} to {class_of_flux(THRESHOLDS_W_M2[-1])}; choose a class between"
        )
    if latency_hours < 0 or window_hours < SHORTEST_H or latency_hours + window_hours > LAST_H:
        raise InputError(
            f"a window of {window_hours:g} h that begins after {latency_hours:g} h; region models forecast windows of "
            f"{SHORTEST_H:g} h or more that end within {LAST_H:g} h: choose window and latency so"
        )


def at_event(
    probability: np.ndarray, flux_w_m2: float, *, window_hours: float = 24.0, latency_hours: float = 0.0
) -> np.ndarray:
    """Give the probability of any event within the grid.

    Args:
        probability: `(N, T, W)` in order, for `THRESHOLDS_W_M2` and `WINDOWS_H`.
        flux_w_m2: least peak flux that counts, on the scale of the grid.
        window_hours: length of the window.
        latency_hours: from the issue time to its beginning.

    Returns:
        `(N,)` in 0..1; it falls with the class, and rises with the length of the window.

    Raises:
        InputError: outside the grid, see `check_event`.
    """
    check_event(flux_w_m2, window_hours=window_hours, latency_hours=latency_hours)
    expected = _expected_above(-np.log1p(-np.clip(probability, SMALLEST, 1 - SMALLEST)), flux_w_m2)
    starts = sorted({start for start, _ in WINDOWS_H})
    after = int(np.clip(np.searchsorted(starts, latency_hours), 1, len(starts) - 1))
    share = min((latency_hours - starts[after - 1]) / (starts[after] - starts[after - 1]), 1.0)
    early, late = (_expected_in(expected, starts[place], window_hours) for place in (after - 1, after))
    # What an interpolated window has, the whole time from the issue on has too.
    number = np.minimum(early * (1 - share) + late * share, _expected_in(expected, 0, latency_hours + window_hours))
    return np.asarray(-np.expm1(-number))


def at_events(probability: np.ndarray, events: Sequence[tuple[float, float, float]]) -> np.ndarray:
    """Give the probabilities of events within the grid, none more probable than one that it implies.

    The grid is in order, but what is interpolated for windows that begin between its beginnings need not be: on the
    region-days of the first half of 2014 one was by up to .004 more probable than a window that it lies in.

    Args:
        probability: as of `at_event`.
        events: of each the least flux, the hours of its window, and those from the issue time to its beginning.

    Returns:
        `(N, E)` in 0..1; what is in order is as `at_event` gives it.

    Raises:
        InputError: outside the grid, see `check_event`.
    """
    found = [at_event(probability, flux, window_hours=window, latency_hours=start) for flux, window, start in events]
    flux, window, start = np.array(events).T
    implies = several_events.implications_of(flux, start, start + window)
    return several_events.ordered(np.stack(found, axis=-1), implies)


def _expected_above(expected: np.ndarray, flux_w_m2: float) -> np.ndarray:
    """Give the expected numbers of flares above a flux, `(N, W)`, from those above the thresholds, `(N, T, W)`."""
    place = np.log(THRESHOLDS_W_M2)
    wanted = np.log(flux_w_m2)
    exact = np.flatnonzero(np.abs(place - wanted) < _SLACK)
    if len(exact):
        return expected[:, exact[0]]
    above = int(np.clip(np.searchsorted(place, wanted), 1, len(place) - 1))
    share = (wanted - place[above - 1]) / (place[above] - place[above - 1])
    logs = np.log(expected[:, above - 1 : above + 1])
    found = np.exp(logs[:, 0] * (1 - share) + logs[:, 1] * share)
    # Below C1.0 each window goes on with a slope of its own, and could pass one that it lies in.
    return several_events.ordered(found, _INSIDE) if share < 0 else np.asarray(found)


def _expected_in(expected: np.ndarray, start: int, hours: float) -> np.ndarray:
    """Give the expected number of flares, `(N,)`, in so many hours from a beginning of the grid, from `(N, W)`.

    It rises linearly from 0 to the shortest window of that beginning and from each to the next; beyond the longest it
    is as many an hour as in that.
    """
    known = [(0.0, np.zeros(len(expected)))]
    known += [(float(length), expected[:, place]) for place, (first, length) in enumerate(WINDOWS_H) if first == start]
    longest, most = known[-1]
    if hours > longest:
        return np.asarray(most * (hours / longest))
    lengths = [length for length, _ in known]
    after = int(np.clip(np.searchsorted(lengths, hours), 1, len(lengths) - 1))
    (shorter, few), (longer, many) = known[after - 1], known[after]
    share = (hours - shorter) / (longer - shorter)
    return np.asarray(few + (many - few) * share)
