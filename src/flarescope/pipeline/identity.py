"""What is a run a run of, and when is a folder's run the same one?"""

import functools
import hashlib
import itertools
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.catalog.apart import hours_ahead, spans_to_json, time_spans
from flarescope.connected import all_regions
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.events import EventDefinition, event_from_json
from flarescope.features.store_key import with_network
from flarescope.files import make_folder
from flarescope.forecaster.runs import RunFolder
from flarescope.heads.head import SEQUENCE, Recipe
from flarescope.images.instruments import SYNTHETIC
from flarescope.images.likeness import Likeness
from flarescope.images.root import ImageRoot, root_of
from flarescope.leftovers import remove_leftovers
from flarescope.locks import locked
from flarescope.progress import Reporter

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
IDENTITY: Final = ("recipe", "backbone", "store", "data", "save", "history")
EXTENDABLE: Final = ("epochs", "patience")

_AT_ONCE: Final = 65_536
"""Names that are put into one text at a time."""


def is_synthetic(images: Path | ImageRoot, likeness: Likeness | None = None) -> bool:
    """Tell whether images are of a made set: by `synthetic.json` beside their root, or by what they say themselves.

    Args:
        images: the image root.
        likeness: of a sample of them; copies of made images that lie elsewhere are known by it.
    """
    return root_of(images).is_synthetic() or bool(likeness and SYNTHETIC in likeness.instruments)


def table_digest(table: pd.DataFrame) -> str:
    """Give `sha256:<hex>` over the file names and labels of a table, in order."""
    digest, names = hashlib.sha256(), table["filename"]
    for start in range(0, len(names), _AT_ONCE):
        text = "\n".join(names.iloc[start : start + _AT_ONCE])
        digest.update((f"\n{text}" if start else text).encode())
    digest.update(table["label"].to_numpy(dtype=np.int8).tobytes())
    return f"sha256:{digest.hexdigest()}"


def describe_tables(tables: dict[str, pd.DataFrame], event: EventDefinition | None = None) -> dict[str, Any]:
    """Say which rows each table holds: digest, images, events, regions; of the whole disk also the times it fills."""
    disk = event is not None and event.scope == "disk"
    return {
        name: {
            "digest": table_digest(table),
            "images": len(table),
            "events": int(table["label"].sum()),
            "regions": all_regions(table),
            **({"times": times_filled(table, event)} if event is not None and disk else {}),
        }
        for name, table in tables.items()
    }


def times_filled(table: pd.DataFrame, event: EventDefinition) -> list[list[str]]:
    """Give the spans of time that rows of the whole disk fill, as `catalog.apart` has them, in plain values."""
    return spans_to_json(time_spans(table["time"], hours_ahead(event)))


def describe_recipe(recipe: Recipe) -> dict[str, Any]:
    """Give a recipe as plain values; the class weights as numbers."""
    values = {**asdict(recipe), "class_weight": list(recipe.class_weight or ())}
    if recipe.head == "linear":  # as older versions write and read it
        del values["head"]
    if recipe.head not in ("mlp", *SEQUENCE):
        del values["hidden"]
    return values


_version = functools.cache(version)  # a millisecond a package: its whole description is read


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Give the versions of Python and of the packages that decide a run's bytes, of those that are installed."""
    found = {"python": platform.python_version()}
    for name in packages:
        with suppress(PackageNotFoundError):
            found[name] = _version(name)
    return found


def _identity(described: dict[str, Any]) -> dict[str, Any]:
    kept = {name: described.get(name) for name in IDENTITY}
    store = with_network(described["store"])
    if described.get("finetuned"):  # its network is another one at the end; with which it began the recipe says
        store = {name: one for name, one in store.items() if name not in ("family", "digest")}
    kept["store"] = store
    # A head that is trained in one piece is another after more passes.
    extendable = () if described["recipe"].get("head") in SEQUENCE else EXTENDABLE
    recipe = {name: value for name, value in described["recipe"].items() if name not in extendable}
    return {**kept, "recipe": recipe}


def _another_event(before: dict[str, Any], now: dict[str, Any], source: str) -> bool:
    """Tell whether a run was begun on another event; runs of older versions do not say theirs."""
    events = [event_from_json(described.get("event"), source) for described in (before, now)]
    return all(events) and events[0] != events[1]


@contextmanager
def claimed(run: RunFolder, described: dict[str, Any], reporter: Reporter) -> Iterator[None]:
    """Hold a run's folder in a `with` block, for a new run or for going on with one that is the same.

    A block that fails before the first epoch leaves nothing; of one that fails later `failure` in run.json tells, and
    another run that takes the folder finds it set aside in `failed-1`.

    Raises:
        InputError: the folder holds another run, or cannot be used.
        FlarescopeError: another process is at work on it.
    """
    there = run.path.exists()
    make_folder(run.path)
    try:
        with locked(run.path / "run"):
            remove_leftovers(run.path)
            _begin(run, described, reporter)
            with _cleared_if_untrained(run):
                yield
    except BaseException:
        if not there:
            with suppress(OSError):  # it holds something
                run.path.rmdir()
        raise


@contextmanager
def _cleared_if_untrained(run: RunFolder) -> Iterator[None]:
    """Leave nothing of a run that ends with an error before its first epoch was whole, or its state kept."""
    try:
        yield
    except BaseException:
        if not run.can_go_on:
            run.clear()
        raise


def _begin(run: RunFolder, described: dict[str, Any], reporter: Reporter) -> None:
    """Start a run, or go on with one that is the same; what is left of one that failed makes room for another."""
    if run.run_json.exists():
        before = run.read()
        differing = [name for name in IDENTITY if _identity(before)[name] != _identity(described)[name]]
        differing += ["event"] if _another_event(before, described, str(run.run_json)) else []
        if differing:
            _make_room(run, before, differing, reporter)
            run.write(described)
            return
        done = len(run.history())
        if done > described["recipe"]["epochs"]:
            raise InputError(
                f"{run.path}: has {counted(done, 'epoch')} already; ask for more with --epochs, or choose another --out"
            )
        described = {**described, "content": before.get("content")}
    elif any(run.path.glob("*.hdf5")) or run.history_jsonl.exists():
        raise InputError(f"{run.path}: holds models but no run.json; choose another --out")
    run.write(described)


def _make_room(run: RunFolder, before: dict[str, Any], differing: Sequence[str], reporter: Reporter) -> None:
    """Remove a run of which nothing was trained, set aside one that failed, refuse to touch any other.

    Raises:
        InputError: the folder holds another run.
    """
    aside = _next_aside(run)
    killed = before.get("kind") == "magnetic" and not before.get("finished")  # it is trained in one piece
    if killed or not (run.history_jsonl.exists() or aside.exists()):
        run.clear()
    elif before.get("failure") and not run.forecasts("validation").exists():
        make_folder(aside)
        for path in run.own_files():
            path.rename(aside / path.name)
        reporter.say(f"{run.path}: the run that failed there is set aside in {aside.name}")
    else:
        raise InputError(
            f"{run.path}: holds another run (differs in {', '.join(differing)}); "
            "choose another --out, or delete the folder"
        )


def _next_aside(run: RunFolder) -> Path:
    """Name the folder for a run that is set aside: a new one, or one that a kill left without its run.json."""
    folders = (run.path / f"failed-{number}" for number in itertools.count(1))
    return next(folder for folder in folders if not RunFolder(folder).run_json.exists())


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
