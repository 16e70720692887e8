"""What do the cards of a FITS header say, where each of them is in the plainest form of the standard?

A FITS library also mends what is invalid and knows conventions; that takes it milliseconds a header. Here a header is
either plain, and then its values are those that the library would give, or `NotPlainError` says that it is not.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

Value = str | int | float | bool

BLOCK_BYTES: Final = 2880
CARD_BYTES: Final = 80
"""FITS 4.0 (Pence et al. 2010, A&A 524, A42, and its 2018 revision), 3.1 and 3.3.1."""

_END: Final = b"END" + b" " * 77
_COMMENTARY: Final = ("COMMENT", "HISTORY", "")
# HIERARCH is a convention; END with a value would end the header for some readers.
_NOT_PLAIN: Final = frozenset(("HIERARCH", "END"))
_KEYWORDS: Final = re.compile(r"[A-Z0-9_\n-]*")
_VALUE: Final = re.compile(
    r" *(?:'(?P<text>[^']*)' *(?:/[^']*)?"
    r"|(?:(?P<whole>[+-]?\d{1,18})|(?P<real>[+-]?(?:\.\d+|\d+\.?\d*)(?:[ED][+-]?\d{1,3})?)|(?P<logical>[TF]))"
    r" *(?:/.*)?)"
)


class NotPlainError(Exception):
    """A header or a file is not of the plain form; it may still be valid FITS."""


@dataclass(frozen=True)
class PlainHeader:
    """The cards of one header that have a value.

    Attributes:
        keywords: in the order of the header.
        fields: keyword -> columns 11 to 80 of its first card.
        repeated: keywords that more than one card has.
        end: where the header's last block ends, bytes from the start of the file.
    """

    keywords: tuple[str, ...]
    fields: dict[str, str]
    repeated: frozenset[str]
    end: int

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.fields

    def value(self, keyword: str) -> Value:
        """Give a keyword's value.

        Raises:
            NotPlainError: it is missing, stands there twice, has no value, or not a plain one.
        """
        match = _VALUE.fullmatch(self.fields.get(keyword, ""))
        if match is None or keyword in self.repeated:
            raise NotPlainError(keyword)
        text, whole, real, logical = match.group("text", "whole", "real", "logical")
        if whole is not None:
            return int(whole)
        if real is not None:
            return float(real.replace("D", "E"))
        if logical is not None:
            return bool(logical == "T")
        if ": " in text:  # a record-valued keyword, such as 'AXIS.1: 2.0', has another name than its card
            raise NotPlainError(keyword)
        return text.rstrip()

    def whole(self, keyword: str, default: int | None = None) -> int:
        """Give a keyword's value, or `default` where it is missing.

        Raises:
            NotPlainError: it is no whole number, or missing without a default.
        """
        if default is not None and keyword not in self.fields:
            return default
        value = self.value(keyword)
        if not isinstance(value, int) or isinstance(value, bool):
            raise NotPlainError(keyword)
        return value

    def number(self, keyword: str, default: float) -> float:
        """Give a keyword's value, an int or a float as it is written, or `default` where it is missing.

        Raises:
            NotPlainError: it is no number.
        """
        if keyword not in self.fields:
            return default
        value = self.value(keyword)
        if isinstance(value, str | bool):
            raise NotPlainError(keyword)
        return value


def read_header(content: bytes, start: int) -> PlainHeader:
    """Read the header that begins at an offset in a file.

    Args:
        content: the file.
        start: offset in bytes.

    Raises:
        NotPlainError: the header has no END, a byte that is not printable ASCII, or a card that is neither `KEYWORD =`
            with the sign in column 9 nor commentary.
    """
    last = content.find(_END, start)
    end = start + ((last - start) // BLOCK_BYTES + 1) * BLOCK_BYTES
    if last < 0 or (last - start) % CARD_BYTES or content[last + CARD_BYTES : end].strip(b" ") or end > len(content):
        raise NotPlainError("END")
    try:
        text = content[start:last].decode("ascii")
    except UnicodeDecodeError as error:
        raise NotPlainError("ASCII") from error
    if not text.isprintable():
        raise NotPlainError("ASCII")
    keywords: list[str] = []
    fields: dict[str, str] = {}
    for place in range(0, len(text), CARD_BYTES):
        keyword = text[place : place + 8].rstrip()
        if keyword in _COMMENTARY:
            continue
        if keyword == "CONTINUE" and keywords:
            fields[keywords[-1]] = ""  # a text in several cards has no plain value, and is wanted of no image of ours
            continue
        if text[place + 8 : place + 10] != "= " or keyword in _NOT_PLAIN:
            raise NotPlainError(keyword)
        keywords.append(keyword)
        fields.setdefault(keyword, text[place + 10 : place + CARD_BYTES])
    if not _KEYWORDS.fullmatch("\n".join(keywords)):
        raise NotPlainError("keywords")
    repeated = frozenset() if len(fields) == len(keywords) else frozenset(_repeated(keywords))
    return PlainHeader(tuple(keywords), fields, repeated, end)


def _repeated(keywords: list[str]) -> list[str]:
    return [keyword for keyword, count in Counter(keywords).items() if count > 1]
