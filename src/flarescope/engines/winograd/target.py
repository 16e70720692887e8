"""Which instructions multiply matrices on this processor, and in which shapes?"""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Target:
    """A processor's vectors, and the product of matrices that suits them.

    Attributes:
        name: of the instruction set.
        without: what LLVM may not use of what the machine has, in its notation.
        lanes: floats of a vector.
        vectors: of a panel of columns.
        rows: of a product; rows times vectors sums stay in registers.
        bf16: whether products are of bf16, in pairs of channels, with sums in fp32.
    """

    name: str
    without: str
    lanes: int
    vectors: int
    rows: int
    bf16: bool

    @property
    def panel(self) -> int:
        """Columns of a product."""
        return self.lanes * self.vectors

    @property
    def dtype(self) -> np.dtype[Any]:
        """A factor's: float32, or uint16 for the bits of bfloat16."""
        return np.dtype(np.uint16 if self.bf16 else np.float32)

    @property
    def item(self) -> int:
        """Bytes of a factor."""
        return self.dtype.itemsize

    @property
    def channels_at_once(self) -> int:
        """Channels that one instruction multiplies and adds."""
        return 2 if self.bf16 else 1


def target_for(precision: str, features: set[str]) -> Target | None:
    """Choose the instructions for a precision, `fp32` or `bf16`; None where the processor lacks them."""
    if precision == "bf16":
        if {"avx512f", "avx512bw", "avx512vl", "avx512bf16"} <= features:
            return Target("avx512bf16", "", lanes=16, vectors=4, rows=6, bf16=True)
        return None
    if {"avx512f", "avx512vl"} <= features:
        return Target("avx512", "", lanes=16, vectors=4, rows=6, bf16=False)
    if {"avx2", "fma"} <= features:
        return Target("avx2", "-avx512f", lanes=8, vectors=2, rows=6, bf16=False)
    return None
