"""How does a changed network become a torch module: that of the network as it was, with other arrays in it?"""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from flarescope.backbones.base import Arrays, Weights


def state_of(weights: Weights) -> dict[str, np.ndarray]:
    """Give every array of floats of a network's torch module, by its name there."""
    state = weights.backbone.build(weights.load()).state_dict()
    return {name: one.detach().cpu().float().numpy() for name, one in state.items() if one.is_floating_point()}


def build_of(base: Weights) -> Callable[[Arrays], nn.Module]:
    """Give what makes the torch module of arrays that have the names of `state_of`.

    Args:
        base: weights of the network as it was; they are loaded again whenever a module is made.
    """

    def build(arrays: Arrays) -> nn.Module:
        module: nn.Module = base.backbone.build(base.load())
        with torch.no_grad():
            state = module.state_dict()
            for name, array in arrays.items():
                state[name] = torch.from_numpy(np.array(array))  # a copy: the arrays may be mapped, or shared
            module.load_state_dict(state, assign=True)
        return module.requires_grad_(False).eval()

    return build
