"""What does the processor do, instruction by instruction, with a block of tiles?"""

from collections.abc import Iterator

from llvmlite import ir

from flarescope.engines.winograd import algebra
from flarescope.engines.winograd.fields import APART, Conv
from flarescope.engines.winograd.target import Target
from flarescope.native.emit import BF16, F32, I32, Emitter, Value, integer


def _keep_inside(emitter: Emitter) -> None:
    """Keep a function to this module; it is called, not copied into its callers."""
    emitter.function.linkage = "internal"
    emitter.function.attributes.add("noinline")
    emitter.function.attributes.add("nounwind")


def product(module: ir.Module, target: Target) -> None:
    """Write `product(a, a_row, b, c, c_row, channels)`: c = a @ b, for `target.rows` rows and a panel of columns."""
    emitter = Emitter(module, "product", 6, target.lanes)
    _keep_inside(emitter)
    builder = emitter.builder
    a, a_row, b, c, c_row, channels = emitter.function.args
    rows, vectors = range(target.rows), range(target.vectors)
    starts = [emitter.at(a, emitter.times(a_row, row)) for row in rows]
    nothing = [emitter.constant(0.0) for _ in rows for _ in vectors]
    step = target.channels_at_once
    with emitter.loop_carrying(channels, nothing, step) as (channel, sums, ends):
        column = emitter.at(b, emitter.times(channel, target.panel * target.item))
        right = [emitter.load(emitter.at(column, 4 * target.lanes * vector)) for vector in vectors]
        offset = emitter.times(channel, target.item)
        for row in rows:
            left = emitter.load(emitter.at(starts[row], offset), I32 if target.bf16 else F32)
            left = emitter.broadcast(left)
            for vector in vectors:
                total = sums[row * target.vectors + vector]
                ends.append(_multiply_add(emitter, target, left, right[vector], total))
    for row in rows:
        line = emitter.at(c, emitter.times(c_row, row))
        for vector in vectors:
            emitter.store(ends[row * target.vectors + vector], emitter.at(line, 4 * target.lanes * vector))
    builder.ret_void()


def _multiply_add(emitter: Emitter, target: Target, left: Value, right: Value, total: Value) -> Value:
    if not target.bf16:
        return emitter.fma(left, right, total)
    pairs = ir.VectorType(BF16, 2 * target.lanes)
    left, right = emitter.builder.bitcast(left, pairs), emitter.builder.bitcast(right, pairs)
    return emitter.intrinsic(f"llvm.x86.avx512bf16.dpbf16ps.{32 * target.lanes}", emitter.vector, total, left, right)


def _tiles(emitter: Emitter, first: Value, count: Value, across: Value) -> Iterator[tuple[Value, ...]]:
    """Go over tiles: number in the block, image, tile row, tile column. The caller's loop body is written once."""
    builder = emitter.builder
    with emitter.loop(count) as number:
        tile = builder.add(first, number)
        each = builder.mul(across, across)
        image = builder.udiv(tile, each)
        rest = builder.sub(tile, builder.mul(image, each))
        row = builder.udiv(rest, across)
        yield number, image, row, builder.sub(rest, builder.mul(row, across))


def tiles_across(emitter: Emitter, table: Value) -> Value:
    """Write how many tiles lie side by side in the image of a convolution's table."""
    (height,) = emitter.fields(table, Conv.HEIGHT)
    return emitter.builder.udiv(emitter.at(height, algebra.OUTPUTS - 1), integer(algebra.OUTPUTS))


def _both_ways(emitter: Emitter, matrix: list[list[float]], values: list[Value]) -> list[Value]:
    """Give matrix @ values @ matrix^T of 6x6 vectors, row by row."""
    size = algebra.INPUTS
    columns = [_one_way(emitter, matrix, values[column::size]) for column in range(size)]
    rows = zip(*columns, strict=True)
    return [value for row in rows for value in _one_way(emitter, matrix, list(row))]


def _one_way(emitter: Emitter, matrix: list[list[float]], values: list[Value]) -> list[Value]:
    """Give matrix @ values; where two rows (or columns) differ in signs alone, what they share is computed once."""
    builder = emitter.builder
    if len(matrix) == algebra.OUTPUTS:  # columns of p and -p
        folded = [values[0]]
        for first in (1, 3):
            folded += [builder.fadd(values[first], values[first + 1]), builder.fsub(values[first], values[first + 1])]
        folded.append(values[5])
        rows = [
            [row[0], *(row[first] * (power % 2 == odd) for first in (1, 3) for odd in (0, 1)), row[5]]
            for power, row in enumerate(matrix)
        ]
        return [emitter.combination(row, folded) for row in rows]
    turned = [emitter.combination(matrix[0], values)]
    for first in (1, 3):  # rows of p and -p
        even = emitter.combination([factor * (power % 2 == 0) for power, factor in enumerate(matrix[first])], values)
        odd = emitter.combination([factor * (power % 2 == 1) for power, factor in enumerate(matrix[first])], values)
        turned += [builder.fadd(even, odd), builder.fsub(even, odd)]
    return [*turned, emitter.combination(matrix[5], values)]


def input_transform(module: ir.Module, target: Target) -> None:
    """Write `input_transform(table, first, count)`: tiles of the source to their 36 parts."""
    emitter = Emitter(module, "input_transform", 3, target.lanes)
    _keep_inside(emitter)
    table, first, count = emitter.function.args
    source, source_row, source_image = emitter.fields(table, Conv.SOURCE, Conv.SOURCE_ROW, Conv.SOURCE_IMAGE)
    turned, channels, tiles = emitter.fields(table, Conv.TURNED, Conv.CHANNELS, Conv.TILES)
    pixel = emitter.times(channels, 4)
    line = emitter.times(channels, target.item)
    part = emitter.at(emitter.times(tiles, line), APART)
    matrix = algebra.input_matrix().tolist()
    for number, image, row, column in _tiles(emitter, first, count, tiles_across(emitter, table)):
        corner = emitter.at(
            source,
            emitter.times(image, source_image),
            emitter.times(emitter.times(row, source_row), algebra.OUTPUTS),
            emitter.times(emitter.times(column, pixel), algebra.OUTPUTS),
        )
        place = emitter.at(turned, emitter.times(number, line))
        with emitter.loop(channels, target.lanes) as channel:
            here = emitter.at(corner, emitter.times(channel, 4))
            lines = [emitter.at(here, emitter.times(source_row, y)) for y in range(algebra.INPUTS)]
            values = [
                emitter.load(emitter.at(at, emitter.times(pixel, x))) for at in lines for x in range(algebra.INPUTS)
            ]
            there = emitter.at(place, emitter.times(channel, target.item))
            for number_of_part, value in enumerate(_both_ways(emitter, matrix, values)):
                if target.bf16:
                    value = emitter.builder.fptrunc(value, ir.VectorType(BF16, target.lanes))
                emitter.store(value, emitter.at(there, emitter.times(part, number_of_part)), align=2)
    emitter.builder.ret_void()


def turn_outputs(module: ir.Module, target: Target, pool: bool) -> None:
    """Write `turn_outputs[_pool](table, panel, first, count)`: sums to outputs, with bias and ReLU."""
    emitter = Emitter(module, "turn_outputs_pool" if pool else "turn_outputs", 4, target.lanes)
    _keep_inside(emitter)
    builder = emitter.builder
    table, panel, first, count = emitter.function.args
    sums, bias, outputs, tiles, height = emitter.fields(
        table, Conv.SUMS, Conv.BIAS, Conv.OUTPUTS, Conv.TILES, Conv.HEIGHT
    )
    goal, goal_row, goal_image = emitter.fields(table, Conv.TARGET, Conv.TARGET_ROW, Conv.TARGET_IMAGE)
    line = target.panel * 4
    part = emitter.at(emitter.times(tiles, line), APART)
    pixel = emitter.times(outputs, 4)
    matrix = algebra.output_matrix().tolist()
    side = algebra.OUTPUTS // 2 if pool else algebra.OUTPUTS
    limit = builder.lshr(height, integer(1)) if pool else height
    begin = emitter.times(panel, line)
    for number, image, row, column in _tiles(emitter, first, count, tiles_across(emitter, table)):
        top, left = emitter.times(row, side), emitter.times(column, side)
        corner = emitter.at(
            goal, begin, emitter.times(image, goal_image), emitter.times(top, goal_row), emitter.times(left, pixel)
        )
        place = emitter.at(sums, emitter.times(number, line))
        with emitter.loop(integer(target.panel), target.lanes) as channel:
            offset = emitter.times(channel, 4)
            here = emitter.at(place, offset)
            values = [emitter.load(emitter.at(here, emitter.times(part, k))) for k in range(algebra.PRODUCTS)]
            added = emitter.load(emitter.at(bias, begin, offset))
            found = (
                _pooled(emitter, _both_ways(emitter, matrix, values)) if pool else _both_ways(emitter, matrix, values)
            )
            for which, value in enumerate(found):
                y, x = divmod(which, side)
                inside = builder.and_(
                    builder.icmp_signed("<", emitter.at(top, y), limit),
                    builder.icmp_signed("<", emitter.at(left, x), limit),
                )
                with builder.if_then(inside, likely=True):
                    there = emitter.at(corner, emitter.times(goal_row, y), emitter.times(pixel, x), offset)
                    emitter.store(emitter.relu(builder.fadd(value, added)), there)
    builder.ret_void()


def _pooled(emitter: Emitter, tile: list[Value]) -> list[Value]:
    """Give the largest of each 2x2 of a tile's outputs; bias and ReLU do not change which it is."""
    side = algebra.OUTPUTS
    found = []
    for corner in (2 * y * side + 2 * x for y in range(side // 2) for x in range(side // 2)):
        upper = emitter.largest(tile[corner], tile[corner + 1])
        lower = emitter.largest(tile[corner + side], tile[corner + side + 1])
        found.append(emitter.largest(upper, lower))
    return found
