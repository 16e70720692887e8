"""What can this processor do, and how are kernels made into its instructions?"""

import ctypes
import platform
from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import binding, ir


@dataclass(frozen=True)
class Target:
    """A processor's vectors, and the product of matrices that suits them.

    Attributes:
        name: of the instruction set.
        features: what LLVM may use, in its notation; empty for all that this machine has.
        lanes: floats of a vector.
        vectors: of a panel of columns.
        rows: of a product; rows times vectors sums stay in registers.
        bf16: whether products are of bf16, in pairs of channels, with sums in fp32.
    """

    name: str
    features: str
    lanes: int
    vectors: int
    rows: int
    bf16: bool

    @property
    def panel(self) -> int:
        """Columns of a product."""
        return self.lanes * self.vectors

    @property
    def item(self) -> int:
        """Bytes of a factor."""
        return 2 if self.bf16 else 4

    @property
    def channels_at_once(self) -> int:
        """Channels that one instruction multiplies and adds."""
        return 2 if self.bf16 else 1


def host_features() -> set[str]:
    """Name what this processor has, as LLVM does (`avx2`, `avx512f`, `avx512bf16`, `amx-bf16`); empty off x86-64."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return set()
    return {name for name, there in binding.get_host_cpu_features().items() if there}


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


class Compiled:
    """Functions in memory, ready to be called; each lets go of Python's lock while it runs."""

    def __init__(self, module: ir.Module, target: Target) -> None:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        features = ",".join(filter(None, (binding.get_host_cpu_features().flatten(), target.features)))
        self._machine = binding.Target.from_default_triple().create_target_machine(
            cpu=binding.get_host_cpu_name(), features=features, opt=3
        )
        parsed = binding.parse_assembly(str(module))
        parsed.verify()
        options = binding.create_pipeline_tuning_options(speed_level=3)
        builder = binding.create_pass_builder(self._machine, options)
        builder.getModulePassManager().run(parsed, builder)
        self._engine = binding.create_mcjit_compiler(parsed, self._machine)
        self._engine.finalize_object()

    def function(self, name: str) -> Callable[[int], None]:
        """Give a function that takes the address of its table; it keeps the instructions in memory."""
        function = ctypes.CFUNCTYPE(None, ctypes.c_int64)(self._engine.get_function_address(name))
        function.kept = self  # type: ignore[attr-defined]
        return function
