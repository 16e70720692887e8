"""With which short words is an image marked that is read all the same, and what do they mean?"""

from collections.abc import Mapping
from typing import Final

from flarescope.images import instruments
from flarescope.images.fits.cards import Value
from flarescope.images.look import Look

FLAGS: Final = {
    "quality": "QUALITY has bad bits, or is no number",
    "limb60": "its longitude or latitude is 60 to 70 degrees",
    "limb70": "its longitude or latitude is 70 degrees or more, or it is off the disk",
    "instrument": "another instrument than HMI, or than in the training images: its gauss and its detail differ",
    "unnamed": "its header names no instrument",
    "scale": "a pixel, or the whole image, covers more or less of the Sun than in the training images",
    "size": "its size in pixels is not that of a training image, and its scale is not known",
    "aspect": "width over height differs from the training images",
    "orientation": "it is turned otherwise than the training images (CROTA2), or mirrored",
}
"""What an image can be flagged with, and what it means."""

LIMB_DEG: Final = {"limb70": 70.0, "limb60": 60.0}
"""The published set ends at 60 degrees of longitude or latitude; beyond 70 the field along the line of sight is mostly
that along the surface."""


def flags_of(header: Mapping[str, Value], look: Look, *, named: bool) -> tuple[str, ...]:
    """Give the flags that an image has whatever the model.

    Args:
        header: with `QUALITY`, if there is one.
        look: of the image.
        named: whether the header ought to name the instrument.
    """
    flags = []
    quality = instruments.quality_of(header)
    if quality is not None and instruments.bad_quality(quality):
        flags.append("quality")
    out = look.degrees_out
    flags += [name for name, degrees in LIMB_DEG.items() if out is not None and out >= degrees][:1]
    if look.instrument is None and named:
        flags.append("unnamed")
    elif look.instrument not in (None, instruments.HMI, instruments.SYNTHETIC):
        flags.append("instrument")
    return tuple(flags)
