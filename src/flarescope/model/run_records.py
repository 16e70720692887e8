"""Do the files of a run's folder say what the program can work with?

They are JSON that anybody may have edited, so that each value that is used has its type and range checked where the
file is read. Values that are not used may be anything.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

Check = Callable[[Any], bool]
MOST_COUNTED: Final = 2**53


def is_text(value: object) -> bool:
    """Whether a value is text of a length that a name or a path has."""
    return isinstance(value, str) and len(value) <= 4096


def is_count(value: object) -> bool:
    """Whether a value is a whole number from 0 on."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_COUNTED


def is_number(value: object) -> bool:
    """Whether a value is a number; None, as of a score that is 0/0, counts."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300)


def is_plain_name(value: object) -> bool:
    """Whether a value is the name of a file in the folder itself."""
    text = str(value)
    return is_text(value) and text not in ("", ".", "..") and not any(letter in text for letter in "/\\\0")


def _maybe(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _are_counts(value: object) -> bool:
    return isinstance(value, list) and all(is_count(one) for one in value)


def _are_texts_by_name(value: object) -> bool:
    return isinstance(value, dict) and all(is_text(one) for one in value.values())


def _are_numbers_by_name(value: object) -> bool:
    return isinstance(value, dict) and all(is_number(one) for one in value.values())


_RUN: Final[Mapping[str, Check]] = {
    "recipe": _is_object,
    "backbone": _maybe(is_text),
    "store": _is_object,
    "images": is_text,
    "features": is_text,
    "kind": _maybe(is_text),
    "event": _maybe(_is_object),
    "content": _maybe(_are_texts_by_name),
}
_STORE: Final[Mapping[str, Check]] = dict.fromkeys(("family", "digest", "engine", "dtype", "rendering"), is_text)
_TABLE: Final[Mapping[str, Check]] = {
    **{"digest": is_text, "images": is_count, "events": is_count},
    "regions": _are_counts,
}
_EPOCH: Final[Mapping[str, Check]] = {
    "epoch": lambda value: is_count(value) and value >= 1,
    "model": is_plain_name,
    "train": _are_numbers_by_name,
    "validation": lambda value: _are_numbers_by_name(value) and "tss" in value,
}


def check_run(described: Mapping[str, Any]) -> None:
    """Check what `run.json` says.

    Raises:
        ValueError: a part is missing without which nothing can be done, or is of another kind.
    """
    data = described.get("data")
    if not isinstance(described.get("recipe"), dict) or not isinstance(data, dict):
        raise ValueError("no recipe or no data in it")
    if not isinstance(data.get("train"), dict):
        raise ValueError("no training data in it")
    _check(described, _RUN, "")
    _check(described.get("store", {}), _STORE, "store, ")
    for name, table in data.items():
        if not isinstance(table, dict):
            raise ValueError(f"data of {name[:20]!r} are no object")
        _check(table, _TABLE, f"data of {name[:20]!r}, ")
    train = data["train"]
    if "images" in train and not 0 <= train.get("events", 0) <= train["images"]:
        raise ValueError("more events than images in its training data")


def check_epoch(row: object) -> None:
    """Check a line of the history.

    Raises:
        ValueError: a part is missing, or is of another kind.
    """
    if not isinstance(row, dict) or not {"epoch", "model", "validation"} <= set(row):
        raise ValueError("expected a JSON object a line, with epoch, model and validation")
    _check(row, _EPOCH, "")


def _check(values: Mapping[str, Any], checks: Mapping[str, Check], where: str) -> None:
    for name, check in checks.items():
        if name in values and not check(values[name]):
            raise ValueError(f"{where}{name} is {str(values[name])[:40]!r}, which cannot be")
