"""How does LoRA get into a network, and its matrices out of it again? By `peft`, which only training needs."""

from importlib.util import find_spec
from typing import Any, Final

import torch
from torch import nn

from flarescope.backbones.efficientnet_lite_torch import SameConv2d
from flarescope.errors import InputError
from flarescope.finetuning.recipe import TuneRecipe

ADAPTER: Final = "default"
"""peft's name for the one adapter there is."""


def adaptable(network: nn.Module) -> list[str]:
    """Name the layers that LoRA can adapt: linear ones, and convolutions that see all channels.

    They are PyTorch's own: a class made of one may compute otherwise, which the adapter beside it would not. Of
    EfficientNet-Lite's convolutions those are taken that add no zeros.
    """
    return [name for name, module in network.named_modules() if _is_adaptable(module)]


def _is_adaptable(module: nn.Module) -> bool:
    if type(module) is nn.Linear:
        return True
    is_plain = type(module) is nn.Conv2d or (isinstance(module, SameConv2d) and not module.zeros)
    return is_plain and getattr(module, "groups", 0) == 1


def _full_rank(layer: nn.Module) -> int:
    weight: Any = layer.weight
    return int(min(len(weight), weight[0].numel()))


def _as_pytorchs(network: nn.Module, name: str) -> None:
    """Put PyTorch's own class in the place of EfficientNet-Lite's: peft makes adapters of the class that it finds."""
    layer = network.get_submodule(name)
    if not isinstance(layer, SameConv2d):
        return
    sizes: Any = (layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding)
    plain = nn.Conv2d(*sizes)
    plain.weight, plain.bias = layer.weight, layer.bias
    owner, _, own = name.rpartition(".")
    setattr(network.get_submodule(owner), own, plain)


def put_lora(network: nn.Module, recipe: TuneRecipe) -> dict[str, nn.Parameter]:
    """Put LoRA's matrices beside every layer that can have them, and leave the network's own arrays as they are.

    Args:
        network: changed in place; its forecasts are not, for the second matrix of each layer begins as zero.
        recipe: rank, alpha, and the seed of the first matrices.

    Returns:
        The matrices, `<layer>.lora_a` and `<layer>.lora_b`.

    Raises:
        InputError: peft is not installed, no layer can be adapted, or a rank that no layer has.
    """
    if find_spec("peft") is None:
        raise InputError("--from lora: peft is not installed: pip install 'flarescope[finetune]'")
    from peft import LoraConfig, inject_adapter_in_model

    names = adaptable(network)
    if not names:
        raise InputError("--from lora: the network has no linear layer and no plain convolution; take --from all")
    widest = max(_full_rank(network.get_submodule(name)) for name in names)
    if recipe.rank > widest:
        raise InputError(f"--rank {recipe.rank}: expected 1 to {widest}, the full rank of the network's largest layer")
    options: dict[str, Any] = {"r": recipe.rank, "lora_alpha": recipe.alpha, "lora_dropout": 0.0}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        for name in names:
            _as_pytorchs(network, name)
        inject_adapter_in_model(LoraConfig(target_modules=names, **options), network, ADAPTER)
    found: dict[str, nn.Parameter] = {}
    for name in names:
        layer: Any = network.get_submodule(name)
        found[f"{name}.lora_a"] = layer.lora_A[ADAPTER].weight
        found[f"{name}.lora_b"] = layer.lora_B[ADAPTER].weight
    return found
