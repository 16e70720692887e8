"""What was said while a forecast was made, so that the forecast itself says it?"""

from collections.abc import Sequence

from flarescope.progress import Reporter


class Heard(Reporter):
    """Passes on what it hears, and keeps each line once.

    Args:
        reporter: hears it too.
        notes: what is kept already.
        warnings_alone: whether notes, such as which engine runs, are passed on and not kept.
    """

    def __init__(self, reporter: Reporter, notes: Sequence[str] = (), *, warnings_alone: bool = False) -> None:
        self.reporter = reporter
        self.notes = list(dict.fromkeys(notes))
        self.warnings_alone = warnings_alone

    def say(self, text: str) -> None:
        """Hear a note."""
        if not self.warnings_alone:
            self._keep(text)
        self.reporter.say(text)

    def warn(self, text: str) -> None:
        """Hear what changes the forecast's meaning."""
        self._keep(text)
        self.reporter.warn(text)

    def advance(self, label: str, done: int, total: int) -> None:
        """Hear of progress."""
        self.reporter.advance(label, done, total)

    def _keep(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


class Named(Reporter):
    """Passes on what it hears, each warning with the name of the one that it is about before it.

    Args:
        reporter: hears it.
        name: of a model among several.
    """

    def __init__(self, reporter: Reporter, name: str) -> None:
        self.reporter, self.name = reporter, name

    def say(self, text: str) -> None:
        """Hear a note."""
        self.reporter.say(text)

    def warn(self, text: str) -> None:
        """Hear what changes a forecast's meaning."""
        self.reporter.warn(f"{self.name}: {text}")

    def advance(self, label: str, done: int, total: int) -> None:
        """Hear of progress."""
        self.reporter.advance(label, done, total)
