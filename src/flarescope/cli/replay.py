"""`flarescope forecast --replay`: what would have been forecast on each day of the past, and how good was it?"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flarescope.cli.screen import ScreenReporter, note
from flarescope.errors import InputError

if TYPE_CHECKING:
    from flarescope.events import FluxScale


def run_replay(
    period: str,
    regions: Sequence[Path],
    flares: Sequence[Path],
    *,
    models: Sequence[str],
    out: Path | None,
    hour: float | None,
    flux_scale: "FluxScale | None",
) -> None:
    """Replay a period `FIRST..LAST`, and print how good its forecasts were.

    Raises:
        InputError: no period, no folder, or what the replay refuses.
    """
    from flarescope.cli.archive import show_verified
    from flarescope.pipeline.archiving.replay import USUAL_HOUR
    from flarescope.pipeline.archiving.replaying import replay
    from flarescope.scores.cases import Sampling

    first, last = period_of(period)
    if out is None:
        raise InputError("a replay writes tables and a page; give their folder (--out)")
    replayed = replay(
        regions=regions,
        flares=flares,
        first=first,
        last=last,
        out=out,
        models=models,
        issue_hour=USUAL_HOUR if hour is None else hour,
        flux_scale=flux_scale,
        sampling=Sampling(replicates=1000),
        reporter=ScreenReporter(),
    )
    if replayed.verification is not None:
        show_verified(replayed.verification)
    note(f"forecasts.parquet, scores.json and index.html written to {out}")


def period_of(text: str) -> tuple[str, str]:
    """Read a period such as `2012-01-01..2013-12-31`.

    Raises:
        InputError: another form.
    """
    found = re.fullmatch(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})", text.strip())
    if found is None:
        raise InputError(f"--replay {text[:40]!r}; expected two days such as 2012-01-01..2013-12-31")
    return found[1], found[2]
