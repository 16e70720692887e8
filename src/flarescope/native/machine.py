"""What can this processor do, and how does a function become its instructions?

To be imported where `available.native_available` says so.
"""

import ctypes
import platform
from collections.abc import Callable

from llvmlite import binding, ir


def host_features() -> set[str]:
    """Name what this processor has, as LLVM does (`avx2`, `avx512f`, `avx512bf16`, `amx-bf16`); empty off x86-64."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return set()
    return {name for name, there in binding.get_host_cpu_features().items() if there}


class Compiled:
    """Functions in memory, ready to be called; each lets go of Python's lock while it runs.

    Args:
        module: the functions.
        without: features of this processor that are not to be used, in LLVM's notation, such as `-avx512f`.
        level: of LLVM's rewriting, 0 to 3. 0 keeps the order in which the functions were written, which is best where
            that was done with the registers in mind.
    """

    def __init__(self, module: ir.Module, without: str = "", level: int = 3) -> None:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        features = ",".join(filter(None, (binding.get_host_cpu_features().flatten(), without)))
        self._machine = binding.Target.from_default_triple().create_target_machine(
            cpu=binding.get_host_cpu_name(), features=features, opt=3
        )
        parsed = binding.parse_assembly(str(module))
        parsed.verify()
        options = binding.create_pipeline_tuning_options(speed_level=level)
        builder = binding.create_pass_builder(self._machine, options)
        builder.getModulePassManager().run(parsed, builder)
        self._engine = binding.create_mcjit_compiler(parsed, self._machine)
        self._engine.finalize_object()

    def function(self, name: str) -> Callable[[int], None]:
        """Give a function that takes the address of its table; it keeps the instructions in memory."""
        function = ctypes.CFUNCTYPE(None, ctypes.c_int64)(self._engine.get_function_address(name))
        function.kept = self  # type: ignore[attr-defined]
        return function
