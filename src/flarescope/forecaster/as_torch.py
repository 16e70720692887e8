"""How does a model, backbone and heads, become one torch module from pixels to the log-odds of each of its events?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from flarescope.backbones.feature_table import FeatureTable
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.forecaster.classifier import Classifier
from flarescope.heads.head import Head
from flarescope.heads.stored import linear
from flarescope.scores.decision import Decision


@dataclass(frozen=True)
class EventHead:
    """One event of a model: what it is, its head, and what makes its probability count.

    Attributes:
        code: short form such as `M1.0/24`, or `event` where the model does not say what it forecasts.
        event: None where the model does not say it.
        head: trained on the backbone's features.
        decision: calibration and threshold.
    """

    code: str
    event: EventDefinition | None
    head: Head
    decision: Decision


def heads_of(parts: Sequence[Classifier]) -> list[EventHead]:
    """Give every event of models that share a backbone, in their order."""
    found = []
    for part in parts:
        event = part.description.event
        code = "event" if event is None else event.code
        found.append(EventHead(code, event, linear(part.head), part.description.decision))
    return found


class LogOdds(nn.Module):
    """Pixels in, log-odds of each event out; nothing in it asks for a gradient of its own."""

    def __init__(self, backbone: nn.Module, heads: Sequence[Head]) -> None:
        super().__init__()
        self.backbone = backbone
        kernels = np.stack([head.kernel[:, 1] - head.kernel[:, 0] for head in heads])
        biases = np.array([head.bias[1] - head.bias[0] for head in heads], np.float32)
        self.weight = nn.Parameter(torch.from_numpy(kernels.astype(np.float32)))
        self.bias = nn.Parameter(torch.from_numpy(biases))
        self.requires_grad_(False)
        self.eval()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Compute the log-odds of a batch.

        Args:
            pixels: `(N, 1, S, S)` for three equal channels, or `(N, 3, S, S)` as RGB; 0..255, float32.

        Returns:
            `(N, E)` float32: the logit of an event minus that of none, for each event, before any calibration.
        """
        return nn.functional.linear(self.backbone(pixels), self.weight, self.bias)


def backbone_module(classifier: Classifier) -> Any:  # noqa: ANN401 - a torch module
    """Build the backbone of a model in torch, fp32, on the CPU.

    Raises:
        InputError: the features were made elsewhere, or the module is not in hand.
    """
    weights = classifier.weights
    if isinstance(weights, FeatureTable):
        raise InputError(f"{weights.family}: features that were made elsewhere; there is no network to look into")
    return weights.backbone.build(weights.load())


def log_odds_module(parts: Sequence[Classifier]) -> LogOdds:
    """Make one module of models that share a backbone, one an event.

    Raises:
        InputError: a model that looks back to earlier images; or as `backbone_module`.
    """
    for part in parts:
        if part.description.looks_back is not None:
            raise InputError(
                "a model that looks back to earlier images (--history); expected one that forecasts from one image"
            )
    return LogOdds(backbone_module(parts[0]), [linear(part.head) for part in parts])
