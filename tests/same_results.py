"""Does a change that claims only to tidy leave every result as it was, byte for byte?

    python tests/same_results.py COMMIT [COMMIT]

The same commands run at both commits (the second is the working tree where none is named): the demo, a training by
L-BFGS in fp32, the baseline on magnetic features, a forecast as JSON. Then the second evaluates the run that the first
made, from the first one's features. Every file is compared; of `run.json` and what is printed only what is no time and
no version. Synthetic data and random filters.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LABELS = "demo/data/C1.0_24hr_224_png_Labels.txt"
TABLES = ("--train", "demo/tables/Train_Data_by_AR_png_224.csv", "--validation")
VALIDATION = "demo/tables/Validation_Data_by_AR_png_224.csv"
IMAGES = ("--images", "demo/data/Lat60_Lon60_Nans0_png_224")
TEST = ("--table", "demo/tables/catalogue.parquet")
RUNS = {
    "demo": ("demo", "--out", "demo", "--backbone", "random"),
    "magnetic features": ("features", TEST[1], "--magnetic", *IMAGES, "--out", "magnetic.csv"),
    "train-magnetic": ("train-magnetic", *TABLES, VALIDATION, "--features", "magnetic.csv", "--out", "svm"),
    "evaluate-magnetic": ("evaluate-magnetic", "svm", *TEST, "--features", "magnetic.csv"),
    "lbfgs": ("train", *TABLES, VALIDATION, *IMAGES, "--out", "lbfgs", *("--solver", "lbfgs", "--backbone", "random")),
    "predict": ("predict", "demo/run", "demo/data/Lat60_Lon60_Nans0/3001", "--json"),
}
AGAIN = ("evaluate", "demo/run", *TEST, *IMAGES, "--out", "again")
VOLATILE = re.compile(
    r'"(finished|created|date|mtime_ns|inode)": [^,}\n]+|"versions": \{[^}]*\}|\d{4}-\d\d-\d\d \d\d:\d\d UTC'
)
PASSED = ("rows.parquet", "state.npz", ".lock")
"""Names whose files hold times of modification, or nothing of a result."""


def main() -> None:
    """Compare two commits; the exit code is 1 where a file differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", help="a commit")
    parser.add_argument("after", nargs="?", help="another; the working tree where it is left out")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="same-results-") as name:
        folder = Path(name)
        sources = {"before": checked_out(given.before, folder / "source-before"), "after": ROOT}
        if given.after:
            sources["after"] = checked_out(given.after, folder / "source-after")
        for label, source in sources.items():
            (folder / "work").mkdir()
            for what, arguments in RUNS.items():
                run(source, folder / "work", what, arguments, label)
            (folder / "work").rename(folder / label)
        for label, source in sources.items():  # each evaluates the run that the first made, at the same place
            shutil.copytree(folder / "before" / "demo", folder / "work" / "demo", copy_function=shutil.copy2)
            run(source, folder / "work", "again", AGAIN, label)
            (folder / "work" / "again").rename(folder / label / "again")
            shutil.rmtree(folder / "work")
        differing = compare(folder / "before", folder / "after")
    print("\n".join(differing) or "all files are the same")
    sys.exit(bool(differing))


def checked_out(commit: str, folder: Path) -> Path:
    """Unpack a commit."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    packed = folder.with_suffix(".tar")
    packed.write_bytes(archive)
    with tarfile.open(packed) as tar:
        tar.extractall(folder, filter="data")
    return folder


def run(source: Path, folder: Path, what: str, arguments: tuple[str, ...], label: str) -> None:
    """Run a command of the program at `source` in `folder`; what it prints is kept beside the other results."""
    environment = {**os.environ, "PYTHONPATH": str(source / "src"), "OMP_NUM_THREADS": "1", "SOURCE_DATE_EPOCH": "0"}
    print(f"{label}: {what}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "flarescope", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{label}, {what}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    (folder / f"{what}.txt").write_text(done.stdout)


def compare(before: Path, after: Path) -> list[str]:
    """Name the files that differ, or that one of the folders lacks."""
    names = {str(path.relative_to(root)) for root in (before, after) for path in root.rglob("*") if path.is_file()}
    found = []
    for name in sorted(names):
        if name.endswith(PASSED):
            continue
        one, other = before / name, after / name
        if not (one.exists() and other.exists()):
            found.append(f"{name}: only {'before' if one.exists() else 'after'}")
        elif content(one) != content(other):
            found.append(f"{name}: differs")
    return found


def content(path: Path) -> bytes:
    """Give what is compared of a file."""
    if path.suffix not in (".json", ".jsonl", ".txt", ".md", ".html"):
        return path.read_bytes()
    text = path.read_text()
    if path.suffix == ".json":
        text = json.dumps(json.loads(text), sort_keys=True)
    return VOLATILE.sub("", text).encode()


if __name__ == "__main__":
    main()
