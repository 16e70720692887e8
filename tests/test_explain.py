"""Does `explain` write what it finds out about images, name the bad ones, and refuse what cannot be, in one line?"""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from astropy.io import fits
from PIL import Image
from torch import nn

import flarescope
from disks import write_disk
from fakes import Heard, draw_blank, use_fake_network
from flarescope.backbones.base import Weights
from flarescope.backbones.vgg16 import VGG16
from flarescope.cli import main
from flarescope.errors import InputError
from flarescope.explaining.explained import Explained
from flarescope.explaining.maps import METHODS, Map
from flarescope.figures import FieldImage
from flarescope.forecaster.as_torch import log_odds_module
from flarescope.forecaster.classifier import Classifier
from flarescope.forecaster.description import Description
from flarescope.forecaster.event_models import EventModels
from flarescope.heads.head import Head
from flarescope.html_report.pictures import gallery_rows_of
from flarescope.images.axes import axes_of
from flarescope.images.line_of_sight import Accept
from flarescope.images.root import LocalImages
from flarescope.pipeline.explaining.background import background_of, inversion_line
from flarescope.pipeline.explaining.gallery import with_maps
from flarescope.pipeline.explaining.writing import _caption, _heading, event_in_name, free_names
from flarescope.pipeline.featuring import result_warnings
from flarescope.several_events import event_of_code
from real_data import REAL_DATA, needs_real_data

pytestmark = pytest.mark.xdist_group("explaining")


@pytest.fixture
def run(fake_run, monkeypatch, tmp_path):
    place, data = fake_run
    use_fake_network(monkeypatch)
    shutil.copytree(place / "runs/r", tmp_path / "r")
    return tmp_path / "r", sorted(data["images"].glob("1141/*.png"))


@pytest.fixture
def blank(monkeypatch):
    """Draw nothing: the figures of the first test are true."""
    draw_blank(monkeypatch)


def test_a_folder_of_images_with_a_bad_one_between(run, tmp_path, capsys):
    folder, images = run
    for image in images[:2]:
        shutil.copy(image, tmp_path / image.name)
    (tmp_path / "bad.png").write_bytes(b"no image")
    words = ["explain", folder, tmp_path / "bad.png", *(tmp_path / image.name for image in images[:2])]
    words += ["--out", tmp_path / "out", "--method", "occlusion", "--json", "--quiet"]
    assert main([str(word) for word in words]) == 1
    told = capsys.readouterr()
    first, second, bad = json.loads(told.out)
    assert "not a PNG" in bad["reason"]
    assert "bad.png" in told.err
    assert first["filename"].endswith(images[0].name)
    assert second["events"]["event"]["refused"] == {}
    stem = images[0].stem
    names = {f"{stem}.event.png", f"{stem}.event.svg", f"{stem}.json", f"{stem}.npz"}
    assert names <= {path.name for path in (tmp_path / "out").iterdir()}
    written = json.loads((tmp_path / "out" / f"{stem}.json").read_text())
    found = written["events"]["event"]
    assert found["maps"]["occlusion"] == first["events"]["event"]["maps"]["occlusion"]
    assert written["axes"]["unit"] == "arcsec"
    assert written["axes"]["width"] == pytest.approx(600 * 0.504, rel=1e-3)  # the published name says 600 native pixels
    faithful = found["maps"]["occlusion"]["faithfulness"]
    # the fake network is linear in the pixels: what occlusion puts first falls first
    assert faithful["deletion_area"] < found["random_maps"]["deletion_area"]
    assert faithful["insertion_area"] > found["random_maps"]["insertion_area"]
    with np.load(tmp_path / "out" / f"{stem}.npz") as maps:
        assert maps["event/occlusion"].shape == (224, 224)
    probability = flarescope.predict(folder, images[0]).forecasts["probability"][0]
    assert found["probability"] == pytest.approx(probability, abs=1e-6)


@pytest.mark.usefixtures("blank")
def test_what_a_network_cannot_have_is_said_or_refused(run, tmp_path):
    folder, images = run
    heard = Heard()
    how = flarescope.Explaining(checks=False)
    found = flarescope.explain(folder, images[0], out=tmp_path, explaining=how, reporter=heard)
    # the fake network has no layer at all
    assert list(found.images[0].events["event"].maps) == ["integrated-gradients", "occlusion"]
    assert [note.partition(":")[0] for note in heard.notes if note.startswith("no ")] == [
        "no grad-cam",
        "no hires-cam",
        "no guided-grad-cam",
    ]
    asked = flarescope.Explaining(methods=["grad-cam"], checks=False)
    with pytest.raises(flarescope.InputError, match="no layer of this network"):
        flarescope.explain(folder, images[:2], out=tmp_path, explaining=asked)


@pytest.mark.usefixtures("blank")
def test_an_image_of_another_form_or_kind_is_told_as_by_predict(run, tmp_path):
    folder, images = run
    field = np.random.default_rng(0).normal(0, 300, (60, 60)).astype(np.float32)
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(field)]).writeto(tmp_path / "some.fits")
    explained, predicted = Heard(), Heard()
    how = flarescope.Explaining(methods=["occlusion"], checks=False)
    paths = [images[0], tmp_path / "some.fits"]
    found = flarescope.explain(folder, paths, out=tmp_path / "out", explaining=how, reporter=explained)
    table = flarescope.predict(folder, paths, reporter=predicted).forecasts
    assert explained.warnings == predicted.warnings
    assert any("trained on PNG" in text for text in explained.warnings)
    assert [" ".join(one.flags) for one in found.images] == table["flags"].tolist()
    assert "unnamed" in found.images[1].flags  # its header names no instrument
    written = json.loads((tmp_path / "out" / "some.json").read_text())
    assert any("(flag unnamed)" in text for text in written["warnings"])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--method", "lime"], "--method lime: expected one of grad-cam"),
        (["--event", "X1.0/24"], "--event X1.0/24: the model forecasts event"),
        (["--epoch", "9"], "no model of epoch 9"),
    ],
)
def test_bad_options_in_one_line(run, tmp_path, capsys, more, said):
    folder, images = run
    assert main(["explain", str(folder), str(images[0]), "--out", str(tmp_path / "out"), *more]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert said in last
    assert len(last) < 300


@pytest.mark.usefixtures("blank")
def test_every_event_of_a_model_in_order(run, tmp_path):
    folder, images = run
    first = flarescope.load(folder).classifier
    parts = []
    for code, bias in (("C1.0/24", 0.0), ("M1.0/24", -1.0)):
        described = replace(first.description, event=event_of_code(code))
        head = Head(first.head.kernel, first.head.bias + np.array([0, bias], np.float32))
        parts.append(Classifier(head, described, first.weights))
    EventModels(tuple(parts)).save(tmp_path / "both.hdf5")
    how = flarescope.Explaining(methods=["occlusion"], events=["M1.0/24"], checks=False)
    found = flarescope.explain(tmp_path / "both.hdf5", images[0], out=tmp_path / "out", explaining=how).images[0]
    assert list(found.events) == ["M1.0/24"]
    assert list(found.probabilities) == ["C1.0/24", "M1.0/24"]
    odds = [value / (1 - value) for value in found.probabilities.values()]
    assert odds[1] / odds[0] == pytest.approx(np.exp(-1), rel=1e-4)  # a bias less by 1
    assert sum(path.name.endswith(".M1.0_24.png") for path in found.files) == 1


def test_a_model_that_looks_back_is_refused(run):
    first = flarescope.load(run[0]).classifier
    history = {"hours": [6.0], "tolerance_hours": 1.0, "form": "stack"}
    back = Classifier(first.head, replace(first.description, history=history), first.weights)
    with pytest.raises(flarescope.InputError, match="looks back"):
        log_odds_module([back])


def test_the_gallery_of_a_report_shows_what_the_model_sees(run):
    folder, images = run
    image = FieldImage(np.zeros((64, 64)), images[0].name, 11141, None, 0.5, 1)
    model, root = flarescope.load(folder).path, LocalImages(images[0].parent)
    options = {"nan": "error", "reporter": Heard()}
    (shown,) = with_maps([("Hits", [image])], model, root, method="occlusion", **options)
    assert shown[1][0].seen.shape == (224, 224)
    assert shown[1][0].seen_note.startswith("Occlusion: deletion ")
    plain, seen = gallery_rows_of(*shown)
    assert (plain.heading, seen.pictures[0].lines[0]) == ("Hits", shown[1][0].seen_note)
    assert seen.pictures[0].source.startswith("data:image/png;base64,")
    assert len(gallery_rows_of("Hits", [image])) == 1
    with pytest.raises(flarescope.InputError, match="--explain grad-cam: no layer"):
        with_maps([("Hits", [image])], model, root, method="grad-cam", **options)


def test_names_of_files(tmp_path):
    files = [tmp_path / "a" / "x.fits", tmp_path / "b" / "x.fits.gz", tmp_path / "X.png", tmp_path / "y.png"]
    assert free_names(files) == ["x", "x-2", "X-3", "y"]
    assert event_in_name("M1.0/24+1") == "M1.0_24_1"


def test_the_inversion_line_of_a_dipole_lies_between_its_poles():
    rows, columns = np.mgrid[:100, :100]
    poles = [np.exp(-((rows - 50) ** 2 + (columns - column) ** 2) / 200) for column in (40, 60)]
    line = inversion_line(1000 * (poles[0] - poles[1]))
    assert len(line) > 5
    assert np.abs(line[:, 1] - 0.5).max() < 0.03  # column 50, where both cancel
    assert np.abs(line[:, 0] - 0.5).max() < 0.4
    assert len(inversion_line(np.zeros((50, 50)))) == 0


def test_a_png_without_a_header_counts_in_pixels(tmp_path):
    Image.fromarray(np.full((40, 60), 128, np.uint8)).save(tmp_path / "plain.png")
    found = axes_of(tmp_path / "plain.png", (tmp_path / "plain.png").read_bytes(), (40, 60))
    assert (found.unit, found.width, found.height) == ("pixels", 60, 40)


@needs_real_data
def test_real_images_count_in_arcsec_or_in_degrees():
    accept = flarescope.Compute().accept
    cutout = background_of(next((REAL_DATA / "hmi/hmi_los_cutout_helioprojective_noaa11158").glob("*.fits")), accept)
    assert (cutout.unit, cutout.in_gauss) == ("arcsec", True)
    assert cutout.width / cutout.values.shape[1] == pytest.approx(0.504, rel=0.01)
    patch = background_of(next((REAL_DATA / "hmi/harp377_noaa11158_201102_hourly").glob("*.fits")), accept)
    assert patch.unit == "degrees"
    assert patch.width / 744 == pytest.approx(0.03)
    assert 100 < len(patch.line) < 5000


@pytest.mark.usefixtures("blank")
def test_a_torch_module_of_the_users_is_looked_into_and_made_data_are_called_so(tmp_path):
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 5, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten()]
    own = flarescope.Backbone(nn.Sequential(*layers), name="own", size=56, channels=1)
    described = Description(
        "module:own", own.family, own.digest, "smooth-png", network=own.backbone.name, synthetic=True
    )
    head = Head(np.random.default_rng(0).normal(size=(36, 2)).astype(np.float32) / 100, np.zeros(2, np.float32))
    Classifier(head, described, own).save(tmp_path / "model.hdf5")
    pixels = np.random.default_rng(1).integers(90, 160, (224, 224)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    asked = {"out": tmp_path / "out", "explaining": flarescope.Explaining(checks=False), "reporter": Heard()}
    with pytest.raises(InputError, match="a module of a Python program"):
        flarescope.explain(tmp_path / "model.hdf5", tmp_path / "image.png", **asked)
    found = flarescope.explain(tmp_path / "model.hdf5", tmp_path / "image.png", backbone=own, **asked)
    (explained,) = found.images[0].events.values()
    assert set(explained.maps) == set(METHODS)
    assert explained.maps["occlusion"].values.shape == (56, 56)
    written = json.loads((tmp_path / "out/image.json").read_text())
    assert [one.partition(",")[0] for one in written["warnings"]] == ["trained on synthetic data"]


def test_random_filters_are_called_so_where_results_are_shown():
    weights = Weights("random:3", "sha256:0", dict, VGG16)
    assert result_warnings(weights, synthetic=False) == [
        "the backbone's filters are random (random:3): a demonstration, no result"
    ]
    assert result_warnings(replace(weights, family="imagenet"), synthetic=False) == []


def test_a_map_that_is_zero_says_so_and_a_disk_has_no_line(tmp_path):
    empty = Explained(-2.0, {"hires-cam": Map("hires-cam", np.zeros((8, 8), np.float32))})
    assert "zero everywhere" in _heading("hires-cam", empty)
    disk = write_disk(tmp_path / "disk.fits")
    assert background_of(disk, Accept(whole_disk=True)).line is None
    assert "Green" not in _caption(disk, empty, has_line=False)
