"""Are Keras' files read as Keras reads them, are ours opened by Keras, and is every other file refused in one line?

Most files here are hollow: HDF5 gives an array that was never written no space, and reads it as zeros.
"""

import json
import re
import zipfile

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from flarescope.backbones import vgg16 as vgg
from flarescope.backbones import vgg16_torch as vgg_torch
from flarescope.backbones.keras import reading as keras_files
from flarescope.backbones.keras import writing as keras_writing
from flarescope.backbones.keras.layout import from_keras_layout, to_keras_layout
from flarescope.backbones.keras.reading import read_backbone, read_model
from flarescope.backbones.keras.writing import model_config, write_full_model
from flarescope.errors import InputError
from keras_model import needs_keras, predict

BIAS_OF = {name: float(number) for number, name in enumerate([*vgg.LAYER_SHAPES, "dense"], start=1)}


@pytest.fixture
def narrow(monkeypatch):
    """Let VGG16's dense layers be narrow: what is asked is which array is whose, and `fc1` has 103 million numbers."""
    monkeypatch.setitem(vgg.LAYER_SHAPES, "fc1", (16, vgg.LAYER_SHAPES["fc1"][1]))
    monkeypatch.setitem(vgg.LAYER_SHAPES, "fc2", (vgg.FEATURES, 16))


def keras_shapes(outputs=2, head="dense"):
    shapes = {name: (*shape[2:], shape[1], shape[0]) for name, shape in vgg.LAYER_SHAPES.items()}
    return {**shapes, head: (4096, outputs)}


def add_layer(group, name, shape, weights=None):
    """Add a layer as Keras 2 lays it out, its kernel hollow and its bias the layer's number."""
    kernel, bias = weights or (f"{name}/kernel:0", f"{name}/bias:0")
    layer = group.create_group(name)
    layer.attrs["weight_names"] = np.array([kernel.encode(), bias.encode()])
    layer.create_dataset(kernel, shape, "f4")
    layer[bias] = np.full(shape[-1:], BIAS_OF.get(name, 0), "f4")


def write_model(path, config=None, shapes=None):
    """Write a hollow model in the form of Keras 2."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config or model_config())
        group = file.create_group("model_weights")
        for name, shape in (shapes or keras_shapes()).items():
            add_layer(group, name, shape)
    return path


def write_weights(path, shapes=None, edit=lambda file: None):
    """Write a hollow weights file in the form of Keras 2."""
    with h5py.File(path, "w") as file:
        for name, shape in (shapes or keras_shapes()).items():
            add_layer(file, name, shape)
        edit(file)
    return path


def write_stored(path, group_of, attribute=False):
    """Write hollow weights in the form of Keras 3: groups called after classes, whose path `group_of` gives."""
    seen = {"conv2d": 0, "dense": 0}
    with h5py.File(path, "w") as file:
        for name, shape in keras_shapes().items():
            kind = "conv2d" if len(shape) == 4 else "dense"
            variables = file.create_group(group_of(kind, seen[kind]) + "/vars")
            seen[kind] += 1
            variables.create_dataset("0", shape, "f4")
            variables["1"] = np.full(shape[-1:], BIAS_OF[name], "f4")
            if attribute:
                variables.attrs["name"] = name
    return path


def numbered(kind, number):
    return f"{kind}_{number}" if number else kind


def zip_of(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            name = {"config": "config.json", "weights": "model.weights.h5"}.get(name, name)
            archive.write(content, name) if hasattr(content, "exists") else archive.writestr(name, content)
    return path


def assert_refused(read, path, expected):
    with pytest.raises(InputError) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    assert re.search(expected, message), message


# --- Layouts


@given(shape=st.lists(st.integers(1, 70), min_size=2, max_size=2), kernel=st.integers(1, 3), seed=st.integers(0, 9))
def test_layouts_are_inverse_of_each_other(shape, kernel, seed):
    rng = np.random.default_rng(seed)
    outputs, channels = shape
    for name, torch_shape in {
        "block1_conv1.weight": (outputs, channels, kernel, kernel + 1),
        "fc1.weight": (outputs, channels * 49),
        "fc2.weight": (outputs, channels),
        "fc2.bias": (outputs,),
    }.items():
        array = rng.standard_normal(torch_shape, dtype=np.float32)
        there = to_keras_layout(name, array)
        back = from_keras_layout(name, there)
        assert there.flags.c_contiguous
        assert back.flags.c_contiguous
        np.testing.assert_array_equal(back, array)


def test_layout_of_each_kind_of_weight():
    row, column, channel, unit = 2, 4, 3, 1
    conv = np.arange(3 * 5 * 6 * 2).reshape(3, 5, 6, 2)
    assert (
        from_keras_layout("block1_conv1.weight", conv)[unit, channel, row, column] == conv[row, column, channel, unit]
    )
    dense = np.arange(12).reshape(4, 3)
    assert from_keras_layout("fc2.weight", dense)[unit, channel] == dense[channel, unit]
    flat = np.arange(7 * 7 * 5 * 2).reshape(7 * 7 * 5, 2)
    hwc, chw = (row * 7 + column) * 5 + channel, (channel * 7 + row) * 7 + column
    assert from_keras_layout("fc1.weight", flat)[unit, chw] == flat[hwc, unit]


# --- Against Keras itself


@pytest.fixture(scope="session")
def model(keras_model):
    return read_model(keras_model.h5)


@pytest.fixture(scope="session")
def expected(keras_model):
    """The backbone's arrays as Keras has them, in PyTorch's layout."""
    arrays = {}
    for name in vgg.LAYER_SHAPES:
        kernel, bias = keras_model.weights[name]
        arrays[f"{name}.weight"] = from_keras_layout(f"{name}.weight", kernel)
        arrays[f"{name}.bias"] = bias
    return arrays


def assert_same_backbone(backbone, expected):
    assert list(backbone) == [f"{name}.{part}" for name in vgg.LAYER_SHAPES for part in ("weight", "bias")]
    for name, array in backbone.items():
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        # NumPy's own assertion takes 4 s for 138 million numbers, this one .1 s.
        assert array.shape == expected[name].shape
        assert np.array_equal(array, expected[name]), name
    assert {name: backbone[f"{name}.weight"].shape for name in vgg.LAYER_SHAPES} == vgg.LAYER_SHAPES


def assert_same_head(model, kernel, bias):
    np.testing.assert_array_equal(model.head_kernel, kernel)
    np.testing.assert_array_equal(model.head_bias, bias)


@needs_keras
def test_every_form_that_keras_writes_is_read(keras_model, model, expected):
    for read in (model, read_model(keras_model.keras)):
        assert_same_backbone(read.backbone, expected)
        assert_same_head(read, keras_model.head_kernel, keras_model.head_bias)
        assert read.head_name == keras_model.head
    assert_same_backbone(read_backbone(keras_model.weights_h5), expected)
    assert_refused(read_model, keras_model.weights_h5, "expected a complete model, got weights")


@needs_keras
def test_network_computes_what_keras_computes(keras_model, model):
    with torch.inference_mode():
        features = vgg_torch.build(model.backbone)(torch.from_numpy(keras_model.pixels.transpose(0, 3, 1, 2).copy()))
        logits = features @ torch.from_numpy(model.head_kernel) + torch.from_numpy(model.head_bias)
    assert keras_model.features.max() > 0
    assert np.abs(features.numpy() - keras_model.features).max() < 1e-5 * keras_model.features.max()
    np.testing.assert_allclose(torch.softmax(logits, 1), keras_model.probabilities, atol=1e-5)


@pytest.fixture
def written(model, tmp_path):
    """The model as we write it; 537 MB, which pytest would keep."""
    path = tmp_path / "full.hdf5"
    write_full_model(path, model.backbone, model.head_kernel, model.head_bias, extra_attributes={"family": "ours"})
    yield path
    path.unlink()


@needs_keras
def test_keras_opens_what_is_written_and_forecasts_the_same(keras, keras_model, model, written):
    again = read_model(written)
    assert_same_backbone(again.backbone, model.backbone)
    assert_same_head(again, model.head_kernel, model.head_bias)
    with h5py.File(written) as file:
        assert file.attrs["family"] == "ours"

    loaded = keras.models.load_model(written)
    assert loaded.count_params() == 134_268_738
    assert [weight.path.split("/")[0] for weight in loaded.trainable_weights] == ["dense", "dense"]
    features, probabilities = predict(keras, loaded, keras_model.pixels)
    assert np.abs(features - keras_model.features).max() < 1e-5 * keras_model.features.max()
    np.testing.assert_allclose(probabilities, keras_model.probabilities, atol=1e-5)


# --- Forms that Keras 3 no longer writes


def assert_numbered_biases(backbone):
    for name in vgg.LAYER_SHAPES:
        assert set(backbone[f"{name}.bias"]) == {BIAS_OF[name]}, name


@pytest.mark.usefixtures("narrow")
def test_keras_applications_weights_are_read_by_their_attribute(tmp_path):
    first = np.arange(3 * 3 * 3 * 64, dtype="f4").reshape(3, 3, 3, 64)
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        for name, shape in keras_shapes(outputs=1000, head="predictions").items():
            add_layer(file, name, shape, (f"{name}_W_1:0", f"{name}_b_1:0"))
        file["block1_conv1/block1_conv1_W_1:0"][:] = first
        file.create_group("block1_pool").attrs["weight_names"] = np.array([], "f8")
    backbone = read_backbone(tmp_path / "weights.h5")
    np.testing.assert_array_equal(backbone["block1_conv1.weight"], first.transpose(3, 2, 0, 1))
    assert_numbered_biases(backbone)


@pytest.mark.usefixtures("narrow")
def test_order_of_the_attribute_decides_not_the_name(tmp_path):
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        for name, shape in keras_shapes().items():
            add_layer(file, name, shape, ("bias", "kernel"))
    assert_numbered_biases(read_backbone(tmp_path / "weights.h5"))


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize(
    "group_of",
    [
        pytest.param(lambda kind, n: f"layers/{numbered(kind, n)}", id="keras-3.0"),
        pytest.param(lambda kind, n: f"_layer_checkpoint_dependencies/{numbered(kind, 2 * n)}", id="keras-2.15"),
        pytest.param(lambda kind, n: f"_layer_checkpoint_dependencies\\{numbered(kind, 2 * n)}", id="windows"),
    ],
)
def test_groups_without_names_are_taken_in_the_order_of_the_configuration(tmp_path, group_of):
    weights = write_stored(tmp_path / "weights.h5", group_of)
    model = read_model(zip_of(tmp_path / "model.keras", config=json.dumps(model_config()), weights=weights))
    assert_numbered_biases(model.backbone)
    assert set(model.head_bias) == {BIAS_OF["dense"]}


@pytest.mark.usefixtures("narrow")
def test_groups_without_names_and_configuration_are_taken_in_the_order_of_vgg16(tmp_path):
    assert_numbered_biases(
        read_backbone(write_stored(tmp_path / "w.h5", lambda kind, n: f"layers/{numbered(kind, n)}"))
    )


@pytest.mark.usefixtures("narrow")
def test_name_on_a_group_wins_over_its_number(tmp_path):
    path = write_stored(tmp_path / "w.h5", lambda kind, n: f"layers/{numbered(kind, 99 - n)}", attribute=True)
    assert_numbered_biases(read_backbone(path))


# --- Configurations


def follow(config, position, class_name, name, **settings):
    """Insert a layer into the chain at a position of `layers`."""
    layers = config["config"]["layers"]
    layer = {"class_name": class_name, "name": name, "config": {"name": name, **settings}}
    layers.insert(position, {**layer, "inbound_nodes": [[[layers[position - 1]["name"], 0, 0, {}]]]})
    if position + 1 < len(layers):
        layers[position + 1]["inbound_nodes"] = [[[name, 0, 0, {}]]]
    else:
        config["config"]["output_layers"] = [[name, 0, 0]]


def layer_of(config, name):
    return next(layer for layer in config["config"]["layers"] if layer["name"] == name)


def set_in(layer, **settings):
    return lambda config: layer_of(config, layer)["config"].update(settings)


def other_name(config):
    first, second = config["config"]["layers"][1:3]
    first["config"]["name"] = "conv1"
    second["inbound_nodes"] = [[["conv1", 0, 0, {}]]]


def cut_head(config):
    config["config"]["layers"].pop()
    config["config"]["output_layers"] = [["fc2", 0, 0]]


def cut_top(config):
    del config["config"]["layers"][-4:]
    config["config"]["output_layers"] = [["block5_pool", 0, 0]]


@pytest.mark.usefixtures("narrow")
def test_dropout_changes_nothing(tmp_path):
    config = model_config()
    config["class_name"] = "Model"  # as Keras before 2.4 calls it
    for name in ("fc1", "fc2"):
        position = config["config"]["layers"].index(layer_of(config, name)) + 1
        follow(config, position, "Dropout", f"dropout_{name}", rate=0.5)
    assert read_model(write_model(tmp_path / "m.hdf5", config)).head_name == "dense"


MODELS = {
    "sequential": (lambda c: c.update(class_name="Sequential"), "expected a functional model, got a 'Sequential'"),
    "subclass": (lambda c: c.update(class_name="Mine"), "expected a functional model, got a 'Mine'"),
    "lambda": (lambda c: follow(c, 1, "Lambda", "prep", function="gASV"), r"unexpected layer 'prep' \(Lambda\)"),
    "nested": (lambda c: follow(c, 1, "Functional", "vgg16"), "'vgg16' is a network inside the network"),
    "own class": (lambda c: layer_of(c, "fc2").update(registered_name="mine>Dense"), "unexpected layer 'fc2'"),
    "vgg19": (lambda c: follow(c, 10, "Conv2D", "block3_conv4"), r"'block3_conv4' \(Conv2D\); expected 'block3_pool'"),
    "pooled": (lambda c: follow(c, 19, "GlobalAveragePooling2D", "gap"), r"'gap' \(GlobalAveragePooling2D\)"),
    "two heads": (lambda c: follow(c, 23, "Dense", "dense_1"), "unexpected layer 'dense_1'"),
    "renamed": (set_in("dense", name="x"), "one output, of the last layer 'x'"),
    "branch": (
        lambda c: layer_of(c, "fc2").update(inbound_nodes=[[["fc1", 0, 0, {}], ["flatten", 0, 0, {}]]]),
        "'fc2' .* follows 'fc1' and nothing else",
    ),
    "skip": (lambda c: layer_of(c, "dense").update(inbound_nodes=[[["fc1", 0, 0, {}]]]), "follows 'fc2' and nothing"),
    "other name": (other_name, r"unexpected layer 'conv1' \(Conv2D\); expected 'block1_conv1'"),
    "two outputs": (lambda c: c["config"]["output_layers"].append(["fc2", 0, 0]), "one output, of the last layer"),
    "training": (
        lambda c: layer_of(c, "fc2").update(inbound_nodes=[[["fc1", 0, 0, {"training": True}]]]),
        "'fc2' is called with training=True",
    ),
    "channels first": (
        set_in("block1_conv1", data_format="channels_first"),
        "'block1_conv1' has data_format='channels_first', expected 'channels_last'",
    ),
    "activation": (set_in("fc1", activation="gelu"), "'fc1' has activation='gelu', expected 'relu'"),
    "no activation": (lambda c: layer_of(c, "fc1")["config"].pop("activation"), "'fc1' has activation=None"),
    "input": (set_in("input_1", batch_input_shape=[None, 256, 256, 3]), r"input of shape .* got \[None, 256"),
    "sigmoid": (set_in("dense", activation="sigmoid"), "softmax and a bias, 'dense' has activation='sigmoid'"),
    "one output": (set_in("dense", units=1), "head of 2 outputs, 'dense' has 1"),
    "imagenet": (set_in("dense", units=1000), "'dense' has 1000; ImageNet's own classifier; give this file as a back"),
    "no head": (cut_head, "ends at 'fc2'"),
    "no top": (cut_top, "missing layer 'flatten'"),
    "malformed": (lambda c: c["config"].update(layers=3), "not of a form that Keras writes"),
    "empty": (lambda c: c["config"].update(layers=[]), "not of a form that Keras writes"),
}


@pytest.mark.parametrize(("edit", "expected"), MODELS.values(), ids=MODELS)
def test_another_model_is_refused(tmp_path, edit, expected):
    config = model_config()
    edit(config)
    assert_refused(read_model, write_model(tmp_path / "m.hdf5", config), expected)


def test_another_network_is_refused_as_a_backbone_too(tmp_path):
    config = model_config()
    set_in("fc1", activation="gelu")(config)
    assert_refused(read_backbone, write_model(tmp_path / "m.hdf5", config), "activation='gelu'")


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, "3"], ids=["cut", "list", "deep", "number"])
def test_configuration_that_is_not_json_of_keras_is_refused(tmp_path, text):
    path = zip_of(tmp_path / "m.keras", config=text, weights="")
    assert_refused(read_model, path, "configuration is not JSON as Keras writes it")


def test_head_that_the_weights_lack_is_named(tmp_path):
    path = write_model(tmp_path / "m.hdf5", shapes=keras_shapes(head="other"))
    assert_refused(read_model, path, "missing layer 'dense'")


# --- Files that are not what they should be


def replace(name, make):
    """Put another dataset in the place of one."""

    def edit(file):
        del file[name]
        make(file, name)

    return edit


def nan_bias(file):
    file["block1_conv1/block1_conv1/bias:0"][7] = np.nan


def virtual(file, name):
    layout = h5py.VirtualLayout((64,), "f4")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "x", (64,))
    file.create_virtual_dataset(name, layout)


BIAS = "block1_conv1/block1_conv1/bias:0"
ELSEWHERE = "keeps its numbers in another file"
FILES = {
    "not of keras": (lambda f: [f.pop(name) for name in list(f)], "without the weights of a Keras model"),
    "missing layer": (lambda f: f.pop("block4_conv2"), "missing layer 'block4_conv2'"),
    "no top": (lambda f: [f.pop(name) for name in ("fc1", "fc2", "dense")], "missing layer 'fc1'"),
    "vgg19": (lambda f: add_layer(f, "block3_conv4", (3, 3, 256, 256)), "unexpected layer 'block3_conv4'"),
    "resnet": (lambda f: add_layer(f, "conv1_conv", (7, 7, 3, 64)), "unexpected layer 'conv1_conv'"),
    "second head": (lambda f: add_layer(f, "dense_1", (4096, 2)), "unexpected layer 'dense_1'"),
    "one array": (
        lambda f: f["fc1"].attrs.update(weight_names=np.array([b"fc1/kernel:0"])),
        "'fc1' has 1 arrays, expected a kernel and a bias",
    ),
    "no array": (
        lambda f: f["fc1"].attrs.update(weight_names=np.array([b"fc1/kernel:0", b"fc1/none"])),
        "'none' is missing in '/fc1/fc1'",
    ),
    "group": (lambda f: f["fc1"].attrs.update(weight_names=np.array([b"fc1", b"fc1"])), "'/fc1/fc1' is not an array"),
    "through an array": (
        lambda f: f["fc1"].attrs.update(weight_names=np.array([b"fc1/bias:0/x", b"y"])),
        "'/fc1/fc1/bias:0' is not a group",
    ),
    "above": (lambda f: f["fc1"].attrs.update(weight_names=np.array([b"/fc2/fc2/x"])), "'' is missing in '/fc1'"),
    "nan": (nan_bias, "'block1_conv1' holds NaN or infinity"),
    "shape": (
        replace(BIAS, lambda f, name: f.create_dataset(name, (65,), "f4")),
        r"'block1_conv1': expected an array of float32 \(64,\), got float32 \(65,\)",
    ),
    "huge": (
        replace(BIAS, lambda f, name: f.create_dataset(name, (1 << 40,), "f4")),
        r"got float32 \(1099511627776,\)",
    ),
    "dtype": (replace(BIAS, lambda f, name: f.create_dataset(name, (64,), "f2")), r"got float16 \(64,\)"),
    "strings": (replace(BIAS, lambda f, name: f.create_dataset(name, (64,), h5py.string_dtype())), "got object"),
    "null": (replace(BIAS, lambda f, name: f.create_dataset(name, dtype="f4")), "got float32 None"),
    "chunks": (
        replace(BIAS, lambda f, name: f.create_dataset(name, (64,), "f4", chunks=(1 << 28,), maxshape=(None,))),
        "its numbers lie in several pieces",
    ),
    "soft link": (replace(BIAS, lambda f, name: f.update({name: h5py.SoftLink("/x")})), "'bias:0' .* is a link"),
    "external link": (
        replace(BIAS, lambda f, name: f.update({name: h5py.ExternalLink("elsewhere.h5", "/x")})),
        "'bias:0' in '/block1_conv1/block1_conv1' is a link, and links are not followed",
    ),
    "linked layer": (
        replace("fc2", lambda f, name: f.update({name: h5py.ExternalLink("a.h5", "/")})),
        "HDF5 with members in a heap, which Keras does not write",
    ),
    "external storage": (
        replace(BIAS, lambda f, name: f.create_dataset(name, (64,), "f4", external=[("elsewhere.bin", 0, 256)])),
        ELSEWHERE,
    ),
    "virtual": (replace(BIAS, virtual), ELSEWHERE),
    "nested": (lambda f: f.create_group("layers/functional/layers/conv2d"), "'functional' is a network inside"),
    "unknown class": (
        lambda f: f.create_group("layers/lstm/vars").create_dataset("0", (4, 2), "f4"),
        "unexpected layer 'lstm'",
    ),
}


@pytest.mark.parametrize(("edit", "expected"), FILES.values(), ids=FILES)
def test_weights_that_are_not_of_vgg16_are_refused(tmp_path, edit, expected):
    assert_refused(read_backbone, write_weights(tmp_path / "weights.h5", edit=edit), expected)


@pytest.mark.parametrize("read", [read_backbone, read_model])
def test_file_that_is_not_of_keras_is_refused(tmp_path, read):
    text = tmp_path / "text.h5"
    text.write_text("not a model\nat all")
    assert_refused(read, text, "expected a Keras file .* begins with b'not a mo'")
    empty = tmp_path / "empty.keras"
    empty.touch()
    assert_refused(read, empty, "expected a Keras file")
    assert_refused(read, tmp_path / "none.h5", "no such file")
    assert_refused(read, tmp_path, "folder")
    assert_refused(read, zip_of(tmp_path / "a.keras", other="x"), "a zip without 'config.json'")
    config = json.dumps(model_config())
    assert_refused(read, zip_of(tmp_path / "b.keras", config=config), "a zip without 'model.weights.h5'")
    assert_refused(read, zip_of(tmp_path / "c.keras", config=config, weights="text"), "damaged or incomplete")


def test_truncated_files_are_refused(tmp_path):
    whole = write_model(tmp_path / "whole.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    assert_refused(read_model, tmp_path / "cut.h5", "damaged or incomplete .*truncated")
    whole = zip_of(tmp_path / "whole.keras", config="{}", weights=tmp_path / "whole.h5").read_bytes()
    (tmp_path / "cut.keras").write_bytes(whole[: len(whole) // 2])
    assert_refused(read_model, tmp_path / "cut.keras", "damaged or incomplete")
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    (tmp_path / "flipped.keras").write_bytes(flipped)
    assert_refused(read_model, tmp_path / "flipped.keras", "damaged or incomplete")


def test_member_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(keras_files._ZIP_LIMITS, "model.weights.h5", 1000)
    path = zip_of(tmp_path / "m.keras", config=json.dumps(model_config()), weights="0" * 1001)
    assert_refused(read_model, path, "'model.weights.h5' claims 1001 bytes; expected at most 1000")


# --- Writing


@pytest.fixture
def hollow():
    """Zeros of the right shapes that take no memory."""
    shapes = {f"{name}.weight": shape for name, shape in vgg.LAYER_SHAPES.items()}
    shapes |= {f"{name}.bias": shape[:1] for name, shape in vgg.LAYER_SHAPES.items()}
    return {name: np.broadcast_to(np.float32(0), shape) for name, shape in shapes.items()}


HEAD = np.zeros((4096, 2), "f4"), np.zeros(2, "f4")


def test_what_cannot_be_written_is_refused_before_a_byte_is(tmp_path, hollow):
    def refused(expected, arrays=hollow, head=HEAD, name="m.h5", **options):
        with pytest.raises(InputError, match=expected) as caught:
            write_full_model(tmp_path / name, arrays, *head, **options)
        assert "\n" not in str(caught.value)

    refused(r"name it .hdf5 or .h5", name="model.keras")
    refused("'fc2.bias' is missing", {name: array for name, array in hollow.items() if name != "fc2.bias"})
    refused("'fc3.bias' is unexpected", {**hollow, "fc3.bias": HEAD[1]})
    refused(r"'fc2.bias' of float32 \(4096,\), got float32 \(2,\)", {**hollow, "fc2.bias": HEAD[1]})
    refused(r"'fc2.bias' of .* got float64", {**hollow, "fc2.bias": np.zeros(4096)})
    refused(
        r"'dense.weight' of float32 \(2, 4096\), got float32 \(1000, 4096\)",
        head=(np.zeros((4096, 1000), "f4"), HEAD[1]),
    )
    refused("'model_config' is Keras' own", extra_attributes={"model_config": "{}"})
    refused("'note' is longer than", extra_attributes={"note": "x" * 70_000})
    assert list(tmp_path.iterdir()) == []


def test_interrupted_writing_leaves_the_old_file(tmp_path, hollow, monkeypatch):
    path = tmp_path / "m.hdf5"
    path.write_text("old")

    def interrupt(name, array):
        raise KeyboardInterrupt

    monkeypatch.setattr(keras_writing, "to_keras_layout", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_full_model(path, hollow, *HEAD)
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("m.hdf5", "old")]
