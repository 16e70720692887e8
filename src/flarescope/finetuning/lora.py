"""How does LoRA get into a network, and its matrices out of it again? By `peft`, which only training needs."""

from importlib.util import find_spec
from typing import Any, Final

import torch
from torch import nn

from flarescope.errors import InputError
from flarescope.finetuning.recipe import TuneRecipe

ADAPTER: Final = "default"
"""peft's name for the one adapter there is."""


def adaptable(network: nn.Module) -> list[str]:
    """Name the layers that LoRA can adapt: linear ones, and convolutions that see all channels and pad by themselves.

    A subclass of a convolution may pad in its own way (as EfficientNet-Lite's do where the stride is 2), which the
    adapter beside it would not.
    """
    return [name for name, module in network.named_modules() if _is_adaptable(module)]


def _is_adaptable(module: nn.Module) -> bool:
    if isinstance(module, nn.Linear):
        return True
    if not isinstance(module, nn.Conv2d) or module.groups != 1:
        return False
    return type(module) is nn.Conv2d or (module.kernel_size == (1, 1) and module.stride == (1, 1))


def put_lora(network: nn.Module, recipe: TuneRecipe) -> dict[str, nn.Parameter]:
    """Put LoRA's matrices beside every layer that can have them, and leave the network's own arrays as they are.

    Args:
        network: changed in place; its forecasts are not, for the second matrix of each layer begins as zero.
        recipe: rank, alpha, and the seed of the first matrices.

    Returns:
        The matrices, `<layer>.lora_a` and `<layer>.lora_b`.

    Raises:
        InputError: peft is not installed, or no layer can be adapted.
    """
    if find_spec("peft") is None:
        raise InputError("--from lora: peft is not installed: pip install 'flarescope[finetune]'")
    from peft import LoraConfig, inject_adapter_in_model

    names = adaptable(network)
    if not names:
        raise InputError("--from lora: the network has no linear layer and no plain convolution; take --from all")
    options: dict[str, Any] = {"r": recipe.rank, "lora_alpha": recipe.alpha, "lora_dropout": 0.0}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        inject_adapter_in_model(LoraConfig(target_modules=names, **options), network, ADAPTER)
    found: dict[str, nn.Parameter] = {}
    for name in names:
        layer: Any = network.get_submodule(name)
        found[f"{name}.lora_a"] = layer.lora_A[ADAPTER].weight
        found[f"{name}.lora_b"] = layer.lora_B[ADAPTER].weight
    return found
