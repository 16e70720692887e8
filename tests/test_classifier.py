"""Does a model file hold a model and nothing else: small, whole, never run as code, never with another backbone?"""

import gc
import io
import json
import pickle
import threading
import weakref
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import fake_features, fake_weights, use_fake_network, write_png, write_pngs
from flarescope.backbones import registry
from flarescope.backbones.vgg16 import FEATURES
from flarescope.engines.base import EngineChoice
from flarescope.errors import InputError
from flarescope.features.batching import stack
from flarescope.forecaster.classifier import _STARTING, ATTRIBUTE, Classifier, describe_again, load_classifier
from flarescope.forecaster.description import Description
from flarescope.heads.head import Head, glorot_head
from flarescope.images.reading import read_ahead, read_image
from flarescope.images.render import Rendering

CHOICE = EngineChoice("torch", "cpu", "fp32", batch=4)


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    return use_fake_network(monkeypatch)


def classifier(backbone="fake", **description):
    weights = registry.find(backbone)
    described = Description(backbone, weights.family, weights.digest, "reference-png", **description)
    head = glorot_head(FEATURES, 5)
    return Classifier(Head(head.kernel, np.array([0.25, -0.25], np.float32)), described, weights)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.01_0.50.hdf5"
    classifier().save(path)
    return path


def test_a_small_file_comes_back_as_it_was(saved):
    loaded, original = load_classifier(saved), classifier()
    assert np.array_equal(loaded.head.kernel, original.head.kernel)
    assert np.array_equal(loaded.head.bias, original.head.bias)
    assert loaded.head.kernel.dtype == np.float32
    assert loaded.description == original.description


def test_the_bytes_are_those_of_the_content_however_often_a_file_was_described(saved, tmp_path):
    last = replace(classifier().description, threshold=0.25, regions=list(range(11_000, 11_400)))
    for threshold in (0.1, 0.123456789, 1.0):
        describe_again(saved, replace(last, threshold=threshold, regions=None))
    describe_again(saved, last)
    direct = tmp_path / "direct.hdf5"
    replace(classifier(), description=last).save(direct)
    assert saved.read_bytes() == direct.read_bytes()
    assert load_classifier(saved).description == last


@settings(max_examples=25)
@given(
    threshold=st.floats(0, 1),
    calibration=st.none() | st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False)),
    rendering=st.sampled_from([None, "reference-png", "reference-fits+nan-zero"]),
    kernel=st.lists(st.floats(-100, 100, width=32), min_size=4, max_size=4),
)
def test_any_description_comes_back(tmp_path_factory, threshold, calibration, rendering, kernel):
    weights = fake_weights("sha256:" + b"fake".hex().ljust(64, "0"))
    described = Description("fake", "fake", weights.digest, rendering, threshold, calibration)
    head = Head(np.resize(np.array(kernel, np.float32), (FEATURES, 2)), np.zeros(2, np.float32))
    path = tmp_path_factory.mktemp("models") / "m.hdf5"
    Classifier(head, described, weights).save(path)
    loaded = load_classifier(path, backbone="fake")
    assert loaded.description == described
    assert np.array_equal(loaded.head.kernel, head.kernel)


def test_a_file_is_small_and_the_same_bytes_each_time(saved, tmp_path):
    assert saved.stat().st_size < 100_000
    classifier().save(tmp_path / "again.hdf5")
    assert (tmp_path / "again.hdf5").read_bytes() == saved.read_bytes()


def test_a_file_holds_two_plain_arrays_and_text_and_no_pickle(saved):
    found = []
    with h5py.File(saved) as file:
        file.visititems(lambda name, item: found.append((name, getattr(item, "dtype", None))))
        assert list(file.attrs) == [ATTRIBUTE]
        described = json.loads(file.attrs[ATTRIBUTE])
    assert sorted(found, key=str) == [("head", None), ("head/bias", np.float32), ("head/kernel", np.float32)]
    fields = [
        "format",
        "backbone",
        "family",
        "digest",
        "rendering",
        "threshold",
        "choice",
        "calibration",
        "regions",
        "event",
        "training_images",
        "fitted_on",
        "network",
        "content",
    ]
    assert list(described) == fields
    assert b"pickle" not in saved.read_bytes()
    assert b"\x80\x04\x95" not in saved.read_bytes()  # how a pickle begins


def test_another_backbone_is_refused_in_one_line(saved, monkeypatch):
    with pytest.raises(InputError, match=r"its head was trained on the backbone fake \(sha256:66616b65.*but other is"):
        load_classifier(saved, backbone="other")
    monkeypatch.setattr(registry, "find", lambda spec: fake_weights())  # the same name, other weights
    with pytest.raises(InputError, match=r"but fake is fake \(sha256:fa4efa4e.*give it with --backbone") as caught:
        load_classifier(saved)
    assert "\n" not in str(caught.value)


def test_the_backbone_may_lie_elsewhere(saved, monkeypatch):
    right = registry.find("fake")
    asked = []
    monkeypatch.setattr(registry, "find", lambda spec: asked.append(spec) or right)
    load_classifier(saved, backbone="/another/place.h5")
    assert asked == ["/another/place.h5"]


# ---- what is no model ----


def a_zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("data.pkl", pickle.dumps({"a": 1}))
    return buffer.getvalue()


class Bomb:
    """An object that says so when it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("the file was unpickled",))


GARBAGE = {
    "empty": b"",
    "text": b"this is no model\n",
    "zeros": bytes(1000),
    "a pickle": pickle.dumps(Bomb()),
    "a zip": a_zip(),
    "half a header": b"\x89HDF\r\n\x1a\n" + bytes(5),
}


@pytest.mark.parametrize("suffix", [".hdf5", ".h5", ".keras"])
@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_refused_in_one_line_that_names_it(tmp_path, content, suffix):
    path = tmp_path / f"garbage{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"garbage") as caught:
        load_classifier(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"gone\.hdf5: no such model file; expected \.hdf5, \.h5 or \.keras, or a run"):
        load_classifier(tmp_path / "gone.hdf5")


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.99])
def test_a_file_cut_short_is_refused(saved, keep):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(InputError, match=r"model\.01_0\.50\.hdf5") as caught:
        load_classifier(saved)
    assert "\n" not in str(caught.value)


DESCRIPTIONS = ["", "{", "5", '"text"', "[]", "null", "{}", '{"format": "flarescope-model-1"}', '{"format": "other-2"}']


@pytest.mark.parametrize("text", DESCRIPTIONS)
def test_a_description_that_is_none_is_refused(saved, text):
    with h5py.File(saved, "r+") as file:
        file.attrs[ATTRIBUTE] = text
    with pytest.raises(InputError, match=r"description cannot be read|another version of flarescope") as caught:
        load_classifier(saved)
    assert "\n" not in str(caught.value)


def test_an_unknown_field_of_the_description_is_refused(saved):
    with h5py.File(saved, "r+") as file:
        file.attrs[ATTRIBUTE] = json.dumps({**json.loads(file.attrs[ATTRIBUTE]), "code": "import os"})
    with pytest.raises(InputError, match=r"description cannot be read .*code"):
        load_classifier(saved)


@given(place=st.integers(0, 8 * FEATURES - 1), bit=st.integers(0, 7))
def test_one_flipped_bit_of_the_head_is_refused(tmp_path_factory, place, bit):
    path = tmp_path_factory.mktemp("flip") / "model.hdf5"
    with pytest.MonkeyPatch.context() as patch:
        use_fake_network(patch)
        model = classifier()
        model.save(path)
        whole = bytearray(path.read_bytes())
        whole[whole.index(model.head.kernel.tobytes()) + place] ^= 1 << bit
        path.write_bytes(whole)
        with pytest.raises(InputError, match=r"model\.hdf5: (damaged|head/kernel holds numbers)"):
            load_classifier(path)


@pytest.mark.parametrize(("old", "new"), [("0.25", "0.75"), ("11158", "11159"), ("reference-png", "reference-fits")])
def test_a_changed_description_is_refused(tmp_path, old, new):
    path = tmp_path / "model.hdf5"
    classifier(threshold=0.25, regions=[11158]).save(path)
    with h5py.File(path, "r+") as file:
        file.attrs[ATTRIBUTE] = file.attrs[ATTRIBUTE].replace(old, new)
    with pytest.raises(InputError, match=r"model\.hdf5: damaged \(it was changed after it was written"):
        load_classifier(path)


def test_a_model_file_of_an_earlier_version_is_read(saved):
    with h5py.File(saved, "r+") as file:
        values = json.loads(file.attrs[ATTRIBUTE])
        file.attrs[ATTRIBUTE] = json.dumps({name: values[name] for name in values if name != "content"})
    assert load_classifier(saved).description == classifier().description


def replace_dataset(name, value, **options):
    def edit(file):
        del file[name]
        file.create_dataset(name, data=value, **options)

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        replace_dataset("head/kernel", np.zeros((FEATURES, 3), np.float32)),
        replace_dataset("head/kernel", np.zeros((10, 2), np.float32)),
        replace_dataset("head/bias", np.zeros(3, np.float32)),
        replace_dataset("head/kernel", np.zeros((FEATURES, 2), "S4")),
        replace_dataset("head/bias", ["a", "b"]),
        lambda file: file.__delitem__("head/bias"),
        lambda file: (file.__delitem__("head/kernel"), file.create_group("head/kernel")),
    ],
    ids=["three classes", "few features", "three biases", "bytes", "text", "no bias", "a group"],
)
def test_a_head_of_another_form_is_refused(saved, edit):
    with h5py.File(saved, "r+") as file:
        edit(file)
    with pytest.raises(InputError, match=r"model\.01_0\.50\.hdf5") as caught:
        load_classifier(saved)
    assert "\n" not in str(caught.value)


def test_arrays_that_lie_in_another_file_are_not_followed(saved, tmp_path):
    np.zeros((FEATURES, 2), np.float32).tofile(tmp_path / "secret")
    with h5py.File(saved, "r+") as file:
        del file["head/kernel"]
        size = FEATURES * 2 * 4
        file.create_dataset("head/kernel", (FEATURES, 2), "f4", external=[(str(tmp_path / "secret"), 0, size)])
    with pytest.raises(InputError, match="not a small plain array"):
        load_classifier(saved)


# ---- forecasts ----


def reading_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("flarescope-read")]


def reading(paths, workers=0):
    rendering = Rendering("reference-png")
    return read_ahead(paths, lambda path: read_image(path, rendering), workers=workers)


def test_an_engine_is_started_by_one_thread_at_a_time(monkeypatch):
    started = []

    def start(choice, _):
        with ThreadPoolExecutor(1) as pool:
            assert not pool.submit(_STARTING.acquire, blocking=False).result()
        started.append(choice)
        return object()

    monkeypatch.setattr("flarescope.forecaster.classifier.start", start)
    model = classifier()
    assert model.started(CHOICE) is model.started(CHOICE)
    assert started == [CHOICE]


@pytest.mark.parametrize("workers", [0, 3])
def test_forecasts_come_in_order_with_their_image(tmp_path, workers):
    names = write_pngs(tmp_path, 11)
    paths = [tmp_path / name for name in names]
    heard = []
    model = classifier()
    results = list(model.log_odds(reading(paths, workers), CHOICE, progress=heard.append))
    for path, (image, log_odds) in zip(paths, results, strict=True):
        alone = read_image(path, Rendering("reference-png"))
        assert image.fingerprint == alone.fingerprint
        expected = model.head.log_odds(fake_features(stack([alone])))[0]
        assert log_odds == pytest.approx(expected, abs=1e-5)
    assert len({log_odds for _, log_odds in results}) == 11
    assert heard == [4, 4, 3]


def test_a_colour_image_among_grey_ones_is_forecast(tmp_path):
    grey, colour = write_png(tmp_path / "a.png", 1), write_png(tmp_path / "b.png", 2, rgb=True)
    alone = [next(iter(classifier().log_odds(reading([path]), CHOICE)))[1] for path in (grey, colour)]
    together = [log_odds for _, log_odds in classifier().log_odds(reading([grey, colour]), CHOICE)]
    assert together == pytest.approx(alone, abs=1e-5)


def test_an_unreadable_file_ends_the_forecasts_and_the_threads(tmp_path):
    paths = [tmp_path / name for name in write_pngs(tmp_path, 20)]
    paths[9].write_text("no image")
    with pytest.raises(InputError, match=r"00009\.png: not a PNG"):
        list(classifier().log_odds(reading(paths, 2), CHOICE))
    assert reading_threads() == []


def test_forecasts_left_early_leave_no_thread(tmp_path):
    paths = [tmp_path / name for name in write_pngs(tmp_path, 30)]
    stream = classifier().log_odds(reading(paths, 2), CHOICE)
    next(stream)
    assert reading_threads()
    stream.close()
    assert reading_threads() == []


def test_images_are_forgotten_as_they_are_forecast(tmp_path):
    """A folder of 100,000 images would otherwise be 20 GB of pixels."""
    paths = [tmp_path / name for name in write_pngs(tmp_path, 40, size=16)]
    alive = []
    most = 0
    for image, _ in classifier().log_odds(reading(paths), CHOICE):
        alive.append(weakref.ref(image.rendered))
        del image
        most = max(most, sum(one() is not None for one in alive))
    gc.collect()
    assert most <= 4  # of those that were given out, at most the batch in hand
