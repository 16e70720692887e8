"""Is input that would give a plausible but wrong number refused, in one line?"""

import json
import os
import shutil
import zlib

import h5py
import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from PIL import Image

from fakes import use_fake_network, write_set
from flarescope.catalog.boucheron import read_image_list, read_labels, read_table
from flarescope.catalog.noaa_events import read_flares
from flarescope.cli import main
from flarescope.errors import FlarescopeError, InputError
from flarescope.forecaster.classifier import load_classifier
from flarescope.forecaster.runs import RunFolder
from flarescope.heads.adam import State
from flarescope.heads.head import Recipe, glorot_head
from flarescope.heads.together import train_epoch
from flarescope.images.magnetogram import read_fits
from flarescope.images.png import read_png
from flarescope.tables import read_forecasts

NAME = "1121/1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram_224.png"
REGIONS = {"train": [1121, 1122], "validation": [1131], "test": [1141]}


def run(*arguments):
    return main([str(argument) for argument in arguments])


def written(path, text):
    path.write_text(text)
    return path


@pytest.fixture
def trained(tmp_path, monkeypatch):
    use_fake_network(monkeypatch)
    data = write_set(tmp_path / "set", regions=REGIONS)
    arguments = ["--train", data["train"], "--validation", data["validation"], "--images", data["images"], "--quiet"]
    train = ["train", *arguments, "--out", tmp_path / "runs/r", "--backbone", "random", "--batch", 8]
    assert run(*train, "--epochs", 2) == 0
    return tmp_path / "runs/r", data, train


@pytest.mark.parametrize("factor", [1e3, 1e30, 1e300])
def test_a_field_that_no_sun_has(tmp_path, factor):
    field = np.full((20, 20), 500.0) * factor
    fits.PrimaryHDU(field).writeto(tmp_path / "a.fits")
    with pytest.raises(InputError, match=r"a\.fits: a field of 5e\+\d+ gauss; expected at most 10,000"):
        read_fits(tmp_path / "a.fits")


def test_a_png_whose_data_end_before_its_last_row(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.full((224, 224), 120, np.uint8)).save(path)
    content = path.read_bytes()
    start = content.index(b"IDAT") + 4
    length = int.from_bytes(content[start - 8 : start - 4], "big")
    rows = zlib.decompress(content[start : start + length])[: 40 * 225]
    chunk = b"IDAT" + zlib.compress(rows)
    block = (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    path.write_bytes(content[: start - 8] + block + content[start + length + 4 :])
    with pytest.raises(InputError, match="it holds 40 of 224 rows"):
        read_png(path)


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "RGBA", "LA", "P", "I;16"])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (224, 224)])
def test_every_whole_png_is_still_read(tmp_path, mode, size):
    image = Image.new("L", size, 77)
    image = Image.new("I;16", size, 77) if mode == "I;16" else image.convert(mode)
    image.save(tmp_path / "a.png")
    assert read_png(tmp_path / "a.png").shape[:2] == size[::-1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"filename,class,class\n{NAME},1,0\n", "two columns say the same"),
        (f"filename,class,label\n{NAME},1,0\n", "two columns say the same"),
        (f"filename,class\n./{NAME},1\n", "not in plain form"),
        (f"filename,class\n{NAME.replace('/', '//')},1\n", "not in plain form"),
        (f"filename,class,noaa_ar\n{NAME},1,11122\n", "noaa_ar is 11122, and the name"),
        (f"filename,class,noaa_ar\n{NAME},1,1122\n", "noaa_ar is 11122, and the name"),
        (f"filename,class,noaa_ar\n{NAME},1,111210\n", "noaa_ar is 111210; expected NOAA's number"),
        (f"filename,class,noaa_ar\n{NAME},1,inf\n", "noaa_ar"),
    ],
)
def test_tables_that_contradict_themselves(tmp_path, text, message):
    with pytest.raises(InputError) as error:
        read_table(written(tmp_path / "t.csv", text))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


SAVED = {
    "semicolons": (
        lambda text: text.replace(",", ";").encode(),
        "its fields are separated by semicolons; expected commas",
    ),
    "tabs": (lambda text: text.replace(",", "\t").encode(), "its fields are separated by tabs; expected commas"),
    "UTF-16": (lambda text: text.encode("utf-16"), "it is text in UTF-16; expected UTF-8"),
    "UTF-16 without a mark": (lambda text: text.encode("utf-16-le"), "it is text in UTF-16; expected UTF-8"),
}
TABLES = {
    "published": (read_table, f"filename,class\n{NAME},1\n"),
    "labels": (read_labels, f"{NAME.split('/')[1]},C1.0\n"),
    "images": (read_image_list, f"filename,class\n{NAME},1\n"),
    "forecasts": (read_forecasts, f"filename,probability\n{NAME},0.5\n"),
    "flares": (read_flares, "time,flare,noaa_ar\n2010-11-11T05:24,C1.1,11121\n"),
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("form", SAVED)
def test_a_table_as_a_spreadsheet_saves_it_says_what_is_expected(tmp_path, kind, form):
    read, text = TABLES[kind]
    read(written(tmp_path / "good.csv", text))
    save, message = SAVED[form]
    (tmp_path / "t.csv").write_bytes(save(text))
    with pytest.raises(InputError) as error:
        read(tmp_path / "t.csv")
    assert str(error.value).startswith(f"{tmp_path / 't.csv'}: {message}: save it as CSV")
    assert "\n" not in str(error.value)


def test_a_semicolon_in_a_name_is_no_separator(tmp_path):
    table = read_table(written(tmp_path / "t.csv", "filename,class\na;b;c.png,1\n"))
    assert table["filename"].tolist() == ["a;b;c.png"]


def test_a_b_flare_is_no_label_of_the_published_set(tmp_path):
    with pytest.raises(InputError, match=r"label 'B1\.0'; expected 0, or a class from C1\.0 on"):
        read_labels(written(tmp_path / "l.txt", f"{NAME.split('/')[1]},B1.0\n"))


def test_a_run_does_not_go_on_with_other_images(trained, capsys):
    out, data, train = trained
    for path in data["images"].rglob("*.png"):
        Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    assert run(*train, "--epochs", 4) == 2
    assert "the images changed since this run began" in capsys.readouterr().err
    assert len(RunFolder(out).history()) == 2


def test_fewer_epochs_than_there_are_is_refused(trained, capsys):
    _, _, train = trained
    assert run(*train, "--epochs", 1) == 2
    assert "has 2 epochs already" in capsys.readouterr().err


def test_features_of_a_copy_with_the_same_size_and_time_are_looked_at_again(trained, tmp_path):
    out, data, _ = trained
    evaluate = ["evaluate", out, "--table", data["test"], "--quiet"]
    assert run(*evaluate, "--images", data["images"]) == 0
    before = pd.read_parquet(out / "forecasts/test.parquet")["probability"]
    other = tmp_path / "other"
    shutil.copytree(data["images"], other)
    for path in other.rglob("*.png"):  # other pixels, the same size and time
        stat, content = path.stat(), bytearray(path.read_bytes())
        pixels = 255 - np.asarray(Image.open(path))
        Image.fromarray(pixels).save(path, compress_level=1)
        assert content != path.read_bytes()
        path.write_bytes(path.read_bytes().ljust(stat.st_size, b"\0"))
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert run(*evaluate, "--images", other) == 0
    assert (pd.read_parquet(out / "forecasts/test.parquet")["probability"] != before).any()


def test_a_copied_model_still_knows_its_training_regions(trained, tmp_path, capsys):
    out, data, _ = trained
    copied = tmp_path / "elsewhere.hdf5"
    shutil.copy(RunFolder(out).model_path(), copied)
    assert run("evaluate", copied, "--table", data["train"], "--images", data["images"], "--quiet") == 2
    assert "2 regions in both the training set of the model and the test table: 11121, 11122" in capsys.readouterr().err


def test_validation_rows_called_test_are_told(trained, capsys):
    out, data, _ = trained
    assert run("evaluate", out, "--table", data["validation"], "--images", data["images"], "--quiet") == 0
    assert "1 region of the table chose the model's epoch" in capsys.readouterr().err


def test_scores_of_fewer_rows_do_not_replace_others_in_silence(trained, capsys):
    out, data, _ = trained
    evaluate = ["evaluate", out, "--table", data["test"], "--images", data["images"]]
    assert run(*evaluate) == 0
    assert run(*evaluate, "--limit", 6) == 0
    assert "replacing the scores of images 8" in capsys.readouterr().err
    assert json.loads((out / "scores.json").read_text())["images"] == 6


def test_a_diverging_training_ends_in_one_line():
    rows = np.random.default_rng(0).random((64, 20)).astype(np.float32)
    labels = np.arange(64) % 2
    state = State.start(glorot_head(20, 0))

    def train_on(state):
        for _ in range(20):
            state, _ = train_epoch(state, rows, labels, Recipe(learning_rate=1e38))

    with pytest.raises(FlarescopeError, match="training diverged in epoch"):
        train_on(state)


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_a_head_that_is_not_finite_is_refused(trained, value):
    path = RunFolder(trained[0]).model_path()
    with h5py.File(path, "r+") as file:
        file["head/bias"][0] = value
    with pytest.raises(InputError, match="head/bias holds numbers that are not finite"):
        load_classifier(path)


def test_a_head_behind_an_external_link_is_refused(trained, tmp_path):
    path = RunFolder(trained[0]).model_path()
    other = tmp_path / "other.hdf5"
    shutil.copy(path, other)
    with h5py.File(path, "r+") as file:
        del file["head"]
        file["head"] = h5py.ExternalLink(str(other), "/head")
    with pytest.raises(InputError, match="missing or a link to somewhere else"):
        load_classifier(path)


def test_a_pipe_is_no_image(trained, tmp_path, capsys):
    os.mkfifo(tmp_path / "a.png")
    assert run("predict", trained[0], tmp_path / "a.png", "--quiet") == 2
    assert "not a regular file" in capsys.readouterr().err
