"""Do networks that `transformers` made come back from a folder as they were, and is what may hold code refused?

The networks are tiny and random: real ones cannot be had here, and no hub is called.
"""

import json
import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from flarescope.backbones import hf
from flarescope.errors import FlarescopeWarning, InputError
from flarescope.images.render import PixelForm
from test_openvino_convert import assert_alike

pytestmark = [
    pytest.mark.xdist_group("hf"),
    pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed (flarescope[hf])"),
]

TOKENS = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
PATCHES = {"image_size": 32, "patch_size": 16, **TOKENS}
STAGES = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]}
WINDOWS = {"image_size": 32, "embed_dim": 8, "depths": [1, 1], "num_heads": [2, 2], "window_size": 4}
MADE = {  # model type: class of the network, its configuration, the width of its features
    "clip_vision_model": ("CLIPVisionModel", PATCHES, 32),
    "convnext": ("ConvNextModel", {"image_size": 32, **STAGES}, 32),
    "convnextv2": ("ConvNextV2Model", {"image_size": 32, **STAGES}, 32),
    "deit": ("DeiTModel", PATCHES, 32),
    "dinov2": ("Dinov2Model", {**TOKENS, "image_size": 56, "patch_size": 14}, 32),
    "dinov2_with_registers": ("Dinov2WithRegistersModel", {**TOKENS, "image_size": 28, "patch_size": 14}, 32),
    "dinov3_vit": ("DINOv3ViTModel", PATCHES, 32),
    "regnet": ("RegNetModel", {"embedding_size": 8, "groups_width": 8, **STAGES}, 32),
    "resnet": ("ResNetModel", {"embedding_size": 8, **STAGES}, 32),
    "siglip_vision_model": ("SiglipVisionModel", PATCHES, 32),
    "swin": ("SwinModel", WINDOWS, 16),
    "swinv2": ("Swinv2Model", WINDOWS, 16),
    "vit": ("ViTModel", PATCHES, 32),
}
FIVE = ("convnext", "dinov2", "resnet", "siglip_vision_model", "vit")
OWN = {
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.25, 0.5, 0.2],
    "size": {"height": 32, "width": 32},
}


def make(model_type, seed=0):
    """A tiny random network of transformers, in evaluation mode."""
    import transformers

    name, config, _ = MADE[model_type]
    network_class = getattr(transformers, name)
    torch.manual_seed(seed)
    network = network_class(network_class.config_class(**config)).eval()
    for values in network.state_dict().values():  # many begin as zeros and ones, which hide what is mixed up
        if values.ndim > 1:
            values.normal_(std=(2 / max(1, values[:1].numel())) ** 0.5)
        elif values.is_floating_point():
            values.add_(torch.rand_like(values), alpha=0.3)
    return network


def save(network, folder, own=OWN):
    network.save_pretrained(folder)
    if own:
        (folder / hf.PREPROCESSOR).write_text(json.dumps(own))
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Makes the folder of a tiny network of some type once; copy it before you change it."""
    place, made = tmp_path_factory.mktemp("hf"), {}

    def folder_of(model_type):
        if model_type not in made:
            crop = {"do_center_crop": True, "crop_size": {"height": 28, "width": 28}}
            own = OWN | crop if model_type == "dinov2" else OWN
            made[model_type] = save(make(model_type), place / model_type, own)
        return made[model_type]

    return folder_of


def opened(folder):
    from flarescope.backbones.hf_torch import build, read_arrays

    model = hf.open_hf(str(folder))
    return model, build(read_arrays(model), model)


def change(folder, name, **values):
    """Change keys of a JSON file."""
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize("model_type", MADE)
def test_features_are_those_of_transformers_own_call(folders, model_type):
    from transformers import AutoModel

    from flarescope.backbones.hf_torch import width_of

    folder = folders(model_type)
    model, network = opened(folder)
    size = 28 if model_type == "dinov2" else 32  # the crop, smaller than the images that it was made for
    assert model.pixels.size == size
    pixels = torch.randint(0, 256, (3, 3, size, size), dtype=torch.uint8)
    mean, std = (torch.tensor(OWN[key]).reshape(1, 3, 1, 1) for key in ("image_mean", "image_std"))
    theirs = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    with torch.inference_mode():
        features = network(pixels)
        out = theirs(pixel_values=(pixels / 255 - mean) / std)
    expected = out.last_hidden_state[:, 0] if model.family.features == hf.CLASS_TOKEN else out.pooler_output.flatten(1)
    assert features.dtype == torch.float32
    assert features.shape == (3, MADE[model_type][2]) == (3, width_of(model))
    assert (features - expected).abs().max() < 1e-5 * expected.abs().max()
    assert (features[0] - features[1]).abs().max() > 1e-3 * features.abs().max()


def test_pooled_features_are_what_the_families_table_says(folders):
    """The mean over all places, by hand."""
    for model_type in ("resnet", "regnet", "swin", "swinv2"):
        _, network = opened(folders(model_type))
        x = torch.rand(2, 3, 32, 32)
        with torch.inference_mode():
            out = network.network(pixel_values=x)
        places = out.last_hidden_state
        mean = places.mean((2, 3)) if places.ndim == 4 else places.mean(1)
        assert torch.allclose(out.pooler_output.flatten(1), mean, atol=1e-5), model_type


def test_every_family_is_tried():
    assert set(hf.FAMILIES) == {*MADE, "clip", "siglip"}


@pytest.mark.parametrize("model_type", FIVE)
def test_one_channel_is_three_equal_ones_and_bytes_do_not_change(folders, model_type):
    model, network = opened(folders(model_type))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    size = model.pixels.size
    grey = torch.randint(0, 256, (2, 1, size, size), dtype=torch.uint8)
    features = network(grey)
    assert torch.equal(features, network(grey.float().expand(-1, 3, -1, -1)))
    assert not features.requires_grad
    assert not network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("model_type", "channels"),
    [
        ("vit", 1),
        *(pytest.param(model_type, 1, marks=pytest.mark.slow) for model_type in FIVE if model_type != "vit"),
        pytest.param("resnet", 3, marks=pytest.mark.slow),  # a conversion takes seconds; grey and colour part before it
    ],
)
def test_openvino_computes_the_same(folders, model_type, channels):
    model, network = opened(folders(model_type))
    assert_alike(network, model.pixels.size, channels)


@pytest.mark.parametrize(
    "model_type",
    ["vit", *(pytest.param(model_type, marks=pytest.mark.slow) for model_type in MADE if model_type != "vit")],
)
def test_bf16_keeps_the_features(folders, tmp_path, monkeypatch, model_type):
    """Of tiny random networks, which bear it worse than trained ones: an end of each does, by images of other noise."""
    from flarescope.backbones.registry import find
    from flarescope.engines.choose import _openvino_has_bf16, choose
    from flarescope.engines.openvino_bf16 import PROMISE, error_of
    from flarescope.engines.start import start

    if not _openvino_has_bf16():
        pytest.skip("this processor does not compute in bf16")
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path))
    model, network = opened(folders(model_type))
    weights = find(f"hf:{folders(model_type)}")
    choice = choose("auto", "bf16", runs=weights.backbone.engines, precisions=weights.backbone.precisions)
    grain = torch.tensor([1, 30, 255]).reshape(3, 1, 1, 1)
    pixels = 127.5 + grain * (torch.rand(3, 1, model.pixels.size, model.pixels.size) - 0.5)
    with pytest.warns(FlarescopeWarning, match=r"hf-.*: .* of its multiplications in bf16, .* in fp32"):
        (mixed,) = start(choice, weights).stream([pixels.numpy()])
    error = error_of(mixed, network(pixels).double().numpy())
    assert 1e-4 < error < PROMISE


# ---- weights ----


def test_the_digest_is_of_arrays_configuration_and_preprocessing(folders, tmp_path):
    from flarescope.backbones.hf_torch import digest_of, read_arrays

    def digest(folder):
        model = hf.open_hf(str(folder))
        return digest_of(model, read_arrays(model))

    first = digest(folders("vit"))
    copy = shutil.copytree(folders("vit"), tmp_path / "copy")
    change(copy, "config.json", transformers_version="4.0", _name_or_path="elsewhere")
    assert digest(copy) == first
    change(copy, "config.json", num_attention_heads=4)  # the same arrays, other features
    assert digest(copy) != first
    shutil.copy(folders("vit") / "config.json", copy)
    change(copy, hf.PREPROCESSOR, image_mean=[0.5, 0.5, 0.5])
    assert digest(copy) != first
    assert digest(save(make("vit", seed=1), tmp_path / "other")) != first


def test_weights_in_several_files_are_one_network(tmp_path):
    from flarescope.backbones.hf_torch import digest_of, read_arrays

    network = make("vit")
    whole, parts = save(network, tmp_path / "whole"), tmp_path / "parts"
    network.save_pretrained(parts, max_shard_size="20KB")
    (parts / hf.PREPROCESSOR).write_text(json.dumps(OWN))
    models = [hf.open_hf(str(folder)) for folder in (whole, parts)]
    assert [len(model.files) > 1 for model in models] == [False, True]
    digests = [digest_of(model, read_arrays(model)) for model in models]
    assert digests[0] == digests[1]


def test_half_precision_is_read_as_float32(folders, tmp_path):
    folder = shutil.copytree(folders("vit"), tmp_path / "half")
    half = {name: tensor.bfloat16() for name, tensor in load_file(folder / hf.WHOLE).items()}
    save_file(half, folder / hf.WHOLE, {"format": "pt"})
    change(folder, "config.json", dtype="bfloat16")
    _, network = opened(folder)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_a_network_trained_to_classify_gives_its_class_token(tmp_path):
    """Such files lack the layer behind the class token, which transformers would draw at random."""
    from transformers import ViTConfig, ViTForImageClassification

    theirs = ViTForImageClassification(ViTConfig(**PATCHES)).eval()
    folder = save(theirs, tmp_path / "classifier", own=None)
    _, network = opened(folder)
    x = torch.rand(2, 3, 32, 32) * 255
    mean, std = (torch.tensor(one).reshape(1, 3, 1, 1) for one in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.inference_mode():
        expected = theirs.vit(pixel_values=(x / 255 - mean) / std).last_hidden_state[:, 0]
        assert torch.allclose(network(x), expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["Siglip", "CLIP"])
def test_of_a_network_of_image_and_text_only_the_image_part_is_taken(tmp_path, kind):
    import transformers

    text = {**TOKENS, "vocab_size": 50, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    config = getattr(transformers, f"{kind}Config")(text_config=text, vision_config=PATCHES)
    theirs = getattr(transformers, f"{kind}Model")(config).eval()
    model, network = opened(save(theirs, tmp_path / "both"))
    assert model.model_type == kind.lower()
    x = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        expected = theirs.vision_model(pixel_values=x).pooler_output
        assert torch.allclose(network.network(pixel_values=x).pooler_output, expected, atol=1e-5)
    assert not any("text" in name for name in network.state_dict())


# ---- preprocessing ----


def pixels(said, **config):
    return hf.pixels_of(said, config, Path("folder") / hf.PREPROCESSOR)


def test_imagenets_numbers_where_the_folder_has_none_which_is_said():
    made = pixels(None, image_size=384)
    assert (made.size, made.factor, made.mean, made.std) == (384, 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert not made.own
    assert "ImageNet's" in str(made)
    assert "ImageNet's" not in str(replace(made, own=True))
    assert pixels(None).size == 224


@pytest.mark.parametrize(
    ("said", "size"),
    [
        ({"size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": {"height": 224, "width": 224}}, 224),
        ({"size": {"shortest_edge": 256}, "do_center_crop": False, "crop_size": {"height": 224, "width": 224}}, 256),
        ({"size": {"shortest_edge": 384}, "crop_pct": 0.875}, 384),
        ({"size": 224}, 224),
        ({"size": [240, 240]}, 240),
        ({}, 518),
    ],
)
def test_the_size_of_the_images(said, size):
    assert pixels(said, image_size=518).size == size


def test_steps_that_are_left_out():
    assert pixels({"do_rescale": False, "image_mean": [1, 2, 3]}).factor == 1
    made = pixels({"do_normalize": False, "image_mean": [1, 2, 3]})
    assert (made.mean, made.std) == ((0, 0, 0), (1, 1, 1))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"image_std": [1, 0, 1]}, "expected rescale_factor, image_mean and image_std"),
        ({"image_mean": [1, 1]}, "expected rescale_factor, image_mean and image_std"),
        ({"image_mean": "grey"}, "expected rescale_factor, image_mean and image_std"),
        ({"rescale_factor": "half"}, "expected rescale_factor, image_mean and image_std"),
        ({"size": {"height": 224, "width": 448}}, "expected a square size of 8 to 4096 pixels"),
        ({"size": 10**9}, "expected a square size of 8 to 4096 pixels"),
        ({"size": "large"}, "expected a square size of 8 to 4096 pixels"),
        ({"rescale_offset": True}, "rescale_offset is not known here"),
    ],
)
def test_another_preprocessing_is_refused(said, why):
    with pytest.raises(InputError, match=why):
        pixels(said)


# ---- what is refused ----


def test_a_network_of_other_channels_is_refused():
    with pytest.raises(InputError, match="a network of 1 channels"):
        pixels(None, num_channels=1)


@pytest.fixture
def folder(folders, tmp_path):
    """A copy of a tiny ViT that a test may spoil."""
    return shutil.copytree(folders("vit"), tmp_path / "spoiled")


def refusal(folder):
    with pytest.raises(InputError) as caught:
        opened(folder)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 300
    return text


def test_weights_that_are_a_pickle_are_not_opened(folder):
    (folder / hf.WHOLE).unlink()
    assert "no model.safetensors; expected a folder that save_pretrained wrote" in refusal(folder)
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    text = refusal(folder)
    assert "its weights are in pytorch_model.bin, which may hold code and is not opened" in text


@pytest.mark.parametrize("name", ["config.json", hf.PREPROCESSOR])
@pytest.mark.parametrize("key", ["auto_map", "quantization_config", "backbone"])
def test_what_asks_for_code_or_more_is_refused(folder, name, key):
    (folder / "code.py").write_text("raise SystemExit('this ran')")
    change(folder, name, **{key: {"AutoModel": "code.Network"}})
    assert f"`{key}` asks for code, packages or networks from elsewhere" in refusal(folder)


def test_no_kernel_from_elsewhere_computes_the_attention(folder):
    for key in ("attn_implementation", "_attn_implementation", "_attn_implementation_internal"):
        change(folder, "config.json", **{key: "owner/kernel"})
    _, network = opened(folder)
    assert network.network.config._attn_implementation == "eager"


@pytest.mark.parametrize("model_type", ["bert", "vit_mae", "", None, ["vit"]])
def test_another_family_is_refused(folder, model_type):
    change(folder, "config.json", model_type=model_type)
    text = refusal(folder)
    assert "expected one of clip, " in text
    assert text.endswith("from Python any torch module can be run")


@pytest.mark.parametrize("name", ["config.json", hf.PREPROCESSOR, hf.WHOLE])
def test_damaged_files_are_refused(folder, name):
    whole = (folder / name).read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"\xff" * 100, b"[]"):
        (folder / name).write_bytes(damaged)
        assert name in refusal(folder)


def test_another_configuration_than_the_arrays_is_refused(folder):
    for change_ in ({"hidden_size": 64}, {"num_hidden_layers": 3}, {"hidden_size": "large"}, {"image_size": 64}):
        shutil.copytree(folder, folder.parent / "again", dirs_exist_ok=True)
        change(folder.parent / "again", "config.json", **change_)
        assert "save_pretrained" in refusal(folder.parent / "again"), change_


def test_arrays_that_lack_some_are_refused_not_drawn(folder):
    arrays = load_file(folder / hf.WHOLE)
    arrays.pop("layernorm.weight")
    save_file(arrays, folder / hf.WHOLE, {"format": "pt"})
    assert "1 arrays are not in its weights and 0 have other shapes, as layernorm.weight" in refusal(folder)


def test_an_index_that_points_elsewhere_is_refused(folder):
    (folder / hf.WHOLE).rename(folder.parent / hf.WHOLE)
    for names in ({"a": "../model.safetensors"}, {}, ["model.safetensors"], {"a": 3}):
        (folder / hf.INDEX).write_text(json.dumps({"weight_map": names}))
        assert "expected the names of files in its folder under `weight_map`" in refusal(folder)
    (folder / hf.INDEX).write_text(json.dumps({"weight_map": {"a": "gone.safetensors"}}))
    assert "gone.safetensors" in refusal(folder)


def test_a_size_that_the_network_cannot_take_is_refused(folders, tmp_path):
    from flarescope.backbones.hf_torch import width_of

    folder = shutil.copytree(folders("vit"), tmp_path / "larger")
    change(folder, hf.PREPROCESSOR, size=48)
    with pytest.raises(InputError, match="makes no ViTModel of 48x48 pixels of it"):
        width_of(hf.open_hf(str(folder)))


@pytest.mark.parametrize(
    "name", ["none/at/all", "word", "", "a/" + 5000 * "b", "~nobody-of-this-name/a", "../..", "a/b@main"]
)
def test_no_such_folder(tmp_path, monkeypatch, name):
    (tmp_path / "deep" / "folder").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "folder")
    with pytest.raises(InputError, match=r"no such folder; expected a folder with config\.json and |no config\.json"):
        hf.open_hf(name)


def test_of_a_repository_only_json_and_safetensors_are_fetched(folders, monkeypatch):
    asked = {}

    def fetched(name, **choices):
        asked.update(choices, name=name)
        return str(folders("vit"))

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetched)
    assert hf.open_hf("owner/name").folder == folders("vit")
    assert asked == {"name": "owner/name", "allow_patterns": list(hf.ALLOWED)}
    assert all(pattern.endswith((".json", ".safetensors")) for pattern in hf.ALLOWED)


def test_a_hub_out_of_reach_is_said_in_one_line(monkeypatch):
    def unreachable(name, **choices):
        raise ConnectionError("no route\nto the hub")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(InputError, match=r"the hub gives no such repository \(no route to the hub\)"):
        hf.open_hf("owner/name")


def test_without_transformers_the_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(hf, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'flarescope\[hf\]'"):
        hf.open_hf("owner/name")


def test_a_network_that_nobody_trained_is_called_random(tmp_path):
    import transformers

    from flarescope.backbones.hf_weights import hf_weights

    name, config, _ = MADE["dinov2"]
    network_class = getattr(transformers, name)
    torch.manual_seed(0)
    weights = hf_weights(str(save(network_class(network_class.config_class(**config)), tmp_path / "new")))
    assert weights.family == "random-hf:new"
    assert weights.is_random


def test_what_stands_behind_a_name(folders):
    from flarescope.backbones.hf_torch import digest_of, read_arrays
    from flarescope.backbones.hf_weights import hf_weights

    weights = hf_weights(str(folders("dinov2")))
    assert weights.family == "hf:dinov2"
    assert not weights.is_random
    backbone = weights.backbone
    assert (backbone.name, backbone.features, backbone.pixels) == ("hf-dinov2", 32, PixelForm(28, "smooth"))
    assert backbone.preprocessing == "RGB times 0.003922, less 0.5, 0.4, 0.3, over 0.25, 0.5, 0.2"
    model = hf.open_hf(str(folders("dinov2")))
    assert weights.digest == digest_of(model, read_arrays(model))
    images = torch.from_numpy(np.random.default_rng(0).uniform(0, 255, (2, 1, 28, 28)).astype(np.float32))
    features = backbone.build(weights.load())(images)
    assert features.shape == (2, 32)
    assert not torch.allclose(features[0], features[1])
