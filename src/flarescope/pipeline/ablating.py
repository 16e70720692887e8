"""What does each part of a forecast add: the image, its past, the region's flares before, its McIntosh class?

Each part is trained on the run's training regions alone, what joins them on its validation regions, and all is scored
on rows of neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from flarescope.catalog.splits import check_disjoint
from flarescope.errors import InputError
from flarescope.events import EventDefinition, event_from_json
from flarescope.features.history import History, history_from_json
from flarescope.files import make_folder, write_json, write_text
from flarescope.forecaster.runs import RunFolder
from flarescope.heads.head import SEQUENCE, Recipe
from flarescope.images.remote import images_at
from flarescope.pipeline.ablation_scores import IMAGE, MODEL_OF, PAST, Parts, scored_parts, to_csv
from flarescope.pipeline.evaluating import evaluate
from flarescope.pipeline.evaluation import labelled_rows
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.identity import is_synthetic
from flarescope.pipeline.record import fit_record, record_event, record_log_odds, tell_unknown
from flarescope.pipeline.region_data import RegionData, read_region_data
from flarescope.pipeline.training import train
from flarescope.pipeline.verifying import Verifying
from flarescope.progress import Reporter, WarningReporter
from flarescope.regions.grid import log_odds
from flarescope.scores.cases import Sampling
from flarescope.tables import read_forecasts


def ablate(
    run: str | Path,
    *,
    table: str | Path,
    regions: Sequence[str | Path],
    flares: str | Path,
    images: str | Path | None = None,
    history: History | None = None,
    split: str = "test",
    out: str | Path | None = None,
    flux_scale: str | None = None,
    compute: Compute | None = None,
    event: EventDefinition | None = None,
    sampling: Sampling | None = None,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Score each part of a forecast alone and together, on rows that none of it was trained on.

    Args:
        run: a run's folder; its recipe, tables and features are those of all parts.
        table: labelled rows to score on, of other regions than the run's training and validation rows.
        regions: NOAA's summaries (`catalog.noaa_regions.read_summaries`).
        flares: a flare list, complete from 3 days before the first image.
        images: the image root; by default the run's.
        history: to which earlier images the part with the past looks back, where the run has no history itself.
        split: of a table with a column `split`.
        out: where to write; by default `ablation` in the run.
        flux_scale: of the list, where it does not say it.
        compute: of the features.
        event: what label 1 means, where the run does not say it.
        sampling: how intervals are made.
        reporter: hears notes and progress.

    Returns:
        What `ablation.json` holds: `event`, `rows`, `parts`, `sets` (each with its scores and intervals), `adds` (what
        each part adds, with paired intervals), `settings`, `notes`, `synthetic`.

    Raises:
        InputError: bad files; regions that a part was trained on; a record that does not cover the images.

    Example:
        >>> record = {"regions": ["set_regions.csv"], "flares": "set_flares.csv"}
        >>> event = flarescope.EventDefinition(threshold="C1.0", window_hours=24)
        >>> found = flarescope.ablate("runs/png", table="test.csv", event=event, **record)
        >>> [one["what"] for one in found["adds"]][:2]
        ['the record, to the image', 'the image, to the record']
    """
    reporter, sampling, folder = reporter or WarningReporter(), sampling or Sampling(), RunFolder(Path(run))
    described = folder.read()
    if described.get("kind"):
        raise InputError(f"{folder.path}: a run of another kind; ablate takes runs that `flarescope train` makes")
    event = event_from_json(described.get("event"), str(folder.run_json)) or event
    data = read_region_data(regions, flares, flux_scale=flux_scale, reporter=reporter)
    event = record_event(event, data.scale)
    place = Path(out) if out else folder.path / "ablation"
    _check_unseen(folder, described, table, split, event)
    runs = _image_runs(folder, described, history, place, compute, reporter)
    source = images or described["images"]
    parts = _parts(runs, described, data, event, (table, split, source), place, compute, reporter)
    trained = described["data"]["train"]
    found = scored_parts(parts, event, trained["events"] / trained["images"], sampling)
    found |= {"synthetic": bool(described.get("synthetic")) or is_synthetic(images_at(source))}
    make_folder(place)
    write_json(place / "ablation.json", found)
    write_text(place / "ablation.csv", to_csv(found))
    return found


def _check_unseen(
    folder: RunFolder, described: Mapping[str, Any], table: str | Path, split: str, event: EventDefinition
) -> None:
    """Refuse rows of regions that a part was trained on, or that the parts are joined on.

    Raises:
        InputError: naming the regions; or a bad table.
    """
    rows = labelled_rows(table, split=split, limit=None, event=event)
    trained = pd.DataFrame({"noaa_ar": described["data"]["train"]["regions"]})
    joined = read_forecasts(folder.forecasts("validation"))
    for name, seen in (("the run's training rows", trained), ("the run's validation rows", joined)):
        check_disjoint({name: seen, f"the {split} table": rows}, "give --table and --split of other regions")


def draw(found: Mapping[str, Any], place: Path) -> list[Path]:
    """Draw an ablation as `ablation.png` and `ablation.svg` in a folder; give the files."""
    from flarescope.figures.ablation import ablation_figure
    from flarescope.figures.svg import save_figures

    return save_figures({"ablation": ablation_figure(found)}, place)


def _image_runs(
    folder: RunFolder,
    described: Mapping[str, Any],
    history: History | None,
    place: Path,
    compute: Compute | None,
    reporter: Reporter,
) -> dict[str, RunFolder]:
    """Give the run of the image alone and that of its past; the one that is not there is trained on the same features.

    Raises:
        InputError: another history than the run's own.
    """
    own = history_from_json(described.get("history"))
    if own is not None and history not in (None, own):
        raise InputError(f"{folder.path}: looks back already, by another history; leave --history out")
    runs = {IMAGE if own is None else PAST: folder}
    if own is not None:
        runs[IMAGE] = _train_like(described, place / "image", None, compute, reporter)
    elif history is not None:
        runs[PAST] = _train_like(described, place / "past", history, compute, reporter)
    return {name: runs[name] for name in (IMAGE, PAST) if name in runs}


def _train_like(
    described: Mapping[str, Any], out: Path, history: History | None, compute: Compute | None, reporter: Reporter
) -> RunFolder:
    tables = described.get("tables") or {}
    if not {"train", "validation"} <= set(tables):
        raise InputError("the run does not say of which tables it was made; train it again, or with --history")
    recipe = Recipe(**{**described["recipe"], "class_weight": tuple(described["recipe"]["class_weight"]) or None})
    if history is None and recipe.head in SEQUENCE:
        reporter.say(f"the image alone has a linear head: {recipe.head} looks at earlier images")
        recipe = replace(recipe, head="linear", hidden=Recipe.hidden)
    kept = replace(compute or Compute(), store=described["store"].get("dtype"))
    reporter.say(f"training the part {out.name} by the run's own recipe")
    return train(
        train=tables["train"],
        validation=tables["validation"],
        images=described["images"],
        out=out,
        backbone=described["backbone"],
        recipe=recipe,
        compute=kept,
        features=described["features"],
        limit=tables.get("limit"),
        allow_overlap=bool(described.get("allow_overlap")),
        event=event_from_json(described.get("event"), "the run"),
        history=history,
        reporter=reporter,
    )


def _parts(
    runs: Mapping[str, RunFolder],
    described: Mapping[str, Any],
    data: RegionData,
    event: EventDefinition,
    source: tuple[str | Path, str, str | Path],
    place: Path,
    compute: Compute | None,
    reporter: Reporter,
) -> Parts:
    """Forecast validation and scored rows by every part."""
    table, split, images = source
    validation = read_forecasts(next(iter(runs.values())).forecasts("validation"))
    fit, test = {}, {}
    for name, run in runs.items():
        rows = read_forecasts(run.forecasts("validation"))
        fit[name] = log_odds(rows.set_index("filename")["probability"].reindex(validation["filename"]).to_numpy(float))
        found = evaluate(
            run.path,
            table=table,
            images=images,
            split=split,
            compute=compute,
            features=described["features"],
            out=place / "forecasts of the image" / name.replace(" ", "_"),
            verifying=Verifying(replicates=0),
            reporter=reporter,
        )
        test[name], scored = log_odds(found.forecasts["probability"].to_numpy(float)), found.forecasts
    models = fit_record(data, list(MODEL_OF.values()), described["data"]["train"]["regions"], reporter)
    named = {part: models.regional[name] for part, name in MODEL_OF.items()}
    for rows, into, label in ((validation, fit, "validation"), (scored, test, split)):
        by_model = record_log_odds({MODEL_OF[part]: model for part, model in named.items()}, rows, data, event)
        tell_unknown(by_model, reporter, f"{label} rows")
        into |= {part: by_model[name].to_numpy() for part, name in MODEL_OF.items()}
    return Parts(pd.DataFrame(fit), pd.DataFrame(test), validation, scored)
