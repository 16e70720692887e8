"""Do these forecasts belong to this run, to these scores, and to the model that stands there now?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from flarescope.files import read_json
from flarescope.forecaster.classifier import head_digest
from flarescope.forecaster.runs import RunFolder, chosen_epoch
from flarescope.magnetic.baseline import MagneticModel
from flarescope.pipeline.again import from_here, to_evaluate
from flarescope.pipeline.origin import Origin, digest_of_rows, origin_from_json, origin_values
from flarescope.scores.threshold import ARGMAX

COUNTS: Final = ("tp", "fn", "fp", "tn")


def check_validation_rows(
    run: RunFolder, described: Mapping[str, Any], forecasts: pd.DataFrame, origin: Origin | None, digest: str
) -> int:
    """Refuse validation forecasts that are not those of all of the run's validation rows by its best kept model.

    The rows are compared by their names and labels, whatever the notes say. Forecasts without notes (of older versions)
    must give the counts that the history has of the model's epoch.

    Args:
        run: the folder.
        described: its `run.json`.
        forecasts: what lies in `forecasts/validation.parquet`.
        origin: what the file says of itself, or None.
        digest: of the best kept model's head.

    Returns:
        The epoch of the best kept model.

    Raises:
        InputError: they are others; the message has the command that makes the right ones.
    """
    best = chosen_epoch([row for row in run.history() if (run.path / row["model"]).is_file()])
    recorded = (described.get("data") or {}).get("validation") or {}
    why = None
    of_rows = digest_of_rows(forecasts)
    if of_rows is None:
        why = "do not give each row a name and a label"
    elif of_rows != recorded.get("digest"):
        images = recorded.get("images")
        all_rows = f"all {images:,} validation rows" if isinstance(images, int) else "the validation rows"
        why = f"are of {len(forecasts):,} rows that are not {all_rows} of the run"
    elif origin is not None and origin.model_digest != digest:
        why = f"were made by {origin.model}, not by the best model, {best['model']}"
    elif origin is None and _counts(forecasts) != [best["validation"].get(name) for name in COUNTS]:
        why = f"do not say their model, and do not give the counts of epoch {best['epoch']}, the best"
    if why:
        raise to_evaluate(f"the validation forecasts {why}", run, described, "validation")
    return int(best["epoch"])


def _counts(forecasts: pd.DataFrame) -> list[int]:
    event, yes = forecasts["label"] == 1, forecasts["probability"] >= ARGMAX
    return [int(both.sum()) for both in (event & yes, event & ~yes, ~event & yes, ~event & ~yes)]


def check_same_evaluation(
    run: RunFolder, split: str, forecasts: pd.DataFrame, origin: Origin | None, scores: Mapping[str, Any]
) -> None:
    """Refuse forecasts and scores that are not of one evaluation of this split, or of a model that was replaced.

    Raises:
        InputError: they are not; the message has the command that makes both.
    """
    of_scores = origin_from_json(origin_values(scores), run.scores(split))
    why: str | None
    if origin is not None and origin.split != split:
        why, origin = f"the forecasts are of {origin.split}, not of {split}", of_scores
    else:
        why = _of_two(forecasts, origin, scores, of_scores) or _of_another_model(run, origin)
    if why:
        raise to_evaluate(f"{split} of {from_here(run.path)}: {why}", run, run.read(), split, origin or of_scores)


def _of_two(
    forecasts: pd.DataFrame, origin: Origin | None, scores: Mapping[str, Any], of_scores: Origin | None
) -> str | None:
    if scores.get("table_digest") not in (None, digest_of_rows(forecasts)):
        return "scores and forecasts are of other rows"
    return None if origin == of_scores else "scores and forecasts are of two evaluations"


def _of_another_model(run: RunFolder, origin: Origin | None) -> str | None:
    if origin is None:
        return None
    if origin.model not in {row["model"] for row in run.history()}:
        return f"the forecasts were made by {origin.model}, which is no model of this run"
    if digest_of_model(run.path / origin.model) not in (None, origin.model_digest):
        return f"{origin.model} is another model than the one that made the forecasts"
    return None


def digest_of_model(path: Path) -> str | None:
    """Give the digest of a model file that `Origin.model_digest` is compared with; None where it is not there.

    A complete Keras file is not read for it: that would take seconds.
    """
    if not path.is_file():
        return None
    return MagneticModel.from_json(read_json(path), str(path)).digest if path.suffix == ".json" else head_digest(path)
