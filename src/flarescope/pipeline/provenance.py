"""What do a page and a card say of where their numbers come from, and what must a reader be warned of?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from flarescope.errors import InputError
from flarescope.model.classifier import Description, read_description
from flarescope.model.runs import RunFolder, chosen_epoch
from flarescope.pipeline.evaluated import read_origin
from flarescope.pipeline.origin import Origin, evaluate_again, regions_in_two_splits

RESULTS = ("recipe", "backbone", "store", "versions")
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
        shared: regions in two splits, for test rows; None where that was not to be known.
    """

    run: RunFolder
    described: Mapping[str, Any]
    split: str
    origin: Origin | None
    model: Description | None
    best: int | None
    shared: int | None

    def training(self) -> dict[str, Any]:
        """Say what the model is made of: recipe, backbone, store, versions."""
        return {name: self.described[name] for name in RESULTS if name in self.described}

    def tables(self) -> dict[str, Any]:
        """Say which rows the run was trained and validated on, and which were scored."""
        found = {
            name: {key: value for key, value in table.items() if key != "regions"} | {"regions": len(table["regions"])}
            for name, table in self.described["data"].items()
        }
        scored = {"table": NOT_RECORDED} if self.origin is None else _scored(self.origin)
        return found | {f"{self.split} (scored)": scored}

    def evaluation(self) -> dict[str, Any]:
        """Say which model was evaluated, when, and on what its calibration was fitted."""
        origin = self.origin
        model: Any = NOT_RECORDED
        if origin is not None:
            model = {"file": origin.model, "epoch": origin.epoch, "digest": origin.model_digest}
        date = origin.date if origin and origin.date else NOT_RECORDED
        shared = {0: "none", None: "not checked"}.get(self.shared, self.shared)
        found = {"model": model, "calibration": self._calibration(), "date": date}
        return found | ({"regions in two splits": shared} if self.split == "test" else {})

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
            said.append("RANDOM FILTERS: the backbone's filters are random, not ImageNet's. These are no results.")
        if self.described.get("synthetic"):
            said.append("SYNTHETIC DATA: the magnetograms and flares were made, not observed. These are no results.")
        if self.split == "validation":
            said.append("VALIDATION ROWS: they chose the model's epoch and any calibration: the scores flatter it.")
        if self.split == "train":
            said.append("TRAINING ROWS: the model has seen them: the scores are no measure of its skill.")
        if self.shared:
            said.append(f"REGIONS IN TWO SPLITS: {self.shared:,}. Scores on images of them look too good.")
        if self.origin and self.origin.limit:
            most = f"{self.origin.limit:,}"
            said.append(f"A SAMPLE: at most {most} of the {self.split} rows, drawn at random, are scored.")
        if self.other_epoch is not None:
            said.append(f"EPOCH {self.other_epoch}: the model that stands for the run is that of epoch {self.best}.")
        return said

    @property
    def other_epoch(self) -> int | None:
        """The epoch of the model that was evaluated, where it is not that which stands for the run; else None."""
        epoch = self.origin.epoch if self.origin else None
        return None if epoch is None or epoch == self.best else epoch


def _scored(origin: Origin) -> dict[str, Any]:
    return {"table": origin.table, "digest": origin.table_digest, "rows": origin.limit or "all"}


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
        again = evaluate_again(run, described, split, origin)
        raise InputError(f"{run.path}: {name} was calibrated after it was evaluated on {split}; run {again}")
    shared = regions_in_two_splits(described, forecasts) if split == "test" else None
    if origin is None:  # older versions kept of a patch's regions the principal one: that none is shared, they hide
        shared = shared or None
    return Provenance(run, described, split, origin, model, int(best["epoch"]) if best else None, shared)


def _decides(model: Description) -> list[Any]:
    return [model.threshold if model.choice else None, model.calibration]
