"""How does the application answer on a port, until it is told to end?"""

import contextlib
import logging
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import uvicorn

from flarescope.errors import FlarescopeError, InputError
from flarescope.files import allow_open_files, make_folder
from flarescope.locks import lock_file, locked
from flarescope.pipeline.forecasting.stage import forecast
from flarescope.progress import Reporter
from flarescope.serving.app import create_app
from flarescope.serving.protocol import protocol_of
from flarescope.serving.settings import MADE, Settings

DRAIN_S: Final = 30
"""So long after SIGTERM answers may take that were begun before."""
BACKLOG: Final = 2048
WORK: Final = "flarescope-serve-"
ALIVE: Final = "server"
"""How the temporary folder of a server is called, and what the lock in it is, which it holds while it lives."""
WATCHED: Final = "watch"
"""What the lock of `--watch` is called, in the archive's folder."""


def serve(settings: Settings, *, reporter: Reporter) -> None:
    """Serve until SIGTERM or Ctrl-C, which let what was begun end.

    Raises:
        InputError: a run that is none, no archive, an address that is not of this machine, no permission.
        FlarescopeError: a port in use, an archive that another process holds.
    """
    with contextlib.ExitStack() as stack:
        found = stack.enter_context(listening(settings))
        stack.enter_context(only_one(settings))
        work = stack.enter_context(work_folder())
        app = create_app(made_now(settings, work, reporter), work=work, reporter=reporter)
        allow_open_files(settings.limits.connections)
        address, port = found.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        reporter.say(f"serving on http://{shown}:{port} (research, no official forecast); Ctrl-C ends it")
        server = Server(
            uvicorn.Config(
                app,
                http=protocol_of(settings.limits.header_s),
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=settings.limits.connections,
                backlog=BACKLOG,
                timeout_keep_alive=int(settings.limits.header_s),
                timeout_graceful_shutdown=DRAIN_S,
            )
        )
        logging.getLogger("uvicorn").setLevel(logging.ERROR)
        server.run(sockets=[found])


class Server(uvicorn.Server):
    """Ends with code 0 when it was told to end, where uvicorn would let the signal kill the process at last."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let SIGTERM and Ctrl-C begin the end; a second Ctrl-C ends at once."""
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def made_now(settings: Settings, work: Path, reporter: Reporter) -> Settings:
    """Make the forecast that the files tell of, where there are any, and serve it beside the others.

    Args:
        settings: with `regions`, or without.
        work: folder for the forecast's files, which go with the server; an archive that is named keeps it.
        reporter: hears notes.

    Raises:
        InputError: nothing can be forecast of them.
    """
    if not settings.regions:
        return settings
    folder = work / MADE
    forecast(
        settings.regions,
        settings.flares,
        image=settings.disk,
        models=settings.runs if settings.disk is not None else (),
        out=folder,
        archive=settings.archive,
        flux_scale=settings.flux_scale,
        reporter=reporter,
    )
    return replace(settings, made=(*settings.made, folder), regions=(), disk=None)


@contextlib.contextmanager
def work_folder() -> Iterator[Path]:
    """Give a folder of this server's own, which goes with it; those that killed servers left go before."""
    for left in Path(tempfile.gettempdir()).glob(f"{WORK}*"):
        if lock_file(left / ALIVE).is_file():
            with contextlib.suppress(FlarescopeError), locked(left / ALIVE):  # else its server lives
                shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=WORK) as work, locked(Path(work) / ALIVE):
        yield Path(work)


@contextlib.contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Keep a second `--watch` from the same archive.

    Raises:
        FlarescopeError: another process has it.
    """
    if not settings.watch or settings.archive is None:
        yield
        return
    held = contextlib.ExitStack()
    try:
        held.enter_context(locked(make_folder(settings.archive) / WATCHED))
    except InputError:  # the folder cannot be written
        raise
    except FlarescopeError as error:
        raise FlarescopeError(
            f"{settings.archive}: another `flarescope serve --watch` keeps this archive; end it, or leave --watch out"
        ) from error
    with held:
        yield


def listening(settings: Settings) -> socket.socket:
    """Listen on the address, so that a port in use is told before anything else is begun.

    Raises:
        InputError: no such address here, or no permission.
        FlarescopeError: the port is in use.
    """
    where = f"{settings.host}:{settings.port}"
    try:
        family, kind, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise InputError(f"--host {settings.host}: no such address; expected such as 127.0.0.1 or 0.0.0.0") from error
    found = socket.socket(family, kind)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(BACKLOG)
        found.setblocking(False)
    except PermissionError as error:
        found.close()
        raise InputError(f"{where}: no permission to listen there; give a --port above 1023") from error
    except OSError as error:
        found.close()
        if error.errno is not None and "in use" in (error.strerror or ""):
            raise FlarescopeError(f"{where}: another program listens there; give another --port") from error
        raise InputError(f"{where}: cannot listen there ({error.strerror}); give another --host or --port") from error
    return found
