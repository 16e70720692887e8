"""How does Adam's step of several heads go over memory once, with the bytes that `adam_change` gives?

Each operation is one of float32 that IEEE 754 rounds in one way, and none is joined with another, so that it does not
matter who computes them; NumPy goes over the same numbers a dozen times.
"""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from flarescope.native.available import native_available

if TYPE_CHECKING:
    from flarescope.native.emit import Emitter

LANES: Final = 16
"""Numbers of a vector; rows are so many, or a multiple of it, long."""


@functools.cache
def compiled_step() -> Callable[[int], None] | None:
    """Give the step as instructions, which takes the address of a `table`; None where none can be made here."""
    if not native_available():
        return None
    from llvmlite import ir

    from flarescope.native.emit import Emitter
    from flarescope.native.machine import Compiled

    module = ir.Module("adam")
    emitter = Emitter(module, "step", 1, LANES)
    _write_step(emitter)
    emitter.builder.ret_void()
    # Roots and quotients of 8 numbers take less than half the time of those of 16.
    return Compiled(module, "-avx512f").function("step")


def table(
    first: np.ndarray, second: np.ndarray, gradient: np.ndarray, theta: np.ndarray, difference: np.ndarray
) -> np.ndarray:
    """Give what the step is told once: where the heads lie, and how many there are of what length.

    Args:
        first: `(E, P)` float32, Adam's first moments; rows of `LANES` numbers or a multiple, as all others.
        second: the second ones.
        gradient: by the weights of "flares".
        theta: `(2, E, P)`: the weights of "does not flare" and of "flares".
        difference: `(E, P)`, gets the second of them less the first.

    Returns:
        `(9,)` int64; the last is the address of the rates, `(E, 4)` float32 (see `adam_change.Rates`), for each step.
    """
    arrays = (first, second, gradient, theta, difference)
    if any(one.dtype != np.float32 or one.strides[-2] % (4 * LANES) for one in arrays):
        raise ValueError("rows of another length or kind")
    width = first.strides[0] // 4
    return np.array([*(one.ctypes.data for one in arrays), len(first), width, theta.strides[0], 0], np.int64)


def _write_step(emitter: "Emitter") -> None:
    from flarescope.native.emit import F32, integer

    (told,) = emitter.function.args
    *arrays, heads, width, other, rates = emitter.fields(told, *range(9))
    row = emitter.times(width, 4)
    with emitter.loop(heads) as head:
        places = [emitter.at(rates, emitter.times(head, 16), integer(4 * number)) for number in range(4)]
        numbers = [emitter.broadcast(emitter.load(place, F32)) for place in places]
        start = emitter.times(head, row)
        with emitter.loop(width, LANES) as column:
            offset = emitter.builder.add(start, emitter.times(column, 4))
            _write_vector(emitter, [emitter.at(array, offset) for array in arrays], other, numbers)


def _write_vector(emitter: "Emitter", places: list[Any], other: Any, rates: list[Any]) -> None:  # noqa: ANN401 - llvmlite is untyped
    """Write what happens to `LANES` parameters; the operations are those of `adam_change`, in their order."""
    builder = emitter.builder
    at_first, at_second, at_gradient, at_theta, at_difference = places
    size, by_first, by_second, epsilon = rates
    first, second, gradient, none = (emitter.load(place) for place in (at_first, at_second, at_gradient, at_theta))
    first = builder.fadd(first, builder.fmul(builder.fsub(gradient, first), by_first))
    square = builder.fmul(gradient, gradient)
    second = builder.fadd(second, builder.fmul(builder.fsub(square, second), by_second))
    root = emitter.intrinsic(f"llvm.sqrt.v{LANES}f32", emitter.vector, second)
    change = builder.fmul(builder.fdiv(first, builder.fadd(root, epsilon)), size)
    at_flares = emitter.at(at_theta, other)
    none, flares = builder.fadd(none, change), builder.fsub(emitter.load(at_flares), change)
    stored = [(first, at_first), (second, at_second), (none, at_theta), (flares, at_flares)]
    for value, place in [*stored, (builder.fsub(flares, none), at_difference)]:
        emitter.store(value, place)
