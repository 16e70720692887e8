"""How good were the forecasts of an archive to date, and what happened after each of the last?"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pandas as pd

from flarescope.archive import Archive, ModelUsed, read_archive
from flarescope.catalog.flux_scales import list_scale, with_stated_scale
from flarescope.catalog.noaa_events import read_flares
from flarescope.catalog.noaa_flares import FlareList
from flarescope.catalog.swpc_probabilities import read_probabilities
from flarescope.errors import InputError
from flarescope.events import FluxScale
from flarescope.files import write_json, write_text
from flarescope.html_report.archive_page import archive_page
from flarescope.html_report.render import render_page
from flarescope.pipeline.archiving.days import last_days
from flarescope.pipeline.archiving.outcomes import with_outcomes
from flarescope.pipeline.archiving.scoring import hindcasts, main_model, score_forecasts
from flarescope.pipeline.forecasting.beside import CLIMATOLOGY, seen_in_training
from flarescope.pipeline.forecasting.inputs import join_flare_lists
from flarescope.pipeline.identity import versions
from flarescope.progress import Reporter, WarningReporter
from flarescope.scores.cases import Sampling

SCORES: Final = "scores.json"
PAGE: Final = "index.html"


def verify_archive(
    folder: str | Path,
    *,
    flares: Sequence[str | Path],
    swpc: str | Path | None = None,
    model: str | None = None,
    flux_scale: FluxScale | None = None,
    out: str | Path | None = None,
    sampling: Sampling | None = None,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Verify the forecasts that a folder keeps against the flares that came.

    Args:
        folder: of the archive.
        flares: lists of the flares that came, and for persistence of those of the window before the first forecast.
        swpc: a file in the form of SWPC's `solar_probabilities.json`, to compare with.
        model: whose forecasts; by default the newest forecast's own.
        flux_scale: of the lists, where they do not say it.
        out: folder for `scores.json` and `index.html`; None writes nothing.
        sampling: how intervals are made.
        reporter: hears what was not used, and what changes the meaning of the scores.

    Returns:
        JSON-able: what `scoring.score_forecasts` gives, and `first`, `last`, `forecasts` (issue times), `models`,
        `inputs`, `days` (`days.last_days`), `footer`.

    Raises:
        InputError: no archive, none of its forecasts can be read, no flares.

    Example:
        >>> replayed = flarescope.forecast(
        ...     ["region_days.csv"], ["region_flares.csv"], issued="2001-01-09T00:30", archive="archive"
        ... )
        >>> found = flarescope.verify_archive("archive", flares=["region_flares.csv"], out="page")
        >>> found["forecasts"], found["model"], found["disk"]["M1.0/24"]["few"]
        (1, 'regions', True)
    """
    reporter = reporter or WarningReporter()
    archive = read_archive(folder)
    for text in archive.refused:
        reporter.warn(f"not used: {text}")
    table = archive.table()
    if table.empty:
        raise InputError(
            f"{folder}: no forecast in it that can be used; keep some with `flarescope forecast --archive`"
        )
    listed = read_what_came(flares, flux_scale=flux_scale, reporter=reporter)
    said = [text for text in (hindcasts(table), *_seen(archive)) if text]
    found = verify_rows(
        table,
        listed,
        models=_models(archive),
        notes=[*archive.refused, *said],
        inputs=[("flares", ", ".join(Path(path).name for path in flares))],
        swpc=None if swpc is None else read_probabilities(Path(swpc)),
        model=model,
        sampling=sampling,
    )
    for text in said:
        reporter.warn(text)
    if out is not None:
        write_verification(found, Path(out))
    return found


def read_what_came(
    flares: Sequence[str | Path], *, flux_scale: FluxScale | None = None, reporter: Reporter
) -> FlareList:
    """Read lists of flares as one.

    Raises:
        InputError: none was named, or one cannot be read.
    """
    if not flares:
        raise InputError("no flare list; give the flares that came (--flares)")
    lists = [with_stated_scale(read_flares(Path(path)), flux_scale) for path in flares]
    for one in (refused for each in lists for refused in each.refused):
        reporter.warn(f"not used: {one.reason}")
    joined = join_flare_lists(lists)
    if len(joined.scales) > 1:
        reporter.warn("the flare lists are on two flux scales; each class is taken as it stands")
    return joined


def verify_rows(
    table: pd.DataFrame,
    listed: FlareList,
    *,
    models: Sequence[ModelUsed],
    notes: Sequence[str] = (),
    inputs: Sequence[tuple[str, str]] = (),
    swpc: pd.DataFrame | None = None,
    model: str | None = None,
    sampling: Sampling | None = None,
) -> dict[str, Any]:
    """Verify issued rows, kept or replayed; see `verify_archive`."""
    rows = with_outcomes(table, listed, list_scale=list_scale(listed))
    if not rows["label"].notna().any():
        last = max((end for _, end in listed.covered), default=None)
        until = f"it ends on {last:%Y-%m-%d %H:%M}" if last is not None else "it covers no time whole"
        raise InputError(f"the flare list covers the window of no forecast: {until}; give the flares that came after")
    name = main_model(rows, model)
    found = score_forecasts(rows, model=name, swpc=swpc, sampling=sampling)
    issued = rows["issued"]
    return found | {
        "notes": [*notes, *found["notes"]],
        "first": issued.min().isoformat(),
        "last": issued.max().isoformat(),
        "forecasts": int(issued.nunique()),
        "models": [asdict(one) for one in models],
        "inputs": [list(pair) for pair in inputs],
        "days": last_days(rows, listed, model=name),
        "footer": f"flarescope {versions(('flarescope',))['flarescope']}",
    }


def write_verification(found: Mapping[str, Any], out: Path) -> None:
    """Write the scores as JSON, and the page."""
    write_json(out / SCORES, found)
    write_text(out / PAGE, render_page(archive_page(found)))


def _models(archive: Archive) -> list[ModelUsed]:
    """Give each model of the archive once; where its file changed, each of them."""
    return list(dict.fromkeys(model for one in archive.forecasts for model in one.models))


def _seen(archive: Archive) -> list[str]:
    """Say of each model that learned from the time of its forecasts, once."""
    said = []
    for model in _models(archive):
        issued = [one.issued for one in archive.forecasts if model in one.models]
        text = seen_in_training(model, min(issued), max(issued)) if model.name != CLIMATOLOGY else None
        said += [text] if text else []
    return said


def summary_of(folder: str | Path) -> dict[str, Any]:
    """Say what an archive holds, without the flares.

    Returns:
        JSON-able: `forecasts`, `rows`, `first`, `last`, `models`, `refused`.
    """
    archive = read_archive(folder)
    issued = [one.issued for one in archive.forecasts]
    return {
        "forecasts": len(issued),
        "rows": sum(len(one.rows) for one in archive.forecasts),
        "first": min(issued).isoformat() if issued else None,
        "last": max(issued).isoformat() if issued else None,
        "models": [asdict(one) for one in _models(archive)],
        "refused": list(archive.refused),
    }
