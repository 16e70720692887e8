"""How often do regions of one class flare, and what probability follows: climatology, MCSTAT, MCEVOL?

MCSTAT (Gallagher, Moon & Wang 2002, Solar Physics 209, 171; Bloomfield et al. 2012, ApJL 747, L41) takes the mean
number of flares in the window after a region-day of a McIntosh class for the rate of a Poisson process: P = 1 -
exp(-rate). MCEVOL (McCloskey, Gallagher & Bloomfield 2016, Solar Physics 291, 1711) takes the class of the day before
and that of the day. The formula is theirs; the rates are those of the rows trained on, and a rare class is drawn
towards a wider one, which is not theirs: its rate is that of its own region-days together with `PRIOR_DAYS` of the
wider one's rate. The wider class of `EKI>FKC` is `FKC`, of `FKC` it is `F`, of `F` all.

Flares of one region come in clusters, so that a Poisson process of the mean rate has events on more days than there
are: both methods forecast too much, most of all for the windows with many flares. That is kept.
Climatology is the share of region-days with an event, of all classes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from flarescope.brief import brief
from flarescope.regions.description import Description
from flarescope.regions.grid import SHAPE, SMALLEST

PRIOR_DAYS: Final = 20.0
"""Region-days of the wider class that a class's own are joined with."""
ALL: Final = ""
"""The widest class."""

Levels = Callable[[str, str], tuple[str, ...]]
"""Class of the day and of the day before -> the classes that it belongs to, the widest first."""

LEVELS: Final[Mapping[str, Levels]] = {
    "climatology": lambda _now, _before: (ALL,),
    "mcintosh": lambda now, _before: (ALL, now[:1], now) if now else (ALL,),
    "mcevol": lambda now, before: (ALL, now[:1], now, *([f"{before}>{now}"] if before else [])) if now else (ALL,),
}
"""Model -> which classes it tells apart."""


@dataclass(frozen=True)
class ClassRates:
    """The rate of flares after a region-day of each class.

    Attributes:
        kind: of `LEVELS`.
        rates: class -> `(T, W)` rates, P = 1 - exp(-rate), drawn towards the wider class where the class is rare;
            `ALL` is among them.
    """

    kind: str
    rates: Mapping[str, np.ndarray]

    __repr__ = brief

    def forecast(self, described: Description) -> np.ndarray:
        """Give the probabilities of the grid, `(N, T, W)`: of the narrowest class whose rate is known."""
        levels = LEVELS[self.kind]
        found = np.empty((len(described), *SHAPE))
        for row, (now, before) in enumerate(zip(described.mcintosh, described.before, strict=True)):
            known = [name for name in levels(str(now), str(before)) if name in self.rates]
            found[row] = self.rates[known[-1]]
        return np.asarray(-np.expm1(-found))

    def to_json(self) -> dict[str, Any]:
        """Give the rates as plain values."""
        return {"rates": {name: rate.tolist() for name, rate in self.rates.items()}}


def fit_rates(kind: str, described: Description, counts: np.ndarray) -> ClassRates:
    """Count how regions of each class flared.

    Args:
        kind: of `LEVELS`.
        described: N rows.
        counts: `(N, T, W)` flares after each, as `outcomes.region_counts` gives them.
    """
    if kind == "climatology":
        share = np.clip((counts > 0).mean(axis=0), SMALLEST, 1 - SMALLEST)
        return ClassRates(kind, {ALL: -np.log1p(-share)})
    levels = LEVELS[kind]
    pairs = zip(described.mcintosh, described.before, strict=True)
    rows_of: dict[str, list[int]] = {ALL: []}
    wider: dict[str, str] = {}
    for row, (now, before) in enumerate(pairs):
        names = levels(str(now), str(before))
        for place, name in enumerate(names):
            rows_of.setdefault(name, []).append(row)
            wider[name] = names[place - 1] if place else ALL
    rates = {ALL: counts.mean(axis=0)}
    for name in sorted(rows_of, key=lambda name: (name.count(">"), len(name))):
        if name != ALL:
            own = counts[rows_of[name]]
            prior = rates[wider[name]] * PRIOR_DAYS
            rates[name] = (own.sum(axis=0) + prior) / (len(own) + PRIOR_DAYS)
    return ClassRates(kind, rates)
