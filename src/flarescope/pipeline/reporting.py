"""How does a run's folder become a report, figures and a model card?"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flarescope.backbones.feature_table import FAMILY as FEATURE_TABLE
from flarescope.backbones.module import FAMILY as MODULE
from flarescope.brief import brief
from flarescope.catalog.apart import hours_ahead
from flarescope.errors import FlarescopeError, InputError
from flarescope.events import EventDefinition, agreed, sentence_of
from flarescope.figures import FieldImage, save_figures, scale_marks
from flarescope.forecaster.event_runs import run_of_event
from flarescope.forecaster.runs import RunFolder
from flarescope.html_report import (
    GALLERY,
    Compared,
    ReportInputs,
    decided_forecasts,
    gallery_rows,
    report_figures,
    write_report,
)
from flarescope.html_report.spread import spread_section
from flarescope.images.line_of_sight import Accept
from flarescope.images.look import look_of_png
from flarescope.images.magnetogram import is_fits, read_fits
from flarescope.images.png import read_png
from flarescope.images.png_text import png_header
from flarescope.images.remote import images_at
from flarescope.images.render import field_of_pixels
from flarescope.images.root import ImageRoot
from flarescope.model_card import CardInputs, write_card
from flarescope.pipeline.evaluated import ONE_EVENT, event_of_forecasts, forecasts_of, read_evaluated, using_scores
from flarescope.pipeline.foreign import keeping
from flarescope.pipeline.provenance import Provenance, read_provenance
from flarescope.pipeline.spreading import spread_if_any
from flarescope.pipeline.verifying import Verifying, verify_rows
from flarescope.progress import Reporter, WarningReporter
from flarescope.scores.compare import compare

NETWORK = "a small head trained on the features of a frozen network"
TUNED = "a network of which layers were trained beside the head ({layers})"
MAGNETIC = "a linear model trained on 29 magnetic-complexity features"


@dataclass(frozen=True)
class Reported:
    """The files that a report wrote: the page, the figures, and of test rows the model card."""

    page: Path
    card: Path | None
    figures: list[Path]

    __repr__ = brief


def report(
    run: str | Path,
    *,
    compared: Sequence[str | Path] = (),
    split: str = "test",
    images: str | Path | None = None,
    verifying: Verifying | None = None,
    out: str | Path | None = None,
    event: EventDefinition | None = None,
    explained: str | None = None,
    reporter: Reporter | None = None,
) -> Reported:
    """Write `report.html`, `figures/` and the model card `README.md` of a run that was evaluated.

    Of another split than `test` there is no card, for the card's scores are those of the test rows, and the files are
    `report.<split>.html` and `figures.<split>/`.

    Args:
        run: the run's folder.
        compared: other runs, or tables of forecasts of the same images, to set beside.
        split: which forecasts.
        images: the image root for the gallery; by default the one that the run was trained from.
        verifying: the flare list to mark in the time lines, and how the compared ones are verified.
        out: the page's file; by default it lies in the run, as figures and card always do.
        event: which, of a run of several events; its page and card lie in its own folder.
        explained: one of `explaining.maps.METHODS`, by which the images of the gallery are explained; None leaves that
            out.
        reporter: hears what had to be left out.

    Raises:
        InputError: no run, or not evaluated on `split` yet; files that do not belong together, or a model that was
            calibrated since.

    Example:
        >>> written = flarescope.report("runs/png", compared=["other_model.csv"])
        >>> written.page.name
        'report.html'
    """
    run = run_of_event(Path(run), event)
    folder, verifying, reporter = RunFolder(run), verifying or Verifying(), reporter or WarningReporter()
    described, forecasts, verification = read_evaluated(folder, split)
    event = event_of_forecasts(folder.path, split)
    of_all = _check_compared(event, folder, compared, split, reporter)
    spreads = spread_if_any([folder.path, *compared], split)
    with using_scores(folder, split):
        found = read_provenance(folder, described, split, forecasts, verification)
        inputs = ReportInputs(
            title=f"Flare forecasts of {folder.path.name}",
            name=folder.path.name,
            forecasts=forecasts,
            verification=verification,
            event=event,
            split=split,
            warnings=found.warnings(),
            history=folder.history(),
            events=verifying.marked_flares(event),
            gallery=_gallery(
                forecasts, verification, found, images_at(images or described["images"]), explained, reporter
            ),
            compared=[_compared(path, forecasts, verification, split, verifying, of_all) for path in compared],
            provenance={"evaluation": found.evaluation(), "data": found.tables(), **found.training()},
            chosen="as stated" if found.has_stated_threshold else "chosen on validation",
            further=[spread_section(spreads)] if spreads else [],
        )
        of_split = "" if split == "test" else f".{split}"
        page = Path(out) if out else folder.path / f"report{of_split}.html"
        write_report(inputs, page)
        card = folder.path / "README.md" if split == "test" else None
        if card:
            write_card(_card(found, verification, sentence_of(event)), card)
        return Reported(page, card, save_figures(report_figures(inputs), folder.path / f"figures{of_split}"))


def _check_compared(
    event: EventDefinition | None, folder: RunFolder, compared: Sequence[str | Path], split: str, reporter: Reporter
) -> EventDefinition | None:
    """Give the event of all, and refuse to set forecasts of another beside; say where one does not say its event."""
    others = {str(path): event_of_forecasts(path, split) for path in compared}
    agreed_event, said = agreed({str(folder.path): event} | others, ONE_EVENT)
    for text in said:
        reporter.warn(text)
    return agreed_event


def _gallery(
    forecasts: pd.DataFrame,
    verification: dict[str, Any],
    found: Provenance,
    images: ImageRoot,
    explained: str | None,
    reporter: Reporter,
) -> list[tuple[str, list[FieldImage]]]:
    rows, threshold = decided_forecasts(forecasts, verification)
    if (verification["settings"]["event"] or {}).get("scope") == "disk" or rows["noaa_ar"].isna().all():
        reporter.say("no gallery: images of the whole disk are not drawn")
        return []
    if rows["filename"].isna().any():
        reporter.say("no gallery: the forecasts do not name their images")
        return []
    try:
        images.check()
    except FlarescopeError as error:
        reporter.say(f"no gallery: {error}")
        return []
    chosen = gallery_rows(rows, threshold)
    gallery = [
        (GALLERY[group], [_field_image(images, row) for row in some.to_dict("records")])
        for group, some in chosen.items()
    ]
    if explained is None:
        return gallery
    from flarescope.pipeline.explaining.gallery import with_maps  # torch, which no other report needs

    model = found.run.path / found.origin.model if found.origin else found.run.model_path()
    nan = "zero" if "nan-zero" in str(found.described["store"].get("rendering")) else "error"
    return with_maps(gallery, model, images, method=explained, nan=nan, reporter=reporter)


def _field_image(images: ImageRoot, row: Mapping[Any, Any]) -> FieldImage:
    path, content = images.path(row["filename"]), images.bytes_of(row["filename"])
    if is_fits(path):
        read = read_fits(path, content, accept=Accept(instrument_ok=True))  # what was forecast was taken before
        field, look = read.field_gauss, read.look
    else:
        pixels = read_png(path, content)
        look = look_of_png(path.name, png_header(content), pixels.shape[:2])
        field = field_of_pixels(np.asarray(pixels if pixels.ndim == 2 else pixels.mean(axis=2), np.float64))
    flare = row.get("flare")
    return FieldImage(
        field_gauss=field,
        filename=row["filename"],
        noaa_ar=None if pd.isna(row["noaa_ar"]) else int(row["noaa_ar"]),
        time=None if pd.isna(row["time"]) else f"{row['time']:%Y-%m-%d %H:%M} UTC",
        probability=float(row["probability"]),
        label=int(row["label"]),
        flare=flare if isinstance(flare, str) else None,
        marks=scale_marks(look.width_mm, look.crota_deg, look.mirrored),
    )


def _compared(
    path: str | Path,
    forecasts: pd.DataFrame,
    verification: dict[str, Any],
    split: str,
    verifying: Verifying,
    event: EventDefinition | None,
) -> Compared:
    """Verify another forecast as this one was, and give the paired difference where the images are the same."""
    climatology = verification["settings"]["climatology"]
    sampling: dict[str, Any] = {"replicates": verifying.replicates, "seed": verifying.seed}
    sampling |= {"event": event, "resample": verifying.resample}
    other = forecasts_of(path, split, reading=keeping(None, verifying))
    if Path(path).is_dir():
        theirs = read_evaluated(RunFolder(Path(path)), split)[2]
    else:
        theirs = verify_rows(other.rows, verifying, event=event, climatology=climatology)
    ours, threshold_a = decided_forecasts(forecasts, verification)
    sampling |= {"threshold_a": threshold_a, "threshold_b": other.threshold}
    try:
        difference = compare(ours, other.rows, climatology=climatology, **sampling)
    except InputError as error:
        return Compared(str(path), theirs, None, f"no paired difference: {error}")
    return Compared(str(path), theirs, difference)


def _card(found: Provenance, verification: dict[str, Any], event: str) -> CardInputs:
    folder, described = found.run, found.described
    split = [
        {"split": name, "images": table["images"], "events": table["events"]}
        | ({} if found.disk else {"regions": len(table["regions"])})
        for name, table in described["data"].items()
    ]
    sample = verification["sample"]
    split.append({"split": "test", "images": sample["n"], "events": sample["events"], "regions": sample["regions"]})
    magnetic = described.get("kind") == "magnetic"
    jpeg = "jpeg" in str(described["store"].get("rendering"))
    epoch = f" --epoch {found.other_epoch}" if found.other_epoch is not None else ""
    shown, place = "disk.jpg" if jpeg else "some.fits", shlex.quote(str(folder.path))
    return CardInputs(
        name=folder.path.name,
        verification=verification,
        event=event,
        data={"name": Path(described["images"]).name} | _digests(found),
        split=split,
        training=found.training(),
        evaluation=found.evaluation(),
        shared_regions=found.shared,
        apart_hours=None if found.disk is None else hours_ahead(found.disk),
        command="" if magnetic or _is_not_here(described) else f"flarescope predict {place} {shown}{epoch}",
        method=_method(described),
        warnings=found.warnings(),
    )


def _method(described: Mapping[str, Any]) -> str:
    if described.get("kind") == "magnetic":
        return MAGNETIC
    tuned = described.get("finetuned")
    return TUNED.format(layers=f"--from {tuned['from']}") if isinstance(tuned, dict) and "from" in tuned else NETWORK


def _is_not_here(described: Mapping[str, Any]) -> bool:
    """Whether a run's network is one that the command line has not: a module of a program, or features of elsewhere."""
    return str(described.get("backbone")).partition(":")[0] in (MODULE, FEATURE_TABLE)


def _digests(found: Provenance) -> dict[str, Any]:
    tables = found.tables().items()
    return {f"{name}, rows": table["digest"] for name, table in tables if table.get("digest")}
