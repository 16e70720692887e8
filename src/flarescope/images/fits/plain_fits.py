"""What does a FITS file hold whose layout is plain enough to be read without a FITS library?

HMI's images lie in their files in one of two ways: as a Rice-compressed table whose rows are the tiles, or as plain
numbers in the first HDU. Those two, and no others, are read here, to the same values as astropy gives, in a fraction of
its time. A file of any other form is left to astropy, and so are all questions of what is wrong with a file.
"""

import re
from typing import Final

import numpy as np

from flarescope.images.fits.cards import BLOCK_BYTES, NotPlainError, PlainHeader, Value, read_header
from flarescope.images.fits.datasum import agrees
from flarescope.images.fits.rice import Scaling, decode_tiles

LARGEST_PIXELS: Final = 50_000_000
"""Of any image, plain or compressed; a full-disk image of HMI has 16.8 million."""

DESCRIBING_KEYS: Final = (
    *("BUNIT", "T_REC", "QUALITY", "NOAA_AR", "NOAA_ARS", "TELESCOP", "INSTRUME", "CONTENT", "BITPIX", "BSCALE"),
    *("CTYPE1", "CUNIT1", "CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2", "CDELT1", "CDELT2", "CROTA2"),
    *("PC1_1", "PC1_2", "PC2_1", "PC2_2", "CD1_1", "CD1_2", "CD2_1", "CD2_2"),
    *("RSUN_OBS", "OBS_R0", "SOLAR_R", "DSUN_OBS", "CRLN_OBS", "CRLT_OBS", "LON_FWT", "LAT_FWT"),
)
"""What is wanted of the header beside the image; of a compressed one BITPIX is ZBITPIX."""

_EARLY_KEYS: Final = ("EXTEND", "BSCALE", "BZERO", "BLANK", "CHECKSUM", "DATASUM", "EXTNAME", "EXTVER", "EXTLEVEL")
"""astropy looks at these before it mends a header, so that a value which is not valid is an error."""

_TABLE_CARDS: Final = ("XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "PCOUNT", "GCOUNT", "TFIELDS")
_RICE_KEYS: Final = frozenset(
    (
        *("NAXIS1", "NAXIS2", "TTYPE1", "TFORM1", "ZIMAGE", "ZSIMPLE", "ZTENSION", "ZEXTEND", "ZPCOUNT", "ZGCOUNT"),
        *("ZHECKSUM", "ZDATASUM", "ZBITPIX", "ZNAXIS", "ZNAXIS1", "ZNAXIS2", "ZTILE1", "ZTILE2", "ZCMPTYPE", "ZBLANK"),
        *("ZNAME1", "ZVAL1", "ZNAME2", "ZVAL2"),
    )
)
# Keywords that could give the table or the compression another meaning, unless they are among `_RICE_KEYS`.
_LAYOUT_KEY: Final = re.compile(
    r"Z.*|NAXIS.+|THEAP|GROUPS|T(?:TYPE|FORM|UNIT|NULL|SCAL|ZERO|DISP|BCOL|DIM|CTYP|CUNI|CRPX|CRVL|CDLT|RPOS)\d.*"
)
_BYTE_ARRAYS: Final = re.compile(r"1?PB(?:\(\d+\))?")
_UNSIGNED_64: Final = 1 << 63
_DTYPES: Final = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


def read_plain_fits(content: bytes) -> tuple[np.ndarray, dict[str, Value]] | None:
    """Read a file of one of the two known layouts.

    Args:
        content: the file, not gzipped.

    Returns:
        The image, `(H, W)` float64, scaled, NaN where it is blank; and those of `DESCRIBING_KEYS` that the header has.
        None where the layout is another one, or the data are damaged.
    """
    try:
        first = _read_header(content, 0)
        if first.keywords[:3] != ("SIMPLE", "BITPIX", "NAXIS") or first.value("SIMPLE") is not True:
            return None
        if first.value("BITPIX") not in _DTYPES:
            return None
        if first.value("NAXIS") == 2:
            return _plain_image(content, first)
        if first.value("NAXIS") == 0 and not {"GROUPS", "PCOUNT", "GCOUNT"} & first.fields.keys():
            return _rice_image(content, _read_header(content, first.end))
    except NotPlainError:
        pass
    return None


def scaled(raw: np.ndarray, bscale: float, bzero: float, blank: int | None) -> np.ndarray:
    """Turn stored numbers into what they stand for: `BZERO + BSCALE * raw`, NaN where an integer is BLANK.

    Unsigned integers of 64 bits, stored as signed ones with BZERO 2^63, are added as integers: 100 - 2^63 has no
    float64 of its own.

    FITS 4.0, 4.4.2.5: BLANK is the stored integer of an undefined pixel, 0 like any other. astropy would leave BLANK 0
    and the blanks of unsigned integers as they are; in all else the values are its own, bit for bit. Like astropy this
    computes 8 and 16-bit integers in float32.

    Args:
        raw: any shape, integer or float.
        bscale: BSCALE, 1 where there is none.
        bzero: BZERO, 0 where there is none.
        blank: BLANK, or None.

    Returns:
        float64.
    """
    if bzero == _UNSIGNED_64 and bscale == 1 and raw.dtype.kind + str(raw.dtype.itemsize) == "i8":
        field = (raw.astype(np.int64).view(np.uint64) ^ np.uint64(_UNSIGNED_64)).astype(np.float64)
        if blank is not None:
            field[raw == blank] = np.nan
        return field
    single = raw.dtype.itemsize < 4 or raw.dtype.kind + str(raw.dtype.itemsize) == "f4"
    data = raw.astype(np.float32 if single else np.float64)
    if bscale != 1:
        np.multiply(data, bscale, data)
    if bzero != 0:
        np.add(data, bzero, data)
    if blank is not None and raw.dtype.kind in "iu":
        data[raw == blank] = np.nan
    return data.astype(np.float64, copy=False)


def _read_header(content: bytes, start: int) -> PlainHeader:
    header = read_header(content, start)
    for keyword in _EARLY_KEYS:
        if keyword in header:
            header.value(keyword)
    return header


def _plain_image(content: bytes, header: PlainHeader) -> tuple[np.ndarray, dict[str, Value]]:
    """Read an image that stands in the first and only HDU."""
    if header.keywords[3:5] != ("NAXIS1", "NAXIS2") or {"GROUPS", "PCOUNT", "GCOUNT"} & header.fields.keys():
        raise NotPlainError("keywords")
    dtype = np.dtype(_DTYPES[header.whole("BITPIX")])
    rows, columns = _shape(header, "NAXIS2", "NAXIS1")
    _expect_end(content, header.end + rows * columns * dtype.itemsize)
    _check_sum(content, header)
    raw = np.frombuffer(content, dtype, rows * columns, header.end).reshape(rows, columns)
    return scaled(raw, *_scale(header, "BLANK")), _description(header, "BITPIX")


def _rice_image(content: bytes, header: PlainHeader) -> tuple[np.ndarray, dict[str, Value]]:
    """Read an image whose rows, or groups of rows, are Rice-compressed in the only column of a table."""
    _check_table(header)
    rows, columns = _shape(header, "ZNAXIS2", "ZNAXIS1")
    tile_rows, tiles = header.whole("ZTILE2"), header.whole("NAXIS2")
    if header.value("ZTILE1") != columns or tile_rows < 1 or tiles != -(-rows // tile_rows):
        raise NotPlainError("tiles")
    spans = _tile_spans(content, header, tiles)
    block, itemsize = _rice_parameters(header)
    limits = np.iinfo(f"i{itemsize}")
    for keyword in ("BLANK", "ZBLANK"):
        if not limits.min <= header.whole(keyword, 0) <= limits.max:
            raise NotPlainError(keyword)
    scaling = Scaling(*_scale(header, "BLANK" if "BLANK" in header else "ZBLANK"))
    pixels = rows * columns
    field = decode_tiles(content, spans, min(tile_rows * columns, pixels), pixels, block, itemsize, scaling)
    return field.reshape(rows, columns), _description(header, "ZBITPIX")


def _tile_spans(content: bytes, header: PlainHeader, tiles: int) -> np.ndarray:
    """Give where each tile begins and ends in the file, `(tiles, 2)`, after a look that it lies in the table's heap."""
    heap_start, heap_bytes = header.end + 8 * tiles, header.whole("PCOUNT")
    _expect_end(content, heap_start + max(heap_bytes, 0))
    _check_sum(content, header)
    lengths, offsets = np.frombuffer(content, ">i4", 2 * tiles, header.end).reshape(tiles, 2).astype(np.int64).T
    if lengths.min() < 1 or offsets.min() < 0 or (offsets + lengths).max() > heap_bytes or lengths.sum() > heap_bytes:
        raise NotPlainError("descriptors")
    return heap_start + np.stack([offsets, offsets + lengths], axis=1)


def _check_table(header: PlainHeader) -> None:
    expected = {"XTENSION": "BINTABLE", "BITPIX": 8, "NAXIS": 2, "NAXIS1": 8, "GCOUNT": 1, "TFIELDS": 1}
    expected |= {"TTYPE1": "COMPRESSED_DATA", "ZNAXIS": 2}
    if header.keywords[:8] != _TABLE_CARDS or any(header.value(key) != value for key, value in expected.items()):
        raise NotPlainError("table")
    if header.value("ZIMAGE") is not True or header.value("ZCMPTYPE") not in ("RICE_1", "RICE_ONE"):
        raise NotPlainError("compression")
    if not _BYTE_ARRAYS.fullmatch(str(header.value("TFORM1"))):
        raise NotPlainError("TFORM1")
    for keyword in header.keywords:
        if _LAYOUT_KEY.fullmatch(keyword):
            if keyword not in _RICE_KEYS:
                raise NotPlainError(keyword)
            header.value(keyword)


def _rice_parameters(header: PlainHeader) -> tuple[int, int]:
    """Give pixels a block and bytes a pixel."""
    settings = {"BLOCKSIZE": 32, "BYTEPIX": 4}
    for number in (1, 2):
        if f"ZNAME{number}" not in header:
            break  # astropy looks no further either
        settings[str(header.value(f"ZNAME{number}")).upper()] = header.whole(f"ZVAL{number}")
    if settings.keys() != {"BLOCKSIZE", "BYTEPIX"} or settings["BLOCKSIZE"] not in (16, 32):
        raise NotPlainError("compression")
    if (header.whole("ZBITPIX"), settings["BYTEPIX"]) not in ((16, 2), (32, 4)):
        raise NotPlainError("ZBITPIX")
    return settings["BLOCKSIZE"], settings["BYTEPIX"]


def _shape(header: PlainHeader, rows_key: str, columns_key: str) -> tuple[int, int]:
    rows, columns = header.whole(rows_key), header.whole(columns_key)
    if rows < 1 or columns < 1 or rows * columns > LARGEST_PIXELS:
        raise NotPlainError("shape")
    return rows, columns


def _expect_end(content: bytes, data_end: int) -> None:
    """Refuse a file that does not end with the block in which its data end."""
    if len(content) != -(-data_end // BLOCK_BYTES) * BLOCK_BYTES:
        raise NotPlainError("length")


def _check_sum(content: bytes, header: PlainHeader) -> None:
    if "DATASUM" in header and not agrees(header.value("DATASUM"), memoryview(content)[header.end :]):
        raise NotPlainError("DATASUM")


def _scale(header: PlainHeader, blank_key: str) -> tuple[float, float, int | None]:
    """Give BSCALE, BZERO and BLANK."""
    bscale = header.number("BSCALE", 1)
    if not bscale:
        raise NotPlainError("BSCALE")
    return bscale, header.number("BZERO", 0), header.whole(blank_key) if blank_key in header else None


def _description(header: PlainHeader, bits_key: str) -> dict[str, Value]:
    said = {keyword: header.value(keyword) for keyword in DESCRIBING_KEYS if keyword in header}
    return said | {"BITPIX": header.value(bits_key)}
