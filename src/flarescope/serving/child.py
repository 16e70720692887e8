"""How is a module of this package run in a process beside the server, with one line in and one line out?"""

import asyncio
import sys
from typing import Final

from flarescope.cores import own_environment

LARGEST_ANSWER: Final = 1 << 20
"""Bytes of its line."""


async def start_child(module: str) -> asyncio.subprocess.Process:
    """Start `python -m MODULE` with pipes for what it is told and what it answers; what else it says is dropped."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=own_environment(),
        limit=LARGEST_ANSWER,
    )
