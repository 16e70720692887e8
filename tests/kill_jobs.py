"""Which commands are killed at each of their steps (see `killing`), and what has to be there before them?

The network is fake (see `fakes`), and figures are blank; all else that is written is what the commands write.
"""

import os
import sys
from pathlib import Path

# Imported before the forks, so that no child has to.
import h5py  # noqa: F401
import matplotlib.backends.backend_agg  # noqa: F401
import pyarrow.parquet  # noqa: F401
import scipy.optimize  # noqa: F401
import sklearn.svm  # noqa: F401

from fakes import draw_blank, keep_commands, sync_at_once, use_fake_network, write_set
from flarescope.cli import main
from flarescope.fetch import Source, fetch
from flarescope.heads.adam_kernel import compiled_step
from flarescope.heads.products import compiled_products
from flarescope.html_report.render import compiled_template

REGIONS = {"train": [1121, 1122, 1123, 1124], "validation": [1131, 1132], "test": [1141, 1142]}
FLARES = "".join(f"2010 11 10,{hour:02d}10,{region},C2.0\n" for region in (1121, 1131, 1141) for hour in (3, 6))
FLARES += "2010 11 13,0100,1199,B1.0\n"  # so that the list covers the images' windows
LEARNING = ["--epochs", "3", "--batch", "16", "--learning-rate", "0.003", "--seed", "1"]

use_fake_network(as_module=False)
draw_blank()
keep_commands()
sync_at_once()
compiled_step()
compiled_products()  # what a process compiles once would take each child a quarter of its time
compiled_template()
os.environ["SOURCE_DATE_EPOCH"] = "1700000000"  # an evaluation says when it was made


def _set(place: Path) -> Path:
    """Name the folder of the images and tables, beside the folder that a kill can change."""
    return place.parent / "set"


def _train(place: Path, *more: str) -> list[object]:
    tables = ["--train", _set(place) / "train.csv", "--validation", _set(place) / "validation.csv"]
    where = ["--images", _set(place) / "images", "--out", place / "runs/r"]
    return ["train", *tables, *where, "--backbone", "random", "--workers", "0", *LEARNING, *more]


def _sweep(place: Path) -> list[object]:
    return ["sweep", *_train(place)[1:], "--seed", "2"]


def _evaluate(place: Path) -> list[object]:
    where = ["--table", _set(place) / "test.csv", "--images", _set(place) / "images"]
    return ["evaluate", place / "runs/r", *where, "--workers", "0", "--replicates", "20"]


def _magnetic(place: Path, table: str) -> list[object]:
    where = ["--images", _set(place) / "images", "--out", place / f"{table}_features.csv", "--workers", "1"]
    return ["features", _set(place) / f"{table}.csv", "--magnetic", *where]


def _train_magnetic(place: Path) -> list[object]:
    tables = ["--train", _set(place) / "train.csv", "--validation", _set(place) / "train.csv", "--allow-overlap"]
    return ["train-magnetic", *tables, "--features", place / "train_features.csv", "--out", place / "magnetic"]


def _predict(place: Path) -> list[object]:
    out = ["--csv", place / "p.csv", "--parquet", place / "p.parquet"]
    return ["predict", place / "runs/r", _set(place) / "images/1141", *out, "--workers", "0"]


def _label(place: Path, out: str = "labelled.parquet") -> list[object]:
    return ["catalog", "label", _set(place) / "images", "--flares", place / "eventList.txt", "--out", place / out]


def _select(place: Path) -> list[object]:
    where = ["--out", place / "selected.parquet", "--images", _set(place) / "images", "--workers", "1"]
    return ["catalog", "select", place / "labelled.parquet", *where, "--max-nan", "0"]


def _split(place: Path) -> list[object]:
    how = ["--how", "region", "--fractions", "0.4,0.3,0.3"]
    return ["catalog", "split", place / "labelled.parquet", *how, "--out", place / "split"]


JOBS = {
    "train": ([], _train),
    "train-best": ([], lambda place: _train(place, "--save", "best")),
    "sweep": ([], _sweep),
    "calibrate": ([_train], lambda place: ["calibrate", place / "runs/r"]),
    "evaluate": ([_train], _evaluate),
    "report": ([_train, _evaluate], lambda place: ["report", place / "runs/r", "--replicates", "20"]),
    "predict": ([_train], _predict),
    "features": ([], lambda place: _features(place)),
    "magnetic": ([], lambda place: _magnetic(place, "train")),
    "train-magnetic": ([lambda place: _magnetic(place, "train")], _train_magnetic),
    "label": ([], _label),
    "label-csv": ([], lambda place: _label(place, "labelled.csv")),
    "select": ([_label], _select),
    "split": ([_label], _split),
}
"""Name of a job -> the commands before it, and the command."""


def _features(place: Path) -> list[object]:
    where = ["--images", _set(place) / "images", "--out", place / "features", "--backbone", "random"]
    return ["features", _set(place) / "train.csv", *where, "--workers", "0"]


def _run(arguments: list[object]) -> None:
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123 - until the process ends
    code = main([str(argument) for argument in arguments])
    again = arguments[0] == "train-magnetic" and code == 2  # it refuses a folder that holds a whole run
    if code and not again:
        raise AssertionError(f"{arguments} ended with {code}")


def prepare(job: str, place: Path, *arguments: str) -> None:
    """Make what has to be there before a job."""
    if job == "fetch":
        return
    write_set(_set(place), regions=REGIONS)
    (place / "eventList.txt").write_text(FLARES)
    for command in JOBS[job][0]:
        _run(command(place))


def work(job: str, place: Path, *arguments: str) -> None:
    """Do a job."""
    if job == "fetch":
        url, size, digest = arguments
        fetch(Source("data.bin", url, int(size), digest or None), place / "data.bin")
    else:
        _run(JOBS[job][1](place))
