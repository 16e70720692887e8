"""Does `flarescope serve` hold under load: the newest forecast 200 times a second, 1,000 connections, hostile uploads?

    python benchmarks/serve_load.py                     # all of it, some 10 minutes on 2 cores that do nothing else
    python benchmarks/serve_load.py --seconds 10 --uploads 500 --requests 10000

An hour's worth of requests is 200,000: 56 a second, that of some hundred programs and people who look once a second or
two. They come as fast as they are answered, while 60 forecasts are kept one after the other, as --watch keeps at most.
A server of this machine is asked over loopback alone; its rate limits are lifted, all others are its own. The archive
is made, the model of uploads has random filters: nothing of it is a result but times, bytes and counts.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from made_server import DAYS, ROOT, make, start
from made_uploads import good_upload, hostile

RATE = 200
CONNECTIONS = 1000
WORKERS = 50
UPLOADERS = 8
READERS = 20
ROUNDS = 60
NEWEST = b"GET /api/v1/forecasts/newest HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HEALTH = b"GET /api/v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one answer: its status and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").lower().split("\r\n")
    length = next(int(line.partition(":")[2]) for line in lines if line.startswith("content-length:"))
    return int(lines[0].split()[1]), await reader.readexactly(length)


async def settled(port: int) -> None:
    """Wait until the decoders have begun, by uploads that need both of them."""
    await asyncio.gather(*(_post(port, *good_upload()) for _ in range(4)))


async def at_a_rate(port: int, seconds: float) -> dict[str, Any]:
    """Ask for the newest forecast at a steady rate; a late answer makes none of the next later."""
    due: asyncio.Queue[float] = asyncio.Queue()
    times: list[float] = []
    statuses: Counter[int] = Counter()

    async def worker() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (moment := await due.get()) >= 0:
            if writer.is_closing() or reader.at_eof():
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(NEWEST)
            status, _ = await answer(reader)
            times.append(time.perf_counter() - moment)
            statuses[status] += 1
        writer.close()

    workers = [asyncio.create_task(worker()) for _ in range(WORKERS)]
    began = time.perf_counter()
    for number in range(round(seconds * RATE)):
        moment = began + number / RATE
        await asyncio.sleep(max(0.0, moment - time.perf_counter()))
        due.put_nowait(moment)
    for _ in workers:
        due.put_nowait(-1.0)
    await asyncio.gather(*workers)
    lasted = time.perf_counter() - began
    cuts = statistics.quantiles([1000 * one for one in times], n=100)
    found = {"requests_a_s": len(times) / lasted, "p50_ms": cuts[49], "p99_ms": cuts[98], "max_ms": 1000 * max(times)}
    return {**{name: round(value, 1) for name, value in found.items()}, "statuses": dict(statuses)}


async def at_once(port: int) -> dict[str, Any]:
    """Open so many connections, ask on each, and count the answers."""
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    for _, writer in opened:
        writer.write(NEWEST)
    found = await asyncio.gather(*(answer(reader) for reader, _ in opened))
    lasted = time.perf_counter() - began
    for _, writer in opened:
        writer.close()
    return {"connections": len(opened), "answered": Counter(status for status, _ in found), "s": round(lasted, 2)}


async def upload_hostile(port: int, count: int, server: int) -> dict[str, Any]:
    """Send so many hostile uploads; watch memory, and that the newest forecast is answered all the while."""
    numbers = iter(range(count))
    statuses: Counter[str] = Counter()
    memory: list[float] = []
    done = 0

    async def worker() -> None:
        nonlocal done
        for number in numbers:
            body, kind = hostile(number)
            statuses[str(await _post(port, body, kind))] += 1
            done += 1
            if done % max(1, count // 10) == 0:
                memory.append(round(memory_mb(server), 1))
                if await _health(port) != 200:
                    statuses["not well"] += 1

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(UPLOADERS)))
    lasted = time.perf_counter() - began
    return {"uploads": done, "a_s": round(done / lasted, 1), "statuses": dict(statuses), "server_mb_by_tenth": memory}


async def an_hour(port: int, count: int, archive: Path, server: int) -> dict[str, Any]:
    """Ask for all there is, so many times, while forecasts are kept; watch the server's memory."""
    from flarescope.archive import keep
    from made_archive import made_forecast

    paths = _paths()
    numbers = iter(range(count))
    statuses: Counter[int] = Counter()
    memory = [round(memory_mb(server), 1)]

    async def worker() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            path, accept = paths[number % len(paths)]
            head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\n\r\n"
            writer.write(head.encode())
            status, _ = await answer(reader)
            statuses[status] += 1
            if number % (count // ROUNDS) == count // ROUNDS - 1:
                forecast = made_forecast(1 + number % DAYS, probability=(number + 1) / (2 * count))
                await asyncio.to_thread(keep, archive, forecast)
            if number % (count // 10) == count // 10 - 1:
                memory.append(round(memory_mb(server), 1))
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(READERS)))
    lasted = time.perf_counter() - began
    return {
        "requests": statuses.total(),
        "a_s": round(statuses.total() / lasted),
        "statuses": dict(statuses),
        "server_mb_by_tenth": memory,
    }


def _paths() -> list[tuple[str, str]]:
    """Give what is asked for, and in which form: the newest forecast most often, pages with their files, and errors."""
    api, page = "/api/v1", "text/html"
    days = [f"/days/2011-02-{day:02}" for day in range(1, DAYS + 1)]
    regions = [f"/regions/11158{day}" for day in ["", *days]]
    files = ["/static/page.css", "/static/page.js", "/static/choice.js", "/static/sun.svg"]
    found = [("/", page), *((path, page) for path in [*days, *regions]), *((path, "*/*") for path in files * 5)]
    found += [(f"{api}/forecasts?limit=5", "application/json"), (f"{api}/regions/11158", "text/csv")]
    found += [(f"{api}/metrics", "*/*"), (f"{api}/health", "*/*"), (f"{api}/nothing", "*/*"), ("/days/x", page)]
    newest = [(f"{api}/forecasts/newest", form) for form in ("application/json", "text/csv")]
    return [one for pair in zip(found, newest * len(found), strict=False) for one in pair]


async def _post(port: int, body: bytes, kind: str) -> int | str:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST /api/v1/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        status, _ = await answer(reader)
        writer.close()
    except (ConnectionError, asyncio.IncompleteReadError) as error:
        return type(error).__name__
    return status


async def _health(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEALTH)
    status, _ = await answer(reader)
    writer.close()
    return status


def memory_mb(process: int) -> float:
    """Give the memory of a process, resident, MB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


async def drained(port: int, process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Send SIGTERM while an upload is on its way, and see that it is answered."""
    task = asyncio.create_task(_post(port, *good_upload()))
    await asyncio.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    status = await task
    return {"answered": status, "exit_code": await asyncio.to_thread(process.wait, 60)}


def _count(archive: Path) -> int:
    with contextlib.closing(
        sqlite3.connect(f"file:{archive}/archive.sqlite?mode=ro", uri=True, timeout=60)
    ) as connection:
        return int(connection.execute("SELECT count(*) FROM forecast").fetchone()[0])


def killed(archive: Path, model: Path) -> dict[str, Any]:
    """Kill a server while a process keeps forecasts in its archive, and that process too; see that each is whole."""
    from flarescope.archive import read_archive

    before = len(read_archive(archive).forecasts)
    server, _ = start(archive, model)
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tests')!r})\n"
        "from made_archive import made_forecast\nfrom flarescope.archive import keep\n"
        f"[keep({str(archive)!r}, made_forecast(1 + n % 28, probability=n / 2000)) for n in range(1, 1000)]"
    )
    keeper = subprocess.Popen([sys.executable, "-c", code])
    while _count(archive) < before + 30:
        time.sleep(0.01)
    for process in (server, keeper):
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    found = read_archive(archive)
    server, port = start(archive, model)
    try:
        status = asyncio.run(_health(port))
    finally:
        server.terminate()
        server.wait()
    kept = {"kept_before_the_kill": len(found.forecasts) - before, "damaged": len(found.refused)}
    return {**kept, "served_again": status}


def main() -> None:
    """Measure, and print a line of JSON for each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the newest forecast 200 times a second")
    parser.add_argument("--uploads", type=int, default=10_000, help="hostile ones")
    parser.add_argument("--requests", type=int, default=200_000, help="of the hour's worth")
    arguments = parser.parse_args()
    from flarescope.files import allow_open_files

    allow_open_files(2 * CONNECTIONS)
    with tempfile.TemporaryDirectory() as work:
        archive, model = make(Path(work))
        process, port = start(archive, model)
        try:
            asyncio.run(settled(port))
            show("rate", asyncio.run(at_a_rate(port, arguments.seconds)))
            show("connections", asyncio.run(at_once(port)))
            show("hostile uploads", asyncio.run(upload_hostile(port, arguments.uploads, process.pid)))
            show("an hour", asyncio.run(an_hour(port, arguments.requests, archive, process.pid)))
            show("rate after them", asyncio.run(at_a_rate(port, arguments.seconds / 4)))
            show("SIGTERM", asyncio.run(drained(port, process)))
        finally:
            process.kill()
            process.wait()
        show("kill -9", killed(archive, model))


def show(name: str, found: dict[str, Any]) -> None:
    """Print what a part found."""
    print(json.dumps({name: found}), flush=True)


if __name__ == "__main__":
    main()
