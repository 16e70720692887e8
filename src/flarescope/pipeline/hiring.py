"""How does a cluster come to work for one pass over the images: which engine, which weights, how many workers?"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from flarescope.backbones.base import Network, Spec, Weights
from flarescope.backbones.registry import find
from flarescope.cluster.connect import joined
from flarescope.cluster.filling import Crew, assemble, fill_on
from flarescope.engines.base import Engine, EngineChoice
from flarescope.engines.choose import choose
from flarescope.engines.start import start
from flarescope.errors import InputError
from flarescope.features.filling import Filling
from flarescope.files import make_folder
from flarescope.progress import Reporter


@dataclass(frozen=True)
class OnRay:
    """Which Ray cluster computes features, and by how many workers.

    Attributes:
        address: `auto` for the cluster of this machine, `HOST:PORT` of a head; None for this machine alone.
        per_node: networks on the smallest node, which share its cores; larger nodes get more. On GPUs there is one a
            GPU whatever this says.
    """

    address: str | None = None
    per_node: int = 1


class Asked(Protocol):
    """Which engine, in which precision and batches: `featuring.Compute`."""

    @property
    def engine(self) -> str:
        """Name of an engine, or `auto`."""

    @property
    def precision(self) -> str:
        """`fp32`, `bf16` or `auto`."""

    def settle(self, choice: EngineChoice, backbone: Network) -> EngineChoice:
        """Give an engine its batch and streams."""


@dataclass(frozen=True)
class Hired:
    """A crew with what it is to compute.

    Attributes:
        crew: the nodes, asked.
        choice: their engine, with the batch that was asked for, or that was fastest on this machine if that is known.
        spec: names the network, there as here.
        digest: of its weights here.
        reporter: hears of workers.
    """

    crew: Crew
    choice: EngineChoice
    spec: str
    digest: str
    reporter: Reporter

    def engine(self, choice: EngineChoice) -> Callable[[], Engine]:
        """Give what makes the network ready on a node."""
        return partial(start_there, choice, self.spec, self.digest)

    def fill(self, filling: Filling, engine: Callable[[], Engine]) -> None:
        """Compute what a store lacks (see `features.filling.Fill`)."""
        fill_on(self.crew, self.reporter, filling, engine)


@contextlib.contextmanager
def hired(
    on: OnRay | None,
    spec: Spec,
    weights: Weights,
    asked: Asked,
    features: Path,
    reporter: Reporter,
) -> Iterator[Hired | None]:
    """Give a cluster, ready to work, for a `with` block; None where none is wanted.

    Args:
        on: which cluster.
        spec: of the network, as a user names it.
        weights: that this means here.
        asked: which engine, in which precision.
        features: the folder of the stores; it is made.
        reporter: hears of workers.

    Raises:
        InputError: a network that has no name, Ray is not installed, no cluster, a node that cannot work.
    """
    if on is None:
        yield None
        return
    if not isinstance(spec, str):
        raise InputError("on a cluster a network is known by its name or its file, not as a module of a program")
    backbone = weights.backbone
    chosen = partial(choose, asked.engine, asked.precision, runs=backbone.engines, precisions=backbone.precisions)
    with joined(on.address) as ray:
        crew = assemble(ray, make_folder(features), chosen, on.per_node)
        choice = asked.settle(crew.choice, backbone)
        there = str(Path(spec).absolute()) if Path(spec).exists() else spec
        yield Hired(crew, choice, there, weights.digest, reporter)


def start_there(choice: EngineChoice, spec: str, digest: str) -> Engine:
    """Make a network ready on a node of the cluster.

    Raises:
        InputError: weights that are not there, or others than where the command runs.
    """
    weights = find(spec)
    if weights.digest != digest:
        raise InputError(f"--backbone {spec}: other weights than where the command runs; copy those here")
    return start(choice, weights)
