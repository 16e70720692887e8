"""How does a network with its head become a module of which a part is trained?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from flarescope.backbones.base import Weights
from flarescope.backbones.tuned import Change
from flarescope.errors import InputError
from flarescope.finetuning.lora import put_lora
from flarescope.finetuning.recipe import LORA, TuneRecipe
from flarescope.finetuning.schedule import layer_rates
from flarescope.finetuning.stages import chosen, layers_of, short
from flarescope.heads.head import Head


class Trainable(nn.Module):
    """A network and its head: pixels in, log-odds of an event out.

    It stays in evaluation mode: dropout is off, and batch normalisations keep the statistics they have. What they
    learned of a million photographs a few images a step would only blur, and a batch on two processes would have others
    than on one.
    """

    def __init__(self, network: nn.Module, head: Head, *, bf16: bool) -> None:
        super().__init__()
        self.network = network
        self.head = nn.Linear(*head.kernel.shape)
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(np.ascontiguousarray(head.kernel.T)))
            self.head.bias.copy_(torch.from_numpy(np.array(head.bias)))
        self._bf16 = bf16
        self.eval()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Give `(N,)` float32 log-odds for pixels `(N, C, S, S)`, as `backbones.base.Network.build` takes them."""
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=self._bf16):
            features = self.network(pixels)
        logits: torch.Tensor = self.head(features.float())
        return logits[:, 1] - logits[:, 0]


@dataclass(frozen=True)
class Tuned:
    """A network on its way.

    Attributes:
        model: the module.
        trained: what is trained of the network, by the names that `backbones.tuned.Change` has.
        rates: step size of each name of `trained`.
        layers: names of the layers that are trained; of LoRA those that it adapts.
        earlier: changes of an earlier fine-tuning, which stay as they are.
        scale: LoRA's factor.
    """

    model: Trainable
    trained: Mapping[str, nn.Parameter]
    rates: Mapping[str, float]
    layers: tuple[str, ...]
    earlier: Mapping[str, np.ndarray]
    scale: float

    @property
    def parameters(self) -> dict[str, nn.Parameter]:
        """All that is trained, the head last."""
        return {**self.trained, **{f"head.{name}": one for name, one in self.model.head.named_parameters()}}

    @property
    def head(self) -> Head:
        """The head as it stands, in memory of its own."""
        kernel = self.model.head.weight.detach().cpu().numpy().T
        return Head(np.array(kernel, np.float32, order="C"), _copy(self.model.head.bias))

    def change(self) -> Change:
        """Give what was changed of the network as it was before any fine-tuning, in memory of its own."""
        return Change({**self.earlier, **{name: _copy(one) for name, one in self.trained.items()}}, self.scale)

    def optimiser(self, recipe: TuneRecipe) -> torch.optim.AdamW:
        """Make AdamW, a group a parameter, each with its largest step size as `initial_lr`."""
        rates = {**self.rates, "head.weight": recipe.head_rate, "head.bias": recipe.head_rate}
        groups = [
            {"params": [one], "lr": rates[name], "initial_lr": rates[name], "name": name}
            for name, one in self.parameters.items()
        ]
        return torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)


def _copy(parameter: nn.Parameter) -> np.ndarray:
    return np.array(parameter.detach().cpu().numpy(), np.float32, order="C")


def unfrozen(
    weights: Weights, head: Head, recipe: TuneRecipe, device: torch.device, *, earlier: Mapping[str, np.ndarray]
) -> Tuned:
    """Make a network of which the layers that the recipe names are trained.

    Args:
        weights: of the network; their arrays are copied where they are trained, and never changed.
        head: where the head begins.
        recipe: from which layer on.
        device: where it runs.
        earlier: arrays that an earlier fine-tuning changed; those that are trained again are replaced.

    Raises:
        InputError: no such layer, or none of its arrays decides a feature.
    """
    network: nn.Module = weights.backbone.build(weights.load())
    layers = layers_of(network)
    if recipe.start == LORA:
        trained = put_lora(network, recipe)
        names = sorted({name.rpartition(".")[0] for name in trained})
        rates = dict.fromkeys(trained, recipe.learning_rate)
    else:
        names = chosen([*layers], recipe.start)
        by_layer = layer_rates(names, recipe.learning_rate, recipe.layer_decay)
        own = {f"{layer}.{name}": one for layer in names for name, one in layers[layer].named_parameters()}
        trained = {name: _thawed(network, name) for name in own}
        rates = {f"{layer}.{name}": by_layer[layer] for layer in names for name, _ in layers[layer].named_parameters()}
    model = Trainable(network, head, bf16=recipe.precision == "bf16").to(device)
    trained = _used(model, trained, weights, recipe.start)
    if recipe.checkpointing:
        for layer in names if recipe.start != LORA else layers:
            _checkpoint(layers[layer])
    model.requires_grad_(False)
    for one in (*trained.values(), *model.head.parameters()):
        one.requires_grad_(True)
    kept = {name: array for name, array in earlier.items() if name not in trained}
    scale = recipe.alpha / recipe.rank if recipe.start == LORA else 1.0
    return Tuned(model, trained, {name: rates[name] for name in trained}, tuple(map(short, names)), kept, scale)


def _thawed(network: nn.Module, name: str) -> nn.Parameter:
    """Put a copy in the place of a parameter, whose memory may be a mapped file, and give it."""
    owner, _, own = name.rpartition(".")
    module = network.get_submodule(owner)
    old = getattr(module, own)
    new = nn.Parameter(old.detach().clone(memory_format=torch.contiguous_format))
    setattr(module, own, new)
    return new


def _used(
    model: Trainable, trained: Mapping[str, nn.Parameter], weights: Weights, start: str
) -> dict[str, nn.Parameter]:
    """Leave out what decides no feature, such as the pooling of a transformer whose class token is taken."""
    size = weights.backbone.pixels.size
    for one in trained.values():
        one.requires_grad_(True)
    device = model.head.weight.device
    total = model(torch.full((1, 1, size, size), 127.5, device=device)).sum()
    pulls = torch.autograd.grad(total, [*trained.values()], allow_unused=True)
    found = {name: one for (name, one), pull in zip(trained.items(), pulls, strict=True) if pull is not None}
    if not found:
        raise InputError(
            f"--from {start}: nothing that is trained there decides a feature; begin with an earlier layer"
        )
    return found


def _checkpoint(layer: nn.Module) -> None:
    """Let a layer compute what is inside it again on the way back, instead of keeping it."""
    inner: Any = layer.forward

    def forward(*values: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the layer takes and gives
        if not torch.is_grad_enabled():
            return inner(*values, **named)
        return checkpoint(inner, *values, use_reentrant=False, preserve_rng_state=False, **named)

    layer.forward = forward
