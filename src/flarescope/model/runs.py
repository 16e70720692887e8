"""What is in a run's folder, and which of its models is the best?"""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np

from flarescope.errors import InputError
from flarescope.files import atomic_path, read_json, refuse_special, write_json, write_text
from flarescope.model.adam import State
from flarescope.model.head import EpochResult

_MODEL_NAME: Final = re.compile(r"model\.\d{2,}_(-?\d+\.\d+|nan)\.(hdf5|json)")


@dataclass(frozen=True)
class RunFolder:
    """The files of one training run."""

    path: Path

    @property
    def run_json(self) -> Path:
        """Recipe, seed, versions, digests of data and weights."""
        return self.path / "run.json"

    @property
    def history_jsonl(self) -> Path:
        """A line an epoch."""
        return self.path / "history.jsonl"

    def own_files(self) -> list[Path]:
        """List the files by which training goes on: models, state, history and, last, `run.json`."""
        models = sorted(path for path in self.path.glob("model.*") if _MODEL_NAME.fullmatch(path.name))
        return [path for path in (*models, self.path / "state.npz", self.history_jsonl, self.run_json) if path.exists()]

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
        train = described.get("data", {}).get("train") if isinstance(described.get("data"), dict) else None
        if not (isinstance(described.get("recipe"), dict) and isinstance(train, dict)):
            raise InputError(f"{self.run_json}: not the description of a run; train again with another --out")
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
        try:
            rows = [json.loads(line) for line in self.history_jsonl.read_text(encoding="utf-8").splitlines()]
            if not all(isinstance(row, dict) and {"epoch", "model", "validation"} <= set(row) for row in rows):
                raise ValueError("expected a JSON object a line, with epoch, model and validation")
        except (OSError, ValueError) as error:
            raise self._damaged(self.history_jsonl, error) from error
        return rows

    def write_history(self, rows: list[dict[str, Any]]) -> None:
        """Write the finished epochs."""
        write_text(self.history_jsonl, "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows))

    def write_state(self, state: State) -> None:
        """Keep where training stands, so that a killed run goes on after its last whole epoch."""
        with atomic_path(self.path / "state.npz") as temporary:
            np.savez(
                temporary, theta=state.theta, first=state.first, second=state.second, step=state.step, epoch=state.epoch
            )

    def read_state(self) -> State | None:
        """Read where training stands; None before the first epoch.

        Raises:
            InputError: a damaged file.
        """
        path = self.path / "state.npz"
        if not path.exists():
            return None
        refuse_special(path)
        try:
            with np.load(path, allow_pickle=False) as file:
                state = State(file["theta"], file["first"], file["second"], int(file["step"]), int(file["epoch"]))
            if not state.theta.shape == (2, *state.first.shape) == (2, *state.second.shape):
                raise ValueError(f"theta has shape {state.theta.shape}, Adam's moments {state.first.shape}")
            return state
        except (OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
            raise self._damaged(path, error) from error

    def _damaged(self, path: Path, error: Exception) -> InputError:
        reason = str(error).splitlines()[0]
        return InputError(
            f"{path}: damaged ({reason}); delete history.jsonl and state.npz and run again, from the first epoch"
        )

    def model_path(self, epoch: int | None = None) -> Path:
        """Find the model of an epoch, by default the best one by validation TSS of those that were kept.

        Raises:
            InputError: no such epoch, or its model was not kept.
        """
        rows = self.history()
        kept = [row for row in rows if (self.path / row["model"]).is_file()]
        if not kept:
            raise InputError(f"{self.path}: no model in it yet; run `flarescope train` again to go on")
        if epoch is None:
            return self.path / str(best_epoch(kept)["model"])
        chosen = [row for row in kept if row["epoch"] == epoch]
        if not chosen:
            numbers = ", ".join(str(row["epoch"]) for row in kept)
            raise InputError(f"{self.path}: no model of epoch {epoch}; there are models of epoch {numbers}")
        return self.path / str(chosen[0]["model"])


def result_to_json(result: EpochResult) -> dict[str, float | int | None]:
    """Give an epoch's result as plain values; a score that is 0/0 is None."""
    scores = {name: None if math.isnan(value) else value for name, value in result.table.scores().items()}
    return {"loss": result.loss, **result.table.counts(), **scores}


def best_epoch(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Give the row with the highest validation TSS, the earliest of equals; an undefined TSS is below any other."""
    return max(rows, key=lambda row: -math.inf if row["validation"]["tss"] is None else row["validation"]["tss"])


def model_name(epoch: int, validation_tss: float) -> str:
    """Name a model file as the reference notebook does, such as `model.02_0.48.hdf5`."""
    return f"model.{epoch:02d}_{validation_tss:.2f}.hdf5"
