"""How large is a step: over the time of the training, and from layer to layer?"""

import math
from collections.abc import Sequence


def rate_factor(step: int, steps: int, warmup: float) -> float:
    """Give the factor on every step size: a straight rise, then half a cosine (Loshchilov & Hutter 2017, SGDR).

    Args:
        step: from 0.
        steps: of the whole training.
        warmup: share of them in which the factor rises.

    Returns:
        0..1: 1 at the end of the rise, towards 0 at the end of the training.
    """
    rising = round(warmup * steps)
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def layer_rates(layers: Sequence[str], rate: float, decay: float) -> dict[str, float]:
    """Give the step size of each layer that is trained: `rate` for the last, `decay` times as much for each before it.

    Early layers see edges and blobs that any image has; what is special about a task stands in the last ones
    (layer-wise decay as in Howard & Ruder 2018, ULMFiT, and Clark et al. 2020, ELECTRA).
    """
    return {layer: rate * decay**depth for depth, layer in enumerate(reversed(layers))}
