"""How is a file that may hold anything parsed, so that whatever is wrong with it ends in one line?

Libraries answer a damaged file with whatever they stumble over. Here are the one guard around them and the one reader
of JSON.
"""

import contextlib
import errno
import json
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from flarescope.errors import FlarescopeError, InputError, one_line

DEEPEST: Final = 64
"""Levels of JSON that are read; ours have six, Keras' configurations about ten."""

# What the system says of the disk, of permissions and of limits, whatever the file holds.
_SYSTEM: Final = frozenset(
    {
        *(errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
        *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE, errno.EINTR, errno.EPIPE),
    }
)


def reason(error: BaseException) -> str:
    """Give an exception's own words in one short line."""
    return one_line(error, 120) or type(error).__name__


@contextlib.contextmanager
def refusing_damage(source: object, advice: str, *, what: str = "damaged or incomplete") -> Iterator[None]:
    """Turn whatever a library raises in a `with` block on the content of a file into one line that names the file.

    What fails in the block is taken for a fault of the file: nothing else belongs there. Errors of ours pass, and those
    of the system about permissions, full disks and limits.

    Args:
        source: the file.
        advice: what to do.
        what: what it then is.

    Raises:
        InputError: something was raised.
    """
    try:
        yield
    except FlarescopeError:
        raise
    except MemoryError as error:
        raise InputError(f"{source}: {what} (it asks for more memory than there is); {advice}") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _SYSTEM:
            raise
        raise InputError(f"{source}: {what} ({reason(error)}); {advice}") from error


def parse_json(text: str | bytes, source: object, *, advice: str = "make the file again", strict: bool = True) -> Any:  # noqa: ANN401 - JSON
    """Read JSON of any origin.

    Args:
        text: UTF-8.
        source: what to call it in a message, such as its path.
        advice: what to do where it cannot be read.
        strict: refuse what the program itself never writes: a key that stands twice, numbers that are not finite,
            half a surrogate pair.

    Raises:
        InputError: it is not JSON (the line is named), nested too deep, or refused by `strict`.
    """
    hooks: dict[str, Any] = {"object_pairs_hook": _once, "parse_constant": _refuse_constant, "parse_float": _finite}
    try:
        text = text.decode() if isinstance(text, bytes) else text
        value = json.loads(text, **(hooks if strict else {}))
        if strict and "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise InputError(f"{source}, line {error.lineno}: not JSON ({error.msg}); {advice}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{source} is not JSON: expected UTF-8 text, got other bytes; {advice}") from error
    except UnicodeEncodeError as error:
        raise InputError(f"{source}: not JSON as it should be (half a character); {advice}") from error
    except ValueError as error:
        raise InputError(f"{source}: not JSON as it should be ({reason(error)}); {advice}") from error
    except RecursionError as error:
        raise _too_deep(source, advice) from error
    if _depth(value) > DEEPEST:
        raise _too_deep(source, advice)
    return value


def _too_deep(source: object, advice: str) -> InputError:
    return InputError(f"{source}: JSON of more than {DEEPEST} levels; {advice}")


def _depth(value: object) -> int:
    """Count the levels of lists and objects, without recursion."""
    level, depth = [value], 0
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"{twice[:40]!r} stands there more than once")
    return found


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:20]} is too large a number")
    return value


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
