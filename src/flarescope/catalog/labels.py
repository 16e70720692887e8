"""Which images are followed by a flare, and by which largest one?"""

from typing import Final

import numpy as np
import pandas as pd

from flarescope.errors import InputError

CLASS_FLUX_W_M2: Final = {"A": 1e-8, "B": 1e-7, "C": 1e-6, "M": 1e-5, "X": 1e-4}
"""Peak flux of A1.0 ... X1.0 in the GOES 0.1-0.8 nm channel, W/m^2 (NOAA SWPC)."""


def flux_w_m2(goes_class: "pd.Series[str]") -> "pd.Series[float]":
    """Turn GOES classes such as `C4.7` into peak fluxes in W/m^2, so that they compare as numbers (X1.0 above M5.0).

    Raises:
        InputError: naming the first class that is not one.
    """
    parts = goes_class.str.strip().str.extract(r"^([ABCMX])(\d+(?:\.\d*)?)$")
    bad = parts[0].isna()
    if bad.any():
        raise InputError(
            f"GOES class {goes_class[bad].iloc[0]!r}; expected a letter of A B C M X and a number, as C4.7"
        )
    return parts[0].map(CLASS_FLUX_W_M2) * parts[1].astype(float)


def label_images(
    images: pd.DataFrame, flares: pd.DataFrame, *, threshold: str = "C1.0", window_hours: float = 24.0
) -> pd.DataFrame:
    """Label each image by the flares of its region in the window after it.

    The rule of the published set: an image at time t is flaring if some flare of its region with class >= threshold
    has 0 < peak - t < window, both strict; the largest such flare is named.

    Args:
        images: `noaa_ar` and `time`, N rows.
        flares: `noaa_ar`, `time` (of the peak, on the same scale as the images' times) and `flare` (GOES class).
        threshold: smallest class that counts.
        window_hours: length of the window in hours.

    Returns:
        N rows with the index of `images`: `flare` (largest class in the window, or null) and `label` (0/1, Int8).
    """
    least = flux_w_m2(pd.Series([threshold], dtype="str")).iloc[0]
    flux = flux_w_m2(flares["flare"]).to_numpy()
    # Half a part in 10^9: C1.0 read as 1.0 * 1e-6 must not fall below its own threshold.
    events = flares.assign(flux=flux)[flux >= least * (1 - 1e-9)].sort_values("flux", kind="stable")
    largest = np.full(len(images), -1)
    window = pd.Timedelta(hours=window_hours)
    rows_of = images.reset_index(drop=True).groupby("noaa_ar", sort=False)["time"]
    times = {region: series.sort_values(kind="stable") for region, series in rows_of}
    for number, (region, peak) in enumerate(zip(events["noaa_ar"], events["time"], strict=True)):
        if region in times:
            series = times[region]
            first = series.searchsorted(peak - window, side="right")
            last = series.searchsorted(peak, side="left")
            largest[series.index[first:last]] = number  # events rise in flux: the last one written is the largest
    names = events["flare"].to_numpy(dtype=object)
    flare = pd.Series([names[number] if number >= 0 else None for number in largest], index=images.index, dtype="str")
    return pd.DataFrame({"flare": flare, "label": pd.Series(largest >= 0, index=images.index).astype("Int8")})
