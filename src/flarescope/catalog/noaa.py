"""How are NOAA's text products read: which bytes, which lines, which region, which day?"""

import datetime as dt
import re
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from flarescope.errors import InputError
from flarescope.files import refuse_special, translate_os_errors
from flarescope.parsing import refusing_damage
from flarescope.region_numbers import full_region_number
from flarescope.text_tables import MISSING

MOST_BYTES: Final = 4_000_000
"""More than any daily product has (a summary is about 1 kB, an event report some 10 kB); larger files are not read."""

MOST_ARCHIVE_BYTES: Final = 200_000_000
"""Of what an archive unpacks to; more than the products of many years have."""

T = TypeVar("T")

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class Refused:
    """A file that was not used, and why, in one line that names the file; or a part of one that cannot be read."""

    path: str
    reason: str
    part: bool = False


def parse_region(text: str, day: dt.date) -> int | None:
    """Read a region number; None where there is none: blank, `0000`, `////`, or below 0.

    Raises:
        ValueError: other text.
    """
    text = re.sub(r"\.0+$", "", text.strip())  # tables with gaps often hold the number as 11121.0
    if text.lower() in MISSING or set(text) <= {"0"} or set(text) <= {"/"} or re.fullmatch("-[0-9]+", text):
        return None
    if not re.fullmatch("[0-9]{1,5}", text):
        raise ValueError(f"region {text!r}; expected four or five digits, such as 1121 or 11121")
    return full_region_number(int(text), day)


def parse_day(year: str, month: str, day: str) -> dt.date:
    """Read a day; the month by number, by name or by the first three letters of the name.

    Raises:
        ValueError: there is no such day, or the year is not one in which NOAA numbered regions (1972 and later).
    """
    try:
        if not 1972 <= int(year) <= 2100:
            raise ValueError(year)
        number = int(month) if month.isdecimal() else _MONTHS.index(month[:3].lower()) + 1
        return dt.date(int(year), number, int(day))
    except ValueError as error:
        raise ValueError(f"there is no day {year} {month} {day}") from error


def to_lines(content: bytes, source: str) -> list[str]:
    """Split a product into lines without their ends, whatever system wrote them.

    Raises:
        InputError: nothing but white space in it.
    """
    text = content.decode("utf-8", errors="replace").lstrip("\ufeff")
    if not text.strip():
        raise InputError(f"{source}: the file is empty; fetch it again")
    return [line.rstrip() for line in re.split("\r\n|\r|\n", text)]


def split_products(lines: list[str], heads: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Give the products in a file, which may be those of several days joined, each with the number of its first line.

    A product ends where the next one's head begins: at a line `:Product:`, or at another line of the head that the
    product already has.

    Args:
        lines: of the file.
        heads: the lines of a head, in lower case and without colons, `product` among them.
    """
    pattern = re.compile(f":({'|'.join(heads)}):", re.IGNORECASE)
    start = 0
    seen: set[str] = set()
    for number, line in enumerate(lines):
        if match := pattern.match(line):
            name = match.group(1).lower()
            if name in seen or (name == "product" and seen):
                yield start + 1, lines[start:number]
                start, seen = number, set()
            seen.add(name)
    yield start + 1, lines[start:]


def each_product(
    source: str, content: bytes, heads: Sequence[str], read: Callable[[list[str], str, int], T]
) -> Iterator[T | Refused]:
    """Read each product in a file; one that is damaged does not cost the others.

    Args:
        source: what to call the file in a message.
        content: of it.
        heads: as for `split_products`.
        read: makes something of a product's lines, the file's name and the number of its first line, or raises
            InputError.
    """
    try:
        parts = list(split_products(to_lines(content, source), heads))
    except InputError as error:
        yield Refused(source, str(error))
        return
    for first, lines in parts:
        try:
            yield read(lines, source, first)
        except InputError as error:
            yield Refused(source, str(error), part=len(parts) > 1)


def read_lines(path: Path) -> list[str]:
    """Read the lines of one product.

    Raises:
        InputError: the file is missing, empty or far larger than a product is.
    """
    with translate_os_errors(path, "read"):
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    _check_size(len(content), str(path))
    return to_lines(content, str(path))


def _check_size(size: int, source: str) -> None:
    if size > MOST_BYTES:
        raise InputError(f"{source}: more than {MOST_BYTES:,} bytes; expected a text product of NOAA, some kB long")


def products(path: Path, ending: str) -> Iterator[tuple[str, bytes]]:
    """Give name and content of each product in a file, a folder (with those in it) or a tar archive, by name.

    An archive is read where it lies, nothing is unpacked; NOAA publishes a year of products as one.

    Args:
        path: one product, a folder, or a `.tar`, `.tar.gz`, `.tar.xz`.
        ending: of the products' names in folders and archives, such as `SRS.txt`.

    Raises:
        InputError: nothing there, no such product in it, or a damaged archive.
    """
    found = False
    for name, content in _walk(path, ending):
        found = True
        yield name, content
    if not found:
        raise InputError(f"{path}: no file named *{ending} in it")


def _walk(path: Path, ending: str) -> Iterator[tuple[str, bytes]]:
    with translate_os_errors(path, "read"):
        if path.is_dir():
            for file in sorted(path.rglob(f"*{ending}")):
                refuse_special(file)
                yield str(file), _read_some(file)
        elif path.stat().st_size and _is_archive(path):
            yield from _walk_archive(path, ending)
        else:
            yield str(path), _read_some(path)


def _read_some(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)


def _is_archive(path: Path) -> bool:
    with refusing_damage(path, "fetch it again", what="damaged archive"):
        return tarfile.is_tarfile(path)


def _walk_archive(path: Path, ending: str) -> Iterator[tuple[str, bytes]]:
    with refusing_damage(path, "fetch it again", what="damaged archive"):
        with tarfile.open(path) as archive:
            members = [member for member in _members(archive) if member.name.endswith(ending)]
            for member in sorted(members, key=lambda each: each.offset_data):
                file = archive.extractfile(member)
                if file is not None:
                    yield f"{path}:{member.name}", file.read(MOST_BYTES + 1)


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Give the files of an archive that is not far larger than a year of products.

    Raises:
        ValueError: what a packed archive unpacks to would take minutes to go through.
    """
    size = 0
    for member in archive:
        size += member.size
        if size > MOST_ARCHIVE_BYTES:
            raise ValueError(f"more than {MOST_ARCHIVE_BYTES:,} bytes in it; a year of products has some million")
        if member.isfile():
            yield member
