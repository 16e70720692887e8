"""How do notes, progress and results look on a terminal, in a log, and to a program?"""

import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from flarescope.errors import printable
from flarescope.progress import Reporter

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_EVERY_S = 10.0
"""Seconds between two lines of progress where standard error is no terminal."""

STAND_INS = str.maketrans({"±": "+-", "−": "-", "–": "-"})
"""What the tables hold beyond ASCII, for a terminal that has no more."""


@dataclass
class Settings:
    """What the options that every command has were set to."""

    quiet: bool = False
    as_json: bool = False
    debug: bool = False

    def reset(self) -> None:
        """Forget an earlier command of this process."""
        self.quiet = self.as_json = self.debug = False


settings = Settings()


def shown(text: str, stream: TextIO) -> str:
    """Give text as a stream can show it: what its encoding lacks, and what would move its cursor, is escaped."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    lines = []
    for line in text.split("\n"):
        plain = printable(line)
        try:
            plain.encode(encoding)
        except UnicodeEncodeError:
            plain = plain.translate(STAND_INS).encode(encoding, "backslashreplace").decode(encoding)
        lines.append(plain)
    return "\n".join(lines)


def say_line(text: str, stream: TextIO | None) -> None:
    """Write text to a stream, if it is there; a process can be started without one."""
    if stream is not None:
        stream.write(shown(text, stream) + "\n")


def out(text: str) -> None:
    """Print a result on standard output."""
    say_line(text, sys.stdout)


def note(text: str) -> None:
    """Print a note on standard error, unless --quiet."""
    if not settings.quiet:
        say_line(text, sys.stderr)


def warn(text: str) -> None:
    """Print on standard error what changes the meaning of the results, even under --quiet."""
    say_line(f"WARNING: {text}", sys.stderr)


class ScreenReporter(Reporter):
    """Prints notes, and progress as a bar on a terminal or as a line now and then in a log."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._label = ""
        self._started = self._printed = 0.0

    def say(self, text: str) -> None:
        """Print a note."""
        self.close()
        note(text)

    def warn(self, text: str) -> None:
        """Print what changes the meaning of the results, even under --quiet."""
        self.close()
        warn(text)

    def advance(self, label: str, done: int, total: int) -> None:
        """Show progress with rate and time left."""
        if settings.quiet:
            return
        if label != self._label:
            self.close()
            self._label, self._started, self._printed = label, time.monotonic(), time.monotonic()
        if is_terminal(sys.stderr):
            self._show_bar(label, done, total)
        else:
            self._print_line(label, done, total)
        if done >= total:
            self.close()

    def close(self) -> None:
        """End the bar that is shown."""
        if self._bar is not None:
            self._bar.stop()
        self._bar, self._task, self._label = None, None, ""

    def _show_bar(self, label: str, done: int, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        if self._bar is None or self._task is None:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(label, total=total, rate="")
        self._bar.update(self._task, completed=done, rate=self._rate(done))

    def _print_line(self, label: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._printed < LINE_EVERY_S:
            return
        self._printed = now
        left = (now - self._started) * (total - done) / max(done, 1)
        note(f"{label}: {done:,} of {total:,}, {self._rate(done)}, {_duration(left)} left")

    def _rate(self, done: int) -> str:
        return f"{done / max(time.monotonic() - self._started, 1e-6):,.1f}/s"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def show_json(values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
    """Print values as JSON on standard output."""
    from flarescope.files import utf8_values

    out(json.dumps(utf8_values(values), indent=2))


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody watches a stream."""
    return stream is not None and stream.isatty()


def _fits(widths: list[int]) -> bool:
    """Whether a drawn table of these columns has room on the terminal; a folded number cannot be read."""
    return sum(widths) + 3 * len(widths) + 1 <= shutil.get_terminal_size().columns


def show_table(title: str, header: list[str], rows: list[list[str]]) -> None:
    """Print a table: drawn on a terminal, plain columns elsewhere; the first column to the left.

    On a terminal that is too narrow for the columns each row becomes a block of lines, a cell a line.
    """
    if sys.stdout is None:
        return
    cells = [[shown(cell, sys.stdout).replace("\n", " ") for cell in row] for row in [header, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if not is_terminal(sys.stdout):
        _show_columns(title, cells, widths)
    elif _fits(widths):
        _draw(title, cells)
    elif sum(widths) + 2 * (len(widths) - 1) <= shutil.get_terminal_size().columns:
        _show_columns(title, cells, widths)
    else:
        _show_blocks(title, cells)


def _draw(title: str, cells: list[list[str]]) -> None:
    """Draw a table; a name is shown as it is, be there brackets in it or not."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    header, *rows = cells
    table = Table(title=Text(shown(title, sys.stdout)), title_justify="left")
    for number, name in enumerate(header):
        table.add_column(Text(name), justify="left" if number == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def _show_columns(title: str, cells: list[list[str]], widths: list[int]) -> None:
    out(title)
    for first, *others in cells:
        line = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        out("  ".join(line).rstrip())


def _show_blocks(title: str, cells: list[list[str]]) -> None:
    out(title)
    header, *rows = cells
    width = max(map(len, header))
    for row in rows:
        out("")
        for name, cell in zip(header, row, strict=True):
            out(f"{name.ljust(width)}  {cell}".rstrip())


def show_counts(title: str, counts: Mapping[str, int], more: Mapping[str, Any] | None = None) -> None:
    """Print what was counted, as a table or as JSON, where `more` stands beside the counts."""
    if settings.as_json:
        show_json({**counts, **(more or {})})
    else:
        show_table(title, ["", "count"], [[name, f"{count:,}"] for name, count in counts.items()])
