"""Where, when and for which flares are the forecasts good or bad?

Every slice comes with its counts, of images and of regions, for images of one region are nearly copies: a hundred
events of a single region are one piece of evidence. A slice with few events says so and gives no score.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.blocks import Unit
from flarescope.connected import shown_regions
from flarescope.counted import counted
from flarescope.events import CLASS_FLUX_W_M2
from flarescope.scores.by_cluster import ByCluster
from flarescope.scores.cases import Sampling
from flarescope.scores.categorical import COUNTS, categorical_scores
from flarescope.scores.jackknife import FEW_REGIONS, MINIMUM_REGIONS, PERCENTILE, effective_number
from flarescope.scores.rates import rate

MINIMUM_EVENTS: Final = 10
LEAD: Final = "lead"
"""The slicing of events by the hours to their peak."""
WORST: Final = 10
ANGLE_EDGES_DEG: Final = (0, 30, 45, 60, 90)
"""From the centre of the disk; beyond 60 degrees projection spoils the line-of-sight field."""

_SCORES: Final = ("tpr", "tnr", "tss", "hss")


@dataclass(frozen=True)
class Drawn:
    """What is drawn whole for the intervals of slices: the cluster of each row, what it is called, and how."""

    clusters: "pd.Series[int]"
    unit: Unit
    sampling: Sampling


def slices(
    forecasts: pd.DataFrame,
    yes: np.ndarray,
    *,
    minimum_events: int = MINIMUM_EVENTS,
    drawn: Drawn | None = None,
    further: "Mapping[str, pd.Series[Any]] | None" = None,
) -> dict[str, Any]:
    """Score yes/no forecasts by slice.

    Args:
        forecasts: N rows with `label` and `probability`, and what is known of `noaa_ar`, `time`, `flare`, `lon_deg`
            and `lat_deg`; a slice by something that no row has is left out.
        yes: `(N,)` bool, whether an event was forecast.
        minimum_events: slices with fewer events (images labelled 1) give no score but a note.
        drawn: how intervals are made; None makes none.
        further: name of a slicing -> the slice of each row `(N,)`, null for none; `lead` has slices of events alone.

    Returns:
        `region`, `year`, `month`, `position`, and further ones: a row a slice, as `slice_rows` says; `flare_class` and
        `lead`: as `hit_rates` says; `most_misses` and `most_false_alarms`: the rows of the regions with most of them.
    """
    found: dict[str, Any] = {}
    given = dict(further or {})
    events_alone = {"flare_class": _classes(forecasts), LEAD: given.pop(LEAD, None)}
    for name, keys in (_groupings(forecasts) | given).items():
        if keys.notna().any():
            how = None if name == "region" else drawn  # a region is one cluster: there is nothing to draw
            found[name] = slice_rows(forecasts, yes, keys, minimum_events=minimum_events, drawn=how)
    for name, some in events_alone.items():
        if some is not None and some.notna().any():
            found[name] = hit_rates(forecasts, yes, some, minimum_events=minimum_events, drawn=drawn)
    for name, count in (("most_misses", "fn"), ("most_false_alarms", "fp")):
        regions = [row for row in found.get("region", []) if row[count]]
        found[name] = sorted(regions, key=lambda row: -row[count])[:WORST]
    return found


def slice_rows(
    forecasts: pd.DataFrame,
    yes: np.ndarray,
    keys: "pd.Series[Any]",
    *,
    minimum_events: int,
    drawn: Drawn | None = None,
) -> list[dict[str, Any]]:
    """Count and score each slice.

    Args:
        forecasts: N rows with `label` and `probability`, and `noaa_ar` where it is known.
        yes: `(N,)` bool.
        keys: `(N,)` the slice of each row; rows with null are left out.
        minimum_events: as in `slices`.
        drawn: as in `slices`.

    Returns:
        Sorted by slice (in the order of the categories, where `keys` have some): `slice` (its name), `n`, `events`,
        `tp`, `fn`, `fp`, `tn`, `regions`, `event_regions` (null where no row has a region), `event_rate`,
        `mean_probability`, then `tpr`, `tnr`, `tss`, `hss`, `brier`, all None where there are too few events,
        `intervals` (score -> [low, high], where there are some), and `note`, which says what is missing or is None.
    """
    codes, names = pd.factorize(keys, sort=True)
    event, probability = (forecasts["label"] == 1).to_numpy(bool), forecasts["probability"].to_numpy(float)
    inside = codes >= 0
    total = _sums(codes, inside, np.ones(len(codes)))
    cells = {"tp": event & yes, "fn": event & ~yes, "fp": ~event & yes, "tn": ~event & ~yes}
    counts = {name: _sums(codes, inside, cell) for name, cell in cells.items()}
    scores = {name: value for name, value in categorical_scores(**counts).items() if name in _SCORES}
    scores["brier"] = _sums(codes, inside, (probability - event) ** 2) / total
    regions = _regions(forecasts, codes, inside), _regions(forecasts, codes, inside & event)
    mean = _sums(codes, inside, probability) / total
    rows = []
    for index, name in enumerate(names):
        of_slice = {count: int(counts[count][index]) for count in COUNTS}
        events = of_slice["tp"] + of_slice["fn"]
        few = events < minimum_events
        intervals, lacks = ({}, None) if few or drawn is None else _intervals(drawn, codes == index, event, yes)
        rows.append(
            {"slice": str(name), "n": int(total[index]), "events": events}
            | of_slice
            | {"regions": _at(regions[0], index), "event_regions": _at(regions[1], index)}
            | {"event_rate": events / float(total[index]), "mean_probability": float(mean[index])}
            | {score: None if few or np.isnan(value[index]) else float(value[index]) for score, value in scores.items()}
            | {"intervals": intervals, "note": _note(events, minimum_events) if few else lacks}
        )
    return rows


def _intervals(
    drawn: Drawn, inside: np.ndarray, event: np.ndarray, yes: np.ndarray
) -> tuple[dict[str, list[float]], str | None]:
    """Give the intervals of the scores of one slice, and what is said where there are none."""
    by = ByCluster.of(event[inside], drawn.clusters[inside], drawn.sampling)
    if by.method is None:
        return {}, f"too few {drawn.unit.many} for an interval" if drawn.sampling.replicates else None
    rows = by.decision(event[inside], yes[inside])
    return {name: [rows[name]["low"], rows[name]["high"]] for name in _SCORES}, None


def hit_rates(
    forecasts: pd.DataFrame,
    yes: np.ndarray,
    keys: "pd.Series[Any]",
    *,
    minimum_events: int,
    drawn: Drawn | None = None,
) -> list[dict[str, Any]]:
    """Give the hit rate of the events by what `keys` say of them, such as their largest flare.

    Args:
        forecasts: N rows with `label`.
        yes: `(N,)` bool.
        keys: `(N,)` the slice of each event; null for none.
        minimum_events: as in `slices`.
        drawn: as in `slices`.

    Returns:
        A row a slice: `slice`, `events`, `tp`, `fn`, `regions`, `tpr` (None where there are too few), `intervals` and
        `note`.
    """
    rows = slice_rows(forecasts, yes, keys, minimum_events=minimum_events)
    codes, event = pd.factorize(keys, sort=True)[0], (forecasts["label"] == 1).to_numpy(bool)
    if drawn is not None and drawn.sampling.replicates:
        by = ByCluster.of(event, drawn.clusters, drawn.sampling)
        for index, row in enumerate(rows):
            if row["tpr"] is not None:
                row |= _rate_interval(by, drawn.unit.many, (codes == index) & event, yes)
    return [
        {name: row[name] for name in ("slice", "events", "tp", "fn", "regions", "tpr", "intervals", "note")}
        for row in rows
    ]


def _rate_interval(by: ByCluster, many: str, inside: np.ndarray, yes: np.ndarray) -> dict[str, Any]:
    """Give the interval of the hit rate of some events, as of TPR where they are all events (`ByCluster.decision`)."""
    of = np.bincount(by.codes[inside], minlength=by.count)
    if by.method is None or np.count_nonzero(of) < MINIMUM_REGIONS:
        return {"note": f"too few {many} for an interval"}
    counted = np.bincount(by.codes[inside], yes[inside], minlength=by.count)
    if by.method == PERCENTILE and effective_number(of) >= FEW_REGIONS:
        row = by.rows(lambda weights: {"tpr": _share(weights @ counted, weights @ of)})["tpr"]
        return {"intervals": {"tpr": [row["low"], row["high"]]}}
    found = rate(counted, of, by.sampling.level).interval
    return {"intervals": {"tpr": [found.low, found.high]}}


def _share(counted: np.ndarray, of: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(counted / of)


def _classes(forecasts: pd.DataFrame) -> "pd.Series[Any] | None":
    """Give the class of the largest flare of each event: "C", "M", "X", or "unknown"; None where no row has one."""
    if "flare" not in forecasts or not forecasts["flare"].notna().any():
        return None
    event = (forecasts["label"] == 1).to_numpy(bool)
    letter = forecasts["flare"].str.strip().str[:1].str.upper()
    return letter.where(letter.isin(list(CLASS_FLUX_W_M2)), "unknown").where(event)


def disk_angle_deg(lon_deg: np.ndarray, lat_deg: np.ndarray) -> np.ndarray:
    """Give the angle from the centre of the disk, taken at latitude 0 (its true latitude stays within 7.25 degrees)."""
    cosine = np.cos(np.radians(lon_deg)) * np.cos(np.radians(lat_deg))
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _groupings(forecasts: pd.DataFrame) -> "dict[str, pd.Series[Any]]":
    found: dict[str, pd.Series[Any]] = {}
    if "noaa_ar" in forecasts:
        found["region"] = forecasts["noaa_ar"]
    if "time" in forecasts:
        found["year"] = forecasts["time"].dt.strftime("%Y")
        found["month"] = forecasts["time"].dt.strftime("%Y-%m")
    if {"lon_deg", "lat_deg"} <= set(forecasts.columns):
        angle = disk_angle_deg(forecasts["lon_deg"].to_numpy(float), forecasts["lat_deg"].to_numpy(float))
        names = [f"{low}-{high} deg" for low, high in itertools.pairwise(ANGLE_EDGES_DEG)]
        bands = pd.cut(angle, list(ANGLE_EDGES_DEG), labels=names, include_lowest=True)
        found["position"] = pd.Series(bands, index=forecasts.index).astype("str")
    return found


def _sums(codes: np.ndarray, inside: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.bincount(codes[inside], values[inside], minlength=int(codes.max(initial=-1)) + 1)


def _regions(forecasts: pd.DataFrame, codes: np.ndarray, chosen: np.ndarray) -> np.ndarray | None:
    """Count the regions that the chosen rows of each slice show; None where no row has a region."""
    if "noaa_ar" not in forecasts or forecasts["noaa_ar"].isna().all():
        return None
    rows, regions = shown_regions(forecasts)
    pairs = pd.DataFrame({"code": codes[rows], "region": regions})[chosen[rows]].drop_duplicates()
    return np.bincount(pairs["code"], minlength=int(codes.max(initial=-1)) + 1)


def _at(counts: np.ndarray | None, index: int) -> int | None:
    return None if counts is None else int(counts[index])


def _note(events: int, minimum_events: int) -> str | None:
    if events >= minimum_events:
        return None
    return f"{counted(events, 'event')}, fewer than {minimum_events}: no scores"
