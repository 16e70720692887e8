"""What does the processor do, instruction by instruction, where several heads are multiplied with the rows of a batch?

The order in which the terms of a sum are added makes its bytes. Here it depends on the number of features alone: not on
how many heads and rows there are, and not on how many sums are made at a time. Each term is multiplied and added with
one rounding.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from llvmlite import ir

from flarescope.native.emit import F32, I32, Emitter, Value, integer

LANES: Final = 16
"""Numbers of a vector."""
CHAINS: Final = 2
"""Vectors that a forecast is added up in, so that an addition need not wait for the one before."""
NUMBER_BYTES: Final = 4
VECTOR_BYTES: Final = LANES * NUMBER_BYTES


class Tile(NamedTuple):
    """How many sums are made at a time, which decides how fast they are and not what they are.

    Attributes:
        rows, heads: of which the forecasts are made.
        vectors: of the gradients of so many heads.
    """

    rows: int
    heads: int
    vectors: int


def tile_for(features: set[str]) -> Tile:
    """Choose what fits into a processor's registers: with AVX512 32 of 16 numbers, else 16 of 8."""
    return Tile(rows=4, heads=3, vectors=4) if "avx512f" in features else Tile(rows=2, heads=2, vectors=2)


def forecast(module: ir.Module, tile: Tile) -> None:
    """Write `forecast(table)`: the log-odds of each row by each head, the dot product and the bias (`Products`)."""
    emitter = Emitter(module, "forecast", 1, LANES)
    told = emitter.fields(*emitter.function.args, *range(9))
    rows, heads, filled, count, width, all_heads, row_bytes, head_bytes, filled_bytes = told
    for row, own_rows in _groups(emitter, integer(0), count, tile.rows):
        lefts = _lines(emitter, rows, row_bytes, row, own_rows)
        for head, own_heads in _groups(emitter, integer(0), all_heads, tile.heads):
            rights = _lines(emitter, heads, head_bytes, head, own_heads)
            places = _lines(emitter, filled, filled_bytes, head, own_heads)
            for number, total in enumerate(_dots(emitter, lefts, rights, width)):
                left, right = divmod(number, own_heads)
                bias = emitter.load(emitter.at(rights[right], emitter.times(width, NUMBER_BYTES)), F32)
                place = emitter.at(places[right], emitter.times(row, NUMBER_BYTES), NUMBER_BYTES * left)
                emitter.store(emitter.builder.fadd(total, bias), place)
    emitter.builder.ret_void()


def gradient(module: ir.Module, tile: Tile) -> None:
    """Write `gradient(table)`: the sums over the rows of pull times feature, and of the pulls, for each head."""
    emitter = Emitter(module, "gradient", 1, LANES)
    told = emitter.fields(*emitter.function.args, *range(9))
    rows, pulls, filled, count, width, all_heads, row_bytes, pull_bytes, filled_bytes = told
    sums = (emitter, rows, row_bytes, count)
    long, short = (_whole(emitter, width, size) for size in (tile.vectors * LANES, LANES))
    parts = [(integer(0), long, tile.vectors, LANES), (long, short, 1, LANES), (short, width, 1, 1)]
    for start, end, vectors, lanes in parts:
        with emitter.loop(emitter.builder.sub(end, start), vectors * lanes) as index:
            offset = emitter.times(emitter.builder.add(start, index), NUMBER_BYTES)
            for head, own in _groups(emitter, integer(0), all_heads, tile.heads):
                own_pulls = _lines(emitter, pulls, pull_bytes, head, own)
                places = _lines(emitter, filled, filled_bytes, head, own)
                for number, total in enumerate(_sums_over_rows(*sums, own_pulls, offset, vectors, lanes)):
                    one, vector = divmod(number, vectors)
                    emitter.store(total, emitter.at(places[one], offset, VECTOR_BYTES * vector))
    with emitter.loop(all_heads) as head:
        own_pulls, places = _lines(emitter, pulls, pull_bytes, head, 1), _lines(emitter, filled, filled_bytes, head, 1)
        with emitter.loop_carrying(count, [ir.Constant(F32, 0.0)]) as (row, (total,), ends):
            pull = emitter.load(emitter.at(own_pulls[0], emitter.times(row, NUMBER_BYTES)), F32)
            ends.append(emitter.builder.fadd(total, pull))
        emitter.store(ends[0], emitter.at(places[0], emitter.times(width, NUMBER_BYTES)))
    emitter.builder.ret_void()


def _whole(emitter: Emitter, count: Value, size: int) -> Value:
    """Round down to a multiple of `size`."""
    return emitter.builder.sub(count, emitter.builder.srem(count, integer(size)))


def _groups(emitter: Emitter, start: Value, end: Value, size: int) -> Iterator[tuple[Value, int]]:
    """Go over what lies between, `size` at a time, then one by one; the caller's loop body is written for either."""
    builder = emitter.builder
    middle = builder.add(start, _whole(emitter, builder.sub(end, start), size))
    for own, first, last in ((size, start, middle), (1, middle, end)) if size > 1 else ((1, start, end),):
        with emitter.loop(builder.sub(last, first), own) as index:
            yield builder.add(first, index), own


def _lines(emitter: Emitter, base: Value, apart: Value, first: Value, count: int) -> list[Value]:
    """Give the addresses of so many lines that follow one another."""
    start = emitter.at(base, emitter.times(first, apart))
    return [emitter.at(start, emitter.times(apart, number)) for number in range(count)]


def _dots(emitter: Emitter, lefts: list[Value], rights: list[Value], width: Value) -> list[Value]:
    """Write the dot product of each left line with each right one, the pairs of the first left line first."""
    builder, pairs = emitter.builder, len(lefts) * len(rights)
    long, short = _whole(emitter, width, CHAINS * LANES), _whole(emitter, width, LANES)
    nothing = [emitter.constant(0.0)] * (CHAINS * pairs)
    with emitter.loop_carrying(long, nothing, CHAINS * LANES) as (column, sums, chains):
        for chain in range(CHAINS):
            offset = emitter.at(emitter.times(column, NUMBER_BYTES), VECTOR_BYTES * chain)
            chains += _terms(emitter, lefts, rights, offset, sums[chain * pairs : (chain + 1) * pairs])
    with emitter.loop_carrying(builder.sub(short, long), chains[:pairs], LANES) as (column, sums, ends):
        ends += _terms(emitter, lefts, rights, emitter.times(builder.add(long, column), NUMBER_BYTES), sums)
    for chain in range(1, CHAINS):
        ends = [builder.fadd(*both) for both in zip(ends, chains[chain * pairs : (chain + 1) * pairs], strict=True)]
    totals = [_across(emitter, vector) for vector in ends]
    with emitter.loop_carrying(builder.sub(width, short), totals) as (column, sums, all_terms):
        all_terms += _terms(emitter, lefts, rights, emitter.times(builder.add(short, column), NUMBER_BYTES), sums)
    return all_terms


def _terms(emitter: Emitter, lefts: list[Value], rights: list[Value], offset: Value, sums: list[Value]) -> list[Value]:
    """Write the next terms of all pairs; the sums say whether they are vectors or numbers."""
    kind = sums[0].type
    left, right = ([emitter.load(emitter.at(line, offset), kind) for line in lines] for lines in (lefts, rights))
    factors = [(one, other) for one in left for other in right]
    return [_fma(emitter, *both, total) for both, total in zip(factors, sums, strict=True)]


def _fma(emitter: Emitter, left: Value, right: Value, added: Value) -> Value:
    """Give left * right + added, rounded once, of vectors or of numbers."""
    if added.type == F32:
        return emitter.intrinsic("llvm.fma.f32", F32, left, right, added)
    return emitter.fma(left, right, added)


def _across(emitter: Emitter, vector: Value) -> Value:
    """Add the numbers of a vector: those of its halves to one another, until one is left."""
    builder, lanes = emitter.builder, LANES
    while lanes > 1:
        lanes //= 2
        low, high = (
            builder.shuffle_vector(vector, vector, ir.Constant(ir.VectorType(I32, lanes), list(range(at, at + lanes))))
            for at in (0, lanes)
        )
        vector = builder.fadd(low, high)
    return builder.extract_element(vector, ir.Constant(I32, 0))


def _sums_over_rows(
    emitter: Emitter,
    rows: Value,
    row_bytes: Value,
    count: Value,
    pulls: list[Value],
    offset: Value,
    vectors: int,
    lanes: int,
) -> list[Value]:
    """Write the sums over the rows of pull times feature, for each head so many vectors, or one number."""
    kind = emitter.vector if lanes > 1 else F32
    nothing = [ir.Constant(kind, [0.0] * lanes if lanes > 1 else 0.0)] * (len(pulls) * vectors)
    with emitter.loop_carrying(count, nothing) as (row, sums, ends):
        line = emitter.at(rows, emitter.times(row, row_bytes), offset)
        features = [emitter.load(emitter.at(line, VECTOR_BYTES * vector), kind) for vector in range(vectors)]
        for number, own in enumerate(pulls):
            pull = emitter.load(emitter.at(own, emitter.times(row, NUMBER_BYTES)), F32)
            factor = emitter.broadcast(pull) if lanes > 1 else pull
            for vector, feature in enumerate(features):
                ends.append(_fma(emitter, factor, feature, sums[number * vectors + vector]))
    return ends
