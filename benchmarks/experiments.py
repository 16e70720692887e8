"""How long do whole experiments take: the reference job, and a second one on features that are there?"""

import shutil
from collections.abc import Callable
from pathlib import Path

import made
from common import Result, seconds
from flarescope.heads.head import Recipe
from flarescope.pipeline.evaluating import evaluate
from flarescope.pipeline.training import train
from keras_process import KerasProcess

EPOCHS = 5


def _job(work: Path, tables: dict[str, Path], root: Path, name: str, learning_rate: float) -> Callable[[], object]:
    """Give the whole job: training with validation and a model an epoch, then the test with scores and intervals."""
    run = work / "runs" / name

    def job() -> None:
        shutil.rmtree(run, ignore_errors=True)
        recipe = Recipe(epochs=EPOCHS, learning_rate=learning_rate)
        train(train=tables["train"], validation=tables["validation"], images=root, out=run, recipe=recipe)
        evaluate(run, table=tables["test"], images=root)

    return job


def experiments(work: Path, *, images: int, repeats: int, keras: KerasProcess) -> list[Result]:
    """Time five epochs with validation plus test, first with nothing there, then with the features there.

    Args:
        work: a folder for files.
        images: of the whole set, split 80 : 10 : 10.
        repeats: of ours on cached features; the jobs from nothing, ours and Keras', run once.
        keras: the alternative, warm.
    """
    root, table = made.images(work / "images", images)
    tables = made.split(table, work)
    shutil.rmtree(work / "runs", ignore_errors=True)
    keras.ask("experiment", images=str(root), epochs=1, **made.few(tables, work))  # traced and warm
    first = seconds(_job(work, tables, root, "first", 0.001))
    paths = {name: str(path) for name, path in tables.items()}
    theirs = keras.ask("experiment", images=str(root), epochs=EPOCHS, **paths)
    second = [seconds(_job(work, tables, root, f"second{i}", 0.0005)) for i in range(repeats)]
    against = "the same in Keras on TensorFlow, fp32, warm; a model file an epoch"
    what = f"{EPOCHS} epochs with validation, then the test, {len(table):,} PNG files, 80 : 10 : 10"
    passes = EPOCHS * 0.9 + 0.1  # of the set: training and validation each epoch, the test once
    note = f"each run once; Keras makes {passes:.1f} times as many forward passes"
    return [
        Result("five_epochs", what, "s", [first], against, [theirs], target=30, note=note),
        Result(
            "second_experiment",
            "a second experiment on cached features: the same with another learning rate, scores with intervals",
            "s",
            second,
            against,
            [theirs],
            target=1000,
            note="Keras' time is that of the row above: for it the second experiment is the first again",
        ),
    ]
