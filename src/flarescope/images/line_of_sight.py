"""Is an image a line-of-sight magnetogram, by its name and its header?"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flarescope.errors import InputError
from flarescope.images import instruments
from flarescope.images.fits.cards import Value

GAUSS_UNITS: Final = ("gauss", "g", "mx/cm^2", "mx/cm2", "mx cm-2", "")
"""What BUNIT may say: HMI writes Gauss for images in the plane of the sky and Mx/cm^2, the same number, for patches."""


@dataclass(frozen=True)
class Accept:
    """What may be read beside HMI's line-of-sight field.

    Attributes:
        instrument_ok: fields of other magnetographs, such as MDI and GONG.
        whole_disk: images of the whole disk, and only these (`disk_picture`), where else one region is expected.
    """

    instrument_ok: bool = False
    whole_disk: bool = False


HMI_ONLY: Final = Accept()


class NotMagnetogramError(InputError):
    """A sound file that holds something else than a line-of-sight field of one region."""


def check_name(path: Path) -> None:
    """Refuse a file whose name says that it holds something else.

    Raises:
        NotMagnetogramError: naming the segment.
    """
    segment = instruments.segment_in_name(path.name)
    if segment:
        raise NotMagnetogramError(
            f"{path}: {segment} by its name; expected a line-of-sight magnetogram (segment magnetogram)"
        )


def check_header(path: Path, header: Mapping[str, Value], accept: Accept) -> None:
    """Refuse an image whose header says that it is no line-of-sight field in gauss, or of another instrument.

    Raises:
        NotMagnetogramError: naming what it is.
    """
    instrument = instruments.instrument_of(header)
    if instrument is not None and instruments.is_imager(instrument):
        raise NotMagnetogramError(f"{path}: of {_short(instrument)}, which measures no magnetic field; expected HMI's")
    unit = str(header.get("BUNIT", "")).strip()
    if unit.lower() not in GAUSS_UNITS:
        raise NotMagnetogramError(
            f"{path}: the unit is {_short(unit)!r}; expected gauss (BUNIT Gauss or Mx/cm^2) of a line-of-sight field"
        )
    other = instruments.other_content(header, instrument)
    if other:
        raise NotMagnetogramError(f"{path}: {_short(other)}; expected a line-of-sight magnetogram")
    if instrument in (None, instruments.HMI, instruments.SYNTHETIC) or accept.instrument_ok:
        return
    known = "another magnetograph" if instruments.is_magnetograph(instrument) else "not known here"
    raise NotMagnetogramError(
        f"{path}: of {_short(instrument)}, {known}; expected SDO/HMI. Its scale and unit differ; "
        "--instrument-ok takes it all the same"
    )


def _short(text: str) -> str:
    return " ".join(text.split())[:60]
