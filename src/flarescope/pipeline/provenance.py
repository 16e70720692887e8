"""What do a page and a card say of where their numbers come from, and what must a reader be warned of?"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from flarescope.catalog.apart import hours_ahead, spans_from_json
from flarescope.connected import all_regions
from flarescope.counted import counted, listed
from flarescope.events import EventDefinition, event_from_json
from flarescope.finetuning.recipe import LORA
from flarescope.forecaster.classifier import read_description
from flarescope.forecaster.description import Description
from flarescope.forecaster.runs import RunFolder, best_epoch, chosen_epoch
from flarescope.heads.head import HEADS, SOLVERS, known_choices
from flarescope.pipeline.again import to_evaluate
from flarescope.pipeline.evaluated import read_origin
from flarescope.pipeline.origin import Origin, digest_of_rows, regions_in_two_splits, rows_near_splits
from flarescope.pipeline.threshold_rule import STATED

RANDOM_FILTERS: Final = "RANDOM FILTERS: the backbone's filters are random, not ImageNet's. These are no results."
KNEW: Final = {"train": "trained", "validation": "validated"}
"""What a run did on its rows."""

RESULTS = ("recipe", "history", "backbone", "finetuned", "store", "versions")
NOT_RECORDED = "not recorded: evaluated by an older version"


@dataclass(frozen=True)
class Provenance:
    """Where the numbers of a report come from.

    Attributes:
        run: the folder.
        described: its `run.json`.
        split: of the rows scored.
        origin: of their forecasts; None where an older version wrote them.
        model: what the model's file says of itself; None where it is not there, or of another kind.
        best: the epoch of the model that stands for the run (`runs.chosen_epoch`); None where none is kept.
        shared: regions in two splits, for test rows (of the whole disk: test rows too near in time to training or
            validation rows, `origin.rows_near_splits`); None where that was not to be known.
        rows: what the rows scored are to the run, whatever they are called.
        disk: the event, where it is one of the whole disk; None of regions.
    """

    run: RunFolder
    described: Mapping[str, Any]
    split: str
    origin: Origin | None
    model: Description | None
    best: int | None
    shared: int | None
    rows: "Rows"
    disk: EventDefinition | None = None

    def training(self) -> dict[str, Any]:
        """Say what the model is made of: recipe (what of it was used), history, backbone, store, versions."""
        found = {name: self.described[name] for name in RESULTS if name in self.described}
        return {**found, "recipe": used_choices(found["recipe"])}

    def tables(self) -> dict[str, Any]:
        """Say which rows the run was trained and validated on, and which were scored."""
        found = {
            name: {key: value for key, value in table.items() if key not in ("regions", "times")} | self._held(table)
            for name, table in self.described["data"].items()
        }
        scored = {"table": NOT_RECORDED} if self.origin is None else _scored(self.origin)
        return found | {f"{self.split} (scored)": scored}

    def _held(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """Say how many regions rows show, or of the whole disk which times they fill."""
        spans = spans_from_json(table.get("times"))
        if self.disk is None or not spans:
            return {"regions": len(table["regions"])}
        gaps = f" with {counted(len(spans) - 1, 'gap')}" if len(spans) > 1 else ""
        return {"times": f"{spans[0][0]:%Y-%m-%d %H:%M} to {spans[-1][1]:%Y-%m-%d %H:%M}{gaps}"}

    def evaluation(self) -> dict[str, Any]:
        """Say which model was evaluated, when, and on what its calibration was fitted."""
        origin = self.origin
        model: Any = NOT_RECORDED
        if origin is not None:
            model = {"file": origin.model, "epoch": origin.epoch, "digest": origin.model_digest}
        date = origin.date if origin and origin.date else NOT_RECORDED
        shared = {0: "none", None: "not checked"}.get(self.shared, self.shared)
        found = {"model": model, "calibration": self._calibration(), "date": date, "rows scored": self.rows.words}
        what = "regions in two splits" if self.disk is None else "rows near those of training or validation"
        return found | ({what: shared} if self.split == "test" else {})

    def _calibration(self) -> Any:  # noqa: ANN401 - words, or a mapping of them
        if self.model is None or self.model.choice is None:
            return "none"
        method = (self.model.calibration or {}).get("method", "none, a threshold alone")
        chosen = {"method": method, "threshold": self.model.threshold, "rule": self.model.choice.get("rule")}
        rows = self.model.fitted_on or "validation rows; which of them is not recorded"
        return chosen | {"fitted on": rows}

    def warnings(self) -> list[str]:
        """Say what changes the meaning of the numbers."""
        said = []
        if str(self.described["store"]["family"]).startswith("random"):
            said.append(RANDOM_FILTERS)
        if self.described.get("synthetic"):
            said.append("SYNTHETIC DATA: the magnetograms and flares were made, not observed. These are no results.")
        said += self._of_rows()
        if self.shared and self.disk is not None:
            said.append(
                f"NEAR IN TIME: {counted(self.shared, 'row')} less than {hours_ahead(self.disk):g} h from rows of "
                "training or validation. Scores on them look too good."
            )
        elif self.shared:
            said.append(f"REGIONS IN TWO SPLITS: {self.shared:,}. Scores on images of them look too good.")
        if self.origin and self.origin.limit:
            most = counted(self.origin.limit, "row")
            said.append(f"A SAMPLE: at most {most} of the table, drawn at random, are scored.")
        if self.other_epoch is not None:
            said.append(f"EPOCH {self.other_epoch}: the model that stands for the run is that of epoch {self.best}.")
        return said

    def _of_rows(self) -> list[str]:
        """Say what it means that the model, or its choice, knew the rows; or that they are not what they are called."""
        if self.rows.of == "train":
            return ["TRAINING ROWS: the model has seen them: the scores are no measure of its skill."]
        if self.rows.of == "validation":
            chose = listed(self._chosen_on_validation())
            flatter = f": they chose {chose}: the scores flatter it" if chose else ", which chose nothing of the model"
            return [f"VALIDATION ROWS{flatter}."]
        return [] if self.split == "test" else [f"CALLED {self.split.upper()}: the rows scored are {self.rows.words}."]

    def _chosen_on_validation(self) -> list[str]:
        """Name what of the model was chosen on the run's validation rows."""
        history = self.run.history()
        best = best_epoch(history)
        epoch = self.origin.epoch if self.origin else self.best
        by_epoch = len(history) > 1 and (self.described.get("save") or {}).get("which") != "last"
        chosen = ["the model's epoch"] if by_epoch and best is not None and best["epoch"] == epoch else []
        if self.model is not None and self.model.choice is not None:
            chosen += ["its calibration"] if self.model.calibration else []
            chosen += [] if self.has_stated_threshold else ["its threshold"]
        return chosen

    @property
    def has_stated_threshold(self) -> bool:
        """Whether a person, and no rows, chose the model's threshold."""
        return self.model is not None and (self.model.choice or {}).get("rule") == STATED

    @property
    def other_epoch(self) -> int | None:
        """The epoch of the model that was evaluated, where it is not that which stands for the run; else None."""
        epoch = self.origin.epoch if self.origin else None
        return None if epoch is None or epoch == self.best else epoch


def used_choices(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a recipe what its head or solver knows nothing of, such as the penalty of L-BFGS beside Adam."""
    solver, head = recipe.get("solver"), recipe.get("head", "linear")
    if recipe.get("start", LORA) != LORA:  # a fine-tuning without LoRA
        return {name: value for name, value in recipe.items() if name not in ("rank", "alpha")}
    if solver not in SOLVERS or head not in HEADS:  # of another kind: magnetic features, fine-tuning
        return dict(recipe)
    known = known_choices(solver, head)
    return {name: value for name, value in recipe.items() if name in known}


@dataclass(frozen=True)
class Rows:
    """What rows are to a run.

    Attributes:
        of: `train` or `validation`, where they are all of these rows of the run and no others; else None.
        words: the same in words, and of other rows how many of their regions the run knew.
    """

    of: str | None
    words: str


def rows_to_run(described: Mapping[str, Any], forecasts: pd.DataFrame, disk: EventDefinition | None = None) -> Rows:
    """Find out, by digests of names and labels, whether rows are those that a run was trained or validated on.

    Args:
        described: its `run.json`.
        forecasts: the rows.
        disk: the event, where it is one of the whole disk.
    """
    digest, data = digest_of_rows(forecasts), described["data"]
    if digest is None:
        return Rows(None, "not known: some have no name or no label")
    of = next((name for name in KNEW if data[name]["digest"] == digest), None)
    if of is not None:
        return Rows(of, f"those that the run was {KNEW[of]} on")
    others = "not those that the run was trained or validated on"
    if disk is not None and (near := rows_near_splits(described, forecasts, disk)) is not None:
        return Rows(None, f"{others}; less than {hours_ahead(disk):g} h from one of these: {near:,}")
    regions = set(all_regions(forecasts))
    if not regions:
        return Rows(None, f"{others}; their {'regions' if disk is None else 'times'} are not known")
    known = listed([f"{len(regions & set(data[name]['regions'])):,} {KNEW[name]} on" for name in KNEW])
    all_of = counted(len(regions), "region")
    return Rows(None, f"{others}; of their {all_of}, {known}")


def _scored(origin: Origin) -> dict[str, Any]:
    return {
        "table": origin.table and Path(origin.table).name,
        "digest": origin.table_digest,
        "rows": origin.limit or "all",
    }


def read_provenance(
    run: RunFolder, described: Mapping[str, Any], split: str, forecasts: pd.DataFrame, verification: Mapping[str, Any]
) -> Provenance:
    """Read where a run's scores of a split come from.

    Args:
        run: the folder.
        described: its `run.json`.
        split: of the rows scored.
        forecasts: of these rows.
        verification: of these forecasts.

    Raises:
        InputError: the model got another calibration or threshold after it was evaluated.
    """
    kept = [row for row in run.history() if (run.path / str(row["model"])).is_file()]
    best = chosen_epoch(kept) if kept else None
    origin = read_origin(run, split)
    name = origin.model if origin else str(best["model"]) if best else None
    path = None if name is None else run.path / name
    model = read_description(path) if path is not None and path.is_file() and path.suffix != ".json" else None
    if model is not None and _decides(model) != [
        verification["settings"].get(key) for key in ("threshold", "calibration")
    ]:
        why = f"{run.path}: {name} was calibrated after it was evaluated on {split}"
        raise to_evaluate(why, run, described, split, origin)
    event = event_from_json(described.get("event"), str(run.run_json))
    disk = event if event is not None and event.scope == "disk" else None
    shared = None
    if split == "test":
        shared = rows_near_splits(described, forecasts, disk) if disk else regions_in_two_splits(described, forecasts)
    if origin is None:  # older versions kept of a patch's regions the principal one: that none is shared, they hide
        shared = shared or None
    rows = rows_to_run(described, forecasts, disk)
    return Provenance(run, described, split, origin, model, int(best["epoch"]) if best else None, shared, rows, disk)


def _decides(model: Description) -> list[Any]:
    return [model.threshold if model.choice else None, model.calibration]
