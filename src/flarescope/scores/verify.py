"""How good are these forecasts? Everything that a referee would ask, in one dictionary that JSON can hold.

    sample         n, events, event_rate, regions (that some image shows), event_regions (that an image followed by an
                   event shows), groups and event_groups (the same of what is drawn whole, see `scores.clusters`: groups
                   of connected regions, one each where no image shows two; of the whole disk blocks of time),
                   first_time, last_time
    settings       event, threshold, calibration, climatology, minimum_events, interval_method ("percentile",
                   "jackknife-t" or None), degrees_of_freedom (of Student's t; rates have their own, see `rates`),
                   clusters (regions, groups or blocks that were drawn or left out whole), unit (what one and many of
                   these are called, and the hours of a block), memory (of the error, where blocks of time are drawn:
                   `memory.Memory`), connected (true: groups), replicates (of the bootstrap, if that made them), seed,
                   level
    decisions      "argmax" and, with a threshold, "chosen" -> threshold, calibrated (true: of calibrated
                   probabilities), tp, fn, fp, tn, scores, image_level
    probability    mean_probability, scores, reliability and equal_count (`reliability_bins`, bins of equal width and
                   of equal count), brier_parts, of the probabilities as they came
    calibrated     the same after calibration, or None
    curves         as `curve_lists.curves` says; of the calibrated probabilities if there are any
    baselines      "climatology", "persistence", "always_no" -> decision, probability (as above), and difference:
                   "argmax", "chosen", "probability" -> rows of (the forecasts' score - the baseline's)
    analyses       decision (chosen, if there is one), and of this what `questions.asked.answers` gives
    previous       how persistence was made (`baselines.Baselines.previous`), or None without it
    slices         "argmax", "chosen" -> what `slices.slices` gives
    notes          sentences that a reader of the numbers must know

`scores` and `difference` map a score (see `definitions`) to a row: value, low, high, undefined. `low` and `high` are
the interval by regions, or by blocks of time (`jackknife.interval_method` says how it is made), `undefined` the number
of replicates, or of samples without one of them, in which the score has no value; without intervals a row has only its
value. `image_level` maps it to low and high as they would be if images were independent: to warn. None stands where
there is no number.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from flarescope.blocks import GROUP, REGION, Unit
from flarescope.connected import all_regions
from flarescope.counted import counted
from flarescope.events import EventDefinition
from flarescope.scores.baselines import all_baselines, event_of_rows
from flarescope.scores.bootstrap import LEVEL, REPLICATES
from flarescope.scores.by_cluster import ByCluster
from flarescope.scores.calibration import Calibration
from flarescope.scores.cases import PROBABILITY, Case, Sampling, ScoredCases
from flarescope.scores.clusters import AUTO, Clusters, clusters_of
from flarescope.scores.curve_lists import curves
from flarescope.scores.decision import Decision
from flarescope.scores.interval_notes import SCORES, blocks_of_time, few_regions, odd_intervals
from flarescope.scores.jackknife import JACKKNIFE
from flarescope.scores.previous import Flares
from flarescope.scores.questions.asked import Asked, answers, further_slices
from flarescope.scores.reliability_bins import brier_parts, equal_count_edges, equal_width_edges, reliability_bins
from flarescope.scores.rows import labels_and_probability, with_columns
from flarescope.scores.slices import MINIMUM_EVENTS, Drawn, slices
from flarescope.scores.threshold import ARGMAX, check_threshold


def verify(
    forecasts: pd.DataFrame,
    *,
    threshold: float | None = None,
    calibration: Calibration | None = None,
    climatology: float | None = None,
    event: EventDefinition | None = None,
    flares: Flares | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
    level: float = LEVEL,
    minimum_events: int = MINIMUM_EVENTS,
    resample: str = AUTO,
) -> dict[str, Any]:
    """Verify the forecasts of one table.

    Args:
        forecasts: rows as `tables.check_forecasts` gives them, all labelled, of both classes. `flare`, `lon_deg` and
            `lat_deg` give more slices where they are there.
        threshold: chosen on validation rows: the decision "chosen". None: only "argmax" is reported.
        calibration: fitted on validation rows. Then `forecasts` holds raw probabilities, "argmax" is taken on these,
            and `threshold` applies to the calibrated ones.
        climatology: event rate of the training set; None leaves out what is measured against it.
        event: what label 1 means; None leaves out persistence, for the hours it looks back over are the event's.
        flares: a flare list (`catalog.noaa_flares.FlareList`) to see the previous window in, for persistence. Without
            one it is read off the labels of earlier rows.
        replicates: of the bootstrap by region, which makes the intervals where enough regions have events; 0 makes none
            and needs no regions.
        seed: of the bootstrap.
        level: of the intervals.
        minimum_events: slices with fewer events give no scores.
        resample: what is drawn or left out whole, one word (`scores.clusters`); `auto` is the region where there is
            one, else a block of time that is long enough for the memory of the error.

    Returns:
        The dictionary that this module begins with.

    Raises:
        InputError: labels missing or other than 0/1, probabilities missing or outside 0..1, one class only, intervals
            asked for without regions, options out of range.
    """
    labels, raw = labels_and_probability(forecasts, "verification")
    if threshold is not None:
        check_threshold(threshold)
    sampling = Sampling(replicates, seed, level)
    forecasts = with_columns(forecasts)
    event, said = event_of_rows(forecasts, event) if event else (None, [])
    simplest = all_baselines(forecasts, rate=climatology, event=event, flares=flares)
    cases, clusters = _cases(raw, threshold, calibration), clusters_of([forecasts], event, resample)
    simple = {
        name: Case(table["probability"].to_numpy(float), {"argmax": ARGMAX}) for name, table in simplest.tables.items()
    }
    scored = ScoredCases(
        labels,
        cases | simple,
        regions=clusters.of_rows,
        unit=clusters.unit,
        climatology=climatology,
        sampling=sampling,
    )
    by, drawn = ByCluster.of(labels, clusters.of_rows, sampling), Drawn(clusters.of_rows, clusters.unit, sampling)
    decided = {decision: name for name, case in cases.items() for decision in case.thresholds}
    last = list(cases)[-1]  # the calibrated ones if there are any
    main = list(decided)[-1]
    asked, of_main = Asked(forecasts, labels, event, flares, by), cases[decided[main]]
    settings = {
        "event": event.to_json() if event else None,
        "threshold": threshold,
        "calibration": calibration.to_json() if calibration else None,
        "climatology": climatology,
        "minimum_events": minimum_events,
    }
    result = {
        "sample": _sample(forecasts, labels, clusters),
        "settings": settings | scored.settings() | {"memory": clusters.memory and clusters.memory.to_json()},
        "decisions": {decision: _decision(scored, cases, case, decision) for decision, case in decided.items()},
        "probability": _probability(scored, cases, "raw", by),
        "calibrated": _probability(scored, cases, "calibrated", by) if calibration else None,
        "curves": curves(labels, cases[last].probability, by),
        "baselines": {name: _baseline(scored, name, decided, last) for name in simplest.tables},
        "analyses": {"decision": main} | answers(asked, of_main.probability, of_main.thresholds[main]),
        "previous": simplest.previous,
        "slices": {
            decision: _slices(forecasts, cases[case], decision, minimum_events, drawn, asked)
            for decision, case in decided.items()
        },
    }
    written: dict[str, Any] = plain(
        result | {"notes": said + simplest.notes + _warnings(scored, result, clusters, event)}
    )
    return written


def plain(value: Any) -> Any:  # noqa: ANN401
    """Turn arrays and NumPy numbers into lists and numbers that JSON holds, and what is not finite into None."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(inner) for inner in (value.tolist() if isinstance(value, np.ndarray) else value)]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cases(raw: np.ndarray, threshold: float | None, calibration: Calibration | None) -> dict[str, Case]:
    chosen = {} if threshold is None else {"chosen": threshold}
    if calibration is None:
        return {"raw": Case(raw, {"argmax": ARGMAX} | chosen)}
    calibrated = Decision(calibration=calibration).probability(raw)
    return {"raw": Case(raw, {"argmax": ARGMAX}), "calibrated": Case(calibrated, chosen)}


def _sample(forecasts: pd.DataFrame, labels: np.ndarray, clusters: Clusters) -> dict[str, Any]:
    groups, times = clusters.of_rows, forecasts["time"].dropna()
    grouped, known = bool(groups.notna().any()), bool(forecasts["noaa_ar"].notna().any())
    return {
        "n": len(labels),
        "events": int(labels.sum()),
        "event_rate": float(labels.mean()),
        "regions": len(all_regions(forecasts)) if known else None,
        "event_regions": len(all_regions(forecasts[labels])) if known else None,
        "groups": int(groups.nunique()) if grouped else None,
        "event_groups": int(groups[labels].nunique()) if grouped else None,
        "first_time": times.min().isoformat() if len(times) else None,
        "last_time": times.max().isoformat() if len(times) else None,
    }


def _decision(scored: ScoredCases, cases: Mapping[str, Case], case: str, decision: str) -> dict[str, Any]:
    head = {"threshold": cases[case].thresholds[decision], "calibrated": case == "calibrated"}
    scores = {"scores": scored.scores(case, decision), "image_level": scored.image_level(case, decision)}
    return head | scored.counts(case, decision) | scores


def _probability(scored: ScoredCases, cases: Mapping[str, Case], case: str, by: ByCluster) -> dict[str, Any]:
    probability, labels = cases[case].probability, scored.labels
    equal = equal_count_edges(probability)
    return {
        "mean_probability": float(probability.mean()),
        "scores": scored.scores(case, PROBABILITY),
        "reliability": reliability_bins(labels, probability, equal_width_edges(), by),
        "equal_count": reliability_bins(labels, probability, equal, by),
        "brier_parts": brier_parts(labels, probability, equal_width_edges(), by),
    }


def _baseline(scored: ScoredCases, name: str, decided: Mapping[str, str], last: str) -> dict[str, Any]:
    differences = {
        decision: scored.differences((case, decision), (name, "argmax")) for decision, case in decided.items()
    }
    return {
        "decision": {"threshold": ARGMAX} | scored.counts(name, "argmax") | {"scores": scored.scores(name, "argmax")},
        "probability": {"scores": scored.scores(name, PROBABILITY)},
        "difference": differences | {PROBABILITY: scored.differences((last, PROBABILITY), (name, PROBABILITY))},
    }


def _slices(
    forecasts: pd.DataFrame, case: Case, decision: str, minimum_events: int, drawn: Drawn, asked: Asked
) -> dict[str, Any]:
    yes = case.probability >= case.thresholds[decision]
    scored = forecasts.assign(probability=case.probability)
    return slices(scored, yes, minimum_events=minimum_events, drawn=drawn, further=further_slices(asked))


def _warnings(
    scored: ScoredCases, result: Mapping[str, Any], clusters: Clusters, event: EventDefinition | None
) -> list[str]:
    """Say what a reader could not see in the intervals."""
    notes = few_regions(scored, event_groups=result["sample"]["event_groups"], what=SCORES)
    parts = {name: decision["scores"] for name, decision in result["decisions"].items()}
    odd = odd_intervals(scored, parts | {PROBABILITY: result["probability"]["scores"]}, SCORES)
    time = blocks_of_time(scored, clusters.memory, event.window_hours if event else None)
    return notes + _beside_images(scored, result) + time + odd


def _beside_images(scored: ScoredCases, result: Mapping[str, Any]) -> list[str]:
    if scored.method is None:
        return []
    tss, images = result["decisions"]["argmax"]["scores"]["tss"], result["decisions"]["argmax"]["image_level"]["tss"]
    if not images["high"] > images["low"]:
        return []
    taken = "left out" if scored.method == JACKKNIFE else "resampled"
    ratio = (tss["high"] - tss["low"]) / (images["high"] - images["low"])
    alike = _alike(scored.unit)
    whole = "regions" if scored.unit == GROUP else scored.unit.many
    why = f"{alike} can be much alike, so whole {whole} are {taken}"
    if scored.unit == GROUP:
        groups, regions = result["settings"]["clusters"], result["sample"]["regions"]
        why += f", those that an image shows together as one group: {counted(groups, 'group')} of {regions:,} regions"
    return [f"{why}. The interval of TSS is {ratio:.1f} times as wide as one that takes rows as independent would be."]


def _alike(unit: Unit) -> str:
    if unit.hours is not None:
        return "Rows near one another in time"
    return "Rows of one region" if unit in (REGION, GROUP) else f"Rows of one {unit.one}"
