"""How is a kernel written down for LLVM? A few words over `llvmlite.ir`: loops, vectors in memory, arithmetic."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from llvmlite import ir

I64: Final = ir.IntType(64)
I32: Final = ir.IntType(32)
F32: Final = ir.FloatType()
POINTER: Final = ir.PointerType()

Value = Any
"""A value of llvmlite, which has no types of its own for Python."""


class BFloatType(ir.types.Type):  # type: ignore[misc]
    """bfloat16, which llvmlite does not name."""

    def __str__(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BFloatType)

    def __hash__(self) -> int:
        return hash(BFloatType)


BF16: Final = BFloatType()


def integer(number: int) -> Value:
    """Give a constant, 64 bits."""
    return ir.Constant(I64, number)


class Emitter:
    """Writes one function.

    Args:
        module: where the function goes.
        name: of the function.
        arguments: how many; each is an integer of 64 bits, an address too.
        lanes: floats of a vector.
    """

    def __init__(self, module: ir.Module, name: str, arguments: int, lanes: int) -> None:
        self.function = ir.Function(module, ir.FunctionType(ir.VoidType(), [I64] * arguments), name)
        self.builder = ir.IRBuilder(self.function.append_basic_block())
        self.vector = ir.VectorType(F32, lanes)
        self.lanes = lanes

    @contextmanager
    def loop(self, end: Value, step: int = 1) -> Iterator[Value]:
        """Repeat what is written inside for 0, step, 2 * step, ... below end; nothing where end is not above 0."""
        with self.loop_carrying(end, [], step) as (index, _, _):
            yield index

    @contextmanager
    def loop_carrying(
        self, end: Value, values: list[Value], step: int = 1
    ) -> Iterator[tuple[Value, list[Value], list[Value]]]:
        """Repeat, and carry values from each round to the next.

        Gives the index, the values at the start of a round, and a list to put the values at its end into; after the
        loop that list holds the values after the last round.
        """
        builder = self.builder
        head = builder.append_basic_block()
        body = builder.append_basic_block()
        after = builder.append_basic_block()
        before = builder.block
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(I64)
        index.add_incoming(integer(0), before)
        carried = [builder.phi(value.type) for value in values]
        for phi, value in zip(carried, values, strict=True):
            phi.add_incoming(value, before)
        builder.cbranch(builder.icmp_signed("<", index, end), body, after)
        builder.position_at_end(body)
        ends: list[Value] = []
        yield index, carried, ends
        index.add_incoming(builder.add(index, integer(step)), builder.block)
        for phi, value in zip(carried, ends, strict=True):
            phi.add_incoming(value, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        ends[:] = carried

    def at(self, base: Value, *offsets: Value) -> Value:
        """Give the address so many bytes further."""
        for offset in offsets:
            base = self.builder.add(base, offset if not isinstance(offset, int) else integer(offset))
        return base

    def times(self, left: Value, right: Value) -> Value:
        """Multiply integers."""
        return self.builder.mul(left, right if not isinstance(right, int) else integer(right))

    def load(self, address: Value, kind: Any = None, align: int = 4) -> Value:  # noqa: ANN401 - llvmlite is untyped
        """Read a vector of floats, or another kind of value."""
        pointer = self.builder.inttoptr(address, POINTER)
        return self.builder.load(pointer, align=align, typ=kind or self.vector)

    def store(self, value: Value, address: Value, align: int = 4) -> None:
        """Write a value."""
        self.builder.store(value, self.builder.inttoptr(address, POINTER), align=align)

    def fields(self, table: Value, *numbers: int) -> list[Value]:
        """Read integers of a table of integers, each by its number."""
        return [self.load(self.at(table, 8 * number), I64, align=8) for number in numbers]

    def broadcast(self, scalar: Value) -> Value:
        """Give a vector with the same value in each lane."""
        kind = ir.VectorType(scalar.type, self.lanes)
        one = self.builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.Constant(I32, 0))
        zeros = ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), zeros)

    def constant(self, number: float) -> Value:
        """Give a vector with the same number in each lane."""
        return ir.Constant(self.vector, [number] * self.lanes)

    def intrinsic(self, name: str, kind: Any, *values: Value) -> Value:  # noqa: ANN401
        """Call an intrinsic function of LLVM."""
        module = self.function.module
        function = module.globals.get(name)
        if function is None:
            function = ir.Function(module, ir.FunctionType(kind, [value.type for value in values]), name)
        return self.builder.call(function, values)

    def fma(self, left: Value, right: Value, added: Value) -> Value:
        """Give left * right + added, rounded once."""
        return self.intrinsic(f"llvm.fma.v{self.lanes}f32", self.vector, left, right, added)

    def largest(self, left: Value, right: Value) -> Value:
        """Give the larger in each lane, NaN where either is."""
        return self.intrinsic(f"llvm.maximum.v{self.lanes}f32", self.vector, left, right)

    def relu(self, value: Value) -> Value:
        """Give the value where it is not below zero, and zero elsewhere; NaN stays, so that a fault is seen."""
        zero = self.constant(0.0)
        return self.builder.select(self.builder.fcmp_ordered(">", zero, value), zero, value)

    def combination(self, factors: list[float], values: list[Value]) -> Value:
        """Give the sum of factor * value, without the terms whose factor is 0."""
        total = None
        for factor, value in zip(factors, values, strict=True):
            if factor == 0:
                continue
            if total is None:
                total = value if factor == 1 else self.builder.fmul(self.constant(factor), value)
            elif abs(factor) == 1:
                total = (self.builder.fadd if factor == 1 else self.builder.fsub)(total, value)
            else:
                total = self.fma(self.constant(factor), value, total)
        return total
