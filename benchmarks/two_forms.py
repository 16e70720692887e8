"""How far apart are the forecasts of the FITS and of the PNG form of one image?

    python benchmarks/two_forms.py DATA [--filters 0 1 2] [--json FILE]

DATA holds magnetograms of HMI as FITS and `labels_derived.csv` (columns `file`, `max_flare_24h_eventList`). Each FITS
file is reduced to a PNG by `flarescope images reduce`; published pairs were not at hand. Heads are trained on the
features of the PNG files alone, with labels of M1.0 in 24 hours, once by the reference recipe and once by L-BFGS, on
random filters of several seeds, and forecast both forms.
"""

import argparse
import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import flarescope
from flarescope.cli import main as flarescope_main
from flarescope.progress import Reporter

HEADS = {
    "reference": ["--epochs", "20", "--batch", "8"],
    "L-BFGS": ["--solver", "lbfgs", "--l2", "1e-3"],
}


def labelled(data: Path, images: Path) -> pd.DataFrame:
    """Give `filename` (of the PNG), `class` and `fits`, of the pairs that are there."""
    listed = pd.read_csv(data / "labels_derived.csv")
    names = [str(Path(name).with_suffix("")) + "_224.png" for name in listed["file"]]
    strong = listed["max_flare_24h_eventList"].astype(str).str.match("[MX]")
    table = pd.DataFrame({"filename": names, "class": strong.astype(int), "fits": listed["file"]})
    there = [(images / name).is_file() for name in names]
    return table[there].reset_index(drop=True)


def differences(model: Path, data: Path, images: Path, table: pd.DataFrame) -> np.ndarray:
    """Give the probability of each FITS file less that of its PNG, `(N,)`."""
    loaded = flarescope.load(model)
    forms = [[data / name for name in table["fits"]], [images / name for name in table["filename"]]]
    compute = flarescope.Compute(nan="zero")
    fits, png = (loaded.forecast(paths, compute=compute, reporter=Reporter()) for paths in forms)
    return np.asarray(fits["probability"].to_numpy() - png["probability"].to_numpy())


def measure(data: Path, filters: list[int]) -> list[dict[str, Any]]:
    """Train each head on each filters' features of the PNG files, and compare the forecasts of the two forms."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        reduce = ["images", "reduce", str(data), str(work / "png"), "--nan", "zero", "--quiet"]
        flarescope_main(reduce)  # files that are damaged are named, and left out
        table = labelled(data, work / "png")
        half = np.arange(len(table)) % 2 == 0  # the heads need both classes; nothing is said of their skill
        for split, which in (("train", half), ("validation", ~half)):
            table[which].assign(noaa_ar=11158)[["filename", "class", "noaa_ar"]].to_csv(
                work / f"{split}.csv", index=False
            )
        for seed in filters:
            for name, options in HEADS.items():
                out = work / "runs" / f"{seed}-{name}"
                tables = ["--train", work / "train.csv", "--validation", work / "validation.csv"]
                command = ["train", *tables, "--images", work / "png", "--out", out, "--backbone", f"random:{seed}"]
                given = [str(word) for word in (*command, "--allow-overlap", "--quiet", *options)]
                with contextlib.redirect_stdout(io.StringIO()):
                    failed = flarescope_main(given)
                if failed:
                    sys.exit("training failed")
                found = differences(out, data, work / "png", table)
                rows.append(
                    {
                        "filters": seed,
                        "head": name,
                        "pairs": len(found),
                        "mean": round(float(found.mean()), 4),
                        "mean_absolute": round(float(np.abs(found).mean()), 4),
                        "largest": round(float(found[np.abs(found).argmax()]), 4),
                    }
                )
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--filters", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = measure(arguments.data, arguments.filters)
    print(pd.DataFrame(rows).to_string(index=False))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
