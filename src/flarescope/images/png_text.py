"""What do the text chunks of a PNG say of the image, as `reduce` writes the header of its FITS file there?"""

import contextlib
import io
from typing import Final

from PIL import Image

from flarescope.images.fits.cards import Value
from flarescope.images.png_chunks import chunks, without_profile_and_packed_texts

TEXTS: Final = (b"tEXt", b"zTXt", b"iTXt")
"""Kinds of chunks that hold texts (ISO/IEC 15948, 11.3.4)."""


def png_header(content: bytes) -> dict[str, Value]:
    """Read the texts of a PNG that was decoded already, numbers as numbers.

    Returns:
        Keyword -> value, with FITS keywords as `reduce` writes them; empty for most PNG files. Where a text or a colour
        profile is larger than Pillow unpacks, none that is compressed.
    """
    if not any(kind in TEXTS for kind, _, _ in chunks(content)):
        return {}  # as of the published set, and opening a file takes longer than walking over its chunks
    try:
        return _texts(content)
    except ValueError:
        return _texts(without_profile_and_packed_texts(content))


def _texts(content: bytes) -> dict[str, Value]:
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        return {str(key): _value(text) for key, text in image.info.items() if isinstance(text, str)}


def _value(text: str) -> Value:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            if len(text) < 40:
                return kind(text)
    return text
