"""How is the main job shown from end to end on a small synthetic set?"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from flarescope.catalog.file_names import region_and_time
from flarescope.catalog.labels import label_images
from flarescope.catalog.published import write_ar_list, write_event_list, write_labels, write_region_list
from flarescope.files import make_folder, read_json, write_json
from flarescope.forecaster.runs import RunFolder
from flarescope.pipeline.calibrating import calibrate
from flarescope.pipeline.catalogues.catalogue import build_catalogue
from flarescope.pipeline.evaluating import evaluate
from flarescope.pipeline.evaluation import Evaluation
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.predicted import Predicted
from flarescope.pipeline.predicting import predict
from flarescope.pipeline.reporting import Reported
from flarescope.pipeline.reporting import report as write_report
from flarescope.pipeline.synthetic_set import MARKER, flares_of
from flarescope.pipeline.training import train
from flarescope.pipeline.verifying import Verifying
from flarescope.progress import Reporter, WarningReporter
from flarescope.synthetic.field import SyntheticRegion
from flarescope.synthetic.files import FITS_FOLDER, PNG_FOLDER, write_synthetic_images
from flarescope.synthetic.regions import synthetic_regions, synthetic_split

LABELS: Final = "C1.0_24hr_224_png_Labels.txt"
TEST_LIST: Final = "List_of_AR_in_Test_Data_by_AR.csv"
VALIDATION_LIST: Final = "List_of_AR_in_Validation_data_by_AR.csv"


@dataclass(frozen=True)
class DemoSize:
    """How large the synthetic set is.

    Attributes:
        regions: active regions.
        images: of each region.
        fits_every: every so many-th image is written as FITS too.
    """

    regions: int = 64
    images: int = 8
    fits_every: int = 8


@dataclass(frozen=True)
class DemoResult:
    """What the demo made: the run, its verification on the test split, forecasts of FITS files, and the report."""

    run: RunFolder
    evaluation: Evaluation
    predicted: Predicted
    report: Reported


def make_synthetic_set(
    folder: Path, *, size: DemoSize | None = None, seed: int = 0, reporter: Reporter | None = None
) -> None:
    """Write a synthetic set in the layout of the published one: images, event list, AR lists, labels.

    A set that is already there, whole and of the same size and seed, is left as it is.

    Args:
        folder: where to write.
        size: how large.
        seed: of everything.
        reporter: hears the progress.
    """
    size, reporter = size or DemoSize(), reporter or WarningReporter()
    marker, made = folder / MARKER, {"synthetic": True, "seed": seed, **asdict(size)}
    if marker.exists() and read_json(marker) == made:
        return
    make_folder(folder)
    write_json(marker, {**made, "finished": False})  # what is half made is made up too
    regions = synthetic_regions(size.regions, images_per_region=size.images, seed=seed)
    split = synthetic_split(regions, seed=seed)
    total = size.regions * size.images
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        reporter.advance("synthetic images", done, total)

    write_synthetic_images(folder, regions, images_per_region=size.images, fits_every=size.fits_every, progress=advance)
    _write_tables(folder, regions, split)
    write_json(marker, made)  # last: else the set is made again


def _write_tables(folder: Path, regions: list[SyntheticRegion], split: dict[int, str]) -> None:
    flares = flares_of(regions)
    names = sorted(str(path.relative_to(folder / PNG_FOLDER)) for path in (folder / PNG_FOLDER).glob("*/*.png"))
    filenames = pd.Series(names, dtype="str")
    catalogue = pd.DataFrame({"filename": filenames}).join(region_and_time(filenames))
    catalogue = catalogue.join(label_images(catalogue, flares))
    write_event_list(flares, folder / "eventList.txt")
    write_ar_list(catalogue, folder / "ARList.txt")
    write_labels(catalogue, folder / LABELS)
    write_region_list([ar for ar, name in split.items() if name == "test"], folder / TEST_LIST)
    write_region_list([ar for ar, name in split.items() if name == "validation"], folder / VALIDATION_LIST)


def _test_fits(data: Path, forecasts: pd.DataFrame) -> list[Path]:
    """List the FITS files of the test regions, sorted."""
    regions = sorted({name.split("/")[0] for name in forecasts["filename"]})
    return [path for region in regions for path in sorted((data / FITS_FOLDER / region).glob("*.fits"))]


def run_demo(
    out: Path,
    *,
    backbone: str = "efficientnet-lite0",
    seed: int = 0,
    size: DemoSize | None = None,
    compute: Compute | None = None,
    reporter: Reporter | None = None,
) -> DemoResult:
    """Do the main job on a synthetic set: catalogue, features, 5 epochs, test scores, report, forecasts.

    Args:
        out: folder for data, tables, features and run.
        backbone: name of a network (see `backbones.registry.find`); the default needs the extra `lite`.
        seed: of the synthetic set; the training keeps the recipe's own.
        size: of the synthetic set.
        compute: of the features.
        reporter: hears notes and progress.
    """
    compute, reporter = compute or Compute(), reporter or WarningReporter()
    reporter.warn("synthetic data: the scores show that everything works, not how well flares can be forecast")
    data, tables = out / "data", out / "tables"
    make_synthetic_set(data, size=size, seed=seed, reporter=reporter)
    build_catalogue(
        labels=data / LABELS,
        test_regions=data / TEST_LIST,
        validation_regions=data / VALIDATION_LIST,
        out=tables,
    )
    common: dict[str, Any] = {"images": data / PNG_FOLDER, "compute": compute, "reporter": reporter}
    run = train(
        train=tables / "Train_Data_by_AR_png_224.csv",
        validation=tables / "Validation_Data_by_AR_png_224.csv",
        out=out / "run",
        backbone=backbone,
        **common,
    )
    calibrate(run.path, reporter=reporter)
    verifying = Verifying(events=data / "eventList.txt", flux_scale="operational")
    evaluation = evaluate(run.path, table=tables / "catalogue.parquet", verifying=verifying, **common)
    files = _test_fits(data, evaluation.forecasts)[:4]
    reported = write_report(run.path, verifying=verifying, reporter=reporter)
    predicted = predict(run.path, files, compute=compute, reporter=reporter)
    return DemoResult(run, evaluation, predicted, reported)
