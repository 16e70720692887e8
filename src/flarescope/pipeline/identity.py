"""What is a run a run of, and when is a folder's run the same one?"""

import hashlib
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.catalog.connected import all_regions
from flarescope.errors import InputError
from flarescope.events import event_from_json
from flarescope.files import make_folder
from flarescope.leftovers import remove_leftovers
from flarescope.locks import locked
from flarescope.model.head import Recipe
from flarescope.model.runs import RunFolder

PACKAGES: Final = (
    "flarescope",
    "numpy",
    "torch",
    "openvino",
    "llvmlite",
    "pandas",
    "h5py",
    "astropy",
    "scikit-image",
    "pillow",
)

# What makes a run another run. Epochs and patience may differ: a finished run can be asked to go on.
IDENTITY: Final = ("recipe", "backbone", "store", "data", "save")
EXTENDABLE: Final = ("epochs", "patience")


def is_synthetic(images: Path) -> bool:
    """Tell whether an image root belongs to a made set, which says so in `synthetic.json` beside it."""
    return (images.parent / "synthetic.json").is_file()


def table_digest(table: pd.DataFrame) -> str:
    """Give `sha256:<hex>` over the file names and labels of a table, in order."""
    digest = hashlib.sha256("\n".join(table["filename"]).encode())
    digest.update(table["label"].to_numpy(dtype=np.int8).tobytes())
    return f"sha256:{digest.hexdigest()}"


def describe_tables(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Say which rows each table holds: digest, images, events, regions."""
    return {
        name: {
            "digest": table_digest(table),
            "images": len(table),
            "events": int(table["label"].sum()),
            "regions": all_regions(table),
        }
        for name, table in tables.items()
    }


def describe_recipe(recipe: Recipe) -> dict[str, Any]:
    """Give a recipe as plain values; the class weights as numbers."""
    return {**asdict(recipe), "class_weight": list(recipe.class_weight or ())}


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Give the versions of Python and of the packages that decide a run's bytes, of those that are installed."""
    found = {"python": platform.python_version()}
    for name in packages:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _identity(described: dict[str, Any]) -> dict[str, Any]:
    kept = {name: described.get(name) for name in IDENTITY}
    recipe = {name: value for name, value in described["recipe"].items() if name not in EXTENDABLE}
    return {**kept, "recipe": recipe}


def _another_event(before: dict[str, Any], now: dict[str, Any], source: str) -> bool:
    """Tell whether a run was begun on another event; runs of older versions do not say theirs."""
    events = [event_from_json(described.get("event"), source) for described in (before, now)]
    return all(events) and events[0] != events[1]


@contextmanager
def claimed(run: RunFolder, described: dict[str, Any]) -> Iterator[None]:
    """Hold a run's folder in a `with` block, for a new run or for going on with one that is the same.

    Raises:
        InputError: the folder holds another run, or cannot be used.
        FlarescopeError: another process is at work on it.
    """
    make_folder(run.path)
    with locked(run.path / "run"):
        remove_leftovers(run.path)
        _begin(run, described)
        yield


def _begin(run: RunFolder, described: dict[str, Any]) -> None:
    """Start a run, or go on with one that is the same."""
    if run.run_json.exists():
        before, now = _identity(run.read()), _identity(described)
        differing = [name for name in IDENTITY if before[name] != now[name]]
        differing += ["event"] if _another_event(run.read(), described, str(run.run_json)) else []
        if differing:
            raise InputError(
                f"{run.path}: holds another run (differs in {', '.join(differing)}); "
                "choose another --out, or delete the folder"
            )
        done = len(run.history())
        if done > described["recipe"]["epochs"]:
            raise InputError(
                f"{run.path}: has {done} epochs already; ask for more with --epochs, or choose another --out"
            )
        described = {**described, "content": run.read().get("content")}
    elif any(run.path.glob("*.hdf5")) or run.history_jsonl.exists():
        raise InputError(f"{run.path}: holds models but no run.json; choose another --out")
    run.write(described)


def with_content(run: RunFolder, described: dict[str, Any], content: dict[str, str]) -> dict[str, Any]:
    """Note which bytes the images of each table had, and refuse to go on with a run that began on others.

    Raises:
        InputError: an image changed since the run began.
    """
    before = run.read().get("content")
    if before is not None and before != content and run.history():
        raise InputError(f"{run.path}: the images changed since this run began; choose another --out")
    run.write({**described, "content": content})
    return {**described, "content": content}
