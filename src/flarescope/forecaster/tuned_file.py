"""How does a model file hold what fine-tuning changed of the network, beside the head?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from flarescope.backbones.base import Weights
from flarescope.backbones.keras.defect import DefectError
from flarescope.backbones.keras.hdf5 import Array, Group, opened
from flarescope.backbones.tuned import Change, TunedWeights, tuned_weights
from flarescope.errors import InputError
from flarescope.json_values import is_number

GROUP: Final = "network"
"""The group of a model file that holds the changed arrays, each under its name in the torch module."""


def change_of(weights: Weights) -> Change | None:
    """Give what was changed of weights; None of those that are as they were."""
    return weights.change if isinstance(weights, TunedWeights) else None


def describe_change(weights: TunedWeights, start: str) -> dict[str, Any]:
    """Say what was changed, as the description in a model file has it."""
    base = weights.base
    return {"base": {"family": base.family, "digest": base.digest}, "from": start, "scale": weights.change.scale}


def check_change(said: object) -> None:
    """Check what a description says of a change.

    Raises:
        TypeError: on what cannot be.
    """
    if said is None:
        return
    if not isinstance(said, dict) or not isinstance(said.get("base"), dict) or not is_number(said.get("scale")):
        raise TypeError("tuned says of no network what was changed")
    if not all(isinstance(text, str) for text in (said.get("from"), *(said["base"].get(key) for key in _BASE))):
        raise TypeError("tuned names no network")


_BASE: Final = ("family", "digest")


def write_change(file: h5py.File, change: Change) -> None:
    """Write the changed arrays into a model file that is being written."""
    for name in sorted(change.arrays):
        file[f"{GROUP}/{name}"] = np.ascontiguousarray(change.arrays[name], dtype="<f4")


def read_change(path: Path, said: Mapping[str, Any]) -> Change:
    """Read the changed arrays of a model file.

    Raises:
        InputError: there are none, or they are damaged.
    """
    arrays = {}
    with opened(path) as file:
        try:
            group = file.open(GROUP)
            names = list(group) if isinstance(group, Group) else []
            for name in names:
                found = group.open(name) if isinstance(group, Group) else None
                if not isinstance(found, Array) or found.dtype is None or found.dtype.kind != "f":
                    raise DefectError(f"{name} is no array of floats")
                arrays[name] = found.read().astype(np.float32)
        except DefectError as error:
            raise InputError(f"{path}: the network's changed arrays are damaged ({error}); train it again") from error
    return Change(arrays, float(said["scale"]))


def with_change(
    path: Path, base: Weights, described_digest: str, said: Mapping[str, Any], change: Change | None = None
) -> TunedWeights:
    """Put the change in a model file, or one that was read elsewhere, on the network that it was made of.

    Raises:
        InputError: another network, or arrays that were changed after they were written.
    """
    wanted = said["base"]
    if base.digest != wanted["digest"]:
        raise InputError(
            f"{path}: it was fine-tuned from the backbone {wanted['family']} ({wanted['digest'][:15]}...), but "
            f"{base.family} ({base.digest[:15]}...) is at hand; give it with --backbone"
        )
    found = tuned_weights(base, change or read_change(path, said))
    if found.digest != described_digest:
        raise InputError(f"{path}: its network was changed after it was written (digest differs); fine-tune it again")
    return found
