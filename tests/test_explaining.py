"""Do maps lie where the signal is, are they those of other implementations, and do their checks tell good from bad?

All images here are made up (synthetic), and networks have random filters where nothing else is said.
"""

import numpy as np
import pytest
import torch
from torch import nn

from flarescope.backbones import efficientnet_lite_torch, efficientnet_lite_weights, vgg16_torch
from flarescope.backbones.module_torch import Wrapped
from flarescope.errors import InputError
from flarescope.explaining import faithful, maps
from flarescope.explaining.explained import explain_pixels, randomised_models
from flarescope.explaining.sanity import randomised, rank_correlation
from flarescope.forecaster.as_torch import LogOdds
from flarescope.heads.head import Head, Recipe
from flarescope.heads.lbfgs import fit

pytestmark = pytest.mark.xdist_group("explaining")
SIZE = 56


class Places(nn.Module):
    """Random filters, a ReLU, and the mean in each of 7 x 7 places: features that know where they are."""

    def __init__(self, *, inplace: bool = False) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Conv2d(1, 8, 5, padding=2)
        self.relu = nn.ReLU(inplace=inplace)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.last = nn.ReLU(inplace=inplace)
        self.pool = nn.AdaptiveAvgPool2d(7)

    def forward(self, x):
        x = self.last(self.second(self.relu(self.first((x - 127.5) / 60))))
        return self.pool(x).flatten(1)


def spot(generator, left: bool) -> np.ndarray:
    """A dipole of two spots, in one half of an image of noise about zero field."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    row, column = generator.integers(10, SIZE - 10), generator.integers(8, SIZE // 2 - 9)
    column = column if left else column + SIZE // 2
    near = [np.exp(-((rows - row) ** 2 + (columns - column - shift) ** 2) / 12) for shift in (-3, 3)]
    return 90 * (near[0] - near[1])


def planted(number: int, seed: int = 0):
    """Images of which a dipole in the left half, and nothing else, makes an event; the right half has others."""
    generator = np.random.default_rng(seed)
    labels = np.arange(number) % 2 == 1
    images = generator.normal(127.5, 4, (number, 1, SIZE, SIZE))
    for image, label in zip(images, labels, strict=True):
        image[0] += label * spot(generator, left=True) + (generator.random() < 0.5) * spot(generator, left=False)
    return images.astype(np.float32), labels


@pytest.fixture(scope="module")
def model():
    """A head trained on features of random filters for 240 planted images."""
    backbone = Wrapped(Places(), 1, None)
    images, labels = planted(240)
    with torch.inference_mode():
        features = backbone(torch.from_numpy(images)).numpy()
    found = fit(features, labels, Recipe(solver="lbfgs", class_weight=(1.0, 1.0), l2=1e-3))
    return LogOdds(backbone, [found.head])


@pytest.fixture(scope="module")
def events():
    """Planted images with an event, unseen by the head, each with a dipole in the other half too or not."""
    images, labels = planted(24, seed=1)
    return images[labels]


def left_share(values: np.ndarray) -> float:
    """The left half's share of what speaks for an event."""
    mass = values.clip(min=0)
    return float(mass[:, : SIZE // 2].sum() / mass.sum())


@pytest.mark.parametrize(
    ("method", "least"),
    [("hires-cam", 0.75), ("guided-grad-cam", 0.85), ("integrated-gradients", 0.85), ("occlusion", 0.85)],
)
def test_the_mass_of_a_map_lies_where_the_signal_is(method, least, model, events):
    # of a map without a place half would lie there; the grid of hires-cam has 7 x 7 places, whose edges run over
    shares = [left_share(maps.METHODS[method](model, torch.from_numpy(image)[None], 0).values) for image in events]
    assert np.mean(shares) > least
    assert min(shares) > 0.6


def has_other_dipole(image) -> bool:
    return bool(np.abs(image[0, :, SIZE // 2 :] - 127.5).max() > 40)


def test_grad_cam_forgets_places_where_a_head_weighs_them(model, events):
    # Selvaraju's mean over the gradient: the head's weights of the right half are small, and yet it lights up there.
    shares = {True: [], False: []}
    for image in events:
        cam = maps.grad_cam(model, torch.from_numpy(image)[None], 0)
        shares[has_other_dipole(image)].append(left_share(cam.values))
    assert np.mean(shares[False]) > 0.8
    assert np.mean(shares[True]) < 0.6


# ---- second implementations ----


def test_grad_cam_and_guided_grad_cam_are_captums(model, events):
    from captum.attr import GuidedGradCam, LayerGradCam

    module = LogOdds(Wrapped(Places(), 1, None), [Head(*head_of(model))])
    pixels = torch.from_numpy(events[0])[None]
    cam = LayerGradCam(module, module.backbone.module.pool).attribute(pixels.requires_grad_(), target=0)
    ours = maps.last_map(module, pixels, 0)
    theirs = cam[0, 0].detach().clamp(min=0)
    assert ours.layer == "module.pool"
    torch.testing.assert_close((ours.gradient.mean((1, 2), keepdim=True) * ours.activation).sum(0).clamp(min=0), theirs)
    guided = GuidedGradCam(module, module.backbone.module.pool, device_ids=None)
    with pytest.warns(UserWarning, match="hooks"):  # that it sets on every ReLU
        product = guided.attribute(pixels, target=0, interpolate_mode="nearest")[0, 0].detach()
    with torch.no_grad():
        repeated = torch.nn.functional.interpolate(theirs[None, None], (SIZE, SIZE), mode="nearest")[0, 0]
        again = repeated * maps.guided_gradient(module, pixels, 0)[0]
    torch.testing.assert_close(again, product, rtol=1e-4, atol=1e-5)


def head_of(model) -> tuple[np.ndarray, np.ndarray]:
    """The head of a module, as kernel and bias whose difference is the module's."""
    kernel = np.stack([np.zeros_like(model.head.weight[0].numpy()), model.head.weight[0].numpy()], axis=1)
    return kernel, np.array([0, float(model.head.bias[0])], np.float32)


def test_integrated_gradients_add_up_to_the_difference_of_the_log_odds(model, events):
    pixels = torch.from_numpy(events[0])[None]
    found = maps.integrated_gradients(model, pixels, 0)
    with torch.inference_mode():
        whole = float(model(pixels)[0, 0] - model(torch.full_like(pixels, 127.5))[0, 0])
    assert found.said["difference"] == pytest.approx(whole)
    assert found.values.sum() == pytest.approx(whole, rel=0.01)
    assert found.said["missing"] < 0.01


def test_occlusion_is_the_fall_of_the_log_odds_under_a_square(model, events):
    pixels = torch.from_numpy(events[0])[None]
    found = maps.occlusion(model, pixels, 0).values
    covered = pixels.clone()
    covered[..., :8, :8] = 127.5  # 56 / 14 = 4 pixels a cell; a square of 2 x 2 cells; the corner cell has it alone
    with torch.inference_mode():
        fall = float(model(pixels)[0, 0] - model(covered)[0, 0])
    np.testing.assert_allclose(found[:4, :4], fall, atol=1e-5)


def test_relus_that_write_over_their_input_change_nothing(model, events):
    over = LogOdds(Wrapped(Places(inplace=True), 1, None), [Head(*head_of(model))])
    pixels = torch.from_numpy(events[0])[None]
    for method in maps.METHODS.values():
        np.testing.assert_allclose(method(over, pixels, 0).values, method(model, pixels, 0).values, atol=1e-6)


# ---- faithfulness and sanity ----


def test_curves_by_hand():
    pixels = np.full((1, 4, 4), 127.5, np.float32)
    pixels[0, :2, :2] = 255  # one of four cells carries all

    def score(images):
        return (images[:, 0, 0, 0] > 200).astype(float)

    best, worst = np.array([[0, 1], [2, 3]]), np.array([[3, 2], [1, 0]])
    found = faithful.curves(score, pixels, best, zero=127.5)
    assert found.deletion[0] == found.insertion[-1] == 1
    # 15 points a 14th apart; of 4 cells 0.5 are none and 0.57 are one, so that the first cell goes at the third point
    assert found.deletion.tolist() == [1] * 2 + [0] * 13
    assert found.deletion_area == pytest.approx(1.5 / 14)
    assert found.insertion_area == pytest.approx(1 - 1.5 / 14)
    bad = faithful.curves(score, pixels, worst, zero=127.5)
    assert bad.deletion_area > 0.8 > 0.2 > bad.insertion_area


def test_cells_of_a_size_that_is_no_multiple():
    values = np.arange(25, dtype=float).reshape(5, 5)
    found = faithful.cell_means(values, 2)  # edges 0, 2, 5 (2.5 rounds to even)
    assert found[0, 0] == values[:2, :2].mean()
    assert found[1, 1] == values[2:, 2:].mean()
    assert sorted(faithful.ranks_of_cells(np.zeros((5, 5)), 2, seed=0).ravel()) == [0, 1, 2, 3]


def test_a_map_of_the_signal_beats_random_maps_and_changes_with_the_weights(model, events):
    found = explain_pixels(
        model, events[0], 0, methods=["hires-cam", "occlusion"], others=randomised_models(model, 0), seed=1
    )
    for curves in found.curves.values():
        assert curves.deletion_area < found.random_deletion_area - 2  # log-odds, of which the image has 8
        assert curves.insertion_area > found.random_insertion_area + 2
    assert all(abs(value) < 0.8 for one in found.correlations.values() for value in one.values())
    said = found.to_json()
    assert said["maps"]["occlusion"]["faithfulness"]["deletion"][0] == pytest.approx(found.log_odds)
    assert len(said["random_maps"]["deletion_areas"]) == faithful.RANDOM_MAPS


def test_random_weights_take_the_place_of_those_learnt_in_a_copy(model):
    before = {name: values.clone() for name, values in model.state_dict().items()}
    head, everything = (randomised(model, what, 0).state_dict() for what in ("head", "all"))
    assert all(torch.equal(before[name], values) for name, values in model.state_dict().items())
    first = "backbone.module.second.weight"
    assert torch.equal(head[first], before[first])
    assert not torch.equal(head["head.weight"], before["head.weight"])
    assert float(head["head.weight"].std()) == pytest.approx(float(before["head.weight"].std()), rel=0.2)
    assert float(everything[first].std()) == pytest.approx((2 / 72) ** 0.5, rel=0.1)  # 8 channels x 3 x 3 pixels
    assert not everything["backbone.module.second.bias"].any()


def test_rank_correlation_by_hand():
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert rank_correlation(a, np.exp(a)) == pytest.approx(1)
    assert rank_correlation(a, -a) == pytest.approx(-1)
    assert rank_correlation(a, np.zeros((2, 2))) is None


# ---- networks ----


def random_head(features: int) -> Head:
    generator = np.random.default_rng(0)
    return Head(generator.normal(0, 0.01, (features, 2)).astype(np.float32), np.zeros(2, np.float32))


def all_maps(module, size, methods=("grad-cam", "hires-cam", "guided-grad-cam")):
    generator = np.random.default_rng(0)
    pixels = torch.from_numpy(generator.normal(127, 20, (1, 1, size, size)).astype(np.float32))
    found = {}
    for method in methods:
        found[method] = maps.METHODS[method](module, pixels, 0)
        assert found[method].values.shape == (size, size)
        assert np.isfinite(found[method].values).all()
    return found


def test_efficientnet_lite():
    arrays = efficientnet_lite_weights.random_weights("efficientnet-lite0", 1).load()
    found = all_maps(LogOdds(efficientnet_lite_torch.build(arrays), [random_head(1280)]), 224)
    assert found["grad-cam"].layer == "_conv_head"
    # it takes the mean of its last map, where the two are one
    np.testing.assert_allclose(found["grad-cam"].values, found["hires-cam"].values, rtol=1e-3, atol=1e-6)


@pytest.mark.slow
@pytest.mark.xdist_group("network")
def test_vgg16(random_network):
    found = all_maps(LogOdds(vgg16_torch.build(random_network.load()), [random_head(4096)]), 224)
    assert found["grad-cam"].layer == "block5_conv3"


def tiny(kind: str, config: dict) -> nn.Module:
    """A tiny network of transformers, as `hf_torch.HfNetwork` wraps it."""
    import transformers

    torch.manual_seed(0)
    network = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**config))
    return network.eval()


class OfTransformers(nn.Module):
    """The part of `hf_torch.HfNetwork` that matters here."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.requires_grad_(False)

    def forward(self, pixels):
        out = self.network(pixel_values=(pixels.expand(-1, 3, -1, -1) - 127.5) / 64)
        return out.last_hidden_state[:, 0] if out.last_hidden_state.ndim == 3 else out.pooler_output.flatten(1)


def test_a_transformer_has_grad_cam_of_its_tokens_but_no_guided_one():
    options = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    network = OfTransformers(tiny("ViT", {**options, "image_size": 32, "patch_size": 8}))
    module = LogOdds(network, [random_head(16)])
    pixels = torch.from_numpy(np.random.default_rng(0).normal(127, 30, (1, 1, 32, 32)).astype(np.float32))
    found = maps.grad_cam(module, pixels, 0)
    assert "layernorm_before" in found.layer  # of the last block: behind it only the class token is read
    assert "1" in found.layer.split(".")
    with pytest.raises(InputError, match="no ReLU"):
        maps.guided_grad_cam(module, pixels, 0)
    said = explain_pixels(module, pixels[0].numpy(), 0, methods=["guided-grad-cam", "occlusion"], others={})
    assert list(said.maps) == ["occlusion"]
    assert "no ReLU" in said.refused["guided-grad-cam"]


def test_a_residual_network_has_all():
    options = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
    found = all_maps(LogOdds(OfTransformers(tiny("ResNet", options)), [random_head(16)]), 64)
    assert "stages.1" in found["grad-cam"].layer


def test_a_network_without_places_says_so():
    module = LogOdds(Wrapped(nn.Sequential(nn.Flatten(), nn.Linear(64, 4)), 1, None), [random_head(4)])
    with pytest.raises(InputError, match="no layer of this network gives a map of places") as told:
        maps.grad_cam(module, torch.zeros(1, 1, 8, 8), 0)
    assert len(str(told.value)) < 300


def test_a_method_that_is_none():
    with pytest.raises(InputError, match="expected one of grad-cam"):
        maps.check_methods(["lime"])
