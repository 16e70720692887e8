"""Does an input that reaches new code make a reader raise something other than the program's own errors?

The readers of `targets`, given to libFuzzer, which sees which lines an input reaches; `run` needs nothing and sees more
(crashes, time, memory), but changes files blindly. By hand, for as long as is wanted; atheris
(https://github.com/google/atheris) is no dependency of the project:

    python -m venv /tmp/fuzz && /tmp/fuzz/bin/pip install atheris && /tmp/fuzz/bin/pip install -e .
    /tmp/fuzz/bin/python -m tests.fuzz.fuzz_parsers summary /tmp/corpus \\
        -dict=tests/fuzz/noaa.dict -max_total_time=300 -max_len=2000

The first argument is a name of `run --list`; those after it are libFuzzer's. An input that it finds is kept as a test
in `tests/test_hostile_files.py`.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["flarescope"]):
    from .targets import TARGETS

from .harness import GOOD, judge


def main() -> None:
    """Hand the inputs of libFuzzer to a reader."""
    target, folder = TARGETS[sys.argv.pop(1)], Path(tempfile.mkdtemp())
    target.seeds(folder)
    path = folder / target.name
    path.parent.mkdir(parents=True, exist_ok=True)

    def one_input(content: bytes) -> None:
        path.write_bytes(content)
        outcome = judge(target, path)
        if outcome.result not in GOOD:
            raise AssertionError(outcome.kind)

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
