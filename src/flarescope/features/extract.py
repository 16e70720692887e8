"""How do images become features: paths -> pixels -> batches -> engine -> features, in order?

The one loop of the program: the store, a forecast and a comparison of engines all go through it.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

import numpy as np

from flarescope.engines.base import Engine
from flarescope.features.batching import stack
from flarescope.images.reading import ReadImage

Kept = TypeVar("Kept")


def extract(
    images: Iterator[ReadImage], sizes: Iterable[int], engine: Engine, keep: Callable[[ReadImage], Kept]
) -> Iterator[tuple[list[Kept], np.ndarray]]:
    """Send images through the network.

    Args:
        images: as they were read; who gives them closes them.
        sizes: of the batches, which end with the images or with the sizes, whichever ends first.
        engine: the network, ready.
        keep: what of each image is given back beside its features; the pixels go when their batch is through.

    Yields:
        Of each batch, in order, what was kept of its n images, and their features `(n, F)` float32.
    """
    waiting: deque[list[Kept]] = deque()

    def batches() -> Iterator[np.ndarray]:
        for size in sizes:
            batch = list(islice(images, size))
            if not batch:
                return
            waiting.append([keep(image) for image in batch])
            yield stack(batch)

    for features in engine.stream(batches()):
        yield waiting.popleft(), features
