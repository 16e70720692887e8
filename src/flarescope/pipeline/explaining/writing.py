"""How is what was found out about an image written: figures, numbers, maps?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from flarescope.events import sentence_of
from flarescope.explaining.explained import Explained
from flarescope.explaining.faithful import Curves
from flarescope.figures import save_figures
from flarescope.figures.explained import Background, DrawnCurves, explanation_figure
from flarescope.files import atomic_path, write_json
from flarescope.forecaster.as_torch import EventHead
from flarescope.images.line_of_sight import Accept
from flarescope.images.reading import ReadImage
from flarescope.images.stored import StoredImage
from flarescope.pipeline.explaining.background import background_of
from flarescope.region_numbers import regions_text
from flarescope.wording import number, probability_text

TITLES = {
    "grad-cam": "Grad-CAM",
    "hires-cam": "HiResCAM",
    "guided-grad-cam": "Guided Grad-CAM",
    "integrated-gradients": "Integrated gradients",
    "occlusion": "Occlusion",
}


def free_names(files: Sequence[Path | StoredImage]) -> list[str]:
    """Give each image a name for its files: its own without the ending, and a number where two would be the same."""
    names, used = [], set[str]()
    for file in files:
        stem = file.name.removesuffix(".gz").removesuffix(".GZ").rpartition(".")[0] or file.name
        name, count = stem, 1
        while name.lower() in used:
            count += 1
            name = f"{stem}-{count}"
        used.add(name.lower())
        names.append(name)
    return names


def event_in_name(code: str) -> str:
    """Write the short form of an event as a part of a file's name: `M1.0/24+1` as `M1.0_24_1`."""
    return "".join(c if c.isalnum() or c in ".-" else "_" for c in code)


def write_explained(
    folder: Path,
    name: str,
    path: Path | StoredImage,
    read: ReadImage,
    events: Mapping[str, tuple[EventHead, Explained]],
    *,
    said: Mapping[str, Any],
    accept: Accept,
    probabilities: Mapping[str, float],
    warnings: Sequence[str] = (),
) -> list[Path]:
    """Write figures, numbers and maps of one image, each file whole or not at all; give the files.

    What changes the meaning of all results, or is unusual of the image, stands first below each figure.
    """
    background = background_of(path, accept)
    figures = {
        f"{name}.{event_in_name(code)}": _figure(path, read, background, head, found, probabilities[code], warnings)
        for code, (head, found) in events.items()
    }
    files = save_figures(figures, folder)
    arrays = {
        f"{event_in_name(code)}/{method}": one.values
        for code, (_, found) in events.items()
        for method, one in found.maps.items()
    }
    with atomic_path(folder / f"{name}.npz") as temporary:
        np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]
    axes = {"unit": background.unit, "width": background.width, "height": background.height}
    write_json(folder / f"{name}.json", {**said, "axes": axes})
    return [*files, folder / f"{name}.npz", folder / f"{name}.json"]


def _figure(
    path: Path | StoredImage,
    read: ReadImage,
    background: Background,
    head: EventHead,
    found: Explained,
    probability: float,
    warnings: Sequence[str],
) -> Any:  # noqa: ANN401 - a figure of matplotlib
    rendered = read.rendered
    regions = regions_text(rendered.noaa_ars) or ("" if not rendered.noaa_ars else str(rendered.noaa_ars[0]))
    time = "" if rendered.time is None else f"{rendered.time:%Y-%m-%d %H:%M} UTC"
    about = ", ".join(part for part in (regions and f"NOAA {regions}", time) if part)
    return explanation_figure(
        background,
        {_heading(method, found): one.values for method, one in found.maps.items()},
        title=f"{about or path.name}: probability {probability_text(probability)} of {sentence_of(head.event)}",
        caption="\n".join([*warnings, _caption(path, found, has_line=background.line is not None)]),
        curves={TITLES[name]: _drawn(one) for name, one in found.curves.items() if found.maps[name].values.any()},
        random=[_drawn(one) for one in found.random],
    )


def _heading(method: str, found: Explained) -> str:
    """Name a map, with its numbers on a second line."""
    if not found.maps[method].values.any():
        return f"{TITLES[method]}\nzero everywhere: nothing here speaks for the event"
    if method not in found.curves:
        return TITLES[method]
    curves, both = found.curves[method], found.correlations[method]
    areas = f"deletion {number(curves.deletion_area, 1)}, insertion {number(curves.insertion_area, 1)}"
    return f"{TITLES[method]}\n{areas}, rank {number(both['head'], 2)} / {number(both['all'], 2)}"


def _drawn(one: Curves) -> DrawnCurves:
    return DrawnCurves(one.share, one.deletion, one.insertion)


def _caption(path: Path | StoredImage, found: Explained, *, has_line: bool) -> str:
    lines = [
        f"{path.name}, as it lies in its file: nothing is rotated. "
        f"{'Green points: polarity inversion line. ' if has_line else ''}"
        "Vermilion speaks for the event, blue against it. "
        f"Maps explain the log-odds before calibration, {number(found.log_odds, 2)} here."
    ]
    if found.random:
        lines.append(
            "Deletion and insertion: mean log-odds along the curves above; of random maps "
            f"{number(found.random_deletion_area, 1)} and {number(found.random_insertion_area, 1)}. Rank: correlation "
            "with the map of a model whose head / all of whose weights are random; near 1 the map does not show what "
            "was learnt."
        )
    return "\n".join(lines)
