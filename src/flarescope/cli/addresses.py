"""What is said where an address of a storage is given for what has to lie on this machine?"""

import re
from pathlib import Path
from typing import Any, Final

from flarescope.errors import InputError

READ_ANYWHERE: Final = (
    "only images for a network (--images, --image, paths of predict and explain), and those that catalog label lists, "
    "are read from a storage"
)
_ADDRESS: Final = re.compile(r"([a-z][a-z0-9+.-]+):/(?=[^/])", re.IGNORECASE)
"""What a path makes of `s3://bucket/run`: a folder `s3:` in the current one."""


def refuse_addresses(command: Any) -> None:  # noqa: ANN401 - typer has a click of its own
    """Let every option and argument that is a path, of a command and those below it, refuse an address."""
    for below in getattr(command, "commands", {}).values():
        refuse_addresses(below)
    for parameter in command.params:
        if parameter.callback is None:
            parameter.callback = _refuse


def _refuse(_context: Any, parameter: Any, value: Any) -> Any:  # noqa: ANN401
    for one in value if isinstance(value, list | tuple) else [value]:
        if isinstance(one, Path) and (found := _ADDRESS.match(str(one))):
            slashes = "///" if found[1].lower() == "file" else "//"
            address = f"{found[1]}:{slashes}{str(one)[found.end() :]}"
            raise InputError(f"{parameter.opts[0]} {address}: expected a path of this machine; {READ_ANYWHERE}")
    return value
