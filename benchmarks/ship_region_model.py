r"""How do two runs of `flarescope train-regions` become the region model that ships, with its card?

    flarescope train-regions --regions region_days.csv --flares flares.csv --flux-scale operational \
        --credit CREDIT --until 2011-12-31 --out runs/regions_2011
    flarescope train-regions --regions region_days.csv --flares flares.csv --flux-scale operational \
        --credit CREDIT --out runs/regions
    python benchmarks/ship_region_model.py runs/regions_2011 runs/regions

CREDIT is in docs/regions.md. The first says how good such a model is on years that it never saw; the second is trained
on all, and ships.
"""

import argparse
import shutil
from pathlib import Path

from flarescope.files import read_json, write_text
from flarescope.pipeline.region_card import Run, card
from flarescope.regions.model_file import read_model
from flarescope.regions.shipped import FOLDER, MODEL_NAME

LICENCE = "The model is under the licence of flarescope, BSD-3-Clause."


def read_run(folder: Path) -> Run:
    """Read what a run says of itself, and its scores."""
    return read_json(folder / "run.json"), read_json(folder / "scores.json")


def main() -> None:
    """Copy the model into the package and write its card beside it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("earlier", type=Path, help="run verified after its training")
    parser.add_argument("shipped", type=Path, help="run trained on all days")
    options = parser.parse_args()
    name = read_model(options.shipped / MODEL_NAME).name
    shutil.copy(options.shipped / MODEL_NAME, FOLDER / f"{name}.json")
    write_text(
        FOLDER / f"{name}.md", card(read_run(options.shipped), earlier=read_run(options.earlier), licence=LICENCE)
    )


if __name__ == "__main__":
    main()
