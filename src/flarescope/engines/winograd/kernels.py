"""In which order does a layer of the network do its steps?"""

from typing import Final

from llvmlite import ir

from flarescope.backbones.vgg16 import IMAGE_SIZE
from flarescope.engines.winograd import algebra, steps
from flarescope.engines.winograd.fields import APART, Conv, Dense, First, Kernel, Program
from flarescope.engines.winograd.target import Target
from flarescope.native.emit import F32, Emitter, Value, integer
from flarescope.native.machine import Compiled

FIRST_PIXELS: Final = 4
"""Pixels of the first convolution at a time."""


def write(target: Target) -> ir.Module:
    """Write the kernels for a processor.

    Returns:
        A module with the functions `first`, `conv`, `conv_pool`, `dense` and `program`; see `fields`.
    """
    module = ir.Module("winograd")
    steps.product(module, target)
    steps.input_transform(module, target)
    for pool in (False, True):
        steps.turn_outputs(module, target, pool)
    kernels = {
        Kernel.FIRST: _first(module, target),
        Kernel.CONV: _conv(module, target, pool=False),
        Kernel.CONV_POOL: _conv(module, target, pool=True),
        Kernel.DENSE: _dense(module, target),
    }
    _program(module, target, kernels)
    return module


def compiled(target: Target) -> Compiled:
    """Make the kernels' instructions: as they are written, in bf16 an eighth faster than as LLVM would rewrite them."""
    return Compiled(write(target), target.without, level=0)


def _conv(module: ir.Module, target: Target, *, pool: bool) -> ir.Function:
    """Write a convolution: for each block of tiles turn its inputs once, then panel by panel multiply and turn back."""
    emitter = Emitter(module, "conv_pool" if pool else "conv", 1, target.lanes)
    builder = emitter.builder
    (table,) = emitter.function.args
    turned, filters, sums = emitter.fields(table, Conv.TURNED, Conv.FILTERS, Conv.SUMS)
    images, channels, outputs, tiles = emitter.fields(table, Conv.IMAGES, Conv.CHANNELS, Conv.OUTPUTS, Conv.TILES)
    across = steps.tiles_across(emitter, table)
    every = builder.mul(images, builder.mul(across, across))
    line = emitter.times(channels, target.item)
    turned_part = emitter.at(emitter.times(tiles, line), APART)
    sums_part = emitter.at(emitter.times(tiles, target.panel * 4), APART)
    filter_part = emitter.times(channels, target.panel * target.item)
    turn_outputs = module.globals["turn_outputs_pool" if pool else "turn_outputs"]
    with emitter.loop(builder.udiv(emitter.at(every, builder.sub(tiles, integer(1))), tiles)) as block:
        first = builder.mul(block, tiles)
        rest = builder.sub(every, first)
        count = builder.select(builder.icmp_signed("<", rest, tiles), rest, tiles)
        builder.call(module.globals["input_transform"], [table, first, count])
        row_blocks = builder.udiv(emitter.at(count, target.rows - 1), integer(target.rows))
        with emitter.loop(builder.udiv(outputs, integer(target.panel))) as panel:
            panel_filters = emitter.at(filters, emitter.times(emitter.times(panel, filter_part), algebra.PRODUCTS))
            with emitter.loop(integer(algebra.PRODUCTS)) as part:
                a = emitter.at(turned, emitter.times(part, turned_part))
                b = emitter.at(panel_filters, emitter.times(part, filter_part))
                c = emitter.at(sums, emitter.times(part, sums_part))
                _products(emitter, target, row_blocks, (a, line, b, c, integer(target.panel * 4), channels))
            builder.call(turn_outputs, [table, panel, first, count])
    builder.ret_void()
    return emitter.function


def _products(emitter: Emitter, target: Target, row_blocks: Value, arguments: tuple[Value, ...]) -> None:
    """Write a loop over blocks of rows around `steps.product`, whose arguments are those of the first block."""
    a, a_row, b, c, c_row, channels = arguments
    with emitter.loop(row_blocks) as block:
        row = emitter.times(block, target.rows)
        a_here, c_here = emitter.at(a, emitter.times(a_row, row)), emitter.at(c, emitter.times(c_row, row))
        product = emitter.function.module.globals["product"]
        emitter.builder.call(product, [a_here, a_row, b, c_here, c_row, channels])


def _first(module: ir.Module, target: Target) -> ir.Function:
    """Write the first convolution, always in fp32: it has little to multiply and much to write."""
    emitter = Emitter(module, "first", 1, target.lanes)
    builder = emitter.builder
    (table,) = emitter.function.args
    source, filters, bias, goal, goal_row, goal_image, images, outputs = emitter.fields(table, *First)
    row_bytes = 4 * (IMAGE_SIZE + 2)
    plane = row_bytes * (IMAGE_SIZE + 2)
    taps = [channel * plane + y * row_bytes + 4 * x for channel in range(3) for y in range(3) for x in range(3)]
    pixel = emitter.times(outputs, 4)
    with (
        emitter.loop(images) as image,
        emitter.loop(integer(IMAGE_SIZE)) as row,
        emitter.loop(builder.udiv(outputs, integer(target.panel))) as panel,
        emitter.loop(integer(IMAGE_SIZE), FIRST_PIXELS) as column,
    ):
        here = emitter.at(
            source, emitter.times(image, 3 * plane), emitter.times(row, row_bytes), emitter.times(column, 4)
        )
        begin = emitter.times(panel, 4 * target.panel)
        own_filters = emitter.at(filters, emitter.times(begin, len(taps)))
        values = _patches(emitter, target, here, taps, own_filters, emitter.at(bias, begin))
        there = emitter.at(goal, emitter.times(image, goal_image), emitter.times(row, goal_row), begin)
        for number, value in enumerate(values):
            pixel_number, vector = divmod(number, target.vectors)
            place = emitter.at(there, emitter.times(emitter.at(column, pixel_number), pixel), 4 * target.lanes * vector)
            emitter.store(emitter.relu(value), place)
    builder.ret_void()
    return emitter.function


def _patches(
    emitter: Emitter, target: Target, here: Value, taps: list[int], filters: Value, bias: Value
) -> list[Value]:
    """Write the sums over the taps of neighbouring pixels, `FIRST_PIXELS` times `target.vectors` vectors."""
    steps_of_vectors = [4 * target.lanes * vector for vector in range(target.vectors)]
    totals = [emitter.load(emitter.at(bias, step)) for step in steps_of_vectors] * FIRST_PIXELS
    for number, tap in enumerate(taps):
        right = [emitter.load(emitter.at(filters, number * 4 * target.panel + step)) for step in steps_of_vectors]
        for pixel in range(FIRST_PIXELS):
            left = emitter.broadcast(emitter.load(emitter.at(here, tap + 4 * pixel), F32))
            for vector, factor in enumerate(right):
                at = pixel * target.vectors + vector
                totals[at] = emitter.fma(left, factor, totals[at])
    return totals


def _dense(module: ir.Module, target: Target) -> ir.Function:
    """Write a product of matrices, panel by panel: the filters, which are large, are read once."""
    emitter = Emitter(module, "dense", 1, target.lanes)
    builder = emitter.builder
    (table,) = emitter.function.args
    source, filters, goal, row_blocks, channels, outputs = emitter.fields(table, *Dense)
    line = emitter.times(channels, target.item)
    with emitter.loop(builder.udiv(outputs, integer(target.panel))) as panel:
        b = emitter.at(filters, emitter.times(emitter.times(channels, target.panel * target.item), panel))
        c = emitter.at(goal, emitter.times(panel, target.panel * 4))
        _products(emitter, target, row_blocks, (source, line, b, c, emitter.times(outputs, 4), channels))
    builder.ret_void()
    return emitter.function


def _program(module: ir.Module, target: Target, kernels: dict[Kernel, ir.Function]) -> None:
    """Write what runs layers one after another: a call a layer would wait for Python's lock each time."""
    emitter = Emitter(module, "program", 1, target.lanes)
    builder = emitter.builder
    (table,) = emitter.function.args
    (count,) = emitter.fields(table, Program.COUNT)
    with emitter.loop(count) as number:
        pair = emitter.at(table, 8, emitter.times(number, 16))
        kernel, own_table = emitter.fields(pair, 0, 1)
        after = builder.append_basic_block()
        choice = builder.switch(kernel, after)
        for which, function in kernels.items():
            block = builder.append_basic_block()
            choice.add_case(integer(which), block)
            builder.position_at_end(block)
            builder.call(function, [own_table])
            builder.branch(after)
        builder.position_at_end(after)
    builder.ret_void()
