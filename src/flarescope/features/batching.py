"""How do single images become the batches that go through the network?"""

from collections.abc import Iterator, Sequence

import numpy as np

from flarescope.images.reading import ReadImage


def batch_sizes(rows: int, shard_rows: int, batch: int) -> Iterator[int]:
    """Give the sizes of the batches, so that none crosses a shard: a resumed build makes the same batches."""
    for first in range(0, rows, shard_rows):
        last = min(first + shard_rows, rows)
        for start in range(first, last, batch):
            yield min(batch, last - start)


def stack(images: Sequence[ReadImage]) -> np.ndarray:
    """Stack images into one batch `(n, C, S, S)` float32; a colour image makes C 3 for all of them."""
    pixels = [image.rendered.pixels for image in images]
    batch = np.empty((len(pixels), max(len(one) for one in pixels), *pixels[0].shape[1:]), np.float32)
    for place, one in enumerate(pixels):
        batch[place] = one
    return batch
