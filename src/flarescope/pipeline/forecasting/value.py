"""What is a forecast of one moment: for which regions, which events, by which model, from which data?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pandas as pd

from flarescope.events import FluxScale
from flarescope.regions.appearance import NEAR_LIMB_DEG
from flarescope.regions.model import COLUMNS, NO_HISTORY

FLAGS: Final = {
    "limb": f"{NEAR_LIMB_DEG:g} degrees or more from the central meridian: foreshortened, its class is less sure",
    "new": "in no summary before: how it changes is not known",
    "unclassed": "the summary gives no McIntosh class",
    "no-history": "how it flared before is not known; forecast from the summaries alone",
    "no-patch": "no model of images could forecast it",
}
"""Words of `Forecast.regions`' column `flags`, and what each means."""
OFFICIAL: Final = (
    ("NOAA Space Weather Prediction Center (USA)", "https://www.swpc.noaa.gov"),
    (
        "Met Office Space Weather Operations Centre (UK)",
        "https://weather.metoffice.gov.uk/specialist-forecasts/space-weather",
    ),
    ("SIDC, Royal Observatory of Belgium", "https://www.sidc.be"),
    ("ESA Space Weather Service Network", "https://swe.ssa.esa.int"),
    ("NICT Space Weather Forecast (Japan)", "https://swc.nict.go.jp/en"),
    ("Bureau of Meteorology, Space Weather (Australia)", "https://www.sws.bom.gov.au"),
)
"""Who issues official forecasts, and where."""
RESEARCH: Final = "Research software: this is no official forecast."


@dataclass(frozen=True)
class Forecast:
    """Forecasts of one moment.

    Attributes:
        issued: UTC; every window begins then, or `latency_h` later.
        day: at whose first moment (UTC) the positions of the summary hold that was used.
        model: name of the region model, whose forecasts stand first.
        model_sha256: of its file; None where it was never one.
        flux_scale: on which the classes of the events stand: `operational` (SWPC's before GOES-16) or `science`.
        regions: one row a region with spots: the columns of `catalog.noaa_regions.REGION_DTYPES` but `section`, and
            `flags` (words of `FLAGS` with spaces between).
        probabilities: `regions.model.COLUMNS`, a row a region (or the disk, `noaa_ar` null), event and model.
        data: what it was made from: `regions`, `flares`, `image`, `models`, each a list of `name`, `sha256` and more.
        notes: what changes its meaning, a line each.

    Example:
        >>> forecast = flarescope.forecast(["20160707SRS.txt"])
        >>> forecast.regions["noaa_ar"].tolist()
        [12560]
        >>> 0 < forecast.probability("M1.0", 24, noaa_ar=12560) < 0.1
        True
    """

    issued: pd.Timestamp
    day: pd.Timestamp
    model: str
    model_sha256: str | None
    flux_scale: FluxScale
    regions: pd.DataFrame = field(repr=False)
    probabilities: pd.DataFrame = field(repr=False)
    data: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        return f"Forecast(issued='{self.issued:%Y-%m-%dT%H:%M}', model={self.model!r}, regions={len(self.regions)})"

    @property
    def valid_to(self) -> pd.Timestamp:
        """The end of the longest window, UTC."""
        ends = self.probabilities["window_h"] + self.probabilities["latency_h"]
        return self.issued + pd.Timedelta(hours=float(ends.max()))

    def probability(
        self, event: str, window_h: float, *, noaa_ar: int | None = None, model: str | None = None
    ) -> float | None:
        """Give one probability; None where there is none.

        Args:
            event: least class, such as `M1.0`.
            window_h: hours from the issue time.
            noaa_ar: of a region; None of the whole disk.
            model: whose; None is the region model.
        """
        table = self.of_model(model)
        of_region = table["noaa_ar"].isna() if noaa_ar is None else table["noaa_ar"].eq(noaa_ar).fillna(value=False)
        found = table[of_region & table["event"].eq(event) & table["window_h"].eq(window_h) & table["latency_h"].eq(0)]
        return float(found["probability"].iloc[0]) if len(found) else None

    def of_model(self, model: str | None = None) -> pd.DataFrame:
        """Give the rows of one model, of the region model by default, whether it knew the flare history or not."""
        names = self.probabilities["model"]
        return self.probabilities[names.str.removesuffix(NO_HISTORY).eq(model or self.model)]

    def with_images(
        self,
        probabilities: pd.DataFrame,
        *,
        data: Mapping[str, Sequence[Mapping[str, Any]]],
        notes: Sequence[str] = (),
        unseen: Sequence[int] = (),
    ) -> "Forecast":
        """Give it with the forecasts of models of images beside its own.

        Args:
            probabilities: `regions.model.COLUMNS`.
            data: the image and the models.
            notes: what is to be said of them.
            unseen: regions that no such model could forecast.
        """
        joined = pd.concat([self.probabilities, probabilities.astype(COLUMNS)], ignore_index=True)
        flags = [
            " ".join(filter(None, [flags, "no-patch" if number in unseen else ""]))
            for number, flags in zip(self.regions["noaa_ar"], self.regions["flags"], strict=True)
        ]
        regions = self.regions.assign(flags=pd.Series(flags, index=self.regions.index, dtype="str"))
        said = tuple(dict.fromkeys([*self.notes, *notes]))
        return replace(self, probabilities=joined, regions=regions, data={**self.data, **data}, notes=said)
