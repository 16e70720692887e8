"""How are images looked at and read that lie in a storage, under an address such as `s3://bucket/folder`?"""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import pyarrow as pa

from flarescope.errors import FlarescopeError, InputError
from flarescope.images.header import Values, header_values
from flarescope.images.line_of_sight import Accept
from flarescope.images.reading import Fingerprint, ReadImage, digest_of
from flarescope.images.render import Rendering, render
from flarescope.images.root import ImageRoot, LocalImages, Stamp, each_name, refuse_missing
from flarescope.storage.cache import FileCache
from flarescope.storage.systems import file_system, is_url, storage_errors

HEADER_BYTES: Final = 28_800
"""Ten blocks of FITS: the headers of a compressed HMI image, empty first one and all, are shorter."""

MOST_HEADER_BYTES: Final = 32 * HEADER_BYTES


@dataclass(frozen=True)
class RemoteImages:
    """Images in a storage. Inodes are 0: there are none.

    Attributes:
        url: the image root, without a slash at its end.
        cache: keeps what is read; None keeps nothing.
    """

    url: str
    cache: FileCache | None = None

    @property
    def where(self) -> str:
        """The address."""
        return self.url

    def path(self, name: str) -> Path:
        """Give the name as a path of no place."""
        return Path(name)

    def is_synthetic(self) -> bool:
        """Tell whether `synthetic.json` lies beside the folder."""
        system, path = file_system(self.url)
        above, slash, _ = path.rpartition("/")  # of a bucket itself there is nothing above
        with storage_errors(self.url):
            return bool(slash and system.exists(f"{above}/synthetic.json"))

    def bytes_of(self, name: str) -> bytes:
        """Give the bytes of one file, whole."""
        return self.content(name)[0]

    def check(self) -> None:
        """Raise an InputError where there is no such folder, or it may not be read."""
        system, path = file_system(self.url)
        try:
            with storage_errors(self.url):
                found = system.info(path)["type"] == "directory"  # isdir() is False of what may not be read, too
        except InputError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
            found = False
        if not found:
            raise InputError(f"{self.url}: no such bucket or folder in it; expected the image root (--images)")

    def stamps(self, names: pa.Array) -> np.ndarray:
        """Give size, time of modification and 0 of every file `(N, 3)`; folders are listed, files not asked for."""
        wanted = defaultdict[str, dict[str, int]](dict)
        for place, name in enumerate(each_name(names)):
            folder, _, file = name.rpartition("/")
            wanted[folder][file] = place
        stamps, missing = np.zeros((len(names), 3), np.int64), list[str]()
        for folder, files in wanted.items():
            listed = self._listed(folder)
            for file, place in files.items():
                if file in listed:
                    stamps[place] = listed[file]
                else:
                    missing.append(f"{folder}/{file}".lstrip("/"))
        refuse_missing(self.url, missing, len(names))
        return stamps

    def names(self) -> list[str]:
        """List all files below the address, by names relative to it, sorted."""
        system, path = file_system(self.url)
        with storage_errors(self.url):
            return sorted(str(one).lstrip("/").removeprefix(path.lstrip("/") + "/") for one in system.find(path))

    def _listed(self, folder: str) -> dict[str, Stamp]:
        system, path = file_system(self.url)
        where = f"{path}/{folder}".rstrip("/")
        with storage_errors(f"{self.url}/{folder}"):
            try:
                found = system.ls(where, detail=True)
            except FileNotFoundError:
                return {}
        return {PurePosixPath(one["name"]).name: stamp_of(one) for one in found if one["type"] == "file"}

    def stamp(self, name: str) -> Stamp:
        """Give size, time of modification and 0 of one file."""
        system, path = file_system(self.url)
        with storage_errors(f"{self.url}/{name}"):
            return stamp_of(system.info(f"{path}/{name}"))

    def content(self, name: str) -> tuple[bytes, Stamp]:
        """Give the bytes of one file, whole, and its stamp.

        Raises:
            InputError: it is not there, not allowed, or empty.
            FlarescopeError: the storage broke off.
        """
        url, stamp = f"{self.url}/{name}", self.stamp(name)
        if not stamp[0]:
            raise InputError(f"{url}: the file is empty; fetch it again")

        def fetch() -> bytes:
            system, path = file_system(self.url)
            with storage_errors(url):
                content = bytes(system.cat_file(f"{path}/{name}"))
            if len(content) != stamp[0]:
                raise FlarescopeError(
                    f"{url}: {len(content):,} bytes came of {stamp[0]:,}: cut short, or changed meanwhile; run again"
                )
            return content

        return (fetch() if self.cache is None else self.cache.get(url, stamp, fetch)), stamp

    def digest(self, name: str) -> str:
        """Give the digest of the bytes of one file."""
        return digest_of(self.bytes_of(name))

    def read(self, name: str, rendering: Rendering, accept: Accept) -> ReadImage:
        """Read, fingerprint and render one file."""
        content, stamp = self.content(name)
        try:
            rendered = render(Path(name), rendering, content, accept=accept)
        except InputError as error:
            raise InputError(f"{self.url}/{error}") from error  # a message begins with the name
        return ReadImage(rendered, Fingerprint(*stamp, digest_of(content)))

    def header(self, name: str) -> Values:
        """Read the headers of a FITS file alone (see `header.header_values`), by ranges from its beginning on.

        Nothing where the file is gzipped, or no header ends within `MOST_HEADER_BYTES`.
        """
        system, path = file_system(self.url)
        begun = b""
        with storage_errors(f"{self.url}/{name}"), system.open(f"{path}/{name}", "rb") as file:
            while len(begun) < MOST_HEADER_BYTES and (more := bytes(file.read(HEADER_BYTES))):
                begun += more
                if found := header_values(begun):
                    return found
        return {}


def stamp_of(info: Mapping[str, Any]) -> Stamp:
    """Give the stamp in what a file system of fsspec says of a file; each calls the time something else."""
    time = next((info[key] for key in ("mtime", "LastModified", "updated", "created") if info.get(key)), 0)
    if isinstance(time, dt.datetime):
        aware = time if time.tzinfo else time.replace(tzinfo=dt.UTC)
        time = (aware - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1) * 1000
    else:
        time = round(float(time) * 1e6) * 1000
    return int(info["size"]), int(time), 0


def images_at(images: str | Path, cache: FileCache | None = None) -> ImageRoot:
    """Give the image root that a user names: a folder, or an address of a storage.

    Raises:
        InputError: a cache for a folder of this machine.
    """
    if isinstance(images, str) and is_url(images):
        return RemoteImages(images.rstrip("/"), cache)
    if cache is not None:
        raise InputError(f"--cache is for a storage, as s3://bucket/folder; {images} is a folder of this machine")
    return LocalImages(Path(images))
