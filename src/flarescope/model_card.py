"""What must one know of a trained model before using it? A card in Hugging Face's form, README.md beside the model."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from flarescope.counted import counted
from flarescope.events import UNKNOWN_EVENT
from flarescope.files import write_text
from flarescope.scores.definitions import DEFINITIONS
from flarescope.wording import (
    DISCLAIMER,
    flatten,
    has_intervals,
    interval,
    interval_words,
    number,
    score_title,
    without_empty,
)

TAGS: Final = ("solar-flares", "space-weather", "solar-physics", "magnetogram", "sdo-hmi", "transfer-learning")
_IN_METADATA: Final = ("tss", "hss", "tpr", "tnr")
_IN_METADATA_PROBABILITY: Final = ("brier", "bss_climatology", "bss_sample", "roc_area")

_REGION_LIMITS: Final = (
    "It knows what its training images show. In the published set these are line-of-sight magnetograms of numbered "
    "active regions, at latitudes and longitudes below 60 degrees, of one instrument, from 2010 to 2018: elsewhere "
    "nothing is known of its skill.",
    "It sees {seen}: neither what the region looked like {when} nor its flares.",
    "Rows of one region can be nearly copies: how sure a score is depends on the number of regions, not of images, and "
    "no interval covers another solar cycle or another instrument.",
)

_DISK_LIMITS: Final = (
    "It knows what its training images show: line-of-sight magnetograms of the whole disk of one instrument, in one "
    "rendering, from the time of its training rows. Elsewhere nothing is known of its skill.",
    "It sees {seen}: neither what the disk looked like {when} nor its flares.",
    "Rows near one another in time can be nearly copies: how sure a score is depends on how long the rows scored go "
    "on, not on how many they are, and no interval covers another solar cycle or another instrument.",
)
_ONE_EVENT: Final = (
    "It says whether a flare of the class or above will come, not how large it will be or when in the window."
)
_AND_SIZE: Final = (
    "It says whether a flare of the class or above will come, and how the largest one's flux is distributed if that "
    "follows one logistic distribution of the same scale for all images; not when in the window."
)


@dataclass(frozen=True)
class CardInputs:
    """What the card says.

    Attributes:
        name: of the model.
        verification: what `scores.verify.verify` gives for its test forecasts.
        event: what it forecasts.
        data: name of the data set, and what else identifies it; `name` is shown as the data set's name.
        split: rows of the split table: `split`, `images`, `events`, `regions` (None where unknown).
        training: recipe, seed, backbone family and digest, rendering, engine, versions; nested mappings are flattened.
        evaluation: model file, epoch, calibration and its rows, date; nested mappings are flattened.
        shared_regions: how many regions are in two splits, the scored rows among them; None where it was not checked.
        apart_hours: of the whole disk, where time tells rows apart: `shared_regions` then counts the rows scored that
            are nearer than that to a row of training or validation; None of regions.
        method: what makes the forecasts.
        command: how to forecast with the model on the command line, or empty.
        warnings: such as random filters or synthetic data.
    """

    name: str
    verification: Mapping[str, Any]
    event: str = UNKNOWN_EVENT
    data: Mapping[str, Any] = field(default_factory=dict)
    split: Sequence[Mapping[str, Any]] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    shared_regions: int | None = None
    apart_hours: float | None = None
    method: str = "a small head trained on the features of a frozen network"
    command: str = ""
    warnings: Sequence[str] = ()


def render_card(inputs: CardInputs) -> str:
    """Give the card: YAML front matter, then Markdown."""
    parts = [
        _front_matter(inputs),
        f"# {_plain(inputs.name)}",
        *(f"> **{_plain(warning)}**" for warning in inputs.warnings),
        f"Forecasts {_plain(inputs.event)} from one magnetogram of {_shown(inputs)}{_past(inputs)}, with "
        f"{_plain(inputs.method)}. {DISCLAIMER}",
        *_use(inputs),
        *_data(inputs),
        *_training(inputs),
        *_evaluation(inputs),
        *_scores(inputs.verification),
        "## Limits",
        "\n".join(f"- {limit}" for limit in _limits(inputs)),
    ]
    return "\n\n".join(parts) + "\n"


def write_card(inputs: CardInputs, path: Path) -> None:
    """Write the card, whole or not at all."""
    write_text(path, render_card(inputs))


def _front_matter(inputs: CardInputs) -> str:
    """Give the metadata as YAML; each value is written as JSON, which YAML holds."""
    name = str(inputs.data.get("name", "magnetograms"))
    made = any("synthetic" in text.lower() for text in inputs.warnings)
    result = {
        "task": {"type": "image-classification", "name": "solar flare forecast"},
        "dataset": {"type": "image-classification", "name": name + " (synthetic)" * made, "split": "test"},
        "metrics": _metrics(inputs.verification),
    }
    values: dict[str, Any] = {
        "library_name": "flarescope",
        "pipeline_tag": "image-classification",
        "tags": [*TAGS, *(["synthetic-data"] if made else [])],
        "metrics": [*_IN_METADATA, *_IN_METADATA_PROBABILITY],
        "model-index": [{"name": inputs.name, "results": [result]}],
    }
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False, allow_nan=False)}" for key, value in values.items()]
    return "\n".join(["---", *lines, "---"])


def _metrics(verification: Mapping[str, Any]) -> list[dict[str, Any]]:
    metrics = []
    for decision, found in verification["decisions"].items():
        rule = f"yes from {found['threshold']:.3g}, {decision}"
        metrics += [(name, rule, found["scores"][name]["value"]) for name in _IN_METADATA]
    probability = verification["calibrated"] or verification["probability"]
    rule = "calibrated" if verification["calibrated"] else "probability"
    metrics += [(name, rule, probability["scores"][name]["value"]) for name in _IN_METADATA_PROBABILITY]
    return [
        {"type": name, "name": f"{score_title(name)} ({rule})", "value": round(value, 6)}
        for name, rule, value in metrics
        if value is not None
    ]


def _use(inputs: CardInputs) -> list[str]:
    command = f"\n\n```sh\n{' '.join(inputs.command.split())}\n```" if inputs.command else ""
    return [
        "## Intended use",
        "Research on flare forecasting, teaching, and as a baseline that other methods are compared with. Not for "
        "decisions about people, aircraft, spacecraft or power grids." + command,
    ]


def _data(inputs: CardInputs) -> list[str]:
    parts = ["## Data"]
    if inputs.data:
        parts.append("\n".join(f"- {_plain(key)}: {_plain(value)}" for key, value in flatten(inputs.data)))
    if inputs.split:
        parts.append(_apart(inputs.shared_regions, inputs.apart_hours))
        disk = inputs.apart_hours is not None
        keys = ("images", "events") if disk else ("images", "events", "regions")
        rows = [(str(row["split"]), *(number(row.get(key)) for key in keys)) for row in inputs.split]
        parts.append(_table(("Split", "Images", "Events", "Active regions")[: 1 + len(keys)], rows))
    return parts if len(parts) > 1 else [*parts, "Not recorded."]


def _shown(inputs: CardInputs) -> str:
    return "a solar active region" if inputs.apart_hours is None else "the whole disk of the Sun"


def _hours_before(inputs: CardInputs) -> str:
    """Say how many hours before an image the model looks back to, as `6, 12`; empty where it does not."""
    return ", ".join(f"{hours:g}" for hours in (inputs.training.get("history") or {}).get("hours", ()))


def _past(inputs: CardInputs) -> str:
    hours = _hours_before(inputs)
    return f" and those {hours} h before" if hours else ""


def _limits(inputs: CardInputs) -> list[str]:
    """Say what the model does not know, and what its probabilities are before calibration."""
    hours = _hours_before(inputs)
    seen = f"an image and those {hours} h before" if hours else "one image at a time"
    of_rows = _REGION_LIMITS if inputs.apart_hours is None else _DISK_LIMITS
    said = [limit.format(seen=seen, when="at other times" if hours else "before") for limit in of_rows]
    recipe = inputs.training.get("recipe") or {}
    foretold = _AND_SIZE if recipe.get("head") == "regression" else _ONE_EVENT
    return [*said[:2], foretold, *said[2:], *_of_weights(recipe)]


def _of_weights(recipe: Mapping[str, Any]) -> list[str]:
    """Say what the class weights of a recipe (`class_weight`: of no event and of one) do to probabilities."""
    if recipe.get("classes") == "balanced" or recipe.get("balance") == "sampling":
        return ["Both classes counted alike in the training: its probabilities are no frequencies unless calibrated."]
    weights = recipe.get("class_weight")
    if not isinstance(weights, list | tuple) or len(weights) != 2:
        return []
    if weights[0] == weights[1]:
        return []
    much, side = ("more", "high") if weights[1] > weights[0] else ("less", "low")
    ratio = f"{weights[1]:.3g} to {weights[0]:.3g}"
    told = f"An image with an event counted {much} in the training than one without ({ratio})"
    return [f"{told}: its probabilities tend to be too {side} unless they are calibrated."]


def _apart(shared: int | None, hours: float | None = None) -> str:
    """Say whether regions are in two splits, or rows of the whole disk near one another in time."""
    if hours is not None:
        of_which = "row of training or validation"
        if shared is None:
            return f"It was not checked whether a row scored is less than {hours:g} h from a {of_which}."
        if not shared:
            return f"No row scored is less than {hours:g} h from a {of_which}."
        return f"{counted(shared, 'row')} scored less than {hours:g} h from a {of_which}: scores on them look too good."
    if shared is None:
        return "It was not checked whether a region is in two splits."
    if not shared:
        return "No active region is in two splits."
    return (
        f"{number(shared)} active region{'s are' if shared > 1 else ' is'} in two splits: scores on them look too good."
    )


def _training(inputs: CardInputs) -> list[str]:
    if not inputs.training:
        return []
    return ["## Training", _table(("What", "Value"), flatten(inputs.training))]


def _evaluation(inputs: CardInputs) -> list[str]:
    if not inputs.evaluation:
        return []
    return ["## Evaluation", _table(("What", "Value"), flatten(inputs.evaluation))]


def _scores(verification: Mapping[str, Any]) -> list[str]:
    sample, settings = verification["sample"], verification["settings"]
    parts = [
        "## Scores",
        f"On {counted(sample['n'], 'test image')}, {number(sample['events'])} of them followed by an event"
        + (f", of {counted(sample['regions'], 'active region')}." if sample["regions"] is not None else ".")
        + (
            f" Intervals: {settings['level']:.0%}, {interval_words(settings)}."
            if has_intervals(settings)
            else " No intervals were made."
        ),
    ]
    for name, decision in verification["decisions"].items():
        kind = "calibrated probability" if decision["calibrated"] else "probability"
        parts.append(f"### Yes from a {kind} of {decision['threshold']:.3g} ({name})")
        counts = ", ".join(f"{count.upper()} {number(decision[count])}" for count in ("tp", "fn", "fp", "tn"))
        parts += [f"{counts}.", _score_table(decision["scores"])]
    parts += ["### Probabilities", _score_table(verification["probability"]["scores"])]
    if verification["calibrated"]:
        parts += ["### Calibrated probabilities", _score_table(verification["calibrated"]["scores"])]
    return parts


def _score_table(scores: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        (
            score_title(name),
            number(row["value"]),
            interval(row.get("low"), row.get("high")),
            DEFINITIONS[name].question,
        )
        for name, row in scores.items()
    ]
    return _table(*without_empty(("Score", "Value", "Interval", "Question"), rows, ("Interval",)))


def _plain(text: str) -> str:
    """Keep a name from being read as Markdown or HTML: one line, no tags, no table bars."""
    line = " ".join(str(text).split())
    for mark in "\\`*_[]|#":
        line = line.replace(mark, "\\" + mark)
    return line.replace("<", "&lt;").replace(">", "&gt;")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
