"""Does each image go through the network once, and is a stale, mixed or half-written feature never used?

The network here is fake (see `fakes`): the store does not know the difference.
"""

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import FakeEngine, child_environment, fake_features, fake_key, write_png, write_pngs
from flarescope.errors import FlarescopeError, InputError
from flarescope.features import filling as filling_module
from flarescope.features.batching import stack
from flarescope.features.shards import write_shard
from flarescope.features.store import FeatureStore
from flarescope.images import root as root_module
from flarescope.images.reading import Fingerprint, read_image
from flarescope.images.render import Rendering
from forking import Forker
from waiting import LIMIT_S

PNG = Rendering("reference-png")
LINUX = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")


@pytest.fixture
def images(tmp_path):
    return tmp_path / "images"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "features"


def build(root, names, images, *, engine=None, key=None, shard_rows=10, workers=0, progress=None):
    """Build a store; give it, and how many images its fake network saw."""
    engine = engine or FakeEngine()
    store = FeatureStore(root, key or fake_key())
    computed = store.build(names, images, lambda: engine, workers=workers, shard_rows=shard_rows, progress=progress)
    assert computed == engine.images
    return store, computed


def expected(images, names):
    """What the fake network gives for the files as they are now, one at a time."""
    return np.concatenate([fake_features(stack([read_image(images / name, PNG)])) for name in names])


def stored(store, names):
    return store.rows(names)[np.arange(len(names))]


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def content(store_folder):
    """Everything that a store says: the bytes of its features, and the names, digests and sizes of its rows."""
    shards = sorted(store_folder.glob("shard-*"))
    rows = [pq.read_table(shard / "rows.parquet").to_pydict() for shard in shards]
    return {
        shard.name: ((shard / "features.npy").read_bytes(), row["filename"], row["digest"], row["size"])
        for shard, row in zip(shards, rows, strict=True)
    }


def set_mtime(path, seconds):
    os.utime(path, ns=(seconds * 10**9, seconds * 10**9))


# ---- once, and never stale ----


@pytest.mark.parametrize("workers", [0, 3])
def test_features_come_back_in_the_order_asked_for(root, images, workers):
    names = write_pngs(images, 23)
    store, computed = build(root, names, images, workers=workers)
    assert computed == 23
    assert len(store) == 23
    mixed = names[::-2] + names[:3]
    rows = store.rows(mixed)
    assert len(rows) == len(mixed)
    assert np.array_equal(rows[np.arange(len(mixed))], expected(images, mixed))
    assert np.array_equal(rows[np.array([5, 0, 5])], expected(images, [mixed[5], mixed[0], mixed[5]]))
    assert rows[np.array([0])].dtype == np.float32


def test_shards_hold_so_many_rows_and_the_rest(root, images):
    names = write_pngs(images, 23)
    engine = FakeEngine()
    store, _ = build(root, names, images, engine=engine)
    assert names_in(store.folder) == ["shard-000000", "shard-000001", "shard-000002", "store.json"]
    maps = [np.load(store.folder / f"shard-{n:06d}" / "features.npy") for n in range(3)]
    assert [one.shape for one in maps] == [(10, 4096), (10, 4096), (3, 4096)]
    assert engine.batches == [4, 4, 2, 4, 4, 2, 3]  # batches of 4, and none crosses a shard


def test_the_second_build_starts_no_network(root, images):
    names = write_pngs(images, 12)
    build(root, names, images)
    before = content(root / fake_key().folder)

    def never():
        pytest.fail("the network was started though nothing was to be computed")

    again = FeatureStore(root, fake_key())
    assert again.build(names, images, never) == 0
    assert again.build(names[3:7], images, never) == 0
    assert content(again.folder) == before
    assert np.array_equal(stored(again, names), expected(images, names))


def test_a_first_try_with_fewer_images_is_not_lost(root, images):
    names = write_pngs(images, 30)
    assert build(root, names[:7], images)[1] == 7
    store, computed = build(root, names, images)
    assert computed == 30 - 7
    assert np.array_equal(stored(store, names), expected(images, names))


def test_tables_of_the_same_images_share_the_store(root, images):
    names = write_pngs(images, 20)
    build(root, names[:12], images)
    assert build(root, names[8:], images)[1] == 8


def test_progress_runs_from_none_to_all(root, images):
    names = write_pngs(images, 11)
    heard = []
    build(root, names, images, shard_rows=8, progress=lambda done, total: heard.append((done, total)))
    assert heard == [(0, 11), (4, 11), (8, 11), (11, 11)]


def test_an_image_with_other_bytes_is_computed_again_and_the_new_row_is_found(root, images):
    names = write_pngs(images, 12)
    old, _ = build(root, names, images)
    before = stored(old, names)
    write_png(images / names[4], seed=4444)
    store, computed = build(root, names, images)
    assert computed == 1
    after = stored(store, names)
    assert np.array_equal(after, expected(images, names))
    assert not np.array_equal(after[4], before[4])
    assert np.array_equal(np.delete(after, 4, axis=0), np.delete(before, 4, axis=0))
    assert len(store) == 13  # the old row stays where it is and is no longer found
    assert build(root, names, images)[1] == 0


def test_other_bytes_of_the_same_size_are_noticed(root, images):
    names = write_pngs(images, 3)
    build(root, names, images)
    path = images / names[1]
    size = path.stat().st_size
    for seed in range(1000, 2000):
        if write_png(path, seed).stat().st_size == size:
            break
    assert path.stat().st_size == size
    set_mtime(path, 2_000_000_000)
    store, computed = build(root, names, images)
    assert computed == 1
    assert np.array_equal(stored(store, names), expected(images, names))


def test_a_touched_image_is_read_once_more_and_not_computed(root, images, monkeypatch):
    names = write_pngs(images, 25)
    build(root, names, images)
    for name in (names[2], names[3], names[17]):
        set_mtime(images / name, 1_900_000_000)
    read = []
    monkeypatch.setattr(root_module, "read_bytes", lambda path: read.append(path.name) or path.read_bytes())
    store, computed = build(root, names, images)
    assert computed == 0
    assert sorted(read) == [names[2], names[3], names[17]]
    assert build(root, names, images)[1] == 0
    assert sorted(read) == [names[2], names[3], names[17]]  # the new time is remembered
    assert np.array_equal(stored(store, names), expected(images, names))
    assert names_in(store.folder / "shard-000000") == ["features.npy", "rows.parquet"]


def test_touched_and_changed_images_of_one_shard_are_told_apart(root, images):
    names = write_pngs(images, 10)
    build(root, names, images)
    set_mtime(images / names[0], 1_900_000_000)
    write_png(images / names[1], seed=77)
    set_mtime(images / names[1], 1_900_000_000)
    store, computed = build(root, names, images)
    assert computed == 1
    assert np.array_equal(stored(store, names), expected(images, names))


def test_vanished_images_are_counted_before_anything_is_computed(root, images):
    names = write_pngs(images, 12)
    build(root, names[:6], images)
    for name in (names[2], names[9], names[10]):
        (images / name).unlink()
    with pytest.raises(InputError) as caught:
        build(root, names, images)
    assert str(caught.value) == (
        f"{images / names[2]}: no such image (and 2 more of 12); check --images and the table's file names"
    )
    with pytest.raises(InputError, match=r"00009\.png: no such image; check"):
        build(root, [names[0], names[9]], images)


def test_rows_that_were_never_computed_are_refused(root, images):
    names = write_pngs(images, 4)
    store, _ = build(root, names[:3], images)
    with pytest.raises(FlarescopeError, match=r"no features of 00003\.png; compute them first"):
        store.rows(names)


def test_a_damaged_image_is_named_and_the_shards_before_it_stay(root, images):
    names = write_pngs(images, 30)
    whole = (images / names[28]).read_bytes()
    (images / names[28]).write_bytes(whole[: len(whole) // 2])
    for workers in (0, 2):
        with pytest.raises(InputError, match=r"00028\.png: damaged or cut short"):
            build(root, names, images, workers=workers)
    assert names_in(root / fake_key().folder) == ["shard-000000", "shard-000001", "store.json"]
    (images / names[28]).write_bytes(whole)
    store, computed = build(root, names, images)
    assert computed == 10
    assert np.array_equal(stored(store, names), expected(images, names))


def test_colour_images_among_grey_ones(root, images):
    names = write_pngs(images, 9)
    write_png(images / names[5], seed=5, rgb=True)
    store, _ = build(root, names, images)
    assert np.array_equal(stored(store, names), expected(images, names))


def test_a_batch_with_a_colour_image_repeats_the_grey_ones_in_three_channels(images):
    grey, colour = write_png(images / "g.png", 1), write_png(images / "c.png", 2, rgb=True)
    batch = stack([read_image(path, PNG) for path in (grey, colour)])
    assert batch.shape == (2, 3, 224, 224)
    assert np.array_equal(batch[0, 0], batch[0, 1])
    assert np.array_equal(batch[0, 0], batch[0, 2])
    assert not np.array_equal(batch[1, 0], batch[1, 1])
    assert stack([read_image(grey, PNG)]).shape == (1, 1, 224, 224)


def test_a_batch_is_of_bytes_unless_an_image_is_of_floats(images):
    first = read_image(write_png(images / "a.png", 1), PNG)
    second = read_image(write_png(images / "b.png", 2), PNG)
    finer = replace(second, rendered=replace(second.rendered, pixels=second.rendered.pixels + np.float32(0.25)))
    assert stack([first, second]).dtype == np.uint8
    batch = stack([first, finer])
    assert batch.dtype == np.float32
    assert np.array_equal(batch, np.stack([first.rendered.pixels, finer.rendered.pixels]))


# ---- never mixed ----


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "sha256:" + "0b5e" * 16},
        {"family": "imagenet"},
        {"rendering": "reference-fits"},
        {"engine": "openvino-cpu-bf16"},
    ],
)
def test_another_backbone_rendering_or_engine_has_another_folder(root, images, change):
    names = write_pngs(images, 3)
    first, _ = build(root, names, images)
    other = FeatureStore(root, fake_key(**change))
    assert other.folder != first.folder
    assert len(other) == 0
    assert len(names_in(root)) == 2


def test_the_nan_policy_of_fits_is_part_of_the_folder():
    keys = [fake_key(rendering=Rendering("reference-fits", nan).id).folder for nan in ("error", "zero")]
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    "change", [{"batch": 8}, {"digest": fake_key().digest[:-4] + "0000"}], ids=["batch", "end of the digest"]
)
def test_a_key_whose_folder_is_anothers_is_refused(root, images, change):
    names = write_pngs(images, 3)
    build(root, names, images)
    assert fake_key(**change).folder == fake_key().folder
    with pytest.raises(InputError, match=r"holds features of another kind \(store\.json\)"):
        FeatureStore(root, fake_key(**change))


@pytest.mark.parametrize("text", ['{"version": 2}', "[]", "", "no json", '"x"'])
def test_a_tampered_store_json_is_refused(root, images, text):
    names = write_pngs(images, 2)
    store, _ = build(root, names, images)
    (store.folder / "store.json").write_text(text)
    with pytest.raises(InputError, match=r"store\.json|another kind") as caught:
        FeatureStore(root, fake_key())
    assert "\n" not in str(caught.value)


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    "damage",
    [
        lambda shard: truncate(shard / "rows.parquet"),
        lambda shard: truncate(shard / "features.npy"),
        lambda shard: (shard / "rows.parquet").unlink(),
        lambda shard: (shard / "features.npy").unlink(),
        lambda shard: (shard / "features.npy").write_bytes(b""),
        lambda shard: (shard / "features.npy").write_bytes(b"\0" * 500),
        lambda shard: np.save(shard / "features.npy", np.array([{"a": 1}]), allow_pickle=True),
        lambda shard: np.save(shard / "features.npy", np.zeros((2, 4096), np.float32)),
        lambda shard: np.save(shard / "features.npy", np.zeros((10, 4096), np.float64)),
        lambda shard: np.save(shard / "features.npy", np.zeros((10, 7), np.float32)),
        lambda shard: pq.write_table(pa.table({"x": [1] * 10}), shard / "rows.parquet"),
    ],
    ids=[
        "rows cut",
        "features cut",
        "no rows",
        "no features",
        "empty features",
        "zeros",
        "a pickle",
        "too few",
        "double",
        "narrow",
        "other columns",
    ],
)
def test_a_damaged_shard_is_one_line_that_names_it(root, images, damage):
    names = write_pngs(images, 20)
    store, _ = build(root, names, images)
    damage(store.folder / "shard-000001")
    with pytest.raises(InputError, match=r"shard-000001: the shard is damaged .*; delete it and run again") as caught:
        stored(build(root, names, images)[0], names)
    assert "\n" not in str(caught.value)


def test_deleting_a_damaged_shard_as_told_computes_its_rows_again(root, images):
    names = write_pngs(images, 25)
    store, _ = build(root, names, images)
    shutil.rmtree(store.folder / "shard-000001")
    store, computed = build(root, names, images)
    assert computed == 10
    assert np.array_equal(stored(store, names), expected(images, names))


def test_features_that_are_not_finite_are_refused(root, images):
    names = write_pngs(images, 15)

    def spoil(features):
        if np.isclose(features, expected(images, names[12:13])).all(axis=1).any():
            features[0, 7] = np.nan

    with pytest.raises(FlarescopeError, match=r"features that are not finite, at or after 00010\.png"):
        build(root, names, images, engine=FakeEngine(edit=spoil))
    assert names_in(root / fake_key().folder) == ["shard-000000", "store.json"]


# ---- interrupted ----


def reading_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("flarescope-read")]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, FlarescopeError])
def test_an_end_in_the_midst_leaves_no_thread_and_no_lock(root, images, error):
    names = write_pngs(images, 40)

    def stop(done, total):
        if done >= 16:
            raise error("stop")

    # The traceback is held, as whoever prints it holds it: the threads must end without its help.
    with pytest.raises(error) as caught:
        build(root, names, images, workers=2, progress=stop)
    assert reading_threads() == []
    assert caught.value.__traceback__ is not None
    assert names_in(root / fake_key().folder) == ["shard-000000", "store.json"]
    store, computed = build(root, names, images, workers=2)
    assert computed == 30
    assert np.array_equal(stored(store, names), expected(images, names))


@pytest.fixture(scope="module")
def forker():
    made = Forker("fakes", "flarescope.features.store")
    yield made
    made.close()


CHILD = """
import os, sys
from pathlib import Path
from fakes import FakeEngine, die_at, fake_key, hold
from flarescope.features import filling as features
from flarescope.features import shards
from flarescope.features.store import FeatureStore
images, root, where = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
names = sorted(path.name for path in images.iterdir())
places = {
    "before fsync": (os, "fsync", False), "after fsync": (os, "fsync", True), "before rename": (Path, "replace", False),
    "after rename": (Path, "replace", True), "before rows": (shards, "write_arrow", False),
    "before features": (shards, "_write_npy", False), "after shard": (features, "write_shard", True),
}
def hold_behind_shards(features):
    if where == "held" and len(list(store.folder.glob("shard-*"))) >= number:
        hold(features)
number = int(sys.argv[4])
if where in places:
    owner, name, after = places[where]
    die_at(owner, name, number, after=after)
store = FeatureStore(root, fake_key())
store.build(names, images, lambda: FakeEngine(edit=hold_behind_shards), workers=2, shard_rows=10)
"""


def start_child(forker, images, root, where, number):
    """Start a build that dies at the n-th call of a place, or is held in the network once so many shards are done."""
    return forker.start(CHILD, images, root, where, number)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """45 images, and the content of a store that was built of them in one go."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    names = write_pngs(folder / "images", 45, size=32)
    store, _ = build(folder / "features", names, folder / "images")
    return folder / "images", names, content(store.folder)


def finish_and_compare(uninterrupted, root):
    """Go on after a kill; give the number of images that had to be computed."""
    images, names, whole = uninterrupted
    folder = root / fake_key().folder
    kept = content(folder)
    assert kept.items() <= whole.items()  # what is there under its final name is whole
    store, computed = build(root, names, images)
    assert computed == 45 - 10 * len(kept)
    assert content(store.folder) == whole
    shards = [f"shard-{number:06d}" for number in range(5)]
    # A kill within the writing of store.json leaves some 300 bytes, which another process might just be writing too.
    left = [name for name in names_in(store.folder) if not name.startswith(".store.json.")]
    assert left == [*shards, "store.json"]
    assert names_in(root) == [fake_key().folder]
    return computed


# Writing the header of the store takes two fsyncs and a rename; a shard three to five fsyncs and a rename.
@pytest.mark.parametrize(
    ("where", "call"),
    [
        ("before rename", 1),
        ("before fsync", 4),
        ("before rows", 1),
        ("before features", 2),
        ("after fsync", 8),
        ("before rename", 4),
        ("after rename", 3),
        ("after shard", 4),
    ],
)
def test_a_kill_at_any_moment_ends_in_the_same_bytes(uninterrupted, tmp_path, forker, where, call):
    images, _, _ = uninterrupted
    child = start_child(forker, images, tmp_path / "features", where, call)
    _, errors = child.wait()
    assert child.returncode == -signal.SIGKILL, errors.decode()
    finish_and_compare(uninterrupted, tmp_path / "features")


@pytest.mark.parametrize("shards_done", [1, 3])
def test_a_kill_from_outside_costs_at_most_the_shard_in_hand(uninterrupted, tmp_path, forker, shards_done):
    images, _, _ = uninterrupted
    child = start_child(forker, images, tmp_path / "features", "held", shards_done)
    assert child.stdout.readline() == b"held\n"
    child.kill()
    child.wait()
    assert child.returncode == -signal.SIGKILL
    assert finish_and_compare(uninterrupted, tmp_path / "features") == 45 - 10 * shards_done


def test_two_builders_at_once(uninterrupted, tmp_path, forker):
    images, names, whole = uninterrupted
    root = tmp_path / "features"
    with start_child(forker, images, root, "held", 0) as child:
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(FlarescopeError, match=r"another process is making .*store; wait until it has ended"):
            build(root, names, images)
        _, errors = child.wait()
        assert child.returncode == 0, errors.decode()
    store, computed = build(root, names, images)
    assert computed == 0
    assert content(store.folder) == whole


# ---- a full disk, little memory ----


class FullFile:
    """A file on a disk that is full from the first byte."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.file.close()

    def write(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fill_disk_at_features(monkeypatch, shard):
    real = Path.open

    def opened(path, *arguments, **options):
        file = real(path, *arguments, **options)
        return FullFile(file) if path.name == "features.npy" and shard in str(path) and arguments else file

    monkeypatch.setattr(Path, "open", opened)


def fill_disk_at_rows(monkeypatch, shard):
    real = pq.write_table

    def written(table, where, **options):
        if shard in str(where):
            raise OSError("[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device")
        real(table, where, **options)

    monkeypatch.setattr(pq, "write_table", written)


@pytest.mark.parametrize("fill_disk", [fill_disk_at_features, fill_disk_at_rows])
def test_a_full_disk_keeps_the_shards_before(root, images, monkeypatch, fill_disk):
    names = write_pngs(images, 30)
    with monkeypatch.context() as patch:
        fill_disk(patch, "shard-000002")
        with pytest.raises(FlarescopeError, match=r"disk full while writing .*shard-000002: free some space and run"):
            build(root, names, images)
    assert names_in(root / fake_key().folder) == ["shard-000000", "shard-000001", "store.json"]
    store, computed = build(root, names, images)
    assert computed == 10
    assert np.array_equal(stored(store, names), expected(images, names))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="permission denied"):
            FeatureStore(tmp_path / "features", fake_key())
    finally:
        tmp_path.chmod(0o700)


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "features").write_text("")
    with pytest.raises(InputError, match="is a file, not a folder"):
        FeatureStore(tmp_path / "features", fake_key())


MEMORY_CHILD = """
import re, sys
from pathlib import Path
import numpy as np
from fakes import FakeEngine, fake_key
from flarescope.heads.adam import State
from flarescope.heads.together import train_epoch
from flarescope.features.store import FeatureStore
from flarescope.heads.head import Recipe, glorot_head
images, root, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
names = sorted(path.name for path in images.iterdir())[:count]
def anonymous_mb():
    return int(re.search(r"RssAnon:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
before, largest = anonymous_mb(), 0.0
def watch(done, total):
    global largest
    largest = max(largest, anonymous_mb())
store = FeatureStore(root, fake_key(batch=16))
store.build(names, images, FakeEngine, workers=2, shard_rows=256, progress=watch)
state = State.start(glorot_head(4096, 0))
train_epoch(state, store.rows(names), np.arange(count) % 2, Recipe(), progress=lambda rows: watch(0, 0))
print(largest - before)
"""


@LINUX
def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    """3,000 images are 602 MB of pixels and 49 MB of features; a shard of 256 rows is 4 MB, 80 images ahead 16 MB."""
    folder = tmp_path / "images"
    write_png(folder / "0000.png", 1, size=32)
    for number in range(1, 3000):
        os.link(folder / "0000.png", folder / f"{number:04d}.png")
    used = {}
    for count in (600, 3000):
        command = [sys.executable, "-c", MEMORY_CHILD, str(folder), str(tmp_path / f"features{count}"), str(count)]
        run = subprocess.run(
            command, env=child_environment(), capture_output=True, text=True, check=False, timeout=LIMIT_S
        )
        assert run.returncode == 0, run.stderr
        used[count] = float(run.stdout)
    assert used[3000] < 120
    assert used[3000] < used[600] + 40


def test_what_is_kept_of_each_image_is_forgotten_with_its_shard(root, images, monkeypatch):
    """A million fingerprints would take some hundred MB."""
    names = write_pngs(images, 60, size=16)
    held, references = [], []
    real = filling_module.extract

    def watched(stream, sizes, engine, keep):
        def noted(image):
            references.append(weakref.ref(keep(image)))
            return references[-1]()

        for found in real(stream, sizes, engine, noted):
            yield found
            held.append(sum(one() is not None for one in references))

    monkeypatch.setattr(filling_module, "extract", watched)
    build(root, names, images)
    assert max(held) <= 10 + 3 * 4  # a shard, and the batches that the network holds


# ---- properties ----


@settings(max_examples=30)
@given(
    shards=st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=6, unique=True), max_size=6),
    asked=st.lists(st.integers(0, 14), max_size=15),
)
def test_locate_finds_the_newest_row_of_each_name(tmp_path_factory, shards, asked):
    store = FeatureStore(tmp_path_factory.mktemp("store"), fake_key())
    rows_by_name, row = {}, 0
    for numbers in shards:
        prints = [Fingerprint(1, 2, 3, "00")] * len(numbers)
        write_shard(store.folder, [f"é/{n}.png" for n in numbers], prints, np.zeros((len(numbers), 4096), np.float32))
    for number in [number for numbers in reversed(shards) for number in numbers]:  # newest shard first
        rows_by_name.setdefault(f"é/{number}.png", row)
        row += 1
    store = FeatureStore(store.folder.parent, fake_key())
    names = [f"é/{number}.png" for number in asked]
    assert store.locate(names).tolist() == [rows_by_name.get(name, -1) for name in names]
    assert len(store) == row


@settings(max_examples=12)
@given(data=st.data())
def test_any_sequence_of_tables_gives_each_image_its_own_features(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("sequence")
    names = write_pngs(folder / "images", 9, size=16)
    seen, used = set(), set()
    for _ in range(data.draw(st.integers(1, 4))):
        table = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
        changed = data.draw(st.sets(st.sampled_from(names), max_size=2))
        for number, name in enumerate(sorted(changed)):
            write_png(folder / "images" / name, data.draw(st.integers(100, 10**6)) + number, size=16)
            # Never twice: a file of as many bytes and the same time is taken for the same.
            moment = data.draw(st.integers(10**9, 2 * 10**9).filter(lambda one: one not in used))
            used.add(moment)
            set_mtime(folder / "images" / name, moment)
        rows = data.draw(st.integers(1, 5))
        store, computed = build(folder / "features", table, folder / "images", shard_rows=rows)
        assert computed <= len(set(table) - seen) + len(changed | seen)
        seen |= set(table)
        assert np.array_equal(stored(store, table), expected(folder / "images", table))
        assert build(folder / "features", table, folder / "images", shard_rows=rows)[1] == 0


def test_a_store_of_more_shards_than_files_may_be_open_is_read(tmp_path):
    """In a process whose limit is low: raised as far as it goes; beyond that the shards are not called damaged."""
    names = write_pngs(tmp_path / "images", 40)
    build(tmp_path / "features", names, tmp_path / "images", shard_rows=1)
    code = """
import resource, sys
from pathlib import Path
import numpy as np
soft, hard = int(sys.argv[2]), int(sys.argv[3])
from fakes import fake_key
from flarescope.features.store import FeatureStore
from flarescope.errors import FlarescopeError, InputError
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
root = Path(sys.argv[1])
names = sorted(path.relative_to(root / "images").as_posix() for path in (root / "images").rglob("*.png"))
store = FeatureStore(root / "features", fake_key())
try:
    rows = [store.rows(names)[np.arange(40)] for _ in range(3)]  # mapped once, however many tables ask
except FlarescopeError as error:
    print(type(error) is FlarescopeError, error)
else:
    print(len(rows[0]), (rows[0] == rows[2]).all())
"""

    def read(soft, hard):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path), str(soft), str(hard)],
            env=child_environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    assert read(30, 4096) == "40 True"
    told = read(30, 30)
    assert told.startswith("True ")
    assert "Too many open files: each shard of a store in use is one open, mapped file; raise the limits" in told
