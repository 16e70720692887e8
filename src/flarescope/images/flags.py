"""With which short words is an image marked that is read all the same, and what do they mean?"""

from collections.abc import Mapping
from typing import Final

from flarescope.images import instruments
from flarescope.images.cards import Value
from flarescope.images.look import Look

FLAGS: Final = {
    "quality": "QUALITY has bad bits",
    "limb60": "the region is 60 to 70 degrees from the disk's centre",
    "limb70": "the region is 70 degrees or more from the disk's centre",
    "instrument": "another instrument than HMI, or than in the training images: its gauss and its detail differ",
    "unnamed": "its header names no instrument",
    "scale": "a pixel, or the image, covers another part of the Sun than in the training images",
    "aspect": "width over height differs from the training images",
    "orientation": "it is turned otherwise than the training images (CROTA2)",
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
    quality = header.get("QUALITY")
    if isinstance(quality, int) and not isinstance(quality, bool) and instruments.bad_quality(quality):
        flags.append("quality")
    out = look.degrees_out
    flags += [name for name, degrees in LIMB_DEG.items() if out is not None and out >= degrees][:1]
    if look.instrument is None and named:
        flags.append("unnamed")
    elif look.instrument not in (None, instruments.HMI, instruments.SYNTHETIC):
        flags.append("instrument")
    return tuple(flags)
