"""Do region models forecast what they were fitted to, in order, from nothing later, and do files hold them whole?"""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from flarescope import EventDefinition, FlarescopeWarning, InputError, region_model
from flarescope.catalog.noaa_flares import FlareList
from flarescope.regions.description import Description, describe
from flarescope.regions.grid import DAY, SHAPE, THRESHOLDS_W_M2, WINDOWS_H, at_event, at_events, ordered
from flarescope.regions.logistic import LEANING, LIMIT, fit_logistic, ridge_regression, standardised
from flarescope.regions.model import COLUMNS, NO_HISTORY, RegionModel
from flarescope.regions.model_file import from_json, read_model, region_columns, to_json, write_model
from flarescope.regions.outcomes import flare_counts, region_counts, unnumbered_counts
from flarescope.regions.rates import PRIOR_DAYS, fit_rates
from flarescope.regions.shipped import FOLDER, model_path
from flarescope.regions.trees import fitted, stacked, trees_of
from flarescope.regions.whole_disk import straight_line, together
from real_data import flares_since_1996, needs_real_data, reads_since_1996, region_days_since_1996
from test_region_features import flares_of, regions_of, utc

SHIPPED = region_model()
grids = hnp.arrays(float, (3, *SHAPE), elements=st.floats(0, 1))
hours = st.tuples(st.floats(0, 60), st.floats(12, 72)).filter(lambda pair: sum(pair) <= 72)


@given(grids)
def test_a_grid_in_order_implies_no_contradiction(grid):
    p = ordered(grid)
    assert (np.diff(p, axis=1) <= 0).all()
    for a, (start, length) in enumerate(WINDOWS_H):
        for b, (first, longer) in enumerate(WINDOWS_H):
            if first <= start and start + length <= first + longer:
                assert (p[:, :, a] <= p[:, :, b]).all()
    np.testing.assert_allclose(ordered(p), p, rtol=1e-12)


STEEP = np.zeros((3, *SHAPE))
STEEP[0, 0, 0] = STEEP[0, 1, 1] = 1.0


@example(STEEP, (0.0, 12.0), (0.0, 24.0), 0.7e-6, 6e-5)  # below C1.0 the shorter window rose above the longer one
@given(grids, hours, hours, st.floats(0.7e-6, 1e-4), st.floats(0.7e-6, 1e-4))
def test_any_class_and_window_keeps_the_order(grid, one, other, flux, more):
    p = ordered(grid)
    latency, window = one
    here = at_event(p, flux, window_hours=window, latency_hours=latency)
    assert ((here >= 0) & (here <= 1)).all()
    stronger = at_event(p, max(flux, more), window_hours=window, latency_hours=latency)
    assert (stronger <= here + 1e-12).all()
    longer = min(max(window, other[1]), 72 - latency)
    assert (here <= at_event(p, flux, window_hours=longer, latency_hours=latency) + 1e-12).all()
    assert (here <= at_event(p, flux, window_hours=latency + window) + 1e-12).all()


LATE = np.full((1, *SHAPE), 0.1)
LATE[..., WINDOWS_H.index((24, 48))] = LATE[..., WINDOWS_H.index((48, 24))] = 0.5  # all of it on the third day
LATE[..., WINDOWS_H.index((0, 72))] = 0.9


@example(LATE, [(24.0, 48.0), (36.0, 36.0)], [1e-5, 1e-5])  # asked alone the second is more probable than the first
@given(grids, st.lists(hours, min_size=2, max_size=5), st.lists(st.floats(0.7e-6, 1e-4), min_size=5, max_size=5))
def test_events_that_are_asked_for_together_keep_the_order(grid, windows, fluxes):
    p = ordered(grid)
    events = [(flux, window, latency) for (latency, window), flux in zip(windows, fluxes, strict=False)]
    found = at_events(p, events)
    for one, (flux, window, latency) in enumerate(events):
        for other, (least, longer, first) in enumerate(events):
            if flux >= least and first <= latency and latency + window <= first + longer:
                assert (found[:, one] <= found[:, other]).all()


def test_an_event_asked_for_with_others_that_are_in_order_is_as_it_is_alone():
    p = ordered(np.random.default_rng(0).random((4, *SHAPE)))
    events = [(1e-6, 24.0, 0.0), (1e-5, 24.0, 0.0), (1e-5, 48.0, 0.0), (1e-5, 48.0, 24.0)]
    alone = [at_event(p, flux, window_hours=window, latency_hours=start) for flux, window, start in events]
    np.testing.assert_array_equal(at_events(p, events), np.stack(alone, axis=1))


def test_the_events_of_the_grid_are_themselves():
    p = ordered(np.random.default_rng(0).random((4, *SHAPE)))
    for t, flux in enumerate(THRESHOLDS_W_M2):
        for w, (latency, window) in enumerate(WINDOWS_H):
            found = at_event(p, flux, window_hours=window, latency_hours=latency)
            np.testing.assert_allclose(found, p[:, t, w], rtol=1e-9)


def test_between_the_classes_the_flares_fall_as_a_power_of_the_flux():
    expected = np.full((1, *SHAPE), 0.08) / np.array([1, 2, 4, 8, 16, 32]).reshape(1, -1, 1)
    p = -np.expm1(-expected)
    # Halfway in the log between M1.0 (.01) and M5.0 (.005): M2.236, the square root of the product.
    assert -np.log1p(-at_event(p, np.sqrt(1e-5 * 5e-5)))[0] == pytest.approx(np.sqrt(0.01 * 0.005))
    # C1.0 to C2.0 halves it, so that C0.7 has 2^(log2(1/.7)) = 1/.7 times that of C1.0.
    assert -np.log1p(-at_event(p, 0.7e-6))[0] == pytest.approx(0.08 / 0.7)


@pytest.mark.parametrize(
    ("flux", "window", "latency", "words"),
    [
        (0.6e-6, 24, 0, "class B6.0"),
        (2e-4, 24, 0, "class X2.0"),
        (1e-6, 96, 0, "a window of 96 h"),
        (1e-6, 48, 30, "begins after 30 h"),
        (1e-6, 6, 0, "12 h or more"),
    ],
)
def test_what_the_grid_does_not_reach_is_refused(flux, window, latency, words):
    with pytest.raises(InputError, match=words):
        at_event(np.full((1, *SHAPE), 0.1), flux, window_hours=window, latency_hours=latency)


def test_flares_count_in_the_window_after_its_beginning_until_its_end():
    regions = regions_of(("2014-10-22", 7, "Fkc", 100, 0.0, 1), ("2014-10-22", 8, "Axx", 10, 0.0, 1))
    flares = flares_of(
        ("2014-10-22T00:30", "X1.0", 7),  # at the moment of issue: before
        ("2014-10-22T00:31", "M5.0", 7),
        ("2014-10-23T00:30", "C2.0", 7),  # the last moment of the first day
        ("2014-10-23T00:31", "C1.0", 7),  # the second day
        ("2014-10-22T05:00", "X1.0", None),
        ("2014-10-22T05:10", "C9.0", 9),  # a region that has no row
    )
    counts = region_counts(regions, flares)
    windows = [WINDOWS_H.index(window) for window in ((0, 12), (0, 24), (0, 48), (24, 24), (24, 48), (48, 24))]
    assert counts[0, 0, windows].tolist() == [1, 2, 3, 1, 1, 0]
    assert counts[0, :, DAY].tolist() == [2, 2, 1, 1, 1, 0]
    assert counts[1].sum() == 0
    outside = unnumbered_counts(regions["issued"][:1], regions, flares)
    assert outside[0, :, DAY].tolist() == [2, 2, 2, 1, 1, 1]
    none = flare_counts(regions["issued"], np.zeros(2, int), flares_of(), np.zeros(0, int))
    assert none.sum() == 0


def described_by(now, before, numbers=None):
    numbers = pd.DataFrame(index=range(len(now))) if numbers is None else numbers
    known = np.ones(len(now), bool)
    return Description(numbers, {}, np.array(now), np.array(before), known, known)


def test_mcstat_is_the_poisson_probability_of_the_mean_number_of_flares():
    counts = np.zeros((5, *SHAPE), int)
    counts[:, 0, DAY] = [3, 0, 1, 0, 0]
    now = ["FKC", "FKC", "FKO", "AXX", "AXX"]
    model = fit_rates("mcintosh", described_by(now, [""] * 5), counts)
    of_all = 4 / 5
    of_f = (4 + PRIOR_DAYS * of_all) / (3 + PRIOR_DAYS)
    of_fkc = (3 + PRIOR_DAYS * of_f) / (2 + PRIOR_DAYS)
    found = model.forecast(described_by(["FKC", "FSI", "", "BXO"], [""] * 4))[:, 0, DAY]
    assert found == pytest.approx(1 - np.exp(-np.array([of_fkc, of_f, of_all, of_all])))


def test_mcevol_tells_the_class_of_the_day_before():
    counts = np.zeros((4, *SHAPE), int)
    counts[:, 0, DAY] = [2, 2, 0, 0]
    described = described_by(["DSO"] * 4, ["CSO", "CSO", "EKI", ""])
    model = fit_rates("mcevol", described, counts)
    grew, fell, unseen = model.forecast(described_by(["DSO"] * 3, ["CSO", "EKI", "FKC"]))[:, 0, DAY]
    of_class = 1.0  # 4 flares on 4 days, as of all
    assert grew == pytest.approx(1 - np.exp(-(4 + PRIOR_DAYS * of_class) / (2 + PRIOR_DAYS)))
    assert fell == pytest.approx(1 - np.exp(-(0 + PRIOR_DAYS * of_class) / (1 + PRIOR_DAYS)))
    assert unseen == pytest.approx(1 - np.exp(-of_class))


def test_climatology_is_the_share_of_days_with_an_event():
    counts = np.zeros((4, *SHAPE), int)
    counts[0, 0, DAY] = 9
    found = fit_rates("climatology", described_by(["AXX"] * 4, [""] * 4), counts).forecast(described_by(["FKC"], [""]))
    assert found[0, 0, DAY] == pytest.approx(1 / 4)


@pytest.fixture(scope="module")
def made():
    """Made numbers, some unknown, and events that they tell of."""
    rng = np.random.default_rng(3)
    numbers = pd.DataFrame(rng.normal(size=(600, 4)), columns=["area", "spots", "rate_24h", "extent_deg"])
    strength = numbers["area"] + rng.normal(size=600)
    counts = (strength.to_numpy()[:, None, None] > np.linspace(0, 2, SHAPE[0])[:, None]) * np.ones(SHAPE, int)
    numbers = numbers.mask(rng.random(numbers.shape) < 0.05)
    return described_by(["DSO"] * 600, [""] * 600, numbers), counts > 0


def test_the_regression_is_that_of_scikit_learn(made):
    from sklearn.linear_model import LogisticRegression

    described, labels = made
    model = fit_logistic(described, labels, ["area", "spots", "rate_24h"])
    z = standardised(described.numbers[list(model.columns)].to_numpy(), model.mean, model.scale)
    exact = LogisticRegression(C=0.003, solver="newton-cholesky", tol=1e-12)
    theirs = exact.fit(z, labels[:, 2, 1]).predict_proba(z)[:, 1]
    np.testing.assert_allclose(model.forecast(described)[:, 2, 1], theirs, rtol=0, atol=1e-9)


def test_the_weights_of_rare_classes_lean_on_those_of_frequent_ones(made):
    described, labels = made
    model = fit_logistic(described, labels, ["area", "spots"])
    z = standardised(described.numbers[["area", "spots"]].to_numpy(), model.mean, model.scale)
    c5, m1 = (model.weights.reshape(2, *SHAPE)[:, place, DAY] for place in (2, 3))
    # Where the loss is least, what the rows pull is what the difference from the other class's weights pulls back.
    p = model.forecast(described)[:, 3, DAY]
    assert z.T @ (labels[:, 3, DAY] - p) == pytest.approx((m1 - c5) / LEANING, rel=1e-5)
    assert labels[:, 3, DAY].sum() == pytest.approx(p.sum())
    rigid, _ = ridge_regression(z, labels[:, 3, DAY], c5, 1e-12)
    assert rigid == pytest.approx(c5, abs=1e-9)


def test_a_number_far_from_all_others_counts_as_the_limit():
    found = standardised(np.array([[1.0, 900.0, np.nan], [2.0, -3.0, 4.0]]), np.ones(3), np.full(3, 2.0))
    assert found.tolist() == [[0, LIMIT, 0], [0.5, -2, 1.5]]


def test_an_event_that_never_came_is_forecast_as_rare(made):
    described, labels = made
    found = fit_logistic(described, labels & False, ["area"]).forecast(described)
    assert found == pytest.approx(0.5 / 601)


def test_the_trees_are_those_of_scikit_learn_and_fall_with_the_class(made):
    described, labels = made
    columns = tuple(described.numbers)
    numbers = described.numbers.to_numpy()
    boosted = fitted(numbers, labels)
    ours = trees_of(boosted, columns)
    rows = stacked(np.concatenate([numbers, np.full((1, 4), np.nan)]))
    np.testing.assert_allclose(ours.of_numbers(rows), boosted.decision_function(rows), rtol=0, atol=1e-12)
    assert (np.diff(ours.log_odds(described), axis=1) <= 0).all()


def test_the_disk_has_no_flare_where_no_region_has_one_and_nothing_outside():
    p = np.broadcast_to(np.array([0.5, 0.2, 0.1])[:, None, None], (3, *SHAPE))
    outside = np.full((3, *SHAPE), 0.1)
    found = together(p, np.array([0, 0, 1]), outside)
    assert found[:, 0, 0] == pytest.approx([1 - 0.5 * 0.8 * 0.9, 1 - 0.9 * 0.9, 0.1])


def test_a_calibration_is_left_alone_where_there_is_nothing_to_learn_it_from():
    rng = np.random.default_rng(0)
    raw = rng.normal(size=4000)
    happened = rng.random(4000) < 1 / (1 + np.exp(-(2 * raw - 1)))
    assert straight_line(raw, happened) == pytest.approx((2, -1), abs=0.2)
    assert straight_line(raw, happened & (np.arange(4000) < 9)) == (1.0, 0.0)


def shipped_values():
    return json.loads(model_path().read_text())


def test_the_file_of_a_model_holds_it_to_the_last_bit(tmp_path):
    model = region_model()
    write_model(model, tmp_path / "model.json")
    again = read_model(tmp_path / "model.json")
    assert to_json(again) == to_json(model) == shipped_values()
    assert repr(region_model(tmp_path)) == repr(model)
    assert len(repr(model)) < 200


def changed(change):
    values = shipped_values()
    del values["content"]
    change(values)
    return values


def test_a_file_that_was_changed_since_is_refused():
    values = shipped_values()
    values["regional"]["logistic"]["intercept"][0] += 1e-9
    with pytest.raises(InputError, match="changed after it was written"):
        from_json(values, "model.json")


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(form=1),
        lambda v: v.update(windows_h=[[0, 24]]),
        lambda v: v.pop("disk"),
        lambda v: v.update(name=7),
        lambda v: v.update(trained={"region_days": "many"}),
        lambda v: v["regional"].update(kind="forest"),
        lambda v: v["regional"]["logistic"]["mean"].pop(),
        lambda v: v["regional"]["logistic"]["scale"].__setitem__(0, 0),
        lambda v: v["regional"]["logistic"]["columns"].__setitem__(0, "sunspots"),
        lambda v: v["regional"]["logistic"]["weights"].__setitem__(0, "high"),
        lambda v: v["regional"]["trees"]["upper"].__setitem__(0, 0),  # a walk that never ends
        lambda v: v["regional"]["trees"]["feature"].__setitem__(0, 10**6),
        lambda v: v["regional"]["trees"]["roots"].__setitem__(0, -1),
        lambda v: v["regional"]["trees"].update(cut=[]),
        lambda v: v["disk"]["slope"][0].__setitem__(0, -1),
        lambda v: v["disk"].update(intercept=[[1e300] * SHAPE[1]] * SHAPE[0]),
    ],
)
def test_a_file_that_is_no_model_is_refused_in_one_line(change):
    with pytest.raises(InputError) as refused:
        from_json(changed(change), "model.json")
    assert str(refused.value).startswith("model.json: ")
    assert len(str(refused.value)) < 300


def test_a_path_without_a_model_is_refused(tmp_path):
    for wanted in (tmp_path, tmp_path / "none.json", "persistence"):
        with pytest.raises(InputError, match="no region model"):
            region_model(wanted)


def test_the_models_numbers_are_those_that_this_version_computes():
    described = describe(regions_of(("2014-10-22", 1, "Fkc", 9, 0.0, 1)), flares_of(), ())
    assert region_columns() == set(described.numbers)
    assert FOLDER.joinpath("regions.json").stat().st_size < 600_000


@given(st.integers(0, 10**6), st.floats(0, 100), st.floats(0, 1))
def test_whatever_the_numbers_are_the_shipped_model_keeps_the_order(seed, scale, unknown):
    rng = np.random.default_rng(seed)
    columns = sorted(region_columns())
    numbers = pd.DataFrame(rng.normal(scale=scale, size=(5, len(columns))), columns=columns)
    numbers = numbers.mask(rng.random(numbers.shape) < unknown)
    known = rng.random(5) < 0.5
    described = Description(numbers, {}, np.full(5, "FKC"), np.full(5, ""), known, known)
    p = SHIPPED.probabilities(described)
    assert ((p > 0) & (p < 1)).all()
    assert (np.diff(p, axis=1) <= 0).all()
    assert (np.diff(p[:, :, : DAY + 3], axis=2) >= 0).all()  # 12, 24, 48 and 72 h from the issue time on


def test_a_region_of_which_nothing_is_known_is_forecast_as_any_other():
    numbers = pd.DataFrame(np.nan, index=[0], columns=sorted(region_columns()))
    for known in (np.array([True]), np.array([False])):
        described = Description(numbers, {}, np.array([""]), np.array([""]), known, known)
        c, m, x = SHIPPED.probabilities(described)[0, [0, 3, 5], DAY]
        assert 0.02 < c < 0.3
        assert x < m < c / 3


LONG = [(utc("2014-09-01"), utc("2014-10-23"))]
GREAT = regions_of(
    *(("2014-10-2" + str(day), 12192, "Fkc", 2400, -26.0 + 13 * day, 247) for day in (0, 1, 2)),
    ("2014-10-22", 12195, "Bxo", 20, -40.0, 215),
)
FLARES = flares_of(
    *((f"2014-10-{day}T{hour}:10", "C5.0", 12192) for day in (20, 21) for hour in ("03", "09", "20")),
    ("2014-10-21T12:00", "M2.0", 12192),
)


def forecast(*args, **kwargs):
    return region_model().forecast(*args, **{"covered": LONG} | kwargs)


def test_a_forecast_has_each_region_and_the_disk_and_no_contradiction():
    found = forecast(GREAT, FLARES, "2014-10-22T00:30")
    assert found.dtypes.to_dict() == {name: pd.Series(dtype=dtype).dtype for name, dtype in COLUMNS.items()}
    assert found.groupby("noaa_ar", dropna=False).size().to_dict() == {12192: 9, 12195: 9, pd.NA: 9}
    wide = found.pivot_table(index=["noaa_ar", "window_h"], columns="event", values="probability", dropna=False)
    assert ((wide["X1.0"] < wide["M1.0"]) & (wide["M1.0"] < wide["C1.0"])).dropna().all()
    day = found[(found["event"] == "M1.0") & (found["window_h"] == 24)].set_index("noaa_ar")["probability"]
    assert day[12192] > 0.2 > 0.05 > day[12195]
    assert day[pd.NA] > 0.2
    assert set(found["model"]) == {"regions"}


def test_events_of_any_class_window_and_latency():
    events = [
        EventDefinition(threshold="M5.0", window_hours=36),
        EventDefinition(threshold="C1.0", window_hours=48),
        EventDefinition(threshold="C1.0", window_hours=48, latency_hours=24),
        EventDefinition(threshold="C3.3", window_hours=24, latency_hours=6, scope="disk"),
    ]
    found = forecast(GREAT, FLARES, "2014-10-22T00:30", events=events)
    assert found[["event", "window_h", "latency_h"]].drop_duplicates().values.tolist() == [
        ["M5.0", 36, 0],
        ["C1.0", 48, 0],
        ["C1.0", 48, 24],
        ["C3.3", 24, 6],
    ]
    assert found["noaa_ar"].isna().tolist() == [False] * 6 + [True]
    with pytest.raises(InputError, match=r"X5\.0"):
        forecast(GREAT, FLARES, events=[EventDefinition(threshold="X5.0")])


def test_without_flares_the_summaries_alone_are_used_and_that_is_said():
    for flares in (None, flares_of()):
        with pytest.warns(FlarescopeWarning, match="flare history unknown of the only forecast") as told:
            found = region_model().forecast(GREAT, flares, "2014-10-22T00:30")
        assert len(told) == 1
        assert set(found["model"]) == {"regions" + NO_HISTORY}
        day = found[(found["event"] == "C1.0") & (found["window_h"] == 24)].set_index("noaa_ar")["probability"]
        assert 0.5 < day[12192] < 0.98
        assert day[12195] < 0.25
    quiet = forecast(GREAT, flares_of(), "2014-10-22T00:30")  # known to have been quiet
    assert set(quiet["model"]) == {"regions"}
    lower = quiet["probability"] < forecast(GREAT, FLARES, "2014-10-22T00:30")["probability"]
    assert lower[quiet["noaa_ar"] != 12195].all()


def test_activity_of_a_rotation_that_is_not_known_is_said():
    short = [(utc("2014-10-15"), utc("2014-10-23"))]
    with pytest.warns(FlarescopeWarning, match="no flare list covers 90% of the 648 h before"):
        found = forecast(GREAT, FLARES, "2014-10-22T00:30", covered=short)
    assert set(found["model"]) == {"regions"}


def test_classes_of_todays_scale_are_turned_into_those_of_the_training():
    told = FlareList(FLARES.assign(flare="C1.0"), tuple(LONG), scales=("science",))
    plain = FlareList(FLARES.assign(flare="C1.0"), tuple(LONG), scales=("operational",))
    today, then = (region_model().forecast(GREAT, one, "2014-10-22T00:30") for one in (told, plain))
    # A C1.0 of today is a C0.7 of then: no flare of the history counts, and the event itself is easier.
    none = FlareList(flares_of(), tuple(LONG), scales=("science",))
    pd.testing.assert_frame_equal(today, region_model().forecast(GREAT, none, "2014-10-22T00:30"))
    assert not today.equals(then)
    stated = region_model().forecast(GREAT, told, "2014-10-22T00:30", flux_scale="operational")
    pd.testing.assert_frame_equal(stated, today)  # of a list that says its own a stated scale changes nothing
    mixed = FlareList(FLARES.assign(flare="C1.0"), tuple(LONG), scales=("operational", "science"))
    with pytest.warns(FlarescopeWarning, match="on different flux scales.*taken as on one of two flux scales: oper"):
        pd.testing.assert_frame_equal(region_model().forecast(GREAT, mixed, "2014-10-22T00:30"), then)
    both = forecast(GREAT, flares_of(), "2014-10-22T00:30", events=[EventDefinition(threshold="C1.4")])
    scaled = forecast(
        GREAT, flares_of(), "2014-10-22T00:30", events=[EventDefinition(threshold="C2.0")], flux_scale="science"
    )
    assert scaled["probability"].tolist() == pytest.approx(both["probability"].tolist())


def test_a_list_of_after_goes_16_that_does_not_say_its_scale_is_asked_for_it():
    later = GREAT.drop(columns="issued").assign(day=GREAT["day"] + pd.Timedelta(days=3653))
    with pytest.warns(FlarescopeWarning, match="does not say on which flux scale"):
        region_model().forecast(later, FLARES, covered=[(utc("2024-09-01"), utc("2024-10-23"))])


def test_a_day_without_a_region_has_a_forecast_of_the_disk_alone():
    none = GREAT[:1].assign(day=utc("2014-10-22"), noaa_ar=None, section=None).astype(GREAT.dtypes)
    found = forecast(pd.concat([GREAT[:2], none]), FLARES, "2014-10-22T00:30")
    assert found["noaa_ar"].isna().all()
    assert len(found) == 9


def test_what_cannot_be_forecast_is_refused():
    with pytest.raises(InputError, match="no region summary at or before 2014-10-19"):
        forecast(GREAT, FLARES, "2014-10-19")
    with pytest.raises(InputError, match="expected a time"):
        forecast(GREAT, FLARES, "tomorrow")
    with pytest.raises(InputError, match="region summaries: no column hale"):
        forecast(GREAT.drop(columns="hale"), FLARES)
    with pytest.raises(InputError, match="flares: no column time"):
        forecast(GREAT, FLARES.drop(columns="time"))
    with pytest.raises(InputError, match="issued before the day of its summary"):
        forecast(GREAT.assign(issued=utc("2014-10-20")), FLARES)
    with pytest.warns(FlarescopeWarning, match="newest region summary is of 2014-10-22, 60 h before"):
        forecast(GREAT, FLARES, "2014-10-24T12:00", covered=[(utc("2014-09-01"), utc("2014-10-25"))])


def test_what_comes_later_changes_nothing():
    later = flares_of(("2014-10-22T00:31", "X9.0", 12192), ("2014-10-22T09:00", "X9.0", 12195))
    grown = GREAT.iloc[-2:].assign(day=utc("2014-10-23"), area_msh=3000, mcintosh="Fkc").astype(GREAT.dtypes)
    told = forecast(pd.concat([GREAT, grown]), pd.concat([FLARES, later]), "2014-10-22T00:30")
    pd.testing.assert_frame_equal(told, forecast(GREAT, FLARES, "2014-10-22T00:30"))


@pytest.fixture(scope="module")
def since_1996():
    return region_days_since_1996()[0], flares_since_1996()


@needs_real_data
@reads_since_1996
def test_every_day_of_a_month_is_forecast_as_on_that_day_alone(since_1996):
    table, flares = since_1996
    october = table[table["day"].between(utc("2003-10-01"), utc("2003-11-05"))]
    whole = region_model().forecast(october, flares)
    for day in ("2003-10-18", "2003-10-29"):
        issued = utc(day) + pd.Timedelta(minutes=30)
        known = FlareList(flares.table[flares.table["time"] <= issued], ((flares.covered[0][0], issued),))
        alone = region_model().forecast(october[october["day"] <= utc(day)], known, issued)
        same = whole[whole["issued"] == issued].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, same, check_exact=False, rtol=1e-9)
    worst = whole[(whole["event"] == "X1.0") & (whole["window_h"] == 24)].sort_values("probability").iloc[-1]
    assert isinstance(region_model(), RegionModel)
    assert worst["issued"] in [utc("2003-10-29T00:30") + pd.Timedelta(days=days) for days in (-3, -2, -1, 0, 1, 5, 6)]
