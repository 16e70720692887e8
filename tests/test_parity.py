"""Does every number agree with Keras itself, live, on the same network, images and initial head?"""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from flarescope.backbones.keras.reading import read_backbone
from flarescope.backbones.weights import of_arrays
from flarescope.engines.choose import choose
from flarescope.engines.start import start
from flarescope.heads.adam import State
from flarescope.heads.head import Head, Recipe, validate
from flarescope.heads.together import train_epoch
from flarescope.log_odds import sigmoid
from flarescope.pipeline.evaluating import evaluate
from flarescope.pipeline.featuring import Compute
from flarescope.progress import Reporter
from keras_model import needs_keras

TRAIN, VALIDATION = 4, 2  # the last batch of 3 has 1 row; an image costs half a second each time it goes through


def grey_pixels(count, seed):
    """Smooth random images, which give features of the usual spread; uint8 (count, 224, 224)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(100, 156, (count, 14, 14), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((224, 224), Image.Resampling.BICUBIC)) for one in coarse])


def as_keras_input(keras, pixels):
    rgb = np.repeat(pixels[..., np.newaxis], 3, axis=3).astype("float32")
    return keras.applications.vgg16.preprocess_input(rgb)


def features_of(engine, pixels):
    return next(iter(engine.stream([pixels[:, np.newaxis].astype(np.float32)])))


@pytest.fixture(scope="module")
def weights(keras_model):
    return of_arrays(read_backbone(keras_model.h5))


@needs_keras
def test_features_equal_those_of_keras(keras_model, weights):
    """Here OpenVINO's; those of PyTorch are compared by `test_keras_files` and, as a whole forecast, below."""
    batch = np.ascontiguousarray(keras_model.pixels.transpose(0, 3, 1, 2))
    ours = next(iter(start(choose("openvino", "fp32"), weights).stream([batch])))
    relative = np.linalg.norm(ours - keras_model.features) / np.linalg.norm(keras_model.features)
    assert relative < 1e-5
    assert np.abs(ours - keras_model.features).max() < 1e-5 * keras_model.features.max()


def keras_history(keras, model, train, validation, recipe):
    """Train with Keras as the reference notebook does; give losses and contingency tables epoch by epoch."""
    # Rates, not Keras' counts: on PyTorch those give the metric's own variable, which validation then overwrites.
    metrics = [keras.metrics.CategoricalAccuracy(name="accuracy"), keras.metrics.Recall(name="tpr", class_id=1)]
    model.compile(
        optimizer=keras.optimizers.Adam(recipe.learning_rate, recipe.beta_1, recipe.beta_2, epsilon=recipe.epsilon),
        loss="categorical_crossentropy",
        metrics=metrics,
    )
    (x, y), (vx, vy) = train, validation
    return model.fit(
        x,
        np.eye(2, dtype="float32")[y],
        batch_size=recipe.batch,
        epochs=recipe.epochs,
        shuffle=False,
        class_weight=dict(enumerate(recipe.class_weight)),
        validation_data=(vx, np.eye(2, dtype="float32")[vy]),
        validation_batch_size=16,
        verbose=0,
    ).history


def our_history(head, train, validation, recipe):
    state, trained, validated = State.start(head), [], []
    for _ in range(recipe.epochs):
        state, result = train_epoch(state, *train, recipe)
        trained.append(result)
        validated.append(validate(state.head, *validation, clip=recipe.clip))
    return state.head, trained, validated


def assert_same_histories(history, trained, validated):
    assert [result.loss for result in trained] == pytest.approx(history["loss"], rel=1e-4, abs=1e-4)
    assert [result.loss for result in validated] == pytest.approx(history["val_loss"], rel=1e-4, abs=1e-4)
    for results, prefix in ((trained, ""), (validated, "val_")):
        for epoch, result in enumerate(results):
            table = result.table
            rows, events = sum(table.counts().values()), table.tp + table.fn
            assert table.tp == round(events * history[f"{prefix}tpr"][epoch])
            assert table.tp + table.tn == round(rows * history[f"{prefix}accuracy"][epoch])


@pytest.fixture(scope="module")
def loaded(keras, keras_model):
    """The saved model in Keras; `as_saved` gives it its own head back."""
    return keras.models.load_model(keras_model.h5, compile=False)


def as_saved(loaded, keras_model):
    loaded.layers[-1].set_weights([keras_model.head_kernel, keras_model.head_bias])
    return loaded


@needs_keras
def test_two_unshuffled_epochs_of_the_whole_network_equal_those_of_keras(keras, keras_model, loaded, weights):
    pixels, labels = grey_pixels(TRAIN + VALIDATION, 5), np.random.default_rng(6).integers(0, 2, TRAIN + VALIDATION)
    recipe = Recipe(epochs=2, batch=3, shuffle=False, class_weight=(1.0, 2.5), clip=1e-7)
    model = as_saved(loaded, keras_model)
    for layer in model.layers[:-1]:
        layer.trainable = False
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == 8194
    inputs = as_keras_input(keras, pixels)
    parts = slice(0, TRAIN), slice(TRAIN, None)
    history = keras_history(keras, model, *[(inputs[part], labels[part]) for part in parts], recipe)

    engine = start(choose("torch", "fp32"), weights)
    features = features_of(engine, pixels)
    first = Head(keras_model.head_kernel, keras_model.head_bias)
    head, trained, validated = our_history(first, *[(features[part], labels[part]) for part in parts], recipe)

    assert_same_histories(history, trained, validated)
    theirs = model.predict(inputs[TRAIN:], verbose=0)[:, 1]
    ours = head.probability(features[TRAIN:])
    assert np.abs(ours - theirs).max() < 1e-4
    assert ((ours >= 0.5) == (theirs >= 0.5)).all()


@needs_keras
@pytest.mark.parametrize("spread", [1.0, 200.0])
def test_the_head_alone_equals_keras_also_where_forecasts_saturate(keras, spread):
    keras.utils.set_random_seed(7)
    rng = np.random.default_rng(7)
    features = (spread * np.maximum(rng.normal(0, 0.1, (330, 4096)), 0)).astype(np.float32)
    labels = (features[:, :40].sum(axis=1) + spread * rng.normal(0, 0.1, 330) > 1.6 * spread).astype(int)
    recipe = Recipe(epochs=2, shuffle=False, class_weight=(1.0, 4.0), clip=1e-7)
    inputs = keras.Input((4096,))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(inputs))
    kernel, bias = (np.asarray(value) for value in model.layers[-1].get_weights())
    parts = slice(0, 230), slice(230, None)  # 230 = 3 * 64 + 38
    pairs = [(features[part], labels[part]) for part in parts]
    history = keras_history(keras, model, *pairs, recipe)
    head, trained, validated = our_history(Head(kernel, bias), *pairs, recipe)
    assert_same_histories(history, trained, validated)
    assert np.abs(head.probability(features) - model.predict(features, verbose=0)[:, 1]).max() < 1e-4
    if spread > 1:
        assert (np.abs(head.log_odds(features)) > 16.2).any()  # beyond 1e-7: the clip was at work


@pytest.fixture(scope="module")
def forecast_by_keras(keras, keras_model, loaded):
    """Grey pixels `(4, 224, 224)` and the probabilities that the saved model gives for them, `(4,)`."""
    pixels = grey_pixels(4, 8)
    model = as_saved(loaded, keras_model)
    return pixels, model.predict(as_keras_input(keras, pixels), verbose=0)[:, 1]


@needs_keras
@pytest.mark.parametrize("form", ["h5", "keras"])
def test_a_model_saved_by_keras_is_evaluated_to_the_same_table(keras_model, forecast_by_keras, tmp_path, form):
    (pixels, theirs), labels = forecast_by_keras, [0, 1, 0, 1]
    names = [f"{1121 + i}/{1121 + i}_hmi.M_720s.20101110_053600_TAI.1.magnetogram_224.png" for i in range(4)]
    for name, one in zip(names, pixels, strict=True):
        (tmp_path / name).parent.mkdir()
        Image.fromarray(one).save(tmp_path / name)
    pd.DataFrame({"filename": names, "class": labels}).to_csv(tmp_path / "test.csv", index=False)

    found = evaluate(
        getattr(keras_model, form),
        table=tmp_path / "test.csv",
        images=tmp_path,
        out=tmp_path / "out",
        compute=Compute("torch", "fp32", workers=2),
        reporter=Reporter(),
    )
    assert np.abs(found.forecasts["probability"].to_numpy() - theirs).max() < 1e-4
    yes, event = theirs >= 0.5, np.array(labels) == 1
    assert found.table.counts() == {
        "tp": int((yes & event).sum()),
        "tn": int((~yes & ~event).sum()),
        "fp": int((yes & ~event).sum()),
        "fn": int((~yes & event).sum()),
    }
    assert found.loss == pytest.approx(-np.log(np.where(event, theirs, 1 - theirs)).mean(), abs=1e-4)


def test_sigmoid_is_the_softmax_of_two():
    z = np.linspace(-800, 800, 101)
    assert np.all(np.diff(sigmoid(z)) >= 0)
    assert sigmoid(np.array([0.0, np.log(3)])).tolist() == pytest.approx([0.5, 0.75])
