"""How do features that were made elsewhere take the place of a feature store?"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc

from flarescope.backbones.feature_table import FeatureTable
from flarescope.engines.base import Engine
from flarescope.errors import InputError
from flarescope.features.gather import FeatureRows
from flarescope.features.store import Names, in_arrow
from flarescope.features.store_key import StoreKey
from flarescope.images.root import ImageRoot

GIVEN: Final = "given"


class GivenFeatures:
    """The rows of a `FeatureTable`, as `FeatureStore` gives those that it holds; nothing is computed or written."""

    def __init__(self, table: FeatureTable) -> None:
        """Take a table.

        Args:
            table: of all images that will be asked for.
        """
        self._table = table
        self.folder = table.path
        features = table.backbone.features
        self.key = StoreKey(table.family, table.digest, GIVEN, GIVEN, 1, network=table.backbone.name, features=features)

    def build(self, filenames: Names, images: Path | ImageRoot, engine: Callable[[], Engine], **_options: Any) -> int:  # noqa: ANN401
        """See that every image is there; nothing goes through a network.

        Raises:
            InputError: an image that is not in the table.
        """
        missing = self._find(filenames) < 0
        if missing.any():
            first = in_arrow(filenames)[int(missing.argmax())].as_py()
            raise InputError(
                f"{self._table.path}: no features of {first} (and {int(missing.sum()) - 1:,} more); one table has to "
                "hold all images that are trained on, validated and tested"
            )
        return 0

    def content_digest(self, filenames: Names) -> str:
        """Give `sha256:<hex>` over the features of these images, in order."""
        rows = self._table.matrix[self._find(filenames)]
        return f"sha256:{hashlib.sha256(rows.tobytes()).hexdigest()}"

    def rows(self, filenames: Names) -> FeatureRows:
        """Give the features of images that are in the table."""
        rows = self._find(filenames)
        return FeatureRows([self._table.matrix], np.zeros(len(rows), np.int64), rows)

    def _find(self, filenames: Names) -> np.ndarray:
        wanted = in_arrow(filenames)
        if self._table.base_names:
            wanted = pc.replace_substring_regex(wanted, pattern=r"^.*/", replacement="")
        found = pc.index_in(wanted, value_set=self._table.names).fill_null(-1)
        return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)
