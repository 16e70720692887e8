"""Are the data of a FITS file those that were written: does DATASUM agree?

FITS 4.0, 4.4.2.7 and appendix J: the ones'-complement sum of the data's 32-bit words, an unsigned decimal number in a
string. HMI's files hold it for the table of compressed tiles as it lies in the file. It agrees in all HMI files that
were tried; CHECKSUM, over header and data, does not in most of them, and is not looked at.
"""

from typing import Final

import numpy as np

_MODULUS: Final = (1 << 32) - 1


def datasum(data: bytes | memoryview) -> int:
    """Give the ones'-complement sum of big-endian 32-bit words, 0 .. 2^32 - 2.

    Args:
        data: whole words; a FITS data unit is a multiple of 2880 bytes.
    """
    return int(np.frombuffer(data, ">u4").sum(dtype=np.uint64)) % _MODULUS


def agrees(stated: object, data: bytes | memoryview) -> bool:
    """Tell whether the value of a DATASUM card is that of the data; one that is empty or no number says nothing."""
    text = str(stated).strip()
    return not (text.isascii() and text.isdecimal()) or int(text) % _MODULUS == datasum(data)
