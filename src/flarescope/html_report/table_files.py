"""How do the tables of a page become files that a paper takes: CSV with plain numbers, and LaTeX?"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from flarescope.files import write_text
from flarescope.html_report.view import Page, Table
from flarescope.wording import NOTHING

MARK: Final = "% Table of a flarescope report; needs booktabs."
"""First line of each LaTeX file; files that have it are written anew, or removed, with the page."""

_NUMBER: Final = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?")
_LATEX: Final = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "\N{MINUS SIGN}": "$-$",
    "\N{EN DASH}": "--",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$",
    "\N{NO-BREAK SPACE}": "~",
}


def save_tables(page: Page, folder: Path) -> list[Path]:
    """Write each table of a page as CSV and as LaTeX, and remove those of an earlier page that it has not.

    Args:
        page: text and drawings put together.
        folder: created where it is missing; the files are named by section and caption.

    Returns:
        The files written.
    """
    paths = []
    for name, table in _named(page):
        for suffix, text in ((".csv", csv_text(table)), (".tex", latex_text(table))):
            write_text(folder / f"{name}{suffix}", text)
            paths.append(folder / f"{name}{suffix}")
    for old in set(folder.glob("*.tex")) - set(paths):
        if old.read_text(encoding="utf-8", errors="replace").startswith(MARK):
            old.unlink()
            old.with_suffix(".csv").unlink(missing_ok=True)
    return paths


def _named(page: Page) -> Iterator[tuple[str, Table]]:
    seen: set[str] = set()
    for section in page.sections:
        for table in section.tables:
            words = re.sub(r"[^a-z0-9]+", "-", f"{section.name} {table.caption}".lower()).strip("-")[:60].strip("-")
            name, number = words, 2
            while name in seen:
                name, number = f"{words}-{number}", number + 1
            seen.add(name)
            yield name, table


def plain_number(text: str) -> str:
    """Write a number as programs read it, without separators and with an ASCII minus; other words stay as they are."""
    turned = text.replace("\N{MINUS SIGN}", "-")
    return turned.replace(",", "") if _NUMBER.fullmatch(turned) else text


def csv_text(table: Table) -> str:
    """Give a table as CSV; an interval below a number becomes two columns, and what has no value is empty."""
    wide = [any("\n" in row[i] for row in table.rows) for i in range(len(table.columns))]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        part
        for name, split in zip(table.columns, wide, strict=True)
        for part in ((name, f"{name} low", f"{name} high") if split else (name,))
    )
    for row in table.rows:
        cells = zip(row, wide, strict=True)
        writer.writerow(plain_number(part) for cell, split in cells for part in (_split(cell) if split else (cell,)))
    return buffer.getvalue().replace(NOTHING, "")


def _split(cell: str) -> tuple[str, str, str]:
    value, _, ends = cell.partition("\n")
    low, _, high = ends.partition(" to ")
    return value, low, high


def latex_text(table: Table) -> str:
    """Give a table as LaTeX, a `tabular` with its caption; intervals stand in brackets behind their numbers."""
    places = "l" + "".join("l" if i in table.text else "r" for i in range(1, len(table.columns)))
    lines = [
        MARK,
        r"\begin{table}",
        rf"\caption{{{latex_words(table.caption)}}}",
        rf"\begin{{tabular}}{{{places}}}",
        r"\toprule",
        _latex_row(table.columns),
        r"\midrule",
        *(_latex_row(row) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(latex_words(_in_brackets(cell)) for cell in cells) + r" \\"


def _in_brackets(cell: str) -> str:
    value, mark, ends = cell.partition("\n")
    return f"{value} ({ends})" if mark else value


def latex_words(text: str) -> str:
    """Write text so that LaTeX sets it as it is."""
    return "".join(_LATEX.get(sign, sign) for sign in text)
