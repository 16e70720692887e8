"""Is a pipe in the place of any file refused at once, where opening it would wait for ever?"""

import os
import shutil

import numpy as np
import pytest
from astropy.io import fits

from fakes import use_fake_network, write_set
from flarescope.backbones import registry
from flarescope.cli import main
from flarescope.errors import InputError

REGIONS = {"train": [1121, 1122], "validation": [1131], "test": [1141]}
FLARES = "2010 11 10,0310,1121,C2.0\n2010 11 13,0100,1199,C1.0\n"


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A trained and evaluated run, with what is needed beside it."""
    place = tmp_path_factory.mktemp("pipes") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        use_fake_network(patch)
        write_set(place, regions=REGIONS)
        (place / "eventList.txt").write_text(FLARES)
        images = ["--images", place / "images"]
        tables = ["--train", place / "train.csv", "--validation", place / "validation.csv"]
        learning = ["--epochs", 2, "--batch", 16, "--backbone", "random", "--quiet"]
        assert run("train", *tables, *images, "--out", place / "r", *learning) == 0
        assert run("evaluate", place / "r", "--table", place / "test.csv", *images, "--replicates", 0, "--quiet") == 0
        features = ["features", place / "train.csv", "--magnetic", *images, "--out", place / "f.csv", "--quiet"]
        assert run(*features, "--workers", 1) == 0
    return place


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    """A copy of it, in which a pipe takes the place of one file."""
    use_fake_network(monkeypatch)
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path / "cache"))
    shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


IMAGE = "images/1141/1141_hmi.M_720s.20101110_003600_TAI.1.magnetogram_224.png"
TRAIN_IMAGE = IMAGE.replace("1141", "1121")
IMAGES = ["--images", "images"]
TRAIN = ["train", "--train", "train.csv", "--validation", "validation.csv", *IMAGES, "--backbone", "random"]
MAGNETIC = ["train-magnetic", "--train", "train.csv", "--validation", "validation.csv", "--features", "f.csv"]
EVALUATE = ["evaluate", "r", "--table", "test.csv", *IMAGES]
LABEL = ["catalog", "label", "train.csv", "--flares", "eventList.txt", "--out", "out.parquet"]
LISTS = ["--test", "list.csv", "--validation", "list.csv"]


@pytest.mark.parametrize(
    ("pipe", "command"),
    [
        ("train.csv", [*TRAIN, "--out", "new"]),
        ("validation.csv", [*TRAIN, "--out", "new"]),
        (TRAIN_IMAGE, [*TRAIN, "--out", "new", "--features", "other"]),
        ("r/history.jsonl", [*TRAIN, "--out", "r", "--epochs", 3, "--batch", 16]),
        ("r/state.npz", [*TRAIN, "--out", "r", "--epochs", 2, "--batch", 16]),
        ("f.csv", [*MAGNETIC, "--out", "new"]),
        ("test.csv", EVALUATE),
        (IMAGE, [*EVALUATE, "--features", "other"]),
        ("eventList.txt", [*EVALUATE, "--events", "eventList.txt"]),
        ("forecasts.csv", ["evaluate", "forecasts.csv"]),
        ("forecasts.csv", ["compare", "r", "forecasts.csv"]),
        ("eventList.txt", ["report", "r", "--events", "eventList.txt"]),
        ("model.hdf5", ["predict", "model.hdf5", IMAGE]),
        (IMAGE, ["predict", "r", IMAGE]),
        ("train.csv", LABEL),
        ("eventList.txt", LABEL),
        ("reports/20101110events.txt", [*LABEL[:4], "reports", *LABEL[5:]]),
        ("SRS.txt", ["catalog", "select", "train.csv", "--summaries", "SRS.txt", "--out", "out.parquet"]),
        (
            "scan.parquet",
            ["catalog", "select", "train.csv", "--scan", "scan.parquet", *IMAGES, "--max-nan", 0, *LABEL[5:]],
        ),
        ("train.csv", ["catalog", "split", "train.csv", "--how", "region", "--out", "out.parquet"]),
        ("train.csv", ["catalog", "check", "train.csv"]),
        ("labels.txt", ["catalog", "build", "labels.txt", *LISTS, "--out", "new"]),
        ("w.h5", ["weights", "import", "w.h5"]),
        ("train.csv", ["features", "train.csv", *IMAGES, "--out", "other", "--backbone", "random"]),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(map(str, value[:2])),
)
def test_a_pipe_is_refused_in_one_line(here, capsys, pipe, command):
    path = here / pipe
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    assert run(*command, "--quiet") == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert pipe.split("/")[-1] in error
    assert path.is_fifo()


@pytest.mark.parametrize(
    "out",
    [
        ["predict", "r", IMAGE, "--csv", "pipe.csv"],
        [*LABEL[:5], "--out", "pipe.parquet"],
        [*LABEL[:5], "--out", "pipe.txt"],
    ],
)
def test_a_result_does_not_take_the_place_of_a_pipe(here, capsys, out):
    path = here / str(out[-1])
    os.mkfifo(path)
    assert run(*out, "--quiet") == 2
    error = capsys.readouterr().err
    assert "cannot write" in error
    assert f"{path.name}: it is a device, a pipe or a socket" in error
    assert path.is_fifo()


def test_weights_that_are_a_pipe_are_refused(tmp_path):
    os.mkfifo(tmp_path / "w.h5")
    with pytest.raises(InputError, match=r"w\.h5: it is a device, a pipe or a socket"):
        registry.find(str(tmp_path / "w.h5"))


def test_images_that_are_pipes_are_left_out_of_features_and_of_smaller_images(here, capsys):
    (here / TRAIN_IMAGE).unlink()
    os.mkfifo(here / TRAIN_IMAGE)
    magnetic = ["features", "train.csv", "--magnetic", *IMAGES, "--out", "new.csv", "--workers", 1, "--quiet"]
    assert run(*magnetic) == 1
    assert "it is a device, a pipe or a socket" in capsys.readouterr().err
    (here / "fits").mkdir()
    hdu = fits.PrimaryHDU(np.random.default_rng(0).normal(0, 100, (64, 64)).astype(">f4"))
    hdu.writeto(here / "fits/a.fits")
    os.mkfifo(here / "fits/b.fits")
    (here / "small").mkdir()
    os.mkfifo(here / "small/a_224.png")  # in the way of a result
    assert run("images", "reduce", "fits", "small", "--workers", 1, "--quiet") == 1
    assert capsys.readouterr().err.count("it is a device, a pipe or a socket") == 2
    assert (here / "small/a_224.png").is_fifo()


def test_a_folder_with_a_pipe_in_it_is_listed_without_it(here, capsys):
    os.mkfifo(here / TRAIN_IMAGE.replace("_003600", "_233600"))
    assert run(*LABEL[:2], "images", *LABEL[3:], "--quiet") == 0, capsys.readouterr().err
