"""Where in one uploaded image does a model see its forecast? Drawn by a process of its own, for each image anew.

It holds the network a second time, and reads the image: it has limits of memory and processor time.
"""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from flarescope.errors import FlarescopeError, InputError
from flarescope.images.fits.apart import limit
from flarescope.images.magnetogram import FITS_SUFFIXES, JPEG_SUFFIXES, PNG_SUFFIXES
from flarescope.pipeline.explaining.stage import Explaining, explain
from flarescope.pipeline.featuring import Compute
from flarescope.progress import Reporter
from flarescope.serving.answers import Problem
from flarescope.serving.child import start_child

MEMORY_BYTES: Final = 16 << 30
"""Address space: torch, and VGG16 with what a map of it needs."""
CPU_SECONDS: Final = 240
CLOCK_SECONDS: Final = 300.0
WAITING: Final = 2
"""Maps that wait while one is drawn."""
METHODS: Final = ("hires-cam", "occlusion")
"""Of `explaining.maps`: the first of them that the network can have, where nobody names one."""
ENDINGS: Final = (".fits.gz", *FITS_SUFFIXES, *PNG_SUFFIXES, *JPEG_SUFFIXES)


class Maps:
    """Draws one map at a time."""

    def __init__(self) -> None:
        """Draw nothing yet."""
        self._one = asyncio.Semaphore(1)
        self._waiting = 0

    async def draw(
        self, model: Path, name: str, content: bytes, *, method: str | None, nan: str, event: str | None = None
    ) -> tuple[bytes, Any]:
        """Draw the map of an image.

        Args:
            model: a run or a model file.
            name: of the image; its ending says what it is.
            content: its bytes.
            method: of `explaining.maps.METHODS`; None is the first of `METHODS` that it can be.
            nan: what NaN pixels do.
            event: of a model of several, which, such as `M1.0/24`.

        Returns:
            A PNG, and what `explain` says of it in JSON.

        Raises:
            Problem: 422 what is wrong with image or method; 503 too many wait.
        """
        if self._waiting >= WAITING + 1:
            raise Problem(503, "other maps are being drawn; ask again in 30 s", headers={"Retry-After": "30"})
        self._waiting += 1
        try:
            async with self._one:
                with tempfile.TemporaryDirectory(prefix="flarescope-map-") as folder:
                    return await _drawn(
                        Path(folder), model, name, content, {"method": method, "nan": nan, "event": event}
                    )
        finally:
            self._waiting -= 1


async def _drawn(
    folder: Path, model: Path, name: str, content: bytes, chosen: dict[str, str | None]
) -> tuple[bytes, dict[str, Any]]:
    own = next(f"image{ending}" for ending in ENDINGS if name.lower().endswith(ending))  # no name of a client's
    (folder / own).write_bytes(content)
    task = {"model": str(model), "folder": str(folder), "name": own, **chosen}
    process = await start_child(__name__)
    try:
        async with asyncio.timeout(CLOCK_SECONDS):
            line, _ = await process.communicate(json.dumps(task).encode())
        answer = json.loads(line)
    except (TimeoutError, OSError, ValueError):
        raise Problem(422, f"{name}: no map of it (its process took too long, or too much memory)") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if "refused" in answer:
        raise Problem(422, answer["refused"].replace(own, name))
    return await asyncio.to_thread((folder / answer["png"]).read_bytes), answer["said"] | {"filename": name}


def _explained(folder: Path, task: dict[str, Any]) -> dict[str, Any]:
    """Explain the image by the method that was asked for, else by the first that the network can have."""
    methods = METHODS if task["method"] is None else [task["method"]]
    for method in methods:
        try:
            found = explain(
                task["model"],
                folder / task["name"],
                out=folder / "out",
                explaining=Explaining(methods=[method], events=task["event"] and [task["event"]], checks=False),
                compute=Compute(nan=task["nan"]),
                reporter=Reporter(),
            )
        except InputError as error:
            if method == methods[-1] or task["name"] in str(error):
                raise
            continue
        (one,) = found.images
        png = next(path for path in one.files if path.suffix == ".png")
        said = {**one.to_json(), "method": method}
        return {"png": str(png.relative_to(folder)), "said": said}
    raise InputError("no map")


def main() -> None:
    """Be the process that draws."""
    task = json.loads(sys.stdin.buffer.read())
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    limit("RLIMIT_AS", MEMORY_BYTES)
    limit("RLIMIT_CPU", CPU_SECONDS)
    limit("RLIMIT_CORE", 0)
    folder = Path(task["folder"])
    try:
        answer: dict[str, Any] = _explained(folder, task)
    except InputError as error:
        answer = {"refused": str(error).replace(f"{folder}/", "")}
    except FlarescopeError as error:
        answer = {"refused": f"{task['name']}: no map of it ({error})"}
    answers.write(json.dumps(answer))
    answers.flush()


if __name__ == "__main__":
    main()
