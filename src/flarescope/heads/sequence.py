"""What does a small recurrent or attention head make of an image and the earlier ones of its region?

The features of each image are scaled by the training rows and go through one layer that all images share. `gru` then
goes through them from the oldest to the image itself (a gated recurrent unit, Cho et al. 2014, arXiv 1406.1078, in
PyTorch's form); one that is missing leaves its state as it is. `attention` weighs the earlier ones by how well they
answer the image (scaled dot products, Vaswani et al. 2017, arXiv 1706.03762), each with a learned vector for its hours;
a missing one has no weight. Trained with torch; what is kept is plain arrays, and forecasts are NumPy.
"""

import hashlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import numpy as np

from flarescope.brief import brief
from flarescope.cores import one_blas_thread
from flarescope.features.gather import GATHER, Rows, batches
from flarescope.log_odds import sigmoid

SHARED: Final = ("mean", "inverse", "project", "project_bias", "output", "constant", "images")
ARRAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "gru": (*SHARED, "input", "input_bias", "hidden", "hidden_bias"),
    "attention": (*SHARED, "query", "key", "value", "hours"),
}
"""Names of the arrays of each kind."""


def shapes_of(kind: str, features: int, hidden: int, images: int) -> dict[str, tuple[int, ...]]:
    """Give the shape of each array of a head that sees so many earlier images."""
    wide = hidden * (2 if kind == "attention" else 1)
    shapes: dict[str, tuple[int, ...]] = {
        "mean": (features,),
        "inverse": (features,),
        "project": (features, hidden),
        "project_bias": (hidden,),
        "output": (wide,),
        "constant": (1,),
        "images": (1,),
        "input": (hidden, 3 * hidden),
        "input_bias": (3 * hidden,),
        "hidden": (hidden, 3 * hidden),
        "hidden_bias": (3 * hidden,),
        "query": (hidden, hidden),
        "key": (hidden, hidden),
        "value": (hidden, hidden),
        "hours": (images, hidden),
    }
    return {name: shapes[name] for name in ARRAYS[kind]}


@dataclass(frozen=True)
class SequenceHead:
    """A trained head of rows as `features.history.HistoryRows` stacks them.

    Attributes:
        kind: of `ARRAYS`.
        arrays: float32, of the shapes of `shapes_of`; `images` holds K, the number of earlier images.
    """

    kind: str
    arrays: Mapping[str, np.ndarray]

    __repr__ = brief

    @property
    def images(self) -> int:
        """How many earlier images it looks at."""
        return int(self.arrays["images"][0])

    @property
    def width(self) -> int:
        """How many numbers a row has: those of the image and of each earlier one, and an indicator for each."""
        return len(self.arrays["mean"]) * (1 + self.images) + self.images

    @property
    def digest(self) -> str:
        """Give `sha256:<hex>` over all arrays, as little-endian float32."""
        digest = hashlib.sha256(self.kind.encode())
        for name in ARRAYS[self.kind]:
            digest.update(np.ascontiguousarray(self.arrays[name], dtype="<f4").data)
        return f"sha256:{digest.hexdigest()}"

    def check(self) -> "SequenceHead":
        """Give the head itself.

        Raises:
            ValueError: arrays that do not fit each other.
        """
        if set(self.arrays) != set(ARRAYS[self.kind]) or self.arrays["project"].ndim != 2:
            raise ValueError("arrays that are no head of this kind")
        count = float(np.ravel(self.arrays["images"])[0]) if self.arrays["images"].size else 0.0
        if not (0 < count < 100 and count == int(count)):
            raise ValueError(f"{count} earlier images")
        features, hidden = self.arrays["project"].shape
        expected = shapes_of(self.kind, features, hidden, int(count))
        found = {name: array.shape for name, array in self.arrays.items()}
        if found != expected:
            raise ValueError(f"the head has shapes {found}, which do not fit each other")
        return self

    def log_odds(self, rows: Rows | np.ndarray) -> np.ndarray:
        """Give the log odds of an event for each row, `(N,)` float64."""
        found, start = np.empty(len(rows)), 0
        with one_blas_thread(), closing(batches(rows, np.arange(len(rows)), GATHER)) as stream:
            for x in stream:
                found[start : start + len(x)] = self._batch(x)
                start += len(x)
        return found

    def probability(self, rows: Rows | np.ndarray) -> np.ndarray:
        """Give the probability of an event for each row, `(N,)` float64 in 0..1."""
        return sigmoid(self.log_odds(rows))

    def _batch(self, x: np.ndarray) -> np.ndarray:
        own = self.arrays
        steps, missing = parted(x, self.images)
        brought = np.tanh((steps - own["mean"]) * own["inverse"] @ own["project"] + own["project_bias"])
        seen = self._recurrent(brought, missing) if self.kind == "gru" else self._attending(brought, missing)
        return np.asarray(seen @ own["output"] + own["constant"][0])

    def _recurrent(self, brought: np.ndarray, missing: np.ndarray) -> np.ndarray:
        own, hidden = self.arrays, brought.shape[2]
        state = np.zeros((len(brought), hidden), np.float32)
        for place in [*range(self.images, 0, -1), 0]:  # the furthest back first, the image last
            gates = brought[:, place] @ own["input"] + own["input_bias"]
            held = state @ own["hidden"] + own["hidden_bias"]
            reset, update = (
                sigmoid(gates[:, part] + held[:, part]) for part in (slice(0, hidden), slice(hidden, 2 * hidden))
            )
            new = np.tanh(gates[:, 2 * hidden :] + reset * held[:, 2 * hidden :])
            after = (1 - update) * new + update * state
            state = np.where(missing[:, place, np.newaxis], state, after)
        return state

    def _attending(self, brought: np.ndarray, missing: np.ndarray) -> np.ndarray:
        own = self.arrays
        image, earlier = brought[:, 0], brought[:, 1:] + own["hours"]
        asked, keys = image @ own["query"], earlier @ own["key"]
        score = np.einsum("nh,nkh->nk", asked, keys) / np.sqrt(np.float32(brought.shape[2]))
        score = np.where(missing[:, 1:], -np.inf, np.minimum(score, 60.0))
        weight = np.exp(score - np.maximum(score.max(axis=1, keepdims=True), -60.0))
        weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-30)  # none is there: nothing is added
        return np.concatenate([image, np.einsum("nk,nkh->nh", weight, earlier @ own["value"])], axis=1)


def parted(x: np.ndarray, images: int) -> tuple[np.ndarray, np.ndarray]:
    """Part rows `(n, F + K F + K)` into the features of each image `(n, 1 + K, F)` and what is missing `(n, 1 + K)`.

    The image itself comes first and is never missing.
    """
    features = (x.shape[1] - images) // (1 + images)
    steps = x[:, : features * (1 + images)].reshape(len(x), 1 + images, features)
    there = np.zeros((len(x), 1), bool)
    return steps, np.concatenate([there, x[:, features * (1 + images) :] > 0.5], axis=1)
