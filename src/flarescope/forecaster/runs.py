"""What is in a run's folder, and which of its models is the best?"""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import numpy as np

from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.files import (
    LARGEST_JSON,
    atomic_path,
    read_json,
    refuse_special,
    translate_os_errors,
    write_json,
    write_text,
)
from flarescope.forecaster.run_records import check_epoch, check_run
from flarescope.heads.adam import State
from flarescope.heads.base import Ended
from flarescope.heads.mlp import MlpState
from flarescope.heads.result import EpochResult
from flarescope.json_values import is_count
from flarescope.parsing import parse_json, refusing_damage

AnyState = State | MlpState | Ended

_BEGIN_AGAIN: Final = "delete history.jsonl and state.npz and run again, from the first epoch"
_LARGEST_STATE: Final = 16 << 20  # bytes; of a linear head it has 66,000, of an MLP see `mlp.MOST_WEIGHTS`
_MODEL_NAME: Final = re.compile(r"model\.\d{2,}_(-?\d+\.\d+|nan)\.(hdf5|json)")


@dataclass(frozen=True)
class RunFolder:
    """The files of one training run."""

    path: Path

    __repr__ = brief

    @property
    def run_json(self) -> Path:
        """Recipe, seed, versions, digests of data and weights."""
        return self.path / "run.json"

    @property
    def history_jsonl(self) -> Path:
        """A line an epoch."""
        return self.path / "history.jsonl"

    @property
    def can_go_on(self) -> bool:
        """Whether an epoch is finished, or a fine-tuning kept where it stands within the first."""
        return self.history_jsonl.exists() or (self.path / "state.safetensors").exists()

    def own_files(self) -> list[Path]:
        """List the files by which training goes on: models, state, history and, last, `run.json`."""
        models = sorted(path for path in self.path.glob("model.*") if _MODEL_NAME.fullmatch(path.name))
        states = [self.path / name for name in ("state.npz", "state.safetensors")]
        return [path for path in (*models, *states, self.history_jsonl, self.run_json) if path.exists()]

    def clear(self) -> None:
        """Remove the files of `own_files`; `run.json` last, so that a kill within leaves it to be done again."""
        for path in self.own_files():
            path.unlink(missing_ok=True)

    def forecasts(self, split: str) -> Path:
        """The forecasts of a split."""
        return self.path / "forecasts" / f"{split}.parquet"

    def scores(self, split: str) -> Path:
        """The scores of a split; the test split's are `scores.json`."""
        return self.path / ("scores.json" if split == "test" else f"scores.{split}.json")

    def read(self) -> dict[str, Any]:
        """Read `run.json`.

        Raises:
            InputError: the folder is no run.
        """
        if not self.run_json.is_file():
            raise InputError(f"{self.path}: no run in it (no run.json); train one with `flarescope train`")
        described = read_json(self.run_json)
        if described.get("kind") == "regions":
            raise InputError(
                f"{self.path}: a run of train-regions; `report` takes it, `evaluate` and `compare` take "
                "the tables in its folder forecasts"
            )
        if described.get("kind") == "events":
            first = next(iter(described.get("runs") or ()), "events/...")
            raise InputError(f"{self.path}: a run of several events; give one, such as {self.path / str(first)}")
        advice = "train again with another --out"
        with refusing_damage(self.run_json, advice, what="not the description of a run"):
            check_run(described)
        return described

    def write(self, description: dict[str, Any]) -> None:
        """Write `run.json`."""
        write_json(self.run_json, description)

    def history(self) -> list[dict[str, Any]]:
        """Read the finished epochs, oldest first.

        Raises:
            InputError: a damaged file.
        """
        if not self.history_jsonl.exists():
            return []
        refuse_special(self.history_jsonl)
        with translate_os_errors(self.history_jsonl, "read"):
            content = self.history_jsonl.read_bytes()
        with refusing_damage(self.history_jsonl, _BEGIN_AGAIN, what="damaged"):
            if len(content) > LARGEST_JSON:
                raise ValueError(f"more than {LARGEST_JSON:,} bytes")
            rows = [parse_json(line, self.history_jsonl, advice=_BEGIN_AGAIN) for line in content.splitlines()]
            for row in rows:
                check_epoch(row)
        return rows

    def write_history(self, rows: list[dict[str, Any]]) -> None:
        """Write the finished epochs."""
        write_text(self.history_jsonl, "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows))

    def write_state(self, state: AnyState) -> None:
        """Keep where training stands, so that a killed run goes on after its last whole epoch."""
        with atomic_path(self.path / "state.npz") as temporary:
            np.savez(temporary, **state.arrays(), step=state.step, epoch=state.epoch)  # type: ignore[arg-type]

    def read_state(self) -> AnyState | None:
        """Read where training stands; None before the first epoch.

        Raises:
            InputError: a damaged file.
        """
        path = self.path / "state.npz"
        if not path.exists():
            return None
        refuse_special(path)
        with refusing_damage(path, _BEGIN_AGAIN, what="damaged"):
            return _read_state(path)

    def model_path(self, epoch: int | None = None) -> Path:
        """Find the model of an epoch, by default that of `chosen_epoch` of those that were kept.

        Raises:
            InputError: no such epoch, or its model was not kept.
        """
        rows = self.history()
        kept = [row for row in rows if (self.path / row["model"]).is_file()]
        if not kept:
            raise InputError(f"{self.path}: no model in it yet; run `flarescope train` again to go on")
        if epoch is None:
            return self.path / str(chosen_epoch(kept)["model"])
        chosen = [row for row in kept if row["epoch"] == epoch]
        if not chosen:
            numbers = ", ".join(str(row["epoch"]) for row in kept)
            raise InputError(f"{self.path}: no model of epoch {epoch}; there are models of epoch {numbers}")
        return self.path / str(chosen[0]["model"])


def _read_state(path: Path) -> AnyState:
    """Read where training stands.

    Raises:
        ValueError: arrays that do not fit each other, or numbers that cannot be. Libraries raise much else.
    """
    if path.stat().st_size > _LARGEST_STATE:
        raise ValueError(f"more than {_LARGEST_STATE:,} bytes")
    with ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > _LARGEST_STATE:
            raise ValueError(f"more than {_LARGEST_STATE:,} bytes when unpacked")
    with np.load(path, allow_pickle=False) as file:
        counts = int(file["step"]), int(file["epoch"])
        arrays = {name: file[name] for name in ("theta", "first", "second", "mean", "inverse") if name in file}
    if not arrays:
        return Ended(None, *counts)
    step, epoch = counts
    state: State | MlpState = (
        MlpState(**arrays, step=step, epoch=epoch) if "mean" in arrays else State(**arrays, step=step, epoch=epoch)
    )
    twice = (2,) if isinstance(state, State) else ()
    if not state.theta.shape == (*twice, *state.first.shape) == (*twice, *state.second.shape):
        raise ValueError(f"theta has shape {state.theta.shape}, Adam's moments {state.first.shape}")
    if isinstance(state, MlpState) and (len(state.theta) - 1) % (len(state.mean) + 2):
        raise ValueError(f"{len(state.theta)} numbers of {len(state.mean)} features")
    if not all(array.dtype == np.float32 and np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("numbers that are not finite float32")
    if not (is_count(state.step) and is_count(state.epoch)):
        raise ValueError(f"step {state.step} of epoch {state.epoch}")
    return state


def result_to_json(result: EpochResult) -> dict[str, float | int | None]:
    """Give an epoch's result as plain values; a score that is 0/0 is None."""
    scores = {name: None if math.isnan(value) else value for name, value in result.table.scores().items()}
    return {"loss": result.loss, **result.table.counts(), **scores}


def best_epoch(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Give the row with the highest validation TSS, the earliest of equals; None where no row has one.

    It is 0/0 in every epoch where the validation rows are of one class only. Of a fine-tuning that was asked to go by
    the loss, whose rows say so, it is the row with the smallest validation loss.
    """
    if rows and rows[0].get("chosen_by") == "loss":
        return min(rows, key=lambda row: float(row["validation"]["loss"]))
    known = [row for row in rows if row["validation"]["tss"] is not None]
    return max(known, key=lambda row: row["validation"]["tss"], default=None)


def chosen_epoch(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Give the row whose model stands for the run: the best, or the last where none can be called so."""
    return best_epoch(rows) or rows[-1]


def model_name(epoch: int, validation_tss: float) -> str:
    """Name a model file as the reference notebook does, such as `model.02_0.48.hdf5`."""
    return f"model.{epoch:02d}_{validation_tss:.2f}.hdf5"
