"""Does every kind of file that was found to end in something else now end in one line, and the program's own code 2?

Each was found by `tests/fuzz`, or is named in a report; here it is made in code. JSON of any kind is in
`test_parsing.py`, HDF5 in `test_hdf5.py`, a flipped bit of a model in `test_classifier.py`.
"""

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fakes import fake_key
from flarescope.backbones.keras.reading import read_backbone
from flarescope.catalog.noaa_regions import read_summaries
from flarescope.engines import tuning
from flarescope.engines.base import EngineChoice
from flarescope.errors import InputError
from flarescope.features.shards import map_features
from flarescope.features.store import FeatureStore
from flarescope.files import write_json
from flarescope.forecaster.runs import RunFolder
from flarescope.heads.adam import State
from flarescope.json_values import is_path
from flarescope.magnetic.baseline import MagneticModel
from flarescope.magnetic.features import FEATURE_NAMES
from flarescope.notes import read_notes
from flarescope.parquet_tables import read_parquet, write_parquet
from flarescope.pipeline.catalogues.scanning import KEPT_DTYPES, scan_images
from flarescope.sources.unpack import unpack_tar

ROW = {"epoch": 1, "model": "model.01_0.50.hdf5", "validation": {"tss": 0.5}, "train": {"loss": 0.1}}
TABLE = {"digest": "sha256:00", "images": 10, "events": 2, "regions": [11158]}
RUN = {
    "recipe": {"epochs": 5},
    "backbone": "random",
    "store": {"family": "random:0", "digest": "sha256:00", "engine": "torch-cpu-fp32"},
    "data": {"train": TABLE, "validation": TABLE},
    "images": "images",
    "features": "features",
}


def one_line(path, caught):
    text = str(caught.value)
    assert str(path) in text
    assert text.isprintable()
    assert len(text) < 300
    assert caught.value.exit_code == 2


# ---- a run's files ----


@pytest.mark.parametrize("path", ["a" * 255, "a/b\\c", "\u00e9" * 127, "", "\udcff"])
def test_paths_that_can_be(path):
    assert is_path(path)
    Path(path).exists()  # asking is no error


@pytest.mark.parametrize("path", ["x/" + "a" * 256, "\u00e9" * 128, "a\0b", "\ud800", None, 5, "a/" * 2049])
def test_paths_that_cannot_be(path):
    assert not is_path(path)


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": "1"},
        {"epoch": 0},
        {"epoch": 10**30},
        {"epoch": True},
        {"model": "../../precious.hdf5"},
        {"model": "/etc/passwd"},
        {"model": ""},
        {"model": ".."},
        {"model": "a\0b"},
        {"model": "a" * 256},
        {"model": None},
        {"validation": None},
        {"validation": {"tss": "0.5"}},
        {"validation": {"loss": 0.1}},
        {"validation": {"tss": 1e305}},
        {"train": []},
    ],
)
def test_a_line_of_the_history_that_cannot_be(tmp_path, change):
    run = RunFolder(tmp_path)
    run.history_jsonl.write_text(json.dumps(ROW) + "\n")
    assert run.history() == [ROW]
    run.history_jsonl.write_text(json.dumps(ROW) + "\n" + json.dumps(ROW | change) + "\n")
    with pytest.raises(InputError, match=r"history\.jsonl: damaged .*; delete history\.jsonl and state\.npz") as caught:
        run.history()
    one_line(run.history_jsonl, caught)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"epoch": 1e999}', "\xff", "[]", "5", '{"a": ' * 70 + "1" + "}" * 70])
def test_a_history_that_is_none(tmp_path, text):
    run = RunFolder(tmp_path)
    run.history_jsonl.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as caught:
        run.history()
    one_line(run.history_jsonl, caught)


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": []},
        {"features": "x/" + "\u00e9" * 128},
        {"images": "a\0b"},
        {"data": {"train": None}},
        {"data": {"train": TABLE, "validation": 5}},
        {"data": {"validation": TABLE, "train": {**TABLE, "images": 1e3}}},
        {"data": {"validation": TABLE, "train": {**TABLE, "events": 11}}},
        {"data": {"validation": TABLE, "train": {**TABLE, "images": 0}}},
        {"data": {"validation": TABLE, "train": {**TABLE, "regions": ["11158"]}}},
        {"data": {"validation": TABLE, "train": {**TABLE, "regions": 11158}}},
        {"store": "random"},
        {"store": {"family": None}},
        {"images": ["images"]},
        {"images": "x" * 5000},
        {"backbone": 5},
        {"content": {"train": 5}},
        {"kind": ["magnetic"]},
    ],
)
def test_a_description_of_a_run_that_cannot_be(tmp_path, change):
    run = RunFolder(tmp_path)
    write_json(run.run_json, RUN)
    assert run.read() == RUN
    write_json(run.run_json, RUN | change)
    with pytest.raises(InputError, match=r"run\.json: not the description of a run \(.*\); train again") as caught:
        run.read()
    one_line(run.run_json, caught)


@pytest.mark.parametrize(
    "path",
    [
        *("recipe", "backbone", "store", "data", "images", "features", "store.family", "store.engine", "data.train"),
        *("data.validation", "data.train.images", "data.train.regions", "data.validation.events"),
    ],
)
def test_a_description_of_a_run_that_lacks_a_part(tmp_path, path):
    described = json.loads(json.dumps(RUN))
    *above, last = path.split(".")
    inner = described
    for name in above:
        inner = inner[name]
    del inner[last]
    run = RunFolder(tmp_path)
    write_json(run.run_json, described)
    with pytest.raises(InputError, match=rf"run\.json: not the description of a run \(.*no {last} in it\)") as caught:
        run.read()
    one_line(run.run_json, caught)


def npz(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def npy(header, numbers=b""):
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + numbers


def whole_state():
    stream = io.BytesIO()
    zeros = np.zeros(4097, np.float32)
    np.savez(stream, theta=np.zeros((2, 4097), np.float32), first=zeros, second=zeros, step=3, epoch=1)
    return stream.getvalue()


def changed_state(**changes):
    with np.load(io.BytesIO(whole_state())) as file:
        stream = io.BytesIO()
        np.savez(stream, **{**file, **changes})
    return stream.getvalue()


def lzma_state():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("theta.npy", b"x" * 1000)
    content = stream.getvalue()
    return content[:60] + b"\xff" * 20 + content[80:]


STATES = {
    "a header that is no Python": npz(theta=npy("{'descr': '<f4', 'fortran_order': (((((")),
    "a header without an end": npz(theta=npy("'''")),
    "a deep header": npz(theta=npy("(" * 9000)),
    "a huge shape": npz(theta=npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000,)}")),
    "a negative shape": npz(theta=npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}")),
    "a pickle": npz(theta=npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"\x80\x04.")),
    "damaged packing": lzma_state(),
    "nothing": b"",
    "no zip": b"x" * 100,
    "cut": whole_state()[:2000],
    "other shapes": changed_state(first=np.zeros(5, np.float32)),
    "other numbers": changed_state(theta=np.zeros((2, 4097))),
    "infinite": changed_state(theta=np.full((2, 4097), np.inf, np.float32)),
    "no step": changed_state(step=np.zeros(2)),
    "step below 0": changed_state(step=-1),
    "much when unpacked": changed_state(more=np.zeros(5_000_000, np.float32)),
}


@pytest.mark.parametrize("content", STATES.values(), ids=STATES)
def test_a_state_of_training_that_is_none(tmp_path, content):
    (tmp_path / "state.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"state\.npz: damaged .*run again, from the first epoch") as caught:
        RunFolder(tmp_path).read_state()
    one_line(tmp_path / "state.npz", caught)


def test_a_state_comes_back(tmp_path):
    state = State(np.ones((2, 5), np.float32), np.ones(4, np.float32)[:4], np.ones(4, np.float32), 7, 2)
    state = State(np.ones((2, 4), np.float32), state.first, state.second, 7, 2)
    RunFolder(tmp_path).write_state(state)
    found = RunFolder(tmp_path).read_state()
    assert (found.step, found.epoch) == (7, 2)
    np.testing.assert_array_equal(found.theta, state.theta)


# ---- tables ----


NO_INDEX = {"index_columns": [], "columns": [], "column_indexes": []}
PANDAS = {
    "no JSON": b"{",
    "deep": b"[" * 100_000,
    "an index that is not there": json.dumps(
        {"index_columns": ["absent"], "columns": [], "column_indexes": []}
    ).encode(),
    "columns of no form": json.dumps({**NO_INDEX, "columns": [{}]}).encode(),
    "other bytes": b"\xff\xfe",
}


@pytest.mark.parametrize("note", PANDAS.values(), ids=PANDAS)
def test_what_pandas_noted_in_a_table_is_not_believed(tmp_path, note):
    path = tmp_path / "a.parquet"
    table = pa.table({"filename": ["a.png", "b.png"], "label": [0, None]})
    pq.write_table(table.replace_schema_metadata({b"pandas": note}), path)
    frame = read_parquet(path)
    assert frame["filename"].tolist() == ["a.png", "b.png"]
    assert frame["label"].dtype == "Int64"


def test_an_index_with_a_name_is_a_column_and_one_without_is_none(tmp_path):
    path = tmp_path / "a.parquet"
    frame = pd.DataFrame({"label": [0, 1]}, index=["a.png", "b.png"])
    frame.to_parquet(path)
    assert list(read_parquet(path).columns) == ["label"]
    frame.rename_axis("filename").to_parquet(path)
    assert read_parquet(path)["filename"].tolist() == ["a.png", "b.png"]


@pytest.mark.parametrize("note", [b"{", b"[" * 100_000, b"\xff", b"[]", b'{"a": 1e999}', b'{"a": 1, "a": 2}'])
def test_notes_of_a_table_that_are_none(tmp_path, note):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({b"flarescope": note}), path)
    with pytest.raises(InputError) as caught:
        read_notes(path)
    one_line(path, caught)


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"a": [[1, 2]]}),
        pa.table({"a": [{"b": 1}]}),
        pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]),
    ],
    ids=["lists", "records", "one name twice"],
)
def test_a_table_of_another_form(tmp_path, table):
    path = tmp_path / "a.parquet"
    pq.write_table(table, path)
    with pytest.raises(InputError) as caught:
        read_parquet(path)
    one_line(path, caught)


def test_a_text_that_is_no_text_in_a_table(tmp_path):
    path = tmp_path / "a.parquet"
    raw = pa.array([b"a\xff.png"], pa.binary())
    pq.write_table(pa.table({"filename": pa.Array.from_buffers(pa.string(), 1, raw.buffers())}), path)
    with pytest.raises(InputError, match="cannot be read as Parquet") as caught:
        read_parquet(path)
    one_line(path, caught)


def test_a_table_in_a_million_pieces_of_one_value_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1] * 100}), path)
    monkeypatch.setattr("flarescope.parquet_tables.MOST_ROWS", 99)
    with pytest.raises(InputError, match="100 rows; expected at most 99"):
        read_parquet(path)


@pytest.mark.parametrize("change", [{"time": "soon"}, {"size": "many"}, {"mtime_ns": 1.5}])
def test_a_kept_scan_with_a_value_that_cannot_be(tmp_path, change):
    path, row = tmp_path / "a.scan.parquet", dict.fromkeys(KEPT_DTYPES)
    write_parquet(pd.DataFrame([row | {"filename": "a.png", "reason": "x"} | change], dtype=object), path)
    with pytest.raises(InputError, match="not the Parquet of a scan") as caught:
        scan_images(tmp_path, [], path, workers=1)
    one_line(path, caught)


# ---- models, features, settings ----


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_keras_zip_that_is_packed_otherwise(tmp_path, method):
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(InputError, match="packed as Keras does not pack it") as caught:
        read_backbone(path)
    one_line(path, caught)


def features_file(shard, array, header=None):
    shard.mkdir(parents=True)
    np.save(shard / "features.npy", array)
    if header:
        (shard / "features.npy").write_bytes(npy(header) + b"\0" * 4096)


@pytest.mark.parametrize(
    "header", ["'''", "(" * 9000, "{'descr': '<f4', 'fortran_order': False, 'shape': (10**99, 4096)}", "{'shape': 5}"]
)
def test_features_whose_header_is_none(tmp_path, header):
    shard = tmp_path / "shard-000000"
    features_file(shard, np.zeros((1, 4096), np.float32), header)
    with pytest.raises(InputError, match="the shard is damaged") as caught:
        map_features(shard, 1, "float32")
    one_line(shard, caught)


def test_features_in_the_other_order_are_refused_not_read_across(tmp_path):
    shard = tmp_path / "shard-000000"
    features_file(shard, np.asfortranarray(np.arange(8192, dtype=np.float32).reshape(2, 4096)))
    with pytest.raises(InputError, match="the shard is damaged"):
        map_features(shard, 2, "float32")


@pytest.mark.parametrize("name", ["shard-", "shard-x", "shard-1e3", "shard-٣٣٣٣٣٣x"])
def test_a_folder_that_is_no_shard_is_none(tmp_path, name):
    key = fake_key()
    (tmp_path / key.folder / name).mkdir(parents=True)
    assert len(FeatureStore(tmp_path, key)) == 0


@pytest.mark.parametrize(
    "note", [{"batch": 10**9, "streams": 1}, {"batch": "1e400", "streams": 1}, {"batch": -1, "streams": 0}, [], 5, "x"]
)
def test_a_note_of_the_engine_s_speed_that_cannot_be_costs_a_measurement(tmp_path, monkeypatch, note):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path))
    choice = EngineChoice("winograd", "cpu", "fp32", batch=8)
    write_json(tuning.settings_file(), {tuning.machine_key(choice): note})
    assert tuning.remembered(choice) is None


def test_a_changed_number_in_a_model_of_magnetic_features_is_refused():
    some = np.linspace(0.5, 1, len(FEATURE_NAMES))
    values = MagneticModel("svm", some, some, some, 0.25, 1.0).to_json()
    assert MagneticModel.from_json(values).intercept == 0.25
    with pytest.raises(InputError, match=r"m\.json: damaged \(it was changed after it was written"):
        MagneticModel.from_json(values | {"intercept": 0.75}, "m.json")
    older = {name: value for name, value in values.items() if name != "content"}
    assert MagneticModel.from_json(older).intercept == 0.25


# ---- archives ----


def archive(path, *members, mode="w"):
    with tarfile.open(path, mode) as tar:
        for name, changes in members:
            info = tarfile.TarInfo(name)
            info.size = 5
            for key, value in changes.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(b"x" * 5))
    return path


ARCHIVES = {
    "a file where a folder should be": [("a", {}), ("a/b", {})],
    "a folder where a file was": [("a/b", {}), ("a", {})],
    "a time out of range": [("a", {"mtime": 2**70})],
    "a name that is too long": [("x" * 300, {})],
}


@pytest.mark.parametrize("members", ARCHIVES.values(), ids=ARCHIVES)
def test_an_archive_that_cannot_be_unpacked(tmp_path, members):
    path = archive(tmp_path / "a.tar", *members)
    with pytest.raises(InputError, match=r"a\.tar: damaged or unsafe \(.*\); remove it and fetch it again") as caught:
        unpack_tar(path, tmp_path / "out")
    one_line(path, caught)
    assert [file.name for file in tmp_path.iterdir()] == ["a.tar"]


@pytest.mark.parametrize("mode", ["w:gz", "w:xz", "w:bz2"])
@pytest.mark.parametrize("cut", [30, 50, 70])
def test_a_packed_archive_that_is_damaged(tmp_path, mode, cut):
    path = archive(tmp_path / "a.tar.gz", ("20100504SRS.txt", {}), mode=mode)
    whole = path.read_bytes()
    path.write_bytes(whole[:cut] + b"\xff" * 20 + whole[cut + 20 :])
    with pytest.raises(InputError) as caught:
        read_summaries([path])
    one_line(path, caught)
    path.write_bytes(whole[:cut])
    with pytest.raises(InputError) as caught:
        unpack_tar(path, tmp_path / "out")
    one_line(path, caught)


def test_an_archive_that_unpacks_to_far_too_much_is_left(tmp_path):
    path = tmp_path / "a.tar.gz"
    info = tarfile.TarInfo("zeros")
    info.size = 10**10
    with gzip.open(path, "wb") as packed:
        packed.write(info.tobuf())
        packed.write(bytes(1 << 20))
    with pytest.raises(InputError, match="more than 200,000,000 bytes in it") as caught:
        read_summaries([path])
    one_line(path, caught)


# ---- the harness ----


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is measured as Linux tells it")
@pytest.mark.slow  # three processes, each of which imports what its reader needs
def test_readers_of_each_kind_stand_changed_files(tmp_path):
    root = Path(__file__).parents[1]
    targets = ["fits", "parquet-notes", "tar-unpack"]
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.run",
        "--inputs",
        "60",
        "--corpus",
        str(tmp_path),
        "--target",
        *targets,
    ]
    folders = os.pathsep.join([str(root / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command, cwd=root, env={**os.environ, "PYTHONPATH": folders}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert sorted(row[0] for row in rows) == sorted(targets)
    assert [row[2] for row in rows] == ["60"] * len(targets)
