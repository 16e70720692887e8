"""Are images of the whole disk read where they are asked for, and refused where one region is, each with a reason?"""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from disk_pictures import SIDE, disk_pixels, write_jpeg
from disks import write_disk
from fakes import write_png
from flarescope.catalog.file_names import region_and_time
from flarescope.errors import InputError
from flarescope.images.disk_picture import read_disk_fits, read_disk_jpeg
from flarescope.images.line_of_sight import Accept
from flarescope.images.paths import expand
from flarescope.images.reading import read_image
from flarescope.images.render import DISK_LIMIT_GAUSS, PixelForm, Rendering, render_disk, render_png
from real_data import REAL_DATA, needs_real_data

DISK = Accept(whole_disk=True)


def test_a_grey_jpeg_is_read_and_resized_smoothly_to_any_network(tmp_path):
    path = write_jpeg(tmp_path / "HMI.m2026.02.01_03.00.00.jpg")
    pixels = read_disk_jpeg(path).pixels
    assert pixels.shape == (SIDE, SIDE)
    assert np.abs(pixels.astype(int) - disk_pixels()).mean() < 2  # the best quality
    for size in (224, 240):
        rendering = Rendering.for_file(path.name, form=PixelForm(size), whole_disk=True)
        assert rendering.id == "helioviewer-jpeg" + ("" if size == 224 else "-240")
        assert Rendering.from_id(rendering.id) == rendering
        rendered = read_image(path, rendering, DISK).rendered
        assert np.array_equal(rendered.pixels, render_png(pixels, PixelForm(size, "smooth")))
        assert rendered.noaa_ars == ()


def test_its_time_is_in_its_name_in_utc():
    names = ["HMI.m2026.02.01_03.00.00.jpg", "2026/HMI.m2024.02.29_23.59.59.jpeg", "HMI.m2026.02.30_03.00.00.jpg"]
    names += ["1121/1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram_224.png", "HMI.m2026.02.01_03.00.00.png"]
    found = region_and_time(pd.Series(names))
    texts = ["2026-02-01 03:00:00", "2024-02-29 23:59:59", None, "2010-11-10 05:35:26", None]
    assert [
        None if time is None else f"{time:%F %T}"
        for time in found["time"].astype(object).where(found["time"].notna(), None)
    ] == texts
    assert found["noaa_ar"].isna().tolist() == [True, True, True, False, True]


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (np.full((SIDE, SIDE), 127, np.uint8), "no disk in a black sky"),
        (disk_pixels()[:64], "96 x 64 pixels; expected a square"),
        (disk_pixels(side=32), "32 x 32 pixels; expected a square"),
        (np.where(disk_pixels() > 0, 180, 0).astype(np.uint8), "disk"),
        (np.stack([disk_pixels(), disk_pixels(1) // 2, disk_pixels()], axis=2), "a coloured JPEG"),
    ],
)
def test_what_is_no_magnetogram_of_the_whole_disk_is_refused(tmp_path, pixels, said):
    path = write_jpeg(tmp_path / "a.jpg", pixels)
    with pytest.raises(InputError, match=said):
        read_disk_jpeg(path)


def test_grey_in_three_channels_is_grey(tmp_path):
    path = write_jpeg(tmp_path / "a.jpg", np.repeat(disk_pixels()[..., np.newaxis], 3, axis=2))
    assert read_disk_jpeg(path).pixels.shape == (SIDE, SIDE)


def test_damaged_files_are_refused_in_a_line(tmp_path):
    path = write_jpeg(tmp_path / "a.jpg")
    whole = path.read_bytes()
    png = write_png(tmp_path / "b.png", 0).read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"\xff\xd8" + bytes(50), png):
        path.write_bytes(content)
        with pytest.raises(InputError) as error:
            read_disk_jpeg(path)
        assert len(str(error.value)) < 300 + len(str(path))


def test_a_region_model_refuses_a_disk_and_a_disk_model_a_region(tmp_path):
    jpeg, png = write_jpeg(tmp_path / "disk.jpg"), write_png(tmp_path / "region.png", 0)
    with pytest.raises(InputError, match=r"a JPEG is read by models and tables of the whole disk alone.*--scope disk"):
        read_image(jpeg, Rendering.for_file(jpeg.name))
    with pytest.raises(InputError, match="a PNG is read as one region"):
        read_image(png, Rendering.for_file(png.name, whole_disk=True), DISK)
    assert expand([tmp_path]) == [png]
    assert expand([tmp_path], whole_disk=True) == [jpeg]


def test_a_fits_disk_is_cut_at_256_gauss_and_what_is_no_sun_is_zero(tmp_path):
    path = write_disk(tmp_path / "hmi.M_720s.20160707_010000_TAI.fits")
    rendering = Rendering.for_file(path.name, whole_disk=True)
    rendered = read_image(path, rendering, DISK).rendered
    assert (rendering.id, rendered.pixels.shape, rendered.flags) == ("disk-fits", (1, 224, 224), ())
    assert f"{rendered.time:%F %T}" == "2016-07-07 00:59:24"
    field = np.array([[np.nan, 0.0], [512.0, -64.0]])
    expected = (np.array([[0.0, 0.0], [256.0, -64.0]]) / DISK_LIMIT_GAUSS + 1) * 127.5
    assert render_disk(field, 2)[0] == pytest.approx(expected)
    with pytest.raises(InputError, match=r"a whole disk, .* cut its regions out first"):
        read_image(path, Rendering.for_file(path.name))
    region = write_disk(tmp_path / "region.fits", np.round(np.random.default_rng(0).normal(0, 50, (128, 128)), 1))
    with pytest.raises(InputError, match="the whole disk: expected one"):
        read_disk_fits(region)


@needs_real_data
def test_each_real_jpeg_at_hand_is_a_disk_and_each_other_picture_of_the_samples_is_none(tmp_path):
    paths = sorted((REAL_DATA / "fulldisk_2026").glob("*.jpg"))
    for path in paths[::30]:
        assert read_disk_jpeg(path).pixels.shape == (512, 512)
    Image.open(paths[0]).rotate(0).resize((512, 300)).save(tmp_path / "flat.jpg")
    with pytest.raises(InputError, match="512 x 300"):
        read_disk_jpeg(tmp_path / "flat.jpg")


@needs_real_data
@pytest.mark.slow
def test_a_real_fits_disk_and_its_jpeg_kind_look_alike():
    """The FITS file has south up (CROTA2 180): turned, its levels are those of no other half of the disk."""
    path = next((REAL_DATA / "fulldisk").glob("hmi.M_720s.2016*.fits"))
    pixels = read_image(path, Rendering.for_file(path.name, whole_disk=True), DISK).rendered.pixels[0]
    assert pixels.shape == (224, 224)
    assert abs(float(np.median(pixels)) - 127.5) < 1
    assert np.ptp(pixels) > 60
