"""What network lies in a folder, or under a name on a hub, as `transformers` keeps it, and which pixels does it take?

Only JSON and safetensors are read: no pickle, and none of the code that a repository may bring. `hf_torch` builds it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from flarescope.backbones.hf_pixels import Pixels, pixels_of
from flarescope.errors import InputError
from flarescope.files import read_json
from flarescope.json_values import is_plain_name
from flarescope.parsing import reason

CLASS_TOKEN: Final = "class token"
POOLED: Final = "pooled"


@dataclass(frozen=True)
class Family:
    """One kind of network.

    Attributes:
        network: name of the class in transformers.
        features: `CLASS_TOKEN`, the first token after the last layer and its norm; or `POOLED`, what the network
            itself makes of all places, see `how`.
        how: the features in words.
        without_pooler: whether the class makes a layer behind the class token, which published weights often lack and
            transformers would then draw at random; it is left out.
    """

    network: str
    features: str
    how: str
    without_pooler: bool = False


_TOKEN: Final = "class token after the last norm"
_MEAN: Final = "mean over all places"

FAMILIES: Final[Mapping[str, Family]] = {
    "clip": Family("CLIPVisionModel", POOLED, _TOKEN),
    "clip_vision_model": Family("CLIPVisionModel", POOLED, _TOKEN),
    "convnext": Family("ConvNextModel", POOLED, f"{_MEAN}, then the last norm"),
    "convnextv2": Family("ConvNextV2Model", POOLED, f"{_MEAN}, then the last norm"),
    "deit": Family("DeiTModel", CLASS_TOKEN, _TOKEN, without_pooler=True),
    "dinov2": Family("Dinov2Model", CLASS_TOKEN, _TOKEN),
    "dinov2_with_registers": Family("Dinov2WithRegistersModel", CLASS_TOKEN, _TOKEN),
    "dinov3_vit": Family("DINOv3ViTModel", CLASS_TOKEN, _TOKEN),
    "regnet": Family("RegNetModel", POOLED, _MEAN),
    "resnet": Family("ResNetModel", POOLED, _MEAN),
    "siglip": Family("SiglipVisionModel", POOLED, "its attention pooling"),
    "siglip_vision_model": Family("SiglipVisionModel", POOLED, "its attention pooling"),
    "swin": Family("SwinModel", POOLED, f"{_MEAN} after the last norm"),
    "swinv2": Family("Swinv2Model", POOLED, f"{_MEAN} after the last norm"),
    "vit": Family("ViTModel", CLASS_TOKEN, _TOKEN, without_pooler=True),
}
"""By `model_type` of the configuration. Others can be run from Python as a torch module."""

CONFIG: Final = "config.json"
PREPROCESSOR: Final = "preprocessor_config.json"
WHOLE: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
ALLOWED: Final = (CONFIG, PREPROCESSOR, WHOLE, INDEX, "model-*-of-*.safetensors")
"""What is fetched of a repository; nothing else in it is needed."""
PICKLES: Final = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack")

_REPOSITORY: Final = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)
_FOREIGN: Final = ("auto_map", "quantization_config", "backbone", "backbone_config", "adapter_config")
"""Keys of a configuration that ask for code of the repository, for other packages, or for another network."""


@dataclass(frozen=True)
class HfModel:
    """A network of transformers, before its weights are read.

    Attributes:
        name: as the user wrote it, a folder or `owner/name`.
        folder: where its files are.
        config: what `config.json` says of the part that sees images.
        pixels: size and numbers of its preprocessing.
    """

    name: str
    folder: Path
    config: Mapping[str, Any]
    pixels: Pixels
    model_type: str

    @property
    def family(self) -> Family:
        """Which class it is of, and what its features are."""
        return FAMILIES[self.model_type]

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The safetensors files that hold its weights.

        Raises:
            InputError: there are none, or the index names others than files of the folder.
        """
        whole, index = self.folder / WHOLE, self.folder / INDEX
        if whole.is_file():
            return (whole,)
        if not index.is_file():
            raise _without_safetensors(self.folder)
        places = read_json(index).get("weight_map")
        if not isinstance(places, dict) or not places or not all(is_plain_name(name) for name in places.values()):
            raise InputError(f"{index}: expected the names of files in its folder under `weight_map`; save it again")
        return tuple(self.folder / name for name in sorted(set(places.values())))


def _without_safetensors(folder: Path) -> InputError:
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES)
    if pickles:
        return InputError(
            f"{folder}: its weights are in {pickles[0]}, which may hold code and is not opened; expected {WHOLE}: save "
            "it with save_pretrained(..., safe_serialization=True)"
        )
    return InputError(f"{folder}: no {WHOLE}; expected a folder that save_pretrained wrote")


def open_hf(name: str) -> HfModel:
    """Read what a folder, or a repository of the hub, says of the network in it.

    Args:
        name: a folder, or `owner/name`, whose JSON and safetensors are then fetched into the hub's own cache.

    Raises:
        InputError: transformers is not installed; no such folder; the network is of another kind, or comes with code
            or with pickles alone.
    """
    if find_spec("transformers") is None:
        raise InputError(f"hf:{name}: transformers is not installed: pip install 'flarescope[hf]'")
    folder = _local(name) or _fetched(name)
    config = _read(folder, CONFIG)
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or model_type not in FAMILIES:
        raise InputError(
            f"{folder / CONFIG}: model_type is {str(model_type)[:40]!r}; expected one of {', '.join(FAMILIES)}; from "
            "Python any torch module can be run"
        )
    vision = config.get("vision_config")
    if model_type in ("clip", "siglip"):  # image and text together: only what sees the image is taken
        if not isinstance(vision, dict):
            raise InputError(f"{folder / CONFIG}: no vision_config in it; save it again with save_pretrained")
        _refuse_foreign(folder, CONFIG, vision)
        config = vision
    has_pixels = (folder / PREPROCESSOR).is_file()
    pixels = pixels_of(_read(folder, PREPROCESSOR) if has_pixels else None, config, folder / PREPROCESSOR)
    model = HfModel(name, folder, config, pixels, model_type)
    if model.files:
        return model
    raise _without_safetensors(folder)


def _local(name: str) -> Path | None:
    try:
        folder = Path(name).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, RuntimeError):  # a name longer than a file may have; a home that nobody has
        return None


def _read(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    if not path.is_file():
        raise InputError(f"{folder}: no {name}; expected a folder that save_pretrained of transformers wrote")
    values = read_json(path)
    _refuse_foreign(folder, name, values)
    return values


def _refuse_foreign(folder: Path, name: str, values: Mapping[str, Any]) -> None:
    for key in _FOREIGN:
        if values.get(key):
            raise InputError(
                f"{folder / name}: `{key}` asks for code, packages or networks from elsewhere, which are not run; "
                "from Python any torch module can be run"
            )


def _fetched(name: str) -> Path:
    """Fetch JSON and safetensors of a repository, or find what was fetched before.

    No hub could be called where this was built: it was tried with one that is made up.
    """
    if not _REPOSITORY.fullmatch(name):
        raise InputError(f"hf:{name}: no such folder; expected a folder with {CONFIG} and {WHOLE}, or OWNER/NAME")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(ALLOWED)))
    except Exception as error:  # of the network, of the hub, or of its cache: many kinds, none of ours
        raise InputError(
            f"hf:{name}: no such folder, and the hub gives no such repository ({reason(error)}); with a copy of its "
            "files: hf:FOLDER"
        ) from error
