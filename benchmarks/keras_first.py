"""What would a user run instead of `flarescope predict`? Keras on PyTorch: load the whole model, forecast one PNG file.

python benchmarks/keras_first.py model.hdf5 some.png
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
from PIL import Image


def main(model: str, image: str) -> None:
    """Print the probability of a flare."""
    network = keras.models.load_model(model, compile=False)
    pixels = np.asarray(Image.open(image).convert("RGB"), np.float32)[np.newaxis]
    print(network.predict(keras.applications.vgg16.preprocess_input(pixels), verbose=0)[0, 1])


if __name__ == "__main__":
    main(*sys.argv[1:])
