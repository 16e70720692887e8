"""What does NOAA's record say of real images, at the time of each: the region's flares before, and its McIntosh class?

    python benchmarks/record_on_real_labels.py DATA

DATA is the folder of real data that the tests read. Of 9,223 real images of the published set the official labels
are at hand, not the images. Region models are trained on the region-days of 1996 to 2015 of all other regions, and
scored on these labels, half of the regions joining them (`heads.stack`), the other half scoring. Images of one region
are nearly copies: the intervals are by region.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from flarescope.catalog.file_names import region_and_time
from flarescope.events import PUBLISHED
from flarescope.heads.stack import fit_stack
from flarescope.log_odds import sigmoid
from flarescope.pipeline.record import fit_record, record_log_odds
from flarescope.pipeline.region_data import read_region_data
from flarescope.progress import Reporter
from flarescope.scores.cases import PROBABILITY, Case, Sampling, ScoredCases

NAMES = ("history", "mcintosh", "regions")
SETS = (("history",), ("mcintosh",), ("history", "mcintosh"), ("regions",))


def main() -> None:
    """Print the skill of each part, and what each adds."""
    data, place = Path(sys.argv[1]), Path(sys.argv[1]) / "noaa_1996_2015"
    sample = pd.read_csv(data / "boucheron2023" / "official_labels_sample.csv")
    images = region_and_time(sample["filename"].astype("str")).assign(label=(sample["class"] != "0").astype(int))
    record = read_region_data([place / "region_days.csv"], place / "flares.csv", flux_scale=None, reporter=Reporter())
    others = set(record.regions["noaa_ar"]) - set(images["noaa_ar"])
    models = fit_record(record, NAMES, others, Reporter())
    found = record_log_odds(models.regional, images, record, PUBLISHED)
    known = found.notna().all(axis=1)
    images, found = images[known].reset_index(drop=True), found[known].reset_index(drop=True)
    joining = images["noaa_ar"].to_numpy() % 2 == 0
    labels, groups = images["label"].to_numpy(), images["noaa_ar"].to_numpy(np.int64)
    cases = {}
    for names in SETS:
        parts = found[list(names)].to_numpy()
        fitted = fit_stack(names, parts[joining], labels[joining], groups[joining])
        cases[" + ".join(names)] = Case(sigmoid(fitted.stack.log_odds(parts[~joining])))
    scored = ScoredCases(
        labels[~joining] == 1,
        cases,
        regions=images.loc[~joining, "noaa_ar"].reset_index(drop=True),
        climatology=float(labels[joining].mean()),
        sampling=Sampling(),
    )
    regions = images.loc[~joining, "noaa_ar"].nunique()
    print(
        f"{known.sum():,} of {len(sample):,} images have a known record; trained on {models.region_days:,} region-days"
    )
    print(f"scored on {(~joining).sum():,} images of {regions} regions, {labels[~joining].sum():,} with an event")
    for name in cases:
        rows = scored.scores(name, PROBABILITY)
        print(f"  {name:20}", *(_line(score, rows[score]) for score in ("bss_climatology", "roc_area", "log_loss")))
    for one, other in (("history + mcintosh", "mcintosh"), ("history + mcintosh", "history")):
        rows = scored.differences((one, PROBABILITY), (other, PROBABILITY))
        print(f"  {one} less {other}:", _line("bss_climatology", rows["bss_climatology"]))


def _line(name: str, row: dict[str, float]) -> str:
    return f"{name} {row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


if __name__ == "__main__":
    main()
