"""How does a long stage tell whoever started it what it does and how far it is?"""

import warnings

from flarescope.errors import FlarescopeWarning


class Reporter:
    """Hears of a stage's notes and progress; this one keeps silent, the command line's prints."""

    def say(self, text: str) -> None:
        """Hear a line worth knowing, such as which engine was chosen."""

    def warn(self, text: str) -> None:
        """Hear a line that changes what the results mean, such as random filters."""

    def advance(self, label: str, done: int, total: int) -> None:
        """Hear that `done` of `total` units of the work named `label` are finished; the last call has done == total."""


class WarningReporter(Reporter):
    """For programs that name no reporter: what changes the meaning of the results is a Python warning."""

    def warn(self, text: str) -> None:
        """Warn as Python does."""
        warnings.warn(text, FlarescopeWarning, stacklevel=4)
