"""How do runs go through their epochs, several on the same batches, each kept so that a kill costs an epoch at most?"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from flarescope.errors import FlarescopeError, InputError
from flarescope.features.gather import Rows
from flarescope.forecaster.classifier import load_classifier
from flarescope.forecaster.runs import AnyState, RunFolder, chosen_epoch, model_name, result_to_json
from flarescope.heads.adam import State, check_converging
from flarescope.heads.base import Ended
from flarescope.heads.head import JOINT, SEQUENCE, Recipe, validate_together
from flarescope.heads.mlp import MlpState, first_state
from flarescope.heads.result import EpochResult
from flarescope.notes import event_notes
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.identity import with_content
from flarescope.pipeline.jobs import Job, Outcome, Running
from flarescope.pipeline.origin import origin_of
from flarescope.pipeline.solving import SOLVE
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
    running = [_resume(job, saving, rows["train"]) for job in jobs]
    while going := [one for one in running if not one.ended]:
        group = _next_group(going)
        _epoch(group, rows, saving, reporter, named=len(running) > 1)
    for job, one, description in zip(jobs, running, described, strict=True):
        if one.failure is None:
            _finish(one.run, description, job.data, rows["validation"])
        else:
            one.run.write({**description, "failure": str(one.failure)})
    return running


def _resume(job: Job, saving: Saving, rows: Rows) -> Running:
    run, model = job.run, job.data.first_model(job.recipe)
    kept = run.read_state()
    if kept is not None and not isinstance(kept, _state_type(job.recipe)):
        raise InputError(f"{run.path}: its state.npz is not of a head of this kind; delete it and train again")
    state = kept or _first_state(job, rows)
    history = run.history()[: state.epoch]
    if len(history) < state.epoch:
        raise InputError(
            f"{run.history_jsonl}: has {len(history)} of the {state.epoch} finished epochs; "
            "delete state.npz and run again, from the first epoch"
        )
    discard(run, history, saving)  # a kill may have come just before it
    return Running(run, job.recipe, model, state, history, labels=job.data.labels(), data=job.data)


def _state_type(recipe: Recipe) -> type:
    """Name the kind of state that a run with this recipe keeps between epochs."""
    kinds: dict[str, type] = {"mlp": MlpState, **dict.fromkeys(("boosting", *SEQUENCE), Ended)}
    return kinds.get(recipe.head, State)


def _first_state(job: Job, rows: Rows) -> AnyState:
    if job.recipe.head == "mlp":
        return first_state(rows, job.recipe)
    return State.start(job.data.first_head(job.recipe))


def _next_group(going: Sequence[Running]) -> list[Running]:
    """Choose the runs that go through the next epoch together: those furthest behind that read in one order."""

    def order(one: Running) -> tuple[Any, ...]:
        recipe = one.recipe
        if recipe.head in JOINT and one.data is not None and one.data.event is not None:
            event = one.data.event
            return recipe.head, recipe.l2, event.window_hours, event.latency_hours
        if not recipe.by_adam:
            return (one.run.path,)
        return recipe.head, recipe.batch, recipe.shuffle, recipe.seed if recipe.shuffle else None, recipe.clip

    behind = min(going, key=lambda one: one.state.epoch)
    return [one for one in going if one.state.epoch == behind.state.epoch and order(one) == order(behind)]


def _epoch(group: Sequence[Running], rows: dict[str, Rows], saving: Saving, reporter: Reporter, *, named: bool) -> None:
    first = group[0]
    label = f"epoch {first.state.epoch + 1} of {first.recipe.last_epoch}"
    recipe = first.recipe
    solve = SOLVE[recipe.solver if recipe.head == "linear" else recipe.head]
    found = zip(group, solve(group, rows["train"], label, reporter), strict=True)
    good = [(one, outcome) for one, outcome in found if not _fails(one, outcome)]
    heads = [outcome.head for _, outcome in good]
    labels = [one.labels["validation"] for one, _ in good]
    validated = validate_together(heads, rows["validation"], labels, clip=first.recipe.clip)
    for (one, outcome), result in zip(good, validated, strict=True):
        _keep(one, outcome, result, saving)
        name = f"{one.run.path.name}, " if named else ""
        reporter.say(epoch_line(outcome.trained, result, name + label))


def _fails(one: Running, outcome: Outcome) -> bool:
    """Note an epoch after which the head is of no use."""
    try:
        check_converging(outcome.state, outcome.trained)
    except FlarescopeError as error:
        one.failure = error
    return one.failure is not None


def _keep(one: Running, outcome: Outcome, validated: EpochResult, saving: Saving) -> None:
    """Write what an epoch came to."""
    one.state = outcome.state
    name = model_name(one.state.epoch, validated.table.tss)
    described = replace(one.model.description, **outcome.described)
    replace(one.model, head=outcome.head, description=described).save(one.run.path / name, full=saving.full)
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
    model = load_classifier(path, backbone=data.weights)
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
