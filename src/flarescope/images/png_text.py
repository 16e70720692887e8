"""What do the text chunks of a PNG say of the image, as `reduce` writes the header of its FITS file there?"""

import contextlib
import io
from collections.abc import Iterable
from itertools import takewhile
from typing import Final

from PIL import Image

from flarescope.images.fits.cards import Value
from flarescope.images.png_chunks import chunks, without_profile_and_packed_texts

TEXTS: Final = (b"tEXt", b"zTXt", b"iTXt")
"""Kinds of chunks that hold texts (ISO/IEC 15948, 11.3.4)."""

_PLAIN: Final = {b"IHDR", b"tEXt", b"IDAT", b"IEND"}
"""Kinds of chunks beside which texts are read without Pillow, which takes others for texts too."""


def png_header(content: bytes) -> dict[str, Value]:
    """Read the texts of a PNG that was decoded already, numbers as numbers.

    Returns:
        Keyword -> value, with FITS keywords as `reduce` writes them; empty for most PNG files. Where a text or a colour
        profile is larger than Pillow unpacks, none that is compressed.
    """
    found = list(chunks(content))
    kinds = {kind for kind, _, _ in found}
    if not kinds.intersection(TEXTS):
        return {}  # as of the published set, and opening a file takes longer than walking over its chunks
    if kinds <= _PLAIN:
        before = takewhile(lambda chunk: chunk[0] != b"IDAT", found)
        return _plain_texts(content[start:end] for kind, start, end in before if kind == b"tEXt")
    try:
        return _texts(content)
    except ValueError:
        return _texts(without_profile_and_packed_texts(content))


def _plain_texts(texts: Iterable[bytes]) -> dict[str, Value]:
    """Read texts that are not compressed as Pillow does: the last of a keyword counts, one without any does not."""
    pairs = (text.partition(b"\0") for text in texts)
    # What is called exif is no text to Pillow.
    said = {key.decode("latin-1"): text.decode("latin-1") for key, _, text in pairs if key not in (b"", b"exif")}
    return {key: _value(text) for key, text in said.items()}


def _texts(content: bytes) -> dict[str, Value]:
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        return {str(key): _value(text) for key, text in image.info.items() if isinstance(text, str)}


def _value(text: str) -> Value:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            if len(text) < 40:
                return kind(text)
    return text
