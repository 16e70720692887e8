"""What does somebody read who asks over the network, where a message speaks to whoever types a command?

The messages of reading and forecasting say which option of a command helps. A page or a program has no such options:
it reads what it can do itself, and nothing of where files lie on the server.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

INSTEAD: Final = {
    "(--nan zero; from Python Compute(nan='zero'))": "(nan=zero in the address, or the box beside the button)",
    "--instrument-ok takes it all the same": "this server takes HMI's alone",
    ": cut its regions out first: `flarescope disk cut` does, from a FITS file of the whole disk": (
        "; send a cut-out of one region"
    ),
    "of a disk cut its regions out first: `flarescope disk cut` does, from a FITS file of the whole disk": (
        "of a disk send a cut-out of one region"
    ),
    " (`flarescope catalog label --scope disk`)": "",
    "--method ": "method=",
    "captum is not installed: pip install 'flarescope[explain]'": "this server does not have it",
    " (--history)": "",
    " (--flares)": "",
}
"""Words of a message, as it has them, and what stands there for who asks over the network."""
COMMAND: Final = re.compile(r"(?<![\w-])--[a-z]|`?\bflarescope [a-z]|\bpip install\b")
"""Advice for a command line."""


def for_client(text: str, folders: Sequence[Path] = ()) -> str:
    """Give a message without advice that whoever asks over the network cannot follow.

    Args:
        text: one line.
        folders: of the server, whose names are left out.

    Example:
        >>> for_client("a.fits: 3 pixels are NaN; leave the image out, or take --nan zero")
        'a.fits: 3 pixels are NaN'
    """
    for path in sorted(map(str, folders), key=len, reverse=True):
        text = text.replace(f"{path}/", "").replace(path, "the server's folder")
    for words, theirs in INSTEAD.items():
        text = text.replace(words, theirs)
    if not COMMAND.search(text):
        return text
    text = re.sub(r" \([^()]*\)", lambda found: "" if COMMAND.search(found[0]) else found[0], text)
    first, *others = text.split("; ")
    kept = [one for one in others if not COMMAND.search(one)]
    told = COMMAND.search(first)
    if told:
        first = first[: told.start()].rstrip(" `:,(-") or "not possible here"
    return "; ".join([first, *kept])
