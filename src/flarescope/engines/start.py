"""How is a chosen engine made ready with the weights of a network?"""

from flarescope.backbones.base import Weights
from flarescope.engines.base import Engine, EngineChoice


def start(choice: EngineChoice, weights: Weights) -> Engine:
    """Load the weights and make the engine ready; it can be asked for streams again and again."""
    return make(choice, weights)


def make(choice: EngineChoice, weights: Weights) -> Engine:
    """Make an engine; tests put a fake one in the place of this function."""
    arrays = weights.load()
    if choice.engine == "openvino":
        from flarescope.engines.openvino import OpenVinoEngine
        from flarescope.engines.openvino_graphs import graphs_of

        return OpenVinoEngine(graphs_of(weights, arrays, choice.precision), choice)
    if choice.engine == "winograd":
        from flarescope.engines.winograd.engine import WinogradEngine

        return WinogradEngine(arrays, choice)
    from flarescope.engines.torch import TorchEngine

    return TorchEngine(arrays, choice, module=weights.backbone.build)
