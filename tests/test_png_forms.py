"""What becomes of PNG files of other forms than 8-bit grey: does docs/reference_recipe.md say the truth?"""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from flarescope.images.png import read_png

GREY, COLOUR, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 4, 6


def write_png(path, samples, colour):
    """Write samples `(H, W, channels)`, uint8 or uint16, as a PNG of a colour type (Pillow writes no 16-bit colour)."""
    height, width, _ = samples.shape
    rows = b"".join(b"\0" + row.astype(samples.dtype.newbyteorder(">")).tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, 8 * samples.dtype.itemsize, colour, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        content += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    path.write_bytes(content)
    return path


def samples(dtype, channels, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, (5, 7, channels), dtype=dtype)


def test_16_bit_grey_keeps_its_fractions(tmp_path):
    values = samples(np.uint16, 1)
    pixels = read_png(write_png(tmp_path / "a.png", values, GREY))
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels, values[..., 0] / 257, rtol=1e-6)


def test_16_bit_colour_loses_the_lower_8_bits(tmp_path):
    values = samples(np.uint16, 3)
    pixels = read_png(write_png(tmp_path / "a.png", values, COLOUR))
    assert pixels.dtype == np.uint8
    assert (pixels == values >> 8).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_is_dropped_and_nothing_is_blended(tmp_path, dtype):
    shift = 0 if dtype == np.uint8 else 8
    colour, grey = samples(dtype, 4), samples(dtype, 2)
    colour[0, 0, 3] = grey[0, 0, 1] = 0  # wholly transparent
    assert (read_png(write_png(tmp_path / "c.png", colour, COLOUR_ALPHA)) == colour[..., :3] >> shift).all()
    assert (read_png(write_png(tmp_path / "g.png", grey, GREY_ALPHA)) == grey[..., 0] >> shift).all()


def test_a_palette_becomes_its_colours(tmp_path):
    palette = np.random.default_rng(1).integers(0, 256, (256, 3), dtype=np.uint8)
    index = samples(np.uint8, 1)[..., 0]
    for name, colours in (("colour", palette), ("grey", palette[:, :1].repeat(3, axis=1))):
        image = Image.fromarray(index, mode="L")
        image = Image.frombytes("P", image.size, image.tobytes())
        image.putpalette(colours.tobytes())
        image.save(tmp_path / f"{name}.png", transparency=int(index[0, 0]))
        pixels = read_png(tmp_path / f"{name}.png")
        assert (pixels == (colours[index] if name == "colour" else colours[index][..., 0])).all()


def test_one_bit_becomes_black_and_white(tmp_path):
    Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert("1").save(tmp_path / "a.png")
    assert read_png(tmp_path / "a.png").tolist() == [[0, 255], [255, 0]]
