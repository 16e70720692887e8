"""Are the forecasts and gradients of several heads the sums they should be, with the bytes that each head has alone?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.heads import products as products_module
from flarescope.heads.product_steps import LANES, Tiles, tiles_for
from flarescope.heads.products import Products, compile_products
from flarescope.native.available import native_available

needs_native = pytest.mark.skipif(not native_available(), reason="nothing can be compiled here")

SIZES = {
    "heads": st.integers(1, 11),
    "rows": st.integers(1, 70),
    "features": st.integers(1, 80),
    "seed": st.integers(0, 9),
}


def made(heads, rows, features, seed):
    generator = np.random.default_rng(seed)
    x, own = generator.standard_normal((rows, features)), generator.standard_normal((heads, features + 1))
    return [one.astype(np.float32) for one in (x, own, generator.standard_normal((heads, rows)))]


def products(x, heads, pulls):
    """Give log-odds and gradients; what is beside them in memory must stay as it is."""
    gradients, log_odds = (
        np.full((len(heads), heads.shape[1] + 3), 7, np.float32),
        np.full((len(heads), len(x) + 3), 7.0),
    )
    log_odds = log_odds.astype(np.float32)
    both = Products(heads, gradients[:, : heads.shape[1]])
    both.forecast(x, log_odds[:, : len(x)])
    both.pull(x, pulls)
    assert (gradients[:, heads.shape[1] :] == 7).all()
    assert (log_odds[:, len(x) :] == 7).all()
    return log_odds[:, : len(x)], gradients[:, : heads.shape[1]]


def in_float64(x, heads, pulls):
    x, heads, pulls = (one.astype(float) for one in (x, heads, pulls))
    return heads[:, :-1] @ x.T + heads[:, -1:], np.hstack([pulls @ x, pulls.sum(axis=1, keepdims=True)])


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_native), False])
@given(**SIZES)
def test_products_are_those_of_float64(compiled, heads, rows, features, seed):
    arrays = made(heads, rows, features, seed)
    with pytest.MonkeyPatch.context() as patch:
        if not compiled:
            patch.setattr(products_module, "compiled_products", lambda: None)
        found = products(*arrays)
    for ours, expected in zip(found, in_float64(*arrays), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-4)


@needs_native
@given(**SIZES)
def test_a_head_and_a_row_have_the_bytes_that_they_have_alone(heads, rows, features, seed):
    x, own, pulls = made(heads, rows, features, seed)
    log_odds, gradients = products(x, own, pulls)
    for head in range(heads):
        alone, pulled = products(x, own[head : head + 1], pulls[head : head + 1])
        assert alone.tobytes() == log_odds[head].tobytes()
        assert pulled.tobytes() == gradients[head].tobytes()
    for row in range(0, rows, 9):
        assert products(x[row : row + 1], own, pulls[:, row : row + 1])[0].tobytes() == log_odds[:, row].tobytes()


@pytest.fixture(scope="module")
def other_instructions():
    """The same on another processor: other tiles, and one without AVX512."""
    found = [compile_products(Tiles({1: 1}, {1: 1})), compile_products(Tiles({4: 3, 2: 2, 1: 5}, {2: 5, 1: 3}))]
    return [*found, compile_products(tiles_for({"avx2"}), "-avx512f")]


@needs_native
@pytest.mark.parametrize("features", [1, 15, 16, 29, 2 * LANES, 3 * LANES, 384, 1280])
def test_the_bytes_are_those_of_every_processor(other_instructions, features):
    arrays = made(11, 37, features, 0)
    expected = [one.tobytes() for one in products(*arrays)]
    for instructions in other_instructions:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(products_module, "compiled_products", lambda: instructions)  # noqa: B023 - called at once
            assert [one.tobytes() for one in products(*arrays)] == expected


@needs_native
def test_the_order_of_a_forecasts_terms_is_as_it_is_written_down():
    x, heads, pulls = made(1, 1, 2 * LANES, 3)
    x[:], heads[:] = np.round(x), np.round(heads)  # each product is a whole number: sums have no rounding, in any order
    heads[0, 0], x[0, 0] = 2.0**24, 1
    heads[0, LANES], x[0, LANES] = 1, 1  # the next term of the same partial sum: lost beside 2^24
    lanes = [np.float32(0)] * LANES
    for column in range(2 * LANES):
        lanes[column % LANES] += x[0, column] * heads[0, column]
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [lanes[place] + lanes[half + place] for place in range(half)]
    total = lanes[0] + heads[0, -1]
    assert products(x, heads, pulls)[0][0, 0] == total


def test_numbers_that_are_not_side_by_side_are_refused():
    with pytest.raises(ValueError, match="float32"):
        Products(np.zeros((2, 3)), np.zeros((2, 3), np.float32))


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_native), False])
@pytest.mark.parametrize("features", [20, 22, 4096])
def test_rows_of_another_width_are_refused(compiled, features, monkeypatch):
    if not compiled:
        monkeypatch.setattr(products_module, "compiled_products", lambda: None)
    _, heads, pulls = made(2, 9, 21, 1)
    with pytest.raises(ValueError, match=r"features|shape|dim"):
        Products(heads, heads.copy()).forecast(np.zeros((9, features), np.float32), pulls)
    with pytest.raises(ValueError, match=r"features|shape|dim|array"):
        Products(heads, heads.copy()).pull(np.zeros((9, features), np.float32), pulls)


@needs_native
def test_rows_of_another_kind_are_taken_as_float32():
    x, heads, pulls = made(2, 9, 21, 1)
    expected = products(x, heads, pulls)
    for other in (x.astype(float), np.asfortranarray(x)):
        for ours, theirs in zip(products(other, heads, pulls), expected, strict=True):
            assert ours.tobytes() == theirs.tobytes()
