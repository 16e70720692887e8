"""Where does the model see its forecasts in the images of a report's gallery?"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from flarescope.errors import InputError
from flarescope.explaining.explained import Explained, explain_pixels, randomised_models
from flarescope.explaining.maps import check_methods
from flarescope.figures import FieldImage
from flarescope.forecaster.as_torch import log_odds_module
from flarescope.images.render import Rendering
from flarescope.images.root import ImageRoot
from flarescope.pipeline.explaining.writing import TITLES
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.model_parts import load_parts
from flarescope.progress import Reporter
from flarescope.wording import number

Gallery = list[tuple[str, list[FieldImage]]]


def with_maps(
    gallery: Sequence[tuple[str, Sequence[FieldImage]]],
    model: Path,
    images: ImageRoot,
    *,
    method: str,
    nan: str,
    reporter: Reporter,
) -> Gallery:
    """Put a map on each image of a gallery, with how faithful it is.

    Args:
        gallery: heading and images of each row.
        model: file of the model that forecast them.
        images: the image root.
        method: of `explaining.maps.METHODS`.
        nan: what NaN pixels of FITS files do, as when they were forecast.
        reporter: hears of progress, and of images that cannot be explained.

    Raises:
        InputError: an unknown method, or one that the network cannot have.
    """
    check_methods([method])
    found = load_parts(model)
    module = log_odds_module(found.parts)
    others, compute = randomised_models(module, seed=0), Compute(nan=nan, instrument_ok=True)
    total, done = sum(len(row) for _, row in gallery), 0
    shown: Gallery = []
    for heading, row in gallery:
        shown.append((heading, []))
        for image in row:
            form = found.parts[0].weights.backbone.pixels
            read = images.read(image.filename, Rendering.for_file(image.filename, nan, form), compute.accept)
            seen = explain_pixels(module, read.rendered.pixels, 0, methods=[method], others=others)
            if method in seen.refused:
                raise InputError(f"--explain {seen.refused[method]}")
            shown[-1][1].append(replace(image, seen=seen.maps[method].values, seen_note=_note(method, seen)))
            done += 1
            reporter.advance("explained", done, total)
    return shown


def _note(method: str, seen: Explained) -> str:
    curves, both = seen.curves[method], seen.correlations[method]
    return (
        f"{TITLES[method]}: deletion {number(curves.deletion_area, 1)} (random maps "
        f"{number(seen.random_deletion_area, 1)}), insertion {number(curves.insertion_area, 1)} "
        f"({number(seen.random_insertion_area, 1)}), rank with random weights {number(both['head'], 2)} / "
        f"{number(both['all'], 2)}"
    )
