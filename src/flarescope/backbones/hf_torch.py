"""How does a network of transformers become a module from pixels to features, with weights out of safetensors?"""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from flarescope.backbones.base import Arrays
from flarescope.backbones.hf import CLASS_TOKEN, HfModel
from flarescope.backbones.weight_arrays import digest_in_order
from flarescope.errors import InputError
from flarescope.parsing import reason, refusing_damage

_OF_TEXT = ("text_model.", "text_projection.", "logit_", "visual_projection.")
"""Arrays of networks of image and text that the part for images does not use."""


class HfNetwork(nn.Module):
    """A frozen network of transformers with its preprocessing: pixels in, features out."""

    def __init__(self, network: nn.Module, model: HfModel) -> None:
        super().__init__()
        self.network = network
        self._pixels = model.pixels
        self._is_class_token = model.family.features == CLASS_TOKEN
        self.requires_grad_(False)
        self.eval()

    def forward(self, pixels: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Compute the features of a batch.

        Args:
            pixels: `(N, 1, S, S)` for three equal channels, or `(N, 3, S, S)` as RGB; 0..255, float32 or uint8; S is
                the size of the network's input.
            dtype: what the layers compute in; their parameters must have it.

        Returns:
            `(N, F)` float32, of any sign: the class token, or what the family pools.
        """
        # As numbers: a tensor of them would be copied to the device in every pass, which a CUDA graph cannot record.
        planes = pixels.float().unbind(1)
        numbers = zip(planes if len(planes) == 3 else planes * 3, self._pixels.mean, self._pixels.std, strict=True)
        x = torch.stack([(plane * self._pixels.factor - mean) / std for plane, mean, std in numbers], dim=1).to(dtype)
        out = self.network(pixel_values=x)
        features: torch.Tensor = out.last_hidden_state[:, 0] if self._is_class_token else out.pooler_output.flatten(1)
        return features.float()


def read_arrays(model: HfModel) -> Arrays:
    """Read the weights of a network.

    Returns:
        Float32 arrays by name, in the order of their names; whole numbers, which are counters and places, are left out.

    Raises:
        InputError: a file that is damaged or missing.
    """
    from safetensors import safe_open

    arrays: dict[str, np.ndarray] = {}
    for path in model.files:
        with refusing_damage(path, "copy it again, or save it with save_pretrained"):
            with safe_open(path, framework="pt") as file:
                for name in file.keys():
                    tensor = file.get_tensor(name)
                    if tensor.is_floating_point() and not name.startswith(_OF_TEXT):
                        arrays[name] = tensor.float().contiguous().numpy()
    return dict(sorted(arrays.items()))


def digest_of(model: HfModel, arrays: Arrays) -> str:
    """Give `sha256:<hex>` over all that decides a feature: the arrays, the configuration and the preprocessing.

    The same arrays make other features with another number of heads, which only the configuration tells.
    """
    passing = ("transformers_version", "_name_or_path", "architectures", "dtype", "torch_dtype", "id2label", "label2id")
    config = {key: value for key, value in model.config.items() if key not in passing}
    pixels = model.pixels
    said = [model.family.network, config, [pixels.size, pixels.factor, pixels.mean, pixels.std], list(arrays)]
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    digest.update(digest_in_order(arrays, arrays).encode())
    return f"sha256:{digest.hexdigest()}"


def width_of(model: HfModel) -> int:
    """Find the number of features by one image without numbers; no weights are read.

    Raises:
        InputError: the configuration makes no network, or none that takes images of this size.
    """
    with _understood(model), torch.device("meta"), torch.inference_mode():
        network = HfNetwork(_class_of(model)(_config_of(model), **_options(model)), model)
        size = model.pixels.size
        return int(network(torch.zeros(1, 3, size, size)).shape[1])


def build(arrays: Arrays, model: HfModel) -> HfNetwork:
    """Make the network of the given weights.

    Args:
        arrays: as `read_arrays` gives them.
        model: as `open_hf` gives it.

    Returns:
        The network in evaluation mode, without gradients.

    Raises:
        InputError: arrays of another network, or not all of this one: transformers would draw the rest at random.
    """
    state = {name: torch.from_numpy(array) for name, array in arrays.items()}
    with _understood(model):
        options = {"dtype": torch.float32, "output_loading_info": True, **_options(model)}
        network, said = _class_of(model).from_pretrained(None, config=_config_of(model), state_dict=state, **options)
    whole = network.state_dict()
    missing = sorted(name for name in said["missing_keys"] if name not in whole or whole[name].is_floating_point())
    other = sorted(str(one[0] if isinstance(one, tuple) else one) for one in said["mismatched_keys"])
    if missing or other:
        raise InputError(
            f"{model.folder}: {len(missing)} arrays are not in its weights and {len(other)} have other shapes, as "
            f"{(missing + other)[0]}; expected those of a {model.family.network}: save it again with save_pretrained"
        )
    return HfNetwork(network, model)


@contextlib.contextmanager
def _understood(model: HfModel) -> Iterator[None]:
    """Let transformers say nothing, and turn what it raises into one line."""
    from transformers.utils import logging

    level, has_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # of many kinds: the configuration may say anything
        raise InputError(
            f"{model.folder}: transformers makes no {model.family.network} of {model.pixels.size}x{model.pixels.size} "
            f"pixels of it ({reason(error)}); save it again with save_pretrained"
        ) from error
    finally:
        logging.set_verbosity(level)
        if has_bars:
            logging.enable_progress_bar()


def _class_of(model: HfModel) -> Any:  # noqa: ANN401 - a class of transformers
    import transformers

    return getattr(transformers, model.family.network)


def _config_of(model: HfModel) -> Any:  # noqa: ANN401 - of transformers
    config = _class_of(model).config_class.from_dict(dict(model.config))
    config._attn_implementation = "eager"  # what every family has; others may fetch kernels
    return config


def _options(model: HfModel) -> dict[str, Any]:
    return {"add_pooling_layer": False} if model.family.without_pooler else {}
