"""Does a Ray cluster fill a store with the bytes of one machine, whatever ends meanwhile?

One cluster of this machine serves all tests here; several nodes, each a process of Ray, are tried in the slow ones.
"""

import importlib
import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from io import BytesIO
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest

import ray_fakes
from fakes import FakeEngine, Heard, child_environment, fake_key, write_png, write_pngs, write_set
from flarescope.cli import main
from flarescope.cluster.blocks import error_in, failed_block, images_of, read_block
from flarescope.cluster.connect import joined
from flarescope.cluster.filling import Crew, assemble, fill_on
from flarescope.cluster.nodes import Node, check_installed, nodes_of
from flarescope.cluster.pipeline import Needs
from flarescope.engines.base import EngineChoice
from flarescope.errors import FlarescopeError, InputError
from flarescope.features.store import FeatureStore
from flarescope.images.reading import Fingerprint, ReadImage
from flarescope.images.remote import images_at
from flarescope.images.render import Rendered
from waiting import LIMIT_S, wait_until

pytestmark = [
    pytest.mark.xdist_group("ray"),
    # Ray Data sets deprecated options of its own as it begins.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context"),
]
ROWS = 10


def content(folder):
    """Every file of a store, with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def rows_of(files):
    """What the shards among the files of a store say of each image: its features, digest and size."""
    found = []
    for path in sorted(files):
        if path.endswith("rows.parquet"):
            features = np.load(BytesIO(files[path.replace("rows.parquet", "features.npy")]))
            rows = pq.read_table(BytesIO(files[path]), columns=["filename", "digest", "size"]).to_pylist()
            found += [(*row.values(), one.tobytes()) for row, one in zip(rows, features, strict=True)]
    return sorted(found)


@pytest.fixture(scope="module")
def ray():
    """Ray, joined to a cluster of this machine with two CPUs; what it starts imports these tests. It ends with them."""
    pytest.importorskip("ray", reason="Ray is not installed (the extra `ray`)")
    before = dict(os.environ)
    os.environ.update(child_environment())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flarescope.cluster.connect.available_cores", lambda: 2)
        with joined(None) as found:
            yield found
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """95 images, and what one machine makes of them in shards of 10: their folder, names, and the store's files."""
    place = tmp_path_factory.mktemp("alone")
    names = write_pngs(place / "images", 95, size=16)
    store = FeatureStore(place / "features", fake_key())
    store.build(names, place / "images", FakeEngine, shard_rows=ROWS)
    return place / "images", names, content(store.folder)


def crew_of(ray, folder, *, per_node=2):
    folder.mkdir(exist_ok=True)
    return assemble(ray, folder, ray_fakes.choose_fake, per_node)


def build(crew, folder, images, names, engine=ray_fakes.fake_engine, *, heard=None, progress=None):
    store = FeatureStore(folder, fake_key())
    fill = partial(fill_on, crew, heard or Heard())
    return store, store.build(names, images, engine, shard_rows=ROWS, fill=fill, progress=progress)


def test_two_workers_one_of_which_is_killed_make_the_bytes_of_one_machine(ray, alone, tmp_path, capfd, monkeypatch):
    images, names, expected = alone
    data = importlib.import_module("ray.data").DataContext.get_current()
    monkeypatch.setattr(data, "target_max_block_size", 7)  # by the program that this runs in, and none of our business
    heard, steps = Heard(), []
    crew = crew_of(ray, tmp_path / "features")
    engine = partial(ray_fakes.dying_engine, tmp_path / "mark")
    build_with = partial(build, crew, tmp_path / "features", images, names, engine)
    store, computed = build_with(heard=heard, progress=lambda *step: steps.append(step))
    assert computed == 95
    assert content(store.folder) == expected
    assert (tmp_path / "mark").read_bytes() in (b"x", b"xx")  # two may find the mark absent at once
    assert heard.notes[0] == "Ray: 2 workers on 1 node, fake-cpu-fp32"
    assert re.fullmatch(r"a worker on .* took the place of one that ended; its shard was done again", heard.notes[1])
    assert steps[0] == (0, 95)
    assert sorted(after[0] - before[0] for before, after in pairwise(steps)) == [5] + [10] * 9
    assert capfd.readouterr() == ("", "")  # what Ray would say of it, and of itself
    assert build_with()[1] == 0
    assert data is importlib.import_module("ray.data").DataContext.get_current()
    assert (data.target_max_block_size, data.enable_progress_bars) == (7, True)


def test_a_node_that_does_not_see_the_store_reads_a_storage_and_sends_its_shards(ray, alone, tmp_path):
    images, names, _ = alone
    crew = crew_of(ray, tmp_path / "features", per_node=2)
    far = replace(crew, nodes=[replace(node, sees_store=False) for node in crew.nodes])
    stores = [FeatureStore(tmp_path / place, fake_key(dtype="float16")) for place in ("features", "here")]
    heard = Heard()
    fill = partial(fill_on, far, heard)
    assert stores[0].build(names[:8], images_at(f"file://{images}"), FakeEngine, shard_rows=ROWS, fill=fill) == 8
    assert heard.notes == ["Ray: 1 worker on 1 node, fake-cpu-fp32"]  # there is no more than one shard
    stores[1].build(names[:8], images, FakeEngine, shard_rows=ROWS)
    there, here = (store.rows(names[:8])[np.arange(8)] for store in stores)
    assert np.array_equal(there, here)
    assert stores[0].content_digest(names[:8]) == stores[1].content_digest(names[:8])


def test_what_ends_every_worker_is_given_up(ray, alone, tmp_path):
    images, names, _ = alone
    crew = crew_of(ray, tmp_path / "features", per_node=1)
    engine = partial(ray_fakes.dying_engine, tmp_path / "mark", times=99)
    with pytest.raises(FlarescopeError, match=r"3 workers ended over the shard that begins with 00000.png.*memory"):
        build(crew, tmp_path / "features", images, names[:ROWS], engine)
    assert (tmp_path / "mark").read_bytes() == b"xxx"
    assert [path.name for path in (tmp_path / "features" / fake_key().folder).iterdir()] == ["store.json"]


def test_a_damaged_image_is_named_with_its_node_and_finished_shards_stay(ray, tmp_path):
    names = write_pngs(tmp_path / "images", 40, size=16)
    (tmp_path / "images" / names[25]).write_bytes(b"no png")
    crew = crew_of(ray, tmp_path / "features", per_node=1)
    host = socket.gethostname()
    with pytest.raises(InputError, match=rf"00025.png: not a PNG.*\(on {host}\)"):
        build(crew, tmp_path / "features", tmp_path / "images", names)
    write_png(tmp_path / "images" / names[25], 1, size=16)
    store = FeatureStore(tmp_path / "features", fake_key())
    # One worker, which got the shards in order.
    assert store.build(names, tmp_path / "images", FakeEngine, shard_rows=ROWS) == 20


def test_images_of_several_shapes_pass_from_who_reads_to_who_computes():
    prints = [Fingerprint(7, 2**60, 3, "ab"), Fingerprint(8, 1, 0, "cd")]
    pixels = [np.arange(12, dtype=np.uint8).reshape(3, 2, 2), np.full((1, 2, 2), 0.1, np.float32)]
    given = [ReadImage(Rendered(one), print_) for one, print_ in zip(pixels, prints, strict=True)]
    block = read_block(5, ["a.png", "b.fits"], given)
    assert block["number"].to_pylist() == [5, 5]
    assert error_in(block) is None
    for before, after in zip(given, images_of(block, 2), strict=True):
        assert np.array_equal(before.rendered.pixels, after.rendered.pixels)
        assert before.rendered.pixels.dtype == after.rendered.pixels.dtype
        assert before.fingerprint == after.fingerprint
    failed = error_in(failed_block(5, InputError("a.png: no")))
    assert isinstance(failed, InputError)
    assert str(failed) == "a.png: no"


def test_networks_leave_room_for_who_reads_on_every_node():
    def crew(*nodes, device="cpu", per_node=1):
        choice = EngineChoice("torch", device, "fp32", 16)
        return Crew(None, [Node(str(n), "host", cpus, gpus) for n, (cpus, gpus) in enumerate(nodes)], choice, per_node)

    for given, networks in (
        (crew((1, 0), (1, 0)), [1, 1]),
        (crew((2, 0), per_node=2), [2]),
        (crew((4, 0), (16, 0)), [1, 4]),
        (crew((4, 0), (16, 0), per_node=2), [2, 8]),
        (crew((3, 0), per_node=9), [3]),
        (crew((16, 2), (8, 0), device="cuda"), [2, 0]),
        (crew((2, 4), device="cuda"), [4]),
    ):
        needs = Needs.of(given.cpus, on_gpu=given.on_gpu)
        assert [place.workers for place in given.places().values()] == networks
        for node, number in zip(given.nodes, networks, strict=True):
            assert number * needs.network_cpus + needs.reading_cpus <= node.cpus
            assert number * needs.network_gpus <= node.gpus


def test_nodes_are_asked_before_work_begins(ray, tmp_path, monkeypatch):
    nodes = nodes_of(ray)
    with pytest.raises(InputError, match=rf"has flarescope {version('flarescope')}; expected 99.0 .*pip install"):
        check_installed(ray, nodes, "99.0")
    with pytest.raises(InputError, match="--per-node 0: expected at least 1"):
        assemble(ray, tmp_path, ray_fakes.choose_fake, 0)
    with pytest.raises(InputError, match=r"--engine winograd: .*\(on Ray's node"):
        assemble(ray, tmp_path, ray_fakes.refuse, 1)
    assert not list(tmp_path.iterdir())


def test_a_node_without_flarescope_is_one_line_that_says_what_to_install(monkeypatch):
    import flarescope.cluster.nodes as nodes_module

    node = nodes_module.Node("1", "far", 4, 0)
    monkeypatch.setattr(
        nodes_module, "_on_each", lambda *_args, **_options: [("No module named 'flarescope'", "3.11.7")]
    )
    with pytest.raises(InputError, match=r"Ray's node far has no flarescope .*pip install 'flarescope\[ray\]==0.2.0'"):
        check_installed(None, [node], "0.2.0")


def test_engines_that_differ_are_never_mixed(monkeypatch, tmp_path):
    import flarescope.cluster.nodes as nodes_module

    found = [(EngineChoice("torch", "cuda", "bf16", 256), True), (EngineChoice("openvino", "cpu", "fp32", 16), True)]
    monkeypatch.setattr(nodes_module, "_on_each", lambda *_args, **_options: found)
    nodes = [nodes_module.Node("1", "near", 4, 1), nodes_module.Node("2", "far", 4, 1)]
    expected = r"openvino-cpu-fp32 on far, torch-cuda-bf16 on near.*name one with --engine and --precision"
    with pytest.raises(InputError, match=expected):
        nodes_module.look_around(None, nodes, ray_fakes.choose_fake, tmp_path)
    nodes[1] = replace(nodes[1], gpus=0)  # beside a GPU it reads
    assert nodes_module.look_around(None, nodes, ray_fakes.choose_fake, tmp_path)[1] == found[0][0]
    found[1] = "--engine winograd: not here", True
    assert nodes_module.look_around(None, nodes, ray_fakes.choose_fake, tmp_path)[1] == found[0][0]


def test_no_ray_and_no_cluster_are_one_line(monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "ray", None)
        with pytest.raises(InputError, match=r"pip install 'flarescope\[ray\]'"), joined(None):
            pass
    pytest.importorskip("ray")
    from flarescope.cluster import connect

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(InputError, match=rf"127.0.0.1:{port}: nothing answers there .*ray start --head"):
            connect._check_answers(f"127.0.0.1:{port}")
    for wrong in ("ray://here:10001", "here", "here:port"):
        with pytest.raises(InputError, match="expected auto, or HOST:PORT"):
            connect._check_answers(wrong)


def test_options_of_a_cluster_want_one(tmp_path, capsys):
    data = write_set(tmp_path / "set", regions={"train": [1121]}, images_a_region=2)
    words = ["features", str(data["train"]), "--images", str(data["images"]), "--out", str(tmp_path / "f")]
    assert main([*words, "--address", "auto"]) == 2
    assert "give --on ray too" in capsys.readouterr().err
    assert main([*words, "--on", "ray", "--magnetic"]) == 2
    assert "leave --magnetic out" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_by_a_true_network(ray, tmp_path, capsys):
    """EfficientNet-Lite0 with random filters, float16, by the command: the bytes of the command without --on."""
    data = write_set(tmp_path / "set", regions={"train": [1121]}, images_a_region=4)
    words = [
        "features",
        str(data["train"]),
        "--images",
        str(data["images"]),
        "--backbone",
        "efficientnet-lite0:random:3",
    ]
    words += ["--engine", "openvino", "--precision", "fp32", "--store", "float16", "--engine-batch", "3"]
    words += ["--quiet"]
    assert main([*words, "--out", str(tmp_path / "here")]) == 0
    assert main([*words, "--out", str(tmp_path / "there"), "--on", "ray"]) == 0
    assert "kept in" not in capsys.readouterr().out
    here, there = content(tmp_path / "here"), content(tmp_path / "there")
    assert here == there
    assert len(here) == 3


DRIVER = """
import sys
from functools import partial
from pathlib import Path
import ray_fakes
from fakes import Heard, fake_key
from flarescope.cluster.connect import joined
from flarescope.cluster.filling import assemble, fill_on
from flarescope.features.store import FeatureStore
images, root = Path(sys.argv[1]), Path(sys.argv[2])
names = sorted(path.name for path in images.iterdir())
with joined(sys.argv[3] if sys.argv[3:] else None) as ray:
    crew = assemble(ray, root, ray_fakes.choose_fake, 1)
    store = FeatureStore(root, fake_key())
    engine = partial(ray_fakes.WaitingEngine, 0.05)
    store.build(names, images, engine, shard_rows=10, fill=partial(fill_on, crew, Heard()))
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_driver_that_ends_leaves_a_store_that_one_machine_finishes(ray, alone, tmp_path, how, interruptible):
    images, names, expected = alone
    root = tmp_path / "features"
    root.mkdir()
    # The one that is killed joins the cluster that is there, the other one starts its own, which takes seconds.
    where = [ray.get_runtime_context().gcs_address] if how == signal.SIGKILL else []
    child = subprocess.Popen([sys.executable, "-c", DRIVER, str(images), str(root), *where], env=child_environment())
    folder = root / fake_key().folder
    wait_until(lambda: (folder / "shard-000001").is_dir() or child.poll() is not None)
    child.send_signal(how)
    assert child.wait(LIMIT_S) != 0
    assert not (folder / "shard-000009").exists()
    store = FeatureStore(root, fake_key())
    store.build(names, images, FakeEngine, shard_rows=ROWS)
    # Which shards were taken, and so into which the rest is cut, is chance; what is known of each image is not.
    assert rows_of(content(store.folder)) == rows_of(expected)


SEVERAL = """
import sys
from functools import partial
from pathlib import Path
import ray_fakes
from fakes import Heard, fake_key
from ray.cluster_utils import Cluster
from flarescope.cluster.connect import joined
from flarescope.cluster.filling import assemble, fill_on
from flarescope.features.store import FeatureStore
images, root = Path(sys.argv[1]), Path(sys.argv[2])
names = sorted(path.name for path in images.iterdir())
small = {"num_cpus": 1, "object_store_memory": 80_000_000}
cluster = Cluster(initialize_head=True, head_node_args={**small, "include_dashboard": False})
others = [cluster.add_node(**small) for _ in range(2)]
cluster.wait_for_nodes()
heard = Heard()
def lose_one(done, total):
    if done >= 20 and others:
        cluster.remove_node(others.pop(), allow_graceful=False)
        del others[:]
with joined(cluster.address) as ray:
    crew = assemble(ray, root, ray_fakes.choose_fake, 1)
    assert len(crew.nodes) == 3, crew.nodes
    store = FeatureStore(root, fake_key())
    engine = partial(ray_fakes.TogetherEngine, root / "ready", 3, 0.1)
    fill = partial(fill_on, crew, heard)
    store.build(names, images, engine, shard_rows=10, fill=fill, progress=lose_one)
cluster.shutdown()
print("\\n".join(heard.notes))
"""


@pytest.mark.slow
def test_a_node_that_is_lost_costs_its_shard_in_hand(ray, alone, tmp_path):
    """Three nodes, each a process of Ray; one is killed in the midst."""
    images, _, expected = alone
    root = tmp_path / "features"
    root.mkdir()
    command = [sys.executable, "-c", SEVERAL, str(images), str(root)]
    soon = {"RAY_health_check_period_ms": "500", "RAY_health_check_failure_threshold": "3"}  # a lost node is noticed
    environment = child_environment() | soon
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert run.returncode == 0, run.stderr
    assert "Ray: 3 workers on 3 nodes" in run.stdout
    assert "took the place of one that ended; its shard was done again" in run.stdout
    assert content(root / fake_key().folder) == expected
