"""What is forecast: which flares count as an event, in which hours after the image, from where, on which flux scale?"""

import functools
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal, get_args

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.errors import InputError

CLASS_FLUX_W_M2: Final = {"A": 1e-8, "B": 1e-7, "C": 1e-6, "M": 1e-5, "X": 1e-4}
"""Peak flux of A1.0 ... X1.0 in the GOES 0.1-0.8 nm channel, W/m^2 (NOAA SWPC)."""
GOES_CLASS: Final = re.compile(r"([ABCMX])([0-9]+(?:\.[0-9]*)?)")
"""How a class is written: a letter and a number, as `C4.7`. Lists have other forms too (`catalog.noaa_flares`)."""
OPERATIONAL_FACTOR: Final = 0.7
"""Before GOES-16 SWPC's operational fluxes of that channel were the science-quality ones times 0.7: a C1.0 of 2012 is
a C1.4 on today's scale (NOAA's User's Guide for GOES 1-15 XRS science-quality data)."""
LONGEST_HOURS: Final = 24.0 * 366
"""The longest window and latency taken: more is a slip of the unit."""
UNKNOWN_EVENT: Final = "an event as its author defined it"
"""What is said of an event that nobody stated."""

Scope = Literal["region", "disk"]
Rules = Literal["utc", "ar-flares"]
FluxScale = Literal["operational", "science"]

_SAME: Final = 1e-9  # half a part in 10^9 either way: C1.0 read as 1.0 * 1e-6 must not fall below its own threshold


def flux_w_m2(goes_class: "pd.Series[str]") -> "pd.Series[float]":
    """Turn GOES classes such as `C4.7` into peak fluxes in W/m^2, so that they compare as numbers (X1.0 above M5.0).

    Raises:
        InputError: naming the first class that is not one.
    """
    flux = flux_if_class(goes_class)
    bad = flux.isna()
    if bad.any():
        raise InputError(
            f"GOES class {str(goes_class[bad].iloc[0])[:20]!r}; expected a letter of A B C M X and a number, as C4.7"
        )
    return flux


def flux_if_class(goes_class: "pd.Series[str]") -> "pd.Series[float]":
    """Give peak fluxes as `flux_w_m2` does, NaN for what is no class."""
    codes, names = pd.factorize(goes_class.astype("str"))  # of twenty years' flares 400 classes differ
    parts = pd.Series(names, dtype="str").str.strip().str.extract(rf"^{GOES_CLASS.pattern}$")
    flux = parts[0].map(CLASS_FLUX_W_M2).astype(float) * parts[1].astype(float)
    return pd.Series(np.append(flux, np.nan)[codes], index=goes_class.index)


@functools.lru_cache(1024)  # an evaluation asks for one event's some hundred times, and pandas takes 2 ms
def _flux_of_one(goes_class: str) -> float:
    return float(flux_w_m2(pd.Series([goes_class], dtype="str")).iloc[0])


@dataclass(frozen=True, kw_only=True)
class EventDefinition:
    """What label 1 means: a flare of class >= `threshold` in the window after the image.

    Attributes:
        threshold: smallest class that counts, as it was written, such as `C1.0`.
        window_hours: length of the window in hours.
        latency_hours: from the image to the start of the window.
        scope: `region`: flares of the image's own region; `disk`: flares from anywhere on the Sun.
        rules: which times are compared and which ends belong to the window (`catalog.labels`); None where unknown.
        flux_scale: of the flare list that the labels are made by: `operational` (SWPC's before GOES-16) or `science`
            (science-quality data, and GOES-16 on); None where unknown.

    Example:
        >>> event = flarescope.EventDefinition(threshold="M1.0", window_hours=12, latency_hours=1)
        >>> print(event.sentence)
        a flare of class M1.0 or above in the 12 hours that begin 1 hour later
    """

    threshold: str = "C1.0"
    window_hours: float = 24.0
    latency_hours: float = 0.0
    scope: Scope = "region"
    rules: Rules | None = "utc"
    flux_scale: FluxScale | None = None

    def __repr__(self) -> str:
        return brief(self, "threshold", "window_hours")

    def __post_init__(self) -> None:
        _flux_of_one(str(self.threshold))
        if not 0 < self.window_hours <= LONGEST_HOURS:
            raise InputError(f"window of {self.window_hours} hours; expected more than 0, at most {LONGEST_HOURS:.0f}")
        if not 0 <= self.latency_hours <= LONGEST_HOURS:
            raise InputError(f"latency of {self.latency_hours} hours; expected from 0 to {LONGEST_HOURS:.0f}")
        for name, value, choices in (
            ("scope", self.scope, get_args(Scope)),
            ("rules", self.rules, (*get_args(Rules), None)),
            ("flux scale", self.flux_scale, (*get_args(FluxScale), None)),
        ):
            if value not in choices:
                expected = " or ".join(str(choice) for choice in choices if choice is not None)
                raise InputError(f"{name} {value!r}; expected {expected}")

    def __str__(self) -> str:
        return self.brief + (f", rules {self.rules}" if self.rules else "")

    @property
    def brief(self) -> str:
        """Say which flares count and when, in few words: ">= M1.0 within 12 h" of the image or the issue."""
        where = " anywhere" if self.scope == "disk" else ""
        if not self.latency_hours:
            return f">= {self.threshold}{where} within {self.window_hours:g} h"
        hours = f"{self.window_hours:g} h that begin {self.latency_hours:g} h later"
        return f">= {self.threshold}{where} in the {hours}"

    @property
    def hours_after(self) -> str:
        """Say it as `brief` does, in one line of a drawing's legend: ">= M1.0 12 to 24 h later"."""
        if not self.latency_hours:
            return self.brief
        where, last = " anywhere" if self.scope == "disk" else "", self.latency_hours + self.window_hours
        return f">= {self.threshold}{where} {self.latency_hours:g} to {last:g} h later"

    @property
    def flux_w_m2(self) -> float:
        """The smallest peak flux that counts, W/m^2, on the list's own scale."""
        return _flux_of_one(self.threshold)

    @property
    def sentence(self) -> str:
        """Say what is forecast, as the object of a sentence: "a flare of class C1.0 or above within 24 hours"."""
        where = " anywhere on the disk" if self.scope == "disk" else ""
        if not self.latency_hours:
            return f"a flare of class {self.threshold} or above{where} within {_hours(self.window_hours)}"
        return (
            f"a flare of class {self.threshold} or above{where} in the {_hours(self.window_hours)} that begin "
            f"{_hours(self.latency_hours)} later"
        )

    @property
    def code(self) -> str:
        """Give class and window in short, `M1.0/24`, with a latency `M1.0/24+6`; it does not say the scope."""
        latency = f"+{self.latency_hours:g}" if self.latency_hours else ""
        return f"{self.threshold}/{self.window_hours:g}{latency}"

    @property
    def name(self) -> str:
        """Give what columns and folders of this event are called: `M1.0_24h`, with a latency `M1.0_24h_after_6h`."""
        letter, number = self.threshold.strip()[0], float(self.threshold.strip()[1:])
        least = f"{number:.1f}" if round(number, 1) == number else f"{number:g}"
        latency = f"_after_{self.latency_hours:g}h" if self.latency_hours else ""
        return f"{letter}{least}_{self.window_hours:g}h{latency}"

    def counts(self, goes_class: "pd.Series[str]") -> "pd.Series[bool]":
        """Tell which flares are strong enough to count, `(N,)` bool."""
        return flux_w_m2(goes_class) >= self.flux_w_m2 * (1 - _SAME)

    def to_json(self) -> dict[str, Any]:
        """Give the event as plain values; `flux_w_m2` is there for other programs to read."""
        return asdict(self) | {"flux_w_m2": self.flux_w_m2}


PUBLISHED: Final = EventDefinition(rules="ar-flares", flux_scale="operational")
"""What the labels of the published set (Boucheron et al. 2023), and models of the reference notebook, mean; its
`eventList.txt` is SWPC's list of 2010 to 2018."""


def event_from_json(values: object, source: str) -> EventDefinition | None:
    """Read an event's JSON form; None stays None.

    Args:
        values: what `EventDefinition.to_json` gave, or None.
        source: what to call the file in a message.

    Raises:
        InputError: not an event.
    """
    if values is None:
        return None
    known = {field.name for field in fields(EventDefinition)}
    if not isinstance(values, Mapping) or not {"threshold", "window_hours"} <= set(values):
        raise InputError(f"{source}: its event cannot be read; expected threshold, window_hours and the like")
    numbers = [values.get(name, 0.0) for name in ("window_hours", "latency_hours")]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in numbers):
        raise InputError(f"{source}: its event cannot be read; expected hours as numbers")
    if not all(value is None or isinstance(value, str) for key, value in values.items() if key in known - _NUMBERS):
        raise InputError(f"{source}: its event cannot be read; expected threshold, scope and rules as text")
    try:
        return EventDefinition(**{key: value for key, value in values.items() if key in known})
    except (InputError, AttributeError, TypeError) as error:
        raise InputError(f"{source}: its event cannot be read ({error})") from error


_NUMBERS: Final = frozenset({"window_hours", "latency_hours"})


def sentence_of(event: EventDefinition | None) -> str:
    """Say what is forecast, also where that is unknown."""
    return UNKNOWN_EVENT if event is None else event.sentence


def statement_of(event: EventDefinition | None) -> str:
    """Say what an event is, in a sentence of its own."""
    return "an event is as its author defined it" if event is None else f"an event is {event.sentence}"


def difference(first: EventDefinition, second: EventDefinition) -> str | None:
    """Say why forecasts of the one event are no forecasts of the other; None where they are.

    Rules that differ by 34 to 37 seconds, and flux scales, do not make another event: `remarks` tells of them.
    """
    same = (
        abs(first.flux_w_m2 - second.flux_w_m2) <= first.flux_w_m2 * _SAME
        and first.window_hours == second.window_hours
        and first.latency_hours == second.latency_hours
        and first.scope == second.scope
    )
    return None if same else f"{first.brief} and {second.brief}"


def remarks(first: EventDefinition, second: EventDefinition) -> list[str]:
    """Say in what two definitions of one event differ all the same: the flux scale, with its factor, and the rules."""
    found = []
    if first.flux_scale and second.flux_scale and first.flux_scale != second.flux_scale:
        found.append(scales_differ(first.threshold))
    if first.rules and second.rules and first.rules != second.rules:
        found.append(f"labels by the rules {first.rules} and {second.rules}: times differ by 34 to 37 seconds")
    return found


def scales_differ(threshold: str) -> str:
    """Say what it means that classes stand on two flux scales, with the factor."""
    flux = float(flux_w_m2(pd.Series([threshold], dtype="str")).iloc[0])
    unscaled = class_of_flux(flux / OPERATIONAL_FACTOR)
    return (
        f"two flux scales: operational fluxes before GOES-16 are {OPERATIONAL_FACTOR:g} times those of science-quality "
        f"and GOES-16 data, so that {threshold} on the former is {unscaled} on the latter"
    )


def class_of_flux(flux: float) -> str:
    """Give the GOES class of a peak flux, W/m^2, to a tenth: 1.3e-4 is X1.3; from X100 on as a whole number."""
    letter = next((name for name in reversed(CLASS_FLUX_W_M2) if round(flux / CLASS_FLUX_W_M2[name], 1) >= 1), "A")
    number = flux / CLASS_FLUX_W_M2[letter]
    return f"{letter}{number:.0f}" if number >= 100 else f"{letter}{number:.1f}"


def agreed(events: Mapping[str, EventDefinition | None], advice: str) -> tuple[EventDefinition | None, list[str]]:
    """Find the one event that several tables or models speak of.

    Args:
        events: what each is called -> its event, None where it does not say.
        advice: what to do where they differ.

    Returns:
        The event, None where none says it, and remarks that have to be said aloud.

    Raises:
        InputError: two of them speak of different events.
    """
    known = {name: event for name, event in events.items() if event is not None}
    if not known:
        return None, []
    (first, event), *others = known.items()
    said: list[str] = []
    for name, other in others:
        if difference(event, other):
            raise InputError(f"{first} is of flares {event.brief}, {name} of flares {other.brief}; {advice}")
        said += [f"{first} and {name}: {remark}" for remark in remarks(event, other)]
        event = replace(event, rules=event.rules or other.rules, flux_scale=event.flux_scale or other.flux_scale)
    silent = [name for name in events if name not in known]
    if silent:
        said.append(f"{', '.join(silent)} does not say what an event is; taken to be {event.sentence}, as {first} says")
    return event, list(dict.fromkeys(said))


def _hours(hours: float) -> str:
    return f"{hours:g} hour{'' if hours == 1 else 's'}"
