"""What are the forecasts of several heads for a batch, and the gradients that its rows give them?

Rows are read once for all heads, and each head has the bytes that it has alone.
"""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from flarescope.native.available import native_available

if TYPE_CHECKING:
    from flarescope.heads.product_steps import Tiles

Instructions = tuple[Callable[[int], None], Callable[[int], None]]


@functools.cache
def compiled_products() -> Instructions | None:
    """Give `product_steps.forecast` and `gradient` as instructions; None where none can be made here."""
    if not native_available():
        return None
    from flarescope.heads.product_steps import tiles_for
    from flarescope.native.machine import host_features

    return compile_products(tiles_for(host_features()))


def compile_products(tiles: "Tiles", without: str = "") -> Instructions:
    """Make them for a processor: what fits into its registers, and which of this one's features it lacks."""
    from llvmlite import ir

    from flarescope.heads import product_steps
    from flarescope.native.machine import Compiled

    module = ir.Module("products")
    product_steps.forecast(module, tiles)
    product_steps.gradient(module, tiles)
    compiled = Compiled(module, without, level=0)  # as they are written: made in .1 s for .25, and as fast
    return compiled.function("forecast"), compiled.function("gradient")


class Products:
    """Heads, with room for their gradients; where each lies is told once.

    Args:
        heads: `(E, F + 1)` float32, the weights of each and its bias.
        gradients: the same, filled in by `pull`.
    """

    def __init__(self, heads: np.ndarray, gradients: np.ndarray) -> None:
        if any(one.dtype != np.float32 or one.strides[1] != 4 for one in (heads, gradients)):
            raise ValueError("expected heads and gradients in float32, the numbers of each side by side")
        self._heads, self._gradients, self._compiled = heads, gradients, compiled_products()

    def forecast(self, x: np.ndarray, log_odds: np.ndarray) -> None:
        """Fill in the log-odds.

        Args:
            x: `(n, F)` float32.
            log_odds: `(E, n)` float32.
        """
        if self._compiled is None:
            for head, own in zip(self._heads, log_odds, strict=True):
                np.dot(x, head[:-1], out=own)
                own += head[-1]
            return
        self._call(self._compiled[0], x, self._heads, log_odds)

    def pull(self, x: np.ndarray, pulls: np.ndarray) -> None:
        """Fill in the gradients.

        Args:
            x: `(n, F)` float32.
            pulls: `(E, n)` float32, the derivatives of the loss by the log-odds.
        """
        if self._compiled is None:
            for gradient, own in zip(self._gradients, pulls, strict=True):
                np.dot(own, x, out=gradient[:-1])
                gradient[-1] = own.sum()
            return
        self._call(self._compiled[1], x, pulls, self._gradients)

    def _call(self, function: Callable[[int], None], x: np.ndarray, given: np.ndarray, filled: np.ndarray) -> None:
        x = np.ascontiguousarray(x, np.float32)
        if x.shape[1] + 1 != self._heads.shape[1]:  # NumPy would say so; instructions read on
            raise ValueError(f"rows of {x.shape[1]} features for heads of {self._heads.shape[1] - 1}")
        arrays = (x, given, filled)
        sizes = (*x.shape, len(self._heads))
        table = np.array([*(one.ctypes.data for one in arrays), *sizes, *(one.strides[0] for one in arrays)], np.int64)
        function(table.ctypes.data)
