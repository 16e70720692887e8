"""Do the parts of a fine-tuning keep what they say they keep: images, rates, orders, layers, changes?"""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from flarescope.backbones import efficientnet_lite_torch
from flarescope.backbones.efficientnet_lite import NETWORKS
from flarescope.backbones.tuned import Change
from flarescope.backbones.vgg16_torch import VGG16Module
from flarescope.errors import InputError
from flarescope.finetuning.augment import (
    NOISE_GAUSS,
    add_noise,
    augmented,
    mirror_east_west,
    mirror_north_south,
    rotate,
    shift,
)
from flarescope.finetuning.memory import Need, check, free_bytes
from flarescope.finetuning.order import batches, epoch_rows, share
from flarescope.finetuning.processes import joined
from flarescope.finetuning.recipe import AUGMENTATIONS, TuneRecipe, parse_augmentations
from flarescope.finetuning.schedule import layer_rates, rate_factor
from flarescope.finetuning.stages import chosen, layers_of, short
from flarescope.images.render import field_of_pixels, scale_field

LIMIT = 5978.7


def pixels(seed=0, size=24, channels=1):
    field = np.random.default_rng(seed).normal(0, 800, (channels, size, size)).clip(-LIMIT, LIMIT)
    return scale_field(field).astype(np.float32)


def bipole(leading_sign, *, leader_low):
    """A region with its leader in the west (right); the equator is below it."""
    field = np.zeros((1, 24, 24))
    rows = (15, 8) if leader_low else (8, 15)
    field[0, rows[0], 17], field[0, rows[1], 6] = 1500 * leading_sign, -1200 * leading_sign
    return scale_field(field).astype(np.float32)


def described(region, *, equator_below):
    """The sign of the polarity that lies more to the west, and whether it lies nearer to the equator."""
    field = field_of_pixels(region[0])
    spots = sorted(zip(*np.nonzero(np.abs(field) > 100), strict=True), key=lambda spot: spot[1])
    (row_east, _), (row_west, column) = spots
    return np.sign(field[row_west, column]), (row_west > row_east) == equator_below


@pytest.mark.parametrize("mirror", [mirror_east_west, mirror_north_south])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("leader_low", [True, False])
def test_a_mirror_gives_a_region_of_the_other_hemisphere_by_hales_and_joys_laws(mirror, sign, leader_low):
    north = bipole(sign, leader_low=leader_low)
    leading, leader_is_nearer = described(north, equator_below=True)
    assert described(mirror(north), equator_below=False) == (-leading, leader_is_nearer)


@pytest.mark.parametrize("mirror", [mirror_east_west, mirror_north_south])
def test_a_mirror_keeps_strengths_unsigned_flux_and_gradients_and_is_its_own_inverse(mirror):
    before = pixels(1, channels=3)
    after = mirror(before)
    fields = [field_of_pixels(one.astype(np.float64)) for one in (before, after)]
    assert np.allclose(np.sort(np.abs(fields[0]), axis=None), np.sort(np.abs(fields[1]), axis=None), atol=1e-2)
    steepest = [np.abs(np.diff(field, axis=-1)).max() for field in fields]
    assert math.isclose(*steepest, rel_tol=1e-5)
    assert np.allclose(mirror(after), before, atol=2e-5)


def test_east_west_keeps_each_sign_and_north_south_turns_it():
    before = field_of_pixels(pixels(2).astype(np.float64))
    east_west, north_south = (
        field_of_pixels(m(pixels(2)).astype(float)) for m in (mirror_east_west, mirror_north_south)
    )
    assert np.allclose(east_west.sum(), before.sum())
    assert np.allclose(north_south.sum(), -before.sum(), atol=1)


@given(st.floats(-10, 10), st.integers(0, 99))
def test_a_turn_makes_no_pixel_stronger_and_leaves_zero_field_alone(angle, seed):
    before = pixels(seed)
    after = rotate(before, angle)
    assert np.abs(after - 127.5).max() <= np.abs(before - 127.5).max() + 1e-3
    assert np.array_equal(rotate(np.full((1, 9, 9), 127.5, np.float32), angle), np.full((1, 9, 9), 127.5))


def test_a_turn_by_nothing_changes_nothing_and_one_by_a_quarter_is_exact():
    assert np.array_equal(rotate(pixels(), 0), pixels())
    assert np.allclose(rotate(pixels(), 90), np.rot90(pixels(), -1, axes=(1, 2)), atol=1e-3)  # clockwise


@given(st.integers(-30, 30), st.integers(-30, 30))
def test_a_shift_keeps_every_pixel_that_stays_and_brings_in_zero_field(rows, columns):
    before, after = pixels(3), shift(pixels(3), rows, columns)
    for row in range(24):
        for column in range(24):
            inside = 0 <= row - rows < 24 and 0 <= column - columns < 24
            assert after[0, row, column] == (before[0, row - rows, column - columns] if inside else 127.5)


def test_noise_is_hmis_and_keeps_the_mean_and_grey_grey():
    grey = np.repeat(np.full((1, 200, 200), 127.5, np.float32), 3, axis=0)
    noisy = add_noise(grey, np.random.default_rng(0), LIMIT)
    gauss = field_of_pixels(noisy[0].astype(np.float64))
    assert abs(gauss.std() - NOISE_GAUSS) < 0.1
    assert abs(gauss.mean()) < 0.1
    assert np.array_equal(noisy[0], noisy[2])


def test_what_is_drawn_depends_on_the_generator_alone_and_nothing_is_done_unasked():
    one, again, other = (
        augmented(pixels(), np.random.default_rng([0, 2, 1, place]), AUGMENTATIONS, LIMIT) for place in (7, 7, 8)
    )
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.array_equal(augmented(pixels(), np.random.default_rng(0), (), LIMIT), pixels())
    assert parse_augmentations("noise, east-west") == ("east-west", "noise")
    assert (parse_augmentations("all"), parse_augmentations("none")) == (AUGMENTATIONS, ())


def test_steps_rise_and_then_fall_as_a_cosine():
    factors = [rate_factor(step, 100, 0.1) for step in range(100)]
    assert factors[:3] == [0.1, 0.2, 0.3]
    assert factors[9] == factors[10] == 1.0
    assert factors[55] == pytest.approx(0.5)
    assert 0 < factors[99] < 0.001
    assert rate_factor(0, 1, 0) == 1.0


def test_earlier_layers_take_smaller_steps():
    assert layer_rates(["a", "b", "c"], 1.0, 0.5) == {"c": 1.0, "b": 0.5, "a": 0.25}


@given(st.integers(1, 40), st.integers(1, 8), st.integers(1, 5))
def test_processes_share_each_batch_without_a_rest_and_take_part_in_every_step(rows, size, processes):
    for batch in batches(rows, size):
        shares = [share(batch, rank, processes) for rank in range(processes)]
        counted = np.concatenate([places[weights > 0] for places, weights in shares])
        assert sorted(counted.tolist()) == batch.tolist()
        assert all(len(places) for places, _ in shares)


def test_balanced_sampling_draws_as_many_events_as_others_and_each_epoch_anew():
    labels = np.array([1, 0, 0, 0, 0, 0, 0, 1, 0, 0])
    first, again, second = (epoch_rows(labels, TuneRecipe(balance="sampling"), epoch) for epoch in (1, 1, 2))
    assert labels[first].tolist() == [0, 1] * 5
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
    assert sorted(epoch_rows(labels, TuneRecipe(), 1)) == list(range(10))


def vgg16():
    with torch.device("meta"):
        return VGG16Module()


def test_layers_are_found_from_the_image_to_the_features():
    names = [*layers_of(vgg16())]
    assert names[:3] == ["block1_conv1", "block1_conv2", "block2_conv1"]
    assert chosen(names, "block5") == ["block5_conv1", "block5_conv2", "block5_conv3", "fc1", "fc2"]
    assert chosen(names, "last:2") == chosen(names, "last 2") == ["fc1", "fc2"]
    assert chosen(names, "all") == names
    with torch.device("meta"):
        lite = [*layers_of(efficientnet_lite_torch.Network(NETWORKS["efficientnet-lite0"]))]
    assert [short(name) for name in (lite[0], lite[1], lite[-1])] == ["conv_stem", "blocks.0", "conv_head"]
    assert len(chosen(lite, "blocks.12")) == 5  # blocks 12 to 15, and the head's convolution
    assert [*layers_of(nn.Linear(2, 3))] == [""]


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("block9", "did you mean block"),
        ("blocks", "no such layer"),
        ("block", "no such layer"),
        ("last:0", "N from 1 to 15"),
        ("last:16", "N from 1 to 15"),
        ("last:x", "expected last:N"),
        ("", "no such layer"),
        ("zz", "one of the 15 from block1_conv1 to fc2"),
    ],
)
def test_an_unknown_layer_is_refused_in_one_line(start, said):
    with pytest.raises(InputError, match="--from") as caught:
        chosen([*layers_of(vgg16())], start)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"micro_batch": 33},
        {"learning_rate": math.nan},
        {"layer_decay": 0},
        {"warmup": 1.0},
        {"balance": "magic"},
        {"precision": "fp16"},
        {"augment": ("north-east",)},
        {"rank": 0},
        {"stop_on": "hss"},
    ],
)
def test_a_choice_out_of_range_is_refused(wrong):
    with pytest.raises(InputError, match="--"):
        TuneRecipe(**wrong)


def test_a_change_is_put_on_a_network_and_not_on_another():
    state = {"a.weight": np.ones((2, 3), np.float32), "a.bias": np.zeros(2, np.float32)}
    down, up = np.array([[1, 2, 3]], np.float32), np.array([[1], [10]], np.float32)
    adapted = Change({"a.lora_a": down, "a.lora_b": up}, 0.5).applied(state)
    assert adapted["a.weight"].tolist() == [[1.5, 2, 2.5], [6, 11, 16]]
    assert adapted["a.bias"] is state["a.bias"]
    assert state["a.weight"].sum() == 6
    for wrong in ({"b.weight": down}, {"a.bias": down}, {"a.lora_a": down}, {"a.lora_a": down, "a.lora_b": up[:1]}):
        with pytest.raises(InputError, match=r"another network|damaged"):
            Change(wrong).applied(state)


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="--device cuda: PyTorch finds no CUDA GPU here"), joined("cuda"):
        pass
    with joined() as alone:
        assert (alone.rank, alone.number, alone.device.type, alone.leads) == (0, 1, "cpu", True)


def test_too_little_memory_is_said_before_the_first_step_with_what_to_lower():
    free = free_bytes(torch.device("cpu"))
    assert free
    check(Need(1000, 1000), 4, torch.device("cpu"))
    with pytest.raises(InputError, match=r"--micro-batch \d+ .*--checkpointing") as caught:
        check(Need(free // 2, 0), 8, torch.device("cpu"))
    assert len(str(caught.value)) < 300
    with pytest.raises(
        InputError, match=r"for each of 4 processes; take --micro-batch \d+ \(.*\), or a later"
    ) as caught:
        check(Need(free // 16, 0), 8, torch.device("cpu"), sharing=4, checkpointing=True)
    assert "--checkpointing" not in str(caught.value)
    with pytest.raises(InputError, match="train fewer layers"):
        check(Need(1, 4 * free), 8, torch.device("cpu"))
