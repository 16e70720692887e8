"""Which readers of a run's files are given hostile ones, and with which do they begin?"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the fakes, which tests import by that name

from fakes import use_fake_network, write_set
from flarescope.forecaster.runs import RunFolder, best_epoch
from flarescope.pipeline.calibrating import calibrate
from flarescope.pipeline.evaluated import forecasts_of
from flarescope.pipeline.evaluating import evaluate
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.models import load
from flarescope.pipeline.reporting import report
from flarescope.pipeline.training import train
from flarescope.pipeline.verifying import Verifying

from .harness import Target

REGIONS = {"train": [1121, 1122, 1123], "validation": [1131, 1132], "test": [1141, 1142, 1143]}
PARTS = ("run.json", "history.jsonl", "state.npz", "scores.json")
QUICK = Verifying(replicates=0)
FAST = Compute(engine="torch", precision="fp32", workers=0, batch=4)


def make(folder: Path, part: str) -> list[bytes]:
    """Train and evaluate a run on made images with a network that is none, and give a file of it."""
    use_fake_network()
    if not (folder / "runs/r/scores.json").exists():
        write_set(folder / "set", regions=REGIONS)
        _train(folder)
        _evaluate(folder)
    for name in PARTS:
        whole = folder / f"{name}.whole"
        if not whole.exists():
            whole.write_bytes((folder / "runs/r" / name).read_bytes())
    return [(folder / f"{part}.whole").read_bytes()]


def _train(folder: Path) -> None:
    data = folder / "set"
    train(
        train=data / "train.csv", validation=data / "validation.csv", images=data / "images", out=folder / "runs/r",
        backbone="random", compute=FAST,
    )  # fmt: skip


def _evaluate(folder: Path) -> None:
    evaluate(
        folder / "runs/r", table=folder / "set/test.csv", images=folder / "set/images", verifying=QUICK, compute=FAST
    )


def _restored(path: Path) -> Path:
    """Put back what an earlier input changed, but for the file under test; give the folder."""
    folder = path.parents[2]
    for name in PARTS:
        if name != path.name:
            (path.parent / name).write_bytes((folder / f"{name}.whole").read_bytes())
    return folder


def use_run(path: Path) -> None:
    """Load, evaluate and calibrate a run, and go on with its training."""
    folder = _restored(path)
    run = RunFolder(path.parent)
    run.read()
    if rows := run.history():
        best_epoch(rows)
    load(path.parent)
    _evaluate(folder)
    calibrate(path.parent)
    _train(folder)


def use_state(path: Path) -> None:
    """Go on with a training."""
    _restored(path)
    RunFolder(path.parent).read_state()


def use_scores(path: Path) -> None:
    """Make a report of the scores."""
    _restored(path)
    forecasts_of(path.parent)
    report(path.parent, images=path.parent / "nowhere")


TARGETS = {
    "run-json": Target("runs/r/run.json", lambda folder: make(folder, "run.json"), use_run),
    "history": Target("runs/r/history.jsonl", lambda folder: make(folder, "history.jsonl"), use_run),
    "state": Target("runs/r/state.npz", lambda folder: make(folder, "state.npz"), use_state),
    "scores-json": Target("runs/r/scores.json", lambda folder: make(folder, "scores.json"), use_scores),
}
