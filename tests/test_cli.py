"""Does every command do what its help says, and tell what is wrong in one line?"""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import typer
from PIL import Image
from typer.main import get_command

from fakes import FAKE_DIGEST, FakeEngine
from flarescope.backbones import weights as weights_module
from flarescope.backbones.base import Weights
from flarescope.backbones.vgg16 import VGG16
from flarescope.cli import main
from flarescope.cli.app import app
from flarescope.cli.screen import settings
from flarescope.cli.show_evaluation import tell_losses
from flarescope.engines import start as starting
from waiting import LIMIT_S

REGIONS = {"train": (1121, 1122, 1123), "validation": (1124, 1125), "test": (1126, 1127)}


@pytest.fixture
def images(tmp_path):
    """A tiny PNG set in the published layout, with its tables; flaring images are brighter. No data of the Sun."""
    rng = np.random.default_rng(0)
    for split, regions in REGIONS.items():
        rows = []
        for region in regions:
            for hour in range(6):
                name = f"{region}/{region}_hmi.M_720s.20101110_{hour:02d}3600_TAI.1.magnetogram_224.png"
                label = (hour + region) % 2
                path = tmp_path / "images" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                pixels = rng.integers(112, 136 + 20 * label, (64, 64), dtype=np.uint8)
                Image.fromarray(pixels).save(path, compress_level=1)
                rows.append((name, label))
        pd.DataFrame(rows, columns=["filename", "class"]).to_csv(tmp_path / f"{split}.csv", index=False)
    return tmp_path / "images"


@pytest.fixture
def fake_network(monkeypatch):
    """Replace the network by a fake one, so that a command takes no time."""
    monkeypatch.setattr(
        weights_module, "random_weights", lambda seed=0: Weights(f"random:{seed}", FAKE_DIGEST, dict, VGG16)
    )
    monkeypatch.setattr(starting, "make", lambda choice, weights: FakeEngine())


def train_arguments(images, *more):
    root = images.parent
    tables = ["--train", root / "train.csv", "--validation", root / "validation.csv"]
    return [
        str(a) for a in ["train", *tables, "--images", images, "--out", root / "runs/r", "--backbone", "random", *more]
    ]


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture
def trained(images, fake_network, capsys):
    assert run(*train_arguments(images, "--quiet")) == 0
    capsys.readouterr()
    return images.parent / "runs/r"


def commands(group=None, path=()):
    group = group or get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.mark.parametrize(
    ("path", "command"), list(commands()), ids=lambda value: "-".join(value) if isinstance(value, tuple) else ""
)
def test_every_command_has_help_an_example_and_described_options(path, command, capsys):
    assert run(*path, "--help") == 0
    text = capsys.readouterr().out
    assert "Example: flarescope " + " ".join(path) in " ".join(text.split())
    assert command.help
    for parameter in command.params:
        if parameter.name != "help":
            assert getattr(parameter, "help", None), f"{path}: {parameter.name} has no help"
    names = {parameter.name for parameter in command.params}
    answers = set() if path == ("serve",) else {"as_json"}  # a server has no answer of its own
    assert {"quiet", "debug"} | answers <= names


def test_help_imports_no_network():
    code = (
        "import sys; from flarescope.cli import main; main(['--help']);"
        "heavy = {'torch', 'openvino', 'pandas', 'astropy', 'h5py', 'skimage', 'pyarrow', 'llvmlite'};"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_version(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out.startswith("flarescope 0.")


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (["--csv", "f.csv", "--parquet", "./f.csv"], "--csv and --parquet both name f.csv"),
        (["--csv", "a_file/f.csv"], "cannot write {root}/a_file/f.csv: a part of this path is a file, not a folder"),
        (["--parquet", "a_file/deeper/f.parquet"], "a part of this path is a file, not a folder"),
        (["--csv", "/proc/f.csv"], "cannot write /proc/f.csv: "),
        (["--parquet", "images"], "there is a folder of this name"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_before_the_forecasts(
    images, trained, monkeypatch, capsys, outputs, message
):
    def never(*arguments, **options):
        raise AssertionError("the forecasts were computed")

    monkeypatch.setattr("flarescope.pipeline.predicting.predict", never)
    monkeypatch.chdir(images.parent)
    (images.parent / "a_file").write_text("")
    before = sorted(images.parent.iterdir())
    assert run("predict", trained, images, *outputs, "--quiet") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert message.format(root=images.parent) in line
    assert sorted(images.parent.iterdir()) == before


def test_train_evaluate_predict(images, trained, capsys):
    history = [json.loads(line) for line in (trained / "history.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5]
    assert all((trained / row["model"]).exists() for row in history)

    assert run("evaluate", trained, "--table", images.parent / "test.csv", "--images", images) == 0
    shown = capsys.readouterr()
    assert "hits (TP)" in shown.out
    assert "TSS" in shown.out
    assert "WARNING: the backbone's filters are random" in shown.err
    scores = json.loads((trained / "scores.json").read_text())
    assert sum(scores["counts"].values()) == 12
    forecasts = pd.read_parquet(trained / "forecasts/test.parquet")
    assert list(forecasts.columns) == ["filename", "noaa_ar", "time", "split", "label", "probability"]

    csv, parquet = images.parent / "p.csv", images.parent / "p.parquet"
    assert run("predict", trained, images / "1126", "--csv", csv, "--parquet", parquet, "--json") == 0
    records = json.loads(capsys.readouterr().out)
    assert len(records) == len(pd.read_csv(csv)) == len(pd.read_parquet(parquet)) == 6
    assert records[0]["noaa_ar"] == 11126
    assert records[0]["time"].startswith("2010-11-10T00:35:26")
    # The same image, forecast twice on two ways.
    same = forecasts.set_index("filename")["probability"]
    assert [r["probability"] for r in records] == pytest.approx(
        [same[r["filename"].split("images/")[1]] for r in records], abs=1e-6
    )


def test_json_of_train_and_evaluate(images, fake_network, capsys):
    assert run(*train_arguments(images, "--json", "--quiet", "--epochs", "2")) == 0
    assert [row["epoch"] for row in json.loads(capsys.readouterr().out)] == [1, 2]
    run_folder = images.parent / "runs/r"
    assert run("evaluate", run_folder, "--table", images.parent / "test.csv", "--images", images, "--json") == 0
    assert set(json.loads(capsys.readouterr().out)["scores"]) == {"tpr", "tnr", "tss", "hss"}


def test_quiet_prints_results_and_warnings_only(images, fake_network, capsys):
    assert run(*train_arguments(images, "--quiet")) == 0
    shown = capsys.readouterr()
    assert "epoch" in shown.out
    assert shown.err.splitlines() == [
        "WARNING: the backbone's filters are random (random:0), not ImageNet's: for demonstrations and tests"
    ]


def test_limit_and_a_catalogue(images, fake_network, capsys):
    tables = [pd.read_csv(images.parent / f"{split}.csv").assign(split=split) for split in REGIONS]
    pd.concat(tables).rename(columns={"class": "label"}).to_parquet(images.parent / "all.parquet")
    table, out = images.parent / "all.parquet", images.parent / "runs/c"
    common = ["--images", images, "--limit", 4, "--quiet"]
    assert run("train", "--train", table, "--validation", table, "--out", out, "--backbone", "random", *common) == 0
    data = json.loads((out / "run.json").read_text())["data"]
    assert (data["train"]["images"], data["validation"]["images"]) == (4, 4)
    capsys.readouterr()
    assert run("evaluate", out, "--table", table, *common, "--json") == 0
    assert json.loads(capsys.readouterr().out)["images"] == 4


def test_a_new_name_without_region_and_time_is_forecast(images, trained, capsys):
    (images / "1126" / "plain.png").write_bytes(next((images / "1126").glob("*.png")).read_bytes())
    capsys.readouterr()
    assert run("predict", trained, images / "1126/plain.png", "--json") == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert (record["noaa_ar"], record["time"]) == (None, None)


def test_scores_that_are_0_over_0_are_said(images, trained, capsys):
    table = images.parent / "none.csv"
    rows = pd.read_csv(images.parent / "test.csv")
    rows[rows["class"] == 0].to_csv(table, index=False)
    assert run("evaluate", trained, "--table", table, "--images", images) == 0
    out = capsys.readouterr().out
    assert "TPR nan" in out
    assert "undefined (0/0, written as null): TPR, TSS" in out
    assert json.loads((trained / "scores.json").read_text())["scores"]["tpr"] is None


def damaged(images, action):
    path = images / "1121/1121_hmi.M_720s.20101110_003600_TAI.1.magnetogram_224.png"
    action(path)
    return path


BAD_IMAGES = {
    "missing": (lambda path: path.unlink(), "no such image"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:1500]), "damaged or cut short"),
    "text": (lambda path: path.write_text("not an image"), "not a PNG"),
    "empty": (lambda path: path.write_bytes(b""), "the file is empty"),
}


@pytest.mark.parametrize("kind", BAD_IMAGES)
def test_a_bad_image_is_named_in_one_line(images, fake_network, capsys, kind):
    action, message = BAD_IMAGES[kind]
    path = damaged(images, action)
    assert run(*train_arguments(images, "--quiet")) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("WARNING")]
    assert len(lines) == 1
    assert lines[0].startswith(f"flarescope: {path}: ")
    assert message in lines[0]


def write(path, text):
    path.write_text(text)
    return path


def one_class(images):
    table = images.parent / "train.csv"
    rows = pd.read_csv(table)
    rows[rows["class"] == 0].to_csv(table, index=False)


BAD_TRAINING = {
    "empty table": (lambda images: write(images.parent / "train.csv", ""), (), "train.csv: the file is empty"),
    "no table": (lambda images: (images.parent / "train.csv").unlink(), (), "train.csv: no such file"),
    "one class": (one_class, (), "one class only in the training set"),
    "overlap": (
        lambda images: (images.parent / "validation.csv").write_bytes((images.parent / "train.csv").read_bytes()),
        (),
        "3 regions in both train and validation: 11121, 11122, 11123",
    ),
    "no images": (lambda images: images.rename(images.parent / "elsewhere"), (), "images: no such folder"),
    "epochs": (lambda images: None, ("--epochs", "0"), "epochs 0 is out of range"),
    "save": (
        lambda images: None,
        ("--save", "some"),
        "'--save': 'some' is not one of 'each', 'best', 'last' (see flarescope train --help)",
    ),
    "weights": (lambda images: None, ("--class-weight", "a,b"), "--class-weight a,b: expected"),
    "engine": (
        lambda images: None,
        ("--engine", "keras"),
        "'--engine': 'keras' is not one of 'auto', 'torch', 'openvino', 'winograd'",
    ),
    "seed": (lambda images: None, ("--backbone", "random:x"), "the seed is 'x'"),
    "backbone": (lambda images: None, ("--backbone", "none.h5"), "none.h5: no such file"),
    "workers": (lambda images: None, ("--workers", "-1"), "--workers -1"),
    "out is a file": (
        lambda images: write(images.parent / "runs", "a file"),
        ("--features", "features"),
        "is a file, not a folder",
    ),
    "option": (lambda images: None, ("--epoch", "3"), "--epoch"),
    "number": (lambda images: None, ("--epochs", "three"), "'--epochs': Input should be a valid integer"),
}


@pytest.mark.parametrize("kind", BAD_TRAINING)
def test_bad_training_input_is_one_line_and_code_2(images, fake_network, monkeypatch, capsys, kind):
    monkeypatch.chdir(images.parent)
    spoil, more, message = BAD_TRAINING[kind]
    spoil(images)
    assert run(*train_arguments(images, "--quiet", *more)) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("WARNING")]
    assert len(lines) == 1
    assert message in lines[0]


def test_allow_overlap_goes_on(images, fake_network):
    (images.parent / "validation.csv").write_bytes((images.parent / "train.csv").read_bytes())
    assert run(*train_arguments(images, "--quiet", "--allow-overlap")) == 0


def test_evaluating_on_regions_of_the_training_set_is_refused(images, trained, capsys):
    arguments = ["evaluate", trained, "--table", images.parent / "train.csv", "--images", images, "--quiet"]
    assert run(*arguments) == 2
    assert "3 regions in both the training set of the model and the test table: 11121" in capsys.readouterr().err
    assert run(*arguments, "--allow-overlap") == 0


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("none", "no such run or model file"),
        ("images", "no run in it"),
        ("text.h5", "text.h5"),
    ],
)
def test_bad_models(images, fake_network, monkeypatch, capsys, model, message):
    monkeypatch.chdir(images.parent)
    write(images.parent / "text.h5", "this is no model")
    assert run("predict", model, images / "1126", "--quiet") == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_model_of_another_backbone_is_refused(images, trained, monkeypatch, capsys):
    other = Weights("random:0", "sha256:" + "0" * 64, dict, VGG16)
    monkeypatch.setattr(weights_module, "random_weights", lambda seed=0: other)
    assert run("predict", trained, images / "1126", "--quiet") == 2
    error = capsys.readouterr().err
    assert "was trained on the backbone random:0" in error
    assert "--backbone" in error


def test_imagenet_that_is_not_there_says_both_ways(images, monkeypatch, capsys):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(images.parent / "cache"))
    arguments = [a for a in train_arguments(images) if a not in ("--backbone", "random")]
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert "flarescope weights fetch" in error
    assert "flarescope weights import FILE.h5" in error
    assert error.count("\n") == 1


def test_wrong_size_and_wrong_digest_of_imported_weights(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "w.h5"
    file.write_bytes(b"short")
    assert run("weights", "import", file) == 2
    assert "5 bytes; vgg16_weights_tf_dim_ordering_tf_kernels.h5 has 553,467,096" in capsys.readouterr().err
    # A smaller one is asked for, since the digest of 553 MB takes seconds.
    monkeypatch.setattr(weights_module, "IMAGENET", replace(weights_module.IMAGENET, size=10_000))
    file.write_bytes(bytes(10_000))
    assert run("weights", "import", file) == 2
    assert "expected 64373286793e3c8b2b4e3219cbf3544b" in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()


def test_debug_shows_where(images, fake_network, capsys):
    (images.parent / "train.csv").write_text("")
    assert run(*train_arguments(images, "--debug")) == 2
    error = capsys.readouterr().err
    assert "Traceback" in error
    assert error.splitlines()[-1].endswith("expected a table such as filename,class")


def test_an_unexpected_fault_is_one_line_and_code_1(images, trained, monkeypatch, capsys):
    monkeypatch.setattr(starting, "make", lambda choice, weights: 1 / 0)
    assert run("predict", trained, images / "1126", "--quiet") == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("flarescope: ZeroDivisionError")
    assert "--debug" in error


HELD_TRAINING = """
import sys
sys.path.insert(0, {tests!r})
from fakes import FAKE_DIGEST, FakeEngine, hold
from flarescope.cli import main
from flarescope.backbones import weights
from flarescope.backbones.base import Weights
from flarescope.backbones.vgg16 import VGG16
from flarescope.engines import start as starting
weights.random_weights = lambda seed=0: Weights(f"random:{{seed}}", FAKE_DIGEST, dict, VGG16)
starting.make = lambda choice, w: FakeEngine(edit=hold)
sys.exit(main({arguments!r}))
"""


def test_ctrl_c_is_one_line_and_leaves_everything_resumable(images, request, interruptible):
    import signal

    tests = str(request.path.parent)
    script = HELD_TRAINING.format(tests=tests, arguments=train_arguments(images, "--quiet", "--workers", "2"))
    pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    child = subprocess.Popen([sys.executable, "-c", script], **pipes, text=True)
    assert child.stdout.readline() == "held\n"
    child.send_signal(signal.SIGINT)
    _, error = child.communicate(timeout=LIMIT_S)
    lines = [line for line in error.splitlines() if not line.startswith("WARNING")]
    assert lines == ["flarescope: stopped; run the same command again to go on where it stood"]
    assert child.returncode == 130


def test_root_help_lists_every_command(capsys):
    assert run("--help") == 0
    text = capsys.readouterr().out
    for name in get_command(app).commands:
        assert name in text
    assert isinstance(app, typer.Typer)


def test_a_loss_that_is_not_the_log_loss_is_explained(capsys, monkeypatch):
    monkeypatch.setattr(settings, "quiet", False)  # of the last command that this process ran
    verification = {"probability": {"scores": {"log_loss": {"value": 3.442}}}}
    tell_losses(39.6671, verification)
    said = capsys.readouterr().err
    assert said.startswith("- loss 39.67 is of the log odds as the head gives them; Log loss 3.442 keeps")
    tell_losses(3.4421, verification)
    tell_losses(1e-12, {"probability": {"scores": {"log_loss": {"value": 1e-7}}}})  # beyond, and all of them right
    tell_losses(3.0, {"probability": {"scores": {"log_loss": {"value": None}}}})
    assert capsys.readouterr().err == ""
