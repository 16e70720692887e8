"""Which learning rate, class weight and seed validate best, when all share the same features?"""

import csv
import io
import itertools
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from flarescope.backbones.base import Spec
from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.files import make_folder, write_json, write_text
from flarescope.forecaster.runs import RunFolder, chosen_epoch
from flarescope.heads.head import SOLVERS, Recipe
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.fitting import Saving, fit_runs
from flarescope.pipeline.identity import claimed
from flarescope.pipeline.jobs import Job, Running
from flarescope.pipeline.training_data import TrainingData, open_training_data
from flarescope.progress import Reporter, WarningReporter
from flarescope.several_events import codes

SCORES: Final = ("tss", "hss", "loss")
CHOICES: Final = ("solver", "learning_rate", "l2", "class_weight")
HEADS: Final = ("linear", "mlp", "boosting")
"""Of one event alone; the others are trained on several at once."""


@dataclass(frozen=True)
class Grid:
    """The combinations of a sweep.

    Attributes:
        learning_rates: of Adam.
        class_weights: as in `Recipe`; None is the reference formula.
        seeds: of Adam's first head and order.
        solvers: `adam`, `lbfgs`, or both.
        l2: penalties of L-BFGS.
        heads: `linear`, `mlp`, `boosting`, or several; solvers are of `linear`, learning rates of it and of `mlp`.
        hidden: units of `mlp`.

    Example:
        >>> grid = flarescope.Grid(learning_rates=(0.001, 0.01), seeds=(0, 1, 2))
        >>> len(grid.recipes(flarescope.Recipe()))
        6
    """

    learning_rates: tuple[float, ...] = (0.001,)
    class_weights: tuple[tuple[float, float] | None, ...] = (None,)
    seeds: tuple[int, ...] = (0,)
    solvers: tuple[str, ...] = ("adam",)
    l2: tuple[float, ...] = (1e-4,)
    heads: tuple[str, ...] = ("linear",)
    hidden: tuple[int, ...] = (64,)

    __repr__ = brief

    def __post_init__(self) -> None:
        if unknown := [head for head in self.heads if head not in HEADS]:
            raise InputError(f"--head {unknown[0]}: a sweep compares {', '.join(HEADS)}, of one event")
        at_work = {solver for solver in self.solvers if "linear" in self.heads} | set(self.heads)
        for names, takers in _TAKERS.items():
            idle = [name for name in names if getattr(self, name) != getattr(Grid, name)]
            if idle and not at_work & set(takers):
                option = idle[0].removesuffix("s").replace("_", "-")
                other = f"--solver {takers[0]}" if takers[0] in SOLVERS else f"--head {takers[0]}"
                raise InputError(f"--{option}: without meaning without {other}; leave it out, or add it")

    def recipes(self, base: Recipe) -> list[Recipe]:
        """Give the recipe of each combination; `base` has the choices that all of Adam's share.

        Raises:
            InputError: a value out of range; choices for Adam where it takes no part.
        """
        idle = [name for name, value in asdict(base).items() if value != getattr(Recipe(), name)]
        linear = self.solvers if "linear" in self.heads else ()
        if "adam" not in linear and "mlp" not in self.heads and idle:
            option = idle[0].replace("_", "-")
            raise InputError(f"--{option}: without meaning without --solver adam; leave it out, or add the solver")
        found = []
        for solver, weight in itertools.product(linear, self.class_weights):
            if solver == "adam":
                for rate, seed in itertools.product(self.learning_rates, self.seeds):
                    found.append(replace(base, learning_rate=rate, class_weight=weight, seed=seed))
            else:
                found += [Recipe(solver=solver, l2=l2, class_weight=weight) for l2 in self.l2]
        for weight, seed in itertools.product(self.class_weights, self.seeds):
            if "mlp" in self.heads:
                layers = itertools.product(self.learning_rates, self.hidden)
                own = replace(base, class_weight=weight, seed=seed, head="mlp")
                found += [replace(own, learning_rate=rate, hidden=hidden) for rate, hidden in layers]
            if "boosting" in self.heads:
                found.append(Recipe(head="boosting", class_weight=weight, seed=seed))
        return found


_TAKERS: Final = {
    ("learning_rates",): ("adam", "mlp"),
    ("seeds",): ("adam", "mlp", "boosting"),
    ("l2",): ("lbfgs",),
    ("hidden",): ("mlp",),
}
"""Which solvers and heads know the choices of a grid."""


def run_name(recipe: Recipe) -> str:
    """Name a combination's folder, such as `lr0.001_w4.09_seed0` or `lbfgs_l2-0.0001_w4.09`."""
    none, event = recipe.class_weight or (1.0, 1.0)
    weight = f"w{event:.3g}" if none == 1 else f"w{none:.3g}-{event:.3g}"
    if recipe.head == "boosting":
        return f"boosting_{weight}_seed{recipe.seed}"
    if recipe.head == "mlp":
        return f"mlp{recipe.hidden}_lr{recipe.learning_rate:g}_{weight}_seed{recipe.seed}"
    if recipe.solver == "lbfgs":
        return f"lbfgs_l2-{recipe.l2:g}_{weight}"
    return f"lr{recipe.learning_rate:g}_{weight}_seed{recipe.seed}"


def sweep(
    *,
    train: str | Path,
    validation: str | Path,
    images: str | Path,
    out: str | Path,
    grid: Grid | None = None,
    backbone: Spec = "imagenet",
    recipe: Recipe | None = None,
    compute: Compute | None = None,
    saving: Saving | None = None,
    features: str | Path | None = None,
    limit: int | None = None,
    allow_overlap: bool = False,
    event: EventDefinition | None = None,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Train every combination of a grid on the same features; combinations of one seed share each batch as it is read.

    Each becomes a run's folder in `out` with the bytes that `train` alone gives. The combinations are compared on
    validation rows only. A killed sweep goes on where it stood.

    Args:
        train: as in `training.train`, also those below.
        validation: rows that the combinations are compared on.
        images: the image root.
        out: the folder of the runs.
        grid: the combinations.
        backbone: name of a network, a Keras file (see `backbones.registry.find`), or a `flarescope.Backbone`.
        recipe: what the combinations have in common.
        compute: of the features.
        saving: which models each run keeps.
        features: the folder of the feature stores; by default `features` beside `out`.
        limit: only so many rows of each table.
        allow_overlap: go on where a region stands in both tables.
        event: that the labels are of, for tables that do not say it.
        reporter: hears notes and progress.

    Returns:
        The comparison (see `compare`), which is also written: `sweep.json`, and its runs as `sweep.csv`.

    Raises:
        InputError: as `training.train`; two combinations whose folders would have one name.

    Example:
        >>> found = flarescope.sweep(
        ...     train="train.csv",
        ...     validation="validation.csv",
        ...     images="images",
        ...     out="sweep",
        ...     grid=flarescope.Grid(seeds=(0, 1, 2)),
        ... )
        >>> best = found["best"]
    """
    compute, saving, reporter = compute or Compute(), saving or Saving(), reporter or WarningReporter()
    recipes, out = (grid or Grid()).recipes(recipe or Recipe()), Path(out)
    data = open_training_data(
        train=train,
        validation=validation,
        images=images,
        features=Path(features or out.parent / "features"),
        backbone=backbone,
        compute=compute,
        limit=limit,
        allow_overlap=allow_overlap,
        recipes=recipes,
        reporter=reporter,
        event=event,
    )
    if data.events:
        raise InputError(f"{train}: has labels of {codes(data.events)[:120]}; a sweep is of one: name it by --event")
    runs = _folders(out, data, recipes)
    make_folder(out)
    with ExitStack() as stack:
        for run, own in runs:
            stack.enter_context(claimed(run, data.describe(own, asdict(saving)), reporter))
        running = fit_runs([Job(run, own, data) for run, own in runs], saving, reporter)
    for one in running:
        if one.failure:
            reporter.warn(f"{one.run.path.name}: {one.failure}")
    found = compare(running)
    write_json(out / "sweep.json", found)
    write_text(out / "sweep.csv", _to_csv(found["runs"]))
    return found


def _folders(out: Path, data: TrainingData, recipes: Sequence[Recipe]) -> list[tuple[RunFolder, Recipe]]:
    known = [data.with_class_weight(recipe) for recipe in recipes]
    names = [run_name(recipe) for recipe in known]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"two combinations would both be kept in {out / twice[0]}; give values that differ by more")
    return [(RunFolder(out / name), recipe) for name, recipe in zip(names, known, strict=True)]


def compare(running: Sequence[Running]) -> dict[str, Any]:
    """Give the validation scores of the best epoch of each run, and their mean and spread over the seeds.

    Returns:
        `runs`: a row each, `failure` says why one has no scores. `combinations`: for each score `mean`, `spread` (the
        standard deviation with n - 1; None for one seed) over `seeds` runs that did not fail, beside `failed`. `best`:
        the choices of the combination with the highest mean TSS of those of which the fewest runs failed, since those
        that are left are the lucky ones; None where none has a TSS.
    """
    rows = [_row(one) for one in running]
    choices = [{name: row[name] for name in CHOICES} for row in rows]
    combinations = []
    for number, chosen in enumerate(choices):
        if chosen in choices[:number]:
            continue
        mine = [row for row, own in zip(rows, choices, strict=True) if own == chosen and row["failure"] is None]
        scores = {name: _mean_and_spread([row[name] for row in mine]) for name in SCORES}
        combinations.append({**chosen, "seeds": len(mine), "failed": choices.count(chosen) - len(mine), **scores})
    scored = [one for one in combinations if one["tss"]["mean"] is not None]
    best = max(scored, key=lambda one: (-one["failed"], one["tss"]["mean"]), default=None)
    return {"runs": rows, "combinations": combinations, "best": best and {name: best[name] for name in CHOICES}}


def _row(one: Running) -> dict[str, Any]:
    recipe, adam = one.recipe, one.recipe.by_adam
    chosen = chosen_epoch(one.history) if one.history and one.failure is None else None
    return {
        "run": one.run.path.name,
        "solver": recipe.solver if recipe.head == "linear" else _named(recipe),
        "learning_rate": recipe.learning_rate if adam else None,
        "l2": recipe.l2 if recipe.head == "linear" and not adam else None,
        "class_weight": list(recipe.class_weight or ()),
        "seed": recipe.seed if adam or recipe.head == "boosting" else None,
        "epoch": chosen and chosen["epoch"],
        **{name: chosen and chosen["validation"][name] for name in SCORES},
        "failure": one.failure and str(one.failure),
    }


def _named(recipe: Recipe) -> str:
    return f"mlp {recipe.hidden}" if recipe.head == "mlp" else recipe.head


def _mean_and_spread(values: Sequence[float | None]) -> dict[str, float | None]:
    """Give mean and standard deviation; an undefined score among them leaves both undefined."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return {"mean": None, "spread": None}
    return {"mean": statistics.fmean(known), "spread": statistics.stdev(known) if len(known) > 1 else None}


def _to_csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "class_weight": "{:.17g},{:.17g}".format(*row["class_weight"])})
    return text.getvalue()
