"""Do the made regions look, move and flare as they should, and do their files lie as the published ones?"""

import datetime as dt
import json
import re
from itertools import pairwise

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

import flarescope
from flarescope.cli import main
from flarescope.errors import InputError
from flarescope.images.likeness import likeness_of, look_at
from flarescope.images.magnetogram import read_fits
from flarescope.images.png import read_png
from flarescope.images.render import FIELD_LIMIT_GAUSS, Rendering, render
from flarescope.pipeline import demo, synthetic_set
from flarescope.pipeline.identity import is_synthetic
from flarescope.pipeline.magnetic import train_on_features
from flarescope.progress import Reporter
from flarescope.region_numbers import full_region_number
from flarescope.synthetic import files as synthetic_files
from flarescope.synthetic import regions as synthetic
from flarescope.synthetic.field import NOISE_GAUSS, Spot, SyntheticRegion, clean_field
from flarescope.synthetic.files import PNG_FOLDER, write_synthetic_images
from flarescope.synthetic.flares import goes_class
from flarescope.synthetic.regions import (
    flare_rate_per_day,
    image_hours,
    pil_gradient,
    region_field,
    region_times,
    synthetic_regions,
    synthetic_split,
)

IMAGES = 9


@pytest.fixture(scope="module")
def regions():
    return synthetic_regions(40, images_per_region=IMAGES, seed=7)


def one_spot(**changes):
    values = {
        "west_px": 0.0,
        "north_px": 0.0,
        "west_px_per_hour": 0.0,
        "north_px_per_hour": 0.0,
        "sigma_px": 12.0,
        "peak_gauss": 1800.0,
        "emerges_hour": -200.0,
        "rise_hours": 8.0,
        "plage": 0.01,
    }
    return Spot(**(values | changes))


def region_of(*spots, longitude_deg=0.0, latitude_deg=0.0):
    return SyntheticRegion(13001, dt.datetime(2014, 3, 1), longitude_deg, latitude_deg, spots, seed=5)


def centroid(field):
    weight = np.where(np.abs(field) > 600, np.abs(field), 0)
    row, column = np.indices(field.shape)
    return np.array([(weight * row).sum(), (weight * column).sum()]) / weight.sum()


# --- regions


def test_the_same_seed_gives_the_same_regions_and_another_does_not(regions):
    assert synthetic_regions(6, images_per_region=IMAGES, seed=7) == synthetic_regions(
        6, images_per_region=IMAGES, seed=7
    )
    assert synthetic_regions(2, images_per_region=IMAGES, seed=8) != regions[:2]


def test_a_region_does_not_depend_on_how_many_there_are(regions):
    assert synthetic_regions(5, images_per_region=IMAGES, seed=7) == regions[:5]


def test_the_field_is_the_same_each_time_and_differs_from_hour_to_hour(regions):
    first = region_field(regions[0], 3.0, size=150)
    assert first.dtype == np.float32
    assert np.array_equal(first, region_field(regions[0], 3.0, size=150))
    assert not np.array_equal(first, region_field(regions[0], 6.0, size=150))


def test_numbers_were_never_assigned_in_the_period_and_have_four_digits(regions):
    assert [region.noaa_ar for region in regions] == list(range(13_001, 13_041))


def test_the_readers_of_noaa_take_the_four_digits_for_the_same_regions(regions):
    for region in regions:
        assert full_region_number(region.noaa_ar - 10_000, region.start_tai.date()) == region.noaa_ar


def test_times_lie_on_the_cadence_within_the_period_and_span_a_day(regions):
    for region in regions:
        times = region_times(region, IMAGES)
        assert len(times) == IMAGES
        assert times[-1] - times[0] >= dt.timedelta(hours=24)
        assert all(time.tzinfo is None and time.minute % 12 == 0 and time.second == 0 for time in times)
        assert dt.datetime(2010, 5, 1) <= times[0]
        assert times[-1] < dt.datetime(2019, 1, 1)
        assert [(time - times[0]) / dt.timedelta(hours=1) for time in times] == image_hours(IMAGES).tolist()


def test_regions_stay_on_the_disk(regions):
    for region in regions:
        for hours in image_hours(IMAGES):
            assert abs(region.longitude_at(hours)) <= synthetic.MAX_LONGITUDE_DEG + 1e-9
        assert 5 <= abs(region.latitude_deg) <= synthetic.MAX_LATITUDE_DEG


@pytest.mark.parametrize(("count", "images"), [(0, 4), (1000, 4), (4, 0), (4, 200)])
def test_counts_out_of_range_are_refused(count, images):
    with pytest.raises(InputError, match="expected 1 to"):
        synthetic_regions(count, images_per_region=images, seed=0)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_that_no_draw_takes_is_one_line(seed, tmp_path):
    for draw in (
        lambda: synthetic_regions(4, images_per_region=4, seed=seed),
        lambda: flarescope.Explaining(seed=seed),
        lambda: flarescope.train_regions(regions="none", flares="none", out=tmp_path, seed=seed),
        lambda: train_on_features(train="none", validation="none", features="none", out=tmp_path, seed=seed),
    ):
        with pytest.raises(InputError, match=rf"^seed {seed}; expected a whole number from 0 to \d+$"):
            draw()


# --- fields


def test_fields_are_plausible(regions):
    for region in regions[:6]:
        field = region_field(region, 12.0)
        assert field.shape == (600, 600)
        assert np.isfinite(field).all()
        assert 800 < np.abs(field).max() < FIELD_LIMIT_GAUSS
        # Most of a cut-out is quiet: the median of |B| tells its noise. Real ones: 8 to 14 G.
        assert 8 < 1.4826 * np.median(np.abs(field)) < 14
        assert 0.005 < (np.abs(field) > 100).mean() < 0.15


def test_positive_and_negative_flux_nearly_balance_at_disc_centre(regions):
    for region in regions[:8]:
        field = clean_field(region, 12.0, size=300, longitude_deg=0.0, latitude_deg=0.0)
        assert abs(field.sum()) < 0.15 * np.abs(field).sum()


def test_the_noise_is_that_of_the_instrument():
    region = region_of(one_spot())
    clean = clean_field(region, 0.0, size=600, longitude_deg=0.0, latitude_deg=0.0)
    assert np.std(region_field(region, 0.0) - clean) == pytest.approx(NOISE_GAUSS, rel=0.02)


def test_spots_drift_by_their_proper_motion():
    region = region_of(one_spot(west_px_per_hour=0.8, north_px_per_hour=-0.5))
    fields = [clean_field(region, hours, size=600, longitude_deg=0.0, latitude_deg=0.0) for hours in (0.0, 20.0)]
    row, column = centroid(fields[1]) - centroid(fields[0])
    # South is up and west is left: west is to lower columns, south to higher rows.
    assert (row, column) == (pytest.approx(0.5 * 20, abs=0.5), pytest.approx(-0.8 * 20, abs=0.5))


def test_flux_emerges():
    region = region_of(one_spot(emerges_hour=12.0, rise_hours=6.0))
    flux = [
        clean_field(region, hours, size=150, longitude_deg=0.0, latitude_deg=0.0)[60:90, 60:90].sum()
        for hours in (0, 12, 30)
    ]
    assert flux[0] < 0.1 * flux[2]
    assert flux[1] == pytest.approx(0.5 * flux[2], rel=0.1)


def test_a_spot_towards_the_limb_is_narrower_and_weaker():
    # cos 60 = 0.5: half as wide along the limb direction, half as strong along the line of sight, as tall as before.
    # The network is the same with a spot and without: the difference is the spot, its penumbra and its few tubes.
    def spot_at(degrees):
        with_spot, without = (
            clean_field(region_of(one_spot(peak_gauss=peak)), 0.0, size=600, longitude_deg=degrees, latitude_deg=0.0)
            for peak in (800.0, 1e-3)
        )
        return np.clip(with_spot - without, 0, None)[200:400, 200:400]

    def width(profile):
        place = np.arange(profile.size)
        mean = np.average(place, weights=profile)
        return np.sqrt(np.average((place - mean) ** 2, weights=profile))

    middle, limb = spot_at(0.0), spot_at(60.0)
    assert limb.sum() / middle.sum() == pytest.approx(0.5 * 0.5, rel=0.1)
    assert width(limb.sum(axis=0)) / width(middle.sum(axis=0)) == pytest.approx(0.5, rel=0.1)
    assert width(limb.sum(axis=1)) / width(middle.sum(axis=1)) == pytest.approx(1.0, rel=0.1)


# --- gradient and flares


def test_the_gradient_of_a_known_line():
    # +1000 G against -1000 G over 100 cells of 4 pixels: np.gradient gives (2000 / 2) / cell on the two cells beside
    # the line, and the band is those two: 100 * 2 * 1000 / 3, whatever the cell.
    field = np.zeros((600, 600))
    field[100:500, 200:300], field[100:500, 300:400] = 1000, -1000
    inner = 98 * 2 * 1000 / 3
    assert pil_gradient(field) == pytest.approx(inner, rel=0.05)


def test_there_is_no_gradient_without_an_inversion_line():
    assert pil_gradient(np.zeros((600, 600))) == 0
    bump = np.exp(-(np.linspace(-9, 9, 600) ** 2))
    assert pil_gradient(1800 * np.outer(bump, bump)) == 0
    assert pil_gradient(10 * np.random.default_rng(0).standard_normal((600, 600))) == 0


def test_the_gradient_rises_as_opposite_spots_approach():
    def at(half):
        pair = region_of(one_spot(west_px=half), one_spot(west_px=-half, peak_gauss=-1800.0))
        return pil_gradient(clean_field(pair, 0.0, size=600, longitude_deg=0.0, latitude_deg=0.0))

    assert at(80) < at(30) < at(15)


def test_the_rate_rises_with_the_gradient():
    rates = [flare_rate_per_day(gradient) for gradient in (0, 5e3, 1.5e4, 4e4)]
    assert rates[0] == 0
    assert rates == sorted(set(rates))


def test_regions_with_more_gradient_flare_more():
    regions = synthetic_regions(60, images_per_region=4, seed=3)
    gradient = [pil_gradient(clean_field(r, 24.0, size=150, longitude_deg=0.0, latitude_deg=0.0)) for r in regions]
    flares = np.array([any(flare.goes_class[0] in "CMX" for flare in region.flares) for region in regions])
    thirds = np.array_split(flares[np.argsort(gradient)], 3)
    quiet, middle, active = (part.mean() for part in thirds)
    assert quiet < middle < active
    assert active > 0.75
    assert quiet < 0.35
    # A matter of chance, not of a threshold: the ranges overlap.
    assert np.max(np.compress(~flares, gradient)) > np.min(np.compress(flares, gradient))


def test_flares_are_well_formed_and_within_the_window(regions):
    flares = [flare for region in regions for flare in region.flares]
    letters = {flare.goes_class[0] for flare in flares}
    assert {"B", "C", "M"} <= letters <= {"B", "C", "M", "X"}
    assert all(re.fullmatch(r"[BCMX]\d\.\d", flare.goes_class) for flare in flares)
    assert all(flare.peak_utc.tzinfo is dt.UTC and flare.peak_utc.second == 0 for flare in flares)
    for region in regions:
        peaks = [flare.peak_utc.replace(tzinfo=None) for flare in region.flares]
        assert all(second - first > dt.timedelta(minutes=2) for first, second in pairwise(peaks))
        assert {flare.noaa_ar for flare in region.flares} <= {region.noaa_ar}
        times = region_times(region, IMAGES)
        assert all(times[0] <= peak <= times[-1] + dt.timedelta(hours=24) for peak in peaks)


@pytest.mark.parametrize(
    ("flux", "name"),
    [(3e-7, "B3.0"), (9.99e-7, "B9.9"), (1e-6, "C1.0"), (4.7e-6, "C4.7"), (1e-5, "M1.0"), (9.9e-4, "X9.9")],
)
def test_classes_by_peak_flux(flux, name):
    assert goes_class(flux) == name


# --- split


def test_the_split_is_by_region_with_both_kinds_everywhere(regions):
    split = synthetic_split(regions, seed=1)
    assert split == synthetic_split(regions, seed=1)
    assert set(split) == {region.noaa_ar for region in regions}
    flaring = {region.noaa_ar: any(f.goes_class[0] in "CMX" for f in region.flares) for region in regions}
    for name, share in (("train", 0.5), ("validation", 0.2), ("test", 0.3)):
        members = [number for number, where in split.items() if where == name]
        assert len(members) / len(regions) == pytest.approx(share, abs=0.06)
        assert {flaring[number] for number in members} == {True, False}


def test_a_split_of_few_regions_still_has_both_kinds_everywhere(regions):
    flaring = [region for region in regions if any(f.goes_class[0] in "CMX" for f in region.flares)]
    quiet = [region for region in regions if region not in flaring]
    split = synthetic_split(flaring[:3] + quiet[:3], seed=0)
    assert sorted(split[region.noaa_ar] for region in flaring[:3]) == ["test", "train", "validation"]
    assert sorted(split[region.noaa_ar] for region in quiet[:3]) == ["test", "train", "validation"]
    with pytest.raises(InputError, match="make more regions"):
        synthetic_split(flaring[:2] + quiet, seed=0)


# --- files


@pytest.fixture(scope="module")
def written(tmp_path_factory, regions):
    directory = tmp_path_factory.mktemp("synthetic")
    done = []
    files = write_synthetic_images(directory, regions[:2], images_per_region=2, progress=done.append)
    assert sum(done) == 4
    return directory, files


def test_files_lie_and_are_named_as_published(written, regions):
    directory, files = written
    on_disk = sorted(path.relative_to(directory) for path in directory.rglob("*") if path.is_file())
    assert sorted(files) == on_disk
    assert len(files) == 2 * 2 * 2
    time = regions[0].start_tai
    stem = f"3001/3001_hmi.M_720s.{time:%Y%m%d}_{time:%H%M%S}_TAI.1.magnetogram"
    assert files[0].as_posix() == f"Lat60_Lon60_Nans0_png_224/{stem}_224.png"
    assert files[1].as_posix() == f"Lat60_Lon60_Nans0/{stem}.fits"


def test_every_file_says_that_it_is_synthetic(written):
    directory, files = written
    for file in files:
        if file.suffix == ".png":
            with Image.open(directory / file) as image:
                assert (image.mode, image.size) == ("L", (224, 224))
                assert image.text["Comment"].startswith("SYNTHETIC MAGNETOGRAM")
        else:
            header = fits.getheader(directory / file, 1)
            assert (header["CONTENT"], header["TELESCOP"]) == ("SYNTHETIC MAGNETOGRAM", "SYNTHETIC")


def test_fits_holds_the_field_in_hdu_1_rice_compressed(written, regions):
    directory, files = written
    path = directory / files[1]
    with fits.open(path) as hdus:
        assert hdus[0].data is None
        field = hdus[1].data
        header = hdus[1].header
    with fits.open(path, disable_image_compression=True) as hdus:
        assert hdus[1].header["ZCMPTYPE"] == "RICE_1"
        assert (hdus[1].header["ZBITPIX"], hdus[1].header["BSCALE"]) == (32, 0.1)
    assert np.abs(field - region_field(regions[0], 0.0)).max() <= 0.051
    assert (header["NOAA_AR"], header["QUALITY"], header["BUNIT"]) == (13001, 0, "Gauss")
    assert header["T_REC"] == f"{regions[0].start_tai:%Y.%m.%d_%H:%M:%S}_TAI"
    assert header["LON_FWT"] == pytest.approx(regions[0].longitude_deg, abs=1e-5)


def test_fits_is_read_like_a_real_one(written, regions):
    directory, files = written
    magnetogram = read_fits(directory / files[1])
    assert (magnetogram.noaa_ar, magnetogram.quality, magnetogram.nan_pixels) == (13001, 0, 0)
    lag = regions[0].start_tai.replace(tzinfo=dt.UTC) - magnetogram.time
    assert dt.timedelta(seconds=34) <= lag <= dt.timedelta(seconds=37)


def test_png_equals_the_rendered_fits(written):
    directory, files = written
    for png, fits_file in zip(files[::2], files[1::2], strict=True):
        pixels = read_png(directory / png)
        rendered = render(directory / fits_file, Rendering("reference-fits")).pixels[0]
        assert np.abs(pixels - rendered).max() <= 0.501


def test_fits_for_some_images_only(tmp_path, regions):
    files = write_synthetic_images(tmp_path, regions[:2], images_per_region=3, fits_every=2)
    assert [file.suffix for file in files] == [".png", ".fits", ".png", ".png", ".fits"] * 2
    with pytest.raises(InputError, match="fits_every 0"):
        write_synthetic_images(tmp_path, regions[:1], images_per_region=1, fits_every=0)


def test_unknown_formats_are_refused(tmp_path, regions):
    for formats in ((), ("png", "jpeg")):
        with pytest.raises(InputError, match="expected png, fits or both"):
            write_synthetic_images(tmp_path, regions[:1], images_per_region=1, formats=formats)


def test_written_again_the_files_have_the_same_bytes(tmp_path, written, regions):
    directory, files = written
    assert write_synthetic_images(tmp_path, regions[:2], images_per_region=2, formats=("png",)) == files[::2]
    for file in files[::2]:
        assert (tmp_path / file).read_bytes() == (directory / file).read_bytes()


@pytest.mark.parametrize("save", ["_save_png", "_save_fits"])
def test_a_writer_that_dies_leaves_no_file_that_is_not_whole(tmp_path, regions, monkeypatch, save):
    real = getattr(synthetic_files, save)
    calls = []

    def dies_in_the_third_file(*args):
        real(*args)
        calls.append(args[-1])
        if len(calls) == 3:
            args[-1].write_bytes(args[-1].read_bytes()[:100])
            raise KeyboardInterrupt

    monkeypatch.setattr(synthetic_files, save, dies_in_the_third_file)
    image_format = save.removeprefix("_save_")
    with pytest.raises(KeyboardInterrupt):
        write_synthetic_images(tmp_path, regions[:1], images_per_region=5, formats=(image_format,))
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(left) == 2
    assert all(path.stat().st_size > 1000 for path in left)


# ---- as many as a trial needs ----


def test_a_made_set_has_its_images_once_and_a_flare_list_for_each_rule(tmp_path, capsys):
    words = ["data", "synthetic", "--out", str(tmp_path / "made"), "--regions", "3", "--images", "2", "--seed", "4"]
    assert main([*words, "--follow", "nothing", "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)
    pngs = {path: path.stat().st_mtime_ns for path in (tmp_path / "made").rglob("*.png")}
    assert counts["images"] == len(pngs) == 6
    listed = (tmp_path / "made/eventList_nothing.txt").read_text().splitlines()
    expected = synthetic_regions(3, images_per_region=2, seed=4, follow="nothing")
    assert len(listed) == counts["flares, nothing"] == sum(len(region.flares) for region in expected)
    assert is_synthetic(tmp_path / "made" / PNG_FOLDER)
    (tmp_path / "made" / PNG_FOLDER).rename(tmp_path / "elsewhere")
    copies = sorted((tmp_path / "elsewhere").rglob("*.png"))
    assert not is_synthetic(tmp_path / "elsewhere")
    assert is_synthetic(tmp_path / "elsewhere", likeness_of(look_at(copies), len(copies)))  # they say so themselves
    (tmp_path / "elsewhere").rename(tmp_path / "made" / PNG_FOLDER)
    assert main([*words, "--follow", "growth", "-q"]) == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "made").rglob("*.png")} == pngs
    assert (tmp_path / "made/eventList_growth.txt").is_file()
    capsys.readouterr()
    assert main([*words[:-1], "5"]) == 2
    assert "holds another made set" in capsys.readouterr().err
    assert main(["data", "synthetic", "--out", str(tmp_path / "many"), "--regions", "1000"]) == 2
    assert not (tmp_path / "many").exists()


@pytest.mark.parametrize("pipeline", [synthetic_set, demo])
def test_a_made_set_that_was_interrupted_is_made_again_and_called_synthetic_all_the_while(
    tmp_path, monkeypatch, pipeline
):
    whole = pipeline.write_synthetic_images

    def make():
        if pipeline is demo:
            demo.make_synthetic_set(tmp_path, size=demo.DemoSize(12, 1, 12), reporter=Reporter())
        else:
            synthetic_set.write_synthetic_set(tmp_path, regions=12, images=1, reporter=Reporter())

    def interrupted(*_, **__):
        assert is_synthetic(tmp_path / PNG_FOLDER)
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "write_synthetic_images", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make()
    monkeypatch.setattr(pipeline, "write_synthetic_images", whole)
    make()
    assert len(list(tmp_path.rglob("*.png"))) == 12
