"""Which readers of models, weights and features are given hostile files, and with which do they begin?"""

import io
import json
import os
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import h5py
import numpy as np

from flarescope.backbones import registry, weight_arrays, weights
from flarescope.backbones.keras.layout import to_keras_layout
from flarescope.backbones.keras.reading import read_backbone, read_model
from flarescope.backbones.keras.writing import model_config, write_full_model
from flarescope.engines import tuning
from flarescope.engines.base import EngineChoice
from flarescope.features.shards import write_shard
from flarescope.features.store import VERSION, FeatureStore, begun_with
from flarescope.features.store_key import StoreKey
from flarescope.files import read_json, write_json
from flarescope.forecaster.classifier import Classifier, load_classifier
from flarescope.forecaster.description import Description
from flarescope.forecaster.event_models import EventModels, is_of_events, load_event_models, read_event_descriptions
from flarescope.forecaster.folder_form import read_folder, read_folder_descriptions, write_folder
from flarescope.heads.boosting import fit_boosted
from flarescope.heads.head import Head, Recipe
from flarescope.heads.mlp import first_state
from flarescope.images.reading import Fingerprint, digest_of
from flarescope.magnetic.baseline import MagneticModel
from flarescope.magnetic.features import FEATURE_NAMES
from flarescope.several_events import event_of_code

from . import tiny_network
from .harness import Target


def keras_files(folder: Path) -> list[bytes]:
    """Give a complete model in the form of Keras 2, and weights as Keras 2 and Keras 3 keep them."""
    tiny_network.shrink()
    path = folder / "made.h5"
    write_full_model(path, tiny_network.arrays(), *tiny_network.head(), extra_attributes={"note": "x"})
    found = [path.read_bytes()]
    for write in (_keras_2_weights, _keras_3_weights):
        with h5py.File(path, "w") as file:
            write(file)
        found.append(path.read_bytes())
    return found


def _keras_2_weights(file: h5py.File) -> None:
    for name, kernel, bias in _layers():
        group = file.create_group(name)
        group.attrs["weight_names"] = np.array([f"{name}/kernel:0".encode(), f"{name}/bias:0".encode()])
        group[f"{name}/kernel:0"], group[f"{name}/bias:0"] = kernel, bias


def _keras_3_weights(file: h5py.File) -> None:
    numbers = {"conv2d": 0, "dense": 0}
    for name, kernel, bias in _layers():
        kind = "conv2d" if name.startswith("block") else "dense"
        group = file.create_group(f"layers/{kind}_{numbers[kind]}".removesuffix("_0") + "/vars")
        group["0"], group["1"] = kernel, bias
        group.attrs["name"] = name
        numbers[kind] += 1


def _layers():
    arrays = tiny_network.arrays()
    for name in [key.removesuffix(".bias") for key in arrays if key.endswith(".bias")]:
        yield name, to_keras_layout(f"{name}.weight", arrays[f"{name}.weight"]), arrays[f"{name}.bias"]
    yield "predictions", *tiny_network.head()


def keras_zips(folder: Path) -> list[bytes]:
    """Give `.keras` files, packed and not, by LZMA too."""
    tiny_network.shrink()
    path = folder / "made.h5"
    with h5py.File(path, "w") as file:
        _keras_3_weights(file)
    config, found = model_config(), []
    config["config"]["layers"][-1]["config"]["name"] = config["config"]["layers"][-1]["name"] = "predictions"
    config["config"]["output_layers"] = [["predictions", 0, 0]]
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", method) as archive:
            archive.writestr("metadata.json", "{}")
            archive.writestr("config.json", json.dumps(config))
            archive.writestr("model.weights.h5", path.read_bytes())
        found.append(stream.getvalue())
    return found


def read_keras(path: Path) -> None:
    """Read a Keras file as weights, then as a model."""
    read_backbone(path)
    read_model(path)


def model_files(folder: Path) -> list[bytes]:
    """Give model files of ours, small and complete."""
    tiny_network.shrink()
    found, own = weights.of_arrays(tiny_network.arrays()), weights.random_weights(0)
    head = Head(*tiny_network.head())
    choice = {"rule": "tss", "threshold": 0.4}
    files = []
    for one, name, full in ((own, "random:0", False), (found, "x", True)):
        described = Description(
            name,
            one.family,
            one.digest,
            "reference-png",
            0.4,
            choice,
            {"method": "platt", "slope": 1.1, "intercept": -0.2},
            [11158, 11161],
        )
        path = folder / "made.hdf5"
        Classifier(head, described, one).save(path, full=full)
        files.append(path.read_bytes())
    return files


def use_model(path: Path) -> None:
    """Load a model and ask its head something."""
    found = load_classifier(path)
    found.head.probability(np.ones((2, tiny_network.WIDTH), np.float32))


def event_files(folder: Path) -> list[bytes]:
    """Give model files of several events: linear heads, and an MLP and boosted trees beside one."""
    tiny_network.shrink()
    own, made = weights.random_weights(0), np.random.default_rng(0)
    rows, labels = made.normal(size=(60, tiny_network.WIDTH)).astype(np.float32), np.arange(60) % 2
    calibration = {"method": "platt", "slope": 1.1, "intercept": -0.2}
    told = ("random:0", own.family, own.digest, "reference-png", 0.4, None)
    linear = Head(*tiny_network.head())
    mlp = first_state(rows, Recipe(head="mlp", hidden=2)).head
    trees = fit_boosted(rows, labels, Recipe(head="boosting", class_weight=(1.0, 1.0)))
    found = []
    for heads in ((linear, linear, linear), (mlp, trees, linear)):
        parts = []
        for head, code in zip(heads, ("C1.0/24", "M1.0/24", "C1.0/48+6"), strict=True):
            described = Description(*told, calibration, [11158])
            parts.append(Classifier(head, replace(described, event=event_of_code(code)), own))
        EventModels(tuple(parts)).save(folder / "made.hdf5")
        found.append((folder / "made.hdf5").read_bytes())
    return found


def use_events(path: Path) -> None:
    """Load models of several events, and look at what they say and forecast: in order, and no number that is none."""
    own = weights.random_weights(0)
    narrow = replace(own, backbone=replace(own.backbone, features=tiny_network.WIDTH))
    is_of_events(path)
    read_event_descriptions(path)
    models = load_event_models(path, backbone=narrow)
    found = models.probability(models.joined.head.probability(np.ones((2, tiny_network.WIDTH), np.float32)))
    for row, column in np.argwhere(models.implies):
        if not (found[:, row] <= found[:, column]).all():
            raise AssertionError("forecasts that are out of order")


def folder_files(folder: Path, part: str) -> list[bytes]:
    """Write a model in the form of a hub, and give a file of it."""
    tiny_network.shrink()
    own = weights.random_weights(0)
    described = Description("random:0", own.family, own.digest, "reference-png", 0.4, None, None, [11158, 11161])
    write_folder(folder / "made", [Classifier(Head(*tiny_network.head()), described, own)], "---\nlicense: x\n---\n")
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_bytes((folder / "made" / name).read_bytes())
    return [(folder / part).read_bytes()]


def use_folder(path: Path) -> None:
    """Load a model out of a folder and ask its head something."""
    own = weights.random_weights(0)
    narrow = replace(own, backbone=replace(own.backbone, features=tiny_network.WIDTH))
    read_folder_descriptions(path.parent)
    for found in read_folder(path.parent, backbone=narrow):
        found.head.probability(np.ones((2, tiny_network.WIDTH), np.float32))


def magnetic_models(folder: Path) -> list[bytes]:
    """Give a baseline's model."""
    some = np.linspace(0.5, 1, len(FEATURE_NAMES))
    return [json.dumps(MagneticModel("svm", some, some, some, 0.5, 1.0).to_json(), indent=2).encode()]


def use_magnetic(path: Path) -> None:
    """Read a baseline's model and forecast."""
    model = MagneticModel.from_json(read_json(path), str(path))
    if not np.isfinite(model.probability(np.ones((2, len(FEATURE_NAMES))))).all():
        raise AssertionError("a forecast that is no number")


def cached_weights(folder: Path) -> list[bytes]:
    """Give cached weights."""
    from safetensors.numpy import save

    tiny_network.shrink()
    os.environ["FLARESCOPE_CACHE"] = str(folder)
    made = tiny_network.arrays()
    made["block1_conv1.weight"][0, 0] = weight_arrays.FIRST_FILTER
    made["block1_conv1.bias"][:] = weight_arrays.FIRST_BIASES[:2]
    digest, source = weight_arrays.digest_of(made), str(weights.IMAGENET.digest)
    return [save(made, {"family": "imagenet", "digest": digest, "source": "x", "source_digest": source})]


def use_cached_weights(path: Path) -> None:
    """Find the cached weights, load them and look at them."""
    found = registry.find("imagenet")
    weight_arrays.digest_of(found.load())
    weights.of_arrays(tiny_network.arrays())


def settings(folder: Path) -> list[bytes]:
    """Give what is remembered of the engine's speed."""
    os.environ["FLARESCOPE_CACHE"] = str(folder)
    tuning.remember(_choice(), [tuning.Measured(8, 2, 10.0), tuning.Measured(16, 1, 20.0)])
    return [tuning.settings_file().read_bytes()]


def _choice() -> EngineChoice:
    return EngineChoice("winograd", "cpu", "fp32", batch=8, streams=0)


def use_settings(path: Path) -> None:
    """Ask for what is remembered, and remember more; a damaged note costs a measurement, no run."""
    found = tuning.remembered(_choice())
    if found is not None and not (0 < found.batch <= 4096 and 0 <= found.streams <= 4096):
        raise AssertionError(f"a batch of {found.batch} in {found.streams} streams")
    tuning.remember(_choice(), [tuning.Measured(8, 2, 10.0)])


KEY = StoreKey("fake", "sha256:" + "fa4e" * 16, "reference-png", "fake-cpu", 4)
HALF = StoreKey("fake", "sha256:" + "fa4e" * 16, "reference-png", "fake-cpu", 4, 0, "float16")


def store(folder: Path, part: str) -> list[bytes]:
    """Make stores of two shards, of each type of number, and give a part of one of them."""
    tiny_network.shrink()
    found = []
    for key in (KEY, HALF):
        made = folder / key.folder
        if not made.exists():
            (folder / "images").mkdir(exist_ok=True)
            made.mkdir()
            write_json(made / "store.json", {"version": VERSION, **asdict(key), "features": tiny_network.WIDTH})
            for shard in range(2):
                names = [f"{shard}{number}.png" for number in range(4)]
                for name in names:
                    (folder / "images" / name).write_bytes(name.encode())
                prints = [_fingerprint(folder / "images" / name) for name in names]
                numbers = np.arange(4 * tiny_network.WIDTH, dtype=key.dtype).reshape(4, -1)
                write_shard(made, names, prints, numbers, None if key is KEY else np.zeros(4, np.int8))
        found.append((made / part).read_bytes())
    return found if part.endswith("rows.parquet") else found[:1]


def _fingerprint(path: Path) -> Fingerprint:
    stat = path.stat()
    return Fingerprint(stat.st_size, stat.st_mtime_ns, stat.st_ino, digest_of(path.read_bytes()))


def use_store(path: Path) -> None:
    """Open a store, find images in it, and read their features."""
    root = next(parent for parent in path.parents if (parent / "images").is_dir())
    names = ["00.png", "03.png", "12.png"]
    begun_with(root, KEY)
    opened = FeatureStore(root, KEY)
    if not opened.outdated(names, root / "images").any():
        rows = opened.rows(names)
        np.asarray(rows[np.arange(3)])
        opened.content_digest(names)


def _store_target(part: str) -> Target:
    return Target(f"{KEY.folder}/{part}", lambda folder: store(folder, part), use_store)


TARGETS = {
    "keras-h5": Target("a.h5", keras_files, read_keras),
    "keras-zip": Target("a.keras", keras_zips, read_keras),
    "model": Target("a.hdf5", model_files, use_model),
    "model-of-events": Target("a.hdf5", event_files, use_events),
    "folder-config": Target("config.json", lambda folder: folder_files(folder, "config.json"), use_folder),
    "folder-arrays": Target("model.safetensors", lambda folder: folder_files(folder, "model.safetensors"), use_folder),
    "magnetic-model": Target("model.json", magnetic_models, use_magnetic),
    "safetensors": Target("vgg16-imagenet.safetensors", cached_weights, use_cached_weights),
    "tuning": Target("engines.json", settings, use_settings),
    "store-json": _store_target("store.json"),
    "shard-rows": _store_target("shard-000001/rows.parquet"),
    "shard-features": _store_target("shard-000001/features.npy"),
}
