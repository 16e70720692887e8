"""How does a text file with columns become a table, whoever wrote it?

Every table in text goes through here: catalogues, labels files, forecasts, lists of flares. Read over are comment
lines (`#`) above the table, blank lines, a byte order mark, and spaces before a value, also before its quotes. Refused
are two columns of one name, other separators than commas, UTF-16, and rows with more fields than the header, unless
what stands there too much is plainly an index without a name. ECSV (astropy's form: names and types in comments, fields
separated by spaces) is read as the text that it is.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Final, TextIO

import pandas as pd

from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.files import translate_os_errors
from flarescope.parsing import refusing_damage

COMMENT: Final = "#"
MISSING: Final = frozenset({"", "nan", "none", "null", "na", "n/a", "<na>", "nat", "--", "////"})
"""What programs write where they have no value, in lower case; `////` is NOAA's."""

_LONGEST_LINE: Final = 65_536
_MOST_COMMENTS: Final = 100_000
_UNNAMED: Final = "\0"
"""First letter of the name that a column gets which the header has none for; such columns are dropped."""
_LOOKED_AT: Final = 1000
"""Rows by which an index without a name is told."""


@dataclass(frozen=True)
class TextForm:
    """How a table is written.

    Attributes:
        above: lines above the first row of values, the header among them.
        separator: `,`, or a space in ECSV.
        columns: names of the fields of a row, in order; None without a header.
        first: the header, or the first row where there is none, as one line.
        ecsv: whether texts may stand in JSON's quotes.
    """

    above: int
    separator: str
    columns: tuple[str, ...] | None
    first: str
    ecsv: bool


def check_csv_form(path: Path, line: str, content: bytes) -> None:
    """Refuse text that a spreadsheet saved in another form than UTF-8 with commas, before its columns are missed.

    Args:
        path: what a message names.
        line: the first line of the table.
        content: the first bytes of the file.

    Raises:
        InputError: UTF-16, or a first line with more semicolons or tabs than commas.
    """
    empty = content.count(b"\0") / max(len(content), 1)  # of Latin letters in UTF-16 every other byte is 0
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or 1 / 3 < empty < 2 / 3:
        raise InputError(f"{path}: it is text in UTF-16; expected UTF-8: save it as CSV in UTF-8")
    for separator, word in ((";", "semicolons"), ("\t", "tabs")):
        if line.count(separator) > line.count(","):
            raise InputError(f"{path}: its fields are separated by {word}; expected commas: save it as CSV with commas")


def first_line(path: Path) -> str:
    """Give the first line that is neither blank nor a comment, stripped; empty where there is none.

    Raises:
        InputError: the file cannot be read, or is not in the form of `check_csv_form`.
    """
    with translate_os_errors(path, "read"):
        with path.open("rb") as file:
            content = file.read(4096)
        with _opened(path) as text:
            _, _, line = _skip_comments(path, text)
    if not line.lstrip().startswith(":"):
        check_csv_form(path, line, content)
    return line.strip()


def _opened(path: Path) -> TextIO:
    return path.open(encoding="utf-8-sig", errors="replace")  # with line ends of any system


def _skip_comments(path: Path, file: TextIO) -> tuple[int, list[str], str]:
    """Give the number of lines above the table, the comments among them, and the table's first line."""
    comments: list[str] = []
    for number in range(_MOST_COMMENTS):
        line = file.readline(_LONGEST_LINE)
        if not line:
            break
        if len(line) == _LONGEST_LINE:
            raise InputError(f"{path}: a line of more than {_LONGEST_LINE:,} characters; expected a table of text")
        if line.strip() and not line.lstrip().startswith(COMMENT):
            return number, comments, line.rstrip("\n")
        comments += [line.strip()] if line.strip() else []
    return len(comments), comments, ""


def find_form(path: Path, *, header: bool = True) -> TextForm:
    """Find out how a table is written, from its first lines.

    Args:
        path: the file.
        header: whether its first line names the columns.

    Raises:
        InputError: a header that names two columns alike, or whose rows have more fields.
    """
    first_line(path)
    with translate_os_errors(path, "read"), _opened(path) as file:
        above, comments, line = _skip_comments(path, file)
        ecsv = bool(comments) and comments[0].startswith("# %ECSV")
        separator = _ecsv_separator(comments) if ecsv else ","
        if not header:
            return TextForm(above, separator, None, line, ecsv)
        try:
            names = [name.strip() for name in next(_reader(iter([line]), separator), [])]
            rows = [row for row in islice(_reader(file, separator), _LOOKED_AT) if any(field.strip() for field in row)]
        except csv.Error as error:
            raise InputError(f"{path}: cannot be read as CSV: {error}") from error
    refuse_twice(names, str(path))
    named = [name or f"{_UNNAMED}{place}" for place, name in enumerate(_fields(path, names, rows))]
    return TextForm(above + 1, separator, tuple(named), line, ecsv)


def refuse_twice(names: Iterable[str], source: str) -> None:
    """Refuse a table with two columns of one name: nothing says which of them is meant.

    Raises:
        InputError: with the names.
    """
    known = [name for name in names if name]
    twice = sorted({name for name in known if known.count(name) > 1})
    if twice:
        raise InputError(f"{source}: two columns say the same ({', '.join(twice)[:80]}); keep one")


def _ecsv_separator(comments: list[str]) -> str:
    said = next((match[1] for line in comments if (match := re.match(r"#\s*delimiter:\s*'?([ ,])'?\s*$", line))), " ")
    return said


def _reader(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=separator, skipinitialspace=True)


def _fields(path: Path, names: list[str], rows: list[list[str]]) -> list[str]:
    """Name every field of a row: as the header does, or with an index before them that has no name."""
    longest = max((len(row) for row in rows), default=0)
    if longest <= len(names):
        return names
    if longest == len(names) + 1 and all(len(row) == longest for row in rows) and _counts([row[0] for row in rows]):
        return ["", *names]
    raise InputError(
        f"{path}: its header names {counted(len(names), 'column')} and its rows have {counted(longest, 'field')}; "
        "a column lacks its name: write one for each, separated by commas"
    )


def _counts(texts: list[str]) -> bool:
    """Tell whether some fields are an index: whole numbers that rise from 0 or 1."""
    numbers = [int(text) for text in texts if re.fullmatch("[0-9]{1,9}", text.strip())]
    rising = all(one < other for one, other in pairwise(numbers))
    return len(numbers) == len(texts) and numbers[0] in (0, 1) and rising


def read_text_table(path: Path, *, header: bool = True) -> pd.DataFrame:
    """Read a table of text.

    Args:
        path: the file.
        header: whether its first line names the columns; else they are numbered from 0.

    Returns:
        Every column as text, `""` for an empty field and for one that the row lacks; blank rows are left out. The index
        is the number of the row's line in the file, as long as no value is written over several lines.

    Raises:
        InputError: the file cannot be read, is empty, or is in none of the forms of the module.
    """
    form = find_form(path, header=header)
    if not form.first.strip():
        raise InputError(f"{path}: the file is empty; expected a table such as filename,class")
    with refusing_damage(path, "save it as CSV in UTF-8 with commas", what="cannot be read as CSV"):
        frame: pd.DataFrame = pd.read_csv(
            path,
            sep=form.separator,
            header=None,
            names=None if form.columns is None else list(form.columns),
            index_col=False,
            skiprows=form.above,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
            skip_blank_lines=False,
        )
    frame.index = pd.RangeIndex(form.above + 1, form.above + 1 + len(frame))
    frame = frame.drop(columns=[name for name in form.columns or () if name.startswith(_UNNAMED)])
    if frame.columns.empty:
        raise InputError(f"{path}: its header names no column; expected a table such as filename,class")
    blank = frame.iloc[:, 0].eq("")
    if blank.any():
        frame = frame.drop(index=frame.index[blank][(frame[blank] == "").all(axis=1)])
    return _without_json(frame) if form.ecsv else frame


def _without_json(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: frame[name].map(_plain) for name in frame}, dtype="str")


def _plain(text: str) -> str:
    """Take JSON's quotes off a text of ECSV."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    try:
        return str(json.loads(text))
    except (ValueError, RecursionError):
        return text


def read_text_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Read a table of text row by row, for small files whose every line is judged.

    Returns:
        For each row that is not blank the number of its line and name -> field, stripped; a field that the row lacks
        is left out.

    Raises:
        InputError: as `read_text_table`.
    """
    form = find_form(path)
    names = form.columns or ()
    with translate_os_errors(path, "read"), _opened(path) as file:
        lines = islice(file, form.above, None)
        reader = csv.reader(lines, delimiter=form.separator, skipinitialspace=True)
        try:
            for row in reader:
                if len(row) > len(names):
                    raise csv.Error(f"{counted(len(row), 'field')}; expected {len(names)}, as in the header")
                if any(field.strip() for field in row):
                    yield form.above + reader.line_num, _named(names, row, form)
        except csv.Error as error:
            raise InputError(f"{path}, line {form.above + reader.line_num}: {error}") from error


def _named(names: tuple[str, ...], row: list[str], form: TextForm) -> dict[str, str]:
    pairs = ((name, field.strip()) for name, field in zip(names, row, strict=False))
    return {name: _plain(field) if form.ecsv else field for name, field in pairs if not name.startswith(_UNNAMED)}


def missing_to_null(column: "pd.Series[str]") -> "pd.Series[str]":
    """Give a column of text with null where a program wrote that it has no value (see `MISSING`)."""
    return column.where(~column.str.strip().str.lower().isin(MISSING))
