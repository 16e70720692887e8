"""Does a patch hold the pixels around its region, and does whoever reads the published cut-outs read it?"""

import gzip
import json
import warnings

import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import flarescope
from disks import SIZE, disk_field, write_disk, write_summary
from fakes import Heard, train_three_epochs, use_fake_network, write_set
from flarescope.catalog.file_names import region_and_time
from flarescope.cli import main
from flarescope.disk.patch_files import patch_name
from flarescope.disk.patches import first_pixel
from flarescope.errors import InputError
from flarescope.images.magnetogram import read_fits
from real_data import REAL_DATA, needs_real_data

NAME = "2560/2560_hmi.M_720s.20160707_010000_TAI.3.magnetogram.fits"
ROWS = ("2560 S08E20   292  0010 Axx  01   01 Alpha", "2561 N10W10   322  0050 Dao  05   07 Beta-Gamma")


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A small disk with a hole in it, and the patches of two regions with spots and one without."""
    place = tmp_path_factory.mktemp("disk")
    field = disk_field()
    field[600:603, 700:710] = np.nan
    image = write_disk(place / "hmi.M_720s.20160707_010000_TAI.fits", field)
    summary = write_summary(place / "20160707SRS.txt", *ROWS, plages=("2559  N18W10   323",))
    heard = Heard()
    cut = flarescope.cut_disk(image, regions=[summary], out=place / "out", reporter=heard)
    return place, field, cut, heard


def run(*arguments):
    return main([str(argument) for argument in arguments])


@given(st.floats(-5000, 5000), st.integers(1, 700))
def test_the_middle_is_at_most_half_a_pixel_off(place, size):
    assert abs(first_pixel(place, size) + (size - 1) / 2 - place) <= 0.5 + 1e-9


def test_a_patch_is_what_a_plain_slice_gives(disk):
    place, field, cut, _ = disk
    for _, row in cut.table[cut.table["filename"].notna()].iterrows():
        patch = read_fits(place / "out" / row["filename"])
        assert patch.field_gauss.shape == (600, 600)
        around = np.pad(field, 600, constant_values=np.nan)
        first_row, first_column = (round(row[axis] - 299.5) + 600 for axis in ("row", "column"))
        expected = around[first_row : first_row + 600, first_column : first_column + 600]
        np.testing.assert_allclose(patch.field_gauss, expected, atol=1e-9, equal_nan=True)
        assert patch.nan_pixels == row["nan_pixels"] == np.isnan(expected).sum()
        rows, columns = np.mgrid[:600, :600] + np.array([first_row - 600, first_column - 600])[:, None, None]
        off = np.hypot(columns - 511.5, rows - 513.5) * 0.504 > 240
        assert row["off_disk"] == off.sum()
        assert row["missing_on_disk"] == (np.isnan(expected) & ~off).sum()


def test_the_edge_of_the_disk_and_missing_pixels_are_flagged_and_stay_nan(disk):
    place, _, cut, heard = disk
    row = cut.table[cut.table["noaa_ar"] == 12560].iloc[0]
    header = fits.getheader(place / "out" / NAME, 1)
    assert row["flags"] == "edge,missing"
    assert row["missing_on_disk"] == 30
    assert (header["FLAGS"], header["MISSDISK"], header["OFFDISK"]) == ("edge,missing", 30, row["off_disk"])
    assert header["TOTVALS"] == 360_000 == header["DATAVALS"] + header["MISSVALS"]
    assert header["MISSVALS"] == row["nan_pixels"] > 10_000
    assert any("2 patches have pixels without a value (NOAA 12560 and 12561)" in text for text in heard.warnings)


def test_the_header_says_region_time_quality_and_instrument(disk):
    place, _, cut, _ = disk
    patch = read_fits(place / "out" / NAME)
    assert patch.noaa_ars == (12560, 12561, 12559)  # this Sun is so small that they lie in one patch
    assert cut.table["noaa_ars"].tolist()[:2] == ["12560,12561,12559", "12561,12559,12560"]
    assert (patch.quality, patch.look.instrument, patch.look.crota_deg) == (0, "HMI", 180.0)
    assert patch.time == pd.Timestamp("2016-07-07 00:59:24", tz="UTC")
    assert patch.look.pixel_mm == pytest.approx(0.504 / 240 * 696, rel=1e-3)
    told = region_and_time(pd.Series([NAME])).iloc[0]
    assert (told["noaa_ar"], told["time"]) == (12560, patch.time)


def test_the_header_s_coordinates_lead_to_the_region(disk):
    place, _, cut, _ = disk
    import astropy.units as u
    from sunpy.coordinates import HeliographicStonyhurst, Helioprojective

    view = cut.view
    observer = HeliographicStonyhurst(0 * u.deg, view.latitude_deg * u.deg, view.distance_m * u.m, obstime=view.time)
    frame = Helioprojective(observer=observer, obstime=view.time, rsun=view.radius_m * u.m)
    for _, row in cut.table[cut.table["filename"].notna()].iterrows():
        header = fits.getheader(place / "out" / row["filename"], 1)
        with warnings.catch_warnings(action="ignore"):  # astropy tells that it makes MJD-OBS of DATE-OBS
            wcs = WCS(header)
        seen = SkyCoord(*(np.array(wcs.pixel_to_world_values(299.5, 299.5)) * u.Unit(wcs.wcs.cunit[0])), frame=frame)
        back = seen.transform_to(HeliographicStonyhurst(obstime=view.time))
        # Half a pixel of this small disk is 0.06 degrees at its centre, and more towards the limb.
        assert back.lon.wrap_at(180 * u.deg).to_value("deg") == pytest.approx(row["lon_deg"], abs=0.15)
        assert back.lat.to_value("deg") == pytest.approx(row["lat_deg"], abs=0.15)
        assert (header["AR_LON"], header["AR_LAT"]) == pytest.approx((row["lon_deg"], row["lat_deg"]), abs=1e-3)


def test_the_published_recipe_reads_a_patch(disk):
    place, _, _, _ = disk
    with fits.open(place / "out" / NAME) as hdus:
        hdus.verify("silentfix")
        assert hdus[0].data is None
        assert isinstance(hdus[1], fits.CompImageHDU)
        assert hdus[1].compression_type == "RICE_1"
        np.testing.assert_allclose(hdus[1].data, read_fits(place / "out" / NAME).field_gauss, equal_nan=True)
    assert [path.name for path in sorted((place / "out").iterdir())] == ["2560", "2561", "patches.csv", "regions.csv"]


def test_every_region_is_listed_and_one_without_spots_is_cut_on_request(disk, tmp_path):
    place, _, cut, _ = disk
    assert cut.table["noaa_ar"].tolist() == [12560, 12561, 12559, 12550]
    assert cut.table["state"].tolist() == ["visible", "visible", "visible", "not yet visible"]
    assert cut.table["filename"].notna().tolist() == [True, True, False, False]
    image, summary = place / "hmi.M_720s.20160707_010000_TAI.fits", place / "20160707SRS.txt"
    more = flarescope.cut_disk(image, regions=[summary], out=tmp_path, plages=True, reporter=Heard())
    assert more.table["filename"].notna().tolist() == [True, True, True, False]
    assert more.table["noaa_ars"][2] == "12559,12561,12560"
    written = [pd.read_csv(tmp_path / name) for name in ("patches.csv", "regions.csv")]
    assert written[0]["noaa_ar"].tolist() == more.table["noaa_ar"].tolist()[:3]
    assert written[1]["noaa_ar"].tolist() == more.table["noaa_ar"].tolist()
    assert list(written[0].columns) == list(written[1].columns) == list(more.table.columns)


def test_a_field_in_other_steps_is_stored_plain_and_exact(tmp_path):
    field = disk_field().astype(np.float32) + np.float32(0.037)
    image = write_disk(tmp_path / "disk.fits", field)
    summary = write_summary(tmp_path / "SRS.txt", ROWS[1])
    cut = flarescope.cut_disk(image, regions=[summary], out=tmp_path / "out", reporter=Heard())
    name = cut.table["filename"][0]
    assert name == "2561/2561_hmi.M_720s.20160707_010000_TAI.3.magnetogram.fits"  # the file's own name says no series
    with fits.open(tmp_path / "out" / name) as hdus:
        assert type(hdus[1]) is fits.ImageHDU
        first = [round(cut.table[axis][0] - 299.5) for axis in ("row", "column")]
        inside = tuple(slice(start, min(start + 600, SIZE)) for start in first)
        kept = hdus[1].data[: inside[0].stop - first[0], : inside[1].stop - first[1]]
        np.testing.assert_array_equal(kept, field[inside])


def test_a_gzipped_disk_gives_the_same_patches(disk, tmp_path):
    place, _, _, _ = disk
    packed = tmp_path / "hmi.M_720s.20160707_010000_TAI.fits.gz"
    packed.write_bytes(gzip.compress((place / "hmi.M_720s.20160707_010000_TAI.fits").read_bytes(), 1))
    flarescope.cut_disk(packed, regions=[place / "20160707SRS.txt"], out=tmp_path / "out", reporter=Heard())
    one, other = read_fits(tmp_path / "out" / NAME), read_fits(place / "out" / NAME)
    np.testing.assert_array_equal(one.field_gauss, other.field_gauss)


def test_without_t_rec_the_time_is_date_obs(tmp_path):
    image = write_disk(tmp_path / "d.fits", T_REC=None)
    cut = flarescope.cut_disk(
        image, regions=[write_summary(tmp_path / "SRS.txt", *ROWS)], out=tmp_path / "o", reporter=Heard()
    )
    assert cut.view.time == pd.Timestamp("2016-07-07 00:58:00", tz="UTC")
    assert "20160707_005836_TAI" in cut.table["filename"][0]


@pytest.mark.parametrize(
    ("source", "instrument", "name"),
    [
        ("hmi.M_720s.20160707_010000_TAI.fits", "HMI_FRONT2", "1158_hmi.M_720s.20160707_010000_TAI.1"),
        ("hmi.M_720s_nrt.20160707_010000_TAI.fits", "HMI_FRONT2", "1158_hmi.M_720s_nrt.20160707_010000_TAI.1"),
        ("hmi.m_45s.20160707_010000_TAI.2.magnetogram.fits", "HMI_SIDE1", "1158_hmi.m_45s.20160707_010000_TAI.1"),
        ("disk.fits", "MDI", "1158_mdi.M.20160707_010000_TAI.1"),
        ("disk.fits", "", "1158_unnamed.M.20160707_010000_TAI.1"),
        ("disk.fits", "../../MDI\0", "1158_mdi.M.20160707_010000_TAI.1"),
    ],
)
def test_a_patch_is_named_after_the_series(source, instrument, name):
    time = pd.Timestamp("2016-07-07 00:59:24", tz="UTC").to_pydatetime()
    found = patch_name(11158, time, source, {"INSTRUME": instrument, "CAMERA": 1})
    assert found == f"1158/{name}.magnetogram.fits"


def test_what_no_header_may_have_is_left_out_of_the_patches(tmp_path):
    """A damaged header can say anything; astropy writes printable ASCII and finite numbers alone."""
    image = write_disk(tmp_path / "hmi.M_720s.20160707_010000_TAI.fits", TELESCOP="SDO/HMI", OBS_VR=1.5, OBS_VW=2.5)
    content = image.read_bytes()
    damaged = content.replace(b"TELESCOP= 'SDO/HMI '", b"TELESCOP=\xff\xff\xff\xff\0\0\0\0I '", 1)
    damaged = damaged.replace(b"OBS_VR  =                  1.5", b"OBS_VR  =              1.5E999", 1)
    assert len(damaged) == len(content)
    image.write_bytes(damaged)
    summary = write_summary(tmp_path / "20160707SRS.txt", *ROWS)
    cut = flarescope.cut_disk(image, regions=[summary], out=tmp_path / "out", reporter=Heard())
    header = fits.getheader(tmp_path / "out" / cut.table["filename"][0], 1)
    assert {"TELESCOP", "OBS_VR"} & set(header) == set()
    assert header["OBS_VW"] == 2.5


def test_a_pixel_of_two_arcsec_makes_patches_that_show_as_much_of_the_sun(tmp_path):
    cards = {"CDELT1": 1.98, "CDELT2": 1.98, "DSUN_OBS": 1.48e11, "TELESCOP": "SOHO", "INSTRUME": "MDI"}
    image, summary = write_disk(tmp_path / "mdi.fits", **cards), write_summary(tmp_path / "SRS.txt", ROWS[1])
    with pytest.raises(InputError, match=r"of MDI, another magnetograph.*--instrument-ok"):
        flarescope.cut_disk(image, regions=[summary], out=tmp_path / "out")
    cut = flarescope.cut_disk(image, regions=[summary], out=tmp_path / "out", instrument_ok=True, reporter=Heard())
    patch = fits.getdata(tmp_path / "out" / cut.table["filename"][0], 1)
    assert patch.shape == (153, 153)  # 600 * 0.504 / 1.98
    assert "instrument" in cut.table["flags"][0]


def test_a_sun_without_spots_gives_a_table_alone(tmp_path):
    heard = Heard()
    image, summary = write_disk(tmp_path / "disk.fits"), write_summary(tmp_path / "SRS.txt")
    cut = flarescope.cut_disk(image, regions=[summary], out=tmp_path / "out", reporter=heard)
    assert cut.table["state"].tolist() == ["not yet visible"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["patches.csv", "regions.csv"]
    assert any("no patch was cut" in text for text in heard.warnings)


def test_a_summary_of_after_the_image_is_warned_of(tmp_path):
    heard = Heard()
    image = write_disk(tmp_path / "disk.fits", T_REC="2016.07.06_13:00:00_TAI")
    summary = write_summary(tmp_path / "SRS.txt", *ROWS)
    cut = flarescope.cut_disk(image, regions=[summary], out=tmp_path / "out", reporter=heard)
    assert cut.table["lon_deg"][1] == pytest.approx(10 - 13.3 * 11 / 24, abs=0.3)
    assert any("issued after the image was taken" in text for text in heard.warnings)


def test_bad_input_is_one_line_each(tmp_path, capsys):
    disk = write_disk(tmp_path / "disk.fits")
    summary = write_summary(tmp_path / "SRS.txt", *ROWS)
    other_day = write_summary(tmp_path / "other.txt", *ROWS, day="10 Jul 2016", before="09")
    Image.new("L", (64, 64)).save(tmp_path / "disk.jpg")
    (tmp_path / "page.fits").write_text("<html>")
    bare = write_disk(tmp_path / "bare.fits", CTYPE1=None, CTYPE2=None, CUNIT1=None, CUNIT2=None)
    timeless = write_disk(tmp_path / "timeless.fits", **{"T_REC": None, "DATE-OBS": "soon"})
    part = write_disk(tmp_path / "part.fits", DSUN_OBS=1.48e11)
    coarse = write_disk(tmp_path / "coarse.fits", CDELT1=1.98, CDELT2=1.98, DSUN_OBS=1.48e11)
    patch = write_disk(tmp_path / "map.fits", CTYPE1="CRLN-CEA", CTYPE2="CRLT-CEA", CUNIT1="degree")
    cases = [
        (disk, other_day, "nearest summary holds for 2016-07-10 00:00 UTC"),
        (tmp_path / "disk.jpg", summary, "a picture"),
        (tmp_path / "page.fits", summary, "not FITS"),
        (tmp_path / "none.fits", summary, "no such image"),
        (tmp_path, summary, "expected one FITS file"),
        (bare, summary, "no coordinates"),
        (timeless, summary, "no time in its header"),
        (part, summary, "a part of the disk"),
        (coarse, summary, "expected HMI's 0.504"),
        (patch, summary, "a map in heliographic coordinates"),
        (disk, tmp_path / "page.fits", "Solar Region Summary"),
    ]
    for image, regions, message in cases:
        assert run("disk", "cut", image, "--regions", regions, "--out", tmp_path / "out") == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("flarescope: ")
        assert message in line
        assert len(line) < 320
    assert not (tmp_path / "out").exists()


def test_the_command_shows_each_region_and_json(disk, tmp_path, capsys):
    place, _, _, _ = disk
    image, summary = place / "hmi.M_720s.20160707_010000_TAI.fits", place / "20160707SRS.txt"
    assert run("disk", "cut", image, "--regions", summary, "--out", tmp_path / "out") == 0
    shown = capsys.readouterr()
    assert "12550" in shown.out
    assert "visible, without spots" in shown.out
    assert "patches, patches.csv and regions.csv written to" in shown.err
    assert run("disk", "cut", image, "--regions", summary, "--out", tmp_path / "out", "--json", "--quiet") == 0
    records = json.loads(capsys.readouterr().out)
    assert [record["noaa_ar"] for record in records] == [12560, 12561, 12559, 12550]


@needs_real_data
@pytest.mark.parametrize(
    ("stamp", "numbers"), [("20160707_010000", [12560]), ("20111217_060000", [11374, 11375, 11377, 11378])]
)
def test_real_patches_hold_the_spot_groups_that_they_name(tmp_path, stamp, numbers):
    image = REAL_DATA / "fulldisk" / f"hmi.M_720s.{stamp}_TAI.fits"
    place = REAL_DATA / ("fulldisk/20160707SRS.txt" if stamp.startswith("2016") else "noaa/srs_2010_2013.tar.xz")
    cut = flarescope.cut_disk(image, regions=[place], out=tmp_path / "out", reporter=Heard())
    cut_rows = cut.table[cut.table["filename"].notna()]
    assert cut_rows["noaa_ar"].tolist() == numbers
    with fits.open(image) as hdus, warnings.catch_warnings(action="ignore"):
        hdus.verify("silentfix")
        whole, header = np.asarray(hdus[1].data, dtype=np.float64), hdus[1].header
    for _, row in cut_rows.iterrows():
        patch = read_fits(tmp_path / "out" / row["filename"])
        shifted = fits.getheader(tmp_path / "out" / row["filename"], 1)
        first_column, first_row = (round(header[key] - shifted[key]) for key in ("CRPIX1", "CRPIX2"))
        assert abs(first_column + 299.5 - row["column"]) <= 0.5 + 0.005  # the table has two digits
        assert abs(first_row + 299.5 - row["row"]) <= 0.5 + 0.005
        plain = whole[first_row : first_row + 600, first_column : first_column + 600]
        flux = sum(abs(value) for line in plain.tolist() for value in line)  # slow and plain
        assert np.abs(patch.field_gauss).sum() == pytest.approx(flux, rel=1e-9)
        assert patch.noaa_ar == row["noaa_ar"]
        assert (patch.look.lon_deg, patch.look.lat_deg) == pytest.approx((row["lon_deg"], row["lat_deg"]), abs=0.1)
        # A spot is where the field, averaged over 10 arcsec, is the strongest: within 6 degrees of NOAA's position,
        # which is in whole degrees and that of a group which is up to 9 degrees long.
        mean = np.abs(patch.field_gauss.reshape(30, 20, 30, 20).mean(axis=(1, 3)))
        strongest = np.unravel_index(mean.argmax(), mean.shape)
        assert np.hypot(strongest[0] - 14.5, strongest[1] - 14.5) * 20 * 0.504 < 6 * np.pi / 180 * 975


@needs_real_data
def test_a_model_forecasts_real_patches_and_they_can_be_labelled(tmp_path, monkeypatch):
    image = REAL_DATA / "fulldisk" / "hmi.M_720s.20111217_060000_TAI.fits"
    out = tmp_path / "patches"
    cut = flarescope.cut_disk(
        image, regions=[REAL_DATA / "noaa/srs_2010_2013.tar.xz"], out=out, plages=True, reporter=Heard()
    )
    use_fake_network(monkeypatch)
    data = write_set(tmp_path / "set", regions={"train": [1121, 1122], "validation": [1131], "test": [1141]})
    train_three_epochs(data, tmp_path / "run")
    with pytest.warns(flarescope.FlarescopeWarning):
        found = flarescope.predict(str(tmp_path / "run"), str(out))
    assert not found.failures
    assert sorted(found.forecasts["noaa_ar"]) == sorted(cut.table["noaa_ar"][cut.table["filename"].notna()])
    assert found.forecasts["time"].unique().tolist() == [pd.Timestamp("2011-12-17 05:59:26", tz="UTC")]
    several = found.forecasts.set_index("noaa_ar")["noaa_ars"]
    assert (several[11376], several[11377]) == ("11376,11377", "11377,11376")
    flares = tmp_path / "flares.csv"
    flares.write_text(
        "time,flare,noaa_ar\n2011-12-16T00:00,B1.0,11000\n2011-12-17T12:00,C2.0,11376\n2011-12-19T00:00,B1.0,11000\n"
    )
    table = tmp_path / "c.parquet"
    labelled = flarescope.label(out / "patches.csv", flares=[flares], out=table, flux_scale="operational")
    told = labelled.table.set_index("noaa_ar")["label"]
    assert told.to_dict() == {11374: 0, 11375: 0, 11376: 1, 11377: 1, 11378: 0}  # 11376 lies in the patch of 11377
    assert set(labelled.table["lon_deg"].round()) == {40.0, 46.0, -12.0, 12.0, -8.0}
    by_name = flarescope.label(out, flares=[flares], out=table, flux_scale="operational")
    assert by_name.table.set_index("noaa_ar")["label"].sum() == 1  # names say one region each


@pytest.mark.parametrize("nan", ["error", "zero"])
def test_patches_with_the_edge_are_forecast_on_request_alone(tmp_path, nan, monkeypatch, capsys):
    cards = {"DSUN_OBS": 696e6 / np.sin(np.radians(960 / 3600)), "CDELT1": 1.98, "CDELT2": 1.98, "RSUN_OBS": 960.0}
    field = np.round(np.random.default_rng(1).normal(0, 50, (SIZE, SIZE)), 1)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    field[np.hypot(columns - 511.5, rows - 513.5) * 1.98 > 960] = np.nan
    image = write_disk(tmp_path / "disk.fits", field, **cards)
    summary = write_summary(tmp_path / "SRS.txt", "2560 S08W80   032  0010 Axx  01   01 Alpha")
    cut = flarescope.cut_disk(image, regions=[summary], out=tmp_path / "out", instrument_ok=True, reporter=Heard())
    assert cut.table["flags"][0] == "limb70,edge"
    use_fake_network(monkeypatch)
    data = write_set(tmp_path / "set", regions={"train": [1121, 1122], "validation": [1131], "test": [1141]})
    train_three_epochs(data, tmp_path / "run")
    code = run("predict", tmp_path / "run", tmp_path / "out", "--nan", nan, "--instrument-ok", "--quiet")
    assert code == (2 if nan == "error" else 0)
    shown = capsys.readouterr()
    assert ("--nan zero" in shown.err) == (nan == "error")
    assert ("12560" in shown.out) == (nan == "zero")
