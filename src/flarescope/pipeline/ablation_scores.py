"""How good is each set of parts of a forecast, and what does each part add, with paired intervals?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.events import EventDefinition
from flarescope.heads.stack import fit_stack
from flarescope.log_odds import sigmoid
from flarescope.scores.cases import PROBABILITY, Case, Sampling, ScoredCases
from flarescope.scores.clusters import clusters_of
from flarescope.scores.interval_notes import DIFFERENCES, few_regions
from flarescope.scores.threshold import choose_threshold
from flarescope.scores.verify import plain

IMAGE: Final = "image"
PAST: Final = "image and its past"
FLARES: Final = "flare history"
MCINTOSH: Final = "McIntosh"
MODEL_OF: Final = {FLARES: "history", MCINTOSH: "mcintosh"}
"""Part of the record -> the region model of it (`regions.training.NAMES`)."""
SCORES: Final = ("bss_climatology", "roc_area", "log_loss", "tss")
"""Of every set of parts, the first the main one."""
DECISION: Final = "decision"
JOINED: Final = " + "


@dataclass(frozen=True)
class Parts:
    """The log odds of each part.

    Attributes:
        fit: `(V, P)` of validation rows, a column a part; NaN where it says nothing.
        test: `(N, P)` of the rows that are scored.
        validation: the V rows, with their labels.
        scored: the N rows, with their labels.
    """

    fit: pd.DataFrame
    test: pd.DataFrame
    validation: pd.DataFrame
    scored: pd.DataFrame

    __repr__ = brief


def part_sets(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Give the sets of parts that are scored: each alone, the record, each with the image, and all but each.

    Args:
        names: of the parts that there are; where the image's past is among them, it stands for the image in larger
            sets, since it has the image in it.
    """
    eyes = [name for name in (IMAGE, PAST) if name in names]
    record = [name for name in (FLARES, MCINTOSH) if name in names]
    found: list[tuple[str, ...]] = [(name,) for name in (*eyes, *record)]
    found += [tuple(record)] if len(record) > 1 else []
    for eye in eyes:
        found += [(eye, name) for name in record] + ([(eye, *record)] if len(record) > 1 else [])
    return found


def additions(names: Sequence[str]) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Give what each part adds: its name, the set with it, and that without it."""
    record = tuple(name for name in (FLARES, MCINTOSH) if name in names)
    best = PAST if PAST in names else IMAGE
    found: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []
    if PAST in names:
        found.append(("the past, to the image", (PAST,), (IMAGE,)))
    if not record:
        return found
    found.append((f"the record, to the {best}", (best, *record), (best,)))
    found.append((f"the {best}, to the record", (best, *record), record))
    if PAST in names:
        found.append(("the past, to all else", (PAST, *record), (IMAGE, *record)))
    if len(record) > 1:
        found += [(f"{one}, to all else", (best, *record), (best, *(set(record) - {one}))) for one in record]
    return found


def scored_parts(parts: Parts, event: EventDefinition, climatology: float, sampling: Sampling) -> dict[str, Any]:
    """Join the parts of each set on validation rows, and score them on the others.

    Args:
        parts: their log odds.
        event: what label 1 means.
        climatology: event rate of the training rows.
        sampling: how intervals are made.

    Returns:
        As `ablating.ablate`, without `synthetic`.

    Raises:
        InputError: validation rows of too few regions.
    """
    names, labels = list(map(str, parts.fit)), parts.validation["label"].to_numpy(np.int64)
    groups = clusters_of([parts.validation], event).of_rows.to_numpy(np.int64)
    cases, stacks = {}, {}
    for chosen in part_sets(names):
        fitted = fit_stack(chosen, parts.fit[list(chosen)].to_numpy(), labels, groups)
        probability = sigmoid(fitted.stack.log_odds(parts.test[list(chosen)].to_numpy()))
        threshold = _best_threshold(labels, fitted.out_of_fold)
        cases[JOINED.join(chosen)] = Case(probability, {DECISION: threshold})
        stacks[JOINED.join(chosen)] = fitted
    clusters = clusters_of([parts.scored], event)
    scored = ScoredCases(
        parts.scored["label"].to_numpy(np.int64) == 1,
        cases,
        regions=clusters.of_rows,
        climatology=climatology,
        sampling=sampling,
        unit=clusters.unit,
    )
    sets = [
        {
            "set": name,
            "threshold": case.thresholds[DECISION],
            "penalty": stacks[name].penalty,
            "scores": _of(scored, name),
        }
        for name, case in cases.items()
    ]
    adds = [
        {
            "what": what,
            "with": JOINED.join(wide),
            "without": JOINED.join(narrow),
            "scores": _between(scored, wide, narrow),
        }
        for what, wide, narrow in additions(names)
    ]
    counts = {
        "images": len(parts.scored),
        "events": int(parts.scored["label"].sum()),
        "regions": int(parts.scored["noaa_ar"].nunique()),
        "validation_images": len(parts.validation),
        "validation_regions": int(parts.validation["noaa_ar"].nunique()),
        "unknown": {name: int(parts.test[name].isna().sum()) for name in names},
    }
    with_events = int(clusters.of_rows[parts.scored["label"] == 1].nunique())
    notes = few_regions(scored, event_groups=with_events, what=DIFFERENCES)
    written: dict[str, Any] = plain(
        {
            "event": event.to_json(),
            "parts": names,
            "rows": counts,
            "sets": sets,
            "adds": adds,
            "settings": scored.settings() | {"climatology": climatology},
            "notes": notes,
        }
    )
    return written


def _best_threshold(labels: np.ndarray, probability: np.ndarray) -> float:
    rows = pd.DataFrame({"label": labels, "probability": probability, "split": "validation"})
    return choose_threshold(rows, rule="tss").threshold


def _of(scored: ScoredCases, name: str) -> dict[str, Any]:
    found = {**scored.scores(name, PROBABILITY), **scored.scores(name, DECISION)}
    return {score: found[score] for score in SCORES}


def _between(scored: ScoredCases, wide: Sequence[str], narrow: Sequence[str]) -> dict[str, Any]:
    one, other = JOINED.join(wide), JOINED.join(narrow)
    found = {
        **scored.differences((one, PROBABILITY), (other, PROBABILITY)),
        **scored.differences((one, DECISION), (other, DECISION)),
    }
    return {score: found[score] for score in SCORES}


def to_csv(found: Mapping[str, Any]) -> str:
    """Write sets and additions as one table: `kind`, `name`, `score`, `value`, `low`, `high`."""
    rows = [
        {"kind": kind, "name": one[key], "score": score, **{end: values.get(end) for end in ("value", "low", "high")}}
        for kind, key in (("set", "set"), ("adds", "what"))
        for one in found["sets" if kind == "set" else "adds"]
        for score, values in one["scores"].items()
    ]
    return pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")
