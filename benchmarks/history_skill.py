"""What do a history of images and NOAA's record add, on made regions whose flares follow growth, and on others?

Everything is synthetic: images, flares, summaries. For each of three rules by which made flares come, it makes a set,
trains a head on EfficientNet-Lite0's features of the images alone and beside those of earlier images, and runs
`flarescope ablate`. Run from the project's root: `python benchmarks/history_skill.py --out FOLDER`; about a quarter of
an hour on two cores. The numbers in docs/history.md are of `--regions 240 --images 16`.
"""

import argparse
from pathlib import Path

import pandas as pd

import flarescope
from flarescope.pipeline.demo import LABELS, TEST_LIST, VALIDATION_LIST, DemoSize, make_synthetic_set
from flarescope.progress import Reporter
from flarescope.synthetic.files import PNG_FOLDER
from flarescope.synthetic.record import made_record_flares, made_summaries
from flarescope.synthetic.regions import synthetic_regions

HISTORY = flarescope.History(hours=(3, 6, 9), tolerance_hours=0.5, form="difference")
RECIPE = flarescope.Recipe(solver="lbfgs", l2=0.03)


class Quiet(Reporter):
    """Says nothing of progress, and what a reader must know."""

    def warn(self, text: str) -> None:
        """Print a warning."""
        print("WARNING:", text)


def write_record(folder: Path, size: DemoSize, seed: int) -> dict[str, object]:
    """Write the made record of a made set: summaries and all flares, with those before and after the images."""
    regions = synthetic_regions(size.regions, images_per_region=size.images, seed=seed, follow=size.follow)
    made_summaries(regions, images_per_region=size.images).to_csv(folder / "region_days.csv", index=False)
    flares = made_record_flares(regions, images_per_region=size.images, follow=size.follow)
    rows = [{"time": flare.peak_utc, "flare": flare.goes_class, "noaa_ar": flare.noaa_ar} for flare in flares]
    pd.DataFrame(rows).to_csv(folder / "flares.csv", index=False)
    return {"regions": [folder / "region_days.csv"], "flares": folder / "flares.csv", "flux_scale": "operational"}


def ablation(out: Path, size: DemoSize, seed: int) -> dict[str, object]:
    """Make a set, train the image's part, and score all parts."""
    data, reporter = out / "data", Quiet()
    make_synthetic_set(data, size=size, seed=seed, reporter=reporter)
    record = write_record(data, size, seed)
    lists = {"test_regions": data / TEST_LIST, "validation_regions": data / VALIDATION_LIST}
    flarescope.build_catalogue(labels=data / LABELS, out=out / "tables", **lists)
    table, images = out / "tables" / "catalogue.parquet", data / PNG_FOLDER
    tables = {"train": table, "validation": table, "images": images}
    common = {"backbone": "efficientnet-lite0", "recipe": RECIPE, "reporter": reporter}
    run = flarescope.train(**tables, out=out / "run", **common)
    return flarescope.ablate(run.path, table=table, history=HISTORY, reporter=reporter, **record)


def main() -> None:
    """Print what each part adds, for each rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--regions", type=int, default=240)
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--follow", nargs="+", default=["growth", "gradient", "nothing"])
    asked = parser.parse_args()
    for follow in asked.follow:
        size = DemoSize(regions=asked.regions, images=asked.images, fits_every=asked.images, follow=follow)
        found = ablation(asked.out / follow, size, asked.seed)
        rows = found["rows"]
        print(f"flares follow {follow}: {rows['images']} images of {rows['regions']} regions, {rows['events']} events")
        for key, part in (("set", "sets"), ("what", "adds")):
            for one in found[part]:
                score, area = one["scores"]["bss_climatology"], one["scores"]["roc_area"]["value"]
                ends = f"{score['low']:+.3f} to {score['high']:+.3f}"
                print(f"  {part} {one[key]:42} BSS {score['value']:+.3f} ({ends})  ROC area {area:+.3f}")


if __name__ == "__main__":
    main()
