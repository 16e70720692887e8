"""What does a region look like in NOAA's daily summary, as numbers?"""

from typing import Final

import numpy as np
import pandas as pd

ZURICH: Final = ("A", "H", "B", "C", "D", "E", "F")
"""McIntosh's first letter, the modified Zurich class, by how large and complete a group is (McIntosh 1990, Solar
Physics 125, 251)."""
PENUMBRA: Final = ("X", "R", "S", "A", "H", "K")
"""His second: of the largest spot; none, rudimentary, small symmetric, small asymmetric, large of both kinds."""
COMPACTNESS: Final = ("X", "O", "I", "C")
"""His third: how the spots are spread; undefined, open, intermediate, compact."""
LETTERS: Final = {"zurich": ZURICH, "penumbra": PENUMBRA, "compactness": COMPACTNESS}

NEAR_LIMB_DEG: Final = 60.0
"""From here on spots are foreshortened and counted too few (summaries give no areas corrected beyond)."""


def appearance(regions: pd.DataFrame) -> pd.DataFrame:
    """Describe each row of a summary by itself.

    Args:
        regions: `(N,)` rows of `catalog.noaa_regions.REGION_DTYPES`.

    Returns:
        `(N, ...)` float64, NaN where the summary does not say: a column of 0/1 for each of McIntosh's letters, and each
        letter's rank; `beta`, `gamma`, `delta` (0/1, of the Hale class); `area` (log of 1 + millionths of the
        hemisphere), `spots` (log of 1 + number), `extent_deg`; `latitude_deg`, its size, `longitude_deg` (west
        positive), its size, and how far beyond `NEAR_LIMB_DEG` in the west and in the east.
    """
    columns: dict[str, np.ndarray] = {}
    classes = regions["mcintosh"].str.upper()
    for position, (name, letters) in enumerate(LETTERS.items()):
        letter = classes.str[position]
        columns |= {f"{name}_{one.lower()}": _where_known(letter == one, letter) for one in letters}
        columns[f"{name}_rank"] = letter.map({one: rank for rank, one in enumerate(letters)}).to_numpy(float)
    hale = regions["hale"].str.upper()
    columns |= {part: _where_known(hale.str.contains(part.upper()), hale) for part in ("beta", "gamma", "delta")}
    columns["area"] = np.log1p(_numbers(regions["area_msh"]))
    columns["spots"] = np.log1p(_numbers(regions["spots"]))
    columns["extent_deg"] = _numbers(regions["extent_deg"])
    latitude, longitude = _numbers(regions["latitude_deg"]), _numbers(regions["longitude_deg"])
    columns |= {"latitude_deg": latitude, "latitude_size_deg": np.abs(latitude)}
    columns |= {"longitude_deg": longitude, "longitude_size_deg": np.abs(longitude)}
    columns["beyond_west_deg"] = np.clip(longitude - NEAR_LIMB_DEG, 0, None)
    columns["beyond_east_deg"] = np.clip(-NEAR_LIMB_DEG - longitude, 0, None)
    return pd.DataFrame(columns, index=regions.index)


def _numbers(column: "pd.Series[float]") -> np.ndarray:
    numbers: np.ndarray = column.astype("Float64").to_numpy(float, na_value=np.nan)
    return numbers


def _where_known(true: "pd.Series[bool]", source: "pd.Series[str]") -> np.ndarray:
    return np.where(source.isna(), np.nan, true.fillna(value=False).to_numpy(float))
