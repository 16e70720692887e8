"""How well does a baseline on magnetic features forecast a labelled table?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from flarescope.catalog.splits import check_disjoint
from flarescope.errors import InputError
from flarescope.events import EventDefinition, event_from_json
from flarescope.files import read_json
from flarescope.forecaster.runs import RunFolder
from flarescope.magnetic.baseline import MagneticModel, match_features
from flarescope.magnetic.table import read_features_csv
from flarescope.pipeline.again import options_of
from flarescope.pipeline.evaluation import Asked, Evaluation, Made, evaluation_of, event_of_evaluation, labelled_rows
from flarescope.pipeline.featuring import MADE_DATA
from flarescope.pipeline.magnetic import FAMILY, MADE
from flarescope.pipeline.verifying import Verifying
from flarescope.progress import Reporter, WarningReporter


@dataclass(frozen=True)
class MagneticRun:
    """A run of a baseline, read back."""

    folder: RunFolder
    described: dict[str, Any]
    path: Path
    model: MagneticModel

    @classmethod
    def open(cls, path: str | Path) -> "MagneticRun":
        """Read a run's description and model.

        Raises:
            InputError: no run, a run of the network, a damaged model.
        """
        folder = RunFolder(Path(path))
        described = folder.read()
        if described.get("kind") != FAMILY:
            raise InputError(f"{path}: a run of the network, not of magnetic features; use `flarescope evaluate`")
        file = folder.model_path()
        return cls(folder, described, file, MagneticModel.from_json(read_json(file), str(file)))


def evaluate_on_features(
    run: str | Path,
    *,
    table: str | Path,
    features: str | Path,
    split: str = "test",
    out: str | Path | None = None,
    limit: int | None = None,
    allow_overlap: bool = False,
    event: EventDefinition | None = None,
    verifying: Verifying | None = None,
    reporter: Reporter | None = None,
) -> Evaluation:
    """Forecast a labelled table from magnetic features and verify it as the network's forecasts are.

    Args:
        run: the folder of a run that `train_on_features` wrote.
        table: labelled rows; of a catalogue with splits those of `split` are taken.
        features: CSV of the features in the published form.
        split: what the table is called: `train`, `validation` or `test`.
        out: where to write; by default into the run.
        limit: only so many rows, drawn at random, the same ones every time.
        allow_overlap: go on where the model was trained on regions of the table.
        event: that the labels are of, for a table that does not say it.
        verifying: how intervals and baselines are made.
        reporter: hears notes.

    Returns:
        The evaluation, which is also written: `scores.json` and `forecasts/<split>.parquet`.

    Raises:
        InputError: bad tables, features or runs; regions that the model was trained on.
    """
    reporter, verifying = reporter or WarningReporter(), verifying or Verifying()
    options = options_of(event=event, verifying=verifying)
    found = MagneticRun.open(run)
    of_model = event_from_json(found.described.get("event"), str(found.folder.run_json))
    event = event_of_evaluation(of_model, table, event, reporter)
    if found.described.get(MADE):
        reporter.warn(MADE_DATA)
    rows = labelled_rows(table, split=split, limit=limit, event=None)  # magnetic features are of one region
    if not allow_overlap and split != "train":
        seen = pd.DataFrame({"noaa_ar": found.described["data"]["train"]["regions"]})
        check_disjoint({"the training set of the model": seen, f"the {split} table": rows})
    numbers = match_features(read_features_csv(Path(features)), rows, str(features))
    asked = Asked(rows, split, table, limit, allow_overlap, event, options, verifying)
    log_odds, said = found.model.log_odds(numbers), {"features": str(features)}
    made = Made(found.path, found.folder, found.model.digest, None, log_odds, said, features)
    return evaluation_of(made, asked, Path(out) if out else found.folder.path, reporter)
