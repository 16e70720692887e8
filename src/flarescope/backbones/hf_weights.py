"""Which backbone, with which weights, does `hf:NAME-OR-FOLDER` mean?"""

from functools import partial
from pathlib import Path
from typing import Final

from flarescope.backbones.base import Network, Weights
from flarescope.backbones.hf import open_hf
from flarescope.images.render import PixelForm

PREFIX: Final = "hf:"


def hf_weights(name: str) -> Weights:
    """Open a network of transformers; its weights are read once, for their digest.

    Args:
        name: what stands behind `hf:`: a folder, or `owner/name` of the hub.

    Returns:
        Weights of the family `hf:<last part of the name>`; the backbone is called `hf-<model type>`. The digest is over
        arrays, configuration and preprocessing, for each of them decides the features.

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
        precisions=("fp32",),  # what bf16 does to them was not measured
        preprocessing=str(model.pixels),
        paper=f"{model.family.network} of transformers; features: {model.family.how}",
    )
    arrays = read_arrays(model)
    return Weights(f"{PREFIX}{Path(name).resolve().name}", digest_of(model, arrays), lambda: arrays, backbone)
