"""How is a tar archive from the network unpacked so that its folder is whole or absent, and nothing lies outside it?"""

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from flarescope.errors import FlarescopeError, InputError
from flarescope.files import make_folder, read_json, translate_os_errors, write_json
from flarescope.parsing import refusing_damage

MARKER = ".flarescope-unpacked.json"
"""Stands in an unpacked folder and names the archive, so that it is not unpacked again."""

_REPORT_EVERY = 500


def unpack_tar(archive: Path, folder: Path, *, progress: Callable[[int, int], None] | None = None) -> Path:
    """Unpack an archive into a folder of its own, unless that is there already.

    Everything goes into a neighbouring folder that is renamed at the end; what an interrupted run left is removed and
    done again. Only files and folders are taken: links, devices, absolute names and `..` refuse the archive.

    Args:
        archive: tar, as it is or compressed by gzip, bzip2 or xz.
        folder: where its content will be; it must not exist, or be an earlier unpacking.
        progress: called every few hundred files with the bytes of the archive read so far and its size.

    Raises:
        InputError: a damaged or unsafe archive.
        FlarescopeError: more content than the disk has room for, a folder of another archive or of something else in
            the way.
    """
    identity = {"archive": archive.name, "size": archive.stat().st_size}
    if folder.exists():
        if (folder / MARKER).is_file() and read_json(folder / MARKER) == identity:
            return folder
        raise FlarescopeError(f"{folder} is there already and is not {archive.name} unpacked; move it away first")
    partial = folder.with_name(f".{folder.name}.unpacking")
    with translate_os_errors(partial):
        if partial.exists():
            shutil.rmtree(partial)
        make_folder(partial)
        try:
            _extract(archive, partial, progress)
            write_json(partial / MARKER, identity)
            partial.rename(folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return folder


def _extract(archive: Path, partial: Path, progress: Callable[[int, int], None] | None) -> None:
    size, room = archive.stat().st_size, shutil.disk_usage(partial).free
    advice = "remove it and fetch it again"
    with archive.open("rb") as stream, refusing_damage(archive, advice, what="damaged or unsafe"):
        with tarfile.open(fileobj=stream, mode="r:*") as tar:
            for number, member in enumerate(tar):
                _check(archive, member)
                held = member.size if member.isreg() else 0
                if tar.fileobj is stream and member.offset_data + held > size:  # not compressed
                    raise InputError(
                        f"{archive}: damaged or unsafe ({member.name[:60]!r} goes on beyond its end); {advice}"
                    )
                room -= held
                if room < 0:
                    raise FlarescopeError(f"{archive.name} holds more than there is room for at {partial.parent}")
                tar.extract(member, partial, filter="data")
                tar.members.clear()  # type: ignore[attr-defined]  # a million of them would stay in memory
                if progress and number % _REPORT_EVERY == 0:
                    progress(stream.tell(), size)
    if progress:
        progress(size, size)


def _check(archive: Path, member: tarfile.TarInfo) -> None:
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise InputError(f"{archive}: {member.name!r} is a link or a device; nothing is unpacked")
    parts = member.name.replace("\\", "/").split("/")
    if not parts[0] or ".." in parts or ":" in parts[0]:
        raise InputError(f"{archive}: {member.name!r} would lie outside its folder; nothing is unpacked")


def archive_stem(name: str) -> str:
    """Give the name of an archive without `.tar`, `.tar.gz`, `.tgz` and the like."""
    for suffix in (".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tar"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name
