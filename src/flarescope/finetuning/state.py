"""Where does a fine-tuning stand, so that a killed one goes on and ends with the same bytes?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import nn

from flarescope.backbones.weight_cache import map_arrays, read_header, read_metadata, store_arrays
from flarescope.errors import FlarescopeError, InputError

FILE: Final = "state.safetensors"
FORMAT: Final = "flarescope-finetune-1"
_PLACE: Final = "place"
_LOG_ODDS: Final = "log_odds"
_PARTS: Final = ("weight", "first", "second")
_AGAIN: Final = "delete it and history.jsonl and run again, from the first epoch"


@dataclass
class Place:
    """Where training stands.

    Attributes:
        epoch: epochs finished.
        step: optimiser steps taken.
        done: rows of the epoch under way that were learned from.
        log_odds: `(N,)` float32 of these, in the order of the epoch, each made before its row was learned from.
    """

    epoch: int = 0
    step: int = 0
    done: int = 0
    log_odds: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))


def write_state(
    path: Path, place: Place, parameters: Mapping[str, nn.Parameter], optimiser: torch.optim.Optimizer
) -> None:
    """Write where training stands, whole or not at all: parameters, AdamW's moments, what was forecast of the epoch.

    Raises:
        FlarescopeError: the disk is full.
    """
    arrays = {_LOG_ODDS: place.log_odds}
    for name, one in parameters.items():
        moments = optimiser.state.get(one, {})
        values = (one, *(moments.get(key, torch.zeros_like(one)) for key in ("exp_avg", "exp_avg_sq")))
        for part, value in zip(_PARTS, values, strict=True):
            arrays[f"{part}:{name}"] = value.detach().cpu().contiguous().numpy()
    said = f"{FORMAT} {place.epoch} {place.step} {place.done}"  # in one: safetensors gives several no order
    try:
        store_arrays(path, arrays, {_PLACE: said})
    except FlarescopeError:
        raise
    except Exception as error:  # safetensors has a class of its own for a disk that is full
        if "No space" not in str(error) and "os error 28" not in str(error):
            raise
        raise FlarescopeError(
            f"disk full while writing {path}: free some space and run the same command again; what was finished before "
            "is kept"
        ) from error


def read_state(
    path: Path, rows: int, parameters: Mapping[str, nn.Parameter], optimiser: torch.optim.Optimizer
) -> Place:
    """Put parameters and moments back as they were, and say where training stood; at the beginning without a file.

    Raises:
        InputError: the file is damaged, or of another training.
    """
    if not path.exists():
        return Place(log_odds=np.zeros(rows, np.float32))
    form, *numbers = read_metadata(path).get(_PLACE, "").split(" ")
    if form != FORMAT or len(numbers) != 3 or not all(text.isdecimal() for text in numbers):
        raise InputError(f"{path}: not the state of a fine-tuning; {_AGAIN}")
    shapes: dict[str, tuple[int, ...]] = {_LOG_ODDS: (rows,)}
    for name, one in parameters.items():
        shapes |= {f"{part}:{name}": tuple(one.shape) for part in _PARTS}
    extra = set(read_header(path)[0]) - {*shapes, "__metadata__"}
    if extra:
        raise InputError(f"{path}: of another fine-tuning, it has {sorted(extra)[0]}; {_AGAIN}")
    arrays = map_arrays(path, shapes)
    epoch, step, done = map(int, numbers)
    place = Place(epoch, step, done, np.array(arrays[_LOG_ODDS]))
    with torch.no_grad():
        for name, one in parameters.items():
            weight, first, second = (
                torch.from_numpy(np.array(arrays[f"{part}:{name}"])).to(one.device) for part in _PARTS
            )
            one.copy_(weight)
            if place.step:
                moments = {"step": torch.tensor(float(place.step)), "exp_avg": first, "exp_avg_sq": second}
                optimiser.state[one] = moments
    return place
