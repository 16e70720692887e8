"""`flarescope explain`: where in an image does a model see its forecast, and how far can a map of it be believed?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, note, settings, show_json, show_table

if TYPE_CHECKING:
    from flarescope.pipeline.explaining.stage import Explanations

EXAMPLE = "Example: flarescope explain runs/png some.fits folder/ --out explained"


def explain(
    model: Annotated[Path, typer.Argument(help="A run's folder, a model file, or a model of the reference notebook.")],
    paths: options.ImagePaths,
    out: Annotated[Path, typer.Option(help="Folder for figures (PNG, SVG), numbers (JSON) and maps (NPZ).")],
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="grad-cam, hires-cam, guided-grad-cam, integrated-gradients or occlusion; may be given again.",
            show_default="all that the network can have",
        ),
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option(help="One of the model's events, as M1.0/24; may be given again.", show_default="all"),
    ] = None,
    checks: Annotated[
        bool, typer.Option("--checks/--no-checks", help="Measure how faithful the maps are; takes most of the time.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Of random maps and random weights.")] = 0,
    epoch: options.Epoch = None,
    backbone: options.OtherBackbone = None,
    nan: options.Nan = "error",
    instrument_ok: options.InstrumentOk = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Draw where in images a model sees its forecasts.

    Maps explain the log-odds of an event, before calibration. Beside each stands what becomes of these when
    the map's best places go first (deletion: the smaller their mean, the better) or come first (insertion:
    the larger, the better), with random maps for comparison; and its rank correlation with the map of a
    model whose weights are random, of the head or of all: a map that stays does not show what was learnt.

    Images that cannot be read are named and left out, and the command ends with code 1.
    """
    from flarescope.pipeline.explaining.stage import Explaining
    from flarescope.pipeline.explaining.stage import explain as run_explain
    from flarescope.pipeline.featuring import Compute

    found = run_explain(
        model,
        paths,
        out=out,
        explaining=Explaining(method or None, event or None, checks, seed),
        epoch=epoch,
        backbone=backbone,
        compute=Compute(nan=nan, instrument_ok=instrument_ok),
        reporter=ScreenReporter(),
    )
    note(f"written to {out}: figures, numbers and maps of {len(found.images)} image{'s'[: len(found.images) != 1]}")
    show_explained(found)
    if found.failures:
        raise typer.Exit(1)


def show_explained(found: "Explanations") -> None:
    """Print the numbers of each map, as a table or as JSON."""
    from flarescope.wording import number, probability_text, without_empty

    if settings.as_json:
        failed = [{"filename": one.filename, "events": None, "reason": one.reason} for one in found.failures]
        show_json([*(one.to_json() for one in found.images), *failed])
        return
    rows = []
    for image in found.images:
        for code, one in image.events.items():
            for method in one.maps:
                curves, both = one.curves.get(method), one.correlations.get(method, {})
                deletion, insertion = (curves.deletion_area, curves.insertion_area) if curves else (None, None)
                row = [
                    number(deletion, 2),
                    number(insertion, 2),
                    number(both.get("head"), 2),
                    number(both.get("all"), 2),
                ]
                rows.append([image.filename, code, probability_text(image.probabilities[code]), method, *row])
            if one.random:
                deletion, insertion = one.random_deletion_area, one.random_insertion_area
                rows.append(
                    [image.filename, code, "", "random maps", number(deletion, 2), number(insertion, 2), "", ""]
                )
    checks = ("deletion", "insertion", "rank, head", "rank, all")
    header, cells = without_empty(("image", "event", "probability", "map", *checks), rows, checks)
    checked = "mean log-odds under deletion (small is good) and insertion (large is good)"
    title = checked if set(checks) & set(header) else "maps; how faithful they are was not asked"
    show_table(title, list(header), [list(row) for row in cells])
