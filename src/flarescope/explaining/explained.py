"""What is found out about one image and one event: the maps, how faithful they are, and whether they are sane?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from flarescope.errors import InputError
from flarescope.explaining import faithful
from flarescope.explaining.maps import BATCH, CELLS, METHODS, ZERO_FIELD, Map
from flarescope.explaining.sanity import RANDOMISED, randomised, rank_correlation
from flarescope.forecaster.as_torch import LogOdds
from flarescope.log_odds import sigmoid


@dataclass(frozen=True)
class Explained:
    """Maps of one image for one event.

    Attributes:
        log_odds: of the event as the model gives them, before any calibration; what maps and curves are of.
        maps: by method.
        refused: method -> why this network has no such map.
        curves: method -> what becomes of the log-odds in the order of its map; empty without checks.
        random: curves of random maps, which a map's areas are held against; empty without checks.
        correlations: method -> `RANDOMISED` -> rank correlation with the map of a model with random weights, None where
            one of the two is the same all over; empty without checks.
    """

    log_odds: float
    maps: Mapping[str, Map]
    refused: Mapping[str, str] = field(default_factory=dict)
    curves: Mapping[str, faithful.Curves] = field(default_factory=dict, repr=False)
    random: Sequence[faithful.Curves] = field(default=(), repr=False)
    correlations: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)

    @property
    def probability(self) -> float:
        """Of the event before any calibration, 0..1."""
        return float(sigmoid(np.array([self.log_odds]))[0])

    @property
    def random_deletion_area(self) -> float | None:
        """Mean of the random maps' deletion areas."""
        return float(np.mean([one.deletion_area for one in self.random])) if self.random else None

    @property
    def random_insertion_area(self) -> float | None:
        """Mean of the random maps' insertion areas."""
        return float(np.mean([one.insertion_area for one in self.random])) if self.random else None

    def to_json(self) -> dict[str, Any]:
        """Give all but the maps' pixels as plain values."""
        maps: dict[str, dict[str, Any]] = {}
        for method, found in self.maps.items():
            maps[method] = {"layer": found.layer, "lowest": float(found.values.min()), **found.said}
            maps[method] |= {"highest": float(found.values.max())}
            if method in self.curves:
                maps[method]["faithfulness"] = self.curves[method].to_json()
                maps[method]["rank_correlation_with_random_weights"] = dict(self.correlations[method])
        values: dict[str, Any] = {
            "log_odds": self.log_odds,
            "probability_raw": self.probability,
            "maps": maps,
            "refused": dict(self.refused),
        }
        if self.random:
            values["random_maps"] = {
                "number": len(self.random),
                "deletion_area": self.random_deletion_area,
                "insertion_area": self.random_insertion_area,
                "deletion_areas": [one.deletion_area for one in self.random],
                "insertion_areas": [one.insertion_area for one in self.random],
            }
        return values


def randomised_models(module: LogOdds, seed: int) -> dict[str, LogOdds]:
    """Give the model with weights drawn at random in each of the ways of `RANDOMISED`."""
    return {what: randomised(module, what, seed) for what in RANDOMISED}


def explain_pixels(
    module: LogOdds,
    pixels: np.ndarray,
    event: int,
    *,
    methods: Sequence[str],
    others: Mapping[str, LogOdds],
    seed: int = 0,
) -> Explained:
    """Explain one image.

    Args:
        module: the model.
        pixels: `(C, S, S)`, 0..255.
        event: number of the event in the model.
        methods: of `METHODS`; those that this network cannot have are named in `refused`.
        others: as `randomised_models` gives them; none of them leaves faithfulness and sanity out.
        seed: of random maps and of ties.
    """
    pixels = np.ascontiguousarray(pixels, np.float32)
    batch = torch.from_numpy(pixels)[np.newaxis]
    maps, refused = _maps(module, batch, event, methods)

    def score(images: np.ndarray) -> np.ndarray:
        return log_odds_of(module, images, event)

    log_odds = float(score(batch.numpy())[0])
    if not others:
        return Explained(log_odds, maps, refused)
    side = min(CELLS, pixels.shape[-1])
    ranks = {name: faithful.ranks_of_cells(found.values, side, seed) for name, found in maps.items()}
    correlations: dict[str, dict[str, float | None]] = {name: {} for name in maps}
    for what, other in others.items():
        for name, found in _maps(other, batch, event, list(maps))[0].items():
            correlations[name][what] = rank_correlation(maps[name].values, found.values)
    return Explained(
        log_odds,
        maps,
        refused,
        {name: faithful.curves(score, pixels, order, zero=ZERO_FIELD) for name, order in ranks.items()},
        faithful.random_curves(score, pixels, side, zero=ZERO_FIELD, seed=seed),
        correlations,
    )


def _maps(
    module: LogOdds, batch: torch.Tensor, event: int, methods: Sequence[str]
) -> tuple[dict[str, Map], dict[str, str]]:
    maps, refused = {}, {}
    for method in methods:
        try:
            maps[method] = METHODS[method](module, batch, event)
        except InputError as error:
            refused[method] = str(error)
    return maps, refused


def log_odds_of(module: LogOdds, images: np.ndarray, event: int) -> np.ndarray:
    """Give the log-odds of an event before calibration, `(N,)` float64, for `(N, C, S, S)` float32."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            found.append(module(torch.from_numpy(images[start : start + BATCH]))[:, event].double().numpy())
    return np.concatenate(found)
