"""Which regions do the lists of the published data set (Boucheron et al. 2023) put into which split?"""

from pathlib import Path

from flarescope.errors import InputError
from flarescope.files import refuse_special, translate_os_errors
from flarescope.region_numbers import NOAA_OFFSET
from flarescope.tables import SPLITS
from flarescope.text_tables import COMMENT


def read_region_list(path: Path) -> list[int]:
    """Read an AR list of the set, one four-digit number a line, as full NOAA numbers.

    Raises:
        InputError: an empty file, or a line that is not a number of four or five digits.
    """
    regions = []
    for line, text in enumerate(_text(path).splitlines(), start=1):
        digits = text.strip().rstrip(",")
        if not digits or digits.startswith(COMMENT):
            continue
        if not (digits.isascii() and digits.isdigit() and len(digits) in (4, 5)):
            raise InputError(f"{path}: line {line}: {digits!r}; expected a region number such as 1121 or 11121")
        regions.append(int(digits) + (NOAA_OFFSET if len(digits) == 4 else 0))
    if not regions:
        raise InputError(f"{path}: no region in it; expected one number a line, such as 1121")
    return regions


def read_region_lists(folder: Path) -> dict[str, list[int]]:
    """Read the set's AR lists (`List_of_AR_in_Test_Data_by_AR.csv` and so on) from the folder in which they lie.

    The published copies write `data` in either case. The train list may be missing: the other two decide.

    Returns:
        split -> full NOAA numbers.

    Raises:
        InputError: the test or the validation list is missing, or a list cannot be read.
    """
    with translate_os_errors(folder, "read"):
        names = {path.name.lower(): path for path in folder.iterdir()}
    lists = {}
    for split in SPLITS:
        name = f"List_of_AR_in_{split.capitalize()}_Data_by_AR.csv"
        if name.lower() in names:
            lists[split] = read_region_list(names[name.lower()])
        elif split != "train":
            raise InputError(f"{folder}: no {name} in it; it comes with the published set")
    return lists


def _text(path: Path) -> str:
    refuse_special(path)
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected a list of regions") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file") from error
