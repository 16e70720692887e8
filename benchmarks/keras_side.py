"""What would a user run instead? The reference recipe in Keras on TensorFlow, in a process of its own.

It reads one job a line from standard input and answers each with a line on standard output, both JSON. VGG16 with
random filters, the last layer a two-class softmax, everything else frozen; batches of 64, Adam, class weights, a model
file each epoch. Images come through `tf.data`, read and decoded in parallel ahead of the network, which is faster than
the generators that the reference notebook used.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import pandas as pd
import tensorflow as tf

BATCH = 64


def dataset(table: Path, images: Path, shuffle: bool) -> tf.data.Dataset:
    """Read a published table (`filename,class`) as batches of pixels and one-hot labels."""
    rows = pd.read_csv(table)
    names = [str(images / name) for name in rows["filename"]]

    def read(name: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels = tf.io.decode_png(tf.io.read_file(name), channels=3)
        pixels = keras.applications.vgg16.preprocess_input(tf.cast(tf.ensure_shape(pixels, (224, 224, 3)), tf.float32))
        return pixels, tf.one_hot(label, 2)

    listed = tf.data.Dataset.from_tensor_slices((names, rows["class"].to_numpy()))
    if shuffle:
        listed = listed.shuffle(len(rows), seed=0)
    return listed.map(read, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH).prefetch(tf.data.AUTOTUNE)


def network() -> keras.Model:
    """Build the reference model; its frozen layers are not trained."""
    whole = keras.applications.VGG16(weights=None)
    for layer in whole.layers:
        layer.trainable = False
    head = keras.layers.Dense(2, activation="softmax", name="predictions")(whole.layers[-2].output)
    model = keras.Model(whole.input, head)
    model.compile(optimizer=keras.optimizers.Adam(0.001), loss="categorical_crossentropy", metrics=["accuracy"])
    return model


MODEL = network()


def pass_once(table: str, images: str) -> dict[str, float]:
    """Time `fit` over the images of a table, once."""
    data = dataset(Path(table), Path(images), shuffle=True)
    start = time.perf_counter()
    MODEL.fit(data, epochs=1, verbose=0, class_weight={0: 1.0, 1: 3.0})
    return {"seconds": time.perf_counter() - start}


def experiment(train: str, validation: str, test: str, images: str, epochs: int) -> dict[str, float]:
    """Time the whole job: epochs with validation and a model file each, then the test."""
    sets = {
        name: dataset(Path(path), Path(images), shuffle=name == "train")
        for name, path in {"train": train, "validation": validation, "test": test}.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        keep = keras.callbacks.ModelCheckpoint(f"{folder}/model.{{epoch:02d}}.keras")
        start = time.perf_counter()
        weights = {0: 1.0, 1: 3.0}
        MODEL.fit(
            sets["train"],
            validation_data=sets["validation"],
            epochs=epochs,
            verbose=0,
            class_weight=weights,
            callbacks=[keep],
        )
        MODEL.evaluate(sets["test"], verbose=0)
        return {"seconds": time.perf_counter() - start}


def main() -> None:
    """Answer jobs until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints goes to standard error
    for line in sys.stdin:
        job = json.loads(line)
        call = {"pass_once": pass_once, "experiment": experiment}[job.pop("call")]
        answers.write(json.dumps(call(**job)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
