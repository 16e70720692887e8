"""What does an archive hold after a process that was keeping a forecast was killed, at any step of SQLite's?

Run as a program with an empty folder it forks a child for each kill, and prints what it found as JSON.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from flarescope.archive import database, keep, read_archive
from made_archive import made_forecast

EVERY = 11
MOMENTS = 12


def _child(folder: Path, kill_at: int) -> None:
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    connect = database._connect

    def watched(path: Path, **options: object) -> object:
        connection = connect(path, **options)
        connection.set_progress_handler(step, 1)  # before each instruction of SQLite's machine
        return connection

    database._connect = watched
    keep(folder, made_forecast(2))
    os._exit(0)


def _killed(folder: Path, kill_at: int, after_s: float | None = None) -> bool:
    child = os.fork()
    if not child:
        try:
            _child(folder, kill_at)
        finally:
            os._exit(3)
    if after_s is not None:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def main(folder: Path) -> None:
    """Kill, and see what is there; then keep the forecast in peace."""
    keep(folder / "0", made_forecast(1))
    found = []
    tries = [(EVERY * number + 1, None) for number in range(10_000)]
    for number, (kill_at, _) in enumerate(tries, 1):
        place = folder / str(number)
        place.mkdir()
        (place / database.NAME).write_bytes((folder / "0" / database.NAME).read_bytes())
        killed = _killed(place, kill_at)
        found.append((killed, len(read_archive(place).forecasts), keep(place, made_forecast(2))))
        if not killed:
            break
    chance = random.Random(1)
    moments = []
    for number in range(MOMENTS):
        place = folder / f"moment{number}"
        killed = _killed(place, 0, chance.uniform(0, 0.03))
        kept = len(read_archive(place).forecasts) if (place / database.NAME).exists() else 0
        again = keep(place, made_forecast(2))
        moments.append((killed, kept, again, len(read_archive(place).forecasts)))
    print(json.dumps({"steps": found, "moments": moments}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
