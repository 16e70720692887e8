"""Which files of the published set (Boucheron et al. 2023) are there, and where, how large and with which digest?"""

import tempfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from flarescope.errors import FlarescopeError, InputError
from flarescope.fetch import Source, fetch
from flarescope.files import read_json
from flarescope.sources.addresses import ADDRESSES, DRYAD_EXTRA, DRYAD_FITS, DRYAD_PNG, ZENODO_PNG, Addresses

ARCHIVES: Final = ("*.tar", "*.tar.gz", "*.tgz", "*.tar.bz2", "*.tar.xz")
_DIGESTS: Final = {"md5": ("md5", 32), "sha-256": ("sha256", 64), "sha256": ("sha256", 64)}
_MOST_PAGES: Final = 1000


@dataclass(frozen=True)
class Part:
    """A part of the published set that can be asked for by itself.

    Attributes:
        what: what it is, in words for people.
        service: `dryad` or `zenodo`.
        id: the DOI of a Dryad data set, or the number of a Zenodo record.
        include: patterns of file names, upper and lower case alike.
        exclude: patterns that take precedence.
    """

    what: str
    service: str
    id: str
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def takes(self, name: str) -> bool:
        """Whether a file belongs to this part."""
        lower = name.lower()
        return any(fnmatch(lower, one) for one in self.include) and not any(fnmatch(lower, one) for one in self.exclude)


PARTS: Final = {
    "tables": Part("tables and lists of the PNG set", "dryad", DRYAD_PNG, exclude=(*ARCHIVES, "*.zip", "*features*")),
    "features": Part("the 29 magnetic-complexity features of the PNG set", "dryad", DRYAD_PNG, ("*features*",)),
    "png": Part("950,047 images of 224x224, PNG, about 13 GB", "zenodo", ZENODO_PNG),
    "fits-tables": Part("tables and lists of the FITS set", "dryad", DRYAD_FITS, exclude=(*ARCHIVES, "*.zip")),
    "fits": Part("the images of 600x600, FITS", "dryad", DRYAD_FITS, (*ARCHIVES, "*.zip")),
    "extra": Part("the images left out of both sets", "dryad", DRYAD_EXTRA),
}


def published_files(part: str, *, addresses: Addresses = ADDRESSES, backoff_s: float = 1.0) -> list[Source]:
    """Ask the repository which files a part consists of.

    Args:
        part: a name of `PARTS`.
        addresses: of the services.
        backoff_s: first wait before another attempt.

    Returns:
        The files of the newest published version, with sizes and digests as the repository states them; a digest of a
        kind that cannot be checked here becomes None.

    Raises:
        InputError: no such part.
        FlarescopeError: the service does not answer, or not in its documented form, or has no such file.
    """
    if part not in PARTS:
        raise InputError(f"part {part!r} is not known; expected one of {', '.join(PARTS)}")
    chosen = PARTS[part]
    lister = _dryad_files if chosen.service == "dryad" else _zenodo_files
    try:
        files = [file for file in lister(chosen.id, addresses, backoff_s) if chosen.takes(file.name)]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        if isinstance(error, FlarescopeError):
            raise
        reason = f"in a form that is not known ({type(error).__name__}: {error}); its API may have changed"
        raise FlarescopeError(f"{chosen.service} answers about {chosen.id} {reason}") from error
    if not files:
        raise FlarescopeError(
            f"{chosen.service} {chosen.id}: no file of part {part!r} in it; the data set may have changed"
        )
    return files


def fetch_json(url: str, *, backoff_s: float = 1.0) -> dict[str, Any]:
    """Fetch a JSON object, with the attempts and the messages of `fetch`."""
    with tempfile.TemporaryDirectory(prefix="flarescope-") as folder:
        answer = fetch(Source(url, url, None, None), Path(folder) / "answer.json", backoff_s=backoff_s)
        try:
            return read_json(answer)
        except InputError as error:
            raise FlarescopeError(f"{url} does not answer with JSON; its API may have changed") from error


def _safe_name(name: str) -> str:
    """Refuse names that would leave the folder they are put into."""
    if not name or name in (".", "..") or any(character in name for character in "/\\:\0") or name.startswith("."):
        raise FlarescopeError(f"a file named {name!r} is offered; expected a plain name, so nothing is fetched")
    return name


def _dryad_files(doi: str, addresses: Addresses, backoff_s: float) -> list[Source]:
    """List the files of the newest version; pages are followed to the last."""
    versions = fetch_json(addresses.dryad_versions(doi), backoff_s=backoff_s)["_embedded"]["stash:versions"]
    newest = max(versions, key=lambda version: version.get("versionNumber", 0))
    next_page: str | None = newest["_links"]["stash:files"]["href"] + "?per_page=100"
    files: list[Source] = []
    for _ in range(_MOST_PAGES):
        if next_page is None:
            break
        page = fetch_json(addresses.dryad_link(next_page), backoff_s=backoff_s)
        files += [_dryad_file(file, addresses) for file in page["_embedded"]["stash:files"] if _is_there(file)]
        next_page = page.get("_links", {}).get("next", {}).get("href")
    return files


def _is_there(file: dict[str, Any]) -> bool:
    return file.get("status") != "deleted"


def _dryad_file(file: dict[str, Any], addresses: Addresses) -> Source:
    links = file["_links"]
    # Dryad renamed the link in 2024 and sends both names since.
    link = links.get("stash:file-download") or links["stash:download"]
    digest = _digest(file.get("digestType"), file.get("digest"))
    return Source(_safe_name(file["path"]), addresses.dryad_link(link["href"]), _size(file.get("size")), digest)


def _zenodo_files(record: str, addresses: Addresses, backoff_s: float) -> list[Source]:
    files = fetch_json(addresses.zenodo_record(record), backoff_s=backoff_s)["files"]
    sources = []
    for file in files:
        name = _safe_name(file["key"])
        kind, _, value = str(file.get("checksum", "")).partition(":")
        sources.append(Source(name, addresses.zenodo_file(record, name), _size(file.get("size")), _digest(kind, value)))
    return sources


def _digest(kind: str | None, value: str | None) -> str | None:
    name, length = _DIGESTS.get(str(kind).lower(), ("", 0))
    return f"{name}:{value}" if name and value and len(value) == length else None


def _size(size: Any) -> int | None:  # noqa: ANN401 - whatever the service sends
    return size if isinstance(size, int) and size >= 0 else None
