"""Are the cached weights verified, once, and refused where they are not what they say?"""

import json
import os
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from fakes import write_stand_in
from flarescope.backbones import registry, weight_cache, weights
from flarescope.backbones import vgg16 as vgg
from flarescope.backbones.weight_arrays import FIRST_BIASES, FIRST_FILTER, begin_as_imagenet, digest_of
from flarescope.backbones.weight_cache import note_beside, verified_digest
from flarescope.cli import main
from flarescope.errors import InputError


@pytest.fixture
def small(monkeypatch):
    """A network of VGG16's layers, two channels wide; gives arrays of random numbers."""
    shapes, channels = {}, 3
    for name in vgg.LAYER_SHAPES:
        shapes[name] = (2, channels, 3, 3) if name.startswith("block") else (8, 98 if name == "fc1" else 8)
        channels = 2
    monkeypatch.setattr("flarescope.backbones.weight_arrays.LAYER_SHAPES", shapes)
    monkeypatch.setattr("flarescope.backbones.weight_cache.LAYER_SHAPES", shapes)
    rng = np.random.default_rng(0)
    arrays = {f"{name}.weight": rng.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}
    return arrays | {f"{name}.bias": rng.standard_normal(shape[0], dtype=np.float32) for name, shape in shapes.items()}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(weight_cache, "_verified", {})
    return weights.cached_imagenet()


@pytest.fixture
def hashed(monkeypatch):
    """Count how often the digest of cached arrays is taken."""
    counted = []
    monkeypatch.setattr(weight_cache, "digest_of", lambda arrays: counted.append(1) or digest_of(arrays))
    return counted


def refusal():
    with pytest.raises(InputError) as caught:
        registry.find("imagenet")
    text = str(caught.value)
    assert "\n" not in text
    assert "flarescope weights fetch" in text
    return text


def test_the_digest_is_taken_once_for_a_file_as_it_is(small, cache, hashed):
    write_stand_in(cache, small)
    first = registry.find("imagenet")
    assert (first.family, first.digest) == ("imagenet", digest_of(load_file(cache)))
    registry.find("imagenet")
    weight_cache._verified.clear()  # as in another process
    assert registry.find("imagenet").digest == first.digest
    assert len(hashed) == 1
    os.utime(cache, ns=(1, 1))
    weight_cache._verified.clear()
    registry.find("imagenet")
    assert len(hashed) == 2


def test_a_flipped_bit_is_found_although_size_and_time_are_the_same(small, cache):
    write_stand_in(cache, small)
    registry.find("imagenet")
    before = cache.stat()
    content = bytearray(cache.read_bytes())
    content[-5] ^= 1
    cache.write_bytes(content)
    os.utime(cache, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "are not those that it was written with (digest differs)" in refusal()


def test_a_copied_note_is_not_believed(small, cache, tmp_path, hashed):
    write_stand_in(cache, small)
    registry.find("imagenet")
    elsewhere = tmp_path / "other" / cache.name
    elsewhere.parent.mkdir()
    shutil.copy2(cache, elsewhere)
    shutil.copy2(note_beside(cache), note_beside(elsewhere))
    assert verified_digest(elsewhere) == digest_of(load_file(cache))
    assert len(hashed) == 2


@pytest.mark.parametrize("note", ["", "[]", "no json", '{"digest": 3}', '{"digest": "sha256:0"}'])
def test_a_damaged_note_costs_the_time_again(small, cache, hashed, note):
    write_stand_in(cache, small)
    note_beside(cache).write_text(note)
    assert registry.find("imagenet").digest == digest_of(load_file(cache))
    assert len(hashed) == 1
    assert json.loads(note_beside(cache).read_text())["digest"] == digest_of(load_file(cache))


def test_a_cache_that_cannot_be_written_is_verified_each_time(small, cache, hashed, monkeypatch):
    write_stand_in(cache, small)

    def refuse(path, value):
        raise InputError(f"cannot write {path}")

    monkeypatch.setattr(weight_cache, "write_json", refuse)
    assert registry.find("imagenet").family == "imagenet"
    weight_cache._verified.clear()
    assert registry.find("imagenet").family == "imagenet"
    assert len(hashed) == 2


@pytest.mark.parametrize(
    "said", [{}, {"family": "random:0"}, {"source_digest": "md5:0"}], ids=["imagenet", "random", "another source"]
)
def test_imagenet_on_random_numbers_is_refused(small, cache, said):
    """Whatever the header says, and although its digest is that of the arrays."""
    header = {"family": "imagenet", "digest": digest_of(small), "source_digest": str(weights.IMAGENET.digest)} | said
    cache.parent.mkdir()
    save_file(small, cache, header)
    assert "these are not Keras' ImageNet weights" in refusal()
    assert weights.of_arrays(small).family == "keras"  # and nothing is called ImageNet's after it


@pytest.mark.parametrize("said", [{"family": "random:0"}, {"source_digest": "md5:0"}])
def test_a_header_that_does_not_say_imagenet_is_refused(small, cache, said):
    write_stand_in(cache, small, **said)
    assert "these are not Keras' ImageNet weights" in refusal()


def test_arrays_of_the_cache_are_recognised(small, cache):
    write_stand_in(cache, small)
    assert weights.of_arrays(load_file(cache)).family == "imagenet"


def test_the_known_numbers_tell_networks_apart():
    arrays = {"block1_conv1.weight": np.zeros((64, 3, 3, 3), np.float32), "block1_conv1.bias": np.zeros(64, np.float32)}
    assert not begin_as_imagenet(arrays)
    arrays["block1_conv1.weight"][0, 0] = FIRST_FILTER
    assert not begin_as_imagenet(arrays)
    arrays["block1_conv1.bias"][:8] = FIRST_BIASES
    assert begin_as_imagenet(arrays)
    arrays["block1_conv1.weight"][0, 0, 1, 1] += 1e-4
    assert not begin_as_imagenet(arrays)
    assert not begin_as_imagenet(weights.random_weights(0).load())


@pytest.mark.parametrize("kept", [0, 5, 8, 100, -3000, -1])
def test_a_cache_that_was_cut_short_is_one_line(small, cache, kept):
    write_stand_in(cache, small)
    cache.write_bytes(cache.read_bytes()[:kept])
    assert str(cache) in refusal()


def header_with(change):
    def edit(header):
        header["fc2.weight"] |= change
        return header

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        lambda header: [],
        lambda header: {**header, "__metadata__": "x"},
        lambda header: {**header, "__metadata__": {"digest": 3}},
        lambda header: {**header, "fc2.bias": None},
        lambda header: {name: entry for name, entry in header.items() if name != "fc1.bias"},
        header_with({"dtype": "F64"}),
        header_with({"shape": [4, 16]}),
        header_with({"shape": "8"}),
        header_with({"data_offsets": [0]}),
        header_with({"data_offsets": [-256, 0]}),
        header_with({"data_offsets": [10**15, 10**15 + 256]}),
        header_with({"data_offsets": "ab"}),
        header_with({"data_offsets": None}),
    ],
)
def test_an_odd_cache_is_one_line(small, cache, edit):
    write_stand_in(cache, small)
    content = cache.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps(edit(json.loads(content[8:end]))).encode()
    cache.write_bytes(len(header).to_bytes(8, "little") + header + content[end:])
    assert str(cache) in refusal()


def test_the_command_line_says_it_in_one_line(small, cache, capsys):
    write_stand_in(cache, small)
    cache.write_bytes(cache.read_bytes()[:-1])
    assert main(["weights", "show"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "delete it and run `flarescope weights fetch`" in error


def test_a_damaged_cache_is_fetched_anew(small, cache, monkeypatch, tmp_path):
    write_stand_in(cache, small)
    good = load_file(cache)
    cache.write_bytes(b"damaged")
    monkeypatch.setattr(weights, "fetch", lambda source, path, progress: path.write_bytes(b"as it came"))
    monkeypatch.setattr(weights, "import_imagenet", lambda path: weights._store(good, cache))
    assert weights.fetch_imagenet().digest == digest_of(good)
    assert sorted(path.name for path in cache.parent.iterdir()) == [cache.name, note_beside(cache).name]


@pytest.mark.parametrize("left", [["file"], ["file", "parts"], ["parts"], ["lock"]])
def test_a_fetch_that_was_killed_after_the_import_leaves_no_download(small, cache, left):
    write_stand_in(cache, small)
    download = cache.with_name(weights.IMAGENET.name)
    if "file" in left:
        download.write_bytes(b"553 MB")
    if "parts" in left:
        (cache.parent / f"{download.name}.part").mkdir()
        (cache.parent / f"{download.name}.part/data").write_bytes(b"half")
    if "lock" in left:
        (cache.parent / f"{download.name}.part.lock").touch()
    weights.fetch_imagenet()
    assert sorted(path.name for path in cache.parent.iterdir()) == [cache.name, note_beside(cache).name]


def test_others_may_read_the_cache_where_they_may_read_other_files(tmp_path):
    (tmp_path / "other").touch()
    weight_cache.store_arrays(tmp_path / "a.safetensors", {"a": np.ones(3, np.float32)}, {"family": "made"})
    assert (tmp_path / "a.safetensors").stat().st_mode == (tmp_path / "other").stat().st_mode
