"""Does a history of images win where flares follow growth, and only there? On made regions, called synthetic."""

import numpy as np
import pandas as pd
import pytest

from flarescope.catalog.labels import label_by
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.features.history import History, HistoryRows, find_past
from flarescope.heads import lbfgs
from flarescope.heads.head import Recipe
from flarescope.scores.compare import compare
from flarescope.synthetic.field import clean_field
from flarescope.synthetic.flares import PIL_SIZE, pil_gradient, true_rate_per_day
from flarescope.synthetic.regions import image_hours, region_times, synthetic_regions
from flarescope.times import tai_to_utc

REGIONS, IMAGES = 60, 16
EVENT = EventDefinition(window_hours=12)
RECIPE = Recipe(solver="lbfgs", l2=0.01, class_weight=(1.0, 1.0))


@pytest.fixture(scope="module")
def features():
    """Two numbers an image, `(N, 2)`: the gradient along the inversion lines as it is seen, and its logarithm."""
    found = []
    for region in synthetic_regions(REGIONS, images_per_region=IMAGES, seed=3, follow="nothing"):
        for hours in image_hours(IMAGES):
            place = {"longitude_deg": region.longitude_at(hours), "latitude_deg": region.latitude_deg}
            gradient = pil_gradient(clean_field(region, hours, size=PIL_SIZE, **place))
            found.append([np.log1p(gradient / 1000), gradient / 10_000])
    return np.array(found, np.float32)


def labelled(follow):
    regions = synthetic_regions(REGIONS, images_per_region=IMAGES, seed=3, follow=follow)
    times = [time for region in regions for time in region_times(region, IMAGES)]
    table = pd.DataFrame(
        {
            "filename": [f"{number}.png" for number in range(len(times))],
            "noaa_ar": pd.Series(np.repeat([region.noaa_ar for region in regions], IMAGES), dtype="Int32"),
            "time": tai_to_utc(pd.DatetimeIndex(times)),
        }
    )
    flares = [
        {"noaa_ar": flare.noaa_ar, "time": pd.Timestamp(flare.peak_utc), "flare": flare.goes_class}
        for region in regions
        for flare in region.flares
    ]
    return table.assign(label=label_by(table, pd.DataFrame(flares), EVENT)["label"].astype("Int8"))


def forecast(table, rows):
    """Forecast each half of the regions by a head that was trained on the other half."""
    label, probability = table["label"].to_numpy(int), np.empty(len(table))
    half = np.repeat(np.arange(REGIONS) % 2, IMAGES)
    for held in (0, 1):
        fit = lbfgs.fit(rows[half != held], label[half != held], RECIPE)
        probability[half == held] = fit.head.probability(rows[half == held])
    return table.assign(probability=probability)


def gain(features, follow):
    """What a history of 3, 6 and 12 hours adds to the image alone, as skill with its paired interval by regions."""
    table, history = labelled(follow), History((3, 6, 12), 0.5, "difference")
    rows = HistoryRows(features, np.arange(len(table)), find_past(table, table, history), history.form)
    found = compare(
        forecast(table, rows[np.arange(len(table))]), forecast(table, features), replicates=500, event=EVENT
    )
    return found["probability"]["bss_sample"]


@pytest.mark.slow  # seconds: hundreds of fields are made
@pytest.mark.xdist_group("history_skill")
def test_history_wins_where_flares_follow_growth(features):
    found = gain(features, "growth")
    assert found["low"] > 0
    assert found["better"] == "a"


@pytest.mark.slow
@pytest.mark.xdist_group("history_skill")
def test_history_wins_nothing_where_flares_have_no_memory(features):
    found = gain(features, "nothing")
    assert found["difference"] < 0.02
    assert found["low"] <= 0


def test_what_flares_follow_changes_them_and_nothing_else():
    (one,), (other,) = (
        synthetic_regions(1, images_per_region=4, seed=1, follow=name) for name in ("growth", "nothing")
    )
    assert (one.spots, one.start_tai, one.seed) == (other.spots, other.start_tai, other.seed)
    assert true_rate_per_day(other, 3.0, "nothing") == 0.4
    grown = true_rate_per_day(one, 100.0, "growth")  # long after all has emerged only motion changes the gradient
    assert 0 <= grown < 1
    with pytest.raises(InputError, match="follow 'luck'; expected gradient, growth, nothing"):
        synthetic_regions(1, images_per_region=4, seed=1, follow="luck")
