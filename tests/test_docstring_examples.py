"""Has what `flarescope.__all__` lists an example in its docstring, and does each run as it stands?

They run in a folder that is laid out as they take it to be, with a fake network and blank figures.
"""

import doctest
import inspect
import shutil
import warnings
from pathlib import Path

import pandas as pd
import pytest

import flarescope
from disks import write_disk, write_summary
from fakes import draw_blank, use_fake_network, write_set
from flarescope.synthetic.files import FITS_FOLDER, write_synthetic_images
from flarescope.synthetic.regions import synthetic_regions
from made_regions import write_made_regions, write_set_record

NAMES = [
    name
    for name in flarescope.__all__
    if not (inspect.isclass(one := getattr(flarescope, name)) and issubclass(one, Exception))
]
pytestmark = pytest.mark.xdist_group("examples")  # they share what is laid out
QUIET = flarescope.Reporter()
FLARES = """time,flare,noaa_ar
2010-11-09T00:00,B1.0,11000
2010-11-10T10:00,M2.0,11121
2010-11-12T00:00,B1.0,11000
"""


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory):
    """Lay out images, tables, flares, a run that was calibrated and evaluated, and another model's forecasts."""
    folder = tmp_path_factory.mktemp("examples")
    regions = {"train": list(range(1121, 1131)), "validation": [1131, 1132], "test": [1133, 1134, 1135]}
    paths = write_set(folder, regions=regions, images_a_region=4)
    (folder / "flares.csv").write_text(FLARES)
    lines = [path.read_text().splitlines()[1:] for name, path in paths.items() if name != "images"]
    images = [line.split("/")[-1].replace(".png,1", ",C1.0").replace(".png,0", ",0") for part in lines for line in part]
    (folder / "C1.0_24hr_224_png_Labels.txt").write_text("\n".join(images) + "\n")
    (folder / "List_of_AR_in_Test_Data_by_AR.csv").write_text("1133\n1134\n1135\n")
    (folder / "List_of_AR_in_Validation_data_by_AR.csv").write_text("1131\n1132\n")
    write_synthetic_images(
        folder / "made", synthetic_regions(6, images_per_region=1, seed=0), images_per_region=1, fits_every=1
    )
    shutil.copy(next((folder / "made" / FITS_FOLDER).glob("*/*.fits")), folder / "some.fits")
    write_disk(folder / "hmi.M_720s.20160707_010000_TAI.fits")
    write_summary(folder / "20160707SRS.txt", "2560 S08E20   292  0010 Axx  01   01 Alpha")
    shutil.copytree(folder / "images" / "1133", folder / "folder")
    write_made_regions(folder, regions=30)
    write_set_record(folder, [number for numbers in regions.values() for number in numbers])
    with pytest.MonkeyPatch.context() as patch:
        use_fake_network(patch)
        patch.chdir(folder)
        said = {"images": "images", "reporter": QUIET}
        flarescope.train(train="train.csv", validation="validation.csv", out="runs/png", **said)
        flarescope.calibrate("runs/png", reporter=QUIET)
        flarescope.evaluate("runs/png", table="test.csv", **said)
    table = pd.read_parquet(folder / "runs/png/forecasts/test.parquet")
    table.assign(probability=1 - table["probability"]).to_csv(folder / "other_model.csv", index=False)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_its_example_runs_and_gives_what_it_shows(name: str, laid_out: Path, tmp_path, monkeypatch):
    use_fake_network(monkeypatch)
    draw_blank(monkeypatch)
    monkeypatch.chdir(shutil.copytree(laid_out, tmp_path / "work"))
    text = inspect.getdoc(getattr(flarescope, name)) or ""
    example = doctest.DocTestParser().get_doctest(text, {"flarescope": flarescope}, name, None, 0)
    assert example.examples, "its docstring has no example"
    told: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", flarescope.FlarescopeWarning)
        result = doctest.DocTestRunner(verbose=False).run(example, out=told.append)
    assert result.failed == 0, "".join(told)
