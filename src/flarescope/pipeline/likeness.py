"""What were a model's training images like, and what has to be said of images that are not like them?"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from flarescope.counted import of_them
from flarescope.images.flags import FLAGS
from flarescope.images.likeness import Likeness, likeness_of, look_at, places_looked_at
from flarescope.images.look import Look
from flarescope.images.root import ImageRoot, root_of
from flarescope.pipeline.featuring import Compute
from flarescope.progress import Reporter


def likeness_of_table(table: pd.DataFrame, images: Path | ImageRoot, compute: Compute) -> Likeness | None:
    """Look at some of a table's images, the same ones every time; None where none is there.

    Raises:
        NotMagnetogramError: one of them is no magnetogram of a region.
    """
    looks = _looks(table, images, compute)
    return likeness_of(looks, len(table)) if looks else None


def tell_differences(
    likeness: Likeness | None, table: pd.DataFrame, images: Path | ImageRoot, compute: Compute, reporter: Reporter
) -> None:
    """Look at some of a table's images, and warn of what tells them from a model's training images."""
    looks = _looks(table, images, compute)
    tell_flags([likeness.differences(look) if likeness else () for look in looks], likeness, reporter)


def tell_flags(flags: Sequence[Sequence[str]], likeness: Likeness | None, reporter: Reporter) -> None:
    """Say how many images bear each flag, and where they could not be compared with the model's training images.

    Args:
        flags: of each image, words of `FLAGS`.
        likeness: of the training images, or None where the model does not say it.
        reporter: hears it.
    """
    counts = Counter(name for some in flags for name in some)
    for name in FLAGS:
        if counts[name]:
            reporter.warn(f"{of_them(counts[name], len(flags), 'image')}: {FLAGS[name]} (flag {name})")
    if likeness is None:
        reporter.say("the model does not say what its training images were like: scale and orientation go unchecked")


def _looks(table: pd.DataFrame, images: Path | ImageRoot, compute: Compute) -> list[Look]:
    keys = pa.table({name: pa.array(table[name]) for name in ("noaa_ar", "time", "filename")})
    order = pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names]).to_numpy()
    names, root = table["filename"].iloc[order[places_looked_at(len(order))]], root_of(images)
    paths = {root.path(name): name for name in names}  # of those alone: a table has a million
    return look_at(list(paths), accept=compute.accept, read=lambda path: root.bytes_of(paths[path]))
