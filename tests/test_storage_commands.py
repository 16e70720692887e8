"""Do the commands that read images take an address of a storage, and those that cannot refuse it in one line?"""

import json

import fsspec
import numpy as np
import pytest

import flarescope
from fakes import Heard, use_fake_network
from flarescope.cli import main
from flarescope.errors import FlarescopeError, InputError
from flarescope.figures import FieldImage
from flarescope.images.remote import images_at
from flarescope.images.stored import images_named, on_this_machine
from flarescope.pipeline.explaining.gallery import with_maps

pytestmark = pytest.mark.xdist_group("explaining")


@pytest.fixture
def stored(fake_run, monkeypatch):
    """A run, the first files of a region here, and the address of a folder that has them, a bad one and others."""
    place, data = fake_run
    use_fake_network(monkeypatch)
    images = sorted(data["images"].glob("1141/*.png"))[:2]
    memory = fsspec.filesystem("memory")
    for image in images:
        memory.pipe_file(f"/stored/png/1141/{image.name}", image.read_bytes())
    memory.pipe_file("/stored/png/bad.png", b"no image")
    memory.pipe_file("/stored/png/1141/.hidden.png", b"")
    memory.pipe_file("/stored/png/hmi.M_720s.20101110_053600_TAI.continuum.fits", b"")
    memory.pipe_file("/stored/notes/read.me", b"")
    yield place / "runs/r", images, "memory://stored/png"
    memory.rm("/stored", recursive=True)


def test_a_storage_is_forecast_as_a_folder_is(stored, capsys):
    run, images, url = stored
    heard = Heard()
    found = flarescope.predict(run, [f"{url}/", images[1]], reporter=heard)
    here = flarescope.predict(run, images)
    assert found.forecasts["filename"].tolist() == [*(f"{url}/1141/{image.name}" for image in images), str(images[1])]
    there = found.forecasts["probability"].to_numpy()
    assert there[:2] == pytest.approx(here.forecasts["probability"].to_numpy())
    assert found.forecasts["noaa_ar"].tolist() == [11141] * 3
    (one,) = flarescope.predict(run, f"{url}/1141/{images[0].name}").forecasts["probability"]
    assert one == pytest.approx(there[0])
    assert [one.filename for one in found.failures] == [f"{url}/bad.png"]
    assert "continuum 1" in heard.warnings[0]
    assert f"not forecast: {url}/bad.png: not a PNG" in heard.warnings[1]
    words = ["predict", str(run), f"{url}/1141", f"{url}/none.png", "memory://stored/notes", "--json", "--quiet"]
    assert main(words) == 1
    records = json.loads(capsys.readouterr().out)
    assert [record["probability"] for record in records[:2]] == pytest.approx(there[:2])
    assert [record["probability"] for record in records[2:]] == [None, None]
    assert "no such file or bucket" in records[2]["reason"]
    assert "no PNG or FITS file below this address" in records[3]["reason"]
    model = flarescope.load(run)
    assert model.forecast(f"{url}/1141")["probability"].to_numpy() == pytest.approx(there[:2])


def test_an_address_of_another_file_and_none_at_all():
    fsspec.filesystem("memory").pipe_file("/stored/read.me", b"")
    with pytest.raises(InputError, match=r"memory://stored/read.me: expected a .png"):
        images_named(["memory://stored/read.me"], Heard())
    with pytest.raises(InputError, match="no image to forecast"):
        images_named([], Heard())


def test_what_is_no_magnetogram_by_its_name_is_left_out_as_of_a_folder(tmp_path):
    system, told = fsspec.filesystem("memory"), []
    for name in ("disk.png", "disk.svg", "a/1.png", "a/2.fits", "a/2.svg", ".3.png", "x.bitmap.fits"):
        system.pipe_file(f"/drawn/{name}", b"")
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for place in ("memory://drawn", str(tmp_path)):
        heard = Heard()
        named = images_named([place], heard)
        told.append([line.replace(place, "") for line in [*map(str, named), *heard.warnings]])
    assert told[0] == told[1]
    assert told[0][:3] == ["/a/1.png", "/a/2.fits", ": left out, since an SVG of it lies beside it: disk.png"]
    assert "bitmap 1" in told[0][3]


def test_an_image_that_is_named_twice_is_one():
    fsspec.filesystem("memory").pipe_file("/twice/1141/x.png", b"")
    named = images_named(["memory://twice", "memory://twice/1141/", "memory://twice/1141/x.png"], Heard())
    assert [str(one) for one in named] == ["memory://twice/1141/x.png"]


def test_a_stored_image_is_explained_as_its_copy_is(stored, tmp_path):
    run, images, url = stored
    how = flarescope.Explaining(methods=["occlusion"], checks=False)
    there, here = (
        flarescope.explain(run, path, out=tmp_path / place, explaining=how).images[0]
        for place, path in (("there", f"{url}/1141/{images[0].name}"), ("here", images[0]))
    )
    assert there.filename == f"{url}/1141/{images[0].name}"
    assert there.probabilities == here.probabilities
    assert [path.name for path in there.files] == [path.name for path in here.files]
    for one, other in zip(there.files, here.files, strict=True):
        if one.suffix in (".npz", ".png"):
            assert one.read_bytes() == other.read_bytes()


def test_a_gallery_of_stored_images_is_explained(stored):
    run, images, url = stored
    image = FieldImage(np.zeros((64, 64)), f"1141/{images[0].name}", 11141, None, 0.5, 1)
    model = flarescope.load(run).path
    (there,), (here,) = (
        with_maps([("Hits", [image])], model, root, method="occlusion", nan="error", reporter=Heard())
        for root in (images_at(url), images_at(images[0].parent.parent))
    )
    assert np.array_equal(there[1][0].seen, here[1][0].seen)


def test_what_is_fetched_goes_and_is_called_by_its_address(tmp_path):
    fsspec.filesystem("memory").pipe_file("/stored/disk/a/x.fits", b"here")
    heard = Heard()
    with on_this_machine(["memory://stored/disk", str(tmp_path)], heard) as ((fetched, own), hearing):
        assert (fetched.name, fetched.read_bytes(), own) == ("x.fits", b"here", tmp_path)
        hearing.warn(f"left out: {fetched}: no disk")
    assert heard.warnings == ["left out: memory://stored/disk/a/x.fits: no disk"]
    assert not fetched.exists()
    assert heard.notes == ["fetched: memory://stored/disk/a/x.fits"]
    with pytest.raises(InputError, match=r"^memory://stored/disk/a/x.fits: no disk$"):
        with on_this_machine(["memory://stored/disk"], heard) as ((fetched,), _):
            raise InputError(f"{fetched}: no disk")
    with pytest.raises(FlarescopeError, match=r"^another$"), on_this_machine(["memory://stored/disk"], heard):
        raise FlarescopeError("another")


def test_a_key_that_leads_elsewhere_is_written_beside_the_others(tmp_path):
    system = fsspec.filesystem("memory")
    system.pipe_file(f"/hostile/{tmp_path}/absolute.fits", b"1")
    system.pipe_file("/hostile/a/../../../../../../.." + f"{tmp_path}/dots.fits", b"2")
    with on_this_machine(["memory://hostile"], Heard()) as (fetched, _):
        assert sorted((file.name, file.read_bytes()) for file in fetched) == [
            ("absolute.fits", b"1"),
            ("dots.fits", b"2"),
        ]
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ["predict", "s3://stored/run", "images"],
        ["train", "--train", "t.csv", "--validation", "v.csv", "--images", "i", "--out", "s3://stored/run"],
        ["catalog", "check", "t.csv", "--images", "s3://stored/png"],
        ["serve", "--archive", "gs://stored/archive"],
        ["features", "t.csv", "--images", "s3://stored/png", "--magnetic", "--out", "f.csv"],
    ],
)
def test_an_address_for_what_lies_on_this_machine_is_one_line(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "://stored/" in line
    assert "expected a path of this machine; only images" in line
    assert not list(tmp_path.iterdir())
