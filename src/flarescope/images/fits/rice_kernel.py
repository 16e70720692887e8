"""Which instructions decode the Rice-compressed tiles of an image?

Rice coding of integers as FITS 4.0 defines it (10.4.1; Rice, Yeh and Miller 1993; White and Becker 1998): a tile is a
string of bits, the most significant first. It begins with its first pixel as it is. Then, block by block of 16 or 32
pixels, comes a code of 4 or 5 bits: 0 for differences that are all zero; the highest for differences that are written
in full; code c between for differences whose low c - 1 bits are written as they are, after the others in unary: as many
zeros, and a one. A difference is that from the pixel before, 2 d for d >= 0 and -2 d - 1 below, modulo the integers'
range. Zeros fill the last byte.

The bits go through a window of 64, which holds at least 56 of the tile's after each refill. Nothing is read further
behind a tile than `BEHIND` bytes: within a block a pixel takes 63 bits at most, or goes the slow way, which gives up
where it begins behind the tile; and after each block the position is looked at.
"""

from enum import IntEnum, auto
from typing import Final

from llvmlite import ir

from flarescope.native.emit import I32, I64, Emitter, Value, integer

BEHIND: Final = 512
"""Bytes behind the last tile that must be readable: 32 pixels of 63 bits, a code, a slow pixel, a window: below 300."""

LANES: Final = 8
"""Pixels that are scaled at a time; blocks are multiples of it."""

_WINDOW: Final = 56
_AT_ONCE: Final = 2
"""Pixels that are read between refills, a power of two."""

_CODE_BITS: Final = {2: 4, 4: 5}
_FULL: Final = {2: 15, 4: 26}
"""Code of a block whose differences are written in full, by bytes a pixel."""


class Image(IntEnum):
    """Fields of the table that the function `decode` takes, 64-bit integers."""

    CONTENT = 0
    """Address of bytes in which the tiles lie, with `BEHIND` more behind the last."""
    SPANS = auto()
    """Address of `(tiles, 2)` 64-bit integers: the bytes between which each tile lies."""
    TILES = auto()
    PIXELS = auto()
    """Of each tile but the last."""
    LAST_PIXELS = auto()
    FIELD = auto()
    """Address of room for all pixels and a block more, float64."""
    SCALING = auto()
    """Address of BSCALE and BZERO, float64."""
    BLANK = auto()
    HAS_BLANK = auto()
    DAMAGED = auto()
    """Set to 1 where a tile is not as an encoder writes it; the field then holds anything."""


def write(itemsize: int, block: int) -> ir.Module:
    """Write the decoder for integers of 2 or 4 bytes in blocks of 16 or 32.

    Returns:
        A module with the function `decode`; see `Image`.
    """
    module = ir.Module("rice")
    emitter = Emitter(module, "decode", 1, LANES)
    builder = emitter.builder
    (table,) = emitter.function.args
    content, spans, tiles, most, fewer, field = emitter.fields(table, *range(Image.CONTENT, Image.SCALING))
    decoder = _Decoder(emitter, table, itemsize, block)
    with emitter.loop(tiles) as tile:
        span = emitter.at(spans, emitter.times(tile, 16))
        start, end = (emitter.at(content, edge) for edge in emitter.fields(span, 0, 1))
        is_last = builder.icmp_signed("==", tile, builder.sub(tiles, integer(1)))
        goal = emitter.at(field, emitter.times(emitter.times(tile, most), 8))
        decoder.tile(start, end, builder.select(is_last, fewer, most), goal)
    builder.ret_void()
    builder.position_at_end(decoder.damaged)
    emitter.store(integer(1), emitter.at(table, 8 * Image.DAMAGED), align=8)
    builder.ret_void()
    return module


class _Decoder:
    """Writes the instructions for a tile.

    Variables are written as places on the stack; LLVM turns them into registers.

    Args:
        emitter: of the function.
        table: its argument.
        itemsize: bytes a pixel.
        block: pixels a block.
    """

    def __init__(self, emitter: Emitter, table: Value, itemsize: int, block: int) -> None:
        self._emitter, self._itemsize, self._block = emitter, itemsize, block
        builder = self._builder = emitter.builder
        # The window, bits in it from the top, the address of the byte behind those.
        self._window, self._count, self._next = (builder.alloca(I64) for _ in range(3))
        # Where the tile ends and where zeros are looked for, in bits; the difference at hand; all of a block's, or-ed.
        self._limit, self._here, self._read, self._all = (builder.alloca(I64) for _ in range(4))
        self._pixel = builder.alloca(I32)
        self._differences = builder.ptrtoint(builder.alloca(ir.ArrayType(I32, block)), I64)
        self._real = ir.FloatType() if itemsize == 2 else ir.DoubleType()
        scaling, blank, has_blank = emitter.fields(table, Image.SCALING, Image.BLANK, Image.HAS_BLANK)
        factors = [emitter.load(emitter.at(scaling, 8 * number), ir.DoubleType(), align=8) for number in (0, 1)]
        if itemsize == 2:
            factors = [builder.fptrunc(factor, self._real) for factor in factors]
        self._bscale, self._bzero = (emitter.broadcast(factor) for factor in factors)
        self._blank = emitter.broadcast(builder.trunc(blank, I32))
        self._has_blank = emitter.broadcast(builder.trunc(has_blank, ir.IntType(1)))
        for first in range(0, block, LANES):
            nothing = ir.Constant(ir.VectorType(I32, LANES), [0] * LANES)
            emitter.store(nothing, emitter.at(self._differences, 4 * first))
        self.damaged = emitter.function.append_basic_block("damaged")

    def tile(self, start: Value, end: Value, pixels: Value, goal: Value) -> None:
        """Write: decode the tile between two addresses to float64 at `goal`, or go to `damaged`."""
        emitter, builder = self._emitter, self._builder
        builder.store(emitter.times(end, 8), self._limit)
        self._fill(emitter.times(start, 8))
        builder.store(builder.trunc(self._take(8 * self._itemsize), I32), self._pixel)
        self._refill()
        with emitter.loop(pixels, self._block) as first:
            rest = builder.sub(pixels, first)
            whole = builder.icmp_signed(">", rest, integer(self._block))
            self._read_block(builder.select(whole, integer(self._block), rest))
            self._give_up(builder.icmp_unsigned(">", self._position(), builder.load(self._limit)))
            self._finish_block(emitter.at(goal, emitter.times(first, 8)))
        unused = builder.sub(builder.load(self._limit), self._position())
        self._give_up(builder.icmp_unsigned(">=", unused, integer(8)))

    def _read_block(self, pixels: Value) -> None:
        """Write: read the differences of a block, in their unsigned form."""
        emitter, builder = self._emitter, self._builder
        full = integer(_FULL[self._itemsize])
        code = self._take(_CODE_BITS[self._itemsize])
        self._refill()
        builder.store(integer(0), self._all)
        coded = builder.icmp_unsigned("<", builder.sub(code, integer(1)), integer(_FULL[self._itemsize] - 1))
        with builder.if_else(coded, likely=True) as (then, otherwise):
            with then:
                low = builder.sub(code, integer(1))
                with emitter.loop(pixels) as number:
                    self._keep(self._read_coded(low), number)
                    often = builder.and_(number, integer(_AT_ONCE - 1))
                    with builder.if_then(builder.icmp_signed("==", often, integer(_AT_ONCE - 1))):
                        self._refill()
                self._refill()
            with otherwise:
                self._give_up(builder.icmp_unsigned(">", code, full))
                with emitter.loop(pixels) as number:
                    self._keep(integer(0), number)
                with builder.if_then(builder.icmp_unsigned("==", code, full)), emitter.loop(pixels) as number:
                    self._keep(self._take(8 * self._itemsize), number)
                    self._refill()
        too_large = builder.lshr(builder.load(self._all), integer(8 * self._itemsize))
        self._give_up(builder.icmp_unsigned("!=", too_large, integer(0)))

    def _keep(self, difference: Value, number: Value) -> None:
        builder = self._builder
        builder.store(builder.or_(builder.load(self._all), difference), self._all)
        place = self._emitter.at(self._differences, self._emitter.times(number, 4))
        self._emitter.store(builder.trunc(difference, I32), place)

    def _read_coded(self, low: Value) -> Value:
        """Write: read a difference's zeros, one and low bits."""
        emitter, builder = self._emitter, self._builder
        window, count = builder.load(self._window), builder.load(self._count)
        zeros = self._leading_zeros(window)
        used = emitter.at(zeros, low, 1)
        with builder.if_else(builder.icmp_unsigned(">", used, count), likely=False) as (then, otherwise):
            with then:
                self._read_long(low)
            with otherwise:
                rest = builder.shl(window, zeros)
                builder.store(self._joined(zeros, rest, low), self._read)
                builder.store(builder.shl(rest, emitter.at(low, 1)), self._window)
                builder.store(builder.sub(count, used), self._count)
        return builder.load(self._read)

    def _read_long(self, low: Value) -> None:
        """Write: the same where the window is too short for it; zeros may go on to the end of the tile."""
        emitter, builder = self._emitter, self._builder
        start = self._position()
        builder.store(start, self._here)
        look, found = builder.append_basic_block(), builder.append_basic_block()
        builder.branch(look)
        builder.position_at_end(look)
        here = builder.load(self._here)
        self._give_up(builder.icmp_unsigned(">=", here, builder.load(self._limit)))
        self._fill(here)
        zeros = self._leading_zeros(builder.load(self._window))
        seen = builder.icmp_unsigned("<", zeros, integer(_WINDOW))
        builder.store(emitter.at(here, builder.select(seen, zeros, integer(_WINDOW))), self._here)
        builder.cbranch(seen, found, look)
        builder.position_at_end(found)
        one = builder.load(self._here)
        self._fill(one)
        zeros = builder.sub(one, start)
        self._give_up(builder.icmp_unsigned(">=", zeros, integer(1 << 32)))
        builder.store(self._joined(zeros, builder.load(self._window), low), self._read)
        self._fill(emitter.at(one, low, 1))

    def _joined(self, zeros: Value, rest: Value, low: Value) -> Value:
        """Give a difference, in its unsigned form, of the number of zeros and a window that begins with the one."""
        builder = self._builder
        written = builder.lshr(builder.shl(rest, integer(1)), integer(1))
        return builder.or_(builder.shl(zeros, low), builder.lshr(written, builder.sub(integer(63), low)))

    def _finish_block(self, goal: Value) -> None:
        """Write: sum the differences and turn the sums into what they stand for, rounded after each operation."""
        emitter, builder = self._emitter, self._builder
        kind = ir.VectorType(I32, LANES)
        doubles = ir.VectorType(ir.DoubleType(), LANES)
        none, one = ir.Constant(kind, [0] * LANES), ir.Constant(kind, [1] * LANES)
        for first in range(0, self._block, LANES):
            read = emitter.load(emitter.at(self._differences, 4 * first), kind)
            sums = builder.xor(builder.lshr(read, one), builder.sub(none, builder.and_(read, one)))
            for shift in (1, 2, 4):
                moved = ir.Constant(kind, [LANES] * shift + list(range(LANES - shift)))
                sums = builder.add(sums, builder.shuffle_vector(sums, none, moved))
            raw = builder.add(sums, emitter.broadcast(builder.load(self._pixel)))
            builder.store(builder.extract_element(raw, ir.Constant(I32, LANES - 1)), self._pixel)
            if self._itemsize == 2:  # the upper half holds what was carried over
                sixteen = ir.Constant(kind, [16] * LANES)
                raw = builder.ashr(builder.shl(raw, sixteen), sixteen)
            values = builder.sitofp(raw, ir.VectorType(self._real, LANES))
            values = builder.fadd(builder.fmul(values, self._bscale), self._bzero)
            if self._itemsize == 2:
                values = builder.fpext(values, doubles)
            blank = builder.and_(builder.icmp_signed("==", raw, self._blank), self._has_blank)
            values = builder.select(blank, ir.Constant(doubles, [float("nan")] * LANES), values)
            emitter.store(values, emitter.at(goal, 8 * first), align=8)

    def _give_up(self, when: Value) -> None:
        with self._builder.if_then(when, likely=False):
            self._builder.branch(self.damaged)

    def _leading_zeros(self, window: Value) -> Value:
        return self._emitter.intrinsic("llvm.ctlz.i64", I64, window, ir.Constant(ir.IntType(1), 0))

    def _position(self) -> Value:
        """Give where the window begins, in bits: eight times an address."""
        builder = self._builder
        return builder.sub(self._emitter.times(builder.load(self._next), 8), builder.load(self._count))

    def _take(self, bits: int) -> Value:
        """Read so many bits as a number; a refill must follow before more than 56 are taken."""
        builder = self._builder
        window = builder.load(self._window)
        builder.store(builder.shl(window, integer(bits)), self._window)
        builder.store(builder.sub(builder.load(self._count), integer(bits)), self._count)
        return builder.lshr(window, integer(64 - bits))

    def _load_bytes(self, address: Value) -> Value:
        return self._emitter.intrinsic("llvm.bswap.i64", I64, self._emitter.load(address, I64, align=1))

    def _fill(self, position: Value) -> None:
        """Write: let the window begin at a position."""
        emitter, builder = self._emitter, self._builder
        address, bit = builder.lshr(position, integer(3)), builder.and_(position, integer(7))
        builder.store(builder.shl(self._load_bytes(address), bit), self._window)
        builder.store(builder.sub(integer(_WINDOW), bit), self._count)
        builder.store(emitter.at(address, _WINDOW // 8), self._next)
        self._refill()

    def _refill(self) -> None:
        """Write: take as many whole bytes into the window as it has room for: 56 bits at least are in it then."""
        emitter, builder = self._emitter, self._builder
        count, following = builder.load(self._count), builder.load(self._next)
        fresh = builder.lshr(self._load_bytes(following), count)
        builder.store(builder.or_(builder.load(self._window), fresh), self._window)
        builder.store(emitter.at(following, builder.lshr(builder.sub(integer(63), count), integer(3))), self._next)
        builder.store(builder.or_(count, integer(_WINDOW)), self._count)
