"""How fast is one pass over the images: from files to features, and the engine alone?"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import made
from common import Result, seconds, take_turns
from flarescope.backbones.base import Weights
from flarescope.engines.base import EngineChoice
from flarescope.engines.choose import choose
from flarescope.engines.start import start
from flarescope.features.batching import stack
from flarescope.features.store import FeatureStore
from flarescope.features.store_key import StoreKey
from flarescope.images.reading import read_image
from flarescope.images.render import Rendering
from flarescope.pipeline.featuring import Compute
from keras_process import KerasProcess


def _fresh_store(folder: Path, weights: Weights, choice: EngineChoice, rendering: str) -> FeatureStore:
    shutil.rmtree(folder, ignore_errors=True)
    key = StoreKey(weights.family, weights.digest, rendering, choice.id, choice.batch, choice.streams)
    return FeatureStore(folder, key)


def against_keras(
    work: Path, weights: Weights, *, images: int, repeats: int, keras: KerasProcess, precision: str = "auto"
) -> Result:
    """Features from a directory of PNG files against Keras' `fit` on the frozen model, same files."""
    root, table = made.images(work / "images", images)
    csv = work / "pass.csv"
    table.to_csv(csv, index=False)
    choice, names = choose(precision=precision), table["filename"].tolist()
    keras.ask("pass_once", table=str(csv), images=str(root))  # traced and warm

    def ours() -> float:
        store = _fresh_store(work / "store", weights, choice, "reference-png")
        threads = Compute().threads()
        return images / seconds(lambda: store.build(names, root, lambda: start(choice, weights), workers=threads))

    ours()
    samples = take_turns(repeats, ours, lambda: images / keras.ask("pass_once", table=str(csv), images=str(root)))
    return Result(
        name=f"features_against_keras{'' if precision == 'auto' else '_' + precision}",
        what=f"features of {images:,} PNG files, {choice.id}, start of the engine included",
        unit="images/s",
        ours=samples[0],
        against="Keras on TensorFlow, fp32, `fit` of the frozen model on the same files, warm",
        alternative=samples[1],
        target=1 if choice.precision == "fp32" else 7,
        note="7x is the target for processors with AMX; without bf16 it is 1x",
    )


def _own_throughput(weights: Weights, choice: EngineChoice, pixels: np.ndarray) -> tuple[str, "OpenVinoAlone"]:
    """Find the batch and the number of streams with which OpenVINO is fastest on its own."""
    settings = [(batch, streams) for batch in (4, 16, 32) for streams in ("AUTO", "1")]
    best: tuple[float, str, OpenVinoAlone] | None = None
    for batch, streams in settings:
        alone = OpenVinoAlone(weights, choice, batch, streams)
        speed = max(alone.images_per_s(pixels[:64]) for _ in range(2))
        if best is None or speed > best[0]:
            best = (speed, f"batch {batch}, streams {streams}", alone)
    assert best is not None
    return best[1], best[2]


class OpenVinoAlone:
    """OpenVINO as its documentation runs it for throughput: a converted module, fixed batch, asynchronous queue."""

    converted: object = None

    def __init__(self, weights: Weights, choice: EngineChoice, batch: int, streams: str) -> None:
        import openvino
        import torch

        from flarescope.backbones.vgg16_torch import build

        if OpenVinoAlone.converted is None:
            example = torch.zeros(1, 1, 224, 224)
            OpenVinoAlone.converted = openvino.convert_model(build(weights.load()), example_input=example)
        network = OpenVinoAlone.converted.clone()  # type: ignore[attr-defined]
        network.reshape([batch, 1, 224, 224])
        hint = {"fp32": "f32", "bf16": "bf16"}[choice.precision]
        config = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": hint, "NUM_STREAMS": streams}
        self._queue = openvino.AsyncInferQueue(openvino.Core().compile_model(network, "CPU", config))
        self._batch = batch

    def images_per_s(self, pixels: np.ndarray) -> float:
        """Run over the pixels and give the speed; results are fetched as they come."""
        batches = [pixels[first : first + self._batch] for first in range(0, len(pixels), self._batch)]
        got: list[np.ndarray] = []
        self._queue.set_callback(lambda request, _: got.append(np.array(request.get_output_tensor(0).data)))
        start = time.perf_counter()
        for batch in batches:
            self._queue.start_async({0: batch})
        self._queue.wait_all()
        assert sum(map(len, got)) == len(pixels)
        return len(pixels) / (time.perf_counter() - start)


def engine_alone(
    work: Path, weights: Weights, *, images: int, repeats: int, engine: str = "auto", precision: str = "auto"
) -> Result:
    """An engine with pixels in memory against OpenVINO's own throughput of the same network in the same precision."""
    root, table = made.images(work / "images", images)
    pixels = pixels_of(root, table["filename"].tolist(), Rendering("reference-png"))
    choice = choose(engine, precision)
    started = start(choice, weights)
    setting, alone = _own_throughput(weights, choice, pixels)

    def ours() -> float:
        return images / seconds(lambda: drain(started.stream(batches(pixels, choice.batch))))

    ours()
    samples = take_turns(repeats, ours, lambda: alone.images_per_s(pixels))
    return Result(
        name=f"engine_alone_{choice.id}",
        what=f"the engine alone, {choice.id}, {images:,} images in memory",
        unit="images/s",
        ours=samples[0],
        against=f"OpenVINO's own throughput: converted module, asynchronous queue, best of six settings ({setting})",
        alternative=samples[1],
        target=0.95,
    )


def file_to_feature(work: Path, weights: Weights, *, images: int, repeats: int, fits: bool) -> Result:
    """From file to stored feature against the engine alone on the same pixels."""
    root, table = made.images(work / "images", images, fits=fits)
    names, rendering = table["filename"].tolist(), "reference-fits" if fits else "reference-png"
    pixels = pixels_of(root, names, Rendering(rendering))
    choice = choose()
    engine = start(choice, weights)
    drain(engine.stream(batches(pixels[:64], choice.batch)))

    def ours() -> float:
        store = _fresh_store(work / "store", weights, choice, rendering)
        return images / seconds(lambda: store.build(names, root, lambda: engine, workers=Compute().threads()))

    def alone() -> float:
        return images / seconds(lambda: drain(engine.stream(batches(pixels, choice.batch))))

    samples = take_turns(repeats, ours, alone)
    kind = "FITS 600x600" if fits else "PNG 224x224"
    return Result(
        name=f"file_to_feature_{'fits' if fits else 'png'}",
        what=f"file to stored feature, {images:,} {kind}, {choice.id}",
        unit="images/s",
        ours=samples[0],
        against="the engine alone on the same pixels in memory",
        alternative=samples[1],
        target=0.9 if fits else 0.95,
    )


def pixels_of(root: Path, names: list[str], rendering: Rendering) -> np.ndarray:
    """Render files into memory, `(N, C, S, S)`, as `stack` gives them."""
    return np.concatenate([stack([read_image(root / name, rendering)]) for name in names])


def batches(pixels: np.ndarray, batch: int) -> Iterator[np.ndarray]:
    """Cut pixels into batches."""
    return (pixels[first : first + batch] for first in range(0, len(pixels), batch))


def drain(stream: Iterator[np.ndarray]) -> None:
    """Let a stream run to its end."""
    for _ in stream:
        pass
