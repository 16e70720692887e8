"""How do runs go through their epochs, several on the same batches, each kept so that a kill costs an epoch at most?"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np

from flarescope.counted import counted
from flarescope.errors import FlarescopeError, InputError
from flarescope.features.gather import Rows
from flarescope.forecaster.classifier import Classifier, load_classifier
from flarescope.forecaster.runs import RunFolder, best_epoch, chosen_epoch, model_name, result_to_json
from flarescope.heads import lbfgs
from flarescope.heads.adam import State, check_converging, train_together
from flarescope.heads.head import EpochResult, Recipe, result_of, validate_together
from flarescope.notes import event_notes
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.identity import with_content
from flarescope.pipeline.origin import origin_of
from flarescope.pipeline.training_data import TrainingData
from flarescope.progress import Reporter
from flarescope.tables import forecast_table

SAVE: Final = ("each", "best", "last")
SHOWN: Final = ("TPR", "TNR", "TSS", "HSS")


@dataclass(frozen=True)
class Saving:
    """Which models a run keeps.

    Attributes:
        which: `each` epoch's, only the `best` by validation TSS, or only the `last`.
        full: complete Keras files instead of small ones.

    Example:
        >>> flarescope.Saving(which="best")
        Saving(which='best', full=False)
    """

    which: str = "each"
    full: bool = False

    def __post_init__(self) -> None:
        if self.which not in SAVE:
            raise InputError(f"--save {self.which}: expected one of {', '.join(SAVE)}")


@dataclass(frozen=True)
class Job:
    """A run that is to be trained: its folder, the choices with class weights as numbers, and what it is trained on."""

    run: RunFolder
    recipe: Recipe
    data: TrainingData


@dataclass
class Running:
    """A run on its way.

    Attributes:
        run: its folder.
        recipe: the choices.
        model: as training began.
        state: where training stands.
        history: the finished epochs.
        failure: why it cannot go on, or None.
        labels: of its own event, by table.
    """

    run: RunFolder
    recipe: Recipe
    model: Classifier
    state: State
    history: list[dict[str, Any]]
    failure: FlarescopeError | None = None
    labels: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    @property
    def ended(self) -> bool:
        """Whether there is no further epoch."""
        over = self.state.epoch >= self.recipe.last_epoch or stops(self.history, self.recipe.patience)
        return over or self.failure is not None


@dataclass(frozen=True)
class Outcome:
    """What an epoch of one run came to; `note` is kept in the history."""

    state: State
    trained: EpochResult
    note: dict[str, Any]


def fit_runs(jobs: Sequence[Job], saving: Saving, reporter: Reporter) -> list[Running]:
    """Train runs whose folders are claimed to their ends, and write their forecasts.

    Args:
        jobs: the runs; their data are of the same rows, and may be of several events.
        saving: which models are kept.
        reporter: hears notes and progress.

    Returns:
        The runs; one that failed says why, and the others are finished.
    """
    shared = jobs[0].data
    rows, content = shared.rows(reporter), shared.content()
    described = [with_content(job.run, job.data.describe(job.recipe, asdict(saving)), content) for job in jobs]
    running = [_resume(job, saving) for job in jobs]
    while going := [one for one in running if not one.ended]:
        group = _next_group(going)
        _epoch(group, rows, saving, reporter)
    for job, one, description in zip(jobs, running, described, strict=True):
        if one.failure is None:
            _finish(one.run, description, job.data, rows["validation"])
        else:
            one.run.write({**description, "failure": str(one.failure)})
    return running


def _resume(job: Job, saving: Saving) -> Running:
    run, model = job.run, job.data.first_model(job.recipe)
    state = run.read_state() or State.start(job.data.first_head(job.recipe))
    history = run.history()[: state.epoch]
    if len(history) < state.epoch:
        raise InputError(
            f"{run.history_jsonl}: has {len(history)} of the {state.epoch} finished epochs; "
            "delete state.npz and run again, from the first epoch"
        )
    discard(run, history, saving)  # a kill may have come just before it
    return Running(run, job.recipe, model, state, history, labels=job.data.labels())


def _next_group(going: Sequence[Running]) -> list[Running]:
    """Choose the runs that go through the next epoch together: those furthest behind that read in one order."""

    def order(one: Running) -> tuple[Any, ...]:
        recipe = one.recipe
        if recipe.solver != "adam":
            return (one.run.path,)
        return recipe.batch, recipe.shuffle, recipe.seed if recipe.shuffle else None, recipe.clip

    behind = min(going, key=lambda one: one.state.epoch)
    return [one for one in going if one.state.epoch == behind.state.epoch and order(one) == order(behind)]


def _epoch(group: Sequence[Running], rows: dict[str, Rows], saving: Saving, reporter: Reporter) -> None:
    first = group[0]
    label = f"epoch {first.state.epoch + 1} of {first.recipe.last_epoch}"
    solve = _adam if first.recipe.solver == "adam" else _lbfgs
    found = zip(group, solve(group, rows["train"], label, reporter), strict=True)
    good = [(one, outcome) for one, outcome in found if not _fails(one, outcome)]
    heads = [outcome.state.head for _, outcome in good]
    labels = [one.labels["validation"] for one, _ in good]
    validated = validate_together(heads, rows["validation"], labels, clip=first.recipe.clip)
    for (one, outcome), result in zip(good, validated, strict=True):
        _keep(one, outcome, result, saving)
        name = f"{one.run.path.name}, " if len(group) > 1 else ""
        reporter.say(epoch_line(outcome.trained, result, name + label))


def _fails(one: Running, outcome: Outcome) -> bool:
    """Note an epoch after which the head is of no use."""
    try:
        check_converging(outcome.state, outcome.trained)
    except FlarescopeError as error:
        one.failure = error
    return one.failure is not None


def _adam(group: Sequence[Running], rows: Rows, label: str, reporter: Reporter) -> list[Outcome]:
    done, heads = 0, f", {len(group)} heads" if len(group) > 1 else ""

    def advance(count: int) -> None:
        nonlocal done
        done += count
        reporter.advance(label + heads, done, len(rows))

    states, recipes = [one.state for one in group], [one.recipe for one in group]
    found = train_together(states, rows, [one.labels["train"] for one in group], recipes, progress=advance)
    return [Outcome(state, result, {}) for state, result in found]


def _lbfgs(group: Sequence[Running], rows: Rows, label: str, reporter: Reporter) -> list[Outcome]:
    outcomes = []
    for one in group:
        labels = one.labels["train"]
        fit = lbfgs.fit(rows, labels, one.recipe, progress=lambda done, of: reporter.advance("L-BFGS", done, of))
        if not fit.converged:
            reporter.warn(
                f"L-BFGS had not converged after {counted(fit.iterations, 'iteration')}; a larger --l2 takes fewer"
            )
        weights = np.array(one.recipe.class_weight)[labels]
        trained = result_of(labels, fit.head.log_odds(rows), clip=0, weights=weights)
        state = replace(State.start(fit.head), step=fit.iterations, epoch=1)
        outcomes.append(Outcome(state, trained, {"iterations": fit.iterations, "converged": fit.converged}))
    return outcomes


def _keep(one: Running, outcome: Outcome, validated: EpochResult, saving: Saving) -> None:
    """Write what an epoch came to."""
    one.state = outcome.state
    name = model_name(one.state.epoch, validated.table.tss)
    replace(one.model, head=one.state.head).save(one.run.path / name, full=saving.full)
    results = {"train": result_to_json(outcome.trained), "validation": result_to_json(validated)}
    one.history.append({"epoch": one.state.epoch, **results, **outcome.note, "model": name})
    one.run.write_history(one.history)
    one.run.write_state(one.state)  # last: a kill before this line repeats the epoch, to the same bytes
    discard(one.run, one.history, saving)


def epoch_line(trained: EpochResult, validated: EpochResult, label: str) -> str:
    """Say what an epoch came to."""
    scores = ", ".join(f"{name} {_score(getattr(validated.table, name.lower()))}" for name in SHOWN)
    return (
        f"{label}: loss {trained.loss:.4f}, TSS {_score(trained.table.tss)} | validation loss {validated.loss:.4f}, "
        f"{scores}"
    )


def _score(value: float) -> str:
    return "0/0" if math.isnan(value) else f"{value:.4f}"


def stops(history: list[dict[str, Any]], patience: int | None) -> bool:
    """Whether the validation TSS has not become better for `patience` epochs; one that is 0/0 stops nothing."""
    best = best_epoch(history)
    return best is not None and patience is not None and history[-1]["epoch"] - best["epoch"] >= patience


def discard(run: RunFolder, history: list[dict[str, Any]], saving: Saving) -> None:
    """Remove the models of earlier epochs that are not to be kept."""
    if saving.which == "each" or not history:
        return
    keep = (chosen_epoch(history) if saving.which == "best" else history[-1])["model"]
    for row in history:
        if row["model"] != keep:
            (run.path / row["model"]).unlink(missing_ok=True)


def _finish(run: RunFolder, described: dict[str, Any], data: TrainingData, rows: Rows) -> None:
    """Write the best kept model's validation forecasts and mark the run as finished."""
    path = run.model_path()
    model = load_classifier(path, backbone=described["backbone"])
    forecasts = forecast_table(data.tables["validation"], "validation", model.head.probability(rows))
    origin = origin_of(
        forecasts,
        "validation",
        model=path,
        digest=model.head.digest,
        run=run,
        limit=data.limit,
        allow_overlap=data.allow_overlap,
    )
    write_parquet(forecasts, run.forecasts("validation"), event_notes(data.event) | origin.to_json())
    run.write({**described, "finished": True})
