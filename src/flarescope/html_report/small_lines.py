"""What was forecast for every region, as small time lines that a page opens on demand?

Matplotlib needs a tenth of a second for a figure; a test set has 157 regions. These are plain SVG: a line for the
probability, shaded spells that an event followed, a dashed line for the threshold. Colours are the style sheet's.
"""

import html
from typing import Final

import numpy as np
import pandas as pd
from markupsafe import Markup

from flarescope.counted import counted
from flarescope.figures.timeline import GAP_FACTOR
from flarescope.html_report.inputs import ReportInputs, decided_forecasts
from flarescope.html_report.view import Drawing

WIDTH: Final = 300.0
HEIGHT: Final = 60.0
POINTS: Final = 100
"""Images of a region that are drawn at most."""

MOST_REGIONS: Final = 400
"""More would make the page larger than it may be; the caption says which are shown."""


def region_lines(inputs: ReportInputs) -> list[Drawing]:
    """Draw a small time line of each region, in the order of their numbers.

    Args:
        inputs: of the page; rows without a region or a time are in none.

    Returns:
        Drawings with a caption each; empty where there are no regions or times, or of the whole disk.
    """
    if inputs.event is not None and inputs.event.scope == "disk":
        return []
    forecasts, threshold = decided_forecasts(inputs.forecasts, inputs.verification)
    known = forecasts.dropna(subset=["noaa_ar", "time"])
    groups = known.sort_values("time", kind="stable").groupby("noaa_ar", sort=True)
    chosen = [(int(str(region)), rows) for region, rows in groups if len(rows) > 1][:MOST_REGIONS]
    return [Drawing(f"line-{region}", _svg(region, rows, threshold), _caption(region, rows)) for region, rows in chosen]


def _caption(region: int, rows: pd.DataFrame) -> str:
    first, last = rows["time"].iloc[0], rows["time"].iloc[-1]
    events = int((rows["label"] == 1).sum())
    return f"NOAA {region}, {first:%Y-%m-%d} to {last:%m-%d}: {counted(len(rows), 'image')}, {events:,} before an event"


def _svg(region: int, rows: pd.DataFrame, threshold: float) -> Markup:
    hours = (rows["time"] - rows["time"].iloc[0]).dt.total_seconds().to_numpy(float)
    x = WIDTH * hours / max(hours[-1], 1.0)
    y = HEIGHT * (1 - rows["probability"].to_numpy(float))
    event = (rows["label"] == 1).fillna(False).to_numpy(bool)
    every = max(1, -(-len(x) // POINTS))
    x_drawn, points = x[::every], [f"{a:.0f},{b:.0f}" for a, b in zip(x[::every], y[::every], strict=True)]
    pieces = np.split(np.arange(len(points)), gaps(x_drawn))
    line = "".join(f"M{'L'.join(points[i] for i in piece)}h0" for piece in pieces)
    alt = html.escape(f"Forecast probability of {_caption(region, rows)}")
    at = HEIGHT * (1 - threshold)
    return Markup(
        f'<svg role="img" aria-label="{alt}" viewBox="0 -1 {WIDTH:g} {HEIGHT + 2:g}">{_spells(x, event)}'
        f'<path d="M0 {at:.0f}H{WIDTH:g}" stroke="var(--muted)" stroke-dasharray="4 3"/>'
        f'<path d="{line}" fill="none" stroke="var(--first)" stroke-width="1.5" stroke-linecap="round"/></svg>'
    )


def gaps(x: np.ndarray) -> np.ndarray:
    """Give the places of rows before which there is a gap, `(G,)`: many times the usual step without any row."""
    steps = np.diff(x)
    return np.flatnonzero(steps > GAP_FACTOR * np.median(steps)) + 1 if len(steps) else np.empty(0, np.int64)


def _spells(x: np.ndarray, event: np.ndarray) -> str:
    """Shade each run of rows that an event followed, unbroken by other rows or a gap, half a step beyond its ends."""
    half = float(np.median(np.diff(x))) / 2
    broken = np.union1d(np.flatnonzero(np.diff(event)) + 1, gaps(x))
    spans = [(run[0], run[-1]) for run in np.split(np.arange(len(x)), broken) if len(run) and event[run[0]]]
    return "".join(
        f'<rect x="{x[a] - half:.1f}" width="{x[b] - x[a] + 2 * half:.1f}" height="{HEIGHT:g}" fill="var(--shade)"/>'
        for a, b in spans
    )
