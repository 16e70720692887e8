"""Has a quantity one interval, in whichever table, comparison or page it stands?"""

import numpy as np
import pytest

from flarescope import EventDefinition, Verifying
from flarescope.pipeline.verifying import verify_rows
from flarescope.scores.baselines import climatology as always
from flarescope.scores.compare import compare
from flarescope.scores.jackknife import JACKKNIFE, PERCENTILE
from flarescope.scores.many import compare_many, own_scores
from test_scores_many import tables

EVENT = EventDefinition(threshold="M1.0", window_hours=2)
RATE = 0.3
THRESHOLD = 0.4
DRAWN = {"replicates": 300, "seed": 0}


@pytest.fixture(scope="module", params=[12, 90], ids=["jackknife", "resampling"])
def made(request):
    rows = tables(request.param)["a"]
    rows["flare"] = np.where(rows["label"] == 1, "M2.0", None)  # every event is of one class
    found = verify_rows(rows, Verifying(**DRAWN), event=EVENT, climatology=RATE, threshold=THRESHOLD)
    assert found["settings"]["interval_method"] == {12: JACKKNIFE, 90: PERCENTILE}[request.param]
    return rows, found


def ends(row):
    return [row["value"], row["low"], row["high"]]


def assert_same(*rows):
    for other in rows[1:]:
        assert other == pytest.approx(rows[0], abs=1e-12)


def test_gains_over_climatology_are_those_of_the_references(made):
    rows, found = made
    reference, baseline = found["references"]["climatology"], found["baselines"]["climatology"]["difference"]
    pair = compare(rows, always(rows, RATE), threshold_a=THRESHOLD, threshold_b=0.5, event=EVENT, **DRAWN)
    two = pair["decision"]["tss"] | {"value": pair["decision"]["tss"]["difference"]}
    assert_same(ends(reference["tss_gained"]), ends(baseline["chosen"]["tss"]), ends(two))
    assert_same(
        ends(reference["tss_gained"]), ends(found["decisions"]["chosen"]["scores"]["tss"])
    )  # nothing is taken off
    assert_same(ends(reference["brier_skill"]), ends(found["probability"]["scores"]["bss_climatology"]))


def test_skill_against_the_rows_own_rate_is_the_samples_brier_skill(made):
    rows, _ = made
    found = verify_rows(rows, Verifying(**DRAWN), event=EVENT, climatology=None, threshold=THRESHOLD)
    own = found["references"]["climatology"]
    assert_same(ends(own["brier_skill"]), ends(found["probability"]["scores"]["bss_sample"]))
    assert_same(ends(own["tss_gained"]), ends(found["decisions"]["chosen"]["scores"]["tss"]))


def test_gains_over_persistence_are_those_of_the_references_where_all_is_known(made):
    rows = made[0]
    known = rows.groupby("noaa_ar").cumcount() > 1  # the first two hours have no window before them
    kept = rows[known].reset_index(drop=True)
    # the label two hours before, as a table of its own beside the reference that is read off it
    before = rows.groupby("noaa_ar")["label"].shift(2)[known].astype(float).reset_index(drop=True)
    pair = compare(kept, kept.assign(probability=before), threshold_a=THRESHOLD, event=EVENT, **DRAWN)
    found = verify_rows(rows, Verifying(**DRAWN), event=EVENT, climatology=RATE, threshold=THRESHOLD)
    reference = found["references"]["persistence"]
    assert reference["n"] == len(kept)
    gained = pair["decision"]["tss"]
    assert_same(ends(reference["tss_gained"]), ends(gained | {"value": gained["difference"]}))


def test_a_slice_of_all_rows_has_the_intervals_of_all(made):
    _, found = made
    scores, sliced = found["decisions"]["chosen"]["scores"], found["slices"]["chosen"]
    (year,), (letter,) = sliced["year"], sliced["flare_class"]
    for name in ("tpr", "tnr", "tss", "hss"):
        assert_same(ends(scores[name]), [year[name], *year["intervals"][name]])
    assert_same(ends(scores["tpr"]), [letter["tpr"], *letter["intervals"]["tpr"]])


def test_curves_and_base_rates_have_the_intervals_of_their_decision(made):
    _, found = made
    bands, curve = found["curves"]["threshold_bands"], found["curves"]["threshold"]["threshold"]
    at = int(np.argmin(np.abs(np.array(curve) - THRESHOLD)))
    for name in ("tss", "hss"):
        scores = found["decisions"]["chosen"]["scores"][name]
        assert_same(ends(scores), [bands[name][key][at] for key in ("value", "low", "high")])
    rates = found["analyses"]["base_rates"]["rates"]
    own = next(row for row in rates if row["own"])
    for name in ("tss", "hss", "precision", "bias"):
        assert_same(ends(found["decisions"]["chosen"]["scores"][name]), ends(own[name]))
    for row in rates:
        assert_same(ends(own["tss"]), ends(row["tss"]))


def test_one_among_many_has_the_scores_of_one_alone(made):
    rows, found = made
    own = own_scores(rows, THRESHOLD, climatology=RATE, event=EVENT, **DRAWN)
    both = {"a": rows, "b": always(rows, RATE)}
    many = compare_many(both, thresholds={"a": THRESHOLD, "b": 0.5}, climatology=RATE, event=EVENT, **DRAWN)
    for part, scores in (("decision", found["decisions"]["chosen"]), ("probability", found["probability"])):
        for name, row in scores["scores"].items():
            assert_same(ends(row), ends(own[part][name]), ends(many["tables"]["a"][part][name]))
    baseline = found["baselines"]["climatology"]["difference"]["chosen"]
    for name, row in many["pairs"][0]["decision"].items():
        if row["difference"] is not None:
            assert_same(ends(baseline[name]), [row["difference"], row["low"], row["high"]])
