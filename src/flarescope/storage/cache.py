"""How are files of a storage kept on this machine, whole or not at all, and no more of them than there is room for?"""

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flarescope.errors import FlarescopeError, InputError
from flarescope.files import atomic_path, make_folder
from flarescope.progress import warn_user

_SWEEP_EVERY: Final = 64
_COUNTS: Final[dict[Path, int]] = {}
_LOCK: Final = threading.Lock()


@dataclass(frozen=True)
class FileCache:
    """A folder of files by address and stamp; it may be shared by processes.

    Attributes:
        folder: where they are kept.
        most_bytes: what they may take together; those that were used longest ago go. A few files more can be there for
            a while, as each process looks after every 64 files that it has put in.
    """

    folder: Path
    most_bytes: int

    @classmethod
    def of(cls, folder: Path, most_gb: float) -> "FileCache":
        """Give the cache of a folder, the same from wherever it is asked for.

        Raises:
            InputError: no room, or a folder that cannot be made.
        """
        if not 0 < most_gb < 1e6:
            raise InputError(f"--cache-gb {most_gb}: expected more than 0, as 10")
        return cls(make_folder(folder).absolute(), round(most_gb * 1e9))

    def get(self, url: str, stamp: tuple[int, ...], fetch: Callable[[], bytes]) -> bytes:
        """Give a file's bytes, from the cache or by `fetch`; what is fetched is kept.

        Args:
            url: address of the file.
            stamp: what changes with its contents; a file of another stamp is another one.
            fetch: gives the bytes, whole, or raises.
        """
        path = self._path(url, stamp)
        with contextlib.suppress(OSError):
            content = path.read_bytes()
            os.utime(path)
            return content
        content = fetch()
        try:
            with atomic_path(path) as temporary:
                temporary.write_bytes(content)
        except FlarescopeError as error:  # to keep is a convenience: without room the file is fetched again next time
            warn_user(f"{error}; files of the storage are not kept")
        else:
            self._look_after()
        return content

    def _path(self, url: str, stamp: tuple[int, ...]) -> Path:
        name = hashlib.blake2b(repr((url, stamp)).encode("utf-8", "surrogateescape"), digest_size=20).hexdigest()
        return self.folder / name[:2] / name[2:]

    def _look_after(self) -> None:
        with _LOCK:
            _COUNTS[self.folder] = _COUNTS.get(self.folder, 0) + 1
            if _COUNTS[self.folder] % _SWEEP_EVERY:
                return
            self.sweep()

    def sweep(self) -> None:
        """Remove the files that were used longest ago until the others fit."""
        found = []
        for path in self.folder.glob("??/*"):
            with contextlib.suppress(OSError):  # another process may have removed it
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_size, path))
        room = self.most_bytes
        for _, size, path in sorted(found, reverse=True):
            room -= size
            if room < 0:
                with contextlib.suppress(OSError):
                    path.unlink()
