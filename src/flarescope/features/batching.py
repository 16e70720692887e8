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
    """Stack images into one batch `(n, C, S, S)`; a colour image makes C 3 for all of them.

    Returns:
        uint8 where the pixels of all are, as of 8-bit PNG of the network's size: each engine makes floats of them where
        they are used. Else float32.
    """
    pixels = [image.rendered.pixels for image in images]
    dtype = np.uint8 if all(one.dtype == np.uint8 for one in pixels) else np.float32
    batch = np.empty((len(pixels), max(len(one) for one in pixels), *pixels[0].shape[1:]), dtype)
    for place, one in enumerate(pixels):
        batch[place] = one
    return batch
