"""How is an upload decoded where it can kill nothing but a process of its own?

The process is that of `images.fits.apart`, which forks for each file under limits of memory and processor time; here it
reads and renders whole files of any kind.
"""

import contextlib
import datetime as dt
import json
import queue
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from flarescope.errors import FlarescopeError, InputError
from flarescope.images.fits import apart
from flarescope.images.fits.apart import Decoder, DiedError, damage
from flarescope.images.line_of_sight import Accept
from flarescope.images.look import Look
from flarescope.images.reading import Fingerprint, ReadImage
from flarescope.images.render import Rendered, Rendering, render, render_field

CPU_SECONDS: Final = 10
"""Of one image. A whole disk of HMI takes one."""
CLOCK_SECONDS: Final = 20.0
CODE: Final = (
    "from flarescope.images.fits import apart; "
    f"apart.CPU_SECONDS = {CPU_SECONDS}; "
    "from flarescope.serving.decoding import serve; serve()"
)


NOTHING: Final = b'{"name": "nothing.png", "rendering": {"name": "reference-png"}, "accept": {}}\n'
"""What a process is asked so that it is there."""


class Decoders:
    """Some such processes; each is started when it is first needed, and again after a file has killed it."""

    def __init__(self, count: int, *, code: str = CODE, clock_seconds: float = CLOCK_SECONDS) -> None:
        """Start nothing yet.

        Args:
            count: how many images are decoded at a time.
            code: what each process runs.
            clock_seconds: that it may take for an image.
        """
        self._all = [Decoder(code, clock_seconds) for _ in range(count)]
        self._free: queue.SimpleQueue[Decoder] = queue.SimpleQueue()
        for one in self._all:
            self._free.put(one)

    def decode(self, name: str, content: bytes, rendering: Rendering, accept: Accept) -> ReadImage:
        """Decode and render an image; waits for a free process.

        Raises:
            InputError: what is wrong with it, also where it killed its process.
        """
        asked = {"name": name, "rendering": asdict(rendering), "accept": asdict(accept)}
        decoder = self._free.get()
        died = False
        try:
            said, values = decoder.ask(json.dumps(asked).encode() + b"\n" + content, 0)
        except DiedError as error:
            died = True
            raise InputError(f"{name}: damaged, or no image (decoding it {error}); fetch it again") from error
        finally:
            if died:  # whoever comes next does not wait for the seconds that a new process takes
                threading.Thread(target=self._begin, args=(decoder,), daemon=True).start()
            else:
                self._free.put(decoder)
        if "refused" in said:
            raise InputError(str(said["refused"]))
        return ReadImage(_rendered(said, values), Fingerprint(0, 0, 0, ""))

    def start(self) -> None:
        """Have every process ready before the first image comes; returns at once."""
        for _ in self._all:
            threading.Thread(target=self._begin, args=(self._free.get(),), daemon=True).start()

    def _begin(self, decoder: Decoder) -> None:
        with contextlib.suppress(DiedError, FlarescopeError):  # the next image says so
            decoder.ask(NOTHING, 0)
        self._free.put(decoder)

    def close(self) -> None:
        """End the processes."""
        for one in self._all:
            one.close()


def _rendered(said: dict[str, Any], values: np.ndarray) -> Rendered:
    look = said["look"]
    return Rendered(
        values.reshape(said["shape"]).astype(np.float32),
        tuple(said["noaa_ars"]),
        None if said["time"] is None else dt.datetime.fromisoformat(said["time"]),
        Look(**{**look, "size": tuple(look["size"])}),
        tuple(said["flags"]),
    )


def serve() -> None:
    """Be such a process; what every image needs is imported and compiled first, once for all forks."""
    render_field(np.zeros((600, 600)))
    _warm_rice()
    apart.serve(answer)


def _warm_rice() -> None:
    import io

    from astropy.io import fits

    stream = io.BytesIO()
    hdu = fits.CompImageHDU(np.arange(64, dtype=np.int32).reshape(8, 8), compression_type="RICE_1")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(stream)
    answer(b'{"name": "a.fits", "rendering": {"name": "reference-fits"}, "accept": {}}\n' + stream.getvalue())


def answer(content: bytes, number: int = 0) -> tuple[dict[str, object], np.ndarray]:
    """Read and render what came.

    Args:
        content: a line of JSON that says how, and the file.
        number: nothing here.

    Returns:
        `shape`, `noaa_ars`, `time`, `look`, `flags`, and the pixels as `(C * S, S)`; or `refused`, why not.
    """
    line, _, file = content.partition(b"\n")
    asked = json.loads(line)
    path = Path(asked["name"])
    try:
        found = render(path, Rendering(**asked["rendering"]), file, accept=Accept(**asked["accept"]))
    except InputError as error:
        return {"refused": str(error)}, np.empty((0, 0))
    except Exception as error:  # nothing that an image raises may end the process
        return {"refused": f"{path}: {damage(error)}"}, np.empty((0, 0))
    said: dict[str, object] = {
        "shape": list(found.pixels.shape),
        "noaa_ars": list(found.noaa_ars),
        "time": None if found.time is None else found.time.isoformat(),
        "look": asdict(found.look),
        "flags": list(found.flags),
    }
    return said, found.pixels.reshape(-1, found.pixels.shape[-1])
