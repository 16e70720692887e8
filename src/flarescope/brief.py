"""How does an object that holds tables, arrays or many choices show itself on one line?"""

from collections.abc import Mapping, Sized
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from flarescope.errors import one_line

MOST_CHARACTERS: Final = 199
"""Of a representation: it fits on two lines of a terminal."""

_VALUES: Final = 4  # of a list, shown one by one
_TEXT: Final = 100  # characters of a text
_PATH: Final = 60  # the last ones of a path: its end tells more than its beginning


def brief(one: Any, *always: str) -> str:  # noqa: ANN401 - any dataclass
    """Represent a dataclass by its fields that are not at their default, tables and arrays by their size.

    Fields with `repr=False` are left out; those named in `always` are shown at their default too.
    """
    parts = []
    for field in fields(one):
        value = getattr(one, field.name)
        if field.repr and (field.name in always or not _is(value, field.default)):
            parts.append(f"{field.name}={_shown(value)}")
    return one_line(f"{type(one).__name__}({', '.join(parts)})", MOST_CHARACTERS)


def _is(value: object, default: object) -> bool:
    return type(value) is type(default) and bool(value == default)


def _shown(value: Any) -> str:  # noqa: ANN401 - the value of any field
    if isinstance(value, Path):
        text = str(value)
        return repr(text if len(text) <= _PATH else f"...{text[-_PATH:]}")
    if isinstance(value, str):
        return repr(value if len(value) <= _TEXT else f"{value[:_TEXT]}...")
    if isinstance(value, float):
        return f"{value:.6g}"
    if getattr(value, "shape", ()):
        return f"<{type(value).__name__} {' x '.join(map(str, value.shape))}>"
    if isinstance(value, Mapping) or (isinstance(value, Sized) and len(value) > _VALUES):
        return f"<{type(value).__name__} of {len(value):,}>"
    return repr(value)
