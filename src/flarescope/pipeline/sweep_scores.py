"""Which combination of a sweep validates best, of one event or of several?"""

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flarescope.features.history import hours_text
from flarescope.forecaster.runs import chosen_epoch
from flarescope.heads.head import JOINT, SEQUENCE
from flarescope.pipeline.jobs import Running
from flarescope.pipeline.sweep_grid import Combination

SCORES: Final = ("tss", "hss", "loss")
CHOICES: Final = ("solver", "learning_rate", "l2", "class_weight", "history")
REFERENCE: Final = "reference"
"""Stands for class weights that each event has of its own."""


@dataclass(frozen=True)
class Swept:
    """A combination that was trained.

    Attributes:
        combination: which; of one event with the class weights as numbers.
        running: its run, of several events one of each.
        codes: of the events, where there are several.
    """

    combination: Combination
    running: Sequence[Running]
    codes: Sequence[str] = ()

    @property
    def failure(self) -> str | None:
        """Why a run of it failed; None where none did."""
        return next((str(one.failure) for one in self.running if one.failure), None)

    def choices(self) -> dict[str, Any]:
        """Give what was chosen, but for the seed, with the names `CHOICES`; None is what the head does not know."""
        recipe, past = self.combination.recipe, self.combination.history
        steps = recipe.by_adam or recipe.head in SEQUENCE
        penalty = recipe.head in JOINT or (recipe.head == "linear" and not steps)
        weights = None if recipe.head in JOINT else list(recipe.class_weight) if recipe.class_weight else REFERENCE
        hidden = f" {recipe.hidden}" if recipe.head in ("mlp", *SEQUENCE) else ""
        form = " difference" if past is not None and past.form == "difference" else ""
        return {
            "solver": recipe.solver if recipe.head == "linear" else recipe.head + hidden,
            "learning_rate": recipe.learning_rate if steps else None,
            "l2": recipe.l2 if penalty else None,
            "class_weight": weights,
            "history": None if past is None else hours_text(past.hours) + form,
        }

    def row(self) -> dict[str, Any]:
        """Give the choices and the scores on validation rows; of several events the means, and each in `events`."""
        recipe = self.combination.recipe
        seeded = recipe.by_adam or recipe.head in ("boosting", *SEQUENCE)
        failure, each = self.failure, [_scores(one) for one in self.running]
        means: dict[str, Any] = {name: _mean([one[name] for one in each]) for name in SCORES}
        if failure is not None:
            means = dict.fromkeys(SCORES)
        return {
            "run": self.combination.name(),
            **self.choices(),
            "seed": recipe.seed if seeded else None,
            "epoch": each[0]["epoch"] if len(each) == 1 else None,
            **means,
            "failure": failure,
            **({"events": dict(zip(self.codes, each, strict=True))} if self.codes else {}),
        }


def _scores(one: Running) -> dict[str, Any]:
    chosen = chosen_epoch(one.history) if one.history and one.failure is None else None
    return {
        "epoch": chosen and chosen["epoch"],
        **{name: chosen and chosen["validation"][name] for name in SCORES},
    }


def compare(swept: Sequence[Swept]) -> dict[str, Any]:
    """Give the validation scores of the best epoch of each run, and their mean and spread over the seeds.

    Returns:
        `runs`: a row each, `failure` says why one has no scores; of several events the scores are means over them, and
        each event's stand under `events`. `combinations`: for each score `mean`, `spread` (the standard deviation with
        n - 1; None for one seed) over `seeds` runs that did not fail, beside `failed`. `best`: the choices of the
        combination with the highest mean TSS of those of which the fewest runs failed, since those that are left are
        the lucky ones; None where none has a TSS. `chosen_by` says by what. Of several events `best_of_event`: the same
        for each event alone.
    """
    rows = [one.row() for one in swept]
    codes = swept[0].codes
    by = "mean validation TSS over seeds" + (f", and over the {len(codes)} events" if codes else "")
    found = {"runs": rows, "combinations": _combinations(rows), "best": _best(rows), "chosen_by": by}
    if not codes:
        return found
    of_event = {code: [_of_event(row, code) for row in rows] for code in codes}
    return found | {"best_of_event": {code: _best(own) for code, own in of_event.items()}}


def _of_event(row: Mapping[str, Any], code: str) -> dict[str, Any]:
    return {**row, **row["events"][code]}


def _combinations(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    choices = [{name: row[name] for name in CHOICES} for row in rows]
    found = []
    for number, chosen in enumerate(choices):
        if chosen in choices[:number]:
            continue
        mine = [row for row, own in zip(rows, choices, strict=True) if own == chosen and row["failure"] is None]
        scores = {name: _mean_and_spread([row[name] for row in mine]) for name in SCORES}
        found.append({**chosen, "seeds": len(mine), "failed": choices.count(chosen) - len(mine), **scores})
    return found


def _best(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Give the choices with the highest mean TSS."""
    scored = [one for one in _combinations(rows) if one["tss"]["mean"] is not None]
    best = max(scored, key=lambda one: (-one["failed"], one["tss"]["mean"]), default=None)
    return best and {name: best[name] for name in CHOICES}


def _mean(values: Sequence[float | None]) -> float | None:
    return _mean_and_spread(values)["mean"]


def _mean_and_spread(values: Sequence[float | None]) -> dict[str, float | None]:
    """Give mean and standard deviation; an undefined score among them leaves both undefined."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return {"mean": None, "spread": None}
    return {"mean": statistics.fmean(known), "spread": statistics.stdev(known) if len(known) > 1 else None}


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write the rows as CSV; of several events each has columns of its own, such as `tss M1.0/24`."""
    flat = [_flat(row) for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(flat[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    weights = row["class_weight"]
    each = {f"{name} {code}": value for code, own in row.get("events", {}).items() for name, value in own.items()}
    plain = {name: value for name, value in row.items() if name != "events"}
    return {
        **plain,
        "class_weight": "{:.17g},{:.17g}".format(*weights) if isinstance(weights, list) else weights,
        **each,
    }
