"""Does our reader of HDF5 see what h5py sees, and does it end in one line on every file that is damaged?"""

import random

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.backbones.keras.hdf5 import Array, Group, opened
from flarescope.errors import InputError

NAMES = st.text(st.characters(exclude_characters="/\0.", exclude_categories=["Cs"]), min_size=1, max_size=9)
ARRAYS = st.tuples(
    st.sampled_from(["f2", "f4", "f8", "S3"]), st.lists(st.integers(1, 5), max_size=3), st.integers(0, 2**16)
)
TREES = st.recursive(ARRAYS, lambda inner: st.dictionaries(NAMES, inner, max_size=5), max_leaves=20)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=300)
VALUES = TEXTS | st.lists(TEXTS, min_size=1, max_size=9)


def made(kind, shape, seed):
    numbers = np.random.default_rng(seed).normal(size=shape)
    return numbers.astype("f8").astype(kind) if kind != "S3" else np.full(shape, b"abc", "S3")


def write(group, tree):
    for name, inner in tree.items():
        if isinstance(inner, dict):
            write(group.create_group(name), inner)
        else:
            group[name] = made(*inner)


def assert_same(ours, theirs):
    assert list(ours) == sorted(theirs)
    for name in ours:
        found, expected = ours.open(name), theirs[name]
        assert found.name == expected.name
        if isinstance(found, Group):
            assert_same(found, expected)
        else:
            assert isinstance(found, Array)
            assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
            np.testing.assert_array_equal(found.read(), expected[()])
            assert found.read().flags.writeable  # PyTorch warns of others


@given(tree=st.dictionaries(NAMES, TREES, max_size=8), texts=st.dictionaries(NAMES, VALUES, max_size=8))
def test_groups_arrays_and_texts_are_those_of_h5py(tmp_path_factory, tree, texts):
    path = tmp_path_factory.mktemp("tree") / "a.h5"
    with h5py.File(path, "w") as file:
        write(file, tree)
        for name, value in texts.items():
            file.attrs[name] = value
    with h5py.File(path) as theirs, opened(path) as ours:
        assert_same(ours, theirs)
        for name, value in texts.items():
            assert ours.text(name) == value
        assert ours.text("none of them") is None


def test_many_members_long_texts_and_bytes(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["long"] = "x" * 200_000
        file.attrs["bytes"] = np.array([b"kernel:0", b"b"])
        for number in range(3000):
            file[f"g/{number:04d}"] = np.float32(number)
        file.create_dataset("hollow", (1 << 40,), "f4")
    with opened(path) as ours:
        assert ours.text("long") == "x" * 200_000
        assert ours.text("bytes") == ["kernel:0", "b"]
        group = ours.open("g")
        assert len(group) == 3000
        assert group.open("2999").read() == 2999
        assert ours.open("hollow").shape == (1 << 40,)


@pytest.mark.parametrize(
    ("options", "expected"),
    [({"libver": "latest"}, "a head of a newer form"), ({"userblock_size": 512}, "not HDF5")],
)
def test_forms_that_keras_does_not_write_are_refused(tmp_path, options, expected):
    with h5py.File(tmp_path / "a.h5", "w", **options) as file:
        file["x"] = np.arange(3.0)
    with pytest.raises(InputError, match=expected), opened(tmp_path / "a.h5"):
        pass


def look_at_everything(group):
    group.text("a")
    for name in group:
        member = group.open(name)
        if isinstance(member, Group):
            look_at_everything(member)
        elif member.shape is not None and member.dtype is not None and np.prod(member.shape, dtype=float) < 1e6:
            member.read()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["a"] = ["x" * 50, "y"]
        for number in range(20):
            file[f"g/{number}/k"] = np.full(3, number, "f4")
            file[f"g/{number}"].attrs["a"] = np.array([b"k", b"bias"])
    return path.read_bytes()


def damaged(whole, seed):
    """Change one byte or five, and cut every other file short."""
    rng = random.Random(seed)
    changed = bytearray(whole)
    for _ in range(rng.choice([1, 1, 5])):
        changed[rng.randrange(len(changed))] = rng.choice([0, 1, 0x80, 0xFF])
    return changed[: rng.choice([len(changed), rng.randrange(len(changed))])]


def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path, whole):
    path, read, messages = tmp_path / "a.h5", [], []
    for seed in range(300):
        path.write_bytes(damaged(whole, seed))
        try:
            with opened(path) as file:
                look_at_everything(file)
            read.append(seed)
        except InputError as error:
            messages.append(str(error))
    assert all("\n" not in text and str(path) in text and len(text) < 300 for text in messages)
    assert len(read) > 50
    assert len(messages) > 150


def test_a_group_that_holds_itself_and_a_tree_that_leads_back_end(tmp_path, whole):
    path = tmp_path / "a.h5"
    place = whole.index(b"TREE")
    path.write_bytes(whole[: place + 5] + b"\xff" + whole[place + 6 :])  # a level above every other
    with pytest.raises(InputError, match="damaged"), opened(path) as file:
        look_at_everything(file)
    leaf = whole.index(b"TREE")
    ring = bytearray(whole)
    ring[leaf + 5] = 1
    ring[leaf + 32 : leaf + 40] = leaf.to_bytes(8, "little")  # its child is itself
    path.write_bytes(ring)
    with pytest.raises(InputError, match="a B-tree that is none"), opened(path) as file:
        look_at_everything(file)
    with h5py.File(path, "w") as file:
        file["g/self"] = file["g"] if "g" in file else file.create_group("g")
    with pytest.raises(InputError), opened(path) as file:
        look_at_everything(file)
