"""Which pictures of docs/regions.md follow from the scores of two runs of `flarescope train-regions`?

    python benchmarks/region_pictures.py runs/regions_2011 runs/regions --out docs/regions

The first run was trained until a day and verified after it, the second trained on all days and cross-validated.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from flarescope.figures.style import FIRST, INK, MUTED, SECOND, THIRD, new_figure, styled, unit_axis
from flarescope.figures.svg import save_figures
from flarescope.files import read_json

Scores = Mapping[str, Any]
COLOURS = {"C1.0": FIRST, "M1.0": SECOND, "X1.0": THIRD}
MARKERS = {"C1.0": "o", "M1.0": "s", "X1.0": "^"}
NAMES = {
    "class": "class alone",
    "history": "history alone",
    "summary": "class and changes",
    "regions": "all that is known",
}
OTHERS = {"climatology": "climatology", "persistence": "persistence", "mcintosh": "MCSTAT", "mcevol": "MCEVOL"}


@styled
def reliability_figure(scores: Scores, title: str) -> Figure:
    """Draw how often events came that were forecast with each tenth of probability."""
    figure = new_figure(4.6)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":")
    for name, colour in COLOURS.items():
        rows = [row for row in scores[f"{name}/24"]["reliability"] if row["n"] >= 20]
        xs, ys = [row["forecast"] for row in rows], [row["observed"] for row in rows]
        axes.plot(xs, ys, marker=MARKERS[name], color=colour, label=f"{name} or above")
    unit_axis(axes, x=True, y=True)
    axes.set_xlabel("Forecast probability (tenths with 20 forecasts or more)")
    axes.set_ylabel("Share with the event")
    axes.set_title(title, fontsize=12, color=INK)
    axes.legend(loc="upper left")
    return figure


@styled
def years_figure(scores: Scores, title: str) -> Figure:
    """Draw the Brier skill of each year, against that year's own event rate, with intervals."""
    figure = new_figure(4.2)
    axes = figure.subplots()
    for shift, (name, colour) in zip((-0.15, 0.15), list(COLOURS.items())[:2], strict=True):
        years = {int(year): one["scores"] for year, one in scores[f"{name}/24"]["years"].items() if one["scores"]}
        values = [one["bss_sample"]["value"] for one in years.values()]
        errors = [
            [
                one["bss_sample"]["value"] - one["bss_sample"].get("low", one["bss_sample"]["value"])
                for one in years.values()
            ],
            [
                one["bss_sample"].get("high", one["bss_sample"]["value"]) - one["bss_sample"]["value"]
                for one in years.values()
            ],
        ]
        places = [year + shift for year in years]
        axes.errorbar(places, values, errors, fmt=MARKERS[name], color=colour, label=f"{name} or above", linewidth=1.2)
    axes.axhline(0, color=MUTED, linewidth=1)
    axes.set_ylim(-0.3, 0.7)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("Brier skill score")
    axes.set_title(title, fontsize=12, color=INK)
    axes.legend(loc="lower right", ncols=2)
    return figure


@styled
def parts_figure(scores: Scores, title: str) -> Figure:
    """Draw the Brier skill of the parts and of the baselines, with intervals."""
    figure = new_figure(5.2)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name in zip(panels, ("C1.0", "M1.0"), strict=True):
        _bars(axes, scores[f"{name}/24"]["scores"], COLOURS[name])
        axes.set_title(f"{name} or above", fontsize=12, color=INK)
        axes.set_xlabel("Brier skill score")
    figure.suptitle(title, fontsize=12, color=INK)
    return figure


def _bars(axes: Axes, scores: Scores, colour: str) -> None:
    names = {**OTHERS, **NAMES}
    for place, name in enumerate(names):
        one = scores[name]["bss_climatology"]
        width = max(one["value"], -0.3)
        error = [[one["value"] - one["low"]], [one["high"] - one["value"]]]
        axes.barh(place, width, color=colour, alpha=1.0 if name == "regions" else 0.55, height=0.7)
        if one["value"] > -0.3:
            axes.errorbar([one["value"]], [place], xerr=error, color=INK, linewidth=1.2)
        else:
            axes.annotate(f"{one['value']:.2f}", (-0.28, place), fontsize=10, va="center", color=INK)
    axes.set_yticks(range(len(names)), list(names.values()))
    axes.invert_yaxis()
    axes.set_xlim(-0.3, 0.45)
    axes.axvline(0, color=MUTED, linewidth=1)


def main() -> None:
    """Draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("later", type=Path, help="run verified after its training")
    parser.add_argument("validated", type=Path, help="run verified by cross-validation")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    later, validated = (read_json(run / "scores.json") for run in (options.later, options.validated))
    written = save_figures(
        {
            "reliability": reliability_figure(later["region"], "2012-2015, model trained to 2011"),
            "years": years_figure(validated["region"], "Regions, 24 hours, by cross-validation"),
            "parts": parts_figure(later["region"], "2012-2015, models trained to 2011"),
            "disk": reliability_figure(later["disk"], "The whole disk, 2012-2015"),
        },
        options.out,
    )
    for path in written:
        if path.suffix == ".png":  # the documents show the SVG
            path.unlink()


if __name__ == "__main__":
    main()
