"""Does the model card say what it must, in a form that others can read?"""

import dataclasses
import json

import pytest
import yaml

from flarescope.model_card import CardInputs, render_card, write_card
from flarescope.scores.verify import verify
from report_data import PROVENANCE, synthetic_forecasts, synthetic_inputs


@pytest.fixture(scope="module")
def inputs():
    report = synthetic_inputs(replicates=50)
    return CardInputs(
        name="Synthetic head",
        verification=report.verification,
        data={"name": "synthetic set"},
        split=[
            {"split": "train", "images": 8000, "events": 2000, "regions": 90},
            {"split": "test", "images": 3000, "events": 1176, "regions": None},
        ],
        training=PROVENANCE,
        shared_regions=0,
        command="flarescope predict model.h5 IMAGE.fits",
        warnings=report.warnings,
    )


def test_front_matter_is_yaml_that_hugging_face_reads(inputs):
    _, front, body = render_card(inputs).split("---\n", 2)
    values = yaml.safe_load(front)
    assert "license" not in values  # a model's licence is for whoever trained it to give
    assert values["library_name"] == "flarescope"
    assert {"solar-flares", "synthetic-data"} <= set(values["tags"])
    result = values["model-index"][0]["results"][0]
    assert result["dataset"]["name"] == "synthetic set (synthetic)"
    found = {metric["name"]: metric["value"] for metric in result["metrics"]}
    tss = inputs.verification["decisions"]["argmax"]["scores"]["tss"]["value"]
    assert found["TSS (yes from 0.5, argmax)"] == pytest.approx(tss, abs=1e-6)
    assert body.lstrip().startswith("# Synthetic head")


def test_scores_stand_with_their_intervals(inputs):
    card = render_card(inputs)
    row = inputs.verification["decisions"]["argmax"]["scores"]["tss"]
    assert f"| TSS | {row['value']:.3f} | {row['low']:.3f} to {row['high']:.3f} |" in card
    assert "Intervals: 95%, by the jackknife over regions, Student's t with" in card
    assert "| train | 8,000 | 2,000 | 90 |" in card
    assert "| test | 3,000 | 1,176 | – |" in card


def test_a_card_of_one_region_speaks_of_one_and_of_no_interval(inputs):
    frame = synthetic_forecasts(30, 1).assign(label=[1, 0] * 15, probability=[0.2, 0.3, 0.7] * 10)
    verification = verify(frame, replicates=0)
    text = render_card(dataclasses.replace(inputs, verification=verification))
    assert "On 30 test images, 15 of them followed by an event, of 1 active region. No intervals were made." in text
    assert "| Score | Value | Question |" in text
    assert "The intervals come" not in text


@pytest.mark.parametrize(
    "words",
    ["## Intended use", "## Limits", "## Data", "## Training", "## Scores", "no official forecast",
     "SYNTHETIC DATA", "RANDOM FILTERS", "No active region is in two splits.", "learning rate"],
)  # fmt: skip
def test_card_says(inputs, words):
    assert words in render_card(inputs)


def test_names_are_no_markup(inputs):
    hostile = CardInputs(
        name="a | b\n# <script>alert(1)</script> [x](http://example.org)",
        verification=inputs.verification,
        data={"name": 'quote " and\n---\nevil: true'},
    )
    card = render_card(hostile)
    values = yaml.safe_load(card.split("---\n", 2)[1])
    assert "evil" not in values
    assert values["model-index"][0]["name"] == hostile.name
    body = card.split("\n---\n", 1)[1]
    assert "<script>" not in body
    assert "[x](" not in body
    assert "\n# <" not in body
    assert "It was not checked" not in body  # without a split nothing is said of it


def test_undefined_scores_are_left_out_of_the_metadata(inputs):
    verification = json.loads(json.dumps(inputs.verification))
    verification["decisions"]["argmax"]["scores"]["hss"] = {"value": None, "low": None, "high": None}
    card = render_card(CardInputs(name="n", verification=verification))
    metrics = yaml.safe_load(card.split("---\n", 2)[1])["model-index"][0]["results"][0]["metrics"]
    assert "HSS (yes from 0.5, argmax)" not in {metric["name"] for metric in metrics}
    assert "| HSS | – | – |" in card


def test_the_limits_are_those_of_the_model_that_was_trained(inputs):
    """An image with an event counted 4.09 times, 0.8 times, once; and a model that looks back 6 and 12 hours."""

    def limits(**training):
        return render_card(dataclasses.replace(inputs, training=training)).split("## Limits")[1]

    often = limits(recipe={"class_weight": [1.0, 4.09]})
    assert "counted more in the training than one without (4.09 to 1): its probabilities tend to be too high" in often
    assert "It sees one image at a time: neither what the region looked like before nor its flares." in often
    assert "(0.8 to 1): its probabilities tend to be too low" in limits(recipe={"class_weight": [1.0, 0.8]})
    assert "probabilities" not in limits(recipe={"class_weight": [1.0, 1.0]})
    assert "are no frequencies unless" in limits(recipe={"class_weight": [1.0, 1.0], "balance": "sampling"})
    assert "not how large it will be" in often
    assert "how the largest one's flux is distributed" in limits(recipe={"head": "regression"})
    past = dataclasses.replace(inputs, training={"history": {"hours": [6.0, 12.0]}})
    assert "It sees an image and those 6, 12 h before: neither what" in render_card(past)
    assert "of a solar active region and those 6, 12 h before, with" in render_card(past)


def test_card_is_written(inputs, tmp_path):
    write_card(inputs, tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == render_card(inputs)
