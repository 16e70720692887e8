"""How does a labelled set of several events become one run, with a head for each, in one pass over the features?"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from flarescope.errors import InputError
from flarescope.files import make_folder
from flarescope.forecaster.event_models import write_model
from flarescope.forecaster.event_runs import KIND, EventRuns, is_of_events
from flarescope.heads.head import Recipe
from flarescope.leftovers import remove_leftovers
from flarescope.locks import locked
from flarescope.pipeline.fitting import Saving, fit_runs
from flarescope.pipeline.identity import claimed
from flarescope.pipeline.jobs import Job
from flarescope.pipeline.training_data import TrainingData
from flarescope.progress import Reporter
from flarescope.several_events import codes


def train_events(out: Path, data: TrainingData, recipe: Recipe, saving: Saving, reporter: Reporter) -> EventRuns:
    """Train a head for each event of the data, all on the same batches; each has the bytes of one trained alone.

    Each event has weights, best epoch, and later threshold and calibration of its own.

    Args:
        out: the folder of the run; one that was interrupted there is continued if it is of the same events.
        data: of several events.
        recipe: of all; without class weights each event has the reference's.
        saving: which models are kept.
        reporter: hears notes and progress.

    Raises:
        InputError: complete Keras files are asked for, or `out` holds another run.
        FlarescopeError: the training of an event diverged; the others are whole.
    """
    if saving.full:
        raise InputError("--full: a complete Keras model has one head; name one event by --event")
    runs = EventRuns(out, data.events)
    jobs = event_jobs(runs, data, recipe)
    with claimed_events(runs, jobs, saving, reporter):
        ended = fit_runs(jobs, saving, reporter)
        for one in ended:
            if one.failure:
                raise one.failure
        finish_events(runs)
    return runs


def event_jobs(runs: EventRuns, data: TrainingData, recipe: Recipe) -> list[Job]:
    """Give the job of each event, with class weights of its own where the recipe has none."""
    parts = [data.of_event(event) for event in runs.events]
    return [
        Job(runs.run(event), part.with_class_weight(recipe), part)
        for event, part in zip(runs.events, parts, strict=True)
    ]


def finish_events(runs: EventRuns) -> None:
    """Write the one model file of runs that have all ended, and say so."""
    write_model(runs)
    runs.write(finished=True)


@contextmanager
def claimed_events(runs: EventRuns, jobs: Sequence[Job], saving: Saving, reporter: Reporter) -> Iterator[None]:
    """Hold the folder of a run of several events, and those of its events (see `identity.claimed`).

    Raises:
        InputError: one holds another run.
        FlarescopeError: another process is at work on it.
    """
    with _claimed(runs), ExitStack() as stack:
        for job in jobs:
            stack.enter_context(claimed(job.run, job.data.describe(job.recipe, asdict(saving)), reporter))
        yield


@contextmanager
def _claimed(runs: EventRuns) -> Iterator[None]:
    """Hold the folder of a run of several events, for a new one or for going on with the same.

    Raises:
        InputError: it holds another run.
        FlarescopeError: another process is at work on it.
    """
    there = runs.path.exists()
    make_folder(runs.path)
    try:
        with locked(runs.path / "run"):
            remove_leftovers(runs.path)
            _check_same(runs)
            runs.write(finished=False)
            make_folder(runs.path / KIND)
            yield
    except BaseException:
        if not any(run.history_jsonl.exists() for run in runs.runs()):
            (runs.path / "run.json").unlink(missing_ok=True)
            with suppress(OSError):  # it holds something
                (runs.path / KIND).rmdir()
                if not there:
                    runs.path.rmdir()
        raise


def _check_same(runs: EventRuns) -> None:
    run_json = runs.path / "run.json"
    if run_json.exists() and not is_of_events(runs.path):
        raise InputError(f"{runs.path}: holds a run of one event; choose another --out, or delete the folder")
    if run_json.exists() and (before := EventRuns.open(runs.path)).events != runs.events:
        raise InputError(
            f"{runs.path}: holds a run of {codes(before.events)[:90]}, not of {codes(runs.events)[:90]}; choose "
            "another --out"
        )
    if not run_json.exists() and (any(runs.path.glob("*.hdf5")) or (runs.path / "history.jsonl").exists()):
        raise InputError(f"{runs.path}: holds models but no run.json; choose another --out")
