"""How is a region model written as plain JSON, and read back from a file that anybody may have made?"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.errors import InputError
from flarescope.files import read_json, translate_os_errors, write_text
from flarescope.json_values import are_texts, is_text
from flarescope.parsing import refusing_damage
from flarescope.regions.features import region_features
from flarescope.regions.grid import SHAPE, THRESHOLDS_W_M2, WINDOWS_H
from flarescope.regions.logistic import EVENTS, Logistic
from flarescope.regions.mixture import Mixture
from flarescope.regions.model import SCALE, Regional, RegionModel
from flarescope.regions.rates import ALL, LEVELS, ClassRates
from flarescope.regions.trees import Trees
from flarescope.regions.whole_disk import COLUMNS, WholeDisk
from flarescope.sealing import sealed, unsealed

FORM: Final = 2
LARGEST_BYTES: Final = 8_000_000
"""The model that ships has a twentieth of it."""
ADVICE: Final = "train it again (flarescope train-regions), or leave --model away"

_GRID: Final[dict[str, Any]] = {
    "flux_scale": SCALE,
    "thresholds_w_m2": list(THRESHOLDS_W_M2),
    "windows_h": [list(window) for window in WINDOWS_H],
}


def to_json(model: RegionModel) -> dict[str, Any]:
    """Give a model as plain values; `from_json` reads it back to the last bit."""
    values = {
        "form": FORM,
        "name": model.name,
        **_GRID,
        "trained": dict(model.trained),
        "regional": regional_to_json(model.regional),
        "blind": None if model.blind is None else regional_to_json(model.blind),
        "disk": model.disk.to_json(),
    }
    return sealed(values)


def regional_to_json(regional: Regional) -> dict[str, Any]:
    """Give what forecasts single regions as plain values; `regional_from_json` reads it back to the last bit."""
    if isinstance(regional, ClassRates):
        return {"kind": regional.kind, **regional.to_json()}
    return {"kind": "mixture" if isinstance(regional, Mixture) else "logistic", **regional.to_json()}


def write_model(model: RegionModel, path: Path) -> None:
    """Write a model, a line for each of its parts."""
    lines = [f"  {json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in to_json(model).items()]
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def read_model(path: Path) -> RegionModel:
    """Read a model.

    Raises:
        InputError: no such file, another form, or anything in it that is not as `write_model` writes it.
    """
    return from_json(read_json(path, most_bytes=LARGEST_BYTES), str(path))


def digest_of_model(path: Path) -> str:
    """Give `sha256:<hex>` of a model's file."""
    with translate_os_errors(path, "read"):
        return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def from_json(values: Mapping[str, Any], source: str) -> RegionModel:
    """Read a model from plain values; nothing of them is trusted.

    Raises:
        InputError: they are no model of this form.
    """
    if values.get("form") != FORM:
        raise InputError(f"{source}: not a region model in form {FORM}; {ADVICE}")
    if any(values.get(name) != expected for name, expected in _GRID.items()):
        raise InputError(f"{source}: a region model of other classes, windows or flux scale; {ADVICE}")
    with refusing_damage(source, ADVICE):
        unsealed(values)
        name, trained = values["name"], values["trained"]
        _demand(is_text(name) and 0 < len(name) <= 40, "a short name")
        _demand(_is_training(trained), "what it was trained on")
        blind = values["blind"]
        return RegionModel(
            name,
            regional_from_json(values["regional"]),
            None if blind is None else regional_from_json(blind),
            _disk(values["disk"]),
            trained,
        )


def _is_training(trained: object) -> bool:
    if not isinstance(trained, dict) or not all(is_text(key) for key in trained):
        return False
    dates = [trained[key] for key in ("first", "last") if key in trained]
    number = trained.get("region_days", 0)
    return all(is_text(date) for date in dates) and isinstance(number, int) and not isinstance(number, bool)


def _demand(true: bool, expected: str) -> None:
    if not true:
        raise ValueError(f"expected {expected}")


def regional_from_json(values: Mapping[str, Any]) -> Regional:
    """Read what forecasts single regions; nothing of it is trusted.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    kind = values["kind"]
    if kind in LEVELS:
        rates = {name: _array(rate, SHAPE, "rates") for name, rate in values["rates"].items()}
        _demand(ALL in rates and all((rate >= 0).all() for rate in rates.values()), "rates from 0 on, of all too")
        return ClassRates(kind, rates)
    readers: dict[str, Callable[[Mapping[str, Any]], Regional]] = {"logistic": _logistic, "mixture": _mixture}
    _demand(kind in readers, "a known kind of model")
    return readers[kind](values)


def _mixture(values: Mapping[str, Any]) -> Mixture:
    return Mixture(_logistic(values["logistic"]), _trees(values["trees"]))


def _logistic(values: Mapping[str, Any], known: Collection[str] | None = None) -> Logistic:
    columns = _columns(values["columns"], region_columns() if known is None else known)
    mean, scale = (_array(values[name], (len(columns),), name) for name in ("mean", "scale"))
    _demand(bool((scale > 0).all()), "scales above 0")
    weights = _array(values["weights"], (len(columns), EVENTS), "weights")
    return Logistic(columns, mean, scale, weights, _array(values["intercept"], (EVENTS,), "intercept"))


def _trees(values: Mapping[str, Any]) -> Trees:
    columns = _columns(values["columns"], region_columns())
    nodes = len(values["feature"])
    roots, feature, upper = (_whole(values[name], name) for name in ("roots", "feature", "upper"))
    cut, missing = _array(values["cut"], (nodes,), "cut"), _whole(values["missing_lower"], "missing_lower")
    _demand(nodes > 0 and len(roots) > 0 and len(upper) == len(missing) == nodes, "as many of each part of a node")
    place, split = np.arange(nodes), feature >= 0
    _demand(bool(((feature >= -1) & (feature <= len(columns))).all()), "numbers of columns")
    _demand(bool(((roots >= 0) & (roots < nodes)).all()), "roots among the nodes")
    # Both sides stand behind the node: every walk ends.
    _demand(bool(((upper > place + 1) & (upper < nodes))[split].all()), "splits whose sides stand behind them")
    return Trees(columns, float(_array(values["baseline"], (), "baseline")), roots, feature, cut, upper, missing == 1)


def _disk(values: Mapping[str, Any]) -> WholeDisk:
    slope, intercept = (_array(values[name], SHAPE, name) for name in ("slope", "intercept"))
    _demand(bool((slope > 0).all()), "slopes above 0")
    return WholeDisk(_logistic(values["unnumbered"], COLUMNS), slope, intercept)


def _columns(values: object, known: Collection[str]) -> tuple[str, ...]:
    _demand(are_texts(values) and len(set(values)) == len(values), "columns, each once")  # type: ignore[arg-type,call-overload]
    columns: list[str] = values  # type: ignore[assignment]
    _demand(set(columns) <= set(known), "columns that this version of flarescope computes")
    return tuple(columns)


def _array(values: object, shape: tuple[int, ...], name: str) -> np.ndarray:
    array = np.asarray(values)
    _demand(array.shape == shape and array.dtype.kind in "if", f"{name} of shape {shape}")
    array = array.astype(np.float64)
    _demand(bool((np.abs(array) < 1e12).all()), f"finite {name}")
    return array


def _whole(values: object, name: str) -> np.ndarray:
    array = np.asarray(values)
    _demand(array.ndim == 1 and array.dtype.kind == "i", f"{name}, a list of whole numbers")
    return array.astype(np.int64)


@cache
def region_columns() -> frozenset[str]:
    """Name all columns of `region_features`."""
    columns = {
        **dict.fromkeys(("day", "issued"), "datetime64[us, UTC]"),
        **dict.fromkeys(("latitude_deg", "longitude_deg"), "Float64"),
        **dict.fromkeys(("noaa_ar", "carrington_deg", "area_msh", "extent_deg", "spots"), "Int32"),
        **dict.fromkeys(("mcintosh", "hale"), "str"),
    }
    one = pd.DataFrame({name: [None] for name in columns}, dtype=object)
    one = one.assign(day=pd.Timestamp(0, tz="UTC"), issued=pd.Timestamp(0, tz="UTC"), noaa_ar=1).astype(columns)
    none = pd.DataFrame({"noaa_ar": one["noaa_ar"], "time": one["day"], "flare": one["mcintosh"]})[:0]
    return frozenset(str(name) for part in region_features(one, none).values() for name in part)
