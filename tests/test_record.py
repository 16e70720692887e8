"""Does NOAA's record say of an image what was known at its time, of a region that no part was trained on?"""

import json

import numpy as np
import pandas as pd
import pytest

from fakes import Heard, draw_blank, train_three_epochs, use_fake_network, write_set
from flarescope.cli import main
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.figures.ablation import ablation_figure
from flarescope.forecaster.with_regions import read_with_regions
from flarescope.heads.stack import fit_stack, stack_from_json
from flarescope.pipeline.ablation_scores import FLARES, IMAGE, MCINTOSH, PAST, additions, part_sets
from flarescope.pipeline.record import fit_record, record_event, record_log_odds
from flarescope.pipeline.region_data import read_region_data
from flarescope.regions.at_images import describe_at, last_summary
from flarescope.regions.description import describe
from flarescope.synthetic.record import made_record_flares, made_summaries
from flarescope.synthetic.regions import synthetic_regions
from made_regions import write_set_record

REGIONS, IMAGES = 24, 9


def day(text):
    return pd.Timestamp(text, tz="UTC")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Summaries and flares of made regions, as `read_region_data` gives them, and their files."""
    place = tmp_path_factory.mktemp("record")
    regions = synthetic_regions(REGIONS, images_per_region=IMAGES, seed=7, follow="nothing")
    made_summaries(regions, images_per_region=IMAGES).to_csv(place / "regions.csv", index=False)
    flares = made_record_flares(regions, images_per_region=IMAGES, follow="nothing")
    rows = [{"time": flare.peak_utc, "flare": flare.goes_class, "noaa_ar": flare.noaa_ar} for flare in flares]
    pd.DataFrame(rows).to_csv(place / "flares.csv", index=False)
    data = read_region_data([place / "regions.csv"], place / "flares.csv", flux_scale="operational", reporter=Heard())
    return data, regions, place


def images_of(regions, hours):
    times = [
        (region.noaa_ar, pd.Timestamp(region.start_tai, tz="UTC") + pd.Timedelta(hours=hours)) for region in regions
    ]
    return pd.DataFrame({"noaa_ar": pd.Series([one for one, _ in times], dtype="Int32"), "time": [t for _, t in times]})


def test_the_last_summary_before_the_image_is_taken_and_no_old_one():
    regions = pd.DataFrame(
        {
            "noaa_ar": pd.Series([1, 1, 2], dtype="Int32"),
            "day": [day("2014-01-01"), day("2014-01-02"), day("2014-01-02")],
        }
    )
    regions["issued"] = regions["day"] + pd.Timedelta(minutes=30)
    times = ["2014-01-01T00:29", "2014-01-01T00:30", "2014-01-02T00:29", "2014-01-02T12:00", "2014-01-03T12:01"]
    images = pd.DataFrame({"noaa_ar": pd.Series([1] * 5, dtype="Int32"), "time": [day(text) for text in times]})
    assert last_summary(images, regions).tolist() == [-1, 0, 0, 1, -1]  # the last one is more than 36 h old


def test_an_image_at_the_issue_of_a_summary_is_described_as_the_region_day_is(made):
    data, _, _ = made
    daily = describe(data.regions, data.flares.table, data.flares.covered)
    at_issue = data.regions[["noaa_ar", "issued"]].rename(columns={"issued": "time"})
    found = describe_at(at_issue, data.regions, data.flares.table, data.flares.covered)
    pd.testing.assert_frame_equal(found.numbers[list(daily.numbers)], daily.numbers)
    assert found.mcintosh.tolist() == daily.mcintosh.tolist()
    assert found.before.tolist() == daily.before.tolist()


def test_nothing_after_the_image_is_in_its_record(made):
    data, regions, _ = made
    images = images_of(regions, 13.0)
    found = describe_at(images, data.regions, data.flares.table, data.flares.covered)
    for row in range(0, len(images), 7):
        moment = images["time"].iloc[row]
        flares = data.flares.table.copy()
        later = flares["time"] > moment
        flares.loc[later, ["flare", "noaa_ar"]] = ["X9.0", images["noaa_ar"].iloc[row]]
        summaries = data.regions.copy()
        after = summaries["issued"] > moment
        summaries.loc[after, ["area_msh", "mcintosh"]] = [9000, "FKC"]
        again = describe_at(images.iloc[[row]], summaries, flares, data.flares.covered)
        pd.testing.assert_series_equal(again.numbers.iloc[0], found.numbers.iloc[row], check_names=False)
        assert again.mcintosh[0] == found.mcintosh[row]


def test_region_models_of_the_record_never_see_other_regions_flares(made):
    data, regions, _ = made
    training = [region.noaa_ar for region in regions[:16]]
    event, images = EventDefinition(), images_of(regions[16:], 13.0)
    models = fit_record(data, ["history", "mcintosh"], training, Heard())
    found = record_log_odds(models.regional, images, data, event)
    # Flares of the other regions after the images: the models and what they say stay the same.
    table = data.flares.table
    other = ~table["noaa_ar"].isin(training) & (table["time"] > images["time"].max())
    changed = table.assign(flare=table["flare"].where(~other, "X5.0"))
    tampered = type(data)(data.regions, type(data.flares)(changed, data.flares.covered), data.scale, data.sources)
    again = fit_record(tampered, ["history", "mcintosh"], training, Heard())
    for name in ("history", "mcintosh"):
        assert json.dumps(again.regional[name].to_json()) == json.dumps(models.regional[name].to_json())
    pd.testing.assert_frame_equal(record_log_odds(again.regional, images, tampered, event), found)


def test_what_is_not_known_is_missing(made):
    data, regions, _ = made
    models = fit_record(data, ["history", "mcintosh"], [region.noaa_ar for region in regions], Heard())
    images = images_of(regions[:3], 13.0)
    images["noaa_ar"] = pd.Series([regions[0].noaa_ar, None, 19999], dtype="Int32")
    found = record_log_odds(models.regional, images, data, EventDefinition())
    assert found["mcintosh"].isna().tolist() == [False, True, True]
    assert found["history"].isna().tolist()[1]  # without a region


def test_events_and_files_that_the_record_does_not_reach_are_refused(made):
    data, _, _ = made
    with pytest.raises(InputError, match="does not say"):
        record_event(None, None)
    with pytest.raises(InputError, match="of regions, the run forecasts the whole disk"):
        record_event(EventDefinition(scope="disk"), None)
    with pytest.raises(InputError, match="window of 6 h"):
        record_event(EventDefinition(window_hours=6), None)
    with pytest.raises(InputError, match=r"0 region-days of the run's 1 training region; expected 30"):
        fit_record(data, ["mcintosh"], [11158], Heard())


def test_a_stack_is_fitted_on_other_regions_than_it_forecasts():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 10)
    truth = rng.normal(size=40)[groups] * 2
    labels = (rng.random(400) < 1 / (1 + np.exp(-truth))).astype(int)
    parts = np.stack([truth, rng.normal(size=400)], axis=1)
    fitted = fit_stack(["good", "noise"], parts, labels, groups)
    assert fitted.stack.weights[0] > 5 * abs(fitted.stack.weights[1])
    other = labels.copy()
    other[groups == 3] = 1 - other[groups == 3]  # its own labels do not change its forecast
    again = fit_stack(["good", "noise"], parts, other, groups)
    assert np.corrcoef(again.out_of_fold[groups == 3], fitted.out_of_fold[groups == 3])[0, 1] > 0.99
    missing = np.where(np.arange(400)[:, None] % 3 == 0, np.nan, parts)
    patchy = fit_stack(["good", "noise"], missing, labels, groups)
    assert np.isfinite(patchy.stack.log_odds(missing)).all()
    known = stack_from_json(json.loads(json.dumps(patchy.stack.to_json())))
    assert known.log_odds(missing).tolist() == patchy.stack.log_odds(missing).tolist()


def test_too_few_regions_to_stack_on_are_refused():
    with pytest.raises(InputError, match="1 validation regions with events"):
        fit_stack(["one"], np.zeros((4, 1)), np.array([0, 0, 0, 1]), np.array([1, 1, 2, 2]))


def test_each_part_stands_alone_and_with_the_others():
    assert part_sets([IMAGE, FLARES, MCINTOSH]) == [
        (IMAGE,),
        (FLARES,),
        (MCINTOSH,),
        (FLARES, MCINTOSH),
        (IMAGE, FLARES),
        (IMAGE, MCINTOSH),
        (IMAGE, FLARES, MCINTOSH),
    ]
    names = [IMAGE, PAST, FLARES, MCINTOSH]
    known = part_sets(names)
    for _, wide, narrow in additions(names):
        assert wide in known
        assert narrow in known


TRAIN = [*range(1121, 1135)]
SPLITS = {"train": TRAIN, "validation": [*range(1141, 1147)], "test": [*range(1151, 1157)]}


@pytest.fixture(scope="module")
def run_and_record(tmp_path_factory):
    """A run by a fake network, its set, and a record of its regions."""
    place = tmp_path_factory.mktemp("ablation")
    with pytest.MonkeyPatch.context() as patch:
        use_fake_network(patch)
        data = write_set(place / "set", regions=SPLITS)
        train_three_epochs(data, place / "run")
    regions, flares = write_set_record(place, [number for numbers in SPLITS.values() for number in numbers])
    return place, data, ("--regions", regions, "--flares", flares)


def call(*words):
    return main([str(word) for word in words])


EVENT = ("--event", "C1.0", "--window", "24")


def test_ablate_scores_each_part_and_what_it_adds(run_and_record, tmp_path, monkeypatch, capsys):
    place, data, record = run_and_record
    use_fake_network(monkeypatch)
    draw_blank(monkeypatch)
    back = ("--history", "1,3", "--tolerance", "0.25")
    words = ("ablate", place / "run", "--table", data["test"], *record, *back, *EVENT, "--replicates", "50")
    assert call(*words, "--out", tmp_path, "--json", "--quiet") == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["set"] for one in found["sets"]][:4] == [IMAGE, PAST, FLARES, MCINTOSH]
    assert found["rows"]["images"] == 6 * 8
    scores = {one["set"]: one["scores"]["bss_climatology"]["value"] for one in found["sets"]}
    for one in found["adds"]:
        assert one["scores"]["bss_climatology"]["value"] == pytest.approx(scores[one["with"]] - scores[one["without"]])
        assert one["scores"]["bss_climatology"]["low"] <= one["scores"]["bss_climatology"]["value"]
    table = pd.read_csv(tmp_path / "ablation.csv")
    assert len(table) == 4 * (len(found["sets"]) + len(found["adds"]))
    assert {path.name for path in tmp_path.glob("ablation.*")} == {
        f"ablation.{end}" for end in ("csv", "json", "png", "svg")
    }
    assert json.loads((tmp_path / "ablation.json").read_text()) == found
    assert not (place / "run" / "scores.json").exists()  # the run's own scores are left alone
    monkeypatch.undo()
    figure = ablation_figure({**found, "synthetic": True, "settings": found["settings"] | {"level": 0.9}})
    assert figure.get_suptitle().split("\n") == [
        "SYNTHETIC DATA",
        "an event is a flare of class C1.0 or above within 24 hours",
        "skill is against the training rows' event rate; a line is a 90% interval",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda words: [*words, "--event", "C1.0", "--window", "6"], "windows of 12 h or more"),
        (lambda words: words, "what an event is, the run does not say"),
        (lambda words: [*words, *EVENT, "--split", "train"], "in both the run's validation rows and the train table"),
        (lambda words: [*words, *EVENT, "--split", "train"], "in both the run's training rows and the train table"),
    ],
)
def test_what_cannot_be_ablated_is_told_in_one_line(run_and_record, tmp_path, monkeypatch, capsys, change, said):
    place, data, record = run_and_record
    use_fake_network(monkeypatch)
    table = data["train" if "training" in said else "validation" if "validation" in said else "test"]
    words = change(["ablate", place / "run", "--table", table, *record, "--out", tmp_path])
    assert call(*words) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert said in error
    assert "--allow-overlap" not in error  # which ablate has not
    assert len(error) < 300


@pytest.fixture(scope="module")
def run_with_regions(run_and_record):
    """The same set, trained with a region model beside the head."""
    place, data, record = run_and_record
    with pytest.MonkeyPatch.context() as patch:
        use_fake_network(patch)
        train_three_epochs(data, place / "joined", *EVENT, "--with", "mcintosh", *record)
    return place / "joined", data, record


def test_a_joined_run_is_evaluated_and_forecasts_with_both(run_with_regions, tmp_path, monkeypatch, capsys):
    run, data, record = run_with_regions
    use_fake_network(monkeypatch)
    joined = read_with_regions(run)
    assert joined.stack.parts == ("image", "mcintosh")
    assert joined.validated["images"] == 6 * 8
    words = ("--table", data["test"], "--images", data["images"], "--replicates", "0", "--with", "mcintosh", *record)
    assert call("evaluate", run, *words, "--quiet", "--json") == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["with_regions"]["name"] == "mcintosh"
    table = pd.read_parquet(run / "with_regions/forecasts/test.parquet")
    alone = pd.read_parquet(run / "with_regions/image/forecasts/test.parquet")
    assert not np.allclose(table["probability"], alone["probability"])
    assert not (run / "scores.json").exists()
    csv = tmp_path / "f.csv"
    assert call("predict", run, data["images"] / "1152", "--with", "mcintosh", *record, "--csv", csv, "--quiet") == 0
    found = pd.read_csv(csv)
    own = table[table["noaa_ar"] == 11152]
    assert np.allclose(found["probability"], own["probability"], atol=1e-6)
    assert np.allclose(found["probability_image"], alone[alone["noaa_ar"] == 11152]["probability"], atol=1e-6)
    assert (found["flare"] == (found["probability"] >= joined.choice.threshold)).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--with", "mcintosh"), "needs NOAA's record: give --regions"),
        (("--flares", "x.csv"), "name it, as --with regions"),
        (("--with", "luck", "RECORD"), "--with luck: no region model; expected climatology"),
        (("--with", "history", "RECORD"), "its region model is mcintosh, not history"),
    ],
)
def test_a_record_that_cannot_be_used_is_told_in_one_line(run_with_regions, monkeypatch, capsys, words, said):
    run, data, record = run_with_regions
    use_fake_network(monkeypatch)
    given = [part for word in words for part in (record if word == "RECORD" else (word,))]
    assert call("predict", run, data["images"] / "1152", *given) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert said in error
    assert len(error) < 300


def test_a_record_that_is_none_costs_no_training(run_with_regions, tmp_path, monkeypatch, capsys):
    _, data, _ = run_with_regions
    use_fake_network(monkeypatch)
    (tmp_path / "none.txt").write_text("no summary")
    tables = ["--train", data["train"], "--validation", data["validation"], "--images", data["images"]]
    record = ["--with", "regions", "--regions", tmp_path / "none.txt", "--flares", tmp_path / "none.txt"]
    assert call("train", *tables, *EVENT, "--backbone", "random", "--out", tmp_path / "run", *record) == 2
    assert "no Solar Region Summary could be read" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_damaged_file_of_a_joined_run_is_refused(run_with_regions, tmp_path):
    run, _, _ = run_with_regions
    text = (run / "with_regions.json").read_text()
    assert read_with_regions(run).head_digest in text
    (tmp_path / "with_regions.json").write_text(text.replace('"intercept": ', '"intercept": 1', 1))
    with pytest.raises(InputError, match=r"with_regions\.json"):
        read_with_regions(tmp_path)
