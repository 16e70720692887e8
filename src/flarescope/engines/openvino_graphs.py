"""How does a network become graphs of OpenVINO, one for each number of channels?"""

from functools import partial

from flarescope.backbones.base import Arrays, Weights
from flarescope.backbones.vgg16 import VGG16
from flarescope.engines.openvino import Graphs


def graphs_of(weights: Weights, arrays: Arrays) -> Graphs:
    """Give the maker of a network's graphs: VGG16's is written out, any other is converted from its torch module."""
    if weights.backbone is VGG16:
        from flarescope.engines.vgg16_openvino import build

        return partial(build, arrays)
    raise NotImplementedError
