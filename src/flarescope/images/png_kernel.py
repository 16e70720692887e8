"""Which instructions take the filters off the rows of an 8-bit grey PNG?

Before its rows are compressed, each byte of a PNG has a guess from its neighbours subtracted: a from the left, b from
above, c from above left, 0 outside the image. The byte before a row says which guess: 0 none, 1 a, 2 b, 3 their mean
rounded down, 4 the one of the three that is nearest to a + b - c (Paeth 1991), a before b before c where two are as
near (ISO/IEC 15948, clause 9).
"""

from enum import IntEnum, auto
from typing import Final

from llvmlite import ir

from flarescope.native.emit import I32, Emitter, Value

FILTERS: Final = 5

_BYTE: Final = ir.IntType(8)


class Rows(IntEnum):
    """Fields of the table that the function `unfilter` takes, 64-bit integers.

    Attributes:
        FILTERED: address of the inflated rows, each with its filter before its pixels.
        PIXELS: address of where the pixels go; a row of zeros stands before them.
        HEIGHT: rows.
        WIDTH: pixels a row, a byte each.
    """

    FILTERED = 0
    PIXELS = auto()
    HEIGHT = auto()
    WIDTH = auto()


def write() -> ir.Module:
    """Write the module with the function `unfilter`; a filter that there is not is none."""
    module = ir.Module("png")
    emitter = Emitter(module, "unfilter", 1, 1)
    builder = emitter.builder
    filtered, pixels, height, width = emitter.fields(emitter.function.args[0], *Rows)
    with emitter.loop(height) as number:
        goal = emitter.at(pixels, emitter.times(number, width))
        source = emitter.at(filtered, emitter.times(number, emitter.at(width, 1)))
        kinds = [builder.append_basic_block() for _ in range(FILTERS)]
        after = builder.append_basic_block()
        switch = builder.switch(emitter.load(source, _BYTE, align=1), kinds[0])
        for kind, block in enumerate(kinds):
            if kind:
                switch.add_case(ir.Constant(_BYTE, kind), block)
            builder.position_at_end(block)
            _row(emitter, kind, emitter.at(source, 1), goal, width)
            builder.branch(after)
        builder.position_at_end(after)
    builder.ret_void()
    return module


def _row(emitter: Emitter, kind: int, source: Value, goal: Value, width: Value) -> None:
    """Write: one row; the row before it ends where it begins."""
    builder, zero = emitter.builder, ir.Constant(I32, 0)
    above = builder.sub(goal, width)
    with emitter.loop_carrying(width, [zero, zero]) as (place, (a, c), ends):
        read, b = (builder.zext(emitter.load(emitter.at(row, place), _BYTE, align=1), I32) for row in (source, above))
        pixel = builder.and_(builder.add(read, _guess(emitter, kind, a, b, c)), ir.Constant(I32, 255))
        emitter.store(builder.trunc(pixel, _BYTE), emitter.at(goal, place), align=1)
        ends[:] = [pixel, b]


def _guess(emitter: Emitter, kind: int, a: Value, b: Value, c: Value) -> Value:
    builder = emitter.builder
    if kind < 3:
        return (ir.Constant(I32, 0), a, b)[kind]
    if kind == 3:
        return builder.lshr(builder.add(a, b), ir.Constant(I32, 1))
    # c where it lies between a and b by more than half of their distance from either, else the one that is further from
    # it: the same as the definition above, and half as many steps that wait for a.
    low, high = (emitter.intrinsic(f"llvm.s{end}.i32", I32, a, b) for end in ("min", "max"))
    limit = builder.sub(builder.sub(builder.mul(c, ir.Constant(I32, 3)), b), a)
    low_or_c = builder.select(builder.icmp_signed("<=", high, limit), low, c)
    return builder.select(builder.icmp_signed("<=", limit, low), high, low_or_c)
