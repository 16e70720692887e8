"""How do a head and what belongs to it lie in a small file, and how are they read from one that may be damaged?"""

import math
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from flarescope.backbones.keras.defect import DefectError
from flarescope.backbones.keras.hdf5 import MAGIC, Array, Group, opened
from flarescope.backbones.tuned import Change
from flarescope.errors import InputError
from flarescope.files import atomic_path, translate_os_errors
from flarescope.forecaster.description import Description, parse_description, to_text
from flarescope.forecaster.tuned_file import write_change
from flarescope.heads.base import AnyHead
from flarescope.heads.stored import ARRAYS, LINEAR, arrays_of, check_described, head_of

MOST_FEATURES: Final = 1 << 16
"""Wider heads are not read."""
MOST_NUMBERS: Final = {LINEAR: 2 * MOST_FEATURES}
"""Larger arrays of a kind of head are not read."""
OTHERS_NUMBERS: Final = 1 << 24
"""Of the other kinds: 256 hidden units on `MOST_FEATURES`."""

ATTRIBUTE: Final = "flarescope"
"""Root attribute that holds our description, as JSON, in small files and in full Keras files alike."""


def write_small(path: Path, head: AnyHead, described: Description, change: Change | None) -> None:
    """Write a small file, whole or not at all, with what was fine-tuned of the backbone."""
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs[ATTRIBUTE] = to_text(described, head)
        head_into(file, head)
        if change is not None:
            write_change(file, change)


def head_into(group: h5py.Group, head: AnyHead) -> None:
    """Write the arrays of a head into a group of a file."""
    for name, array in arrays_of(head).items():
        group[f"head/{name}"] = array


def head_numbers(kind: str) -> int:
    """Give how many numbers an array of a kind of head may have."""
    return MOST_NUMBERS.get(kind, OTHERS_NUMBERS)


def head_in(path: Path, group: Group, described: Description) -> AnyHead:
    """Read the arrays of a head out of a group of a file.

    Raises:
        InputError: they are missing, too large, not finite or of other shapes.
    """
    kind = check_described(described.head)
    arrays = {name: _plain_array(path, group, name, head_numbers(kind)) for name in ARRAYS[kind]}
    try:
        return head_of(kind, arrays)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error


def read_small(path: Path) -> tuple[AnyHead, Description] | None:
    """Read one of our small files; None for any other file, which `read_model` judges."""
    text = description_text(path)
    if text is None:
        return None
    with opened(path) as file:
        if "model_weights" in file:
            return None
        head = head_in(path, file, parse_description(path, text))
    return head, parse_description(path, text, head)


def _plain_array(path: Path, file: Group, name: str, most: int) -> np.ndarray:
    try:
        group = file.open("head")
        found = group.open(name) if isinstance(group, Group) else None
    except DefectError as error:
        raise InputError(
            f"{path}: head/{name} is missing or a link to somewhere else; it is damaged or no model of ours"
        ) from error
    if not (isinstance(found, Array) and _is_small_and_plain(found, most)):
        raise InputError(f"{path}: head/{name} is not a small plain array; the file is damaged or no model of ours")
    values = found.read().astype(np.float64)
    if not (np.abs(values) < np.finfo(np.float32).max).all():
        raise InputError(f"{path}: head/{name} holds numbers that are not finite; train the model again")
    return values


def _is_small_and_plain(array: Array, most: int) -> bool:
    if array.dtype is None or array.dtype.kind != "f" or array.shape is None:
        return False
    return array.is_whole and not array.is_elsewhere and math.prod(array.shape) <= most


def description_text(path: Path) -> str | None:
    """Read our description in a file; None where there is none, as in a `.keras` zip."""
    with translate_os_errors(path, "read"), path.open("rb") as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            return None
    with opened(path) as file:
        text = file.text(ATTRIBUTE)
    return "" if isinstance(text, list) else text
