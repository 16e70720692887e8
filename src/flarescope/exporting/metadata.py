"""What does an exported file say of itself, so that nobody need ask where it came from or what goes in?"""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

from flarescope.forecaster.as_torch import heads_of
from flarescope.forecaster.classifier import Classifier
from flarescope.wording import DISCLAIMER

FORMAT: Final = "flarescope-export-1"
KEY: Final = "flarescope"
"""Under which an exported file holds it, as JSON."""

OUTPUT: Final = "probability"


def described_export(
    parts: Sequence[Classifier],
    *,
    source: str,
    shape: tuple[int, int] | None,
    rendering: str | None,
    run: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Say what a file holds, as plain values.

    Args:
        parts: the models, one an event.
        source: name of the input, `pixels` or `field_gauss`.
        shape: height and width of fields in gauss, or None of pixels.
        rendering: how fields become pixels within, or for pixels how the training's were made.
        run: what `run.json` says, if there is one; of several events `by_event`, what that of each says.
    """
    weights, size = parts[0].weights, parts[0].weights.backbone.pixels.size
    if shape is None:
        meaning = "grey pixels 0..255, not scaled and not less any mean: that is within; made as `rendering` says"
        goes_in = {"name": source, "shape": ["N", 1, size, size], "dtype": "float32", "meaning": meaning}
    else:
        meaning = "line-of-sight field in gauss as HMI's files lie, south up; what cannot be forecast gives NaN"
        goes_in = {"name": source, "shape": ["N", *shape], "dtype": "float32", "meaning": meaning}
    return {
        "format": FORMAT,
        "flarescope": version("flarescope"),
        "input": goes_in,
        "output": {"name": OUTPUT, "shape": ["N", len(parts)], "dtype": "float32", "order": "events"},
        "events": [_event(part, code.code) for part, code in zip(parts, heads_of(parts), strict=True)],
        "rendering": rendering,
        "backbone": {
            "network": weights.backbone.name,
            "family": weights.family,
            "digest": weights.digest,
            "random": weights.is_random,
            "preprocessing": weights.backbone.preprocessing,
        },
        "training": _training(parts[0], run),
        "note": DISCLAIMER,
    }


def _event(part: Classifier, code: str) -> dict[str, Any]:
    described = part.description
    return {
        "code": code,
        "event": None if described.event is None else described.event.to_json(),
        "head_digest": part.head.digest,
        "calibration": described.calibration,
        "threshold": described.threshold,
        "fitted_on": described.fitted_on,
    }


def _training(part: Classifier, run: Mapping[str, Any] | None) -> dict[str, Any]:
    described = part.description
    said: dict[str, Any] = {
        "synthetic": described.synthetic,
        "rendering": described.rendering,
        "regions": described.regions,
        "times": described.times,
    }
    return said | {key: run[key] for key in ("recipe", "data", "versions", "by_event") if run and key in run}
