"""How are calibration, and the order of several events, written as torch modules, so that a graph can hold them?

They compute in float64, as `scores.calibration` does: a steep isotonic step would else enlarge the rounding.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import nn

from flarescope.scores.calibration import SMALLEST, Isotonic, Platt, Temperature
from flarescope.scores.decision import Decision

MOST_LOG_ODDS: Final = math.log((1 - SMALLEST) / SMALLEST)
"""Where `scores.calibration` cuts the logit of a probability."""


class Stretched(nn.Module):
    """Slope and intercept on the log-odds: Platt's calibration, a temperature, or none."""

    def __init__(self, slope: float = 1.0, intercept: float = 0.0) -> None:
        super().__init__()
        self.slope, self.intercept = slope, intercept

    def forward(self, log_odds: torch.Tensor) -> torch.Tensor:
        """Give probabilities `(N,)` of log-odds `(N,)`, both float64."""
        if (self.slope, self.intercept) == (1.0, 0.0):
            return torch.sigmoid(log_odds)
        return torch.sigmoid(log_odds.clamp(-MOST_LOG_ODDS, MOST_LOG_ODDS) * self.slope + self.intercept)


class Bent(nn.Module):
    """Straight lines between the points of an isotonic regression, added up piece by piece: graphs have no search."""

    start: torch.Tensor
    end: torch.Tensor
    slope: torch.Tensor
    first: torch.Tensor
    at: torch.Tensor
    jump: torch.Tensor

    def __init__(self, isotonic: Isotonic) -> None:
        super().__init__()
        raw, calibrated = np.array(isotonic.raw, float), np.array(isotonic.calibrated, float)
        wide = np.diff(raw) > 0
        start, end = raw[:-1][wide], raw[1:][wide]
        rises = np.diff(calibrated)
        pieces = {"start": start, "end": end, "slope": rises[wide] / (end - start), "first": calibrated[:1]}
        for name, values in {**pieces, "at": raw[1:][~wide], "jump": rises[~wide]}.items():
            self.register_buffer(name, torch.from_numpy(values))

    def forward(self, log_odds: torch.Tensor) -> torch.Tensor:
        """Give probabilities `(N,)` of log-odds `(N,)`, both float64."""
        probability = torch.sigmoid(log_odds)[:, None]
        found = probability[:, 0] * 0 + self.first
        if len(self.start):
            pieces = torch.minimum(torch.maximum(probability, self.start), self.end) - self.start
            found = found + (pieces * self.slope).sum(1)
        if len(self.at):  # two points at one probability
            found = found + ((probability >= self.at).double() * self.jump).sum(1)
        return found


def calibrated(decision: Decision) -> nn.Module:
    """Give the module of a model's calibration: from log-odds `(N,)` to probabilities `(N,)`, float64."""
    match decision.calibration:
        case None:
            return Stretched()
        case Temperature(temperature):
            return Stretched(1 / temperature)
        case Platt(slope, intercept):
            return Stretched(slope, intercept)
        case Isotonic() as isotonic:
            return Bent(isotonic)
        case other:
            raise TypeError(f"no graph of the calibration {other!r}")


class Calibrated(nn.Module):
    """Log-odds of each event in, calibrated probabilities in their order out (`several_events.ordered`)."""

    def __init__(self, decisions: Sequence[Decision], implies: np.ndarray) -> None:
        """Take the events.

        Args:
            decisions: one an event.
            implies: `(E, E)` bool, which event (row) implies which (column).
        """
        super().__init__()
        self.events = nn.ModuleList(calibrated(decision) for decision in decisions)
        self._below = [np.flatnonzero(column).tolist() for column in implies.T]
        self._above = [np.flatnonzero(row).tolist() for row in implies]

    def forward(self, log_odds: torch.Tensor) -> torch.Tensor:
        """Give probabilities `(N, E)` float32 of log-odds `(N, E)` float32."""
        columns = [event(log_odds[:, place].double()) for place, event in enumerate(self.events)]
        both = [
            (_extreme(torch.maximum, columns, below) + _extreme(torch.minimum, columns, above)) / 2
            for below, above in zip(self._below, self._above, strict=True)
        ]
        return torch.stack(both, dim=1).float()


def _extreme(of: object, columns: Sequence[torch.Tensor], places: Sequence[int]) -> torch.Tensor:
    found = columns[places[0]]
    for place in places[1:]:
        found = of(found, columns[place])  # type: ignore[operator]
    return found
