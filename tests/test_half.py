"""What does it cost to keep features as float16, and is none of any size kept wrongly?"""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import FakeEngine, fake_key, use_fake_network, write_pngs, write_set
from flarescope.cli import main
from flarescope.errors import FlarescopeError, InputError
from flarescope.features.half import decode, encode
from flarescope.features.store import FeatureStore
from flarescope.heads.head import Recipe, glorot_head
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.training import train


def there_and_back(features):
    halves = np.empty(features.shape, np.float16)
    exponents = encode(features, halves)
    return decode(halves, exponents), halves, exponents


def test_every_float16_that_is_not_negative_is_decoded_as_numpy_does():
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16)  # 0 and all up to the largest, 65504
    for exponent in (-100, -3, 0, 15):
        found = decode(halves[np.newaxis], np.array([exponent], np.int8))
        assert np.array_equal(found[0], np.ldexp(halves.astype(np.float32), exponent))


@given(peak=st.integers(-60, 29), seed=st.integers(0, 99), spread=st.integers(0, 27), zeros=st.floats(0, 1))
def test_the_error_is_at_most_2_to_the_minus_11(peak, seed, spread, zeros):
    generator = np.random.default_rng(seed)
    features = np.ldexp(generator.random((5, 40), np.float32) + 1, peak - generator.integers(0, spread + 1, (5, 40)))
    features[generator.random((5, 40)) < zeros] = 0
    features = features.astype(np.float32)
    back, halves, _ = there_and_back(features)
    assert (np.abs(back - features) <= 2.0**-11 * features).all()
    assert np.array_equal(back == 0, features == 0)
    again = there_and_back(back)
    assert np.array_equal(again[0], back)
    assert halves.max() <= 2**15


def test_what_is_far_below_the_largest_of_its_row_is_rounded_by_less_than_2_to_the_minus_39_of_it():
    features = np.array([[1.0, *(2.0**-power * 1.2345 for power in range(29, 60))]], np.float32)
    back, _, _ = there_and_back(features)
    assert np.abs(back - features).max() < 2.0**-39
    assert back[0, 0] == 1


def test_a_row_does_not_depend_on_those_beside_it():
    features = np.random.default_rng(0).random((20, 64), np.float32) * np.float32(10) ** np.arange(-10, 10)[:, None]
    features = features.astype(np.float32)
    whole = there_and_back(features)[0]
    singly = np.concatenate([there_and_back(features[row : row + 1])[0] for row in range(20)])
    assert whole.tobytes() == singly.tobytes()


def test_features_beyond_float16_are_kept_and_absurd_ones_refused():
    features = np.array([[70_000.0, 1.0, 0.0], [2.0**29, -0.0, 3.0]], np.float32)
    back, _, exponents = there_and_back(features)
    assert np.abs(back - features).max() <= 2.0**-11 * 70_000
    assert exponents.tolist() == [17 - 15, 30 - 15]
    for absurd in (2.0**30, -1.0):
        with pytest.raises(FlarescopeError, match=r"cannot be kept as float16 .*use --store float32"):
            there_and_back(np.array([[1.0, absurd]], np.float32))


# ---- the store ----


def build(root, names, images, dtype, edit=lambda features: None, shard_rows=10):
    store = FeatureStore(root, fake_key(dtype=dtype))
    store.build(names, images, lambda: FakeEngine(edit=edit), shard_rows=shard_rows)
    return store, store.rows(names)[np.arange(len(names))]


def enlarge(features):
    features *= np.float32(300_000)


def test_a_float16_store_takes_half_the_room_and_its_features_are_those_of_the_float32_store_rounded(tmp_path):
    names = write_pngs(tmp_path / "images", 23)
    full, wide = build(tmp_path, names, tmp_path / "images", "float32", enlarge)
    half, narrow = build(tmp_path, names, tmp_path / "images", "float16", enlarge)
    assert half.folder.name == full.folder.name + "_float16"
    assert json.loads((half.folder / "store.json").read_text())["dtype"] == "float16"
    sizes = [(folder / "shard-000000/features.npy").stat().st_size for folder in (full.folder, half.folder)]
    assert sizes == [128 + 10 * 4096 * 4, 128 + 10 * 4096 * 2]
    assert wide.max() > 65504
    assert narrow.dtype == np.float32
    assert (np.abs(narrow - wide) <= 2.0**-11 * wide).all()
    assert (narrow != wide).any()
    relative = np.linalg.norm(narrow - wide) / np.linalg.norm(wide)
    assert 1e-4 < relative < 2.0**-11
    other = build(tmp_path / "other", names, tmp_path / "images", "float16", enlarge, shard_rows=7)[1]
    assert np.array_equal(other, narrow)


def test_the_two_kinds_never_mix(tmp_path):
    names = write_pngs(tmp_path / "images", 3)
    half, _ = build(tmp_path, names, tmp_path / "images", "float16")
    (half.folder / "store.json").write_text((half.folder / "store.json").read_text().replace("float16", "float32"))
    with pytest.raises(InputError, match="features of another kind"):
        FeatureStore(tmp_path, half.key)
    half.folder.rename(tmp_path / fake_key().folder)
    with pytest.raises(InputError, match=r"features\.npy is \(3, 4096\) float16; expected \(3, 4096\) float32"):
        FeatureStore(tmp_path, fake_key()).rows(names)
    with pytest.raises(InputError, match="--store double: expected float32 or float16"):
        fake_key(dtype="double")


def test_forecasts_change_by_less_than_the_features(tmp_path):
    """A first head on 4,096 features: the errors of the features are independent and average out."""
    features = np.maximum(np.random.default_rng(0).standard_normal((500, 4096)), 0).astype(np.float32)
    head = glorot_head(4096, 0)
    change = np.abs(head.probability(there_and_back(features)[0]) - head.probability(features))
    assert 0 < change.max() < 2.0**-11


def test_a_run_on_float16_says_so_and_validates_alike(tmp_path, monkeypatch):
    use_fake_network(monkeypatch)
    data = write_set(tmp_path, regions={"train": [1121, 1122], "validation": [1131]})
    losses = {}
    for store in ("float32", "float16"):
        compute = Compute(engine="torch", precision="fp32", workers=0, store=store)
        run = train(**data, out=tmp_path / store, backbone="fake", recipe=Recipe(epochs=3, batch=8), compute=compute)
        assert run.read()["store"]["dtype"] == store
        losses[store] = [row["validation"]["loss"] for row in run.history()]
    assert losses["float16"] == pytest.approx(losses["float32"], rel=1e-2)
    assert losses["float16"] != losses["float32"]


def test_a_run_is_evaluated_with_features_kept_as_it_keeps_them(tmp_path, monkeypatch, capsys):
    paths = write_set(tmp_path, regions={"train": [1121, 1122], "validation": [1123], "test": [1124]})
    engine = use_fake_network(monkeypatch)
    tables = ["--train", str(paths["train"]), "--validation", str(paths["validation"])]
    run, images = str(tmp_path / "runs" / "half"), ["--images", str(paths["images"])]
    assert main(["train", *tables, *images, "--out", run, "--backbone", "fake", "--store", "float16"]) == 0
    assert engine.images == 24
    again = ["evaluate", run, "--table", str(paths["validation"]), *images, "--split", "validation", "--allow-overlap"]
    assert main(again) == 0
    assert engine.images == 24  # those of the run were found
    assert main([*again, "--store", "float32"]) == 0
    assert engine.images == 32
