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
from flarescope.heads.base import AnyHead
from flarescope.heads.head import Head
from flarescope.heads.mlp import Mlp
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
    head: AnyHead
    decision: Decision


def heads_of(parts: Sequence[Classifier]) -> list[EventHead]:
    """Give every event of models that share a backbone, in their order."""
    found = []
    for part in parts:
        event = part.description.event
        code = "event" if event is None else event.code
        found.append(EventHead(code, event, part.head, part.description.decision))
    return found


class LinearHeads(nn.Module):
    """Linear heads of several events, each a weighted sum of the features."""

    def __init__(self, heads: Sequence[Head]) -> None:
        super().__init__()
        kernels = np.stack([head.kernel[:, 1] - head.kernel[:, 0] for head in heads])
        biases = np.array([head.bias[1] - head.bias[0] for head in heads], np.float32)
        self.weight = nn.Parameter(torch.from_numpy(kernels.astype(np.float32)))
        self.bias = nn.Parameter(torch.from_numpy(biases))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Give log-odds `(N, E)` of features `(N, F)`."""
        return nn.functional.linear(features, self.weight, self.bias)


class MlpHead(nn.Module):
    """A head with one hidden layer (`heads.mlp`)."""

    def __init__(self, head: Mlp) -> None:
        super().__init__()
        for name in ("mean", "inverse", "kernel", "bias", "output", "constant"):
            self.register_parameter(name, nn.Parameter(torch.from_numpy(getattr(head, name).astype(np.float32))))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Give log-odds `(N, 1)` of features `(N, F)`."""
        part = dict(self.named_parameters())
        held = (features - part["mean"]) * part["inverse"] @ part["kernel"] + part["bias"]
        # No ReLU by name: guided backpropagation is defined by those of the network.
        return (held.clamp(min=0) @ part["output"] + part["constant"]).unsqueeze(1)


class SeveralHeads(nn.Module):
    """Heads of which not all are linear, one an event."""

    def __init__(self, heads: Sequence[AnyHead]) -> None:
        super().__init__()
        self.events = nn.ModuleList(
            MlpHead(head) if isinstance(head, Mlp) else LinearHeads([linear(head, also=" or --head mlp")])
            for head in heads
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Give log-odds `(N, E)` of features `(N, F)`."""
        return torch.cat([event(features) for event in self.events], dim=1)


class LogOdds(nn.Module):
    """Pixels in, log-odds of each event out; nothing in it asks for a gradient of its own."""

    def __init__(self, backbone: nn.Module, heads: Sequence[AnyHead]) -> None:
        """Take the network and a head an event.

        Raises:
            InputError: a head that is neither linear nor an MLP: trees have no gradient, and no place in a graph here.
        """
        super().__init__()
        self.backbone = backbone
        only_linear = [head for head in heads if isinstance(head, Head)]
        self.head = LinearHeads(only_linear) if len(only_linear) == len(heads) else SeveralHeads(heads)
        self.requires_grad_(False)
        self.eval()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Compute the log-odds of a batch.

        Args:
            pixels: `(N, 1, S, S)` for three equal channels, or `(N, 3, S, S)` as RGB; 0..255, float32.

        Returns:
            `(N, E)` float32: the logit of an event minus that of none, for each event, before any calibration.
        """
        found: torch.Tensor = self.head(self.backbone(pixels))
        return found


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
        InputError: a model that looks back to earlier images, or whose head is of trees; or as `backbone_module`.
    """
    for part in parts:
        if part.description.looks_back is not None:
            raise InputError(
                "a model that looks back to earlier images (--history); expected one that forecasts from one image"
            )
    return LogOdds(backbone_module(parts[0]), [part.head for part in parts])
