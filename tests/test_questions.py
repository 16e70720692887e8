"""Are the questions of those who use forecasts answered as slow and plain ways answer them?"""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from flarescope.catalog.labels import label_by
from flarescope.cli.verification_tables import use_rows
from flarescope.events import EventDefinition
from flarescope.html_report.questions import said
from flarescope.scores.by_cluster import ByCluster
from flarescope.scores.cases import Sampling
from flarescope.scores.categorical import categorical_scores
from flarescope.scores.contingency import count
from flarescope.scores.questions.all_clear import all_clear
from flarescope.scores.questions.any_region import any_region, disk_rows
from flarescope.scores.questions.asked import Asked, answers, further_slices
from flarescope.scores.questions.base_rates import at_base_rates, scores_at
from flarescope.scores.questions.definitions import QUESTIONS
from flarescope.scores.questions.flare_by_flare import flare_by_flare
from flarescope.scores.questions.once_a_day import first_of_days, once_a_day
from flarescope.scores.questions.pairs import hours_to_peak, series_of
from flarescope.scores.questions.performance import csi_of, hit_rate_of
from flarescope.scores.questions.sliced import BEFORE, NOT_YET, history_of, lead_of
from flarescope.scores.questions.spread import spread
from flarescope.scores.questions.value import COST_LOSS, economic_value, value_curves
from flarescope.scores.verify import verify

EVENT = EventDefinition(threshold="M1.0", window_hours=24, rules="utc")
NO_INTERVALS = Sampling(0)
START = pd.Timestamp("2012-03-01", tz="UTC")


def table(regions=12, hours=120, step=6, seed=0):
    """Regions seen at the same times, each with its flares; labels by the rule, in a loop."""
    rng = np.random.default_rng(seed)
    times = [START + pd.Timedelta(hours=hour) for hour in range(0, hours, step)]
    rows, flares = [], []
    for region in range(11_400, 11_400 + regions):
        number = rng.poisson(1.5)
        peaks = sorted(START + pd.Timedelta(minutes=int(m)) for m in rng.integers(0, 60 * (hours + 24), number))
        flares += [(region, peak, rng.choice(["M1.2", "X1.0", "C5.0"])) for peak in peaks]
        strong = [peak for r, peak, name in flares if r == region and name[0] != "C"]
        for time in times:
            label = any(pd.Timedelta(0) < peak - time <= pd.Timedelta(hours=24) for peak in strong)
            p = np.clip(0.25 + 0.35 * label + 0.2 * rng.normal(), 0.01, 0.99)
            rows.append((region, time, int(label), round(float(p), 2)))
    frame = pd.DataFrame(rows, columns=["noaa_ar", "time", "label", "probability"])
    frame = frame.astype({"noaa_ar": "Int32", "label": "Int8"})
    listed = pd.DataFrame(flares, columns=["noaa_ar", "time", "flare"]).astype({"noaa_ar": "Int32"})
    covered = [(START - pd.Timedelta(days=30), START + pd.Timedelta(days=60))]
    return frame, SimpleNamespace(table=listed, covered=covered)


def by_of(frame, sampling=NO_INTERVALS):
    return ByCluster.of((frame["label"] == 1).to_numpy(bool), frame["noaa_ar"].astype("Int64"), sampling)


def parts(frame):
    return (frame["label"] == 1).to_numpy(bool), frame["probability"].to_numpy(float)


@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 50), st.integers(1, 50))
def test_the_performance_diagram_shows_csi_and_bias(tp, fn, fp, tn):
    scores = {name: float(value) for name, value in categorical_scores(*map(np.array, (tp, fn, fp, tn))).items()}
    assert csi_of(scores["precision"], scores["tpr"]) == pytest.approx(scores["csi"])
    assert scores["tpr"] / scores["precision"] == pytest.approx(scores["bias"])
    assert hit_rate_of(scores["precision"], csi=scores["csi"]) == pytest.approx(scores["tpr"])


@settings(max_examples=30)
@given(st.integers(0, 1000), st.floats(0.02, 0.98))
def test_the_value_is_what_users_save_day_by_day(seed, ratio):
    rng = np.random.default_rng(seed)
    labels, yes = rng.random(60) < 0.3, rng.random(60) < 0.4
    if labels.all() or not labels.any():
        return
    pays = sum(ratio if says else float(came) for says, came in zip(yes, labels, strict=True))
    without = min(60 * ratio, labels.sum())
    perfect = ratio * labels.sum()
    found = count(labels, yes)
    value = economic_value(found.tpr, 1 - found.tnr, labels.mean(), ratio)
    assert value == pytest.approx((without - pays) / (without - perfect))
    assert economic_value(1, 0, labels.mean(), ratio) == pytest.approx(1)
    assert economic_value(found.tpr, 1 - found.tnr, labels.mean(), labels.mean()) == pytest.approx(found.tss)


def test_a_user_who_believes_the_probabilities_pays_from_his_ratio_on():
    frame, _ = table()
    labels, p = parts(frame)
    found = value_curves(labels, p, 0.5, by_of(frame, Sampling(50)))
    at = list(COST_LOSS).index(0.3)
    one = count(labels, p >= 0.3)
    assert found["own"]["value"][at] == pytest.approx(economic_value(one.tpr, 1 - one.tnr, labels.mean(), 0.3))
    fixed = count(labels, p >= 0.5)
    assert found["decision"]["value"][at] == pytest.approx(economic_value(fixed.tpr, 1 - fixed.tnr, labels.mean(), 0.3))
    assert found["own"]["low"][at] <= found["own"]["value"][at] <= found["own"]["high"][at]


@pytest.mark.parametrize("digits", [2, 9])
def test_quiet_at_fixed_misses_is_that_of_the_highest_threshold_that_misses_no_more(digits):
    """Also of far more events than thresholds are tried in a replicate; each is tried here."""
    rng = np.random.default_rng(3)
    labels = np.arange(130_000) < 60_000
    p = np.round(rng.beta(2 + labels, 4), digits)
    frame = pd.DataFrame({"noaa_ar": rng.integers(11000, 11060, len(p)), "label": labels, "probability": p})
    found = all_clear(labels, p, 0.4, by_of(frame, Sampling(0)))
    every = np.unique(p)
    missed = np.searchsorted(np.sort(p[labels]), every, side="left")
    for row in found["at_misses"]:
        least = every[missed <= row["misses"] * 60_000].max()
        assert row["tnr"]["value"] == pytest.approx((p[~labels] < least).mean())


def test_the_all_clear_is_the_precision_of_no():
    frame, _ = table()
    labels, p = parts(frame)
    found = all_clear(labels, p, 0.4, by_of(frame, Sampling(50)))
    row = found["decision"]["npv"]
    assert row["value"] == pytest.approx(metrics.precision_score(~labels, p < 0.4))
    assert row["low"] <= row["value"] <= row["high"]
    assert found["decision"]["false_all_clear"]["value"] == pytest.approx(1 - row["value"])
    assert found["decision"]["clear"]["value"] == pytest.approx(np.mean(p < 0.4))
    for one in found["at_misses"]:
        best = max((t for t in np.unique(p) if np.mean(p[labels] < t) <= one["misses"] + 1e-12), default=0.0)
        assert one["tnr"]["value"] == pytest.approx(np.mean(p[~labels] < best))


def test_other_base_rates_are_other_weights_of_the_rows():
    frame, _ = table()
    labels, p = parts(frame)
    yes, one = p >= 0.4, count(*(parts(frame)[0], parts(frame)[1] >= 0.4))
    for rate in (0.01, 0.5):
        weight = np.where(labels, rate / labels.mean(), (1 - rate) / (1 - labels.mean()))
        found = scores_at(one.tpr, one.tnr, rate)
        assert found["precision"] == pytest.approx(metrics.precision_score(labels, yes, sample_weight=weight))
        assert found["hss"] == pytest.approx(metrics.cohen_kappa_score(labels, yes, sample_weight=weight))
        assert found["tss"] == pytest.approx(one.tss)
    rows = at_base_rates(labels, yes, by_of(frame, Sampling(50)))
    own = next(row for row in rows["rates"] if row["own"])
    assert own["hss"]["value"] == pytest.approx(one.hss)
    active = frame.groupby("noaa_ar")["label"].transform("max") == 1
    assert rows["active"]["n"] == active.sum()
    assert rows["active"]["tss"]["value"] == pytest.approx(count(labels[active], yes[active]).tss)


def plain_flares(frame, flares, threshold):
    """Flare by flare, row by row."""
    hits, hours = [], []
    for region, peak, name in flares.table.itertuples(index=False):
        if name[0] == "C":
            continue
        mine = frame[frame["noaa_ar"] == region]
        reach = mine[[pd.Timedelta(0) < peak - time <= pd.Timedelta(hours=24) for time in mine["time"]]]
        if not len(reach):
            continue
        said = reach[reach["probability"] >= threshold]
        hits.append(len(said) > 0)
        if len(said):
            hours.append((peak - said["time"].min()).total_seconds() / 3600)
    false = alarms = 0
    for _, mine in frame.groupby("noaa_ar"):
        run = []
        for row in [*mine.sort_values("time").itertuples(), None]:
            if row is not None and row.probability >= threshold:
                run.append(row.label)
            elif run:
                alarms, false, run = alarms + 1, false + (max(run) == 0), []
    return hits, hours, alarms, false


@settings(max_examples=10)
@given(st.integers(0, 500), st.sampled_from([6, 24]))
def test_each_flare_and_each_alarm_counts_once(seed, step):
    frame, flares = table(seed=seed, step=step)
    labels, p = parts(frame)
    hits, hours, alarms, false = plain_flares(frame, flares, 0.4)
    shuffled = frame.sample(frac=1, random_state=seed).reset_index(drop=True)
    labels, p = parts(shuffled)
    found = flare_by_flare(shuffled, labels, p >= 0.4, flares, EVENT, by_of(shuffled))
    if not hits:
        assert found is None
        return
    assert (found["flares"], found["alarms"], found["false_alarms"]) == (len(hits), alarms, false)
    assert found["hit_rate"]["value"] == pytest.approx(np.mean(hits))
    if hours:
        assert found["warning_hours"] == pytest.approx(np.quantile(hours, [0.25, 0.5, 0.75]))
    assert found["days"] == len(frame.assign(day=frame["time"].dt.date).drop_duplicates(["noaa_ar", "day"]))
    assert sum(one["flares"] for one in found["classes"].values()) == len(hits)


@pytest.mark.parametrize(("rules", "peak", "label"), [("utc", 24, 1), ("utc", 0, 0), ("ar-flares", 24, 0)])
def test_a_row_reaches_the_flares_that_label_it_to_the_very_end_of_its_window(rules, peak, label):
    """By UTC the window is closed at its end, by the published rules it is not."""
    event = EventDefinition(threshold="M1.0", window_hours=24, rules=rules)
    time = START - pd.Timedelta(seconds=34 * (rules == "ar-flares"))  # TAI's clock then shows START
    frame = pd.DataFrame({"noaa_ar": pd.array([11_400], dtype="Int32"), "time": [time]})
    peaks = pd.DataFrame({"noaa_ar": [11_400], "time": [START + pd.Timedelta(hours=peak)], "flare": ["M1.2"]})
    flares = SimpleNamespace(table=peaks.astype({"noaa_ar": "Int32"}))
    assert label_by(frame, flares.table, event)["label"].tolist() == [label]
    hours = hours_to_peak(frame, series_of(frame, flares, event), 0)
    assert np.isfinite(hours).tolist() == [bool(label)]
    bands = lead_of(frame.assign(label=label), event, flares)
    assert (bands == "18-24 h").tolist() == [bool(label)]


def test_flares_of_the_disk_are_anybodys_and_intervals_are_by_cluster():
    frame, flares = table(regions=1, step=3)
    disk = EventDefinition(threshold="M1.0", scope="disk", rules="utc")
    nameless = SimpleNamespace(table=flares.table.assign(noaa_ar=pd.array([None] * len(flares.table), dtype="Int32")))
    labels, p = parts(frame)
    own = flare_by_flare(frame, labels, p >= 0.4, flares, EVENT, by_of(frame))
    assert flare_by_flare(frame, labels, p >= 0.4, nameless, disk, by_of(frame)) == own
    frame, flares = table()
    labels, p = parts(frame)
    found = flare_by_flare(frame, labels, p >= 0.4, flares, EVENT, by_of(frame, Sampling(50)))
    for name in ("hit_rate", "hit_rate_last", "false_per_day", "false_share"):
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]


@settings(max_examples=10)
@given(st.integers(0, 500))
def test_history_and_lead_are_those_of_the_list(seed):
    frame, flares = table(seed=seed, regions=5)
    strong = flares.table[flares.table["flare"].str[0] != "C"]
    words, bands = history_of(frame, EVENT, flares), lead_of(frame, EVENT, flares)
    hours = hours_to_peak(frame, series_of(frame, flares, EVENT), 0)
    for i, row in enumerate(frame.itertuples()):
        mine = strong[strong["noaa_ar"] == row.noaa_ar]["time"]
        assert (words[i] == BEFORE) == bool((mine <= row.time).any())
        assert words[i] in (BEFORE, NOT_YET)
        ahead = [(peak - row.time).total_seconds() / 3600 for peak in mine]
        ahead = min((hour for hour in ahead if 0 < hour <= 24), default=np.nan)
        assert hours[i] == pytest.approx(ahead, nan_ok=True)
        assert pd.isna(bands[i]) == (row.label == 0)
        if row.label:
            low, high = (float(text) for text in str(bands[i])[:-2].split("-"))
            assert low <= ahead <= high


def test_history_without_a_list_is_known_when_the_window_is_over():
    frame = pd.DataFrame(
        {
            "noaa_ar": pd.array([11_400] * 6 + [11_401], dtype="Int32"),
            "time": [START + pd.Timedelta(hours=12 * i) for i in range(6)] + [START],
            "label": [0, 1, 0, 0, 0, 0, 1],
        }
    )
    words = history_of(frame, EVENT, None)
    assert [word == BEFORE for word in words] == [False] * 3 + [True] * 3 + [False]
    assert lead_of(frame, EVENT, None) is None
    assert history_of(frame, EventDefinition(scope="disk"), None) is None


def test_a_day_has_one_forecast():
    frame, _ = table(regions=3, hours=72, step=3)
    chosen = first_of_days(frame, 6)
    rows = frame.iloc[chosen]
    assert len(rows) == 3 * 4  # from 06 UTC on: a part of the day before, and three days
    assert set(rows["time"].dt.hour) == {0, 6}
    frame, _ = table(step=6)
    labels, p = parts(frame)
    found = once_a_day(frame, labels, p, 0.4, by_of(frame, Sampling(50)))
    assert [one["hour"] for one in found] == [0, 6, 12, 18]
    at_midnight = (frame["time"].dt.hour == 0).to_numpy()
    assert found[0]["n"] == at_midnight.sum()
    one = count(labels[at_midnight], p[at_midnight] >= 0.4)
    assert found[0]["tss"]["value"] == pytest.approx(one.tss)
    brier = np.mean((p - labels)[at_midnight] ** 2)
    assert found[0]["bss_sample"]["value"] == pytest.approx(1 - brier / np.var(labels[at_midnight]))
    daily, _ = table(step=24)
    assert once_a_day(daily, *parts(daily), 0.4, by_of(daily)) == []


def test_the_disk_is_what_no_region_leaves_out():
    frame, _ = table(regions=4, hours=24 * 20)
    labels, p = parts(frame)
    disk = disk_rows(frame, labels, p)
    for row in disk.itertuples():
        mine = (frame["time"] == row.time).to_numpy()
        assert row.probability == pytest.approx(1 - np.prod(1 - p[mine]))
        assert row.label == labels[mine].max()
        assert row.regions == mine.sum()
    found = any_region(frame, labels, p, 0.8, EVENT, Sampling(50))
    assert found["brier"]["value"] == pytest.approx(np.mean((disk["probability"] - disk["label"].astype(float)) ** 2))
    assert found["settings"]["unit"]["hours"] >= 24
    lonely, _ = table(regions=1)
    assert any_region(lonely, *parts(lonely), 0.5, EVENT, NO_INTERVALS) is None
    certain = disk_rows(frame, labels, np.ones(len(p)))
    assert certain["probability"].tolist() == [1.0] * len(disk)


def verification(tss, low, high):
    row = {"value": tss, "low": low, "high": high}
    names = ("tss", "hss", "tpr", "tnr")
    scores = {"scores": {name: {"value": None} for name in ("bss_sample", "roc_area")}}
    return {"decisions": {"argmax": {"scores": dict.fromkeys(names, row)}}, "probability": scores, "calibrated": None}


def test_seeds_spread_beside_the_interval():
    found = spread([verification(0.5, 0.4, 0.6), verification(0.56, 0.4, 0.7)])["tss"]
    assert found["mean"] == pytest.approx(0.53)
    assert found["deviation"] == pytest.approx(np.std([0.5, 0.56], ddof=1))
    assert found["half_interval"] == pytest.approx((0.1 + 0.15) / 2)
    alone = spread([verification(0.5, 0.4, 0.6)])
    assert np.isnan(alone["tss"]["deviation"])
    assert alone["roc_area"]["runs"] == 0


def test_what_cannot_be_told_is_left_out():
    frame, flares = table()
    labels, p = parts(frame)
    everything = Asked(frame, labels, EVENT, flares, by_of(frame))
    assert all(value is not None for value in answers(everything, p, 0.4).values())
    assert set(further_slices(everything)) == {"history", "lead"}
    bare = Asked(frame, labels, None, None, by_of(frame))
    assert answers(bare, p, 0.4)["flares"] is None
    assert further_slices(bare) == {}
    assert all(score.question.endswith((".", "?", ")")) and score.reference for score in QUESTIONS.values())


def test_one_flare_is_spoken_of_as_one():
    of_one = {"flares": 1, "hit_rate": {"value": 1.0}, "warning_hours": [22.9] * 3, "alarms": 1, "false_alarms": 0}
    of_one |= {"false_per_day": {"value": 0.0}, "classes": {"M": {"flares": 1, "hits": 1}}}
    begin = "Flare by flare: the one flare that some forecast reaches was"
    assert said({"analyses": {"flares": of_one}})[0].startswith(
        f"{begin} hit; its first yes was 22.9 h before the peak."
    )
    missed = of_one | {"warning_hours": None, "classes": {"M": {"flares": 1, "hits": 0}}}
    assert said({"analyses": {"flares": missed}})[0].startswith(f"{begin} not hit. Of 1 spell of yes")
    nearly_all = of_one | {"flares": 400, "warning_hours": None, "classes": {"C": {"flares": 400, "hits": 399}}}
    assert "399 of 400 flares that some forecast reaches were hit." in said({"analyses": {"flares": nearly_all}})[0]


def test_the_screen_has_short_answers_where_there_is_something_to_say():
    frame, flares = table()
    found = verify(frame, event=EVENT, flares=flares, threshold=0.4, replicates=0)
    header, rows = use_rows(found)
    answers = {asked: answer for asked, answer, _ in rows}
    all_clear, flare = found["analyses"]["all_clear"], found["analyses"]["flares"]
    assert header == ["asked", "answer", "interval"]
    assert len(rows) <= 8
    assert answers["events among the all-clears"] == f"{all_clear['decision']['false_all_clear']['value']:.3f}"
    assert answers[f"share of the {flare['flares']} flares that were hit"] == f"{flare['hit_rate']['value']:.3f}"
    middle = f"{flare['warning_hours'][1]:.1f}"
    assert answers["hours from the first yes to the peak, median and the middle half"] == middle
    assert {"TSS, first event of a region", "TSS, region that had one"} <= answers.keys()
    without = use_rows(verify(frame, replicates=0))[1]  # neither an event nor a flare list
    assert [asked for asked, _, _ in without] == list(answers)[:2]
    assert use_rows({key: value for key, value in found.items() if key != "analyses"})[1] == []  # an older version's
