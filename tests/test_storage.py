"""Are images in a storage read as those in a folder, whole, and is each failure one line?

S3 is played by a server of this computer. Google's storage was not tried.
"""

import datetime as dt
from types import SimpleNamespace

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import flarescope
import real_data
from fakes import FakeEngine, Heard, draw_blank, fake_key, train_three_epochs, use_fake_network, write_pngs, write_set
from flarescope.cli import main
from flarescope.errors import FlarescopeError, InputError
from flarescope.features.store import FeatureStore
from flarescope.files import read_json
from flarescope.images.header import header_values
from flarescope.images.line_of_sight import HMI_ONLY
from flarescope.images.remote import HEADER_BYTES, RemoteImages, images_at, stamp_of
from flarescope.images.render import Rendering
from flarescope.images.root import LocalImages
from flarescope.parquet_tables import read_parquet
from flarescope.pipeline.catalogues.listing import list_images
from flarescope.storage.cache import FileCache
from flarescope.storage.systems import file_system, is_url
from s3_server import CHANGED_S, serve_bucket


@pytest.fixture
def bucket(monkeypatch, tmp_path):
    """An empty bucket `sun` that `s3://sun` means."""
    with serve_bucket() as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.base)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "up")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        file_system.cache_clear()
        yield running
        file_system.cache_clear()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Eleven images in a folder, and their names."""
    place = tmp_path_factory.mktemp("images")
    return place, write_pngs(place, 11, size=16)


def put(bucket, place, names, below="set/png"):
    for name in names:
        bucket.objects[f"{below}/{name}"] = (place / name).read_bytes()
    return f"s3://{bucket.name}/{below}"


def test_features_of_a_bucket_are_those_of_a_folder(bucket, folder, tmp_path):
    place, names = folder
    images = images_at(put(bucket, place, names) + "/")
    images.check()
    stores = FeatureStore(tmp_path / "s3", fake_key()), FeatureStore(tmp_path / "here", fake_key())
    engine = FakeEngine()
    assert stores[0].build(names, images, lambda: engine, workers=2, shard_rows=4) == 11
    stores[1].build(names, place, FakeEngine, shard_rows=4)
    rows = [store.rows(names)[np.arange(11)] for store in stores]
    assert np.array_equal(*rows)
    assert stores[0].content_digest(names) == stores[1].content_digest(names)
    assert stores[0].build(names, images, lambda: engine) == 0
    # A copy in a folder has other stamps and the same bytes: it is read once, and nothing is computed.
    assert stores[0].build(names, place, lambda: engine) == 0


def test_an_object_that_changed_is_computed_again_and_one_that_is_gone_is_named(bucket, folder, tmp_path):
    place, names = folder
    images = images_at(put(bucket, place, names))
    store = FeatureStore(tmp_path, fake_key())
    store.build(names, images, FakeEngine)
    bucket.objects[f"set/png/{names[2]}"] = (place / names[3]).read_bytes() + b"more"
    assert store.build(names, images, FakeEngine) == 1
    del bucket.objects[f"set/png/{names[2]}"], bucket.objects[f"set/png/{names[5]}"]
    expected = rf"s3://sun/set/png/{names[2]}: no such image \(and 1 more of 11\)"
    with pytest.raises(InputError, match=expected):
        store.build(names, images, FakeEngine)


def test_folders_are_listed_and_each_image_is_asked_for_once(bucket, folder):
    place, names = folder
    images = images_at(put(bucket, place, names))
    stamps = images.stamps(pa.array(names, pa.large_string()))
    assert stamps[:, 0].tolist() == [(place / name).stat().st_size for name in names]
    assert set(stamps[:, 1].tolist()) == {CHANGED_S * 10**9}
    assert {key for _, key, _ in bucket.seen} == {"list"}
    images.read(names[0], Rendering.from_id("reference-png"), HMI_ONLY)
    assert len(bucket.asked("GET", f"set/png/{names[0]}")) == 1


def test_images_may_lie_in_a_bucket_itself(bucket, folder):
    place, names = folder
    for name in names[:2]:
        bucket.objects[name] = (place / name).read_bytes()
    bucket.objects[f"z/{names[2]}"] = (place / names[2]).read_bytes()
    images = images_at("s3://sun/")
    images.check()
    assert not images.is_synthetic()
    assert images.names() == [*names[:2], f"z/{names[2]}"]
    bucket.objects["synthetic.json"] = b"{}"
    assert images_at("s3://sun/z").is_synthetic()


def test_inodes_may_have_64_bits(folder, monkeypatch):
    place, names = folder
    far = SimpleNamespace(st_size=1, st_mtime_ns=5, st_ino=2**64 - 3)
    monkeypatch.setattr("flarescope.images.root.os.stat", lambda path: far)
    stamps = LocalImages(place).stamps(pa.array(names[:2], pa.large_string()))
    assert stamps.tolist() == [[1, 5, 2**63 - 3]] * 2


@pytest.mark.parametrize("below", ["run#1", "run?b=1", "a b", "a%20b", "[a]*"])
def test_an_address_may_hold_what_has_a_meaning_on_the_web(bucket, folder, below):
    place, names = folder
    put(bucket, place, names[:1], "run")
    images = images_at(put(bucket, place, names[1:3], below))
    images.check()
    assert images.names() == sorted(names[1:3])
    assert images.bytes_of(names[1]) == (place / names[1]).read_bytes()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("memory://", "memory://: names no folder; expected memory://FOLDER"),
        ("file:", "file://: names no folder; expected file://FOLDER"),
        ("s3://", "s3://: names no bucket; expected s3://BUCKET/FOLDER"),
        ("gs:///folder", "gs:///folder: names no bucket; expected gs://BUCKET/FOLDER"),
    ],
)
def test_an_address_of_no_place_is_not_the_current_folder(url, said):
    with pytest.raises(InputError) as refused:
        file_system(url)
    assert str(refused.value) == said


@pytest.mark.parametrize("scheme", ["file", "memory"])
def test_other_addresses(folder, tmp_path, scheme):
    place, names = folder
    url = f"file://{place}"
    if scheme == "memory":
        url = "memory://sun/png"
        for name in names:
            fsspec.filesystem("memory").pipe_file(f"/sun/png/{name}", (place / name).read_bytes())
    images, rendering = images_at(url), Rendering.from_id("reference-png")
    images.check()
    assert images.stamps(pa.array(names, pa.large_string()))[:, 0].min() > 0
    one, other = images.read(names[1], rendering, HMI_ONLY), LocalImages(place).read(names[1], rendering, HMI_ONLY)
    assert np.array_equal(one.rendered.pixels, other.rendered.pixels)
    assert one.fingerprint.digest == other.fingerprint.digest
    with pytest.raises(InputError, match="no such bucket or folder"):
        images_at(url + "/none").check()


def test_a_damaged_object_is_named_by_its_address(bucket):
    bucket.objects["a/x.png"] = b"no png"
    bucket.objects["a/empty.png"] = b""
    images = images_at("s3://sun/a")
    with pytest.raises(InputError, match=r"^s3://sun/a/x.png: not a PNG"):
        images.read("x.png", Rendering.from_id("reference-png"), HMI_ONLY)
    with pytest.raises(InputError, match=r"^s3://sun/a/empty.png: the file is empty"):
        images.read("empty.png", Rendering.from_id("reference-png"), HMI_ONLY)


def test_each_failure_is_one_line(bucket, monkeypatch):
    bucket.objects["a/x.png"] = b"1234"
    with pytest.raises(InputError, match=r"s3://moon/a: no such"):
        images_at("s3://moon/a").check()
    with pytest.raises(InputError, match=r"s3://sun/b: no such bucket or folder"):
        images_at("s3://sun/b").check()
    with pytest.raises(InputError, match="names no bucket"):
        images_at("s3:///a").check()
    with pytest.raises(InputError, match="cannot be read"):
        images_at("nothing://a/b").check()
    bucket.denied = True
    for call in (images_at("s3://sun/a").check, lambda: images_at("s3://sun/a").content("x.png")):
        with pytest.raises(InputError, match=r"does not let this user read it; set AWS_ACCESS_KEY_ID"):
            call()


def test_a_busy_storage_is_asked_again(bucket):
    bucket.objects["a/x.png"] = b"1234"
    bucket.failures = 1
    assert images_at("s3://sun/a").content("x.png")[0] == b"1234"


def test_what_came_in_part_is_no_file(monkeypatch):
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/cut/x.png", b"12345678")
    monkeypatch.setattr(type(memory), "cat_file", lambda *_args, **_options: b"1234")
    with pytest.raises(FlarescopeError, match="4 bytes came of 8"):
        images_at("memory://cut").content("x.png")


def test_the_cache_keeps_whole_files_and_no_more_than_its_room(bucket, folder, tmp_path):
    place, names = folder
    url = put(bucket, place, names)
    size = sum((place / name).stat().st_size for name in names)
    cache = FileCache(tmp_path / "cache", size)
    images = RemoteImages(url, cache)
    for _ in range(2):
        assert [images.content(name)[0] for name in names] == [(place / name).read_bytes() for name in names]
    assert all(len(bucket.asked("GET", f"set/png/{name}")) == 1 for name in names)
    cache.sweep()
    assert len(list(cache.folder.glob("??/*"))) == 11
    half = FileCache(cache.folder, size // 2)
    images.content(names[0])  # the one that was used last stays
    half.sweep()
    kept = list(cache.folder.glob("??/*"))
    assert sum(path.stat().st_size for path in kept) <= size // 2
    images.content(names[0])
    assert len(bucket.asked("GET", f"set/png/{names[0]}")) == 1
    bucket.objects[f"set/png/{names[0]}"] = b"another file"
    assert images.content(names[0])[0] == b"another file"


def test_a_cache_without_room_is_said_and_hinders_nothing(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    cache = FileCache(tmp_path / "file", 100)
    with pytest.warns(UserWarning, match="files of the storage are not kept"):
        assert cache.get("s3://a/b", (1,), lambda: b"x") == b"x"
    with pytest.raises(InputError, match="--cache-gb 0: expected more than 0"):
        FileCache.of(tmp_path, 0)


@real_data.needs_real_data
def test_a_header_is_read_by_ranges(bucket):
    """A real patch, compressed by tiles: its header costs one range, whatever the image takes."""
    path = sorted((real_data.REAL_DATA / "hmi/harp377_noaa11158_201102_hourly").glob("*.fits"))[0]
    bucket.objects["a/x.fits"] = path.read_bytes()
    found = images_at("s3://sun/a").header("x.fits")
    assert found == header_values(path.read_bytes())
    assert found["NOAA_AR"] == 11158
    assert bucket.asked("GET", "a/x.fits") == [f"bytes=0-{HEADER_BYTES - 1}"]
    assert len(bucket.objects["a/x.fits"]) > 5 * HEADER_BYTES


def test_times_of_a_file_in_what_file_systems_say():
    time = dt.datetime(2023, 11, 14, 22, 13, 20, 5, dt.UTC)
    expected = (7, CHANGED_S * 10**9 + 5000, 0)
    for info in ({"mtime": time}, {"LastModified": time}, {"created": time.replace(tzinfo=None)}):
        assert stamp_of({"size": 7, **info}) == expected
    assert stamp_of({"size": 7, "mtime": CHANGED_S + 0.5}) == (7, CHANGED_S * 10**9 + 5 * 10**8, 0)
    assert stamp_of({"size": 7}) == (7, 0, 0)


def test_what_is_an_address():
    assert is_url("s3://sun/a")
    assert not any(map(is_url, ("images", "/a/b", "c:/a", "a//b", None)))


def test_the_command_reads_a_bucket(bucket, tmp_path, monkeypatch, capsys):
    use_fake_network(monkeypatch)
    data = write_set(tmp_path / "set", regions={"train": [1121]}, images_a_region=4)
    for path in data["images"].rglob("*.png"):
        bucket.objects[f"png/{path.relative_to(data['images'])}"] = path.read_bytes()
    words = ["features", str(data["train"]), "--images", "s3://sun/png", "--out", str(tmp_path / "f")]
    words += ["--backbone", "random", "--cache", str(tmp_path / "cache"), "--cache-gb", "0.5"]
    assert main(words) == 0
    assert len(list((tmp_path / "cache").glob("??/*"))) == 4
    assert main([*words[:3], str(data["images"]), *words[4:]]) == 2
    assert "--cache is for a storage" in capsys.readouterr().err


def test_a_run_is_trained_evaluated_and_reported_on_a_bucket(bucket, tmp_path, monkeypatch):
    """The scores are those of the same images in a folder, and that the set is made is seen in the bucket too."""
    use_fake_network(monkeypatch)
    draw_blank(monkeypatch)
    data = write_set(
        tmp_path / "set", regions={"train": [1121, 1122], "validation": [1131, 1132], "test": [1141, 1142]}
    )
    for path in data["images"].rglob("*.png"):
        bucket.objects[f"set/png/{path.relative_to(data['images'])}"] = path.read_bytes()
    bucket.objects["set/synthetic.json"] = b"{}"
    found = {}
    for place, images in {"s3": "s3://sun/set/png/", "folder": data["images"]}.items():
        run = train_three_epochs({**data, "images": images}, tmp_path / place / "run")
        words = ["evaluate", run.path, "--table", data["test"], "--images", images, "--replicates", 0, "--quiet"]
        assert main([str(word) for word in words]) == 0
        found[place] = read_parquet(run.path / "forecasts" / "test.parquet")
        said = read_json(run.run_json)
        assert (said["images"], said["synthetic"]) == (
            ("s3://sun/set/png", True) if place == "s3" else (str(data["images"]), False)
        )
    assert found["s3"].equals(found["folder"])
    reporter = Heard()
    forecast = flarescope.predict(tmp_path / "s3/run", "s3://sun/set/png/1141", reporter=reporter)
    forecast = forecast.forecasts["probability"]
    assert len(forecast) > 1
    assert forecast.tolist() == pytest.approx(found["s3"].query("noaa_ar == 11141")["probability"].tolist())
    flarescope.report(tmp_path / "s3/run", reporter=reporter)
    assert not any("no gallery" in note for note in reporter.notes)


@real_data.needs_real_data
def test_a_bucket_is_listed_by_headers_as_a_folder_is_by_whole_files(bucket, tmp_path):
    """Real patches under names that say nothing, and a file that is none."""
    hmi = real_data.REAL_DATA / "hmi"
    sources = [
        *sorted((hmi / "harp377_noaa11158_201102_hourly").glob("*.fits"))[:2],
        *sorted((hmi / "march2012_11harps_6hourly").rglob("*.fits"))[:3],
    ]
    for number, path in enumerate(sources):
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / f"set/x{number}.fits").write_bytes(path.read_bytes())
        bucket.objects[f"set/x{number}.fits"] = path.read_bytes()
    expected = list_images(tmp_path / "set", tmp_path / "scan.parquet")
    bucket.objects["set/broken.fits"] = b"no FITS"
    heard = Heard()
    found = list_images("s3://sun/set/", tmp_path / "none.parquet", reporter=heard)
    pd.testing.assert_frame_equal(found[sorted(found)], expected[sorted(expected)])
    assert "1 image left out, the first: s3://sun/set/broken.fits: no header" in heard.warnings[0]
    asked = sum(map(len, [bucket.asked("GET", f"set/x{number}.fits") for number in range(5)]))
    assert asked <= 2 * 5
    bucket.objects["notes/read.me"] = b"nothing"
    with pytest.raises(InputError, match="no PNG or FITS file below this address"):
        list_images("s3://sun/notes", tmp_path / "none.parquet")
