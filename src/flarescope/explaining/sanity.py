"""Does a map depend on what the network has learnt: is it another one where its weights are drawn at random?"""

import copy
import math
from typing import Final

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from flarescope.forecaster.as_torch import LogOdds

RANDOMISED: Final = ("head", "all")
"""What is drawn anew: the head alone, or every weight of the network too (the sanity check of Adebayo et al. 2018,
NeurIPS 31, 9505)."""

LEARNT: Final = ("weight", "kernel", "output")
"""Arrays of heads (`forecaster.as_torch`) that say what counts; the others are biases and scales of the features."""


def randomised(module: LogOdds, what: str, seed: int) -> LogOdds:
    """Give a copy of a model with weights drawn at random in the place of those that were learnt.

    Weights of the network come from a normal distribution of variance 2 / inputs (He et al. 2015, ICCV, 1026), its
    biases are 0 and its norms neutral; the head's have its own spread.

    Args:
        module: left as it is.
        what: one of `RANDOMISED`.
        seed: of the numbers.
    """
    generator = torch.Generator().manual_seed(seed)
    other = copy.copy(module)
    other._modules = dict(module._modules)
    if what == "all":
        other._modules["backbone"] = copy.deepcopy(module.backbone)
        for part in other.backbone.modules():
            _draw(part, generator)
    other._modules["head"] = copy.deepcopy(module.head)
    for name, values in other.head.named_parameters():
        if name.rpartition(".")[2] in LEARNT:
            values.data = torch.randn(values.shape, generator=generator) * values.std()
    return other


def _draw(part: nn.Module, generator: torch.Generator) -> None:
    """Draw the parameters of one module, without those of its parts, in place."""
    if isinstance(part, _BatchNorm):
        part.reset_running_stats()
    with torch.no_grad():
        for name, values in part.named_parameters(recurse=False):
            if values.ndim > 1:
                spread = math.sqrt(2 / max(1, values[0].numel()))
                values.copy_(torch.randn(values.shape, generator=generator) * spread)
            else:
                values.fill_(0.0 if "bias" in name else 1.0)


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    """Give Spearman's rank correlation of two maps of one shape; None where one of them is the same all over."""
    from scipy.stats import rankdata

    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    ranks = [rankdata(values.ravel()) for values in (a, b)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
