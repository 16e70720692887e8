"""How does this process join a Ray cluster, or start one on this machine alone?"""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from flarescope.cores import available_cores
from flarescope.errors import InputError

AUTO: Final = "auto"
ANSWER_S: Final = 5.0
"""Seconds in which the head of a cluster has to take a connection; Ray itself waits for minutes."""


@contextlib.contextmanager
def joined(address: str | None) -> Iterator[Any]:
    """Give Ray, joined to a cluster for a `with` block; what was joined before is used as it is, and stays.

    Args:
        address: `auto` for the cluster that this machine belongs to, `HOST:PORT` of a head, or None for a cluster on
            this machine alone, which ends with the block.

    Raises:
        InputError: Ray is not installed, or no cluster of its version is there.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # read when Ray starts: nothing is told to its makers
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # else it calls it an error that an actor may be restarted
    try:
        import ray
    except ImportError as error:
        raise InputError("--on ray: Ray is not installed: pip install 'flarescope[ray]'") from error
    if ray.is_initialized():
        yield ray
        return
    _join(ray, address)
    try:
        yield ray
    finally:
        ray.shutdown()


def _join(ray: Any, address: str | None) -> None:  # noqa: ANN401 - Ray's types need Ray
    quiet = {"logging_level": "ERROR", "log_to_driver": False}
    if address is None:
        with _silent_stderr():
            ray.init(address="local", num_cpus=available_cores(), include_dashboard=False, **quiet)
        return
    if address != AUTO:
        _check_answers(address)
    try:
        with _silent_stderr():
            ray.init(address=address, **quiet)
    except ConnectionError as error:
        raise InputError(
            f"--address {address}: no Ray cluster lets this machine in; `ray start --head` on one machine starts one; "
            "if it wants a token, set RAY_AUTH_MODE=token and have its ~/.ray/auth_token here"
        ) from error
    except (RuntimeError, ValueError) as error:  # another version of Ray or Python, and what else Ray refuses
        raise InputError(f"--address {address}: Ray does not join it: {error}") from error


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Keep what Ray's C++ says of itself off the screen in a `with` block; what is wrong comes as an exception."""
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _check_answers(address: str) -> None:
    """Raise an InputError unless something takes connections at `HOST:PORT`."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal() and 0 < int(port) < 65536) or "/" in host:
        raise InputError(f"--address {address}: expected auto, or HOST:PORT of the cluster's head, as 10.0.0.1:6379")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_S).close()
    except OSError as error:
        raise InputError(
            f"--address {address}: nothing answers there ({error.strerror or error}); expected the head of a Ray "
            "cluster, started with `ray start --head`"
        ) from error
