"""Which command evaluates a run on a split: as it was evaluated before, or on the tables that it was made of?"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flarescope.backbones.base import Spec, spec_text
from flarescope.catalog.boucheron import read_table
from flarescope.counted import listed
from flarescope.errors import InputError
from flarescope.events import EventDefinition, event_from_json
from flarescope.forecaster.runs import RunFolder, chosen_epoch
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.identity import table_digest
from flarescope.pipeline.origin import Origin
from flarescope.pipeline.verifying import Verifying
from flarescope.storage.systems import is_url


def options_of(
    *,
    compute: Compute | None = None,
    backbone: Spec | None = None,
    event: EventDefinition | None = None,
    verifying: Verifying | None = None,
) -> tuple[str, ...]:
    """Give the options of `flarescope evaluate` that chose something else than what it does without them.

    Args:
        compute: of the features; how many threads read changes nothing.
        backbone: that was given instead of the model's own.
        event: that was stated; not what a table says.
        verifying: how intervals and baselines were made.
    """
    compute, verifying = compute or Compute(), verifying or Verifying()
    usual = Compute(), Verifying()
    options: dict[str, object] = {
        "--backbone": None if backbone is None else _whole(spec_text(backbone)),
        "--engine": compute.engine if compute.engine != usual[0].engine else None,
        "--precision": compute.precision if compute.precision != usual[0].precision else None,
        "--engine-batch": compute.batch,
        "--nan": compute.nan if compute.nan != usual[0].nan else None,
        "--store": compute.store,
        "--events": _whole(verifying.events),
        "--flux-scale": verifying.flux_scale,
        "--resample": verifying.resample if verifying.resample != usual[1].resample else None,
        "--replicates": verifying.replicates if verifying.replicates != usual[1].replicates else None,
    }
    if event is not None:
        options |= {"--event": event.threshold, "--window": f"{event.window_hours:.15g}"}
        options |= {"--latency": f"{event.latency_hours:.15g}"} if event.latency_hours else {}
        options |= {"--scope": event.scope} if event.scope == "disk" else {}
    words = (word for name, value in options.items() if value is not None for word in (name, str(value)))
    return (*words, *(["--instrument-ok"] if compute.instrument_ok else []))


def _whole(path: str | Path | None) -> str | None:
    """Give the path of a file that is there from the root on; other words, such as `random:3`, as they are."""
    return None if path is None else str(Path(path).resolve() if Path(path).exists() else path)


def to_evaluate(
    why: str, run: RunFolder, described: Mapping[str, Any], split: str, origin: Origin | None = None
) -> InputError:
    """Give the error that says why a run has to be evaluated on a split, with the command that does it.

    What the command needs and nobody recorded, or is no longer there, or is a table of other rows now, stands in it in
    capitals, and the error says so.

    Args:
        why: what is missing, or does not fit.
        run: the folder.
        described: its `run.json`.
        split: of the rows.
        origin: of forecasts of this split that are to be made again as they were: table, images, epoch, limit, overlap
            and options are theirs. None, and one of the end of training, takes the run's own tables and best model.
    """
    magnetic = described.get("kind") == "magnetic"
    own = described["features" if magnetic else "images"]
    if origin is None or origin.table is None:
        made = _of_run(described, split, own)
    else:
        options = _options_of_origin(run, origin)
        made = _Made(origin.table, origin.table_digest, origin.limit, origin.source or own, options)
    event = event_from_json(described.get("event"), str(run.run_json))
    unknown = _unknown(made, split, magnetic, event)
    words = ["flarescope", "evaluate-magnetic" if magnetic else "evaluate", str(run.path)]
    words += ["--split", split] if split != "test" else []
    words += ["--table", "TABLE" if "TABLE" in unknown else str(made.table)]
    source = "FEATURES" if magnetic else "IMAGES"
    words += [f"--{source.lower()}", source if source in unknown else made.source]
    said = listed([f"{word} stands for {meaning}" for word, meaning in unknown.items()])
    command = shlex.join(map(from_here, [*words, *made.options]))
    return InputError(why + (f" ({said})" if said else ""), command=command)


@dataclass(frozen=True)
class _Made:
    """What an evaluation is made of: a table, the digest of its rows, how many of them, images or features, options."""

    table: str | None
    digest: str | None
    limit: int | None
    source: str
    options: list[str]


def _of_run(described: Mapping[str, Any], split: str, source: str) -> _Made:
    limit = None if split == "test" else (described.get("tables") or {}).get("limit")
    if (options := described.get("options")) is None:  # a run of an older version
        options = ["--nan", "zero"] if str(described["store"].get("rendering")).endswith("+nan-zero") else []
    digest = (described["data"].get(split) or {}).get("digest")
    options = [*_common(limit, described.get("allow_overlap")), *options]
    return _Made(_own_table(described, split), digest, limit, source, options)


def _unknown(made: _Made, split: str, magnetic: bool, event: EventDefinition | None) -> dict[str, str]:
    """Give words for what is not there, or not what it was, and what they stand for."""
    unknown, rows = {}, f"the table of the {split} rows"
    if made.table is None or not Path(made.table).exists():
        unknown["TABLE"] = rows
    elif made.digest is not None and _digest(made.table, split, made.limit, event) != made.digest:
        unknown["TABLE"] = f"{rows}, which {from_here(made.table)} is no longer"
    if not (is_url(made.source) or Path(made.source).exists()):
        unknown["FEATURES" if magnetic else "IMAGES"] = "their features" if magnetic else "their folder"
    return unknown


def _digest(table: str, split: str, limit: int | None, event: EventDefinition | None) -> str | None:
    """Give the digest of the rows that a table has now; None where it cannot be read."""
    try:
        return table_digest(read_table(table, split=split, limit=limit, event=event))
    except InputError:
        return None


def _own_table(described: Mapping[str, Any], split: str) -> str | None:
    """Find the table that a run would take the rows of a split from; None where it has none."""
    tables = described.get("tables") or {}
    if split != "test":
        return tables.get(split)
    train, validation = tables.get("train"), tables.get("validation")
    return train if train is not None and train == validation and _has_split(train, split) else None


def _has_split(table: str, split: str) -> bool:
    """Whether a table is there whose column `split` names rows of this split."""
    try:
        return bool((read_table(table)["split"] == split).any())
    except InputError:
        return False


def _options_of_origin(run: RunFolder, origin: Origin) -> list[str]:
    kept = [row for row in run.history() if (run.path / str(row["model"])).is_file()]
    of_run = [row["epoch"] for row in kept if row["model"] == origin.model]
    other = [str(epoch) for epoch in of_run if epoch != chosen_epoch(kept)["epoch"]]
    epoch = [word for number in other for word in ("--epoch", number)]
    return [*epoch, *_common(origin.limit, origin.allow_overlap), *origin.options]


def _common(limit: int | None, allow_overlap: bool | None) -> list[str]:
    return [*(["--limit", str(limit)] if limit else []), *(["--allow-overlap"] if allow_overlap else [])]


def from_here(path: str | Path) -> str:
    """Give a path in or below the working folder without that folder, and any other word as it is."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else str(path)
