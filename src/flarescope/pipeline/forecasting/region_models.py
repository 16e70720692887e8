"""Which region model does a name or a path mean, and what is the digest of its file?"""

from pathlib import Path

from flarescope.files import sha256_of
from flarescope.regions.model import RegionModel
from flarescope.regions.model_file import read_model
from flarescope.regions.shipped import model_path


def load_region_model(name_or_path: str | Path | None = None) -> tuple[RegionModel, str]:
    """Load a region model.

    Args:
        name_or_path: see `regions.shipped.model_path`; None is the one that ships.

    Returns:
        The model, and the SHA-256 of its file.

    Raises:
        InputError: nothing there, or no region model.
    """
    path = model_path(name_or_path)
    return read_model(path), sha256_of(path)
