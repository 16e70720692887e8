"""Which image files do paths name?"""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TypeVar

from flarescope.errors import InputError
from flarescope.images.instruments import segment_in_name
from flarescope.images.magnetogram import is_image
from flarescope.images.workers import Failure
from flarescope.progress import Reporter, WarningReporter

AnyPath = TypeVar("AnyPath", bound=PurePath)


def expand(
    paths: Sequence[Path],
    reporter: Reporter | None = None,
    failures: list[Failure] | None = None,
    *,
    whole_disk: bool = False,
) -> list[Path]:
    """List the images that paths name: files as they are, folders with all PNG and FITS files below them, sorted.

    Of the whole disk a folder gives its FITS and JPEG files.

    Of a folder those files are left out whose names say that they hold something else than a line-of-sight field,
    drawings that lie there as SVG too, and hidden ones.

    Args:
        paths: files and folders.
        reporter: hears how many files of a folder are left out.
        failures: gets what can be no image, and why; None lets the first end everything.
        whole_disk: whether images of the whole disk are meant.

    Raises:
        InputError: without `failures` a path that does not exist, a file that is no image by its name, a folder without
            one; with them no path at all.
    """
    if not paths:
        raise InputError(
            "no image to forecast; name PNG or FITS files (of the whole disk JPEG or FITS), or their folders"
        )
    found: list[Path] = []
    for path in paths:
        try:
            found.extend(_named(path, reporter or WarningReporter(), failures, whole_disk))
        except InputError as error:
            if failures is None:
                raise
            failures.append(Failure(str(path), str(error)))
    return list(dict.fromkeys(found))


def _named(path: Path, reporter: Reporter, failures: list[Failure] | None, whole_disk: bool) -> list[Path]:
    if path.is_dir():
        inside = _images_below(path, reporter, failures, whole_disk)
        if not inside:
            raise InputError(f"{path}: no {'JPEG' if whole_disk else 'PNG'} or FITS file in this folder")
        return magnetograms(path, inside, reporter)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if not path.is_file():
        raise InputError(f"{path}: not a regular file")
    if not (is_image(path) or is_image(path, whole_disk=True)):  # which of them serves here, who reads it says
        raise InputError(
            f"{path}: expected a .png, .jpg (whole disk), .fits, .fit, .fts or .fits.gz file, or a folder of them"
        )
    return [path]


def magnetograms(folder: object, files: Sequence[AnyPath], reporter: Reporter) -> list[AnyPath]:
    """Leave out the files that are another segment by their names, and say how many of each.

    Args:
        folder: where they lie; what is said begins with it.
        files: below it, on this machine or in a storage.
        reporter: hears it.

    Raises:
        InputError: no file is left.
    """
    named = {file: segment_in_name(file.name) for file in files}
    others = Counter(segment for segment in named.values() if segment)
    if others:
        listed = ", ".join(f"{segment} {count:,}" for segment, count in sorted(others.items()))
        if others.total() == len(files):
            raise InputError(f"{folder}: no magnetogram in this folder, only {listed}")
        reporter.warn(f"{folder}: left out, since they hold no line-of-sight field by their names: {listed}")
    return [file for file, segment in named.items() if not segment]


def images_among(
    folder: object, found: Sequence[AnyPath], reporter: Reporter, *, whole_disk: bool = False
) -> list[AnyPath]:
    """Give the images of all that lies below a folder, sorted: hidden files and drawings are none.

    PNG files that lie there as SVG too, as `disk cut --draw` writes them, are left out, which is said.
    """
    images = sorted(file for file in found if is_image(Path(file), whole_disk=whole_disk) and file.name[:1] != ".")
    vectors = {file for file in found if file.suffix == ".svg"}
    drawn = [file for file in images if file.suffix.lower() == ".png" and file.with_suffix(".svg") in vectors]
    if drawn:
        more = f" and {len(drawn) - 1:,} more" if len(drawn) > 1 else ""
        reporter.warn(f"{folder}: left out, since an SVG of it lies beside it: {drawn[0].name}{more}")
    return [file for file in images if file not in set(drawn)] if drawn else images


def _images_below(folder: Path, reporter: Reporter, failures: list[Failure] | None, whole_disk: bool) -> list[Path]:
    """List the images below a folder, sorted; links to folders are not followed, which is said.

    Raises:
        InputError: a folder that cannot be read, without `failures`.
    """

    def refuse(error: OSError) -> None:
        reason = f"{error.filename}: cannot be read ({error.strerror}); change its permissions"
        if failures is None:
            raise InputError(reason) from error
        failures.append(Failure(str(error.filename), reason))

    found, links = list[Path](), list[Path]()
    for root, folders, names in os.walk(folder, onerror=refuse):
        found += [Path(root) / name for name in names]
        links += [Path(root) / name for name in folders if (Path(root) / name).is_symlink()]
    if links:
        more = f" and {len(links) - 1:,} more" if len(links) > 1 else ""
        reporter.warn(f"{links[0]}{more}: a link to a folder is not followed; name the folder itself")
    images = images_among(folder, found, reporter, whole_disk=whole_disk)
    files = [file for file in images if file.is_file()]
    if failures is not None and len(files) < len(images):
        others = sorted(set(images) - set(files))
        failures += [Failure(str(file), f"{file}: not a regular file, or a link to nothing") for file in others]
    return files
