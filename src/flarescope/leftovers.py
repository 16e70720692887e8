"""What have killed processes left half-written, and when may it be removed?"""

import contextlib
import functools
import hashlib
import os
import platform
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"\.(?P<process>\d{1,9})-(?P<machine>[0-9a-f]{6})?[0-9a-f]{8}\.part(\.[^.]*)?$")
_WEEK_S: Final = 7 * 86_400.0

_writing: set[str] = set()
"""Temporary names that this process is writing."""

_tidied: set[str] = set()
"""Folders that this process has looked through for what killed processes left."""


@contextlib.contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """Yield a name in the folder of `path` to write to, which says whose it is; an error removes what is there.

    It ends as `path` does.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{machine()}{secrets.token_hex(4)}.part{path.suffix}")
    _writing.add(temporary.name)
    try:
        yield temporary
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    finally:
        _writing.discard(temporary.name)


def remove_abandoned_files(folder: Path) -> None:
    """Remove from a folder the temporary files that nobody can be writing any more; a process looks once a folder."""
    if str(folder) in _tidied:
        return
    _tidied.add(str(folder))
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 - names are all that is wanted of what may be a million
            found = _NAME.search(name)
            if found and _is_abandoned(folder / name, found):
                (folder / name).unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that any process, of any machine, left in a folder.

    Call it only where no other process can be writing, such as under `locks.locked`.
    """
    for path in folder.glob(".*.part*"):
        if _NAME.search(path.name):
            path.unlink(missing_ok=True)


def _is_abandoned(path: Path, found: "re.Match[str]") -> bool:
    """Whether the process of a temporary file is gone; of another machine's, whether it lay untouched for a week."""
    if found["machine"] != machine() or os.name != "posix":
        return time.time() - path.stat().st_mtime > _WEEK_S
    process = int(found["process"])
    if process == os.getpid():
        return path.name not in _writing  # an earlier process had our number
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # it is another user's
    return False


@functools.cache
def machine() -> str:
    """Name this machine, or container, by six digits: process numbers mean something only within one."""
    space = ""
    with contextlib.suppress(OSError):  # absent but on Linux
        space = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - no path is meant
    name = f"{platform.node()} {space}"
    return hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=3).hexdigest()
