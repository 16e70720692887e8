"""How does a magnetogram stand in the page: its picture, scale and north, and what was forecast?"""

import html
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from flarescope.figures import FieldImage, data_uri, field_bar_figure, field_png, inline_svg
from flarescope.figures.explained import seen_png
from flarescope.figures.field import shrink
from flarescope.figures.scale_marks import ScaleMarks
from flarescope.html_report.view import Drawing, Picture, Pictures
from flarescope.wording import probability_text, with_relation


def gallery_rows_of(heading: str, images: Sequence[FieldImage]) -> list[Pictures]:
    """Give a row of magnetograms, and below, where there are any, what the model sees in them."""
    seen = [(image, image.seen) for image in images if image.seen is not None]
    rows = [Pictures(heading, [picture_of(image) for image in images])]
    if seen:
        said = f"{heading}: vermilion speaks for an event, blue against it"
        rows.append(Pictures(said, [_seen(image, values) for image, values in seen]))
    return rows


def _seen(image: FieldImage, values: np.ndarray) -> Picture:
    rows, columns = shrink(image.field_gauss).shape
    source = data_uri(seen_png(image.field_gauss, values))
    return Picture(source, f"Map of {image.filename}: {image.seen_note}", columns, rows, [image.seen_note])


def gauss_bar() -> Drawing:
    """Give the bar that says which colour is how many gauss."""
    alt = "Colour bar from -1500 gauss (dark red) over 0 (grey) to +1500 gauss (dark blue)"
    return Drawing("field-bar", Markup(inline_svg(field_bar_figure(), "field-bar", alt)), "")


def picture_of(image: FieldImage) -> Picture:
    """Give a magnetogram with its caption."""
    rows, columns = shrink(image.field_gauss).shape
    name = "Magnetogram" if image.noaa_ar is None else f"NOAA {image.noaa_ar}"
    came = "event followed" if image.label == 1 else "no event followed"
    if image.flare:
        came += f" (largest {image.flare})"
    shown = probability_text(image.probability)
    lines = [line for line in (name, image.time, f"p {with_relation(shown)}, {came}", image.filename) if line]
    alt = f"{name}, {image.time or 'time unknown'}: forecast {shown}, {came}"
    return Picture(
        data_uri(field_png(image.field_gauss)), alt, columns, rows, lines, _marks(image.marks, columns, rows)
    )


def _marks(marks: ScaleMarks, columns: int, rows: int) -> Markup:
    """Draw scale bar and directions over a picture, in its own pixels; empty where nothing is known."""
    if not marks.words:
        return Markup("")
    parts, size = [], 0.085 * columns
    if marks.bar_mm is not None:
        x, y = 0.05 * columns, 0.94 * rows
        end = x + marks.bar_share * columns
        parts.append(f'<path d="M{x:.1f} {y:.1f}H{end:.1f}" stroke="#1f2328" stroke-width="{columns / 70:.1f}"/>')
        parts.append(_letter(f"{marks.bar_mm} Mm", x, y - 0.3 * size, size, "start"))
    x, y, length = 0.85 * columns, 0.16 * rows, 0.08 * columns
    for name, step in (("N", marks.north), ("W", marks.west)):
        if step is not None:
            tip = f"{length * step[0]:.1f} {length * step[1]:.1f}"
            parts.append(f'<path d="M{x:.1f} {y:.1f}l{tip}" stroke="#1f2328" stroke-width="{columns / 110:.1f}"/>')
            at = x + 1.6 * length * step[0], y + 1.6 * length * step[1] + 0.35 * size
            parts.append(_letter(name, *at, size, "middle"))
    alt = html.escape(f"{marks.words} in the picture")
    view = f'viewBox="0 0 {columns} {rows}"'
    return Markup(f'<svg class="marks" role="img" aria-label="{alt}" {view}>{"".join(parts)}</svg>')


def _letter(text: str, x: float, y: float, size: float, anchor: str) -> str:
    style = f'style="font-size: {size:.1f}px" text-anchor="{anchor}" fill="#1f2328"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{text}</text>'
