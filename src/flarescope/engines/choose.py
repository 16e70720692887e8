"""Which engine is there on this machine, and in which precision does it run best?"""

import sys
from collections.abc import Collection, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from flarescope.engines.base import ENGINES, MIXED, PRECISIONS, EngineChoice
from flarescope.engines.winograd.target import target_for
from flarescope.errors import InputError
from flarescope.native.available import native_available

GPU_NODES: Final = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""Device files of NVIDIA's and AMD's drivers, and of Windows' under WSL."""


def _torch_device() -> str:
    # Without a driver there is no GPU, and torch need not be imported to know it: that takes longer than a forecast.
    if sys.platform == "linux" and not any(Path(node).exists() for node in GPU_NODES):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _openvino_has_bf16() -> bool:
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _cuda_has_bf16() -> bool:
    import torch

    return torch.cuda.get_device_capability()[0] >= 8  # from Ampere on; earlier cards only emulate it


def choose(
    engine: str = "auto",
    precision: str = "auto",
    *,
    runs: Sequence[str] = tuple(reversed(ENGINES[1:])),
    precisions: Collection[str] = PRECISIONS,
) -> EngineChoice:
    """Choose an engine by what is there.

    Args:
        engine: `auto` takes torch on a GPU (CUDA, then Apple's MPS). On a CPU it takes what is fastest for
            the precision: OpenVINO for bf16 with AMX, else Winograd's filtering (x86-64 from AVX2 on), else OpenVINO,
            else torch.
        precision: `auto` takes bf16 where the hardware computes in it (CUDA from Ampere on; CPUs with AVX512-BF16 or
            AMX, not in torch) and the network bears it, else fp32. `bf16` of a network that does not bear it as a whole
            is OpenVINO's, on such a CPU, with the rest in fp32 (`base.MIXED`).
        runs: engines that can run the network (`Network.engines`).
        precisions: in which it is the same network (`Network.precisions`).

    Raises:
        InputError: an unknown name, or an engine that is not installed, that cannot run the network, or that this
            processor cannot run; bf16 where nothing here keeps the features of the network.
    """
    if engine not in ENGINES:
        raise InputError(f"--engine {engine}: expected one of {', '.join(ENGINES)}")
    if engine != "auto" and engine not in runs:
        raise InputError(f"--engine {engine}: it does not run this network; expected auto or {' or '.join(runs)}")
    if precision not in PRECISIONS:
        raise InputError(f"--precision {precision}: expected one of {', '.join(PRECISIONS)}")
    if precision == "auto" and "bf16" not in precisions:
        precision = "fp32"
    device = "cpu" if engine in ("openvino", "winograd") else _torch_device()
    if precision == "bf16" and precision not in precisions:
        return _choose_mixed(engine, device, runs)
    if engine != "torch" and device == "cpu":
        choice = _choose_on_cpu(engine, precision, runs)
        if choice:
            return choice
    if precision == "auto":
        precision = "bf16" if device == "cuda" and _cuda_has_bf16() else "fp32"
    return EngineChoice("torch", device, precision, batch=256 if device == "cuda" else 16)


def _choose_on_cpu(engine: str, precision: str, runs: Sequence[str]) -> EngineChoice | None:
    """Choose between Winograd's filtering and OpenVINO; None where neither is there and neither was asked for."""
    if engine == "auto" and runs[0] == "torch":
        return None
    has_openvino = find_spec("openvino") is not None
    features = set() if engine == "openvino" or "winograd" not in runs else _processor_features()
    if engine == "winograd" or (
        engine == "auto"
        and "winograd" in runs
        and not (has_openvino and "amx-bf16" in features and precision != "fp32")
    ):
        for one in ("bf16", "fp32") if precision == "auto" else (precision,):
            if target_for(one, features):
                return EngineChoice("winograd", "cpu", one, batch=12)
        if engine == "winograd":
            needed = "AVX512-BF16" if precision == "bf16" else "AVX2"
            raise InputError(
                f"--engine winograd: expected an x86-64 processor with {needed}, llvmlite, and leave to run code "
                "that is made in memory; not all of these are there; take --engine auto"
            )
    if not has_openvino:
        if engine == "openvino":
            raise InputError("--engine openvino: OpenVINO is not installed; pip install openvino, or --engine torch")
        return None
    if precision == "auto":
        precision = "bf16" if _openvino_has_bf16() else "fp32"
    return EngineChoice("openvino", "cpu", precision, batch=16)


def _choose_mixed(engine: str, device: str, runs: Sequence[str]) -> EngineChoice:
    """Choose OpenVINO for bf16 of a network that does not bear it as a whole; no other engine can do layer by layer."""
    has_it = engine != "torch" and device == "cpu" and "openvino" in runs and find_spec("openvino") is not None
    if not (has_it and _openvino_has_bf16()):
        raise InputError(
            "--precision bf16: it can change this network's features by more than 1 %; only OpenVINO, on a processor "
            "with AVX512-BF16 or AMX, keeps them, by leaving some of it in fp32; take --precision fp32"
            + (", or --engine openvino" if engine == "auto" and device != "cpu" else "")
        )
    return EngineChoice("openvino", "cpu", MIXED, batch=16)


def _processor_features() -> set[str]:
    """Name what the processor has; nothing where kernels cannot be made."""
    if not native_available():
        return set()
    from flarescope.native.machine import host_features

    return host_features()
