"""Which layers does a network have, in order, and which of them does a user mean to train?

A layer is what a list of the module holds (a block of EfficientNet, a layer of a transformer), or what stands by itself
(`block5_conv1` of VGG16). Their order is the one in which the module names them, which for the networks with a name
here is the order in which they compute; of a module of one's own it is taken to be so.
"""

import difflib

from torch import nn

from flarescope.errors import InputError


def layers_of(network: nn.Module) -> dict[str, nn.Module]:
    """Give the layers with parameters by name, from the image to the features.

    Args:
        network: as `backbones.base.Network.build` makes it.
    """
    prefix, root = "", network
    while len(children := [*root.named_children()]) == 1 and not any(True for _ in root.parameters(recurse=False)):
        name, root = children[0]
        prefix += f"{name}."
    found: dict[str, nn.Module] = {}
    _walk(root, prefix, found)
    return found or {prefix.rstrip("."): root}


def _walk(module: nn.Module, prefix: str, found: dict[str, nn.Module]) -> None:
    for name, child in module.named_children():
        if not any(True for _ in child.parameters()):
            continue
        is_list = isinstance(child, nn.ModuleList | nn.Sequential)
        if is_list or any(isinstance(one, nn.ModuleList) for one in child.modules()):
            _walk(child, f"{prefix}{name}.", found)
        else:
            found[prefix + name] = child


def short(name: str) -> str:
    """Give a layer's name as a user writes it: without the wrappers around the network, and without `_` in front."""
    return name.removeprefix("network.").removeprefix("module.").removeprefix("_")


def chosen(layers: list[str], start: str) -> list[str]:
    """Choose the layers that are trained.

    Args:
        layers: names, from the image to the features.
        start: `all`; `last:N` (or `last N`); or the name of a layer, or how several begin (`block5`), from the first of
            which on all are trained.

    Raises:
        InputError: no such layer, or no such number of them.
    """
    if start == "all":
        return layers
    word, _, number = start.replace(":", " ").partition(" ")
    if word == "last" and number:
        if not number.strip().isdecimal() or not 1 <= int(number) <= len(layers):
            raise InputError(f"--from {start}: expected last:N, N from 1 to {len(layers)}, the network's layers")
        return layers[-int(number) :]
    for place, name in enumerate(layers):
        if _begins(short(name), start.removeprefix("_")):
            return layers[place:]
    raise InputError(f"--from {start}: no such layer; {_known([short(name) for name in layers], start)}")


def _begins(name: str, start: str) -> bool:
    return name == start or (name.startswith(start) and name[len(start)] in "._" and bool(start))


def _known(names: list[str], start: str) -> str:
    known = dict.fromkeys([*(name.partition("_")[0] for name in names), *names, "lora", "all"])
    near = difflib.get_close_matches(start, [*known], n=2, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"expected all, lora, last:N, or one of the {len(names)} from {names[0]} to {names[-1]}, as {names[-2:][0]}"
