"""Which region model does a name or a path mean?"""

from pathlib import Path
from typing import Final

from flarescope.errors import InputError
from flarescope.regions.model import RegionModel
from flarescope.regions.model_file import read_model

FOLDER: Final = Path(__file__).parent / "data"
USUAL: Final = "regions"
MODEL_NAME: Final = "model.json"
"""Of a model in the folder of a run of `flarescope train-regions`."""


def shipped_models() -> list[str]:
    """Name the models that ship with flarescope."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def model_path(name_or_path: str | Path | None = None) -> Path:
    """Find the file of a model.

    Args:
        name_or_path: a name of `shipped_models`, a model's file, a run's folder; None is the best that ships.

    Raises:
        InputError: nothing of that name, or at that path.
    """
    wanted = USUAL if name_or_path is None else str(name_or_path)
    if wanted in shipped_models() and not Path(wanted).exists():
        return FOLDER / f"{wanted}.json"
    path = Path(wanted)
    if path.is_dir():
        path = path / MODEL_NAME
    if not path.is_file():
        raise InputError(
            f"{wanted}: no region model; expected one that ships ({', '.join(shipped_models())}), a model's file or "
            "the folder of a run of train-regions"
        )
    return path


def region_model(name_or_path: str | Path | None = None) -> RegionModel:
    """Load a region model: the one that ships with flarescope, or one that `flarescope train-regions` made.

    Args:
        name_or_path: a shipped model's name, a model's file, or a run's folder; None is the best that ships.

    Raises:
        InputError: nothing there, or no region model.

    Example:
        >>> flarescope.region_model()  # doctest: +ELLIPSIS
        RegionModel(name='regions', trained='1996-08-...')
    """
    return read_model(model_path(name_or_path))
