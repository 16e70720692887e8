"""What would the line-of-sight field of a made active region look like, at a given hour and place on the disk?

A region is a set of sunspots, each with a train of thin flux tubes (penumbral filaments and plage), over a network of
tubes along the edges of supergranules. Everything is computed from flux that moves, so that the field drifts, shears,
emerges and foreshortens as a whole. No real magnetogram goes into it.
"""

import dataclasses
import datetime as dt
import functools
from dataclasses import dataclass
from typing import Final

import numpy as np

from flarescope.images.render import FIELD_LIMIT_GAUSS

FIELD_SIZE: Final = 600
"""Height and width of a published cut-out in pixels."""

PIXEL_ARCSEC: Final = 0.504
"""HMI's pixel (header CDELT1 of full-disk images)."""

SOLAR_RADIUS_PX: Final = 1920.0
"""Radius of the solar disk in HMI pixels: 968 arcsec at 0.504 arcsec."""

PIXEL_MM: Final = 696.0 / SOLAR_RADIUS_PX
"""One pixel at disk centre, in megametres."""

CARRINGTON_DEG_PER_HOUR: Final = 13.2 / 24
"""Rotation of the sunspot zone as seen from Earth."""

NOISE_GAUSS: Final = 9.0
"""Noise of a pixel of hmi.M_720s at disk centre: 6.3 G by photon statistics (Liu et al. 2012, Solar Phys. 279, 295),
and the weak field between the network that is not modelled otherwise."""

UMBRA_GAUSS: Final = 2800.0
"""Field towards which the sum of overlapping flux saturates."""

TUBE_SIGMA_PX: Final = 1.5
"""Width of a thin flux tube as HMI sees it: its point-spread function."""

SUPERGRANULE_PX: Final = 80.0
"""Size of a supergranule, about 30 Mm; the network lies along the edges."""


@dataclass(frozen=True)
class Spot:
    """One sunspot or pore and its motion; places are pixels at disk centre, west and north of the region's centre.

    Attributes:
        west_px, north_px: place at hour 0.
        west_px_per_hour, north_px_per_hour: proper motion (shear, separation).
        sigma_px: radius of the Gaussian core.
        peak_gauss: signed radial field of the core when grown.
        emerges_hour: hour at which half of its flux is out; long before 0 for an old spot.
        rise_hours: time scale of the emergence.
        plage: flux of the surrounding tubes as a fraction of the core's.
    """

    west_px: float
    north_px: float
    west_px_per_hour: float
    north_px_per_hour: float
    sigma_px: float
    peak_gauss: float
    emerges_hour: float
    rise_hours: float
    plage: float


@dataclass(frozen=True)
class SyntheticFlare:
    """A flare of a made region.

    Attributes:
        peak_utc: time of the peak, whole minutes, UTC.
        noaa_ar: full region number.
        goes_class: such as `C4.7`.
    """

    peak_utc: dt.datetime
    noaa_ar: int
    goes_class: str


@dataclass(frozen=True)
class SyntheticRegion:
    """A made active region: all that its images and labels follow from.

    Attributes:
        noaa_ar: full number from 13001 on; NOAA came to these in 2022, after the period of the set (11064 .. 12731).
        start_tai: time of the first image, TAI without a zone, on the 12-minute grid of hmi.M_720s.
        longitude_deg: of the centre from the central meridian at the first image, west positive.
        latitude_deg: of the centre, north positive.
        spots: the sunspots; hour 0 is the first image.
        seed: of the flux tubes and of the noise.
        flares: in order of time, from the first image to 24 hours after the last.
    """

    noaa_ar: int
    start_tai: dt.datetime
    longitude_deg: float
    latitude_deg: float
    spots: tuple[Spot, ...]
    seed: int
    flares: tuple[SyntheticFlare, ...] = ()

    def longitude_at(self, hours: float) -> float:
        """Give the longitude of the centre from the central meridian, in degrees."""
        return self.longitude_deg + CARRINGTON_DEG_PER_HOUR * hours


@dataclass(frozen=True, eq=False)
class _Tubes:
    """Thin flux tubes, `(N,)` each: parent spot (-1: network), place, drift in px an hour, radial flux in G px^2."""

    parent: np.ndarray
    west: np.ndarray
    north: np.ndarray
    west_rate: np.ndarray
    north_rate: np.ndarray
    flux: np.ndarray


def _strands(rng: np.random.Generator, starts: np.ndarray, length: int, step_px: float) -> np.ndarray:
    """Lay chains of tubes that wander from their starts, `(2, N)` -> `(2, N * length)`: network is made of strands."""
    turns = rng.normal(0, 0.7, (starts.shape[1], length))
    turns[:, 0] = rng.uniform(-np.pi, np.pi, starts.shape[1])
    heading = np.cumsum(turns, axis=1)
    walk = step_px * np.stack([np.cumsum(np.cos(heading), axis=1), np.cumsum(np.sin(heading), axis=1)])
    return (starts[:, :, np.newaxis] + walk + rng.normal(0, 1.8, walk.shape)).reshape(2, -1)


def _network(rng: np.random.Generator) -> list[np.ndarray]:
    # Wide enough for a patch near the limb, where 600 pixels of image are about 1,000 of surface.
    half = np.array([[560.0], [360.0]])
    cells = rng.uniform(-1, 1, (2, int(4 * half.prod() / SUPERGRANULE_PX**2))) * half
    places = rng.uniform(-1, 1, (2, 900)) * half
    distance = np.hypot(*(places[:, :, np.newaxis] - cells[:, np.newaxis]))
    first, second = np.partition(distance, 1, axis=1)[:, :2].T
    edge = second - first < rng.exponential(8.0, places.shape[1])
    starts = places[:, edge]
    # Polarities come in patches of the size of a cell: old flux of decayed regions.
    signs = rng.choice([-1.0, 1.0], cells.shape[1])[np.argmin(distance, axis=1)[edge]]
    length = 6
    tubes = _strands(rng, starts, length, 2.4)
    strength = np.repeat(signs * rng.lognormal(np.log(40.0), 0.6, starts.shape[1]), length)
    flux = strength * rng.lognormal(0, 0.9, strength.size) * 2 * np.pi * TUBE_SIGMA_PX**2
    drift = np.repeat(rng.normal(0, 0.3, (2, starts.shape[1])), length, axis=1)
    return [np.full(flux.size, -1), *tubes, *drift, flux]


def _plage(rng: np.random.Generator, parent: int, spot: Spot) -> list[np.ndarray]:
    core = 2 * np.pi * spot.sigma_px**2 * spot.peak_gauss
    filaments, steps = 28, 6
    angle = np.repeat(rng.uniform(0, 2 * np.pi, filaments), steps)
    radius = spot.sigma_px * np.tile(np.linspace(1.3, 2.7, steps), filaments) * rng.normal(1, 0.06, filaments * steps)
    penumbra = np.stack([radius * np.cos(angle), radius * np.sin(angle)])
    penumbra_flux = np.tile(np.linspace(1.0, 0.25, steps), filaments) * np.repeat(rng.random(filaments), steps)
    length = 16
    strands = int(np.clip(abs(core) * spot.plage / 45_000, 4, 40))
    starts = rng.normal(0, 2.2 * spot.sigma_px + 18, (2, 1 + strands // 3))[
        :, rng.integers(1 + strands // 3, size=strands)
    ]
    plage = _strands(rng, starts, length, 2.4)
    plage_flux = np.repeat(rng.lognormal(0, 0.5, strands), length) * rng.lognormal(0, 1.0, strands * length)
    flux = np.concatenate(
        [0.25 * core * penumbra_flux / penumbra_flux.sum(), core * spot.plage * plage_flux / plage_flux.sum()]
    )
    places = np.concatenate([penumbra, plage], axis=1)
    drift = np.concatenate(
        [np.zeros((2, angle.size)), np.repeat(rng.normal(0, 0.3, (2, strands)), length, axis=1)], axis=1
    )
    return [np.full(flux.size, parent), *places, *drift, flux]


@functools.lru_cache(maxsize=8)
def _tubes(spots: tuple[Spot, ...], seed: int) -> _Tubes:
    network, *plages = np.random.SeedSequence(seed).spawn(len(spots) + 1)
    parts = [_network(np.random.default_rng(network))]
    parts += [_plage(np.random.default_rng(child), i, spots[i]) for i, child in enumerate(plages)]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return _Tubes(*columns)


def _project(
    west: np.ndarray, north: np.ndarray, longitude_deg: float, latitude_deg: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Project places on the sphere to the sky (orthographic, disk centre on the equator).

    Returns:
        Sky offsets from the region's centre in pixels (x west, y north), and the compressions along x and y; their
        product is mu, the cosine of the heliocentric angle.
    """
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    latitudes = latitude + north / SOLAR_RADIUS_PX
    longitudes = longitude + west / (SOLAR_RADIUS_PX * np.cos(latitude))
    x = SOLAR_RADIUS_PX * (np.cos(latitudes) * np.sin(longitudes) - np.cos(latitude) * np.sin(longitude))
    y = SOLAR_RADIUS_PX * (np.sin(latitudes) - np.sin(latitude))
    return x, y, np.maximum(np.cos(longitudes), 1e-3), np.maximum(np.cos(latitudes), 1e-3)


def _smooth(field: np.ndarray, sigma: float) -> np.ndarray:
    """Blur by a Gaussian of `sigma` pixels, zeros outside."""
    reach = int(np.ceil(3 * sigma))
    if sigma < 0.4 or reach == 0:
        return field
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2).astype(field.dtype)
    kernel /= kernel.sum()
    for _ in range(2):
        out = kernel[reach] * field
        for step in range(1, reach + 1):
            out[step:] += kernel[reach + step] * field[:-step]
            out[:-step] += kernel[reach + step] * field[step:]
        field = out.T
    return field


def clean_field(
    region: SyntheticRegion, hours: float, *, size: int, longitude_deg: float, latitude_deg: float
) -> np.ndarray:
    """Compute the field without noise, as it would look with the region's centre at a given place on the disk.

    Args:
        region: the region.
        hours: since the first image.
        size: pixels a side; the area stays that of 600 pixels of HMI.
        longitude_deg: of the centre from the central meridian.
        latitude_deg: of the centre.

    Returns:
        `(size, size)` float32, gauss, along the line of sight. South is up, as in HMI's own files (CROTA2 180).
    """
    scale = size / FIELD_SIZE
    columns = np.array([dataclasses.astuple(spot) for spot in region.spots]).T
    west, north, west_rate, north_rate, sigma, peak_gauss, emerges, rise, _ = columns
    grown = 0.5 * (1 + np.tanh((hours - emerges) / rise))
    spot_west, spot_north = west + west_rate * hours, north + north_rate * hours
    x, y, narrow, low = _project(spot_west, spot_north, longitude_deg, latitude_deg)
    # Signs: with south up, west is to the left.
    axis = (np.arange(size) - (size - 1) / 2) / scale
    across = np.exp(-0.5 * ((axis + x[:, np.newaxis]) / (sigma * narrow)[:, np.newaxis]) ** 2)
    along = np.exp(-0.5 * ((axis + y[:, np.newaxis]) / (sigma * low)[:, np.newaxis]) ** 2)
    peak = peak_gauss * grown * narrow * low
    cores = (along * peak[:, np.newaxis]).astype(np.float32).T @ across.astype(np.float32)

    tubes = _tubes(region.spots, region.seed)
    parent_west, parent_north = np.append(spot_west, 0.0)[tubes.parent], np.append(spot_north, 0.0)[tubes.parent]
    x, y, narrow, low = _project(
        parent_west + tubes.west + tubes.west_rate * hours,
        parent_north + tubes.north + tubes.north_rate * hours,
        longitude_deg,
        latitude_deg,
    )
    # A tube's flux is foreshortened twice: its area on the sky and the component along the line of sight.
    flux = tubes.flux * np.append(grown, 1.0)[tubes.parent] * (narrow * low) ** 2 * scale**2
    thin = _deposit(-y * scale + (size - 1) / 2, -x * scale + (size - 1) / 2, flux, size)
    field = cores + _smooth(thin, TUBE_SIGMA_PX * scale)
    return np.asarray(UMBRA_GAUSS * np.tanh(field / np.float32(UMBRA_GAUSS)), dtype=np.float32)


def _deposit(row: np.ndarray, column: np.ndarray, flux: np.ndarray, size: int) -> np.ndarray:
    """Share each flux among its four nearest pixels, so that a tube moves by fractions of a pixel."""
    inside = (row >= 0) & (row < size - 1) & (column >= 0) & (column < size - 1)
    row, column, flux = row[inside], column[inside], flux[inside]
    top, left = row.astype(np.int64), column.astype(np.int64)
    down, right = row - top, column - left
    index = top * size + left
    where = np.concatenate([index, index + 1, index + size, index + size + 1])
    share = [(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right]
    grid = np.bincount(where, np.concatenate([part * flux for part in share]), minlength=size * size)
    return grid.reshape(size, size).astype(np.float32)


def region_field(region: SyntheticRegion, hours: float, *, size: int = FIELD_SIZE) -> np.ndarray:
    """Compute the magnetogram of a region.

    Args:
        region: the region.
        hours: since the first image.
        size: pixels a side; the area stays that of 600 pixels of HMI.

    Returns:
        `(size, size)` float32, gauss along the line of sight, within +-5978.7, with noise. South is up.
    """
    field = clean_field(
        region, hours, size=size, longitude_deg=region.longitude_at(hours), latitude_deg=region.latitude_deg
    )
    rng = np.random.default_rng([region.seed, round(hours * 5)])
    noise = rng.standard_normal((size, size), dtype=np.float32)
    # Neighbouring pixels are correlated by the interpolation of the filtergrams; 0.8 and 0.6 keep the variance.
    noise[:, 1:] = 0.8 * noise[:, 1:] + 0.6 * noise[:, :-1]
    field += np.float32(NOISE_GAUSS) * noise
    return np.clip(field, -FIELD_LIMIT_GAUSS, FIELD_LIMIT_GAUSS, out=field)
