"""Which image files do paths name?"""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from flarescope.errors import InputError
from flarescope.images.instruments import segment_in_name
from flarescope.images.magnetogram import is_image
from flarescope.progress import Reporter


def expand(paths: Sequence[Path], reporter: Reporter | None = None) -> list[Path]:
    """List the images that paths name: files as they are, folders with all PNG and FITS files below them, sorted.

    Of a folder those files are left out whose names say that they hold something else than a line-of-sight field.

    Args:
        paths: files and folders.
        reporter: hears how many files of a folder are left out.

    Raises:
        InputError: a path that does not exist, a file that is no image by its name, a folder without one.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = _images_below(path)
            if not inside:
                raise InputError(f"{path}: no PNG or FITS file in this folder")
            found.extend(_magnetograms(path, inside, reporter or Reporter()))
        elif not path.exists():
            raise InputError(f"{path}: no such file or folder")
        elif not path.is_file():
            raise InputError(f"{path}: not a regular file")
        elif not is_image(path):
            raise InputError(f"{path}: expected a .png, .fits, .fit, .fts or .fits.gz file, or a folder of them")
        else:
            found.append(path)
    if not found:
        raise InputError("no image to forecast; name PNG or FITS files, or folders of them")
    return list(dict.fromkeys(found))


def _magnetograms(folder: Path, files: Sequence[Path], reporter: Reporter) -> list[Path]:
    """Leave out the files that are another segment by their names, and say how many of each.

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


def _images_below(folder: Path) -> list[Path]:
    """List the images below a folder, sorted; links to folders are not followed.

    Raises:
        InputError: a folder that cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror}); change its permissions") from error

    found = [Path(root) / name for root, _, names in os.walk(folder, onerror=refuse) for name in names]
    return sorted(file for file in found if is_image(file) and file.is_file())
