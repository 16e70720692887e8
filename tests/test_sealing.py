"""Is a model file that was changed after it was written refused, wherever the change is, and an old one read?"""

import hashlib
import json

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import fake_weights, use_fake_network
from flarescope.backbones import registry
from flarescope.backbones.vgg16 import FEATURES
from flarescope.errors import InputError
from flarescope.forecaster.classifier import ATTRIBUTE, Classifier, describe_again, load_classifier
from flarescope.forecaster.description import Description
from flarescope.heads.head import Head, glorot_head
from flarescope.magnetic.baseline import MagneticModel
from flarescope.magnetic.features import FEATURE_NAMES
from flarescope.sealing import KEY, sealed, unsealed


@pytest.fixture(autouse=True)
def network(monkeypatch):
    return use_fake_network(monkeypatch)


def made():
    weights = registry.find("fake")
    described = Description("fake", weights.family, weights.digest, "reference-png", 0.31, regions=[11121])
    return Classifier(glorot_head(FEATURES, 5), described, weights)


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.hdf5"
    weights = fake_weights("sha256:" + b"fake".hex().ljust(64, "0"))
    described = Description("fake", weights.family, weights.digest, "reference-png", 0.31, regions=[11121])
    Classifier(glorot_head(FEATURES, 5), described, weights).save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("flipped") / "model.hdf5"


def flipped(content, bit):
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def test_the_digest_is_over_the_numbers():
    head = Head(np.arange(2 * FEATURES, dtype=np.float32).reshape(FEATURES, 2), np.array([1, 2], np.float32))
    numbers = np.append(np.arange(2 * FEATURES), [1, 2]).astype("<f4").tobytes()
    assert head.digest == "sha256:" + hashlib.sha256(numbers).hexdigest()
    assert Head(np.asfortranarray(head.kernel), head.bias).digest == head.digest


def test_every_flipped_bit_of_head_and_description_is_refused(content, file):
    kernel, text = content.index(made().head.kernel.tobytes()), content.index(b'{"format"')
    rng = np.random.default_rng(0)
    places = [*(kernel + rng.integers(0, 8 * FEATURES, 200)), *range(text, content.index(b'"}', text) + 2)]
    for place in places:
        file.write_bytes(flipped(content, 8 * int(place) + int(rng.integers(0, 8))))
        with pytest.raises(InputError):
            load_classifier(file)


def test_a_flipped_bit_of_the_head_is_refused_in_one_line(content, file):
    first = content.index(made().head.kernel.tobytes())
    for place in (first, first + 4 * FEATURES, first + 8 * FEATURES - 1):
        file.write_bytes(flipped(content, 8 * place + 3))
        with pytest.raises(InputError, match="changed after it was written, its digest differs") as caught:
            load_classifier(file)
        assert "\n" not in str(caught.value)


def test_a_changed_threshold_is_refused(content, file):
    file.write_bytes(content.replace(b'"threshold": 0.31', b'"threshold": 0.13'))
    with pytest.raises(InputError, match="changed after it was written"):
        load_classifier(file)


def test_files_of_older_versions_are_read_and_sealed_when_they_are_described(content, file):
    file.write_bytes(content)
    with h5py.File(file, "r+") as opened:
        values = json.loads(opened.attrs[ATTRIBUTE])
        for name in ("fitted_on", KEY):
            del values[name]
        opened.attrs[ATTRIBUTE] = json.dumps(values)
    found = load_classifier(file)
    assert found.head.digest == made().head.digest
    describe_again(file, found.description)
    with h5py.File(file) as opened:
        assert KEY in json.loads(opened.attrs[ATTRIBUTE])


def magnetic():
    some = np.linspace(0.5, 1, len(FEATURE_NAMES))
    return MagneticModel("svm", some, some, some, 0.5, 1.0)


def test_a_changed_number_of_a_magnetic_model_is_refused():
    values = json.loads(json.dumps(magnetic().to_json()))
    values["weights"][3] += 1e-9
    with pytest.raises(InputError, match=r"m\.json: .*changed after it was written"):
        MagneticModel.from_json(values, "m.json")


def test_a_magnetic_model_of_an_older_version_is_read():
    values = {name: value for name, value in magnetic().to_json().items() if name != KEY}
    assert MagneticModel.from_json(values).digest == magnetic().digest


@given(
    st.dictionaries(st.text(max_size=4), st.floats(allow_nan=False) | st.text() | st.none() | st.lists(st.integers()))
)
def test_a_seal_outlives_json_and_the_order_of_the_keys(values):
    values.pop(KEY, None)
    again = json.loads(json.dumps(sealed(values)))
    assert unsealed(dict(reversed(again.items()))) == values
