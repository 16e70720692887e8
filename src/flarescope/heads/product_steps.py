"""What does the processor do, instruction by instruction, where several heads are multiplied with the rows of a batch?

The order in which the terms of a sum are added makes its bytes. Here it depends on the number of features alone: not on
how many heads and rows there are, and not on how many sums are made at a time. Each term is multiplied and added with
one rounding.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from llvmlite import ir

from flarescope.native.emit import F32, I32, Emitter, Value, integer

LANES: Final = 16
"""Numbers of a vector, in which the terms of a forecast are added up side by side."""
NUMBER_BYTES: Final = 4
VECTOR_BYTES: Final = LANES * NUMBER_BYTES


class Tiles(NamedTuple):
    """How many sums are made at a time, which decides how fast they are and not what they are.

    Attributes:
        rows: of so many heads at a time (the key) the forecasts of so many rows; from many heads down to one.
        vectors: of so many heads so many vectors of each gradient.
    """

    rows: Mapping[int, int]
    vectors: Mapping[int, int]


def tiles_for(features: set[str]) -> Tiles:
    """Fit the sums into a processor's registers: with AVX512 32 of a vector, else 16 of half a vector."""
    if "avx512f" in features:
        return Tiles({6: 4, 3: 8, 1: 8}, {6: 4, 3: 8, 1: 8})
    return Tiles({3: 2, 1: 4}, {6: 1, 3: 2, 1: 4})


def forecast(module: ir.Module, tiles: Tiles) -> None:
    """Write `forecast(table)`: the log-odds of each row by each head, the dot product and the bias (`Products`)."""
    emitter = Emitter(module, "forecast", 1, LANES)
    told = emitter.fields(*emitter.function.args, *range(9))
    rows, heads, filled, count, width, all_heads, row_bytes, head_bytes, filled_bytes = told
    for head, own_heads in _groups(emitter, all_heads, *tiles.rows):
        rights = _lines(emitter, heads, head_bytes, head, own_heads)
        places = _lines(emitter, filled, filled_bytes, head, own_heads)
        biases = [emitter.load(emitter.at(line, emitter.times(width, NUMBER_BYTES)), F32) for line in rights]
        for row, own_rows in _groups(emitter, count, tiles.rows[own_heads], 1):
            lefts = _lines(emitter, rows, row_bytes, row, own_rows)
            for number, total in enumerate(_dots(emitter, lefts, rights, width)):
                left, right = divmod(number, own_heads)
                place = emitter.at(places[right], emitter.times(row, NUMBER_BYTES), NUMBER_BYTES * left)
                emitter.store(emitter.builder.fadd(total, biases[right]), place)
    emitter.builder.ret_void()


def gradient(module: ir.Module, tiles: Tiles) -> None:
    """Write `gradient(table)`: the sums over the rows of pull times feature, and of the pulls, for each head."""
    emitter = Emitter(module, "gradient", 1, LANES)
    told = emitter.fields(*emitter.function.args, *range(9))
    rows, pulls, filled, count, width, all_heads, row_bytes, pull_bytes, filled_bytes = told
    lines, vectors = Lines(rows, row_bytes, count), emitter.builder.sdiv(width, integer(LANES))
    for head, own_heads in _groups(emitter, all_heads, *tiles.vectors):
        own_pulls = _lines(emitter, pulls, pull_bytes, head, own_heads)
        places = _lines(emitter, filled, filled_bytes, head, own_heads)
        for vector, own in _groups(emitter, vectors, tiles.vectors[own_heads], 1):
            offset = emitter.times(vector, VECTOR_BYTES)
            for number, total in enumerate(_sums_over_rows(emitter, lines, own_pulls, offset, [emitter.vector] * own)):
                emitter.store(total, emitter.at(places[number // own], offset, VECTOR_BYTES * (number % own)))
        start = emitter.times(vectors, LANES)
        with emitter.loop(emitter.builder.sub(width, start)) as column:
            offset = emitter.times(emitter.builder.add(start, column), NUMBER_BYTES)
            for place, total in zip(places, _sums_over_rows(emitter, lines, own_pulls, offset, [F32]), strict=True):
                emitter.store(total, emitter.at(place, offset))
        for place, total in zip(places, _sums(emitter, own_pulls, count), strict=True):
            emitter.store(total, emitter.at(place, emitter.times(width, NUMBER_BYTES)))
    emitter.builder.ret_void()


class Lines(NamedTuple):
    """Rows in memory: the address of the first, bytes from one to the next, and how many."""

    start: Value
    apart: Value
    count: Value


def _whole(emitter: Emitter, count: Value, size: int) -> Value:
    """Round down to a multiple of `size`."""
    return emitter.builder.sub(count, emitter.builder.srem(count, integer(size)))


def _groups(emitter: Emitter, count: Value, *sizes: int) -> Iterator[tuple[Value, int]]:
    """Go over so many, in groups of the first size as far as they are whole, then of the next; the last size is 1.

    The caller's loop body is written for each size.
    """
    builder, start = emitter.builder, integer(0)
    for size in dict.fromkeys(sizes):
        end = builder.add(start, _whole(emitter, builder.sub(count, start), size))
        with emitter.loop(builder.sub(end, start), size) as index:
            yield builder.add(start, index), size
        start = end


def _lines(emitter: Emitter, base: Value, apart: Value, first: Value, count: int) -> list[Value]:
    """Give the addresses of so many lines that follow one another."""
    start = emitter.at(base, emitter.times(first, apart))
    return [emitter.at(start, emitter.times(apart, number)) for number in range(count)]


def _dots(emitter: Emitter, lefts: list[Value], rights: list[Value], width: Value) -> list[Value]:
    """Write the dot product of each left line with each right one, the pairs of the first left line first."""
    start = _whole(emitter, width, LANES)
    nothing = [emitter.constant(0.0)] * (len(lefts) * len(rights))
    with emitter.loop_carrying(start, nothing, LANES) as (column, sums, vectors):
        vectors += _terms(emitter, lefts, rights, emitter.times(column, NUMBER_BYTES), sums)
    totals = [_across(emitter, vector) for vector in vectors]
    with emitter.loop_carrying(emitter.builder.sub(width, start), totals) as (column, sums, ends):
        offset = emitter.times(emitter.builder.add(start, column), NUMBER_BYTES)
        ends += _terms(emitter, lefts, rights, offset, sums)
    return ends


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
    emitter: Emitter, rows: Lines, pulls: list[Value], offset: Value, kinds: Sequence[Value]
) -> list[Value]:
    """Write the sums over the rows of pull times feature, for each head of what stands there, vectors or a number."""
    nothing = [ir.Constant(kind, 0.0) if kind == F32 else emitter.constant(0.0) for _ in pulls for kind in kinds]
    with emitter.loop_carrying(rows.count, nothing) as (row, sums, ends):
        line = emitter.at(rows.start, emitter.times(row, rows.apart), offset)
        features = [emitter.load(emitter.at(line, VECTOR_BYTES * place), kind) for place, kind in enumerate(kinds)]
        for number, own in enumerate(pulls):
            pull = emitter.load(emitter.at(own, emitter.times(row, NUMBER_BYTES)), F32)
            factor = pull if kinds[0] == F32 else emitter.broadcast(pull)
            for place, feature in enumerate(features):
                ends.append(_fma(emitter, factor, feature, sums[number * len(kinds) + place]))
    return ends


def _sums(emitter: Emitter, lines: list[Value], count: Value) -> list[Value]:
    """Write the sum of so many numbers of each line."""
    with emitter.loop_carrying(count, [ir.Constant(F32, 0.0)] * len(lines)) as (place, sums, ends):
        for line, total in zip(lines, sums, strict=True):
            number = emitter.load(emitter.at(line, emitter.times(place, NUMBER_BYTES)), F32)
            ends.append(emitter.builder.fadd(total, number))
    return ends
