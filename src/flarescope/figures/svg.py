"""How does a figure become a part of a page, or a file?"""

import html
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.figure import Figure

from flarescope.figures.style import THEMED, styled
from flarescope.files import atomic_path

_NO_METADATA: Final = {"Date": None, "Creator": None, "Format": None, "Type": None}


@styled
def _svg(figure: Figure, salt: str, *, transparent: bool) -> str:
    """Give the SVG that matplotlib writes, text as text, the same bytes every time."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        facecolor = "none" if transparent else "auto"
        figure.savefig(buffer, format="svg", facecolor=facecolor, metadata=_NO_METADATA)
    return buffer.getvalue()


def inline_svg(figure: Figure, name: str, alt: str) -> str:
    """Give a figure as an SVG element that stands in an HTML page and follows its light or dark colours.

    Args:
        figure: drawn in the house style.
        name: of letters, digits and hyphens, different for every figure of a page: ids get it as a prefix.
        alt: what the figure shows, for those who do not see it.
    """
    text = _svg(figure, name, transparent=True)
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r"\burl\(#", f"url(#{name}-", text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    for color, variable in THEMED.items():
        text = text.replace(color, f"var({variable})")
    view = re.search(r'viewBox="[^"]*"', text)
    start = f'<svg role="img" aria-label="{html.escape(alt)}" {view.group(0) if view else ""}>'
    return start + text[text.index(">") + 1 :]


@styled
def save_figures(figures: Mapping[str, Figure], folder: Path) -> list[Path]:
    """Write each figure as PNG and as SVG.

    Args:
        figures: name -> figure; the name becomes the file's.
        folder: created where it is missing.

    Returns:
        The files written.
    """
    paths = []
    for name, figure in figures.items():
        with atomic_path(Path(folder) / f"{name}.png") as temporary:
            figure.savefig(temporary, format="png", dpi=160)
        with atomic_path(Path(folder) / f"{name}.svg") as temporary:
            temporary.write_text(_svg(figure, name, transparent=False), encoding="utf-8", newline="")
        paths += [Path(folder) / f"{name}.png", Path(folder) / f"{name}.svg"]
    return paths
