"""Do FITS files become the published PNG files, on all cores, resumably, and whatever is damaged?"""

import gzip
import os
import signal
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage.transform import resize

import worker_tasks
from fakes import HELIOPROJECTIVE
from flarescope.errors import FlarescopeError, InputError
from flarescope.images import workers
from flarescope.images.header import header_values, resized_grid
from flarescope.images.png import read_png
from flarescope.images.reduce import fits_names, reduce_directory, reduced_name, reduced_pixels
from real_data import REAL_DATA, needs_real_data
from waiting import LIMIT_S

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1] / "src")}
NAME = "1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram"
CARDS = {
    **{"T_REC": "2010.11.10_05:36:00_TAI", "QUALITY": 0, "BUNIT": "Gauss"},
    **HELIOPROJECTIVE,
    **{"CRPIX1": 300.25, "CRPIX2": -120.5, "CROTA2": 179.9, "DSUN_OBS": 1.48e11},
}


def write_fits(path, field, **changes):
    path.parent.mkdir(parents=True, exist_ok=True)
    header = fits.Header({key: value for key, value in (CARDS | changes).items() if value is not None})
    image = fits.CompImageHDU(field.astype(np.float32), header, compression_type="RICE_1", quantize_level=16)
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(path, overwrite=True)


def field_of(seed, shape=(60, 60)):
    return np.random.default_rng(seed).normal(0, 300, shape)


@pytest.fixture
def folder(tmp_path):
    for number in range(4):
        write_fits(tmp_path / "fits" / "1121" / f"{NAME}{number}.fits", field_of(number))
    return tmp_path / "fits"


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (f"1121/{NAME}.fits", f"1121/{NAME}_224.png"),
        ("a/b.c.fits.gz", "a/b.c_224.png"),
        ("X.FITS", "X_224.png"),
        ("x.fts", "x_224.png"),
    ],
)
def test_names_are_as_published(name, expected):
    assert reduced_name(name) == expected


def test_pixels_are_the_published_scale():
    field = field_of(0, (600, 600)) * 4
    small = resize(field, (224, 224), order=1, mode="reflect", clip=True, preserve_range=True, anti_aliasing=True)
    expected = np.round((small + 5978.7) / (2 * 5978.7) * 255)
    np.testing.assert_array_equal(reduced_pixels(field), expected)


@pytest.mark.parametrize(
    ("gauss", "pixel"), [(0, 128), (-0.1, 127), (5978.7, 255), (-5978.7, 0), (9000, 255), (-9000, 0), (46.8896, 128)]
)
def test_single_values(gauss, pixel):
    # 0 G is 127.5, which rounds to the even 128; a step is 2 * 5978.7 / 255 = 46.89 G wide.
    assert (reduced_pixels(np.full((40, 50), float(gauss))) == pixel).mean() > 0.99


def test_a_folder(folder, tmp_path):
    done = []
    out = tmp_path / "png"
    report = reduce_directory(folder, out, workers=1, progress=lambda now, all_: done.append((now, all_)))
    assert (report.written, report.kept, report.failures) == (4, 0, ())
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert sorted(contents(out)) == [f"1121/{NAME}{number}_224.png" for number in range(4)]
    for number in range(4):
        pixels = read_png(out / "1121" / f"{NAME}{number}_224.png")
        assert pixels.dtype == np.uint8
        with fits.open(folder / "1121" / f"{NAME}{number}.fits") as hdus:
            np.testing.assert_array_equal(pixels, reduced_pixels(hdus[1].data.astype(np.float64)))


def test_one_process_and_two_write_the_same_bytes(folder, tmp_path):
    reduce_directory(folder, tmp_path / "a", workers=1)
    reduce_directory(folder, tmp_path / "b", workers=2)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_time_region_and_source_are_kept_as_text(folder, tmp_path):
    reduce_directory(folder, tmp_path / "png", workers=1)
    path = folder / "1121" / f"{NAME}0.fits"
    with Image.open(tmp_path / "png" / "1121" / f"{NAME}0_224.png") as image:
        texts = image.text
    assert texts["T_REC"] == "2010.11.10_05:36:00_TAI"
    assert texts["Region"] == "1121"
    assert texts["QUALITY"] == "0"
    assert texts["Source"] == path.name
    assert texts["Source size"] == str(path.stat().st_size)
    assert texts["Source shape"] == "60x60"
    # The first pixel's outer edge stays at 0.5; the rest shrinks by 224 / 60.
    assert float(texts["CRPIX1"]) == pytest.approx((300.25 - 0.5) * 224 / 60 + 0.5)


GRIDS = [
    {},
    {"CROTA2": None},
    {"CROTA2": 33.0, "CDELT2": 0.6},
    {"CROTA2": None, "PC1_1": 0.8, "PC1_2": -0.6, "PC2_1": 0.6, "PC2_2": 0.8},
    {"CROTA2": None, "CDELT1": None, "CDELT2": None, "CD1_1": 0.4, "CD1_2": -0.1, "CD2_1": 0.2, "CD2_2": 0.5},
]


@pytest.mark.parametrize("changes", GRIDS)
@pytest.mark.parametrize("shape", [(600, 600), (377, 744)])
def test_the_grid_points_at_the_same_places(changes, shape):
    header = fits.Header({key: value for key, value in (CARDS | changes).items() if value is not None})
    values = header_values(fits.PrimaryHDU(np.zeros(shape, np.float32), header).header.tostring().encode())
    small = {key: value for key, value in values.items() if not key.startswith(("CD", "PC", "CROTA", "CRPIX"))}
    grid = fits.Header(small | resized_grid(values, shape, (224, 224)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old, new = WCS(header), WCS(grid)
    edges = np.array([[0.5, 0.5], [shape[1] + 0.5, 0.5], [shape[1] + 0.5, shape[0] + 0.5], [100, 200]])
    scaled = (edges - 0.5) * [224 / shape[1], 224 / shape[0]] + 0.5
    np.testing.assert_allclose(new.wcs_pix2world(scaled, 1), old.wcs_pix2world(edges, 1), atol=1e-9)


def test_a_header_without_a_grid_has_none():
    header = fits.Header({"T_REC": "2010.11.10_05:36:00_TAI"})
    values = header_values(fits.PrimaryHDU(np.zeros((4, 4)), header).header.tostring().encode())
    assert values == {"T_REC": "2010.11.10_05:36:00_TAI"}
    assert resized_grid(values, (4, 4), (2, 2)) == {}


def test_a_full_disk_ends_the_run(folder, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(FlarescopeError, match="disk full while writing"):
        reduce_directory(folder, tmp_path / "png", workers=1)
    assert contents(tmp_path / "png") == {}


def test_the_second_run_keeps_everything(folder, tmp_path):
    out = tmp_path / "png"
    reduce_directory(folder, out, workers=1)
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    report = reduce_directory(folder, out, workers=1)
    assert (report.written, report.kept) == (0, 4)
    assert stamps == {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}


def damage_cut(png, source):
    png.write_bytes(png.read_bytes()[:-20])


def damage_empty(png, source):
    png.write_bytes(b"")


def damage_foreign(png, source):
    Image.new("L", (224, 224)).save(png)


def change_source(png, source):
    write_fits(source, field_of(99))


def remove(png, source):
    png.unlink()


@pytest.mark.parametrize("change", [damage_cut, damage_empty, damage_foreign, change_source, remove])
def test_only_what_is_not_current_is_made_again(folder, tmp_path, change):
    out = tmp_path / "png"
    reduce_directory(folder, out, workers=1)
    change(out / "1121" / f"{NAME}2_224.png", folder / "1121" / f"{NAME}2.fits")
    report = reduce_directory(folder, out, workers=1)
    assert (report.written, report.kept) == (1, 3)
    assert reduce_directory(folder, out, workers=1).kept == 4


def test_a_touched_source_is_recognised_by_its_digest(folder, tmp_path):
    reduce_directory(folder, tmp_path / "png", workers=1)
    os.utime(folder / "1121" / f"{NAME}1.fits", (1, 1))
    assert reduce_directory(folder, tmp_path / "png", workers=1).kept == 4


def test_another_nan_policy_makes_all_again(folder, tmp_path):
    reduce_directory(folder, tmp_path / "png", workers=1)
    assert reduce_directory(folder, tmp_path / "png", workers=1, nan="zero").written == 4


def test_damaged_files_are_named_at_the_end(folder, tmp_path):
    field = field_of(7)
    field[3, 4] = np.nan
    write_fits(folder / "1122" / "nan.fits", field)
    (folder / "empty.fits").touch()
    (folder / "zeros.fits").write_bytes(bytes(2880))
    whole = (folder / "1121" / f"{NAME}0.fits").read_bytes()
    (folder / "cut.fits").write_bytes(whole[: len(whole) // 2])
    (folder / "text.fits").write_text("not an image")
    (folder / "gone.fits").symlink_to(tmp_path / "nowhere")
    report = reduce_directory(folder, tmp_path / "png", workers=1)
    assert report.written == 4
    reasons = {failure.filename: failure.reason for failure in report.failures}
    assert list(reasons) == ["1122/nan.fits", "cut.fits", "empty.fits", "gone.fits", "text.fits", "zeros.fits"]
    assert "1 of 3,600 pixels is NaN" in reasons["1122/nan.fits"]
    assert "there is no such file" in reasons["gone.fits"]
    assert "the file is empty" in reasons["empty.fits"]
    assert len(contents(tmp_path / "png")) == 4
    assert reduce_directory(folder, tmp_path / "png", workers=1, nan="zero").written == 5


def test_gzipped_fits(folder, tmp_path):
    path = folder / "1121" / f"{NAME}0.fits"
    path.with_name("packed.fits.gz").write_bytes(gzip.compress(path.read_bytes()))
    reduce_directory(folder, tmp_path / "png", workers=1)
    packed = read_png(tmp_path / "png" / "1121" / "packed_224.png")
    np.testing.assert_array_equal(packed, read_png(tmp_path / "png" / "1121" / f"{NAME}0_224.png"))


@pytest.mark.parametrize("make", ["nothing", "empty", "file"])
def test_a_folder_without_fits_is_refused(tmp_path, make):
    source = tmp_path / "in"
    if make == "empty":
        source.mkdir()
    elif make == "file":
        source.write_text("")
    with pytest.raises(InputError, match=r"in: no (such folder|FITS file)"):
        reduce_directory(source, tmp_path / "png")


def test_two_sources_of_one_png_are_refused(folder, tmp_path):
    (folder / "1121" / f"{NAME}0.fit").write_bytes(b"x")
    with pytest.raises(InputError, match=r"would both become 1121/.*_224\.png"):
        reduce_directory(folder, tmp_path / "png")
    assert not (tmp_path / "png").exists()


def test_a_destination_that_is_a_file_is_refused(folder, tmp_path):
    (tmp_path / "png").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        reduce_directory(folder, tmp_path / "png")


def test_a_script_needs_no_guard(folder, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        from pathlib import Path
        from flarescope.images.reduce import reduce_directory
        print(reduce_directory(Path({str(folder)!r}), Path({str(tmp_path / "png")!r}), workers=2).written)
        """)
    )
    run = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env=ENVIRONMENT, timeout=LIMIT_S, check=True
    )
    assert (run.stdout, run.stderr) == ("4\n", "")


def test_kill_9_leaves_whole_files_and_the_next_run_continues(folder, tmp_path):
    for number in range(4, 30):
        write_fits(folder / "1121" / f"{NAME}{number}.fits", field_of(number))
    script = (
        "import sys; from pathlib import Path; from flarescope.images.reduce import reduce_directory\n"
        "reduce_directory(Path(sys.argv[1]), Path(sys.argv[2]), workers=1, progress=lambda a, b: print(a, flush=True))"
    )
    out = tmp_path / "png"
    with subprocess.Popen(
        [sys.executable, "-c", script, folder, out],
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as process:
        for _ in range(5):
            process.stdout.readline()
        process.kill()
    for path in out.glob("1121/[!.]*"):
        assert read_png(path).shape == (224, 224)
    report = reduce_directory(folder, out, workers=1)
    assert report.kept >= 5
    assert report.written + report.kept == 30


BREAKS = [
    (worker_tasks.fail_oddly, "a: RuntimeError: a bug"),
    (worker_tasks.die, "ended while"),
    (worker_tasks.find_the_disk_full, "^disk full$"),
]


@pytest.mark.parametrize(("function", "text"), BREAKS)
def test_a_worker_that_breaks_ends_the_run(function, text):
    with pytest.raises(FlarescopeError, match=text):
        list(workers.run(function, [("a",), ("a",), ("a",)], workers=2))


def test_printing_does_not_disturb_the_answers(capfd):
    assert [result for _, result, _ in workers.run(worker_tasks.shout, [("a",), ("a",)], workers=2)] == ['"a"', '"a"']


def test_leaving_early_ends_the_workers(monkeypatch):
    started, start = [], workers._start

    def start_and_note(name):
        started.append(start(name))
        return started[-1]

    monkeypatch.setattr(workers, "_start", start_and_note)
    for _ in workers.run(worker_tasks.sleep, [("a", 0), ("b", LIMIT_S), ("c", LIMIT_S)], workers=2):
        break
    assert [process.returncode for process in started] == [-signal.SIGKILL] * 2


@pytest.mark.parametrize("count", [0, -1])
def test_no_workers_are_refused(count):
    with pytest.raises(InputError, match="at least 1"):
        list(workers.run(worker_tasks.sleep, [("a", 0)], workers=count))


@given(st.binary(max_size=4000), st.booleans())
def test_any_bytes_are_reported_not_raised(tmp_path_factory, content, like_fits):
    folder = tmp_path_factory.mktemp("any")
    start = b"SIMPLE  =                    T" if like_fits else b""
    (folder / "a.fits").write_bytes(start + content)
    report = reduce_directory(folder, folder / "png", workers=1)
    assert report.written == 0
    assert [failure.filename for failure in report.failures] == ["a.fits"]
    assert "\n" not in report.failures[0].reason


@needs_real_data
def test_real_files(tmp_path):
    hmi = REAL_DATA / "hmi"
    report = reduce_directory(hmi / "hmi_los_cutout_helioprojective_noaa11158", tmp_path / "png", workers=1)
    assert report.written == 1
    damaged = hmi / "damaged_fits_as_found"
    report = reduce_directory(damaged, tmp_path / "bad", workers=1)
    assert report.written == 0
    assert len(report.failures) == len(fits_names(damaged)) == 5


@needs_real_data
def test_the_region_and_time_of_a_real_patch_are_kept(tmp_path):
    source = REAL_DATA / "hmi" / "harp377_noaa11158_201102_hourly"
    first = tmp_path / "in" / fits_names(source)[0]
    first.parent.mkdir()
    first.symlink_to(source / first.name)
    reduce_directory(tmp_path / "in", tmp_path / "png", workers=1)
    with Image.open(tmp_path / "png" / reduced_name(first.name)) as image:
        texts = image.text
    assert texts["T_REC"] == "2011.02.13_05:00:00_TAI"
    assert texts["NOAA_AR"] == "11158"
    # 0.03 degrees a pixel, 744 columns and 377 rows made 224 each.
    assert float(texts["CD1_1"]) == pytest.approx(0.03 * 744 / 224)
    assert float(texts["CD2_2"]) == pytest.approx(0.03 * 377 / 224)
