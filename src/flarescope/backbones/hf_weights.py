"""Which backbone, with which weights, does `hf:NAME-OR-FOLDER` mean?"""

from functools import partial
from pathlib import Path
from typing import Final

from flarescope.backbones.base import Arrays, Network, Weights
from flarescope.backbones.hf import open_hf
from flarescope.images.render import PixelForm

PREFIX: Final = "hf:"


def hf_weights(name: str) -> Weights:
    """Open a network of transformers; its weights are read once, for their digest.

    Args:
        name: what stands behind `hf:`: a folder, or `owner/name` of the hub.

    Returns:
        Weights of the family `hf:<last part of the name>`, or `random-hf:...` of a network that nobody trained; the
        backbone is called `hf-<model type>`. The digest is over arrays, configuration and preprocessing, for each of
        them decides the features.

    Raises:
        InputError: as `open_hf`, `hf_torch.width_of` and `hf_torch.read_arrays` say.
    """
    model = open_hf(name)
    from flarescope.backbones.hf_torch import build, digest_of, read_arrays, width_of

    backbone = Network(
        name=f"hf-{model.model_type}",
        features=width_of(model),
        build=partial(build, model=model),
        pixels=PixelForm(model.pixels.size, "smooth"),
        precisions=("fp32",),  # what bf16 does to them is measured where it is asked for (engines.openvino_bf16)
        preprocessing=str(model.pixels),
        paper=f"{model.family.network} of transformers; features: {model.family.how}",
    )
    arrays = read_arrays(model)
    family = f"{PREFIX}{Path(name).resolve().name}"
    family = f"random-{family}" if are_untrained(arrays) else family
    return Weights(family, digest_of(model, arrays), lambda: arrays, backbone)


def are_untrained(arrays: Arrays) -> bool:
    """Tell arrays that were drawn at random, as transformers makes a network of a configuration, from trained ones.

    Every normalisation begins with the factor 1 for each channel, and the first step of a training changes them.
    """
    factors = [array for name, array in arrays.items() if name.endswith(".weight") and array.ndim == 1]
    return bool(factors) and all((array == 1).all() for array in factors)
