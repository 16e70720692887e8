"""What must be said where a model forecasts images of another kind, or of another time, than it was trained on?"""

from collections.abc import Iterable
from typing import Final

import pandas as pd

from flarescope.events import EventDefinition, scales_differ
from flarescope.images.render import Rendering
from flarescope.progress import Reporter

UNSCALED_FROM: Final = pd.Timestamp("2020-01-01", tz="UTC")
"""From here on SWPC's classes are taken to be on the scale of GOES-16. The published list is on the old one to its end
in 2018, GOES-16 was SWPC's first satellite for X-rays in 2020; the day between is unchecked."""

MEASURED: Final = "by 0.001 to 0.014 on the average and up to 0.13 (83 of HMI's images, VGG16 with random filters)"
"""How far apart forecasts of the two forms were: `benchmarks/two_forms.py`, docs/magnetograms.md."""


def tell_later_scale(event: EventDefinition | None, times: "pd.Series[pd.Timestamp]", reporter: Reporter) -> None:
    """Say with the factor where a model of the old flux scale forecasts images of the time of the new one."""
    if event is not None and event.flux_scale == "operational" and (times >= UNSCALED_FROM).any():
        later = f"its images are of {UNSCALED_FROM:%Y} or later, the model's classes of before"
        reporter.warn(f"{later}: {scales_differ(event.threshold)}")


def form_of(rendering: str) -> str:
    """Say what a rendering (its id) is made of: a step of an 8-bit PNG is 47 gauss, and a FITS file is not rounded."""
    known = Rendering.from_id(rendering)
    if known.of_disk:
        return f"whole disks ({known.files})"
    return "fields in gauss (FITS)" if known.of_fits else "PNG"


def tell_other_form(trained: str | None, renderings: Iterable[str], reporter: Reporter) -> None:
    """Warn where a model that was trained on PNG forecasts fields (FITS files, arrays in hand), or the other way round.

    Args:
        trained: id of the rendering that the model was trained on; None, or `given`, where that is not known.
        renderings: ids of the images' own.
        reporter: hears it.
    """
    if trained in (None, "given"):
        return
    forms, own = {form_of(one) for one in renderings}, form_of(trained)
    if forms - {own}:
        (other,) = forms - {own}
        if Rendering.from_id(trained).of_disk:
            reporter.warn(f"the model was trained on {own}, these images are {other}: forecasts of them say nothing")
            return
        which = "some of these images are" if own in forms else "these images are"
        reporter.warn(
            f"the model was trained on {own}, and {which} {other}: forecasts of the two forms of one image differ, "
            f"{MEASURED}"
        )
