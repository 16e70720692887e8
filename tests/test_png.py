"""Is every kind of PNG read as Pillow reads it, and is what is cut short or changed always refused?"""

import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from flarescope.errors import InputError
from flarescope.images import plain_png, png_chunks, png_text
from flarescope.images.png import read_png
from flarescope.images.png_text import png_header
from flarescope.images.region import read_region_png
from real_data import REAL_DATA, needs_real_data

PATH = Path("x.png")
RNG = np.random.default_rng(0)
GREY = RNG.integers(1, 256, (30, 37), dtype=np.uint8)


@pytest.fixture(autouse=True, scope="module")
def _plain_ones_from_the_first():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_png, "FIRST", 0)
        yield


@pytest.fixture(params=["isal", "zlib"])
def inflater(request, monkeypatch):
    """What inflates: ISA-L, which an extra brings, or zlib."""
    if request.param == "isal":
        pytest.importorskip("isal", reason="flarescope[fast] is not installed")
    else:
        monkeypatch.setitem(sys.modules, "isal", None)  # an import of it fails
    plain_png._inflater.cache_clear()
    yield request.param
    plain_png._inflater.cache_clear()


def saved(image, **options):
    content = io.BytesIO()
    image.save(content, format="PNG", **options)
    return content.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, data, interlaced=0):
    """A file made of its chunks; `data` are inflated rows, each behind its filter."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return png_chunks.PNG_MAGIC + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def packed_rows(depth):
    """Grey rows of 37 pixels of 1, 2 or 4 bits, each with filter 0."""
    bits = RNG.integers(0, 2, (30, 37 * depth), dtype=np.uint8)
    return b"".join(b"\0" + row.tobytes() for row in np.packbits(bits, axis=1))


FILES = {
    "grey": saved(Image.fromarray(GREY)),
    "grey 16": saved(Image.fromarray(GREY.astype(np.uint16) * 200)),
    **{f"grey {depth}": png(37, 30, depth, 0, packed_rows(depth)) for depth in (1, 2, 4)},
    "palette": saved(Image.fromarray(GREY).quantize(7)),
    "grey alpha": saved(Image.merge("LA", [Image.fromarray(GREY)] * 2)),
    "colour": saved(Image.fromarray(RNG.integers(0, 256, (30, 37, 3), dtype=np.uint8))),
    "colour alpha": saved(Image.fromarray(RNG.integers(0, 256, (30, 37, 4), dtype=np.uint8))),
    "transparent grey": saved(Image.fromarray(GREY), transparency=9),
    "black": saved(Image.fromarray(GREY * 0)),
    "black below": saved(Image.fromarray(np.vstack([GREY, GREY[:1] * 0]))),
    "interlaced": png(1, 1, 8, 0, b"\0\x80", interlaced=1),
}


def by_pillow(content):
    with Image.open(io.BytesIO(content)) as image:
        if image.mode.startswith("I"):
            return np.asarray(image).astype(np.float32) / np.float32(257)
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_is_what_pillow_shows(kind):
    pixels, shown = read_png(PATH, FILES[kind]), by_pillow(FILES[kind])
    assert np.array_equal(np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim < shown.ndim else pixels, shown)
    assert (pixels.ndim == 3) == kind.startswith("colour")


@given(shape=st.tuples(st.integers(1, 40), st.integers(1, 40)), seed=st.integers(0, 99), low=st.integers(0, 255))
def test_any_grey_image_there_and_back(shape, seed, low):
    pixels = np.random.default_rng(seed).integers(low, 256, shape, dtype=np.uint8)
    assert np.array_equal(read_png(PATH, saved(Image.fromarray(pixels))), pixels)


def test_a_usual_image_is_inflated_once(monkeypatch):
    monkeypatch.setattr(plain_png, "FIRST", 10**9)  # by Pillow
    monkeypatch.setattr(png_chunks.zlib, "decompressobj", None)
    assert np.array_equal(read_png(PATH, FILES["grey"]), GREY)


@given(
    rows=st.integers(1, 12).flatmap(
        lambda width: st.lists(st.tuples(st.integers(0, 4), st.binary(min_size=width, max_size=width)), min_size=1)
    )
)
def test_plain_images_with_any_filters_are_what_pillow_shows(rows):
    data = b"".join(bytes([kind]) + row for kind, row in rows)
    content = png(len(rows[0][1]), len(rows), 8, 0, data)
    with Image.open(io.BytesIO(content)) as image:
        assert np.array_equal(plain_png.plain_pixels(content), np.asarray(image))


def test_every_guess_of_paeth_is_what_pillow_has():
    """Noise of 300 x 300 pixels: all orders of the three neighbours, and all distances."""
    noise = RNG.integers(0, 256, (300, 301), dtype=np.uint8)
    noise[:, 0] = 4
    content = png(300, 300, 8, 0, noise.tobytes())
    with Image.open(io.BytesIO(content)) as image:
        assert np.array_equal(plain_png.plain_pixels(content), np.asarray(image))


TEXT = st.binary(max_size=12) | st.builds(
    lambda key, text: key + b"\0" + text,
    st.sampled_from([b"", b"exif", b"QUALITY", b"T_REC", b"\xe9", b"dpi"]),
    st.binary(max_size=30) | st.sampled_from([b"1024", b"-0.5", b"nan", b"1e400", b"9" * 60, b"a\0b"]),
)


@given(before=st.lists(TEXT, max_size=4), after=st.lists(TEXT, max_size=2))
@example(before=[b"a\0001", b"b\0002", b"a\0003"], after=[b"a\0004"])
def test_texts_are_those_that_pillow_has(before, after):
    """Also which of several counts, and in which order they come; those behind the pixels are none."""
    grey = FILES["grey"]
    content = b"".join(
        [grey[:33], *(chunk(b"tEXt", one) for one in before), grey[33:-12], *(chunk(b"tEXt", one) for one in after)]
    )
    found = png_header(content + grey[-12:])
    by_pillow = png_text._texts(content + grey[-12:])
    assert repr(found) == repr(by_pillow)  # where a number is NaN, it is in both


def test_data_that_are_damaged_cut_short_or_too_long_are_not_inflated(inflater):
    assert plain_png._inflater()[0].__module__.startswith(inflater)
    packed = zlib.compress(GREY.tobytes())
    assert plain_png._inflated(packed, GREY.size) == GREY.tobytes()
    others = [packed[:-1], packed[:9], b"", packed + b"x", packed[:-1] + b"x", b"y" + packed[1:]]
    others.append(b"\x88\x1c" + packed[2:])  # a window that is too large, which ISA-L would take
    others += [zlib.compress(GREY.tobytes()[:-1]), zlib.compress(GREY.tobytes() * 100)]
    assert [plain_png._inflated(one, GREY.size) for one in others] == [None] * len(others)


def test_what_is_not_plain_is_left_to_pillow(inflater):
    grey = FILES["grey"]
    end = grey.index(b"IEND") - 4
    text, comment = chunk(b"tEXt", b"a\0b"), chunk(b"tIME", bytes(7))
    halves = [chunk(b"IDAT", part) for part in (grey[41:90], grey[90 : end - 4])]
    assert [kind for kind, content in FILES.items() if plain_png.plain_pixels(content) is not None] == [
        "grey",
        "black",
        "black below",
    ]
    plain = [grey, grey[:33] + text + grey[33:], grey[:33] + halves[0] + halves[1] + text + grey[end:]]
    assert all(np.array_equal(plain_png.plain_pixels(content), GREY) for content in plain)
    others = [
        grey[:33] + comment + grey[33:],
        grey[:33] + halves[0] + text + halves[1] + grey[end:],
        grey[:33] + chunk(b"tEXt", bytes(plain_png.LONGEST_TEXTS + 1)) + grey[33:],
        grey[:-1] + b"x",
        grey + grey,
        png(2, 1, 8, 0, b"\5\0\0"),
        png(2, 1, 8, 0, b"\0\0\0\0"),
        png(0, 1, 8, 0, b"\0"),
    ]
    assert [plain_png.plain_pixels(content) for content in others] == [None] * len(others)


@pytest.mark.parametrize("rows", [0, 1, 29])
@pytest.mark.parametrize("last", [b"", b"\0", bytes(38)[:30]])
def test_data_that_end_before_the_last_row(rows, last):
    whole = b"".join(b"\0" + row.tobytes() for row in GREY)
    content = png(37, 30, 8, 0, whole[: rows * 38] + last)
    with pytest.raises(
        InputError, match=rf"^x\.png: damaged or cut short: it holds {rows} of 30 rows; fetch it again$"
    ):
        read_png(PATH, content)


@pytest.mark.parametrize(
    "kind", ["grey", "grey 16", "grey 4", "palette", "grey alpha", "colour", "colour alpha", "black"]
)
@example(share=0.96484375, change=1)  # in a palette image: other last pixels, and data that go on after them
@given(share=st.floats(0, 0.999), change=st.integers(1, 255))
def test_a_changed_byte_is_seen_or_changes_nothing(kind, share, change):
    content = bytearray(FILES[kind])
    content[int(share * len(content))] ^= change
    try:
        pixels = read_png(PATH, bytes(content))
    except InputError as error:
        assert str(error).startswith("x.png: ")  # noqa: PT017 - either outcome is right
        return
    assert np.array_equal(pixels, read_png(PATH, FILES[kind]))


@pytest.mark.parametrize("kind", ["grey", "grey 16", "grey 1", "palette", "colour", "black"])
@given(share=st.floats(0, 0.999))
def test_a_file_cut_short(kind, share):
    content = FILES[kind][: int(share * len(FILES[kind]))]
    try:
        pixels = read_png(PATH, content)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
        return
    assert np.array_equal(pixels, read_png(PATH, FILES[kind]))  # only what stands behind the pixels was cut


PASSES = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1))


def interlaced_data(pixels):
    """Rows of the seven passes (first row, step, first column, step), each behind filter 0; an empty pass has none."""
    parts = [pixels[row::rows, column::columns] for row, rows, column, columns in PASSES]
    return b"".join(b"\0" + row.tobytes() for part in parts if part.shape[1] for row in part)


@given(shape=st.tuples(st.integers(1, 20), st.integers(1, 20)), share=st.floats(0, 0.999), seed=st.integers(0, 9))
def test_interlaced_images_whole_and_cut(shape, share, seed):
    pixels = np.random.default_rng(seed).integers(1, 256, shape, dtype=np.uint8)
    data = interlaced_data(pixels)
    assert np.array_equal(read_png(PATH, png(*shape[::-1], 8, 0, data, interlaced=1)), pixels)
    with pytest.raises(InputError, match=r"^x\.png: damaged or cut short: it holds not all of its passes"):
        read_png(PATH, png(*shape[::-1], 8, 0, data[: int(share * len(data))], interlaced=1))


@needs_real_data
def test_the_cases_of_cut_and_interlaced_files():
    folder = REAL_DATA / "cases" / "interlaced"
    assert read_png(folder / "whole.png").shape == (224, 224)
    for name in ("cut_interlaced.png", "cut_sequential.png"):
        with pytest.raises(InputError, match="damaged or cut short: it holds"):
            read_png(folder / name)


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP", b"iTXt"])
def test_large_compressed_texts_and_profiles_are_left_unread(kind):
    middle = {b"zTXt": b"Comment\0\0", b"iCCP": b"profile\0\0", b"iTXt": b"Comment\0\1\0\0\0"}[kind]
    large = chunk(kind, middle + zlib.compress(b"x" * 3_000_000))
    whole = FILES["grey"]
    content = whole[:33] + large + whole[33:]
    assert np.array_equal(read_png(PATH, content), GREY)
    assert png_header(content) == {}


@needs_real_data
@pytest.mark.parametrize("name", ["iccp.png", "ztxt.png"])
def test_the_cases_of_large_chunks_are_read(name):
    assert read_region_png(REAL_DATA / "cases" / "png_chunks" / name).pixels.shape == (224, 224)
