"""What is peculiar to an instrument: how its files name it and what else it observes, and which QUALITY is bad?"""

import re
from collections.abc import Mapping
from typing import Final

from flarescope.images.fits.cards import Value

HMI: Final = "HMI"
SYNTHETIC: Final = "SYNTHETIC"
"""What flarescope's own made regions say of themselves (`synthetic_files`); they imitate HMI."""

OTHER_MAGNETOGRAPHS: Final = {
    "MDI": "MDI",
    "GONG": "GONG",
    "SOLIS": "SOLIS",
    "VSM": "SOLIS",
    "KPVT": "KPVT",
    "SPMG": "KPVT",
    "SMFT": "SMFT",
    "ASO-S": "FMG",
    "FMG": "FMG",
    "PHI": "PHI",
}
"""What TELESCOP or INSTRUME of other full-disk magnetographs holds, as a word of its own -> what they are called here.
Their scale and their gauss are others: MDI's field is about 1.4 times that of HMI (Liu et al. 2012, Solar Physics 279,
295), GONG's pixels have 2.5 arcsec."""

_NO_MAGNETOGRAPHS: Final = frozenset(
    "AIA EIT RHESSI HESSI XRT SXT EUVI SECCHI STEREO LASCO TRACE SUVI SWAP PROBA2 IRIS EUI STIX LYRA GBM WISPR SXI EVE "
    "NUSTAR SAX LST HXI".split()
)
"""Instruments that image something else than a magnetic field."""

SEGMENTS: Final = frozenset(
    "bitmap bp bt br bp_err bt_err br_err conf_disambig disambig dopplergram continuum linewidth linedepth lw ld "
    "inclination azimuth field vlos_mag dop_width eta_0 damping src_continuum src_grad alpha_mag chisq conv_flag "
    "info_map confid_map inclination_err azimuth_err field_err vlos_err alpha_err field_inclination_err field_az_err "
    "inclin_azimuth_err field_alpha_err inclination_alpha_err azimuth_alpha_err bmap image_lev1 image spikes".split()
)
"""Segments of HMI's and AIA's series that hold no line-of-sight field, in lower case. JSOC writes the segment between
the last dots of a file's name, as in hmi.sharp_cea_720s.377.20110215_020000_TAI.Br.fits. (The vector patches: Bobra et
al. 2014, Solar Physics 289, 3549, table A.6; hmi.ME_720s_fd10 and hmi.B_720s: Hoeksema et al. 2014, 289, 3483.)"""

_SEGMENT_IN_NAME: Final = re.compile(r"\.([A-Za-z][A-Za-z0-9_]*?)(?:_\d{2,4})?\.(?:fits|fit|fts|fits\.gz|png)", re.I)
_WORDS: Final = frozenset(("field", "image", "spikes", "damping"))
_OF_JSOC: Final = re.compile(r"_TAI\.|(?:^|_)(?:hmi|aia)\.", re.I)
"""Some segments are words of everyday life, which count only in a name of JSOC's form."""
_SERIES: Final = re.compile(r"(?:^|\d_)(?:hmi\.(?:v|ic|ld|lw|s|b|me|mharp|bitmap)_|aia\.)", re.I)

GOOD_QUALITY: Final = 0x10000 | 0x1000 | 0x800 | 0x400
"""Bits of HMI's QUALITY that leave the field as good as any, after JSOC's list of 24 May 2013
(jsoc.stanford.edu/doc/data/hmi/Quality_Bits/QUALITY.txt): fewer points of interpolation in time than planned (0x10000,
which with 0x400 makes the 66560 of many definitive images), filtergrams not all gap-filled (0x1000), some left out for
their limb fit (0x800), a list of cosmic-ray hits that could not be read (0x400). Near-real-time images usually have
1024 or 72704, which are these. Every other bit is bad: no image was produced or something it needs was missing
(0x20000 and above, 0x200, 0x80), the image stabilisation was open (0x4000), keywords or temperatures are guesses
(0x8000, 0x2000), an eclipse (0x100), added noise (0x40), poor (0x20)."""

UNREADABLE_QUALITY: Final = 0xFFFFFFFF
"""What a QUALITY that is no number is taken for: every bit."""

VECTOR_STEP_GAUSS: Final = 0.01
"""BSCALE of the vector field in HMI's patches (Br, Bp, Bt and their errors); that of a line-of-sight field is 0.1.
Nothing else in the header of a patch in CEA coordinates tells Br from the line-of-sight field."""

_HMI_CONTENT: Final = ("", "HMI OBSERVABLE")
"""What CONTENT says where it does not hold MAGNETOGRAM: HMI's patches say HMI observable, of every segment."""

_NO_FIELD: Final = re.compile(
    r"DOPPLER|VELOCITY|CONTINUUM|INTENSITY|LINE ?(?:WIDTH|DEPTH)|BYTEMAP|BITMAP|SYNOPTIC", re.I
)


def quality_of(header: Mapping[str, Value]) -> int | None:
    """Give HMI's QUALITY: a number, or its text (`0x80000000`, as JSOC's keywords come, or decimal).

    Returns:
        None where there is none; `UNREADABLE_QUALITY` where it says something that is no number.
    """
    value = header.get("QUALITY")
    if value is None or value == "":
        return None
    try:
        return int(value, 0) if isinstance(value, str) else int(value)
    except (ValueError, OverflowError):
        return UNREADABLE_QUALITY


def bad_quality(quality: int) -> int:
    """Give the bad bits of HMI's QUALITY; 0 where there is none."""
    return quality & 0xFFFFFFFF & ~GOOD_QUALITY


def instrument_of(header: Mapping[str, Value]) -> str | None:
    """Give the instrument that TELESCOP and INSTRUME name, or the Comment of a made PNG.

    Returns:
        `HMI`, `SYNTHETIC`, a value of `OTHER_MAGNETOGRAPHS`, else what the header says; None where it says nothing.
    """
    said = [str(header.get(key, "")).strip() for key in ("TELESCOP", "INSTRUME")]
    words = re.split(r"[^A-Z0-9-]+", " ".join(said).upper())
    parts = {*words, *(part for word in words for part in word.split("-"))} - {""}
    if parts & _NO_MAGNETOGRAPHS:
        return " ".join(filter(None, said))
    if str(header.get("Comment", "")).startswith(SYNTHETIC):
        return SYNTHETIC
    for name in (HMI, SYNTHETIC):
        if name in parts:
            return name
    other = next((OTHER_MAGNETOGRAPHS[part] for part in sorted(parts) if part in OTHER_MAGNETOGRAPHS), None)
    return other or " ".join(filter(None, said)) or None


def is_magnetograph(instrument: str) -> bool:
    """Tell whether an instrument, as `instrument_of` names it, measures magnetic fields, as far as it is known here."""
    return instrument in (HMI, SYNTHETIC) or instrument in OTHER_MAGNETOGRAPHS.values()


def is_imager(instrument: str) -> bool:
    """Tell whether an instrument is known to measure something else than a magnetic field."""
    return bool(set(re.split(r"[^A-Z0-9]+", instrument.upper())) & _NO_MAGNETOGRAPHS)


def segment_in_name(name: str) -> str | None:
    """Give the segment, or the kind of series, that a file's name names where it is no line-of-sight field.

    Args:
        name: without a folder, such as `hmi.sharp_cea_720s.377.20110215_020000_TAI.Br.fits`.
    """
    found = _SEGMENT_IN_NAME.search(name)
    if found and found[1].lower() in SEGMENTS and (found[1].lower() not in _WORDS or _OF_JSOC.search(name)):
        return found[1]
    series = _SERIES.search(name)
    return series[0].rstrip("_").lstrip("0123456789_") if series else None


def other_content(header: Mapping[str, Value], instrument: str | None) -> str | None:
    """Say what of a header is not as in one of a line-of-sight field; None where nothing is.

    Args:
        header: `CONTENT`, `BUNIT`, `BITPIX`, `BSCALE` as far as it has them; of a compressed image those of the image.
        instrument: as `instrument_of` names it.
    """
    content = str(header.get("CONTENT", "")).strip()
    if _NO_FIELD.search(content) or (
        instrument == HMI and content.upper() not in _HMI_CONTENT and "MAGNETOGRAM" not in content.upper()
    ):
        return f"CONTENT is {content!r}"
    if instrument != HMI:
        return None
    patch = content.upper() == "HMI OBSERVABLE"
    if patch and not str(header.get("BUNIT", "")).strip():
        return "it has no unit, as bitmaps and maps of confidence have none"
    if header.get("BITPIX") == 8:
        return "it holds integers of 8 bits, as bitmaps do"
    if header.get("BSCALE") == VECTOR_STEP_GAUSS:
        return f"its values are stored in steps of {VECTOR_STEP_GAUSS} G, as those of Br, Bp and Bt are"
    return None
