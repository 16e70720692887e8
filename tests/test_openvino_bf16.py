"""Does bf16 keep the features of every network within a hundredth of fp32's, or say why not?"""

import json
import math
import warnings

import numpy as np
import openvino
import pytest
import torch

from flarescope.backbones.base import Network, Weights
from flarescope.engines import openvino_choice, openvino_graphs
from flarescope.engines.base import MIXED, EngineChoice
from flarescope.engines.openvino_bf16 import (
    AIM,
    NOTHING,
    PROMISE,
    WHOLE,
    Choice,
    Plan,
    choose_plan,
    error_of,
    in_words,
    made_pixels,
)
from flarescope.engines.openvino_convert import to_openvino
from flarescope.engines.openvino_marks import marked, multiplications_of
from flarescope.engines.start import start
from flarescope.errors import FlarescopeWarning, InputError
from flarescope.images.render import PixelForm

pytestmark = pytest.mark.xdist_group("openvino_bf16")

LINES = """<layer id="0" name="pixels" type="Parameter" version="opset1">
<layer id="1" name="w" type="Const" version="opset1">
<data element_type="f32" shape="1" offset="0" size="4" />
<layer id="2" name="first" type="Convolution" version="opset1">
<data strides="1, 1" />
<layer id="3" name="second" type="ReLU" version="opset1">
<layer id="4" name="end" type="Result" version="opset1">"""


# ---- the choice ----


def independent(base=0.0, end=1.0, **errors):
    """A measurement of layers whose errors are independent; `end` is that of any end of the network."""

    def measure(plan):
        if plan.behind:
            return end
        inside = errors.values() if plan == WHOLE else [errors[name] for name in plan.layers]
        return math.sqrt(base**2 + sum(error**2 for error in inside))

    return measure


def test_all_is_taken_where_it_may_be():
    assert choose_plan(independent(a=0.003, b=0.004), {"a": 1, "b": 1}, {}) == Choice(WHOLE, 0.005, 0.005, 1.0)


def test_else_the_layers_that_cost_least_for_their_work():
    # Squares for a multiplication, in 1e-8: a 100, b 400 / 4, c 1600 / 2, d 90,000; room is 3600, a + b + c are 2100
    errors = {"a": 0.001, "b": 0.002, "c": 0.004, "d": 0.03}
    choice = choose_plan(independent(**errors), {"a": 1, "b": 4, "c": 2, "d": 3}, {})
    assert choice.plan == Plan(frozenset("abc"))
    assert choice.share == 7 / 10
    assert choice.error == pytest.approx(math.sqrt(0.000021))
    assert choice.error_of_whole == pytest.approx(math.sqrt(0.000921))


def test_what_no_mark_keeps_takes_room_and_small_layers_are_not_tried():
    # 0.006^2 - 0.005^2 = 0.0033^2; a has 1 of 100 multiplications
    errors = {"a": 0.0001, "b": 0.003, "c": 0.004}
    choice = choose_plan(independent(base=0.005, **errors), {"a": 1, "b": 50, "c": 49}, {})
    assert choice.plan == Plan(frozenset("b"))
    assert choose_plan(independent(base=0.007, a=0.0), {"a": 1}, {}).plan == NOTHING


def test_errors_that_add_up_are_measured_and_layers_given_back():
    def measure(plan):
        return 1.0 if plan == WHOLE else 0.003 * len(plan.layers)

    choice = choose_plan(measure, dict.fromkeys("abcd", 1), {})  # 4 squares of 0.003 would fit; 2 layers do
    assert (len(choice.plan.layers), choice.error, choice.share) == (2, 0.006, 0.5)


def test_or_the_longest_end_found_in_few_steps():
    """The error is 0.01 % for each of 100 places from the end on: 60 may be in bf16."""
    tried = []

    def measure(plan):
        tried.append(plan)
        return 0.0001 * int(plan.behind) if plan.behind else 0.02

    choice = choose_plan(measure, {"all": 1}, {str(number): number / 200 for number in range(1, 101)})
    assert choice == Choice(Plan(behind="60"), 0.006, 0.02, 0.3)
    assert len(tried) == 2 + 7  # whole and nothing; 2^7 are more than 100
    assert choose_plan(measure, {"all": 1}, {"61": 0.1, "62": 0.2}).plan == NOTHING
    assert choose_plan(measure, {"all": 1}, {"60": 0.1}).plan == Plan(behind="60")


@pytest.mark.parametrize(("share", "plan"), [(0.49, Plan(frozenset("a"))), (0.51, Plan(behind="end"))])
def test_of_layers_and_an_end_what_is_more(share, plan):
    choice = choose_plan(independent(end=0.002, a=0.001, b=0.03), {"a": 1, "b": 1}, {"end": share})
    assert choice.plan == plan
    assert choice.error == (0.001 if plan.layers else 0.002)


def test_what_is_in_bf16_is_said():
    said = in_words("net", Choice(Plan(frozenset("ab")), 0.004, 0.02, 0.123))
    assert said.startswith("net: 2 layers with 12% of its multiplications in bf16, the others in fp32, so that")
    assert said.endswith("within 1% of fp32's (0.4% on made images)")
    said = in_words("net", Choice(Plan(behind="x"), 0.004, 0.02, 0.001))
    assert said.startswith(
        "net: its end with less than 1% of its multiplications in bf16, what comes before in fp32, so that"
    )


def test_the_error_is_that_of_the_worst_image():
    exact = np.array([[3.0, 4.0], [0.0, 10.0], [0.0, 0.0]])
    off = np.array([[0.0, 0.1], [0.1, 0.0], [0.0, 0.0]])
    assert error_of(exact + off, exact) == pytest.approx(0.1 / 5)
    assert error_of(exact + off[::-1], exact) == math.inf


@pytest.mark.parametrize("odd", [math.nan, math.inf])
def test_numbers_that_are_none_pass_nowhere(odd):
    """Neither in bf16 nor in fp32, of which NaN in all of an image's features would be no norm to compare with."""
    exact = np.ones((2, 3))
    broken = exact.copy()
    broken[1] = odd
    for one, other in ((broken, exact), (exact, broken), (broken, broken)):
        assert error_of(one, other) == math.inf
    assert choose_plan(lambda _: error_of(broken, broken), {"a": 1, "b": 1}, {"x": 0.5}).plan == NOTHING


def test_images_are_made_and_stay_what_they_are():
    pixels = made_pixels(64, 1)
    assert (pixels.shape, pixels.dtype) == ((11, 1, 64, 64), np.float32)
    assert 0 <= pixels.min() < 1
    assert 254 < pixels.max() <= 255
    colours = made_pixels(64, 3)
    assert np.array_equal(colours[:11], pixels.repeat(3, 1))
    assert np.array_equal(colours[11:, 0], pixels[:, 0])
    assert np.array_equal(np.sort(colours[11:, 2].ravel()), np.sort(pixels.ravel()))  # the same images, turned round
    assert abs(np.corrcoef(colours[16, 0].ravel(), colours[17, 1].ravel())[0, 1]) < 0.05  # and their noise moved
    assert pixels[3].std() == pytest.approx(0.3, rel=0.05)  # the quiet one
    assert np.array_equal(pixels[10], np.rint(pixels[3]))


# ---- OpenVINO ----


def test_all_but_the_layers_are_marked():
    precise = '<rt_info><attribute name="precise" version="0" /></rt_info>'
    assert marked(LINES, None) == LINES
    second = '<layer id="3" name="second" type="ReLU" version="opset1">'
    assert marked(LINES, frozenset({"first"})) == LINES.replace(second, second + precise)
    assert marked(LINES, frozenset()).count(precise) == 2
    assert f'<data strides="1, 1" />{precise}' in marked(LINES, frozenset())


class Net(torch.nn.Module):
    """Convolutions, or products of matrices, the first of small differences of large numbers if `is_coarse`."""

    def __init__(self, *, is_coarse, products=0):
        super().__init__()
        torch.manual_seed(0)
        grey = 127.5 if is_coarse else 0.0
        if products:
            rest = [torch.nn.ReLU(), torch.nn.Linear(64, 32)] * (products - 1)
            self.layers = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(256, 64), *rest)
        else:
            first, second, third = (
                torch.nn.Conv2d(1, 16, 3, padding=1),
                torch.nn.Conv2d(16, 32, 1),
                torch.nn.Conv2d(32, 32, 1),
            )
            self.layers = torch.nn.Sequential(first, torch.nn.ReLU(), second, torch.nn.ReLU(), third, Means())
        with torch.no_grad():
            first = self.layers[1 if products else 0]
            first.bias -= grey * first.weight.flatten(1).sum(1)
        self.requires_grad_(False)
        self.eval()

    def forward(self, pixels, dtype=torch.float32):
        return self.layers(pixels[:, :1] if pixels.shape[1] == 3 else pixels.float()).float()


class Means(torch.nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def weights_of(family="made", **what):
    network = Network("net", 32, lambda arrays: Net(**what), PixelForm(16, "smooth"), precisions=("fp32",))
    return Weights(family, f"sha256:{'0' * 64}", dict, network)


def features(weights, precision):
    """Of images that are none of those it was chosen by: other spots, another grain."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:16, :16] / 16 - 0.5
    spot = np.exp(-40 * ((x - 0.2) ** 2 + y**2)) - np.exp(-60 * (x**2 + (y - 0.3) ** 2))
    levels = np.array([5, 25, 90])[:, None, None] * spot + rng.normal(0, 0.4, (3, 16, 16))
    pixels = (127.5 + levels)[:, None].astype(np.float32)
    return next(start(EngineChoice("openvino", "cpu", precision, batch=3), weights).stream([pixels])).astype(float)


needs_bf16 = pytest.mark.skipif(
    "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"),
    reason="this processor does not compute in bf16",
)


def test_multiplications_are_counted_by_places_and_weights():
    graph = to_openvino(Net(is_coarse=False), 16, 1)
    graph.reshape([1, 1, 16, 16])
    assert list(multiplications_of(graph).values()) == [256 * 9 * 16, 256 * 16 * 32, 256 * 32 * 32]
    graph = to_openvino(Net(is_coarse=False, products=1), 16, 1)
    graph.reshape([1, 1, 16, 16])
    assert list(multiplications_of(graph).values()) == [256 * 64]


@needs_bf16
@pytest.mark.parametrize(
    ("products", "said"),
    [
        (0, r"net: \d layers? with \d+% of its multiplications in bf16, the others in fp32"),
        (2, r"net: its end with 11% of its multiplications in bf16, what comes before in fp32"),  # 1 of 9
    ],
)
def test_what_loses_too_much_stays_in_fp32_and_the_choice_is_kept(tmp_path, monkeypatch, products, said):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path))
    weights = weights_of(is_coarse=True, products=products)
    exact = features(weights, "fp32")
    with pytest.warns(FlarescopeWarning, match=said):
        mixed = features(weights, MIXED)
    assert 0 < error_of(mixed, exact) < PROMISE < error_of(features(weights, "bf16"), exact)
    (note,) = openvino_graphs.cached_graph(weights, 1).glob("bf16-*.json")
    kept = json.loads(note.read_text())
    assert kept["error"] <= AIM < kept["error_of_whole"]
    assert kept["behind"] if products else 0 < len(kept["layers"]) < 3
    measured = []
    monkeypatch.setattr(openvino_choice, "measured", lambda *of: measured.append(of))
    with pytest.warns(FlarescopeWarning, match=said):
        assert np.array_equal(features(weights, MIXED), mixed)
    assert measured == []


@needs_bf16
def test_a_network_that_is_not_kept_is_measured_once_for_bytes_and_floats(tmp_path, monkeypatch):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path))
    true, measured = openvino_choice.measured, []
    monkeypatch.setattr(openvino_choice, "measured", lambda *of: measured.append(of) or true(*of))
    engine = start(EngineChoice("openvino", "cpu", MIXED, batch=3), weights_of("random:0", is_coarse=True))
    pixels = np.random.default_rng(0).integers(0, 256, (3, 1, 16, 16), dtype=np.uint8)
    with pytest.warns(FlarescopeWarning, match=r"net: \d layers?") as said:
        first, second, third = engine.stream([pixels, pixels.astype(np.float32), pixels])
    assert np.array_equal(first, second)
    assert np.array_equal(first, third)
    assert len(measured) == len(said) == 1


@needs_bf16
def test_a_damaged_note_is_measured_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path))
    weights = weights_of(is_coarse=False)
    features(weights, MIXED)
    (note,) = openvino_graphs.cached_graph(weights, 1).glob("bf16-*.json")
    whole = note.read_bytes()
    for damaged in (
        b"",
        b"[]",
        b"{}",
        whole.replace(b"null", b"3"),
        whole.replace(b"0.0", b"9.0"),
        *(whole.replace(b'""', odd) for odd in (b"3", b'"x"')),
    ):
        note.write_bytes(damaged)
        features(weights, MIXED)
        assert note.read_bytes() == whole


@needs_bf16
@pytest.mark.parametrize("family", ["made", "random:0"])
def test_a_network_that_bears_it_is_bf16_as_a_whole_and_nothing_is_said(tmp_path, monkeypatch, family):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path))
    weights = weights_of(family, is_coarse=False)
    with warnings.catch_warnings(action="error"):
        assert np.array_equal(features(weights, MIXED), features(weights, "bf16"))
    assert openvino_graphs.cached_graph(weights, 1).exists() == (family == "made")


@needs_bf16
def test_a_network_no_part_of_which_bears_it_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path))
    weights = weights_of(is_coarse=True, products=1)
    said = r"--precision bf16: it changes the features of net by [\d.]+% on made images.*take --precision fp32"
    with pytest.raises(InputError, match=said) as caught:
        features(weights, MIXED)
    assert len(str(caught.value)) < 300
    monkeypatch.setattr(openvino_choice, "measured", lambda *_: pytest.fail("measured a second time"))
    with pytest.raises(InputError, match=said):
        features(weights, MIXED)
