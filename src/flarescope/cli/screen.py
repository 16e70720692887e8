"""How do notes, progress and results look on a terminal, in a log, and to a program?"""

import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flarescope.progress import Reporter

if TYPE_CHECKING:
    import pandas as pd
    from rich.progress import Progress, TaskID

LINE_EVERY_S = 10.0
"""Seconds between two lines of progress where standard error is no terminal."""


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


def out(text: str) -> None:
    """Print a result on standard output, if there is one."""
    if sys.stdout is not None:
        sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """Print a note on standard error, unless --quiet."""
    if not settings.quiet and sys.stderr is not None:
        sys.stderr.write(text + "\n")


def warn(text: str) -> None:
    """Print on standard error what changes the meaning of the results, even under --quiet."""
    sys.stderr.write(f"WARNING: {text}\n")


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
        if sys.stderr.isatty():
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
                TextColumn("{task.description}"),
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
    out(json.dumps(values, indent=2))


def frame_records(frame: "pd.DataFrame") -> list[Mapping[str, Any]]:
    """Give the rows of a table as plain values: times in ISO 8601, missing values None."""
    records: list[Mapping[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso"))
    return records


def _plain(cell: str) -> str:
    """Keep what a file name holds from moving the cursor or breaking the table."""
    return "".join(character if character.isprintable() else "?" for character in cell)


def _fits(widths: list[int]) -> bool:
    """Whether a drawn table of these columns has room on the terminal; a folded number cannot be read."""
    return sum(widths) + 3 * len(widths) + 1 <= shutil.get_terminal_size().columns


def show_table(title: str, header: list[str], rows: list[list[str]]) -> None:
    """Print a table: drawn on a terminal, plain columns elsewhere; the first column to the left."""
    rows = [[_plain(cell) for cell in row] for row in rows]
    widths = [max(len(cells[i]) for cells in [header, *rows]) for i in range(len(header))]
    if sys.stdout.isatty() and _fits(widths):
        from rich.console import Console
        from rich.table import Table

        table = Table(title=title, title_justify="left")
        for number, name in enumerate(header):
            table.add_column(name, justify="left" if number == 0 else "right", overflow="fold")
        for row in rows:
            table.add_row(*row)
        Console().print(table)
        return
    out(title)
    for first, *others in [header, *rows]:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        out("  ".join(cells).rstrip())


def show_counts(title: str, counts: Mapping[str, int]) -> None:
    """Print what was counted, as a table or as JSON."""
    if settings.as_json:
        show_json(counts)
    else:
        show_table(title, ["", "count"], [[name, f"{count:,}"] for name, count in counts.items()])
