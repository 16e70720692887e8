"""What joins a run's head with a region model, and how is it kept beside the run's models?"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.files import read_json, write_json
from flarescope.heads.stack import Stack, stack_from_json
from flarescope.json_values import is_text
from flarescope.parsing import refusing_damage
from flarescope.regions.model import Regional
from flarescope.regions.model_file import LARGEST_BYTES, regional_from_json, regional_to_json
from flarescope.scores.threshold import Threshold
from flarescope.sealing import sealed, unsealed

NAME: Final = "with_regions.json"
FORMAT: Final = "flarescope-with-regions-2"
IMAGE: Final = "image"
ADVICE: Final = "train again with --with regions"


@dataclass(frozen=True)
class WithRegions:
    """A run's head and a region model, joined.

    Attributes:
        name: of the region model (`regions.training.NAMES`).
        regional: the region model, trained on the run's training regions.
        stack: of the log odds of `IMAGE` and of the region model.
        choice: the threshold from which on it says yes, chosen out of fold on the validation rows.
        head_digest: of the head that it was fitted with.
        trained: `region_days`, `regions` of the region model's training.
        validated: `images`, `events`, `regions` of the validation rows, and `log_loss` out of fold of the `image` alone
            and of both `together`.
    """

    name: str
    regional: Regional
    stack: Stack
    choice: Threshold
    head_digest: str
    trained: Mapping[str, Any]
    validated: Mapping[str, Any]

    __repr__ = brief

    def write(self, path: Path) -> None:
        """Write it as JSON, sealed."""
        values = {
            "format": FORMAT,
            "name": self.name,
            "regional": regional_to_json(self.regional),
            "stack": self.stack.to_json(),
            "choice": self.choice.to_json(),
            "head_digest": self.head_digest,
            "trained": dict(self.trained),
            "validated": dict(self.validated),
        }
        write_json(path, sealed(values))


def read_with_regions(folder: Path) -> WithRegions:
    """Read what `train --with regions` left in a run.

    Raises:
        InputError: nothing there, or damaged.
    """
    path = folder / NAME
    if folder.is_file():
        raise InputError(f"{folder}: no region model lies beside a model file; give the folder of its run")
    if not path.is_file():
        raise InputError(f"{folder}: no region model beside its head; {ADVICE}")
    values = read_json(path, most_bytes=LARGEST_BYTES)
    with refusing_damage(path, ADVICE):
        unsealed(values)
        if values["format"] != FORMAT or not (is_text(values["name"]) and is_text(values["head_digest"])):
            raise ValueError(f"expected {FORMAT}")
        if not all(isinstance(values[name], dict) for name in ("trained", "validated")):
            raise ValueError("it does not say on what it was trained")
        stack = stack_from_json(values["stack"])
        if stack.parts != (IMAGE, values["name"]):
            raise ValueError(f"parts {stack.parts}")
        return WithRegions(
            values["name"],
            regional_from_json(values["regional"]),
            stack,
            Threshold.from_json(values["choice"]),
            values["head_digest"],
            values["trained"],
            values["validated"],
        )
