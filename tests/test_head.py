"""Is the head trained as the reference recipe trains it in Keras: the same optimiser, loss, weights, order, averages?

Each part is held against a plain implementation of its formula in float64, or against PyTorch's derivatives.
"""

import importlib.util
import math
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from flarescope.backbones.vgg16 import FEATURES
from flarescope.errors import InputError
from flarescope.features.gather import AHEAD, GATHER, batches
from flarescope.heads import blocks as blocks_module
from flarescope.heads import products as products_module
from flarescope.heads import together as together_module
from flarescope.heads.adam import State, adam_step, epoch_order, gradient_by_log_odds
from flarescope.heads.adam_kernel import compiled_step
from flarescope.heads.head import Head, Recipe, glorot_head, reference_class_weight, validate
from flarescope.heads.together import train_epoch, train_together
from flarescope.log_odds import sigmoid
from flarescope.native.available import native_available
from flarescope.scores.loss import cross_entropy_of_log_odds

TRAIN_IMAGES, TRAIN_EVENTS = 759_357, 149_249
"""Of the published training table."""


def rows_and_labels(count, features=12, seed=0, events=0.3):
    generator = np.random.default_rng(seed)
    labels = (generator.random(count) < events).astype(np.int64)
    rows = generator.random((count, features), np.float32) + labels[:, np.newaxis].astype(np.float32) * np.float32(0.2)
    return rows, labels


# ---- class weights, first head, order ----


def test_the_class_weight_of_the_published_training_table():
    labels = np.zeros(TRAIN_IMAGES, np.int8)
    labels[:TRAIN_EVENTS] = 1
    assert reference_class_weight(labels) == (1.0, (759_357 - 149_249) / 149_249)
    assert reference_class_weight(labels)[1] == pytest.approx(4.08785, abs=5e-6)


@pytest.mark.parametrize(("label", "said"), [(0, "does not flare"), (1, "flares")])
def test_one_class_only_is_refused(label, said):
    with pytest.raises(InputError, match=rf"one class only .*: each of its images \(1,200\) {said}; both"):
        reference_class_weight(np.full(1200, label))


def test_glorot_head_lies_in_its_range_and_fills_it():
    limit = math.sqrt(6 / (4096 + 2))
    head = glorot_head(FEATURES, 7)
    assert head.kernel.shape == (4096, 2)
    assert head.kernel.dtype == head.bias.dtype == np.float32
    assert np.abs(head.kernel).max() <= np.float32(limit)
    assert np.abs(head.kernel).max() > 0.999 * limit
    assert head.kernel.std() == pytest.approx(limit / math.sqrt(3), rel=0.02)
    assert abs(head.kernel.mean()) < 4 * limit / math.sqrt(3 * head.kernel.size)
    assert head.bias.tolist() == [0, 0]


def test_glorot_head_depends_on_the_seed():
    assert np.array_equal(glorot_head(50, 3).kernel, glorot_head(50, 3).kernel)
    assert not np.array_equal(glorot_head(50, 3).kernel, glorot_head(50, 4).kernel)


@given(rows=st.integers(1, 300), seed=st.integers(0, 2**32), epoch=st.integers(1, 100))
def test_the_order_is_a_permutation_that_depends_on_seed_and_epoch_alone(rows, seed, epoch):
    order = epoch_order(rows, Recipe(seed=seed), epoch)
    assert sorted(order.tolist()) == list(range(rows))
    other = Recipe(seed=seed, learning_rate=0.5, batch=3, epochs=200, clip=1e-7, class_weight=(1.0, 9.0), patience=1)
    np.random.default_rng(1).random(7)
    assert np.array_equal(order, epoch_order(rows, other, epoch))


def test_each_epoch_and_each_seed_has_its_own_order():
    orders = [epoch_order(100, Recipe(seed=seed), epoch).tolist() for seed in (0, 1, 2) for epoch in (1, 2, 3)]
    assert len({tuple(order) for order in orders}) == 9
    assert epoch_order(5, Recipe(shuffle=False), 3).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "wrong",
    [
        {"learning_rate": 0.0},
        {"learning_rate": math.nan},
        {"beta_1": 1.0},
        {"beta_2": -0.1},
        {"epsilon": 0.0},
        {"batch": 0},
        {"epochs": 0},
        {"seed": -1},
        {"class_weight": (1.0, 0.0)},
        {"clip": 0.5},
        {"patience": 0},
        {"hidden": 1025},
    ],
)
def test_a_recipe_out_of_range_is_refused_by_name(wrong):
    (name,) = wrong
    with pytest.raises(InputError, match=rf"^{name.replace('_', '-')} .* is out of range; expected .*[0-9a-z]"):
        Recipe(**wrong)


# ---- loss and gradient ----


def reference_loss(log_odds, labels, weights):
    """The weighted sum of -log softmax, divided by the number of rows."""
    total = 0.0
    for value, label, weight in zip(log_odds.tolist(), labels.tolist(), weights.tolist(), strict=True):
        wrong = -value if label else value
        total += weight * (max(wrong, 0) + math.log1p(math.exp(-abs(wrong))))
    return total / len(labels)


def softmax(logits):
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def torch_loss(logits, labels, weights, clip):
    if clip:
        probability = torch.softmax(logits, 1).clamp(clip, 1 - clip)
        of_truth = torch.log(probability.gather(1, labels[:, None])[:, 0])
    else:
        of_truth = torch.log_softmax(logits, 1).gather(1, labels[:, None])[:, 0]
    return -(of_truth * weights).sum() / len(labels)


def gradient_of(log_odds, labels, weights, clip):
    away = np.where(labels == 1, np.float32(-1), np.float32(1))
    return gradient_by_log_odds(log_odds, away, away * weights, clip)


SATURATED = np.array(
    [[0, 0], [3, -3], [-3, 3], [40, -40], [-40, 40], [200, -200], [-200, 200], [9, -9], [16, 0], [0, 16], [15, 0]],
    np.float32,
)


@pytest.mark.parametrize("clip", [0.0, 1e-7, 0.01])
@pytest.mark.parametrize("label", [0, 1])
def test_loss_and_gradient_are_those_of_autograd_also_for_saturated_rows(clip, label):
    labels = np.full(len(SATURATED), label)
    weights = np.linspace(1, 4.08785, len(labels), dtype=np.float32)
    log_odds = SATURATED[:, 1] - SATURATED[:, 0]
    with np.errstate(over="ignore"):
        gradient = gradient_of(log_odds, labels, weights, clip)
    logits = torch.tensor(SATURATED, requires_grad=True)
    expected = torch_loss(logits, torch.tensor(labels), torch.tensor(weights), clip)
    expected.backward()
    assert cross_entropy_of_log_odds(labels, log_odds, clip=clip, weights=weights) == pytest.approx(
        expected.item(), rel=1e-6
    )
    # A derivative is at most weight / n; float32 rounds it at 1e-7 of that.
    by_logits = np.stack([-gradient, gradient], axis=1)
    assert np.abs(by_logits - logits.grad.numpy()).max() < 2e-7
    assert np.array_equal(by_logits == 0, logits.grad.numpy() == 0) or not clip
    assert np.isfinite(gradient).all()


def test_a_certain_miss_teaches_without_a_clip_and_not_with_one():
    log_odds, label, weight = np.array([-120], np.float32), np.array([1]), np.array([4.0], np.float32)
    assert gradient_of(log_odds, label, weight, 0.0).tolist() == [-4]
    assert cross_entropy_of_log_odds(label, log_odds, weights=weight) == 4 * 120
    with np.errstate(over="ignore"):
        assert gradient_of(log_odds, label, weight, 1e-7).tolist() == [0]
    clipped = cross_entropy_of_log_odds(label, log_odds, clip=1e-7, weights=weight)
    assert clipped == pytest.approx(4 * -math.log(1e-7), rel=1e-6)


@given(data=st.data(), count=st.integers(1, 20))
def test_loss_is_the_formula_and_the_gradient_its_slope(data, count):
    log_odds = np.array(data.draw(st.lists(st.floats(-80, 80, width=32), min_size=count, max_size=count)))
    labels = np.array(data.draw(st.lists(st.integers(0, 1), min_size=count, max_size=count)))
    weights = np.where(labels == 1, np.float32(4.08785), np.float32(1))
    loss = cross_entropy_of_log_odds(labels, log_odds, weights=weights)
    assert loss == pytest.approx(reference_loss(log_odds, labels, weights), rel=1e-12, abs=1e-12)
    gradient = gradient_of(log_odds.astype(np.float32), labels, weights, 0.0)
    for row in range(count):
        step = np.eye(count)[row] * 1e-4
        ahead, behind = (reference_loss(log_odds + sign * step, labels, weights) for sign in (1, -1))
        assert gradient[row] == pytest.approx((ahead - behind) / 2e-4, abs=1e-6)


def test_the_weighted_sum_is_divided_by_the_rows_and_not_by_the_weights():
    log_odds, weights = np.zeros(4, np.float32), np.array([1, 1, 1, 5], np.float32)
    loss = cross_entropy_of_log_odds(np.array([0, 0, 0, 1]), log_odds, weights=weights)
    assert loss == pytest.approx(math.log(2) * (1 + 1 + 1 + 5) / 4, rel=1e-6)
    assert gradient_of(log_odds, np.array([0, 0, 0, 1]), weights, 0.0).tolist() == [1 / 8] * 3 + [-5 / 8]


def test_sigmoid_does_not_overflow():
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0, 0.5, 1]


# ---- Adam ----


def slow_adam(theta, gradients, recipe):
    """Adam in Keras' form, one number at a time: bias corrections in the step, epsilon beside sqrt(v)."""
    theta = [float(value) for value in theta.ravel()]
    m, v = [0.0] * len(theta), [0.0] * len(theta)
    for t, gradient in enumerate(gradients, start=1):
        alpha = recipe.learning_rate * math.sqrt(1 - recipe.beta_2**t) / (1 - recipe.beta_1**t)
        for i, g in enumerate(float(value) for value in gradient.ravel()):
            m[i] = recipe.beta_1 * m[i] + (1 - recipe.beta_1) * g
            v[i] = recipe.beta_2 * v[i] + (1 - recipe.beta_2) * g * g
            theta[i] -= alpha * m[i] / (math.sqrt(v[i]) + recipe.epsilon)
    return np.array(theta), np.array(m), np.array(v)


@pytest.mark.parametrize(
    "recipe", [Recipe(), Recipe(learning_rate=0.02, beta_1=0.5, beta_2=0.9, epsilon=1e-3)], ids=["default", "other"]
)
@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_adam_is_keras_adam(recipe, scale):
    """With gradients of 1e-6 epsilon is felt, and where it is added decides the result."""
    generator = np.random.default_rng(5)
    head = glorot_head(6, 1)
    gradients = [(generator.standard_normal(7) * scale).astype(np.float32) for _ in range(40)]
    state = State.start(head)
    for gradient in gradients:
        state = adam_step(state, gradient, recipe)
    both = [np.stack([-gradient, gradient], axis=1) for gradient in gradients]
    theta, first, second = slow_adam(np.vstack([head.kernel, head.bias]), both, recipe)
    assert state.step == 40
    assert np.abs(state.theta.T.ravel() - theta).max() < 2e-6
    assert np.allclose(state.first, first[1::2], rtol=1e-4, atol=1e-6 * scale)
    assert np.allclose(state.second, second[1::2], rtol=1e-4, atol=0)


def test_adam_is_not_pytorchs_adam_where_epsilon_is_felt():
    recipe, gradient = Recipe(), np.full(3, 1e-7, np.float32)
    head = Head(np.zeros((2, 2), np.float32), np.zeros(2, np.float32))
    ours = adam_step(State.start(head), gradient, recipe).theta[:, 0]
    # Keras: lr sqrt(1-b2)/(1-b1) (1-b1) g / (sqrt(1-b2) g + eps) = lr s g / (s g + eps), with s = sqrt(0.001)
    s = math.sqrt(1 - 0.999)
    change = 0.001 * s * 1e-7 / (s * 1e-7 + 1e-7)
    assert ours.tolist() == pytest.approx([change, -change], rel=1e-4)
    # PyTorch: lr g / (g + eps)
    weight = torch.zeros(1, requires_grad=True)
    weight.grad = torch.full((1,), 1e-7)
    torch.optim.Adam([weight], lr=0.001, eps=1e-7).step()
    assert weight.item() == pytest.approx(-0.001 * 1e-7 / (1e-7 + 1e-7), rel=1e-4)


# ---- an epoch ----


def slow_epoch(head, rows, labels, recipe, epoch=1):
    """An epoch in float64, row by row."""
    weight = recipe.class_weight or reference_class_weight(labels)
    theta = np.vstack([head.kernel, head.bias]).astype(np.float64)
    m, v, t = np.zeros_like(theta), np.zeros_like(theta), 0
    order = epoch_order(len(rows), recipe, epoch)
    losses, yes = [], {}
    for first in range(0, len(order), recipe.batch):
        index = order[first : first + recipe.batch]
        gradient = np.zeros_like(theta)
        for row in index:
            x = np.append(rows[row].astype(np.float64), 1.0)
            p = softmax(x @ theta)
            losses.append(-math.log(p[labels[row]]) * weight[labels[row]])
            yes[row] = p[1] >= 0.5
            by_logit = p - np.eye(2)[labels[row]]
            gradient += np.outer(x, by_logit) * weight[labels[row]] / len(index)
        t += 1
        m, v = recipe.beta_1 * m + (1 - recipe.beta_1) * gradient, recipe.beta_2 * v + (1 - recipe.beta_2) * gradient**2
        alpha = recipe.learning_rate * math.sqrt(1 - recipe.beta_2**t) / (1 - recipe.beta_1**t)
        theta = theta - alpha * m / (np.sqrt(v) + recipe.epsilon)
    hits = sum(yes[i] and labels[i] == 1 for i in yes)
    return theta, sum(losses) / len(losses), hits, t


@pytest.mark.parametrize("recipe", [Recipe(batch=16, learning_rate=0.01), Recipe(batch=7, shuffle=False, seed=3)])
def test_an_epoch_is_the_slow_epoch_in_float64(recipe):
    rows, labels = rows_and_labels(100)  # 100 = 6 x 16 + 4: the last, smaller batch counts
    head = glorot_head(12, recipe.seed)
    state, result = train_epoch(State.start(head), rows, labels, recipe)
    theta, loss, hits, steps = slow_epoch(head, rows, labels, recipe)
    assert state.step == steps == math.ceil(100 / recipe.batch)
    assert state.epoch == 1
    assert np.abs(state.theta.T - theta).max() < 1e-5
    assert result.loss == pytest.approx(loss, rel=1e-5)
    assert result.table.tp == hits
    table = result.table
    assert table.tp + table.fn == labels.sum()
    assert table.tp + table.fn + table.fp + table.tn == 100


def test_the_last_partial_batch_moves_the_head_and_counts_by_its_rows():
    rows, labels = rows_and_labels(65, seed=4)
    recipe = Recipe(shuffle=False, learning_rate=1e-9, class_weight=(1.0, 2.0))  # so slow that the head hardly moves
    heard = []
    state, result = train_epoch(State.start(glorot_head(12, 0)), rows, labels, recipe, progress=heard.append)
    assert heard == [64, 1]
    assert state.step == 2
    head = glorot_head(12, 0)
    weights = np.where(labels == 1, 2.0, 1.0)
    log_odds = head.log_odds(rows)
    first, last = (
        reference_loss(log_odds[part], labels[part], weights[part]) for part in (slice(0, 64), slice(64, 65))
    )
    assert result.loss == pytest.approx((64 * first + 1 * last) / 65, rel=1e-6)


def test_an_epoch_leaves_the_state_it_began_from_as_it_was():
    rows, labels = rows_and_labels(50)
    state = State.start(glorot_head(12, 0))
    before = (state.theta.copy(), state.first.copy(), state.second.copy())
    after, _ = train_epoch(state, rows, labels, Recipe())
    assert all(np.array_equal(a, b) for a, b in zip(before, (state.theta, state.first, state.second), strict=True))
    head = after.head
    head.kernel[...] = 0
    assert not np.array_equal(after.theta[:, :-1].T, head.kernel)


def test_the_second_epoch_goes_on_where_the_first_ended():
    rows, labels = rows_and_labels(70)
    state = State.start(glorot_head(12, 0))
    for expected_step in (2, 4):
        state, _ = train_epoch(state, rows, labels, Recipe())
        assert state.step == expected_step
    assert state.epoch == 2


def test_training_learns_what_can_be_learned():
    rows, labels = rows_and_labels(600, seed=8)
    rows[:, 0] = labels
    state = State.start(glorot_head(12, 0))
    recipe = Recipe(learning_rate=0.05, epochs=10)
    for _ in range(recipe.epochs):
        state, result = train_epoch(state, rows, labels, recipe)
    assert result.table.tss > 0.95
    assert validate(state.head, rows, labels, clip=0).table.tss > 0.95


def test_results_do_not_depend_on_the_number_of_blas_threads():
    generator = np.random.default_rng(0)
    rows = generator.random((700, FEATURES), np.float32)
    labels = (generator.random(700) < 0.3).astype(np.int64)
    outcomes = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            state, trained = train_epoch(State.start(glorot_head(FEATURES, 0)), rows, labels, Recipe())
            validated = validate(state.head, rows, labels, clip=0)
        moments = (state.theta.tobytes(), state.first.tobytes(), state.second.tobytes())
        outcomes.append((moments, trained, validated, state.head.log_odds(rows).tobytes()))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("learning_rate", [0.001, 1e38])  # the second ends in numbers that are none
def test_the_compiled_step_has_the_bytes_of_numpys(learning_rate, monkeypatch):
    if not native_available():
        pytest.skip("nothing can be compiled here")
    rows, labels = rows_and_labels(150)
    recipes = [
        Recipe(learning_rate=rate, epsilon=1e-3 * rate, class_weight=(1.0, 3.0)) for rate in (learning_rate, 0.1)
    ]
    first = [State.start(glorot_head(12, 0)) for _ in recipes]
    found = []
    for step in (compiled_step, lambda: None):
        monkeypatch.setattr(together_module, "compiled_step", step)
        states = [state for state, _ in train_together(first, rows, [labels] * 2, recipes)]
        found.append([state for state, _ in train_together(states, rows, [labels] * 2, recipes)])
    for ours, numpys in zip(*found, strict=True):
        for name in ("theta", "first", "second"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(numpys, name))


@pytest.mark.parametrize(("clip", "compiled"), [(0.0, True), (1e-7, True), (0.0, False)])
def test_heads_trained_together_have_the_bytes_of_heads_trained_alone(clip, compiled, monkeypatch):
    if not compiled:
        monkeypatch.setattr(products_module, "compiled_products", lambda: None)
    rows, labels = rows_and_labels(150)
    recipes = [
        Recipe(learning_rate=rate, class_weight=weight, clip=clip)
        for rate in (0.001, 0.1)
        for weight in ((1.0, 1.0), (1.0, 4.0))
    ]
    together = [State.start(glorot_head(12, 0)) for _ in recipes]
    alone = list(together)
    for _ in range(2):
        found = train_together(together, rows, [labels] * len(recipes), recipes)
        singly = [train_epoch(state, rows, labels, recipe) for state, recipe in zip(alone, recipes, strict=True)]
        for (state, result), (expected, expected_result) in zip(found, singly, strict=True):
            for name in ("theta", "first", "second"):
                assert getattr(state, name).tobytes() == getattr(expected, name).tobytes()
            assert (state.step, state.epoch, result) == (expected.step, expected.epoch, expected_result)
        together, alone = [state for state, _ in found], [state for state, _ in singly]


def test_several_heads_need_no_more_memory_than_one():
    rows = np.random.default_rng(0).random((100_000, 4), np.float32)
    labels = (rows[:, 0] > 0.7).astype(np.int8)
    peaks = []
    for heads in (6, 1, 6):  # the first makes what is made once
        recipes = [Recipe(class_weight=(1.0, 2.0), batch=1024)] * heads
        states = [State.start(glorot_head(4, 0)) for _ in recipes]
        tracemalloc.start()
        train_together(states, rows, [labels] * heads, recipes)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] - peaks[1] < 100_000 * 5 * 4  # one number of 4 bytes a row for each further head would be more


def test_rows_in_several_blocks_are_counted_as_in_one(monkeypatch):
    rows, labels = rows_and_labels(1000)
    recipes = [Recipe(class_weight=(1.0, 2.0), batch=32), Recipe(class_weight=(1.0, 9.0), batch=32)]
    found = []
    for size in (1_000, 64):
        monkeypatch.setattr(blocks_module, "BLOCK_ROWS", size)
        states = [State.start(glorot_head(12, 0)) for _ in recipes]
        found.append(train_together(states, rows, [labels] * 2, recipes))
    for (whole, result), (state, in_blocks) in zip(*found, strict=True):
        assert state.theta.tobytes() == whole.theta.tobytes()
        assert in_blocks.table == result.table
        assert in_blocks.loss == pytest.approx(result.loss, rel=1e-14)


# ---- rows on their way ----


@given(count=st.integers(0, 300), size=st.integers(1, 150), seed=st.integers(0, 9))
def test_batches_are_the_rows_in_the_order_asked_for(count, size, seed):
    rows = np.random.default_rng(seed).random((50, 3), np.float32)
    order = np.random.default_rng(seed).integers(0, 50, count)
    found = list(batches(rows, order, size))
    assert [len(batch) for batch in found] == [min(size, count - start) for start in range(0, count, size)]
    assert np.array_equal(np.concatenate([np.empty((0, 3), np.float32), *found]), rows[order])


def test_a_caller_that_stops_leaves_no_thread_and_few_copies():
    rows = CountingRows(np.zeros((5000, 3), np.float32))
    stream = batches(rows, np.arange(5000), GATHER)
    next(stream)
    stream.close()
    assert "gather" not in {thread.name for thread in threading.enumerate()}
    assert len(rows.asked) <= AHEAD + 1


def test_rows_that_fail_end_the_training_with_their_error():
    class Failing(CountingRows):
        def __getitem__(self, index):
            if len(self.asked) == 3:
                raise OSError("the disk is gone")
            return super().__getitem__(index)

    rows, labels = rows_and_labels(1000)
    with pytest.raises(OSError, match="the disk is gone"):
        train_epoch(State.start(glorot_head(12, 0)), Failing(rows), labels, Recipe())


def test_the_benchmark_measures_both_sides():
    path = Path(__file__).parents[1] / "benchmarks" / "head_epoch.py"
    spec = importlib.util.spec_from_file_location("head_epoch", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    threads = torch.get_num_threads()
    try:
        found = module.measure(300, 2)
    finally:
        torch.set_num_threads(threads)
    assert found["name"] == "an epoch of the head on 300 rows"
    for side in ("ours", "alternative"):
        assert found[side]["unit"] == "s"
        assert len(found[side]["samples"]) == 2


# ---- forecasts ----


class CountingRows:
    """Rows that note how many are asked for at a time."""

    def __init__(self, rows):
        self.rows, self.asked = rows, []

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        self.asked.append(len(index))
        return self.rows[index]


def test_a_long_table_is_scored_in_chunks():
    rows = CountingRows(np.random.default_rng(0).random((GATHER + 5, 3), np.float32))
    head = glorot_head(3, 0)
    probability = head.probability(rows)
    assert rows.asked == [GATHER, 5]
    logits = rows.rows.astype(np.float64) @ head.kernel + head.bias
    assert np.abs(probability - softmax(logits)[:, 1]).max() < 1e-6
    assert head.log_odds(np.empty((0, 3), np.float32)).shape == (0,)


def test_validation_is_unweighted_and_an_even_forecast_is_yes():
    head = Head(np.zeros((2, 2), np.float32), np.zeros(2, np.float32))
    result = validate(head, np.ones((5, 2), np.float32), np.array([1, 1, 0, 0, 0]), clip=0)
    assert result.loss == pytest.approx(math.log(2))
    assert result.table.counts() == {"tp": 2, "tn": 0, "fp": 3, "fn": 0}


@pytest.mark.parametrize(("clip", "loss"), [(0.0, 100.0), (1e-7, -math.log(1e-7))])
def test_validation_clips_as_the_recipe_says(clip, loss):
    head = Head(np.array([[50, -50]], np.float32), np.zeros(2, np.float32))
    assert validate(head, np.ones((1, 1), np.float32), np.array([1]), clip=clip).loss == pytest.approx(loss)
