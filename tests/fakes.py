"""What stands in for the real network where a test is not about the network? Everything here is fake, and says so."""

import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

import flarescope
from flarescope.backbones.base import Weights
from flarescope.backbones.vgg16 import FEATURES, VGG16
from flarescope.backbones.weight_arrays import FIRST_BIASES, FIRST_FILTER, Arrays, digest_of
from flarescope.backbones.weights import IMAGENET
from flarescope.cli import main
from flarescope.features.store_key import StoreKey
from flarescope.forecaster.runs import RunFolder
from flarescope.progress import Reporter

FAKE_DIGEST = "sha256:" + "fa4e" * 16


def write_stand_in(path: Path, arrays: Arrays, **said: str) -> None:
    """Write arrays as the cached ImageNet weights are written; their first numbers become ImageNet's.

    Args:
        path: of the file in the cache.
        arrays: of VGG16's shapes.
        said: what the header says instead.
    """
    arrays = {name: array.copy() for name, array in arrays.items()}
    arrays["block1_conv1.weight"][0, 0] = FIRST_FILTER
    arrays["block1_conv1.bias"][: len(FIRST_BIASES)] = FIRST_BIASES[: len(arrays["block1_conv1.bias"])]
    header = {"family": "imagenet", "digest": digest_of(arrays), "source_digest": str(IMAGENET.digest)} | said
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(arrays, path, header)


HELIOPROJECTIVE = {
    "CTYPE1": "HPLN-TAN",
    "CTYPE2": "HPLT-TAN",
    "CUNIT1": "arcsec",
    "CUNIT2": "arcsec",
    "CRVAL1": 0.0,
    "CRVAL2": 0.0,
    "CDELT1": 0.504,
    "CDELT2": 0.504,
}
"""The part of a cut-out's header that says where its pixels are, but for CRPIX1 and CRPIX2."""


class FakeEngine:
    """A fake network: its "features" are 4,096 of the pixels themselves, so that the same pixels give the same bytes.

    Like the OpenVINO engine it takes one batch more than it has given, before it gives the next.
    """

    def __init__(self, *, edit: Callable[[np.ndarray], None] = lambda features: None) -> None:
        self.edit = edit
        self.batches: list[int] = []

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        running: deque[np.ndarray] = deque()
        for batch in batches:
            if len(running) == 2:
                yield running.popleft()
            running.append(self._features(batch))
        yield from running

    def _features(self, batch: np.ndarray) -> np.ndarray:
        self.batches.append(len(batch))
        features = fake_features(batch)
        self.edit(features)
        return features

    @property
    def images(self) -> int:
        """How many images went through."""
        return sum(self.batches)


def fake_features(pixels: np.ndarray) -> np.ndarray:
    """Turn `(n, C, 224, 224)` pixels into `(n, 4096)` float32 in 0..1: every third pixel of the middle."""
    middle = np.float32(pixels[:, :, 16:208:3, 16:208:3]).mean(axis=1)
    return np.ascontiguousarray(middle.reshape(len(pixels), FEATURES) / np.float32(255), dtype=np.float32)


def fake_module() -> object:
    """Give the fake network as a torch module of what `fake_features` computes."""
    import torch

    class Middle(torch.nn.Module):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return pixels[:, :, 16:208:3, 16:208:3].mean(dim=1).flatten(1) / 255

    return Middle()


def hold(features: np.ndarray) -> None:
    """Say on standard output that the network is at work, and wait until standard input ends: an edit of a child's."""
    print("held", flush=True)
    sys.stdin.read()


class Heard(Reporter):
    """Keeps what it hears: `warnings`, `notes`, and how far the work is, `steps`, each `(done, total)`."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.steps: list[tuple[int, int]] = []

    def say(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def advance(self, label: str, done: int, total: int) -> None:
        self.steps.append((done, total))


def fake_weights(digest: str = FAKE_DIGEST) -> Weights:
    """Weights that hold nothing."""
    return Weights("fake", digest, lambda: {}, VGG16)


def fake_key(**changes: object) -> StoreKey:
    """The key of a store of fake features; `changes` replaces parts of it."""
    parts = {"family": "fake", "digest": FAKE_DIGEST, "rendering": "reference-png", "engine": "fake-cpu", "batch": 4}
    return StoreKey(**{**parts, **changes})  # type: ignore[arg-type]


def write_png(path: Path, seed: int, *, size: int = 64, rgb: bool = False) -> Path:
    """Write a grey or a colour PNG of noise about zero field that the seed decides."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size, size, 3) if rgb else (size, size)
    pixels = np.random.default_rng(seed).integers(100, 156, shape, dtype=np.uint8)
    Image.fromarray(pixels).save(path, compress_level=1)
    return path


def write_pngs(folder: Path, count: int, *, size: int = 64) -> list[str]:
    """Write so many PNGs; give their names."""
    names = [f"{number:05d}.png" for number in range(count)]
    for number, name in enumerate(names):
        write_png(folder / name, number, size=size)
    return names


def write_set(folder: Path, *, regions: dict[str, list[int]], images_a_region: int = 8) -> dict[str, Path]:
    """Write a tiny labelled set in the published form: images whose left half is a little brighter for events.

    Args:
        folder: where `images/` and the tables go.
        regions: name of a split -> its four-digit regions.
        images_a_region: half of them events.

    Returns:
        The table of each split, and `images`.
    """
    paths = {"images": folder / "images"}
    for split, numbers in regions.items():
        lines = ["filename,class"]
        for region in numbers:
            for number in range(images_a_region):
                label = number % 2
                name = f"{region}/{region}_hmi.M_720s.20101110_{number:02d}3600_TAI.1.magnetogram_224.png"
                generator = np.random.default_rng([region, number])
                tilt = (2 * label - 1) * np.repeat([12, -12], 32)
                pixels = np.clip(generator.normal(127 + tilt, 18, (64, 64)), 0, 255).astype(np.uint8)
                path = folder / "images" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path, compress_level=1)
                lines.append(f"{name},{label}")
        paths[split] = folder / f"{split}.csv"
        paths[split].write_text("\n".join(lines) + "\n")
    return paths


def die_at(owner: object, name: str, call: int, *, after: bool = False) -> None:
    """Let the process be killed (SIGKILL) at the n-th call of a function, counted from 1: before it, or after it."""
    real = getattr(owner, name)
    calls = 0

    def dying(*args: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls == call and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **options)
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, dying)


def child_environment() -> dict[str, str]:
    """The environment of a process that is to import these fakes, and the same flarescope as this one."""
    folders = [Path(__file__).parent, Path(flarescope.__file__).parents[1]]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}


def use_fake_network(
    monkeypatch: object = None, engine: FakeEngine | None = None, *, as_module: bool = True
) -> FakeEngine:
    """Let every engine be the fake one and every backbone hold nothing; for good where no monkeypatch is given.

    Args:
        monkeypatch: undoes it.
        engine: instead of a new one.
        as_module: let what wants a network as a torch module get a fake one; that imports torch, in seconds.
    """
    from flarescope.backbones import registry
    from flarescope.engines import start as starting
    from flarescope.pipeline import featuring, training_data

    put = getattr(monkeypatch, "setattr", setattr)
    engine = engine or FakeEngine()

    real = starting.make

    def find(spec: str | Weights) -> Weights:
        if isinstance(spec, Weights):
            return spec
        return fake_weights("sha256:" + spec.encode().hex().ljust(64, "0")[:64])

    if as_module:
        from flarescope.forecaster import as_torch

        put(as_torch, "backbone_module", lambda classifier: fake_module())
    put(starting, "make", lambda choice, found: real(choice, found) if found.family.startswith("module") else engine)
    for module in (featuring, training_data, registry):
        put(module, "find", find)
    return engine


def train_three_epochs(
    data: dict[str, Path], out: Path, *more: object, train: Path | None = None, validation: Path | None = None
) -> RunFolder:
    """Train on a set of `write_set`, or on other tables of it, with a network that is fake already."""
    tables = ["--train", train or data["train"], "--validation", validation or data["validation"]]
    learning = ["--backbone", "random", "--batch", 8, "--epochs", 3, "--learning-rate", 0.003, "--quiet"]
    words = ["train", *tables, "--images", data["images"], "--out", out, *learning, *more]
    assert main([str(word) for word in words]) == 0
    return RunFolder(out)


def keep_commands() -> None:
    """Let what typer reads out of the functions of all commands be read once a process: 33 of the 34 ms of a `main`."""
    import typer.main

    from flarescope.cli.app import app

    typer.main.get_command = cache(typer.main.get_command)
    typer.main.get_command(app)


def sync_at_once() -> None:
    """Let `os.fsync` write nothing, for good: a killed process leaves what it wrote, and no test turns the power off.

    It is called some thousand times in a run, and each call waits for the disk.
    """

    def fsync(descriptor: int) -> None:
        os.fstat(descriptor)  # refuses what is not open, as the true one does

    os.fsync = fsync


def draw_blank(monkeypatch: object = None) -> None:
    """Let every figure be empty and saved without axes, which takes seconds; for good where no monkeypatch is given."""
    from matplotlib.figure import Figure

    from flarescope.figures import style

    put = getattr(monkeypatch, "setattr", setattr)
    for draw in _drawing_functions():
        # Where the styled function keeps what it wraps; so it is blank under every name that it was imported by.
        (cell,) = [cell for cell in draw.__closure__ if cell.cell_contents is draw.__wrapped__]
        put(cell, "cell_contents", lambda *arguments, **options: Figure(figsize=(1, 1), dpi=20))
    put(style, "_house_style", nullcontext)  # nothing is drawn by it
    save = Figure.savefig

    def save_blank(figure: Figure, *arguments: object, **options: object) -> None:
        figure.clear()
        save(figure, *arguments, **options)

    put(Figure, "savefig", save_blank)


def _drawing_functions() -> list[Callable[..., object]]:
    """Find the functions of `flarescope.figures` that make a figure in the house style."""
    import flarescope.figures

    modules = [import_module(f"flarescope.figures.{found.name}") for found in iter_modules(flarescope.figures.__path__)]
    functions = [value for module in modules for name, value in vars(module).items() if name.endswith("_figure")]
    return [function for function in set(functions) if hasattr(function, "__wrapped__")]
