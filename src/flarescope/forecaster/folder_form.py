"""How does a model lie in a folder as a hub keeps models: arrays in safetensors, a `config.json`, a card?

Anybody can look into such a folder without flarescope; nothing in it runs.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from flarescope.backbones.base import Spec
from flarescope.backbones.tuned import Change
from flarescope.errors import InputError
from flarescope.files import atomic_path, make_folder, read_json, write_json, write_text
from flarescope.forecaster.classifier import Classifier, with_backbone
from flarescope.forecaster.description import Description, parse_description, to_text
from flarescope.forecaster.small_file import head_numbers
from flarescope.forecaster.tuned_file import change_of
from flarescope.heads.base import AnyHead
from flarescope.heads.stored import ARRAYS as HEAD_ARRAYS
from flarescope.heads.stored import arrays_of, check_described, head_of
from flarescope.parsing import refusing_damage
from flarescope.several_events import MOST_EVENTS

FORMAT: Final = "flarescope-folder-1"
CONFIG: Final = "config.json"
ARRAYS: Final = "model.safetensors"
CARD: Final = "README.md"
NETWORK: Final = "network."
"""Begins the names of the arrays that fine-tuning changed."""
_ADVICE: Final = "copy the folder again, or export the model again"


def is_model_folder(path: Path) -> bool:
    """Tell whether a folder holds a model in this form.

    Raises:
        InputError: a `config.json` that cannot be read.
    """
    config = path / CONFIG
    return config.is_file() and read_json(config).get("format") == FORMAT


def write_folder(folder: Path, parts: Sequence[Classifier], card: str) -> list[Path]:
    """Write models that share a backbone, one an event; `config.json` last, so that half a folder is none.

    Args:
        folder: created where it is missing; what it holds of such a model is replaced.
        parts: the models.
        card: Markdown with YAML in front.

    Raises:
        InputError: the folder holds something else.
    """
    if folder.is_dir() and any(folder.iterdir()) and not is_model_folder(folder):
        raise InputError(f"{folder}: holds something else than a model; name a new folder")
    make_folder(folder)
    (folder / CONFIG).unlink(missing_ok=True)
    arrays = {
        f"{place:02d}.{name}": np.ascontiguousarray(array)
        for place, part in enumerate(parts)
        for name, array in arrays_of(part.head).items()
    }
    change = change_of(parts[0].weights)
    arrays |= {NETWORK + name: np.ascontiguousarray(array) for name, array in (change.arrays if change else {}).items()}
    _write_arrays(folder / ARRAYS, arrays)
    write_text(folder / CARD, card)
    models = [json.loads(to_text(part.description, part.head)) for part in parts]
    said = {"format": FORMAT, "library_name": "flarescope", "flarescope": version("flarescope"), "models": models}
    write_json(folder / CONFIG, said)
    return [folder / name for name in (CONFIG, ARRAYS, CARD)]


def _write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    from safetensors.numpy import save

    with atomic_path(path) as temporary:
        temporary.write_bytes(save(dict(arrays)))


def read_folder_descriptions(folder: Path) -> list[Description]:
    """Read what each model of a folder says of itself, without any array.

    Raises:
        InputError: damaged.
    """
    return [parse_description(folder / CONFIG, text) for text in _texts(folder)]


def read_folder(folder: Path, *, backbone: Spec | None = None) -> list[Classifier]:
    """Read the models of a folder, one an event.

    Args:
        folder: as `write_folder` wrote it.
        backbone: where to find the backbone instead of where the folder says.

    Raises:
        InputError: damaged, or a backbone that is not the one the heads were trained on.
    """
    path = folder / ARRAYS
    if not path.is_file():
        raise InputError(f"{folder}: no {ARRAYS} in it; {_ADVICE}")
    texts = _texts(folder)
    described = [parse_description(folder / CONFIG, text) for text in texts]
    with refusing_damage(path, _ADVICE):
        arrays = _read_arrays(path, [names for place, one in enumerate(described) for names in _wanted(place, one)])
        heads = [_head(arrays, place, one) for place, one in enumerate(described)]
    for text, head in zip(texts, heads, strict=True):
        parse_description(folder / CONFIG, text, head)  # neither of the two was changed
    changed = {name.removeprefix(NETWORK): array for name, array in arrays.items() if name.startswith(NETWORK)}
    change = Change(changed, float(described[0].tuned["scale"])) if described[0].tuned else None
    first = with_backbone(folder, heads[0], described[0], backbone=backbone, change=change)
    others = zip(heads[1:], described[1:], strict=True)
    return [first, *(Classifier(head, one, first.weights) for head, one in others)]


def _texts(folder: Path) -> list[str]:
    models: Any = read_json(folder / CONFIG).get("models")
    if not isinstance(models, list) or not 0 < len(models) <= MOST_EVENTS:
        raise InputError(f"{folder / CONFIG}: expected 1 to {MOST_EVENTS} models in it; {_ADVICE}")
    return [json.dumps(model) for model in models]


def _wanted(place: int, described: Description) -> list[tuple[str, int]]:
    """Give the names of a head's arrays, and how many numbers each may have."""
    kind = check_described(described.head)
    return [(f"{place:02d}.{name}", head_numbers(kind)) for name in HEAD_ARRAYS[kind]]


def _read_arrays(path: Path, wanted: Sequence[tuple[str, int]]) -> dict[str, np.ndarray]:
    """Read the arrays of heads, and of a changed network.

    Raises:
        ValueError: one is missing, too large, or has numbers that are not finite.
    """
    from safetensors import safe_open

    arrays = {}
    with safe_open(path, framework="np") as file:
        for name, most in wanted:
            if name not in file.keys():
                raise ValueError(f"no array {name}")
            if int(np.prod(file.get_slice(name).get_shape())) > most:
                raise ValueError(f"array {name} is too large")
            arrays[name] = file.get_tensor(name)
        arrays |= {name: file.get_tensor(name) for name in file.keys() if name.startswith(NETWORK)}
    for name, array in arrays.items():
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise ValueError(f"array {name} holds numbers that are not finite floats")
    return arrays


def _head(arrays: Mapping[str, np.ndarray], place: int, described: Description) -> AnyHead:
    kind = check_described(described.head)
    return head_of(kind, {name: arrays[f"{place:02d}.{name}"] for name in HEAD_ARRAYS[kind]})
