"""What can go wrong, said in one line: what was expected, what came, what to do."""

import re
from typing import Final

MOST_CHARACTERS: Final = 299
"""Of a message: what does not fit on three lines of a terminal is not read."""
MOST_OF_COMMAND: Final = 3000
_ENDING: Final = 110  # what to do stands at the end of a message
_GAP: Final = " ... "
_BREAKS: Final = re.compile(r"\s*[\n\r\t\v\f\x1c-\x1f\x85\u2028\u2029]\s*")


def one_line(text: object, most: int = MOST_CHARACTERS) -> str:
    """Give any reason as one printable line of at most `most` characters.

    Of a longer one the beginning and the end are kept. Control characters, and halves of surrogate pairs such as stand
    for odd bytes of file names, become escapes: a terminal would obey the former and cannot show the latter.
    """
    line = str(text)
    if len(line) > 8 * most:
        line = line[: 4 * most] + line[-4 * most :]
    line = _BREAKS.sub(" ", line).strip()
    line = printable(line)
    if len(line) <= most:
        return line
    ending = min(_ENDING, most // 3)
    return line[: most - ending - len(_GAP)] + _GAP + line[-ending:]


def printable(text: str) -> str:
    r"""Give text in which what moves a cursor is an escape, and so is a byte that is no UTF-8, as `\xf3`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    # Python keeps an odd byte of a file name as half a surrogate pair (os.fsdecode).
    odd_byte = ord(character) - 0xDC00
    return f"\\x{odd_byte:02x}" if 0x80 <= odd_byte <= 0xFF else character.encode("unicode_escape").decode()


class FlarescopeError(Exception):
    """Base of every error that flarescope raises on purpose; the command line ends with code 1."""

    exit_code = 1

    def __init__(self, message: object = "", *, command: str = "") -> None:
        """Take what is to be said.

        Args:
            message: becomes one line (see `one_line`).
            command: that mends it; it stands at the end and is never shortened, for it could not be run then. One of
                more than `MOST_OF_COMMAND` characters, as a damaged file can make it, is left out.
        """
        offered = f"; run `{printable(command)}`" if 0 < len(command) <= MOST_OF_COMMAND else ""
        super().__init__(one_line(message) + offered)


class InputError(FlarescopeError, ValueError):
    """A file, table or option is not what it should be; the command line ends with code 2."""

    exit_code = 2


class AbsentError(FlarescopeError):
    """A server says that it has no such file; asking again does not help."""


class FlarescopeWarning(UserWarning):
    """What a user should know although the work goes on; the command line prints it as one line."""
