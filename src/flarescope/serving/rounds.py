"""What does a process beside the server do: fetch and forecast, or verify, so that the server itself waits for neither?

It reads one line of JSON, the task, and answers with one line. When the server ends, however it ends, so does it: the
archive is whole at every moment (`archive.database`).
"""

import datetime as dt
import json
import os
import shutil
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from flarescope.backbones.weights import cache_dir
from flarescope.catalog.swpc_probabilities import read_probabilities
from flarescope.errors import FlarescopeError, InputError
from flarescope.events import FluxScale
from flarescope.fetch import Source
from flarescope.files import write_json, write_text
from flarescope.parsing import parse_json
from flarescope.pipeline.archiving.verifying import read_what_came, verify_archive
from flarescope.pipeline.forecasting.live import INPUTS, forecast_now
from flarescope.progress import Reporter
from flarescope.scores.cases import Sampling
from flarescope.serving.settings import FLARES, MADE, NO_ARCHIVE, NO_FLARES, VERIFICATION
from flarescope.sources.addresses import Addresses
from flarescope.sources.download import fetch_again
from flarescope.sources.live import FILES

NOAA: Final = "solar_probabilities.json"
"""Of SWPC's own forecasts, day by day as they came, in the archive's folder."""
REPLICATES: Final = 1000


class Said(Reporter):
    """Keeps what it is warned of."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.lines: list[str] = []

    def warn(self, text: str) -> None:
        """Keep a line once."""
        if text not in self.lines:
            self.lines.append(text)


def forecast_round(
    archive: Path,
    *,
    models: Sequence[Path] = (),
    image: bool = True,
    addresses: Addresses,
    now: pd.Timestamp | None = None,
    backoff_s: float = 1.0,
    reporter: Reporter,
) -> str:
    """Fetch what is current, forecast, and keep the forecast with its places and its image's patches.

    Of what was fetched the image is not kept, some 15 MB a round; digests of all of it are in the archive.

    Args:
        archive: its folder.
        models: of images.
        image: whether HMI's newest disk is fetched.
        addresses: of the services.
        now: UTC; the clock's.
        backoff_s: first wait before another attempt.
        reporter: hears what is missing.

    Returns:
        When the forecast was issued.

    Raises:
        FlarescopeError: nothing can be forecast, as `forecast_now` says.
    """
    moment = (now or pd.Timestamp(dt.datetime.now(dt.UTC))).floor("min")
    folder = archive / MADE / f"{moment:%Y%m%dT%H%MZ}"
    options: dict[str, Any] = {"addresses": addresses, "backoff_s": backoff_s, "reporter": reporter}
    try:
        found = forecast_now(models=list(models), out=folder, archive=archive, image=image, now=moment, **options)
    except FlarescopeError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    for disk in (folder / INPUTS).glob("*.fits"):
        disk.unlink()
    _keep_probabilities(archive, addresses, backoff_s, reporter)
    return found.issued.isoformat()


def _keep_probabilities(archive: Path, addresses: Addresses, backoff_s: float, reporter: Reporter) -> None:
    """Add SWPC's own forecasts of today to those that were kept; the first of a date counts."""
    newest, kept = archive / f"newest_{NOAA}", archive / NOAA
    source = Source(NOAA, addresses.swpc_now(f"json/{NOAA}"), None, None)
    try:
        fetch_again(source, newest, attempts=2, backoff_s=backoff_s)
        read_probabilities(newest)
        rows = [one for path in (kept, newest) if path.is_file() for one in parse_json(path.read_bytes(), path)]
    except FlarescopeError as error:
        reporter.warn(f"SWPC's own forecasts are not kept today: {error}")
        return
    dated = {str(one.get("date")): one for one in reversed(rows) if isinstance(one, dict)}
    write_text(kept, json.dumps(list(reversed(dated.values()))))


def flare_paths(archive: Path | None, stated: Sequence[Path]) -> list[Path]:
    """Name the flare lists of what came: those that were stated, and those of the rounds, where there are any."""
    rounds = [] if archive is None else sorted((archive / MADE).glob(f"*/{INPUTS}"))
    names = [file.name for file in FILES if file.kind == "flares"]
    newest = [rounds[-1] / name for name in names] if rounds else []
    past = cache_dir() / "live" / "events"
    found = [path for path in newest if path.is_file()]
    return [*stated, *found, *([past] if rounds and any(past.glob("*events.txt")) else [])]


def verify_round(
    archive: Path | None,
    work: Path,
    *,
    flares: Sequence[Path],
    swpc: Path | None = None,
    flux_scale: FluxScale | None = None,
    replicates: int = REPLICATES,
    reporter: Reporter,
) -> None:
    """Verify what can be verified, and list the flares of the regions that were forecast.

    Args:
        archive: its folder; without one flares are listed alone.
        work: folder for `verification.json` (`scores`, or `why` there are none) and `flares.json`.
        flares: lists of what came.
        swpc: SWPC's own forecasts; None takes those that the rounds kept.
        flux_scale: of lists that do not say theirs.
        replicates: for the intervals.
        reporter: hears what was not used.
    """
    paths = flare_paths(archive, flares)
    try:
        if not paths:
            raise InputError(NO_FLARES)
        listed = read_what_came(paths, flux_scale=flux_scale, reporter=reporter)
        named = listed.table.dropna(subset=["noaa_ar", "time"]).sort_values("time")
        write_json(work / FLARES, flares_by_region(named))
        if archive is None:
            raise InputError(NO_ARCHIVE)
        own = archive / NOAA
        scores = verify_archive(
            archive,
            flares=paths,
            swpc=swpc or (own if own.is_file() else None),
            flux_scale=flux_scale,
            sampling=Sampling(replicates=replicates),
            reporter=reporter,
        )
        write_json(work / VERIFICATION, {"scores": scores, "why": ""})
    except FlarescopeError as error:
        write_json(work / VERIFICATION, {"scores": None, "why": str(error)})


def flares_by_region(flares: pd.DataFrame) -> dict[str, list[dict[str, str]]]:
    """Give region -> its flares, `time` and `flare`, in the order in which they come, each once."""
    found: dict[str, list[dict[str, str]]] = {}
    rows = flares.drop_duplicates(["noaa_ar", "time", "flare"])
    for number, time, name in zip(rows["noaa_ar"], rows["time"], rows["flare"], strict=True):
        found.setdefault(str(int(number)), []).append({"time": time.isoformat(), "flare": str(name)})
    return found


def do(task: Mapping[str, Any], reporter: Reporter) -> str:
    """Do a task as a line of JSON states it; give what came of it in a word."""
    if task["do"] == "forecast":
        return forecast_round(
            Path(task["archive"]),
            models=[Path(one) for one in task["models"]],
            image=task["image"],
            addresses=Addresses(**task["addresses"]),
            now=None if task.get("now") is None else pd.Timestamp(task["now"]),
            backoff_s=task.get("backoff_s", 1.0),
            reporter=reporter,
        )
    verify_round(
        None if task["archive"] is None else Path(task["archive"]),
        Path(task["work"]),
        flares=[Path(one) for one in task["flares"]],
        swpc=None if task["swpc"] is None else Path(task["swpc"]),
        flux_scale=task["flux_scale"],
        replicates=task.get("replicates", REPLICATES),
        reporter=reporter,
    )
    return "verified"


def _end_with_parent() -> None:
    sys.stdin.buffer.read()  # it ends when the server does
    os._exit(1)


def main() -> None:
    """Be the process beside the server."""
    task = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    said, answer = Said(), {}
    try:
        answer["done"] = do(task, said)
    except FlarescopeError as error:
        answer["failed"] = str(error)
    answers.write(json.dumps({**answer, "said": said.lines}) + "\n")
    answers.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
