"""Which runs are of one recipe but for the seed, or the split, and how far do their scores spread?"""

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flarescope.errors import InputError
from flarescope.forecaster.runs import RunFolder
from flarescope.html_report import main_decision
from flarescope.pipeline.common_rows import short_names
from flarescope.pipeline.evaluated import read_evaluated
from flarescope.pipeline.identity import table_digest
from flarescope.scores.questions.spread import spread
from flarescope.scores.verify import plain

SEED: Final = "seed"
SPLIT: Final = "split"
BOTH: Final = "seed and split"
NOT_OF_THE_RECIPE: Final = ("seed", "epochs", "patience")
BALANCED: Final = "balanced"


@dataclass(frozen=True)
class OneRun:
    """A run, as far as its spread goes.

    Attributes:
        name: it is called.
        seed: of its training; None where it says none.
        tables: what tells its training and validation rows from others.
        recipe: everything else that makes it the run it is.
        rows: what tells the rows that it was scored on from others.
        verification: of these.
    """

    name: str
    seed: int | None
    tables: Hashable
    recipe: Hashable
    rows: Hashable
    verification: Mapping[str, Any]


def spread_of_runs(paths: Sequence[str | Path], split: str = "test") -> dict[str, Any]:
    """Give how far the scores of runs spread that differ by seed alone, or by split alone.

    Args:
        paths: folders of runs that were evaluated on `split`, two or more; each on rows of its own.
        split: of the rows.

    Returns:
        JSON-able: `decision` (whose yes/no scores: `chosen`, where all have it); `runs`: name -> `seed`, `split` (1, 2,
        ... by training and validation rows) and `rows` (1, 2, ... by the rows scored); `spreads`: each `over` (`SEED`,
        `SPLIT`, or `BOTH` where no two runs share either), `runs` and `scores` (`scores.questions.spread.spread`).

    Raises:
        InputError: fewer than two runs, runs that differ by more, or the same one twice.

    Example:
        >>> given = {"train": "train.csv", "validation": "validation.csv", "images": "images"}
        >>> for seed in (1, 2):
        ...     run = flarescope.train(**given, recipe=flarescope.Recipe(seed=seed), out=f"runs/{seed}")
        ...     found = flarescope.evaluate(run.path, table="test.csv", images="images")
        >>> [one["over"] for one in flarescope.spread_of_runs(["runs/1", "runs/2"])["spreads"]]
        ['seed']
    """
    if len(paths) < 2:
        raise InputError(f"{len(paths)} run; how far scores spread is seen of two or more")
    runs = [one_run(path, name, split) for path, name in zip(paths, short_names(paths), strict=True)]
    for other in runs[1:]:
        if other.recipe != runs[0].recipe:
            names = f"{runs[0].name} and {other.name}"
            raise InputError(f"{names} differ by more than seed and split: by recipe, network, features or event")
    if len({(one.seed, one.tables) for one in runs}) < len(runs):
        raise InputError("two of the runs have one seed and one split: they are the same run, and spread by nothing")
    decision = "chosen" if all(main_decision(one.verification) == "chosen" for one in runs) else "argmax"
    tables, rows = _numbered([one.tables for one in runs]), _numbered([one.rows for one in runs])
    listed = {one.name: {"seed": one.seed, "split": tables[one.tables], "rows": rows[one.rows]} for one in runs}
    spreads = [
        {"over": over, "runs": [one.name for one in some], "scores": _spread(some, decision)}
        for over, some in _groups(runs)
    ]
    written: dict[str, Any] = plain({"decision": decision, "runs": listed, "spreads": spreads})
    return written


def spread_if_any(paths: Sequence[str | Path], split: str = "test") -> dict[str, Any] | None:
    """Give the spread of runs; None where these are not several of one recipe."""
    try:
        return spread_of_runs(paths, split) if all(Path(path).is_dir() for path in paths) else None
    except InputError:
        return None


def one_run(path: str | Path, name: str, split: str = "test") -> OneRun:
    """Read what makes a run the run it is, and the verification of a split.

    Raises:
        InputError: no run, or not evaluated on this split.
    """
    folder = RunFolder(Path(path))
    described, forecasts, verification = read_evaluated(folder, split)
    rows = table_digest(forecasts)
    tables = tuple(described["data"][key]["digest"] for key in ("train", "validation"))
    return OneRun(name, described["recipe"].get("seed"), tables, recipe_of(described), rows, verification)


def recipe_of(described: Mapping[str, Any]) -> str:
    """Say in one text what a run is, but for seed, rows, passes, and how its features were computed.

    Args:
        described: its `run.json`.
    """
    recipe = {key: value for key, value in described["recipe"].items() if key not in NOT_OF_THE_RECIPE}
    train = described["data"]["train"]
    weights = recipe.get("class_weight")
    if weights and train["events"] and weights == [1.0, (train["images"] - train["events"]) / train["events"]]:
        recipe["class_weight"] = BALANCED  # the reference's, which goes with the training rows
    tuned = described.get("finetuned") or {}
    store = described["store"]
    network = {key: store.get(key) for key in ("family", "rendering") + (() if tuned else ("digest",))}
    of_all = {key: described.get(key) for key in ("kind", "event", "backbone", "history")}
    return json.dumps(of_all | {"recipe": recipe, "network": network, "tuned": tuned.get("from")}, sort_keys=True)


def _groups(runs: Sequence[OneRun]) -> list[tuple[str, list[OneRun]]]:
    """Give the runs that share a split, those that share a seed, or all where none shares either."""
    found = []
    for over, shared in ((SEED, "tables"), (SPLIT, "seed")):
        by_shared: dict[Hashable, list[OneRun]] = {}
        for one in runs:
            by_shared.setdefault(getattr(one, shared), []).append(one)
        found += [(over, some) for some in by_shared.values() if len(some) > 1]
    return found or [(BOTH, list(runs))]


def _spread(runs: Sequence[OneRun], decision: str) -> dict[str, Any]:
    return spread([one.verification for one in runs], decision=decision)


def _numbered(values: Sequence[Hashable]) -> dict[Hashable, int]:
    return {value: number for number, value in enumerate(dict.fromkeys(values), 1)}
