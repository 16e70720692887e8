"""How does `flarescope` do on a processor with no more than AVX2? Its command line, with what is newer left unused.

    python benchmarks/avx2_only.py predict runs/png some.fits

OpenBLAS, oneDNN and PyTorch hear it by variables of the environment, our own kernels by the features that they are
told of. It is the same processor with fewer instructions: clock and caches stay as they are.
"""

import os
import sys

OTHERS = {"OPENBLAS_CORETYPE": "Haswell", "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}

if __name__ == "__main__":
    os.environ.update(OTHERS)  # before any of them is imported

    from flarescope.cli import main
    from flarescope.native import machine

    machine.host_features = lambda: {"avx2", "fma"}
    sys.exit(main(sys.argv[1:]))
