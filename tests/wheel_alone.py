"""Does the wheel work where nothing but it and what it declares is installed? `python tests/wheel_alone.py WHEEL`.

A fresh environment gets the wheel by pip. To install what it needs once more would take minutes (torch, OpenVINO), so
that is lent: every distribution that the wheel's requirements lead to, without extras, is linked from the environment
that this runs in. What only an extra or a developer needs is not there and cannot be imported.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EVERY_MODULE = """
import importlib.util, pathlib, pkgutil, sys
import flarescope
assert not any(map(importlib.util.find_spec, ("keras", "pytest", "transformers"))), "more is here than was declared"
assert pathlib.Path(flarescope.__file__).is_relative_to(sys.prefix), flarescope.__file__
for name in flarescope.__all__:
    getattr(flarescope, name)
for module in pkgutil.walk_packages(flarescope.__path__, "flarescope."):
    if not module.name.endswith("__main__") and not module.name.startswith("flarescope.serving."):
        importlib.import_module(module.name)  # serving is of an extra
flarescope.region_model()  # whose file is in the wheel
"""
NO_SERVER = """
import contextlib, io
from flarescope.cli import main
told = io.StringIO()
with contextlib.redirect_stderr(told):
    code = main(["serve", "--archive", "archive"])
assert code == 2 and "pip install 'flarescope[serve]'" in told.getvalue(), (code, told.getvalue())
"""
MADE_RUN = """
from pathlib import Path
from flarescope.pipeline.demo import DemoSize, run_demo
size = DemoSize(regions=12, images=4, fits_every=4)
done = run_demo(Path("demo"), backbone="efficientnet-lite0:random:0", size=size)
assert done.report.page.stat().st_size > 10_000
"""


def declared(wheel: Path) -> list[Requirement]:
    """Give what a wheel requires without extras."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        lines = HeaderParser().parsestr(archive.read(name).decode("utf-8")).get_all("Requires-Dist") or []
    return [need for need in map(Requirement, lines) if wanted(need, set())]


def wanted(need: Requirement, extras: set[str]) -> bool:
    """Tell whether a requirement holds here, with the extras that its parent was asked for."""
    return need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras | {""})


def closure(needs: list[Requirement]) -> set[str]:
    """Give the names of all distributions that requirements lead to."""
    found: dict[str, set[str]] = {}
    waiting = list(needs)
    while waiting:
        need = waiting.pop()
        name = canonicalize_name(need.name)
        if name in found and need.extras <= found[name]:
            continue
        found[name] = found.get(name, set()) | need.extras
        children = map(Requirement, distribution(name).requires or [])
        waiting += [child for child in children if wanted(child, found[name])]
    return set(found)


def lend(names: set[str], packages: Path) -> None:
    """Link what distributions installed at the top of site-packages into another one."""
    for name in names:
        one = distribution(name)
        for top in {file.parts[0] for file in one.files or []} - {"..", "__pycache__"}:
            link = packages / top
            if not link.exists():
                link.symlink_to(Path(str(one.locate_file(top))).resolve())


def missing(wheel: Path, source: Path) -> list[str]:
    """Name the files of the package's source that the wheel has not."""
    with zipfile.ZipFile(wheel) as archive:
        there = set(archive.namelist())
    files = (path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return [name for name in (str(path.relative_to(source.parent)) for path in files) if name not in there]


def steps(python: Path) -> Iterator[tuple[str, list[str]]]:
    """Give what is run in the fresh environment, in order."""
    flarescope = str(python.parent / "flarescope")
    yield "what it declares fits together", [sys.executable, "-m", "pip", "--python", str(python), "check"]
    yield "flarescope --version", [flarescope, "--version"]
    yield "flarescope --help", [flarescope, "--help"]
    yield "import flarescope, and every module of it", [str(python), "-c", EVERY_MODULE]
    yield "flarescope serve says what it needs", [str(python), "-c", NO_SERVER]
    yield "a run on made images with random filters", [str(python), "-c", MADE_RUN]
    predict = "predict demo/run demo/data/Lat60_Lon60_Nans0 demo/data/Lat60_Lon60_Nans0_png_224 --csv forecasts.csv"
    yield f"flarescope {predict}", [flarescope, *predict.split()]


def run(title: str, command: list[str], folder: Path) -> None:
    """Run one step in a folder, without what the caller's environment would lend; end with its output if it fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FLARESCOPE"))}
    environment = kept | {"FLARESCOPE_CACHE": str(folder / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the wheel alone fails at: {title}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    print("ok:", title)


def main(wheel: Path) -> None:
    """Try a wheel in a fresh environment."""
    if lost := missing(wheel, Path(__file__).parents[1] / "src" / "flarescope"):
        sys.exit(f"the wheel has not: {', '.join(lost)}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "env", symlinks=True)
        python = folder / "env" / "bin" / "python"
        places = {"base": str(folder / "env"), "platbase": str(folder / "env")}
        lend(closure(declared(wheel)), Path(sysconfig.get_path("purelib", "venv", places)))
        install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", "-q"]
        run("pip install", [*install, str(wheel.resolve())], folder)
        for title, command in steps(python):
            run(title, command, folder)
        rows = (folder / "forecasts.csv").read_text(encoding="utf-8").splitlines()
        if len(rows) != 1 + 12 + 12 * 4:
            sys.exit(f"predict forecast {len(rows) - 1} images instead of 60")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
