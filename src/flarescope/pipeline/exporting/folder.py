"""What does the card of a model in a folder say?"""

import json
import re
import shlex
from pathlib import Path
from typing import Final

from flarescope.events import sentence_of
from flarescope.forecaster.as_torch import heads_of
from flarescope.model_card import TAGS
from flarescope.pipeline.model_parts import ModelParts
from flarescope.wording import DISCLAIMER

_PREDICT: Final = re.compile(r"^flarescope predict .* (some\.fits|disk\.jpg)( --epoch \d+)?$", re.MULTILINE)
"""The command of a card: of another epoch than the best one it names that (`reporting`)."""


def card_of(found: ModelParts, folder: Path) -> str:
    """Give the card that `report` wrote of this very model; without one a short card, which says that it has none."""
    written, called = _written(found), shlex.quote(folder.resolve().name)
    if written is not None:
        here = f"flarescope predict {called} "  # not the run's folder, which others do not have
        return _PREDICT.sub(lambda command: here + command[1], written, count=1)
    first = found.parts[0]
    weights, described = first.weights, first.description
    tags = [*TAGS, *(["synthetic-data"] if described.synthetic else [])]
    lines = ["---", "library_name: flarescope", f"tags: {json.dumps(tags)}", "---", ""]
    lines += [f"# {folder.resolve().name}", ""]
    if described.synthetic:
        lines += ["> **Trained on synthetic data: what it forecasts is no result.**", ""]
    if weights.is_random:
        lines += ["> **The filters of its network are random: for demonstrations and tests.**", ""]
    events = "; ".join(sentence_of(head.event) for head in heads_of(found.parts))
    lines += [f"Forecasts {events}, by a head on features of {weights.backbone.name}. {DISCLAIMER}", ""]
    lines += [
        f"- network: {weights.backbone.name}, {weights.family}, {weights.digest}",
        f"- rendering: {described.rendering or 'of the reference notebook'}",
        f"- head: {first.head.digest}",
        "",
        f"```bash\nflarescope predict {called} some.fits\n```",
        "",
        "Its scores are not here: no report was written of the model as it is before it was exported (`flarescope "
        "report`).",
        "",
    ]
    return "\n".join(lines)


def _written(found: ModelParts) -> str | None:
    """Read the run's card; one of another epoch's model, or older than the model's calibration, is not this model's."""
    if found.run is None or found.path != found.run.model_path():
        return None
    card = found.run.path / "README.md"
    if not card.is_file() or card.stat().st_mtime_ns < found.path.stat().st_mtime_ns:
        return None
    text = card.read_text(encoding="utf-8")
    command = _PREDICT.search(text)
    return None if command and command[2] else text
