"""Which work is done beside answering: new forecasts, their verification, and looking at what changed?"""

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from flarescope.errors import FlarescopeError
from flarescope.progress import Reporter
from flarescope.serving.child import start_child
from flarescope.serving.metrics import Metrics
from flarescope.serving.settings import Settings
from flarescope.serving.state import State

REFRESH_S: Final = 2.0
CHECK_S: Final = 0.05
"""Between two forecasts of the archive that are checked, each of which takes some 15 ms."""
LONGEST_S: Final = 1800.0
"""So long a process beside may take."""


class Background:
    """A server's own work: rounds and what follows them, and checks of the archive."""

    def __init__(self, settings: Settings, state: State, metrics: Metrics, work: Path | None) -> None:
        """Do nothing yet.

        Args:
            settings: of the server.
            state: what is shown.
            metrics: hears how rounds ended.
            work: folder for the verification; None verifies nothing.
        """
        self._settings, self._state, self._metrics, self._work = settings, state, metrics, work
        self._reporter: Reporter = Reporter()
        self._tasks: list[asyncio.Task[None]] = []
        self._verified: object = None
        self.last: str | None = None

    def start(self, reporter: Reporter) -> None:
        """Begin."""
        self._reporter = reporter
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._check())]

    async def stop(self) -> None:
        """End the work, and the process beside, of which nothing half-done stays."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        due = time.monotonic()
        while True:
            if self._settings.watch and time.monotonic() >= due:
                due = time.monotonic() + 60 * self._settings.every_minutes
                await self._forecast()
            await asyncio.to_thread(self._state.refresh)
            await self._verify()
            await asyncio.sleep(REFRESH_S)

    async def _check(self) -> None:
        """See of each forecast, the newest first, whether it is as it was kept; slowly, for others wait meanwhile."""
        while True:
            kept, wait = self._state.unchecked(), CHECK_S
            if kept is None:
                wait = REFRESH_S
            else:
                try:
                    whole = await asyncio.to_thread(self._state.check, kept)
                except FlarescopeError:  # the archive cannot be read now
                    whole, wait = True, REFRESH_S
                if not whole:
                    await asyncio.to_thread(self._state.refresh)
            await asyncio.sleep(wait)

    async def _forecast(self) -> None:
        settings = self._settings
        answer = await self._done(
            {
                "do": "forecast",
                "archive": str(settings.archive),
                "models": [str(run) for run in settings.runs],
                "image": settings.image,
                "addresses": asdict(settings.addresses),
                "backoff_s": settings.backoff_s,
            }
        )
        self.last = answer.get("done")
        self._metrics.add("rounds" if "done" in answer else "rounds_failed")

    async def _verify(self) -> None:
        """Verify anew where forecasts or flare lists are others than when it was done last."""
        settings = self._settings
        if self._work is None or not (settings.flares or settings.watch):
            return
        seen = (tuple(kept.id for kept in self._state.snapshot.forecasts), await asyncio.to_thread(self._flares_seen))
        if seen == self._verified:
            return
        self._verified = seen
        await self._done(
            {
                "do": "verify",
                "archive": None if settings.archive is None else str(settings.archive),
                "work": str(self._work),
                "flares": [str(path) for path in settings.flares],
                "swpc": None if settings.swpc is None else str(settings.swpc),
                "flux_scale": settings.flux_scale,
            }
        )
        await asyncio.to_thread(self._state.refresh)

    def _flares_seen(self) -> tuple[object, ...]:
        files = [one for path in self._settings.flares for one in ([path] if path.is_file() else path.rglob("*"))]
        return tuple((str(one), one.stat().st_mtime_ns) for one in sorted(files) if one.is_file())

    async def _done(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """Have a process beside do a task; whatever becomes of it, the server goes on."""
        try:
            answer = await beside(task)
        except FlarescopeError as error:
            answer = {"failed": str(error)}
        for line in answer.get("said", []):
            self._reporter.warn(line)
        if "failed" in answer:
            self._reporter.warn(f"this round failed, the next comes: {answer['failed']}")
        return answer


async def beside(task: Mapping[str, Any], *, longest_s: float = LONGEST_S) -> dict[str, Any]:
    """Run a task of `rounds` in a process beside this one.

    Raises:
        FlarescopeError: it ended without an answer, or took too long.
    """
    process = await start_child("flarescope.serving.rounds")
    stdin, stdout = process.stdin, process.stdout
    try:
        if stdin is None or stdout is None:
            raise FlarescopeError("no process can be started beside the server")
        stdin.write(json.dumps(task).encode() + b"\n")  # it stays open: its end is the server's
        async with asyncio.timeout(longest_s):
            line = await stdout.readline()
        if not line:
            raise FlarescopeError(f"the process of this round ended with code {await process.wait()}; out of memory?")
        found: dict[str, Any] = json.loads(line)
        return found
    except (TimeoutError, OSError, ValueError) as error:
        raise FlarescopeError(f"the process of this round gave no answer ({type(error).__name__})") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
