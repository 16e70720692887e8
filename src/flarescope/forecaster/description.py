"""What does a model file say of itself beside its numbers, and can that be?"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from flarescope import sealing
from flarescope.backbones.vgg16 import VGG16
from flarescope.brief import brief
from flarescope.catalog.apart import spans_from_json
from flarescope.errors import InputError
from flarescope.events import EventDefinition, event_from_json
from flarescope.features.history import History, history_from_json
from flarescope.files import utf8_values
from flarescope.forecaster.tuned_file import check_change
from flarescope.heads.base import AnyHead
from flarescope.heads.stored import arrays_of, check_described, described_head
from flarescope.images.likeness import PUBLISHED_SET, Likeness, likeness_from_json
from flarescope.images.render import Rendering
from flarescope.json_values import is_count
from flarescope.parsing import parse_json, refusing_damage
from flarescope.scores.calibration import calibration_from_json
from flarescope.scores.decision import Decision

FORMAT: Final = "flarescope-model-1"


@dataclass(frozen=True)
class Description:
    """What a model file says of itself beside the head.

    Attributes:
        backbone: how the weights are found: `imagenet`, `random:SEED`, or the path of a Keras file.
        family: of the backbone's weights.
        digest: of the backbone's weights; others are refused.
        rendering: id of the rendering that the head was trained on; None for a model of the reference notebook.
        threshold: a forecast is "yes" from this probability on, after the calibration if there is one; 0.5 is the
            recipe's argmax.
        choice: how the threshold was chosen (`scores.threshold.Threshold` as plain numbers), or None for argmax.
        calibration: a calibration fitted on validation rows (`scores.calibration`) as plain numbers, or None.
        regions: NOAA numbers of the regions that it was trained on; None where they are not known.
        event: what it forecasts; None where its training table did not say.
        training_images: what its training images were like (`images.likeness.Likeness` as plain values), or None.
        fitted_on: the rows that threshold and calibration were chosen on (`pipeline.origin.rows_in_short`), or None.
        network: name of the backbone (`backbones.base.Network`).
        times: spans of time that its training rows of the whole disk fill (`catalog.apart.spans_to_json`); None of
            regions, or where they are not known.
        distribution: of a regression on log10 flux (`heads.flux.FluxFit.to_json`); its location, in W/m^2, is the
            event's least flux times 10^(scale * log odds). None of every other head.
        head: kind and digest of a head that is not linear (`heads.stored.described_head`); None of a linear one.
        synthetic: whether it was trained on made magnetograms and flares.
        history: to which earlier images it looks back (`features.history.History` as plain values); None to none.
        tuned: what fine-tuning changed of the backbone (`tuned_file.describe_change`); None where nothing was. Family
            and digest are then of the changed one.
    """

    backbone: str
    family: str
    digest: str
    rendering: str | None = None
    threshold: float = 0.5
    choice: dict[str, Any] | None = None
    calibration: dict[str, Any] | None = None
    regions: list[int] | None = None
    event: EventDefinition | None = None
    training_images: dict[str, Any] | None = None
    fitted_on: dict[str, Any] | None = None
    network: str = VGG16.name
    times: list[list[str]] | None = None
    synthetic: bool = False
    history: dict[str, Any] | None = None
    tuned: dict[str, Any] | None = None
    head: dict[str, Any] | None = None
    distribution: dict[str, Any] | None = None

    __repr__ = brief

    @property
    def decision(self) -> Decision:
        """How its probabilities are calibrated, and from which one on it says yes."""
        return Decision.of(self.threshold, self.calibration)

    @property
    def looks_back(self) -> History | None:
        """To which earlier images it looks back; None to none."""
        return history_from_json(self.history)

    @property
    def likeness(self) -> Likeness | None:
        """What the training images were like; of the reference notebook's models those of the published set."""
        if self.training_images is not None:
            return likeness_from_json(self.training_images)
        return PUBLISHED_SET if self.rendering is None else None


_LATER: Final = ("times", "history", "tuned", "head", "distribution")
"""Are not written where they say nothing: the file is as older versions write and read it."""


def to_text(described: Description, head: AnyHead) -> str:
    """Write a description as JSON, with a digest over it and the head."""
    event = described.event.to_json() if described.event else None
    values = {"format": FORMAT, **asdict(described), "event": event, "head": described_head(head)}
    values = {name: value for name, value in values.items() if value is not None or name not in _LATER}
    if not described.synthetic:
        del values["synthetic"]
    return json.dumps(sealing.sealed(utf8_values(values), *arrays_of(head).values()))


def parse_description(path: Path, text: str, head: AnyHead | None = None) -> Description:
    """Read a description, and with the head check that neither was changed."""
    advice = "train the model again"
    values = parse_json(text, f"{path}: its description cannot be read", advice=advice)
    with refusing_damage(path, advice, what="its description cannot be read"):
        if values["format"] == "flarescope-events-1":
            raise InputError(f"{path}: a model of several events; `predict` takes it, other commands its run's folder")
        if values["format"] != FORMAT:
            raise InputError(f"{path}: written by another version of flarescope; expected {FORMAT}")
        fields = {name: value for name, value in values.items() if name not in ("format", "event", sealing.KEY)}
        event = event_from_json(values.get("event"), str(path))
        described = _checked(Description(**fields, event=event))
    if head is not None:
        with refusing_damage(path, "train or fetch the model again", what="damaged"):
            sealing.unsealed(values, *arrays_of(head).values())
            if (described.head or {}).get("digest") not in (None, head.digest):
                raise ValueError("its head was changed after it was written, its digest differs")
    return described


def _checked(described: Description) -> Description:
    """Refuse values of another type or out of range.

    Raises:
        TypeError, ValueError: on the first of them.
    """
    for name in ("backbone", "family", "digest", "network"):
        if not isinstance(getattr(described, name), str):
            raise TypeError(f"{name} is no text")
    if described.rendering is not None:
        Rendering.from_id(described.rendering)
    if isinstance(described.threshold, bool) or not isinstance(described.threshold, int | float):
        raise TypeError(f"threshold is {described.threshold!r}")
    if not 0 <= described.threshold <= 1:
        raise ValueError(f"threshold is {described.threshold}")
    if described.calibration is not None:
        calibration_from_json(described.calibration)
    for name in ("choice", "fitted_on"):
        if not isinstance(getattr(described, name), dict | None):
            raise TypeError(f"{name} is no object")
    counts = ("images", "events", "regions", "event_regions")
    if described.fitted_on is not None and not all(is_count(described.fitted_on.get(name)) for name in counts):
        raise TypeError("fitted_on does not count images, events and regions")
    regions = described.regions
    if regions is not None and not (isinstance(regions, list) and all(type(region) is int for region in regions)):
        raise TypeError("regions are no whole numbers")
    if not isinstance(described.synthetic, bool):
        raise TypeError(f"synthetic is {described.synthetic!r}")
    spans_from_json(described.times)
    check_described(described.head)
    if described.distribution is not None:
        _check_distribution(described.distribution)
    history_from_json(described.history)
    check_change(described.tuned)
    if described.training_images is not None:
        likeness_from_json(described.training_images)
    return described


def _check_distribution(values: dict[str, Any]) -> None:
    """Refuse what is no distribution of flux.

    Raises:
        TypeError, ValueError: it is none.
    """
    numbers = [values.get(name) for name in ("scale", "limit_w_m2")]
    if values.get("kind") != "logistic" or not all(isinstance(one, float) and 0 < one < 1e3 for one in numbers):
        raise ValueError("distribution is not logistic, with a scale and a limit above 0")
