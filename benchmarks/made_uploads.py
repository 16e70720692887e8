"""What does `serve_load.py` upload: files that the fuzzers damage, and one that can be read?"""

import random
import tempfile
from pathlib import Path

from made_server import ROOT


def hostile(seed: int) -> tuple[bytes, str]:
    """Give the body of an upload that is damaged in one way or another, and its media type."""
    from fuzz.mutate import fix_png, mutate

    rng = random.Random(seed)
    ending, seeds = rng.choice([pair for pair in _seeds() for _ in range(1 + 2 * (pair[0] != ".jpg"))])
    content = mutate(rng.choice(seeds), rng, seeds)
    if ending == ".png" and rng.random() < 0.5:
        content = fix_png(content)
    name = rng.choice(["a", "../../etc/passwd", "1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram", "\\x", "x" * 300])
    part = f'--q\r\nContent-Disposition: form-data; name="images"; filename="{name}{ending}"\r\n\r\n'
    body = part.encode() + content + b"\r\n--q--\r\n"
    if rng.random() < 0.05:
        body = mutate(body, rng, [body])
    return body, "multipart/form-data; boundary=q"


def good_upload() -> tuple[bytes, str]:
    """Give the body of an upload that can be read, and its media type."""
    part = b'--q\r\nContent-Disposition: form-data; name="images"; filename="a.png"\r\n\r\n'
    return part + _seeds()[0][1][0] + b"\r\n--q--\r\n", "multipart/form-data; boundary=q"


def _seeds(found: list[tuple[str, list[bytes]]] = []) -> list[tuple[str, list[bytes]]]:  # noqa: B006 - made once
    if not found:
        from fuzz.targets_images import fits_files, jpegs, pngs

        with tempfile.TemporaryDirectory() as folder:
            made = [(".png", pngs), (".fits", fits_files), (".jpg", jpegs)]
            found += [(ending, function(Path(folder))) for ending, function in made]
        found[1][1].append((ROOT / "tests/corpus/fits/aborts_a_decoder.fits").read_bytes())
    return found
