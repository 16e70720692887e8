"""How much faster do two and eight nodes of a Ray cluster pass over the images than one?

All nodes are processes of this machine (`ray.cluster_utils`), and the network is a stand-in that waits a fixed time for
each image and gives pixels as its features: so the cores of one machine show what handing out shards, writing them and
taking them in costs, and nothing of what true machines, networks and disks do. The time runs from when all networks
have their first images; how long that took, mostly for processes to start, is said beside it. Each pass must give the
bytes of one process.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))
os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import ray_fakes
from fakes import FakeEngine, fake_key, write_pngs
from flarescope.cluster.connect import joined
from flarescope.cluster.filling import assemble, fill_on
from flarescope.features.store import FeatureStore
from flarescope.progress import Reporter

OBJECT_STORE_BYTES = 80_000_000


def content(folder: Path) -> dict[str, bytes]:
    """Give every file of a store, with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def pass_over(
    place: Path, names: list[str], nodes: int, rows: int, seconds: float
) -> tuple[float, float, dict[str, bytes]]:
    """Pass over the images with so many nodes; give seconds of work, seconds of start, and the store's files."""
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "object_store_memory": OBJECT_STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args={**small, "include_dashboard": False})
    try:
        for _ in range(nodes - 1):
            cluster.add_node(**small)
        cluster.wait_for_nodes()
        place.mkdir()
        begun = time.time()
        with joined(cluster.address) as ray:
            crew = assemble(ray, place, ray_fakes.choose_fake, 1)
            store = FeatureStore(place, fake_key())
            engine = partial(ray_fakes.TogetherEngine, place / "ready", nodes, seconds)
            store.build(
                names, place.parent / "images", engine, shard_rows=rows, fill=partial(fill_on, crew, Reporter())
            )
            ended = time.time()
        ready = max(path.stat().st_mtime for path in (place / "ready").iterdir())
        return ended - ready, ready - begun, content(store.folder)
    finally:
        cluster.shutdown()


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 2, 8])
    parser.add_argument("--shards", type=int, default=32)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--seconds-an-image", type=float, default=0.25)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        names = write_pngs(place / "images", asked.shards * asked.rows, size=16)
        alone = FeatureStore(place / "alone", fake_key())
        alone.build(names, place / "images", FakeEngine, shard_rows=asked.rows)
        expected, found = content(alone.folder), {}
        for nodes in asked.nodes:
            work, start, files = pass_over(place / f"nodes{nodes}", names, nodes, asked.rows, asked.seconds_an_image)
            found[nodes] = {"work_s": round(work, 1), "start_s": round(start, 1), "same_bytes": files == expected}
            print(f"{nodes} nodes: {found[nodes]}", file=sys.stderr, flush=True)
    first = found[asked.nodes[0]]["work_s"]
    for one in found.values():
        one["times_the_first"] = float(np.round(first / one["work_s"], 2))
    print(json.dumps({"images": len(names), **vars(asked), "load_before": os.getloadavg(), "found": found}, indent=2))


if __name__ == "__main__":
    main()
