"""How does a head of any kind lie in a file as plain arrays, and is it the one that was written?"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from flarescope.errors import InputError
from flarescope.heads.base import AnyHead
from flarescope.heads.boosting import Boosted
from flarescope.heads.head import Head
from flarescope.heads.mlp import Mlp
from flarescope.heads.sequence import ARRAYS as SEQUENCE_ARRAYS
from flarescope.heads.sequence import SequenceHead

LINEAR: Final = "linear"
ARRAYS: Final[Mapping[str, tuple[str, ...]]] = {
    LINEAR: ("kernel", "bias"),
    "mlp": ("mean", "inverse", "kernel", "bias", "output", "constant"),
    "boosting": ("size", "baseline", "roots", "feature", "cut", "upper"),
    **SEQUENCE_ARRAYS,
}
"""Names of the arrays of each kind of head."""


def kind_of(head: AnyHead) -> str:
    """Name the kind of a head.

    Raises:
        TypeError: a head that no file holds.
    """
    if isinstance(head, SequenceHead):
        return head.kind
    for kind, of_kind in ((LINEAR, Head), ("mlp", Mlp), ("boosting", Boosted)):
        if isinstance(head, of_kind):
            return kind
    raise TypeError(f"a {type(head).__name__} is not kept in files")


def linear(head: AnyHead, *, also: str = "") -> Head:
    """Give a head that is linear, for what can do nothing with another; `also` says what else it takes, as ` or mlp`.

    Raises:
        InputError: another kind.
    """
    if isinstance(head, Head):
        return head
    raise InputError(
        f"the model has a head of kind {kind_of(head)}; this takes a linear one (`train` without --head){also}"
    )


def arrays_of(head: AnyHead) -> dict[str, np.ndarray]:
    """Give the arrays of a head by name."""
    if isinstance(head, SequenceHead):
        return {name: head.arrays[name] for name in ARRAYS[head.kind]}
    return {name: getattr(head, name) for name in ARRAYS[kind_of(head)]}


def described_head(head: AnyHead) -> dict[str, Any] | None:
    """Give what a description says of a head: its kind and digest; None of a linear one, as older versions wrote it."""
    kind = kind_of(head)
    return None if kind == LINEAR else {"kind": kind, "digest": head.digest}


def check_described(values: Mapping[str, Any] | None) -> str:
    """Give the kind of head that a description says.

    Raises:
        ValueError: none that is known.
    """
    kind = LINEAR if values is None else values.get("kind")
    if kind not in ARRAYS:
        raise ValueError(f"head of kind {str(kind)[:20]!r}")
    return str(kind)


def head_of(kind: str, arrays: Mapping[str, np.ndarray]) -> AnyHead:
    """Put a head together.

    Args:
        kind: as `kind_of` names it.
        arrays: finite, as `arrays_of` gave them.

    Raises:
        ValueError: arrays whose shapes do not fit each other.
    """
    if kind == "boosting":
        return Boosted(**{name: arrays[name].astype(np.float64) for name in ARRAYS[kind]}).check()
    if kind in SEQUENCE_ARRAYS:
        return SequenceHead(kind, {name: arrays[name].astype(np.float32) for name in ARRAYS[kind]}).check()
    if kind == "mlp":
        head = Mlp(**{name: arrays[name].astype(np.float32) for name in ARRAYS[kind]})
        shapes = [getattr(head, name).shape for name in ARRAYS[kind]]
        features, hidden = shapes[2] if len(shapes[2]) == 2 else (0, 0)
        if shapes != [(features,), (features,), (features, hidden), (hidden,), (hidden,), (1,)]:
            raise ValueError(f"the head has shapes {shapes}, which do not fit each other")
        return head
    kernel, bias = (arrays[name].astype(np.float32) for name in ARRAYS[LINEAR])
    if kernel.ndim != 2 or kernel.shape[1] != 2 or bias.shape != (2,):
        raise ValueError(f"the head has shape {kernel.shape} and {bias.shape}; expected (features, 2) and (2,)")
    return Head(kernel, bias)
