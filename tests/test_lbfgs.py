"""Does L-BFGS find the head with the smallest loss: the one that scikit-learn finds, whatever the features' scale?"""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from flarescope.errors import FlarescopeError, InputError
from flarescope.heads import lbfgs
from flarescope.heads.adam import State
from flarescope.heads.head import Recipe, glorot_head
from flarescope.heads.lbfgs import fit, standardise
from flarescope.heads.result import result_of
from flarescope.heads.together import train_epoch


def made(count=700, features=25, seed=0):
    """Correlated features, none negative, of very different scales; the last is constant and the first is dead."""
    generator = np.random.default_rng(seed)
    hidden = generator.standard_normal((count, 6))
    x = np.maximum(hidden @ generator.standard_normal((6, features)) + generator.standard_normal((count, features)), 0)
    x *= 10.0 ** generator.uniform(-3, 3, features)
    x[:, 0], x[:, -1] = 0, 7
    labels = (hidden[:, 0] + generator.standard_normal(count) > 1).astype(np.int64)
    return x.astype(np.float32), labels


@pytest.mark.parametrize("l2", [1e-4, 1e-2])
@pytest.mark.parametrize("class_weight", [(1.0, 1.0), None])
def test_the_optimum_is_scikit_learns(l2, class_weight):
    x, labels = made()
    recipe = Recipe(solver="lbfgs", l2=l2, class_weight=class_weight)
    found = fit(x, labels, recipe)
    weight = dict(enumerate(class_weight or (1.0, (labels == 0).sum() / (labels == 1).sum())))
    scaler = StandardScaler().fit(x.astype(np.float64))
    theirs = LogisticRegression(C=1 / (l2 * len(x)), class_weight=weight, tol=1e-10, max_iter=10000)
    theirs.fit(scaler.transform(x.astype(np.float64)), labels)
    ours = (found.head.kernel[:, 1] - found.head.kernel[:, 0]) * scaler.scale_
    assert np.abs(ours[1:-1] - theirs.coef_[0, 1:-1]).max() < 1e-4
    assert (
        np.abs(found.head.log_odds(x) - theirs.decision_function(scaler.transform(x.astype(np.float64)))).max() < 1e-3
    )
    assert found.converged
    assert 3 < found.iterations < lbfgs.ITERATIONS


def test_the_head_is_antisymmetric_and_dead_features_have_no_weight():
    x, labels = made()
    head = fit(x, labels, Recipe(solver="lbfgs")).head
    assert head.kernel.shape == (25, 2)
    assert head.kernel.dtype == head.bias.dtype == np.float32
    assert np.array_equal(head.kernel[:, 0], -head.kernel[:, 1])
    assert head.bias[0] == -head.bias[1]
    assert head.kernel[0].tolist() == head.kernel[-1].tolist() == [0, 0]


def test_the_scale_of_the_features_changes_no_forecast():
    x, labels = made()
    scale = np.float32(2) ** np.random.default_rng(1).integers(-8, 8, x.shape[1]).astype(np.float32)
    one, other = (fit(rows, labels, Recipe(solver="lbfgs", l2=1e-3)).head.log_odds(rows) for rows in (x, x * scale))
    assert np.abs(one - other).max() < 1e-3


def test_no_loss_of_adam_is_smaller():
    x, labels = made()
    x /= x.std(axis=0) + 1
    recipe = Recipe(learning_rate=0.01)
    state = State.start(glorot_head(x.shape[1], 0))
    for _ in range(30):
        state, _ = train_epoch(state, x, labels, recipe)
    weights = np.where(labels == 1, (labels == 0).sum() / (labels == 1).sum(), 1.0)
    least = result_of(labels, fit(x, labels, Recipe(solver="lbfgs", l2=0)).head.log_odds(x), clip=0, weights=weights)
    assert least.loss < result_of(labels, state.head.log_odds(x), clip=0, weights=weights).loss


def test_mean_and_deviation_are_those_of_all_rows():
    x, _ = made()
    scaling = standardise(x)
    assert np.allclose(scaling.mean, x.mean(axis=0, dtype=np.float64), rtol=1e-12)
    assert np.allclose(scaling.inverse[1:-1], 1 / x[:, 1:-1].std(axis=0, dtype=np.float64), rtol=1e-6)
    assert scaling.inverse[0] == scaling.inverse[-1] == 0


def test_the_same_rows_give_the_same_bytes_and_progress_ends_at_its_total():
    x, labels = made()
    heard = []
    one, other = (fit(x, labels, Recipe(solver="lbfgs"), progress=lambda *done: heard.append(done)) for _ in range(2))
    assert one.head.kernel.tobytes() == other.head.kernel.tobytes()
    assert heard[0] == (1, lbfgs.ITERATIONS)
    assert heard[-1] == (lbfgs.ITERATIONS, lbfgs.ITERATIONS)


def test_features_that_are_not_finite_are_told():
    x, labels = made()
    x[5, 5] = np.inf
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(FlarescopeError, match="loss is nan: the features are"),
    ):
        fit(x, labels, Recipe(solver="lbfgs"))


def test_choices_without_meaning_are_refused():
    with pytest.raises(InputError, match=r"^--learning-rate, --epochs: without meaning for --solver lbfgs"):
        Recipe(solver="lbfgs", learning_rate=0.1, epochs=7)
    with pytest.raises(InputError, match=r"^--l2: without meaning for --solver adam"):
        Recipe(l2=1.0)
    with pytest.raises(InputError, match=r"^solver newton is out of range"):
        Recipe(solver="newton")


def test_a_search_cut_short_is_said_not_to_have_converged(monkeypatch):
    x, labels = made()
    monkeypatch.setattr(lbfgs, "ITERATIONS", 3)
    found = fit(x, labels, Recipe(solver="lbfgs"))
    assert found.iterations == 3
    assert not found.converged


def test_many_correlated_features_in_float32_converge():
    generator = np.random.default_rng(0)
    hidden = generator.standard_normal((2000, 30))
    x = np.maximum(hidden @ generator.standard_normal((30, 400)) + 0.1 * generator.standard_normal((2000, 400)), 0)
    labels = (hidden[:, 0] + generator.standard_normal(2000) > 1).astype(np.int64)
    assert fit(x.astype(np.float32), labels, Recipe(solver="lbfgs")).converged
