"""How does a model's raw probability become the one that counts, and a yes or no: by calibration and threshold?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from flarescope.scores.calibration import Calibration, calibration_from_json
from flarescope.scores.threshold import ARGMAX


@dataclass(frozen=True)
class Decision:
    """Calibration and threshold of a model, both fitted on validation rows.

    Attributes:
        threshold: an event is forecast from this probability on, after the calibration if there is one.
        calibration: None leaves probabilities as they came.
    """

    threshold: float = ARGMAX
    calibration: Calibration | None = None

    @classmethod
    def of(cls, threshold: float, calibration: Mapping[str, Any] | None) -> "Decision":
        """Make one of what files hold.

        Raises:
            InputError: no such calibration.
        """
        return cls(threshold, calibration_from_json(calibration) if calibration else None)

    def probability(self, raw: np.ndarray) -> np.ndarray:
        """Calibrate probabilities `(N,)` as the model gave them, 0..1."""
        raw = np.asarray(raw, np.float64)
        return raw if self.calibration is None else np.asarray(self.calibration.apply(raw))

    def yes(self, raw: np.ndarray) -> np.ndarray:
        """Say for which of the probabilities as the model gave them an event is forecast, `(N,)` bool."""
        return np.asarray(self.probability(raw) >= self.threshold)
