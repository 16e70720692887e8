"""Which models forecast uploads, and what does a program read of them and of those of the forecasts?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from flarescope.archive import ModelUsed
from flarescope.errors import InputError
from flarescope.events import EventDefinition, sentence_of
from flarescope.files import sha256_of
from flarescope.forecaster.classifier import Classifier
from flarescope.forecaster.runs import RunFolder
from flarescope.parsing import refusing_damage
from flarescope.pipeline.models import Model, load
from flarescope.pipeline.provenance import RANDOM_FILTERS
from flarescope.regions.shipped import FOLDER, shipped_models
from flarescope.serving.answers import Problem
from flarescope.serving.documents import Document
from flarescope.serving.kept import Kept

SYNTHETIC: Final = (
    "SYNTHETIC DATA: the model was trained on made magnetograms and flares, not on observed ones. These are no results."
)
LARGEST_CARD: Final = 1 << 20


@dataclass(frozen=True)
class ServedModel:
    """A model of images that forecasts uploads.

    Attributes:
        name: by which it is asked for: that of its run's folder, or of its file.
        model: loaded.
        path: of the run, or of the file.
        sha256: of its file.
        warnings: what stands on top of whatever it forecasts.
        card: its model card in Markdown, or None.
    """

    name: str
    model: Model = field(repr=False)
    path: Path
    sha256: str
    warnings: tuple[str, ...] = ()
    card: str | None = field(default=None, repr=False)

    @property
    def events(self) -> tuple[EventDefinition, ...]:
        """What it forecasts; none where it does not say it."""
        several, event = self.model.several, self.model.classifier.description.event
        if several is not None:
            return several.events
        return () if event is None else (event,)

    @property
    def parts(self) -> tuple[Classifier, ...]:
        """One an event."""
        return (self.model.classifier,) if self.model.several is None else self.model.several.parts

    @property
    def thresholds(self) -> dict[str, float]:
        """From which probability on each event is forecast, by its short form."""
        pairs = zip(self.events, self.parts, strict=False)  # a model may not say its event
        return {event.code: part.description.threshold for event, part in pairs}

    def chosen(self, code: str | None) -> str | None:
        """Give the event of several that is asked for by its short form, by itself the first; None of one event.

        Raises:
            Problem: 422, the model has no such event.
        """
        codes = [event.code for event in self.events]
        if code is not None and code not in codes:
            raise Problem(422, f"event {code[:30]}: {self.name} forecasts {', '.join(codes)[:150] or 'one, unnamed'}")
        return None if self.model.several is None else code or codes[0]

    def document(self) -> Document:
        """Give it as plain values."""
        classifier = self.model.classifier
        described = classifier.description
        return {
            "name": self.name,
            "of": "images",
            "sha256": self.sha256,
            "event": None if described.event is None else described.event.to_json(),
            "events": [one.code for one in self.events],
            "forecasts": ", ".join(map(sentence_of, self.events)) or sentence_of(None),
            "backbone": classifier.weights.backbone.name,
            "weights": classifier.weights.family,
            "calibrated": all(part.description.calibration is not None for part in self.parts),
            "threshold": described.threshold if self.model.several is None else None,
            "thresholds": self.thresholds,
            "learned": None,
            "warnings": list(self.warnings),
            "card": None if self.card is None else f"/api/v1/models/{quote(self.name, safe='')}/card",
        }


def load_models(paths: Sequence[Path]) -> dict[str, ServedModel]:
    """Load runs and model files, by name.

    Raises:
        InputError: one is none, or two have one name.
    """
    found: dict[str, ServedModel] = {}
    for path in paths:
        one = _loaded(Path(path))
        if one.name in found:
            raise InputError(f"two models are called {one.name}; give their folders different names")
        found[one.name] = one
    return found


def _loaded(path: Path) -> ServedModel:
    model = load(path)
    name = path.resolve().name if path.is_dir() else path.stem
    run = model.run
    warnings = [RANDOM_FILTERS] if model.classifier.weights.is_random else []
    warnings += [SYNTHETIC] if model.classifier.description.synthetic or _made(run) else []
    card = None if run is None else _card(run.path / "README.md")
    return ServedModel(name, model, path, sha256_of(model.path), tuple(warnings), card)


def _made(run: RunFolder | None) -> bool:
    """Whether a run says that its data were made; models of older runs do not say it themselves."""
    return run is not None and bool(run.read().get("synthetic"))


def _card(path: Path) -> str | None:
    if not path.is_file() or path.stat().st_size > LARGEST_CARD:
        return None
    with refusing_damage(path, "make the report again"):
        return path.read_text(encoding="utf-8")


def used_models(forecasts: Sequence[Kept]) -> dict[str, ModelUsed]:
    """Give the models of forecasts by name, of each the newest."""
    return {one.name: one for kept in forecasts for one in kept.models}


def used_document(used: ModelUsed) -> Document:
    """Give a model of forecasts as plain values."""
    return {
        "name": used.name,
        "of": "regions",
        "sha256": used.digest.removeprefix("sha256:") or None,
        "learned": {"from": used.first, "to": used.last} if used.last else None,
        "warnings": [],
        "card": f"/api/v1/models/{quote(used.name, safe='')}/card" if shipped_card(used) is not None else None,
    }


def shipped_card(used: ModelUsed) -> str | None:
    """Give the card of a region model, if it is one that ships: of the very same file."""
    if used.name not in shipped_models():
        return None
    digest = used.digest.removeprefix("sha256:")
    return _card(FOLDER / f"{used.name}.md") if digest == sha256_of(FOLDER / f"{used.name}.json") else None
