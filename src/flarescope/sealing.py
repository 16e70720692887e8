"""Was what a model file says, or its numbers, changed after it was written?"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

KEY: Final = "content"
"""Key of the digest among the values."""


def sealed(values: Mapping[str, Any], *arrays: np.ndarray) -> dict[str, Any]:
    """Add the digest of some JSON values, and of the arrays that belong to them, to the values."""
    return {**values, KEY: _digest(values, arrays)}


def unsealed(values: Mapping[str, Any], *arrays: np.ndarray) -> dict[str, Any]:
    """Give the values that were sealed, without the digest; files of earlier versions have none.

    Raises:
        ValueError: values or arrays were changed.
    """
    rest = {name: value for name, value in values.items() if name != KEY}
    if KEY in values and values[KEY] != _digest(rest, arrays):
        raise ValueError("it was changed after it was written, its digest differs")
    return rest


def _digest(values: Mapping[str, Any], arrays: tuple[np.ndarray, ...]) -> str:
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
    return f"sha256:{digest.hexdigest()}"
