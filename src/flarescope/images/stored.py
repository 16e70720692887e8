"""Which images does an address of a storage name, and how is one of them read as a file of this machine is?"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from flarescope.errors import FlarescopeError, InputError
from flarescope.images.line_of_sight import Accept
from flarescope.images.magnetogram import is_image
from flarescope.images.paths import expand, images_among, magnetograms
from flarescope.images.reading import ReadImage
from flarescope.images.remote import RemoteImages
from flarescope.images.render import Rendering
from flarescope.images.workers import Failure
from flarescope.progress import Reporter
from flarescope.storage.systems import file_system, is_url, storage_errors


@dataclass(frozen=True)
class StoredImage:
    """One image of a storage.

    Attributes:
        folder: where it lies.
        key: its name relative to that, with `/` between folders.
    """

    folder: RemoteImages = field(repr=False)
    key: str

    @property
    def name(self) -> str:
        """The file's own name."""
        return PurePosixPath(self.key).name

    def __str__(self) -> str:
        return f"{self.folder.url}/{self.key}"

    def content(self) -> bytes:
        """Give its bytes, whole."""
        return self.folder.bytes_of(self.key)

    def read(self, rendering: Rendering, accept: Accept) -> ReadImage:
        """Read, fingerprint and render it.

        Raises:
            InputError: it cannot be read or rendered; the message names it.
        """
        return self.folder.read(self.key, rendering, accept)


def image_names(images: RemoteImages, reporter: Reporter, *, whole_disk: bool) -> list[str]:
    """List the magnetograms below an address by their names, as `paths.expand` does those of a folder.

    Raises:
        InputError: none.
    """
    names = {PurePosixPath(one): one for one in images.names()}
    found = images_among(images.url, list(names), reporter, whole_disk=whole_disk)
    if not found:
        raise InputError(f"{images.url}: no {'JPEG' if whole_disk else 'PNG'} or FITS file below this address")
    return [names[one] for one in magnetograms(images.url, found, reporter)]


def images_named(
    paths: Sequence[str | Path],
    reporter: Reporter,
    failures: list[Failure] | None = None,
    *,
    whole_disk: bool = False,
) -> list[Path | StoredImage]:
    """List the images that paths and addresses name, each once: files, and all below folders (see `paths.expand`).

    Raises:
        InputError: as `paths.expand`; of an address, nothing there, or no image.
        FlarescopeError: a storage that does not answer.
    """
    found: list[Path | StoredImage] = []
    if not paths:
        expand([], reporter)  # says what is expected
    for path in paths:
        if not is_url(path):
            found += expand([Path(path)], reporter, failures, whole_disk=whole_disk)
            continue
        try:
            found += _below(path.rstrip("/"), reporter, whole_disk=whole_disk)
        except InputError as error:
            if failures is None:
                raise
            failures.append(Failure(path, str(error)))
    return list({str(one): one for one in found}.values())  # a folder and a file in it name one image


def _below(url: str, reporter: Reporter, *, whole_disk: bool) -> list[StoredImage]:
    system, path = file_system(url)
    with storage_errors(url):
        is_folder = system.info(path)["type"] == "directory"
    if not is_folder:
        folder, _, name = url.rpartition("/")
        if not (is_image(Path(name)) or is_image(Path(name), whole_disk=True)):
            raise InputError(
                f"{url}: expected a .png, .jpg (whole disk), .fits, .fit, .fts or .fits.gz file, or a folder"
            )
        return [StoredImage(RemoteImages(folder), name)]
    images = RemoteImages(url)
    return [StoredImage(images, name) for name in image_names(images, reporter, whole_disk=whole_disk)]


class _ByAddress(Reporter):
    """Passes on what is said of files that were fetched, by their addresses."""

    def __init__(self, told: Reporter) -> None:
        self.told, self.places = told, dict[str, str]()

    def of(self, text: str) -> str:
        """Put addresses in the place of paths that nobody knows."""
        for path, address in self.places.items():
            text = text.replace(path, address)
        return text

    def say(self, text: str) -> None:
        self.told.say(self.of(text))

    def warn(self, text: str) -> None:
        self.told.warn(self.of(text))

    def advance(self, label: str, done: int, total: int) -> None:
        self.told.advance(label, done, total)


@contextmanager
def on_this_machine(images: Sequence[str | Path], reporter: Reporter) -> Iterator[tuple[list[Path], Reporter]]:
    """Give files of this machine for a `with` block: what addresses name is fetched, and goes at its end.

    Beside them it gives who is to hear in the block: a reporter that calls what was fetched by its address.

    For what looks at the header and the field of few, large files, as those of the whole disk.

    Raises:
        InputError: nothing at an address; in the block, of a file that was fetched, with its address.
    """
    if not any(map(is_url, images)):
        yield [Path(one) for one in images], reporter
        return
    hearing = _ByAddress(reporter)
    with TemporaryDirectory(prefix="flarescope-") as folder:
        files = list[Path]()
        for one in images:
            if not is_url(one):
                files.append(Path(one))
                continue
            for image in _below(one.rstrip("/"), reporter, whole_disk=True):
                reporter.say(f"fetched: {image}")
                # Only the name: a key may lead out of the folder, as a/../../b and a//b do.
                file = Path(folder, str(len(files)), image.name)
                file.parent.mkdir()
                file.write_bytes(image.content())
                files.append(file)
                hearing.places[str(file)] = str(image)
        try:
            yield files, hearing
        except FlarescopeError as error:
            said = hearing.of(str(error))
            if said == str(error):
                raise
            raise type(error)(said) from error
