"""Do the files of a run's folder say what the program can work with?

They are JSON that anybody may have edited, so that each value that is used has its type and range checked where the
file is read. Values that are not used may be anything.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from flarescope.catalog.apart import spans_from_json
from flarescope.json_values import are_texts, is_count, is_number, is_path, is_plain_name, is_text

Check = Callable[[Any], bool]


def _maybe(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _are_counts(value: object) -> bool:
    return isinstance(value, list) and all(is_count(one) for one in value)


def _are_spans(value: object) -> bool:
    """Whether a value is spans of time, as `catalog.apart.spans_to_json` gives them."""
    try:
        return spans_from_json(value) is not None
    except (TypeError, ValueError):
        return False


def _are_texts_by_name(value: object) -> bool:
    return isinstance(value, dict) and all(is_text(one) for one in value.values())


def _are_numbers_by_name(value: object) -> bool:
    return isinstance(value, dict) and all(is_number(one) for one in value.values())


def _are_sources(value: object) -> bool:
    """Whether a value names the tables of a run, and how many rows of each were drawn."""
    if not isinstance(value, dict) or not _maybe(is_count)(value.get("limit")):
        return False
    return all(is_path(path) for name, path in value.items() if name != "limit")


_RUN: Final[Mapping[str, Check]] = {
    "recipe": _is_object,
    "backbone": _maybe(is_text),
    "store": _is_object,
    "data": _is_object,
    "images": is_path,
    "features": is_path,
    "kind": _maybe(is_text),
    "event": _maybe(_is_object),
    "content": _maybe(_are_texts_by_name),
    "tables": _maybe(_are_sources),
    "options": _maybe(are_texts),
}
_STORE: Final[Mapping[str, Check]] = dict.fromkeys(("family", "digest", "engine", "dtype", "rendering"), is_text)
_TABLE: Final[Mapping[str, Check]] = {
    "digest": is_text,
    "images": lambda value: is_count(value) and value >= 1,
    "events": is_count,
    "regions": _are_counts,
}
_TIMES: Final[Mapping[str, Check]] = {"times": _are_spans}
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
    _require(described, _RUN, ("recipe", "backbone", "store", "data", "images", "features"), "")
    engine = () if described.get("kind") == "magnetic" else ("engine",)
    _require(described["store"], _STORE, ("family", "digest", *engine), "store, ")
    _require(described["data"], {}, ("train", "validation"), "data, ")
    for name, table in described["data"].items():
        where = f"data of {name[:20]!r}, "
        if not isinstance(table, dict):
            raise ValueError(f"{where}no object")
        _require(table, {**_TABLE, **_TIMES}, tuple(_TABLE), where)
        if not table["events"] <= table["images"]:
            raise ValueError(f"{where}more events than images")


def check_epoch(row: object) -> None:
    """Check a line of the history.

    Raises:
        ValueError: a part is missing, or is of another kind.
    """
    if not isinstance(row, dict):
        raise ValueError("expected a JSON object a line, with epoch, model and validation")
    _require(row, _EPOCH, ("epoch", "model", "validation"), "")


def _require(values: Mapping[str, Any], checks: Mapping[str, Check], needed: tuple[str, ...], where: str) -> None:
    """Check those values that are there, and that those needed are."""
    missing = [name for name in needed if name not in values]
    if missing:
        raise ValueError(f"{where}no {missing[0]} in it")
    for name, check in checks.items():
        if name in values and not check(values[name]):
            raise ValueError(f"{where}{name} is {str(values[name])[:40]!r}, which cannot be")
