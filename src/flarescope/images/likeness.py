"""What were the images like that a model was trained on, and is another image like them?"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from flarescope.errors import InputError
from flarescope.hmi import PUBLISHED_PIXELS
from flarescope.images.disk_picture import DiskPicture, read_disk
from flarescope.images.flags import FLAGS
from flarescope.images.instruments import HMI
from flarescope.images.line_of_sight import HMI_ONLY, Accept, NotMagnetogramError
from flarescope.images.look import NATIVE_MM, Look
from flarescope.images.magnetogram import Magnetogram, is_fits, read_bytes
from flarescope.images.region import PngImage, read_region, read_region_png

SAMPLE: Final = 128
"""Images that are looked at of a training set, in even steps: 0.3 s, and every tenth region of the published set."""

TOLERANCE: Final = 0.1
"""By how much a scale or an aspect may lie outside the range of the training images, as a part of itself. The scale of
HMI changes by 3.4 % in a year, with the distance of the Sun."""

TURN_DEG: Final = 5.0
"""By how much an image may be turned against the training images. HMI's CROTA2 is within 0.1 degrees of 180."""

MOST_TURNS: Final = 36

Range = tuple[float, float]


@dataclass(frozen=True)
class Likeness:
    """What a sample of images was like.

    Attributes:
        sampled: how many were looked at.
        images: of how many.
        instruments: instrument -> how many of the sample; images that name none are left out.
        sizes: `WIDTHxHEIGHT` in pixels, as stored -> how many.
        aspect: smallest and largest width over height.
        pixel_mm: smallest and largest size of an observed pixel, Mm at the disk's centre; None where no image says it.
        extent_mm: smallest and largest side of a square as large as the image, Mm; or None.
        crota_deg: how they were turned against north up, whole degrees, each once; empty where none says it, or where
            they are turned in every way.
    """

    sampled: int
    images: int
    instruments: dict[str, int]
    sizes: dict[str, int]
    aspect: Range
    pixel_mm: Range | None = None
    extent_mm: Range | None = None
    crota_deg: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def differences(self, look: Look) -> tuple[str, ...]:
        """Give the flags of an image that is not like these; what is not known of either is no difference."""
        found = []
        if look.instrument is not None and self.instruments and look.instrument not in self.instruments:
            found.append("instrument")
        if look.pixel_mm is None or look.extent_mm is None:
            found += [] if size_of(look) in self.sizes else ["size"]
        elif self.pixel_mm is not None and self.extent_mm is not None:
            other_scale = _outside(look.pixel_mm, self.pixel_mm) or _outside(look.extent_mm, self.extent_mm)
            found += ["scale"] if other_scale else []
        if _outside(look.aspect, self.aspect):
            found.append("aspect")
        if look.crota_deg is not None and self.crota_deg:
            turns = [abs((look.crota_deg - turn + 180) % 360 - 180) for turn in self.crota_deg]
            if min(turns) > TURN_DEG or look.mirrored:
                found.append("orientation")
        return tuple(found)


PUBLISHED_SET: Final = Likeness(
    sampled=0,
    images=0,
    instruments={HMI: 0},
    sizes={"224x224": 0, f"{PUBLISHED_PIXELS}x{PUBLISHED_PIXELS}": 0},
    aspect=(1.0, 1.0),
    pixel_mm=(NATIVE_MM, NATIVE_MM),
    extent_mm=(NATIVE_MM * PUBLISHED_PIXELS, NATIVE_MM * PUBLISHED_PIXELS),
    crota_deg=(180,),
)
"""Of the published set, on which the reference notebook trains (Boucheron et al. 2023)."""


def size_of(look: Look) -> str:
    """Give the size of an image as `Likeness.sizes` has it."""
    return "{}x{}".format(*look.size)


def flags_beside(flags: Iterable[str], look: Look, likeness: Likeness | None) -> tuple[str, ...]:
    """Join what an image is flagged with whatever the model, and what tells it from the model's training images.

    Another instrument than HMI is no reason for a flag where the model was trained on it.
    """
    found = set(flags)
    if likeness is not None:
        found -= {"instrument"} if look.instrument in likeness.instruments else set()
        found |= set(likeness.differences(look))
    return tuple(name for name in FLAGS if name in found)


def likeness_of(looks: Sequence[Look], images: int) -> Likeness:
    """Sum up a sample.

    Args:
        looks: of the images looked at, at least one.
        images: how many there are in all.
    """
    turns = {round(look.crota_deg) % 360 for look in looks if look.crota_deg is not None}
    return Likeness(
        sampled=len(looks),
        images=images,
        instruments=_counts(look.instrument for look in looks),
        sizes=_counts(size_of(look) for look in looks),
        aspect=(min(look.aspect for look in looks), max(look.aspect for look in looks)),
        pixel_mm=_range(look.pixel_mm for look in looks),
        extent_mm=_range(look.extent_mm for look in looks),
        crota_deg=tuple(sorted(turns)) if len(turns) <= MOST_TURNS else (),
    )


def places_looked_at(count: int) -> list[int]:
    """Give which of so many images are looked at, in even steps, at most `SAMPLE`."""
    return [number * count // min(SAMPLE, count) for number in range(min(SAMPLE, count))]


def look_at(
    paths: Sequence[Path], *, accept: Accept = HMI_ONLY, read: Callable[[Path], bytes] = read_bytes
) -> list[Look]:
    """Read some of many image files, in even steps, at most `SAMPLE`.

    One that is not there or cannot be read is passed over: who needs its pixels says so. `read` gives a file's bytes.

    Raises:
        NotMagnetogramError: one that is no magnetogram of a region, or of the whole disk where these are accepted.
    """
    looks = []
    for path in (paths[place] for place in places_looked_at(len(paths))):
        try:
            looks.append(_read(path, read(path), accept).look)
        except NotMagnetogramError:
            raise
        except InputError:
            continue
    return looks


def _read(path: Path, content: bytes, accept: Accept) -> Magnetogram | PngImage | DiskPicture:
    if accept.whole_disk:
        return read_disk(path, content, accept=accept)
    return (read_region if is_fits(path) else read_region_png)(path, content, accept=accept)


def likeness_from_json(values: object) -> Likeness:
    """Read `Likeness.to_json` back.

    Raises:
        TypeError, ValueError, KeyError: it is something else.
    """
    if not isinstance(values, dict):
        raise TypeError("expected an object")
    return Likeness(
        sampled=int(values["sampled"]),
        images=int(values["images"]),
        instruments=_counted(values["instruments"]),
        sizes=_counted(values["sizes"]),
        aspect=_pair(values["aspect"]),
        pixel_mm=None if values["pixel_mm"] is None else _pair(values["pixel_mm"]),
        extent_mm=None if values["extent_mm"] is None else _pair(values["extent_mm"]),
        crota_deg=tuple(int(turn) for turn in values["crota_deg"]),
    )


def _outside(value: float, limits: Range) -> bool:
    return not limits[0] * (1 - TOLERANCE) <= value <= limits[1] * (1 + TOLERANCE)


def _counts(values: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(value for value in values if value is not None).most_common())


def _range(values: Iterable[float | None]) -> Range | None:
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else None


def _pair(values: object) -> Range:
    low, high = (float(value) for value in values)  # type: ignore[attr-defined]
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"a range from {low} to {high}")
    return low, high


def _counted(values: Mapping[object, object]) -> dict[str, int]:
    return {str(key): int(count) for key, count in values.items()}  # type: ignore[call-overload]
