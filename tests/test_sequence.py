"""Is a recurrent or attention head what PyTorch computes, and does it learn what no single image shows?"""

import numpy as np
import pytest
import torch

from flarescope.features.history import HistoryRows
from flarescope.heads.head import Recipe
from flarescope.heads.sequence import ARRAYS, SequenceHead, parted, shapes_of
from flarescope.heads.sequence_fit import fit_sequence

KINDS = sorted(ARRAYS)


def recipe(kind):
    return Recipe(head=kind, hidden=8, learning_rate=0.02, batch=32, epochs=8, class_weight=(1.0, 1.0))


def drawn(kind, *, features=3, hidden=4, images=2, seed=0):
    rng = np.random.default_rng(seed)
    shapes = shapes_of(kind, features, hidden, images)
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return SequenceHead(kind, {**arrays, "images": np.array([images], np.float32)}).check()


def rows_of(count, *, features=3, images=2, seed=1):
    rng = np.random.default_rng(seed)
    past = np.where(rng.random((count, images)) < 0.3, -1, rng.integers(count, size=(count, images)))
    return HistoryRows(rng.normal(size=(count, features)).astype(np.float32), np.arange(count), past, "stack")


def growing(count=400, seed=0):
    """Rows whose event is that the one feature grew since the image before; the image alone says nothing of it."""
    rng = np.random.default_rng(seed)
    now, growth = rng.normal(size=(count, 1)), rng.normal(size=(count, 1))
    features = np.concatenate([now, now - growth]).astype(np.float32)
    past = np.arange(count, 2 * count)[:, None].copy()
    past[rng.random(count) < 0.1] = -1
    return HistoryRows(features, np.arange(count), past, "stack"), (growth[:, 0] > 0).astype(np.int64), past[:, 0] >= 0


def test_the_recurrent_head_is_pytorchs():
    head = drawn("gru")
    own, x = head.arrays, rows_of(20)[np.arange(20)]
    steps, missing = parted(x, 2)
    unit = torch.nn.GRUCell(4, 4)
    with torch.no_grad():
        for name, array in (("weight_ih", own["input"].T), ("weight_hh", own["hidden"].T)):
            getattr(unit, name).copy_(torch.from_numpy(np.ascontiguousarray(array)))
        unit.bias_ih.copy_(torch.from_numpy(own["input_bias"]))
        unit.bias_hh.copy_(torch.from_numpy(own["hidden_bias"]))
        for row in range(20):
            state = torch.zeros(4)
            for place in (2, 1, 0):
                if not missing[row, place]:
                    brought = np.tanh(
                        (steps[row, place] - own["mean"]) * own["inverse"] @ own["project"] + own["project_bias"]
                    )
                    state = unit(torch.from_numpy(brought), state)
            expected = float(state.numpy() @ own["output"] + own["constant"][0])
            assert head.log_odds(x)[row] == pytest.approx(expected, abs=1e-5)


def test_attention_is_pytorchs_and_ignores_what_is_missing():
    head = drawn("attention")
    own, x = head.arrays, rows_of(20)[np.arange(20)]
    steps, missing = parted(x, 2)
    brought = np.tanh((steps - own["mean"]) * own["inverse"] @ own["project"] + own["project_bias"])
    image, earlier = brought[:, :1], brought[:, 1:] + own["hours"]
    for row in np.flatnonzero(~missing.all(axis=1)):
        there = ~missing[row, 1:]
        if not there.any():
            continue
        parts = (image[row] @ own["query"], (earlier[row] @ own["key"])[there], (earlier[row] @ own["value"])[there])
        attended = torch.nn.functional.scaled_dot_product_attention(*map(torch.from_numpy, parts)).numpy()[0]
        expected = np.concatenate([image[row, 0], attended]) @ own["output"] + own["constant"][0]
        assert head.log_odds(x)[row] == pytest.approx(float(expected), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_missing_has_no_influence(kind):
    head, x = drawn(kind), rows_of(30)[np.arange(30)]
    tampered = x.copy()
    for place in (0, 1):
        tampered[x[:, 9 + place] > 0, 3 * (1 + place) : 3 * (2 + place)] = 1e6
    assert head.log_odds(tampered).tolist() == head.log_odds(x).tolist()
    assert head.width == x.shape[1]


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_growth_the_same_every_time(kind):
    rows, labels, known = growing()
    head = fit_sequence(kind, rows, labels, recipe(kind), images=1)
    new, truth, seen = growing(seed=1)
    right = (head.log_odds(new) > 0) == truth
    assert right[seen].mean() > 0.85
    assert known.mean() > 0.8
    again = fit_sequence(kind, rows, labels, recipe(kind), images=1)
    assert again.digest == head.digest
    assert not np.isnan(head.log_odds(new)).any()  # rows without any earlier image too


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_that_do_not_fit_are_refused(kind):
    head = drawn(kind)
    for name in ARRAYS[kind]:
        with pytest.raises(ValueError, match=r"shapes|images|arrays"):
            SequenceHead(kind, {**head.arrays, name: np.zeros((2, 2, 2), np.float32)}).check()
