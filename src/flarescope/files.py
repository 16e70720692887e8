"""How is a file written so that it is whole or absent?"""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from flarescope.errors import FlarescopeError, InputError
from flarescope.leftovers import remove_abandoned_files, temporary_beside
from flarescope.parsing import parse_json

LARGEST_JSON: Final = 32 << 20
"""Bytes; the scores of a test set are about 1 MB. Python takes some twenty times as much memory."""

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}

# What to say for a number that the system gives; the person in front of the screen can do something about each.
_REASONS = {
    ("write", errno.EACCES): "permission denied; choose another folder or change its permissions",
    ("write", errno.EPERM): "permission denied; choose another folder or change its permissions",
    ("write", errno.EROFS): "the file system is read-only; choose another folder",
    ("write", errno.ENOTDIR): "a part of this path is a file, not a folder; choose another folder",
    ("write", errno.EEXIST): "a part of this path is a file, not a folder; choose another folder",
    ("write", errno.EISDIR): "there is a folder of this name; choose another name",
    ("write", errno.ENOENT): "the folder does not exist; create it first",
    ("write", errno.ENAMETOOLONG): "the name is too long; choose a shorter one",
    ("read", errno.EACCES): "permission denied; change its permissions",
    ("read", errno.EPERM): "permission denied; change its permissions",
    ("read", errno.ENOTDIR): "a part of this path is a file, not a folder; check the path",
    ("read", errno.EISDIR): "it is a folder; name a file",
    ("read", errno.ENOENT): "there is no such file; check the path",
}


@contextlib.contextmanager
def translate_os_errors(path: Path, action: Literal["read", "write"] = "write") -> Iterator[None]:
    """Turn the system's errors about `path`, in a `with` block, into one line that says what to do.

    Errors about other files (a writer may read its input inside the block) and network errors, which Python also
    counts as `OSError`, pass through unchanged. What is to be read is first seen to be a file or a folder.

    Raises:
        InputError: the path cannot be used: permissions, a file where a folder should be, nothing there, a pipe.
        FlarescopeError: the disk is full, or the system failed in another way.
    """
    if action == "read":
        refuse_special(path)
    try:
        yield
    except (OSError, RuntimeError) as error:  # HDF5 says with a RuntimeError that a file cannot be closed
        number = _error_number(error)
        if number is None or not _concerns(error, path):
            raise
        if number in _DISK_FULL:
            message = f"disk full while writing {path}: free some space and run the same command again; "
            raise FlarescopeError(message + "what was finished before is kept") from error
        reason = _REASONS.get((action, number))
        if reason is None:
            raise FlarescopeError(f"cannot {action} {path}: {os.strerror(number).lower()}") from error
        raise InputError(f"cannot {action} {path}: {reason}") from error


def _error_number(error: OSError | RuntimeError) -> int | None:
    """Find the errno; None for network errors and for errors that are not the system's."""
    if isinstance(error, ConnectionError | TimeoutError):
        return None
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = re.search(r"errno\s*=?\s*(\d+)", str(error), re.IGNORECASE)  # HDF5 and Arrow say it only in the text
    return int(found.group(1)) if found else None


def _concerns(error: OSError | RuntimeError, path: Path) -> bool:
    """Whether the error is about `path`, a folder above it, something inside it, or its temporary neighbour."""
    if not isinstance(error, OSError) or not isinstance(error.filename, str | Path):
        return True  # a failing write() or fsync() names no file
    named, wanted = Path(error.filename).absolute(), path.absolute()
    if named in wanted.parents:
        return True
    return named.is_relative_to(wanted.parent) and _sibling(named, wanted).removeprefix(".").startswith(wanted.name)


def _sibling(named: Path, wanted: Path) -> str:
    """Name the entry of the folder of `wanted` that `named` is, or lies in."""
    return named.relative_to(wanted.parent).parts[0]


def make_folder(path: Path) -> Path:
    """Create a folder, and those above it, unless it is there; return it."""
    with translate_os_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path` to write to; it becomes `path` when the block ends well.

    A reader sees the old file or the new one, never a part of one. Whatever ends the block early, Ctrl-C too, removes
    the temporary file and leaves `path` as it was; what a killed process left is removed by the next one that writes
    into the folder. The temporary name ends as the final one does, because pandas, numpy and matplotlib choose a format
    by it. Parent folders are created.

    Raises:
        InputError, FlarescopeError: as `translate_os_errors` says.
    """
    path = Path(path)
    with translate_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        check_target(path)
        remove_abandoned_files(path.parent)
        with temporary_beside(path) as temporary:
            yield temporary
            replace_durably(temporary, path)


def check_writable(path: Path) -> None:
    """Fail before the work where `atomic_path` would fail after it; nothing is created.

    Raises:
        InputError, FlarescopeError: as `translate_os_errors` says.
    """
    path = Path(path).absolute()
    with translate_os_errors(path):
        check_target(path)
        folder = next(parent for parent in path.parents if parent.exists())
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(folder)) from error


def check_target(path: Path) -> None:
    """Fail before the work rather than at the rename that ends it, or where the rename would put a file over a device.

    Raises:
        IsADirectoryError: a folder.
        InputError: a device, a pipe or a socket.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    refuse_special(path, "write")


def refuse_special(path: Path, action: Literal["read", "write"] = "read") -> None:
    """Refuse what is there and is neither file nor folder: to open a pipe waits, perhaps for ever.

    Raises:
        InputError: a device, a pipe or a socket.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return  # opening it says why
    # /dev/stdout may lead to an ordinary file; the rename would put the result in the place of the link.
    in_devices = action == "write" and path.absolute().parent == Path("/dev")
    if in_devices or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise InputError(f"cannot {action} {path}: it is a device, a pipe or a socket; name an ordinary file")


def replace_durably(temporary: Path, path: Path) -> None:
    """Rename a finished file to its final name so that a power cut leaves the old one or the new one."""
    _fsync(temporary)
    temporary.replace(path)
    with contextlib.suppress(OSError):  # some network file systems, and Windows, cannot sync a folder
        _fsync(path.parent)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_space(path: Path, needed_bytes: int) -> None:
    """Raise a FlarescopeError unless the disk of an existing folder, or of a file in one, has room for so much."""
    free = shutil.disk_usage(path if path.is_dir() else path.parent).free
    if needed_bytes > free:
        raise FlarescopeError(
            f"not enough disk space for {path}: {needed_bytes / 1e6:,.1f} MB needed, {free / 1e6:,.1f} MB free; "
            "free some space or choose another folder"
        )


def utf8(text: object) -> str:
    r"""Give text, such as a path, as every table and file can hold it.

    Where a byte of a file's name is no UTF-8, as in the Latin-1 name of Región, Python keeps half a character; it is
    written as `\xf3` here, on the screen and in every table.
    """
    return str(text).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def utf8_values(value: Any) -> Any:  # noqa: ANN401 - values of JSON
    """Give values for JSON with each text, and each key, as `utf8` gives it."""
    if isinstance(value, str):
        return utf8(value)
    if isinstance(value, Mapping):
        return {utf8_values(key): utf8_values(inner) for key, inner in value.items()}
    return [utf8_values(inner) for inner in value] if isinstance(value, list | tuple) else value


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(utf8(text), encoding="utf-8", newline="")


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """Write a mapping as indented JSON, keys in their order, whole or not at all.

    Raises:
        InputError: a value has no JSON form. NaN is one of them: the caller says what it means, usually None.
    """
    try:
        text = json.dumps(utf8_values(value), indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        hint = "; write None where there is no number" if "float" in str(error) else ""
        raise InputError(f"cannot write {path} as JSON: {error}{hint}") from error
    write_text(path, text + "\n")


def allow_open_files(more: int) -> None:
    """Raise this process's limit of open files, as far as the system lets it, so that so many more can be open.

    Where it cannot be raised nothing happens: opening then fails, and says so.
    """
    if os.name != "posix":
        return
    import resource

    spare = 256  # for whatever else the process opens
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    open_now = len(os.listdir("/dev/fd")) if Path("/dev/fd").is_dir() else spare  # noqa: PTH208 - a count, no paths
    wanted = open_now + more + spare
    if soft != resource.RLIM_INFINITY and wanted > soft:
        new = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (new, hard))


def read_json(path: Path, *, most_bytes: int = LARGEST_JSON) -> dict[str, Any]:
    """Read a JSON file whose outermost value is an object.

    Args:
        path: the file.
        most_bytes: larger files are not read.

    Raises:
        InputError: the file is missing, too large, is not JSON (the line is named), or holds something other than an
            object.
    """
    with translate_os_errors(path, "read"), Path(path).open("rb") as stream:
        content = stream.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise InputError(f"{path}: more than {most_bytes:,} bytes of JSON; make the file again")
    value = parse_json(content, path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object in braces, got a {type(value).__name__}; make the file again")
    return value


def is_parquet(path: Path) -> bool:
    """Tell by its first bytes whether a file is Parquet."""
    refuse_special(path)
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file in hexadecimal, reading it piece by piece."""
    return digest_of(path, "sha256")


def md5_of(path: Path) -> str:
    """Give the MD5 of a file in hexadecimal (Zenodo publishes MD5), reading it piece by piece."""
    return digest_of(path, "md5")


def digest_of(path: Path, algorithm: str) -> str:
    """Give the digest of a file in hexadecimal by an algorithm that `hashlib` knows."""
    with translate_os_errors(path, "read"), Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
