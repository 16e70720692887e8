"""What do a history of images and NOAA's record add, on made regions whose flares follow growth, and on others?

    python benchmarks/history_skill.py --out FOLDER [--regions 240] [--images 16] [--backbone efficientnet-lite0]

Everything is synthetic: images, flares, summaries. The images are made once, and go through the network once. For each
of the rules by which made flares come (`flarescope.synthetic.flares.FOLLOW`) a head is trained on the images alone, and
`flarescope ablate` scores it beside one that looks back, and beside the made record. With `--magnetic` the 29
magnetic-complexity features take the network's place. About a quarter of an hour on two cores.
"""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

import flarescope
from flarescope.catalog.file_names import region_and_time
from flarescope.catalog.labels import label_by
from flarescope.magnetic.features import FEATURE_NAMES, features_of_file
from flarescope.pipeline.catalogues.listing import write_catalogue
from flarescope.pipeline.demo import DemoSize, make_synthetic_set
from flarescope.progress import Reporter
from flarescope.synthetic.field import SyntheticFlare, SyntheticRegion
from flarescope.synthetic.files import PNG_FOLDER
from flarescope.synthetic.flares import FOLLOW
from flarescope.synthetic.record import made_record_flares, made_summaries
from flarescope.synthetic.regions import synthetic_regions, synthetic_split

HISTORY = flarescope.History(hours=(3, 6, 9), tolerance_hours=0.5, form="difference")
EVENT = flarescope.EventDefinition()
SEED = 0


def flare_table(flares: list[SyntheticFlare]) -> pd.DataFrame:
    """Give made flares as a flare list has them."""
    rows = [{"time": flare.peak_utc, "flare": flare.goes_class, "noaa_ar": flare.noaa_ar} for flare in flares]
    return pd.DataFrame(rows)


def write_tables(folder: Path, regions: list[SyntheticRegion], images: Path, asked: argparse.Namespace) -> Path:
    """Write labels, summaries and flares of made regions; the split is that of the first rule."""
    folder.mkdir(parents=True, exist_ok=True)
    names = pd.Series(sorted(str(path.relative_to(images)) for path in images.glob("*/*.png")), dtype="str")
    table = pd.DataFrame({"filename": names}).join(region_and_time(names))
    flares = flare_table([flare for region in regions for flare in region.flares])
    first = synthetic_regions(len(regions), images_per_region=asked.images, seed=SEED, follow=FOLLOW[0])
    table["split"] = table["noaa_ar"].map(synthetic_split(first, seed=SEED)).astype("str")
    write_catalogue(table.join(label_by(table, flares, EVENT)), folder / "catalogue.parquet", EVENT)
    made_summaries(regions, images_per_region=asked.images).to_csv(folder / "region_days.csv", index=False)
    return folder / "catalogue.parquet"


def magnetic_table(images: Path, path: Path) -> str:
    """Compute the 29 features of every image once; give how a training names them."""
    if not path.exists():
        files = sorted(images.glob("*/*.png"))
        found = pd.DataFrame([features_of_file(file) for file in files], columns=list(FEATURE_NAMES))
        found.insert(0, "filename", [str(file.relative_to(images)) for file in files])
        found.to_parquet(path)
    return f"table:{path}"


def ablation(follow: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Train the image's part on one rule's labels, and score all parts."""
    size = {"images_per_region": asked.images, "seed": SEED, "follow": follow}
    regions = synthetic_regions(asked.regions, **size)
    images, folder = asked.out / "data" / PNG_FOLDER, asked.out / follow
    table = write_tables(folder, regions, images, asked)
    record = made_record_flares(regions, images_per_region=asked.images, follow=follow)
    flare_table(record).to_csv(folder / "flares.csv", index=False)
    backbone = magnetic_table(images, asked.out / "magnetic.parquet") if asked.magnetic else asked.backbone
    run = flarescope.train(
        train=table,
        validation=table,
        images=images,
        out=folder / ("run_magnetic" if asked.magnetic else "run"),
        backbone=backbone,
        recipe=flarescope.Recipe(solver="lbfgs", l2=asked.l2),
        features=asked.out / "features",
        reporter=Reporter(),
    )
    return flarescope.ablate(
        run.path,
        table=table,
        regions=[folder / "region_days.csv"],
        flares=folder / "flares.csv",
        flux_scale="operational",
        history=HISTORY,
        reporter=Reporter(),
    )


def main() -> None:
    """Print what each part adds, for each rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--regions", type=int, default=240)
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--backbone", default="efficientnet-lite0")
    parser.add_argument("--magnetic", action="store_true")
    parser.add_argument("--l2", type=float, default=3.0)
    parser.add_argument("--follow", nargs="+", default=list(FOLLOW))
    asked = parser.parse_args()
    size = DemoSize(regions=asked.regions, images=asked.images, fits_every=asked.images)
    make_synthetic_set(asked.out / "data", size=size, seed=SEED, reporter=Reporter())
    for follow in asked.follow:
        found = ablation(follow, asked)
        rows = found["rows"]
        print(f"flares follow {follow}: {rows['images']} images of {rows['regions']} regions, {rows['events']} events")
        for key, part in (("set", "sets"), ("what", "adds")):
            for one in found[part]:
                score, area = one["scores"]["bss_climatology"], one["scores"]["roc_area"]["value"]
                ends = f"{score['low']:+.3f} to {score['high']:+.3f}"
                print(f"  {part} {one[key]:46} BSS {score['value']:+.3f} ({ends})  ROC area {area:+.3f}", flush=True)


if __name__ == "__main__":
    main()
