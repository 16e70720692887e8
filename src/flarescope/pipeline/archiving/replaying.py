"""Which forecasts does a stretch of the past give, written as tables that are evaluated and compared, and how good?"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from flarescope.archive import ModelUsed
from flarescope.archive.records import base_name
from flarescope.brief import brief
from flarescope.catalog.flux_scales import list_scale
from flarescope.catalog.noaa_regions import is_region_table
from flarescope.catalog.swpc_probabilities import read_probabilities
from flarescope.errors import InputError
from flarescope.events import FluxScale
from flarescope.files import check_writable, make_folder
from flarescope.notes import event_notes
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.archiving.outcomes import with_outcomes
from flarescope.pipeline.archiving.replay import USUAL_HOUR, replay_days
from flarescope.pipeline.archiving.verifying import verify_rows, write_verification
from flarescope.pipeline.forecasting.beside import MCSTAT, trained_until
from flarescope.pipeline.forecasting.by_event import by_event
from flarescope.pipeline.forecasting.inputs import read_inputs
from flarescope.pipeline.forecasting.region_models import load_region_model
from flarescope.pipeline.issued_rows import REPLAY
from flarescope.progress import Reporter, WarningReporter
from flarescope.regions.model import COLUMNS, RegionModel
from flarescope.regions.shipped import USUAL, shipped_models
from flarescope.scores.cases import Sampling
from flarescope.times import moment_of

TABLE: Final = "forecasts.parquet"
TABLES: Final = "forecasts"


@dataclass(frozen=True)
class Replayed:
    """What `replay` made.

    Attributes:
        folder: where it was written.
        forecasts: `regions.model.COLUMNS` and `label`, as `forecasts.parquet` holds them.
        verification: as `scores.json` holds it; None where no window of them is covered by the flare list.
    """

    folder: Path
    forecasts: pd.DataFrame = field(repr=False)
    verification: dict[str, Any] | None = field(repr=False)

    __repr__ = brief


def replay(
    *,
    regions: Sequence[str | Path],
    flares: Sequence[str | Path],
    first: str | pd.Timestamp,
    last: str | pd.Timestamp,
    out: str | Path,
    models: Sequence[str | Path] = (),
    issue_hour: float = USUAL_HOUR,
    flux_scale: FluxScale | None = None,
    swpc: str | Path | None = None,
    sampling: Sampling | None = None,
    reporter: Reporter | None = None,
) -> Replayed:
    """Issue one forecast a day from the files alone, and verify them.

    Args:
        regions: summaries, folders or archives of them, tables of region days.
        flares: flare lists, for what came before each forecast and for what came after.
        first: first day.
        last: last day, included.
        out: folder for `forecasts.parquet`, `forecasts/` (a table for each event, scope and model, as `evaluate` and
            `compare` take them), `scores.json` and `index.html`.
        models: region models, the main one first; by default the one that ships, and MCSTAT.
        issue_hour: UTC.
        flux_scale: of the lists, where they do not say it.
        swpc: a file in the form of SWPC's `solar_probabilities.json`, to compare with.
        sampling: how intervals are made.
        reporter: hears notes and progress.

    Raises:
        InputError: bad files or options, or an `out` that cannot be written.

    Example:
        >>> replayed = flarescope.replay(
        ...     regions=["region_days.csv"],
        ...     flares=["region_flares.csv"],
        ...     first="2001-01-05",
        ...     last="2001-01-20",
        ...     out="replay",
        ... )
        >>> replayed.verification["forecasts"]
        16
        >>> found = flarescope.compare(
        ...     "replay/forecasts/region_C1.0_24h.parquet", "replay/forecasts/mcintosh/region_C1.0_24h.parquet"
        ... )
    """
    reporter, folder = reporter or WarningReporter(), Path(out)
    start, end = _day(first), _day(last)
    check_writable(folder / TABLE)
    loaded = [load_region_model(one) for one in models or usual_models()]
    inputs = read_inputs(regions, flares, flux_scale=flux_scale, reporter=reporter)
    if inputs.flares is None:
        raise InputError("no flare list; a replay needs the flares before each forecast and after (--flares)")
    found = replay_days(
        inputs.regions,
        inputs.flares,
        first=start,
        last=end,
        models=[model for model, _ in loaded],
        issue_hour=issue_hour,
        flux_scale=flux_scale,
        quiet_days=all(Path(path).is_file() and is_region_table(Path(path)) for path in regions),
        reporter=reporter,
    )
    rows = with_outcomes(found.rows(), found.flares, list_scale=list_scale(found.flares))
    used = [_used(model, digest) for model, digest in loaded]
    described = {
        "kind": REPLAY,
        "flux_scale": found.flux_scale,
        "models": [asdict(one) for one in used],
        "notes": [*found.notes],
    }
    make_folder(folder)
    table = rows[[*COLUMNS, "label"]]
    write_parquet(table, folder / TABLE, described)
    write_event_tables(table, folder / TABLES, models=used, flux_scale=found.flux_scale)
    verification = None
    if rows["label"].notna().any():
        verification = verify_rows(
            found.rows(),
            found.flares,
            models=used,
            notes=found.notes,
            inputs=[(role, _named(files)) for role, files in inputs.data.items()],
            swpc=None if swpc is None else read_probabilities(Path(swpc)),
            model=loaded[0][0].name,
            sampling=sampling,
        )
        write_verification(verification, folder)
    else:
        reporter.warn("the flare list covers the window of no forecast: nothing is verified")
    return Replayed(folder, table, verification)


def usual_models() -> list[str]:
    """Name the models of a forecast that names none: the one that ships, and MCSTAT to compare it with."""
    return [USUAL, *(name for name in (MCSTAT,) if name in shipped_models())]


def _day(text: str | pd.Timestamp) -> pd.Timestamp:
    try:
        return moment_of(text).normalize()
    except ValueError as error:
        raise InputError(f"day {str(text)[:40]!r}; expected one such as 2012-01-01") from error


def _used(model: RegionModel, sha256: str) -> ModelUsed:
    first, last = trained_until(model)
    return ModelUsed(model.name, f"sha256:{sha256}", first, last)


def _named(files: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['name']} (sha256 {str(one['sha256'])[:12]})" for one in files)


def write_event_tables(
    table: pd.DataFrame, folder: Path, *, models: Sequence[ModelUsed], flux_scale: FluxScale
) -> None:
    """Write a table for each event and scope, of the main model into the folder, of each other into one of its name.

    Windows that the flare list does not cover are left out: `evaluate` takes labelled rows.

    Args:
        table: `regions.model.COLUMNS` and `label`.
        folder: for `region_C1.0_24h.parquet` and the like.
        models: whose forecasts they are, the main one first; each table says when its model learned.
        flux_scale: of the events.
    """
    known = table[table["label"].notna()]
    for name in known["model"].map(base_name).unique():
        place = make_folder(folder if name == models[0].name else folder / name)
        whose = {"kind": REPLAY, "models": [asdict(one) for one in models if one.name == name]}
        for event, rows in by_event(known[known["model"].map(base_name) == name]):
            after = f"+{event.latency_hours:g}" if event.latency_hours else ""
            path = place / f"{event.scope}_{event.threshold}_{event.window_hours:g}h{after}.parquet"
            kept = rows.rename(columns={"issued": "time"})[["noaa_ar", "time", "label", "probability"]]
            write_parquet(kept, path, event_notes(replace(event, flux_scale=flux_scale)) | whose)
