"""Does any input make a parser raise something other than the package's own errors?

Run by hand, for as long as is wanted; atheris (https://github.com/google/atheris) is no dependency of the project:

    python -m venv /tmp/fuzz && /tmp/fuzz/bin/pip install atheris && /tmp/fuzz/bin/pip install -e .
    /tmp/fuzz/bin/python tests/fuzz/fuzz_parsers.py summary /tmp/corpus \\
        -dict=tests/fuzz/noaa.dict -max_total_time=300 -max_len=2000

The first argument is a name in `TARGETS`; those after it are libFuzzer's. `fits` and `png` want a corpus of small files
to begin with, and -max_len=20000. An input that it finds is kept in `tests/corpus/` with a test that reads it; there is
none so far.
"""

import contextlib
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["flarescope.catalog", "flarescope.images", "flarescope.times", "csv"]):
    from flarescope.catalog import boucheron, noaa, noaa_events, noaa_flares, noaa_regions
    from flarescope.images import magnetogram
from flarescope.errors import FlarescopeError

FILE = Path(tempfile.mkdtemp()) / "fuzzed"


def through_a_file(read):
    def target(content: bytes) -> None:
        FILE.write_bytes(content)
        read(FILE)

    return target


TARGETS = {
    "summary": lambda content: noaa_regions.parse_summary(noaa.to_lines(content, "x"), "x"),
    "report": lambda content: noaa_events.parse_report(noaa.to_lines(content, "x"), "x"),
    "flares": through_a_file(noaa_events.read_flares),
    "csv": through_a_file(noaa_flares.read_flare_csv),
    "regions": through_a_file(boucheron.read_region_list),
    "table": through_a_file(boucheron.read_table),
    "fits": lambda content: magnetogram.read_fits(FILE, content),
    "png": lambda content: magnetogram.read_png(FILE, content),
}


def main() -> None:
    target = TARGETS[sys.argv.pop(1)]

    def one_input(content: bytes) -> None:
        with contextlib.suppress(FlarescopeError):
            target(content)

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
