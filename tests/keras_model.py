"""What does Keras itself write and compute for one VGG16 with a flare head?

`conftest.py` makes the fixtures `keras` and `keras_model` of this; a test that asks for either is marked
`@needs_keras`. Building and saving takes 15 s and 1.6 GB of disk, so it is done once in a run.
"""

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

# Keras 3.15 on PyTorch turns its own variables into arrays in the way of numpy 1; nothing of ours is in the call.
_KERAS_WARNS = "__array__ implementation doesn't accept a copy keyword"


def needs_keras(test):
    """Mark a test that uses Keras: slow, and in the one pytest-xdist worker where the model is built."""
    for mark in (
        pytest.mark.slow,
        pytest.mark.xdist_group("keras"),
        pytest.mark.filterwarnings(f"ignore:{_KERAS_WARNS}"),
    ):
        test = mark(test)
    return test


@dataclass(frozen=True, eq=False)
class SavedModel:
    """A random VGG16 with a softmax of two outputs on `fc2`: its files, its weights, and what Keras computes with it.

    Attributes:
        h5: complete model in the HDF5 form of Keras 2, compiled with a metric of the user's own.
        keras: the same model as a `.keras` zip.
        weights_h5: weights alone, in the form of Keras 3.
        weights: `[kernel, bias]` of every layer that has any, by its name, float32 in Keras' layout.
        head: name of the head's layer.
        head_kernel: `(4096, 2)` float32; column 1 is flare.
        head_bias: `(2,)` float32.
        pixels: `(2, 224, 224, 3)` float32, whole numbers 0..255 in the order R, G, B, before any preprocessing.
        features: `(2, 4096)` float32: what Keras gives for `pixels` at `fc2`, after its own preprocessing.
        probabilities: `(2, 2)` float32: the forecasts of no flare and of flare for `pixels`.
    """

    h5: Path
    keras: Path
    weights_h5: Path
    weights: Mapping[str, list[np.ndarray]]
    head: str
    head_kernel: np.ndarray
    head_bias: np.ndarray
    pixels: np.ndarray
    features: np.ndarray
    probabilities: np.ndarray


def import_keras() -> ModuleType:
    """Import Keras on PyTorch, or skip the test where it is not installed."""
    os.environ["KERAS_BACKEND"] = "torch"
    return pytest.importorskip("keras", exc_type=ImportError)


def predict(keras, model, pixels):
    """Give a model's `fc2` and its output for RGB pixels 0..255."""
    both = keras.Model(model.input, [model.get_layer("fc2").output, model.outputs[0]])
    return both.predict(keras.applications.vgg16.preprocess_input(pixels.copy()), verbose=0)


def save_model(keras, folder: Path) -> SavedModel:
    """Build the model and save it to a folder in every form that Keras writes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", _KERAS_WARNS)
        model = _random_model(keras)
        paths = {"h5": folder / "model.h5", "keras": folder / "model.keras", "weights_h5": folder / "model.weights.h5"}
        model.save(paths["h5"])
        model.save(paths["keras"])
        model.save_weights(paths["weights_h5"])
        pixels = np.random.default_rng(3).integers(0, 256, (2, 224, 224, 3)).astype("float32")
        features, probabilities = predict(keras, model, pixels)
        weights = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    head = model.layers[-1].name
    return SavedModel(
        **paths,
        weights=weights,
        head=head,
        head_kernel=weights[head][0],
        head_bias=weights[head][1],
        pixels=pixels,
        features=features,
        probabilities=probabilities,
    )


def _random_model(keras):
    keras.utils.set_random_seed(1)
    full = keras.applications.VGG16(weights=None, include_top=True)
    model = keras.Model(full.input, keras.layers.Dense(2, activation="softmax")(full.layers[-2].output))
    rng = np.random.default_rng(2)
    for layer in model.layers:
        if layer.weights:
            layer.weights[1].assign(0.01 * rng.standard_normal(layer.weights[1].shape))

    def TPR(truth, forecast):
        return keras.ops.mean(truth * forecast)

    model.compile("adam", "categorical_crossentropy", metrics=["accuracy", TPR])
    return model
