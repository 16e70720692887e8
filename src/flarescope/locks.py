"""How does one process at a time make a file or a folder, and what is said where the file system has no locks?"""

import contextlib
import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from flarescope.errors import FlarescopeError
from flarescope.files import check_target, translate_os_errors
from flarescope.progress import warn_user

_NO_LOCKS: Final = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
"""What `flock` says on a file system that has no locks."""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time make `path`, by a lock on the file `<path>.part.lock`.

    The system lets go of the lock when the process ends, however it ends. Where the file system of `path` has no locks
    the lock is taken in this machine's temporary folder instead, and a warning says that other machines are not kept
    out. A lock that is only a file would be there too, and would stay after a kill.

    Raises:
        FlarescopeError: another process holds it.
        InputError: `path` cannot be written.
    """
    with translate_os_errors(path):
        check_target(path)
        held = _take(lock_file(path), path)
    try:
        yield
    finally:
        if held:
            lock, stream = held
            lock.unlink(missing_ok=True)  # before it is closed: only the holder may remove it
            stream.close()


def lock_file(path: Path) -> Path:
    """Name the file on which the lock of `path` is held."""
    return path.with_name(f"{path.name}.part.lock")


def remove_abandoned_lock(path: Path) -> None:
    """Remove the lock file that a killed process left of `path`, unless another process holds it or it cannot be."""
    if lock_file(path).exists():
        with contextlib.suppress(FlarescopeError), locked(path):
            pass


def _take(lock: Path, path: Path) -> tuple[Path, IO[bytes]] | None:
    """Lock beside `path`, else in this machine's temporary folder, else nowhere; the latter two are said."""
    try:
        return lock, _lock(lock, path)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    lock.unlink(missing_ok=True)
    try:
        elsewhere = _on_this_machine(path)
        stream = _lock(elsewhere, path)
    except OSError:
        warn_user(f"{path}: there are no locks here, nor in the temporary folder; run one process at a time on it")
        return None
    warn_user(
        f"{path}: its file system has no locks; processes of this machine keep apart, other machines are not seen"
    )
    return elsewhere, stream


def _on_this_machine(path: Path) -> Path:
    """Name the lock of `path` in a folder of this user in the machine's temporary folder."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir()) / f"flarescope-locks-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{hashlib.blake2b(os.fsencode(path.resolve()), digest_size=16).hexdigest()}.lock"


def _lock(lock: Path, path: Path) -> IO[bytes]:
    """Open and lock a file, or say who has it.

    Raises:
        FlarescopeError: another process has it.
        OSError: there are no locks here, or the file cannot be made.
    """
    import fcntl  # POSIX only; here so that the rest of the program works elsewhere

    while True:
        stream = lock.open("ab")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The holder before us may have removed the file between our open and our lock; then ours guards nothing.
            if os.path.samestat(os.fstat(stream.fileno()), lock.stat()):
                return stream
        except BlockingIOError:
            stream.close()
            raise FlarescopeError(f"another process is making {path}; wait until it has ended") from None
        except FileNotFoundError:
            pass
        except OSError:
            stream.close()
            raise
        stream.close()
