"""How does a long stage tell whoever started it what it does and how far it is?"""

import sys
import warnings
from types import FrameType

from flarescope.errors import FlarescopeWarning


class Reporter:
    """Hears of a stage's notes and progress; this one keeps silent, the command line's prints.

    Example:
        >>> class Printed(flarescope.Reporter):
        ...     def say(self, text):
        ...         print(text)
        >>> evaluation = flarescope.evaluate(
        ...     "runs/png", table="test.csv", images="images", reporter=Printed()
        ... )  # doctest: +ELLIPSIS
        model: ...
    """

    def say(self, text: str) -> None:
        """Hear a line worth knowing, such as which engine was chosen."""

    def warn(self, text: str) -> None:
        """Hear a line that changes what the results mean, such as random filters."""

    def advance(self, label: str, done: int, total: int) -> None:
        """Hear that `done` of `total` units of the work named `label` are finished; the last call has done == total."""

    def about(self, name: str) -> "Reporter":
        """Give who hears of one event alone: the same, but where several events share a reporter (`Once`)."""
        return self


class Naming(Reporter):
    """Tells another reporter the same, with a name before each line: which of several events it is of."""

    def __init__(self, reporter: Reporter, name: str) -> None:
        self._reporter, self._name = reporter, name

    def say(self, text: str) -> None:
        """Say whose note it is."""
        self._reporter.say(f"{self._name}: {text}")

    def warn(self, text: str) -> None:
        """Say whose warning it is."""
        self._reporter.warn(f"{self._name}: {text}")

    def advance(self, label: str, done: int, total: int) -> None:
        """Pass on."""
        self._reporter.advance(label, done, total)


class Once(Reporter):
    """Tells another reporter each line once, where several events have the same to say."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter, self._told = reporter, set[str]()

    def say(self, text: str) -> None:
        """Say it the first time."""
        if self._is_new(text):
            self._reporter.say(text)

    def warn(self, text: str) -> None:
        """Warn the first time."""
        if self._is_new(text):
            self._reporter.warn(text)

    def advance(self, label: str, done: int, total: int) -> None:
        """Pass on."""
        self._reporter.advance(label, done, total)

    def about(self, name: str) -> Reporter:
        """Give who hears of one of the events alone, with its name before each line."""
        return Naming(self, name)

    def _is_new(self, text: str) -> bool:
        new = text not in self._told
        self._told.add(text)
        return new


class WarningReporter(Reporter):
    """For programs that name no reporter: what changes the meaning of the results is a Python warning, given once."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def warn(self, text: str) -> None:
        """Warn as Python does."""
        if text not in self._given:
            self._given.add(text)
            warn_user(text)


def warn_user(text: str) -> None:
    """Give a Python warning that shows the line of the user's program which called flarescope, however deep this is."""
    warnings.warn(text, FlarescopeWarning, stacklevel=1 + _frames_of_ours(sys._getframe()))


def _frames_of_ours(frame: FrameType | None) -> int:
    """Count the frames from this one out to our outermost; among them are some of the libraries that call us back."""
    ours = depth = 0
    while frame is not None:
        depth += 1
        if frame.f_globals.get("__name__", "").partition(".")[0] == "flarescope":
            ours = depth
        frame = frame.f_back
    return ours
