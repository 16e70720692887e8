"""How do images come to a training, read ahead of it and, where they are training images, changed?"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch

from flarescope.features.batching import stack
from flarescope.images.line_of_sight import Accept
from flarescope.images.reading import ReadImage, Unread, each_ahead
from flarescope.images.render import Rendering
from flarescope.images.root import ImageRoot

Edit = Callable[[int, np.ndarray], np.ndarray]
"""From a place in the order of an epoch, and pixels `(C, S, S)`, to other pixels."""


@dataclass(frozen=True)
class Images:
    """The images of a table, `(N,)`: where they lie, their names, and how they are read."""

    root: ImageRoot
    names: Sequence[str]
    rendering: Rendering
    accept: Accept
    workers: int

    def batches(
        self,
        rows: Sequence[int],
        sizes: Sequence[int],
        *,
        places: Sequence[int] | None = None,
        edit: Edit | None = None,
    ) -> Generator[torch.Tensor, None, None]:
        """Read rows in an order.

        Args:
            rows: `(n,)` of the table.
            sizes: of the batches; they add up to n.
            places: `(n,)` numbers that `edit` is called with.
            edit: what is done to the pixels of each; None leaves them as they are.

        Yields:
            `(size, C, S, S)`, 0..255, float32; uint8 where nothing is done to pixels that are bytes.

        Raises:
            InputError: the first image that cannot be read; it is named.
        """
        given = rows if places is None else places

        def read(item: tuple[int, int]) -> ReadImage:
            row, place = item
            image = self.root.read(self.names[row], self.rendering, self.accept)
            if edit is None:
                return image
            pixels = edit(place, image.rendered.pixels.astype(np.float32))
            return replace(image, rendered=replace(image.rendered, pixels=pixels))

        items = zip(map(int, rows), map(int, given), strict=True)
        with closing(each_ahead(items, read, workers=self.workers)) as stream:
            for size in sizes:
                yield torch.from_numpy(stack([_read(one) for one in islice(stream, size)]))


def _read(one: ReadImage | Unread) -> ReadImage:
    if isinstance(one, Unread):
        raise one.error
    return one
