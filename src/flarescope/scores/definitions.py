"""What does each score ask, how is it computed, and what is a good value of it?

The definitions are data, so that the report, the command line and the tests read the same ones. Those of numbers that
are no score of a forecast as a whole are in `questions.definitions`.
"""

from typing import Final

from flarescope.scores.definition import Score
from flarescope.scores.definitions_probability import PROBABILISTIC
from flarescope.scores.definitions_yes_no import CATEGORICAL

DEFINITIONS: Final[dict[str, Score]] = CATEGORICAL | PROBABILISTIC
"""Every score by name."""
