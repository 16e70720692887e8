"""Which nodes of a Ray cluster can work, and how is each asked before work begins?"""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from flarescope.engines.base import EngineChoice
from flarescope.errors import InputError

ANSWER_S: Final = 120.0
"""Seconds in which a node has to say what it is; a worker of Ray starts in a few, or is in a queue."""
NONE_MISSING: Final = ""


@dataclass(frozen=True)
class Node:
    """A machine of the cluster.

    Attributes:
        id: Ray's.
        host: its name, for people.
        cpus: that Ray may give away there.
        gpus: likewise.
        sees_store: whether the folder of the store is the same there as here.
    """

    id: str
    host: str
    cpus: int
    gpus: int
    sees_store: bool = False


def nodes_of(ray: Any) -> list[Node]:  # noqa: ANN401 - Ray's types need Ray
    """List the nodes that are alive and have a CPU to give, in an order that does not change."""
    found = []
    for node in ray.nodes():
        resources = node.get("Resources", {})
        cpus, gpus = int(resources.get("CPU", 0)), int(resources.get("GPU", 0))
        if node["Alive"] and cpus > 0:
            found.append(Node(node["NodeID"], str(node["NodeManagerHostname"]), cpus, gpus))
    return sorted(found, key=lambda node: node.id)


def check_installed(ray: Any, nodes: Sequence[Node], version: str) -> None:  # noqa: ANN401
    """Raise an InputError unless this version of flarescope, on this Python, is on every node.

    What asks is sent as code and not by its name, which a node without flarescope could not look up.
    """

    def ask() -> tuple[str, str]:
        import platform
        from importlib.metadata import version

        try:
            from flarescope.errors import FlarescopeError  # noqa: F401 - whether it is there is the question

            return version("flarescope"), platform.python_version()
        except ImportError as error:
            return str(error), platform.python_version()

    for node, (found, python) in zip(nodes, _on_each(ray, nodes, ask), strict=True):
        if found != version:
            what = f"flarescope {found}" if found[:1].isdigit() else f"no flarescope ({found})"
            raise InputError(
                f"Ray's node {node.host} has {what}; expected {version} on Python {platform.python_version()} (there "
                f"{python}): pip install 'flarescope[ray]=={version}' in the environment that `ray start` runs in"
            )


def look_around(
    ray: Any,  # noqa: ANN401
    nodes: Sequence[Node],
    choose: Callable[[], EngineChoice],
    mark: Path,
) -> tuple[list[Node], EngineChoice]:
    """Ask each node which engine it would take and whether it sees the store.

    Where a node would compute on a GPU, those that have none are not asked to compute.

    Args:
        ray: joined.
        nodes: that have flarescope.
        choose: gives the engine of the machine where it is called.
        mark: a file in the store's folder, of a name that no other place has.

    Returns:
        The nodes, with what they see, and the one engine of them all.

    Raises:
        InputError: engines that differ, of which a store never mixes two.
    """

    def ask() -> tuple[EngineChoice | str, bool]:
        try:
            return choose(), mark.exists()
        except InputError as error:
            return str(error), False

    answers = _on_each(ray, nodes, ask, gpu=True)
    on_gpu = any(not isinstance(one, str) and one.device == "cuda" for one, _ in answers)
    # Beside GPUs, nodes without one do not compute: they read.
    computing = [(node, one) for node, (one, _) in zip(nodes, answers, strict=True) if node.gpus or not on_gpu]
    ids, chosen = dict[str, str](), list[EngineChoice]()
    for node, one in computing:
        if isinstance(one, str):
            raise InputError(f"{one} (on Ray's node {node.host})")
        ids[one.id] = node.host
        chosen.append(one)
    if len(ids) > 1:
        listed = ", ".join(f"{one} on {host}" for one, host in sorted(ids.items()))
        raise InputError(
            f"the nodes would compute by different engines ({listed}), and features of two are never mixed: name one "
            "with --engine and --precision"
        )
    return [replace(node, sees_store=sees) for node, (_, sees) in zip(nodes, answers, strict=True)], chosen[0]


def _on_each(ray: Any, nodes: Sequence[Node], ask: Callable[[], Any], *, gpu: bool = False) -> list[Any]:  # noqa: ANN401
    """Call a function on each node, beside whatever works there."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    asked = []
    for node in nodes:
        there = NodeAffinitySchedulingStrategy(node.id, soft=False)
        # Without a part of a GPU Ray would hide the node's GPUs.
        part = {"num_gpus": 0.01} if gpu and node.gpus else {}
        asked.append(ray.remote(num_cpus=0, scheduling_strategy=there, **part)(ask).remote())
    answers = []
    for node, one in zip(nodes, asked, strict=True):
        try:
            answers.append(ray.get(one, timeout=ANSWER_S))
        except ray.exceptions.RayError as error:
            reason = "no answer" if isinstance(error, ray.exceptions.GetTimeoutError) else type(error).__name__
            raise InputError(
                f"Ray's node {node.host} cannot be asked ({reason}); see `ray status`, or take it out"
            ) from error
    return answers
