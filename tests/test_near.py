"""Are near copies found whatever they are called, and different regions told apart?"""

from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fakes import Heard
from flarescope.catalog import near
from flarescope.catalog.near import LEAST_CORRELATION, Pictures, near_copies, nearest_pictures
from flarescope.images.magnetogram import read_fits
from flarescope.images.reduce import reduced_pixels
from flarescope.images.signature import BLOCKS, field_signature, pixel_signature, signature_vectors
from flarescope.pipeline.catalogues.scanning import scan_images
from flarescope.synthetic.field import region_field
from flarescope.synthetic.regions import synthetic_regions
from real_data import REAL_DATA, needs_real_data
from test_cli_catalog import run, told, write_fits

TWELVE_MINUTES = 0.2


@pytest.fixture(scope="module")
def fields():
    """Fields of 24 made regions, `(600, 600)` gauss, at the same hour of their lives."""
    return [region_field(region, 3.0) for region in regions()]


@cache
def regions():
    return synthetic_regions(24, images_per_region=2, seed=5)


def correlation(one, other):
    return float(np.corrcoef(signature_vectors([one, other]))[0, 1])


def different(signatures):
    """Correlations of all pairs, the largest of the 16 of each."""
    vectors = signature_vectors(signatures).astype(float)
    count = len(vectors)
    turned = pictures_of(vectors.reshape(count, BLOCKS, BLOCKS))
    values = np.max([np.corrcoef(vectors, other)[:count, count:] for other in turned], axis=0)
    return values[np.triu_indices(count, 1)]


def noisy(field):
    return field + np.random.default_rng(3).normal(0, 5, field.shape)


TURNS = {
    "north for south": lambda field: field[::-1],
    "east for west": lambda field: field[:, ::-1],
    "turned by 180 degrees": lambda field: field[::-1, ::-1],
    "turned by 90 degrees": np.rot90,
    "turned by 270 degrees": lambda field: np.rot90(field, 3),
    "mirrored at a diagonal": lambda field: field.T,
    "mirrored at the other": lambda field: np.rot90(field, 2).T,
    "of the other sign": lambda field: -field,
    "mirrored and of the other sign": lambda field: -field[:, ::-1],
}


def shifted(field):
    return np.roll(field, (3, -3), axis=(0, 1))  # 3 of 600 pixels are 1 of 224


def spot(row, column):
    """A round spot of 2000 G and 12 pixels' radius, and nothing else."""
    rows, columns = np.mgrid[:600, :600]
    return 2000 * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 2 / 12**2)


@pytest.mark.parametrize(
    ("copy", "least"),
    [
        (lambda region, field: field_signature(noisy(field)), 0.99),
        (lambda region, field: field_signature(shifted(field)), 0.9),
        (lambda region, field: field_signature(region_field(region, 3 + TWELVE_MINUTES)), 0.99),
        (lambda region, field: pixel_signature(reduced_pixels(field)), 0.99),
        (lambda region, field: pixel_signature(np.stack([reduced_pixels(shifted(field))] * 3, axis=2)), 0.9),
    ],
    ids=["noise", "shift", "12 minutes later", "PNG of the FITS", "colour PNG, shifted"],
)
def test_near_copies_of_made_regions_correlate(fields, copy, least):
    made = zip(regions(), fields, strict=True)
    values = [correlation(field_signature(field), copy(region, field)) for region, field in made]
    assert min(values) >= least > LEAST_CORRELATION


def test_different_made_regions_do_not(fields):
    assert different([field_signature(field) for field in fields]).max() < LEAST_CORRELATION - 0.1


def test_a_flat_image_has_no_signature():
    noise = np.random.default_rng(0).normal(0, 10, (600, 600))
    for field in (np.zeros((600, 600)), np.full((600, 600), 300.0), np.full((9, 9), np.nan), noise, spot(300, 300)):
        assert field_signature(field) is None
    assert pixel_signature(np.full((224, 224), 128, dtype=np.uint8)) is None


def test_blocks_are_means_whatever_the_size():
    field = np.zeros((48, 36))
    field[0, :27] = 80.0  # a block is 2 rows high and 1.5 columns wide; the field fills half of 18 blocks
    field[40] = 46.0  # weaker than a grey level
    field[41, 0] = np.nan
    blocks = signature_vectors([field_signature(field)])[0].reshape(BLOCKS, BLOCKS)
    assert blocks[0].tolist() == [round(127 * 40 / (40 + 30))] * 18 + [0] * 6
    assert not blocks[1:].any()


def pictures_of(squares):
    """The 16 pictures that a square is: turned, mirrored, of either sign, `(16, N, S * S)`."""
    turned = [np.rot90(each, number, axes=(1, 2)) for each in (squares, squares[:, ::-1]) for number in range(4)]
    return [sign * each.reshape(len(squares), -1) for each in turned for sign in (1, -1)]


@pytest.mark.parametrize("side", [2, 5, 6, 24])
@pytest.mark.parametrize("most", [0, 3, 9])
def test_the_nearest_are_those_of_a_plain_comparison_whatever_the_block(monkeypatch, side, most):
    rng = np.random.default_rng(side)
    first, second = rng.normal(size=(50, side, side)), rng.normal(size=(37, side, side))
    second[4] = 0
    groups = rng.integers(-1, 3, (50, 2)), rng.integers(-1, 3, (37, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        plain = np.max([np.corrcoef(first.reshape(50, -1), other)[:50, 50:] for other in pictures_of(second)], axis=0)
    shared = (groups[0][:, None] == groups[1][None]) & (groups[0][:, None] >= 0)
    plain[shared.any(axis=2)] = -1
    plain[:, 4] = -1
    monkeypatch.setattr(near, "BLOCK", 8)
    monkeypatch.setattr(near, "TILE", 3)
    monkeypatch.setattr(near, "LOW", 4)
    monkeypatch.setattr(near, "MOST_PAIRS", most)
    least = float(np.sort(plain.max(axis=0))[12])  # so that some have a partner and some have none
    left, right = (
        Pictures(each.reshape(len(each), -1), group) for each, group in zip((first, second), groups, strict=True)
    )
    partner, best = nearest_pictures(left, right, least=least - 1e-6)
    found = plain.max(axis=0) >= least
    assert 5 < found.sum() < 37
    np.testing.assert_allclose(best, np.where(found, plain.max(axis=0), 0), atol=1e-6)
    np.testing.assert_allclose(plain[partner[found], np.flatnonzero(found)], plain.max(axis=0)[found], atol=1e-6)
    assert (partner[~found] == -1).all()


@given(seed=st.integers(0, 1000), side=st.sampled_from([2, 7, 24]))
def test_each_of_the_sixteen_pictures_of_one_correlates_wholly_with_it(seed, side):
    square = np.random.default_rng(seed).normal(size=(1, side, side))
    for other in pictures_of(square):
        _, best = nearest_pictures(Pictures(square.reshape(1, -1), np.array([[-1]])), Pictures(other, np.array([[-1]])))
        assert best[0] == pytest.approx(1, abs=1e-5)


def findings(rows, vectors):
    table = pd.DataFrame(rows, columns=["filename", "noaa_ar", "split"]).astype({"noaa_ar": "Int32"})
    digests = pd.DataFrame({"filename": table["filename"], "digest": [f"{row}" for row in range(len(table))]})
    return near_copies(table, digests, np.asarray(vectors, dtype=np.int8))


def test_what_the_region_or_the_digest_already_tells_is_not_told_again():
    one, other = np.random.default_rng(7).integers(-99, 99, (2, 36)).tolist()
    rows = [("a", 11000, "train"), ("b", 11001, "train"), ("c", 11000, "test"), ("d", None, "test")]
    assert findings(rows[:3], [one, other, one]) == []
    [finding] = findings(rows, [one, other, one, other])
    assert (finding.severity, finding.count, finding.where) == ("error", 1, "d like b (1.000)")
    [finding] = findings([("a", None, "train"), ("d", None, "test")], [one, one])
    assert finding.where == "d like a (1.000)"  # two unknown regions are not the same one
    table = pd.DataFrame([("a", None, "train"), ("d", None, "test")], columns=["filename", "noaa_ar", "split"])
    same = pd.DataFrame({"filename": ["a", "d"], "digest": ["x", "x"]})
    assert near_copies(table, same, np.array([one, one], dtype=np.int8)) == []


PLANTED = {
    "noise": lambda field, path: write_fits(path.with_suffix(".fits"), noisy(field)),
    "shift": lambda field, path: write_fits(path.with_suffix(".fits"), shifted(field)),
    "reduced": lambda field, path: Image.fromarray(reduced_pixels(field)).save(path.with_suffix(".png")),
    "16 bits": lambda field, path: Image.fromarray(reduced_pixels(field).astype(np.uint16) * 257).save(
        path.with_suffix(".png"), optimize=True
    ),
}


def catalogue_of(folder, fields, planted):
    """Write renamed files, half of them for training, and `planted` beside the others; region and time unknown."""
    for number, field in enumerate(fields):
        write_fits(folder / "images" / f"{number:02d}.fits", field)
    planted(folder / "images" / "planted")
    names = sorted(path.name for path in (folder / "images").iterdir())
    split = ["train"] * (len(fields) // 2) + ["test"] * (len(names) - len(fields) // 2)
    pd.DataFrame({"filename": names, "label": 0, "split": split}).to_parquet(folder / "c.parquet")
    return ["catalog", "check", folder / "c.parquet", "--images", folder / "images", "--workers", 1]


@pytest.mark.parametrize("kind", PLANTED)
def test_each_planted_near_copy_is_found_and_nothing_else(tmp_path, capsys, fields, kind):
    arguments = catalogue_of(tmp_path, fields[:6], lambda path: PLANTED[kind](fields[1], path))
    assert run(*arguments, "--json") == 1
    [finding] = [each for each in told(capsys) if each["severity"] == "error"]
    assert finding["what"] == "1 image of test looks like an image of train: near copies under other names"
    assert finding["where"].startswith("planted.")
    assert "like 01.fits" in finding["where"]


@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_mirrored_or_negative_copy_is_found_and_nothing_else(tmp_path, capsys, fields, turn):
    def planted(path):
        write_fits(path.with_suffix(".fits"), np.ascontiguousarray(TURNS[turn](noisy(fields[1]))))

    assert run(*catalogue_of(tmp_path, fields[:6], planted), "--json") == 1
    [finding] = [each for each in told(capsys) if each["severity"] == "error"]
    assert finding["where"].startswith("planted.fits like 01.fits (")
    assert finding["where"].endswith(", turned, mirrored or negative)")


def test_each_of_thirty_planted_mirrored_copies_is_found():
    """0 of 66 were found when only pictures as they are were compared."""
    regions = synthetic_regions(30, images_per_region=2, seed=11)
    made = [region_field(region, 3.0) for region in regions]
    originals = signature_vectors(field_signature(field) for field in made)
    turns = list(TURNS.values())
    copies = signature_vectors(
        pixel_signature(reduced_pixels(np.ascontiguousarray(turns[number % len(turns)](shifted(field)))))
        for number, field in enumerate(made)
    )
    nothing = np.full((30, 1), -1)
    partner, _ = nearest_pictures(Pictures(originals, nothing), Pictures(copies, nothing))
    seen = originals.any(axis=1)
    assert seen.sum() >= 29
    assert (partner[seen] == np.flatnonzero(seen)).all()


def test_the_next_image_in_time_is_found_and_other_regions_are_not(tmp_path, capsys, fields):
    later = region_field(regions()[2], 3 + TWELVE_MINUTES)
    arguments = catalogue_of(tmp_path, fields[:6], lambda path: write_fits(path.with_suffix(".fits"), later))
    assert run(*arguments, "--json") == 1
    assert [each["where"][:24] for each in told(capsys) if each["severity"] == "error"] == [
        "planted.fits like 02.fits"[:24]
    ]
    (tmp_path / "images" / "planted.fits").unlink()
    write_fits(tmp_path / "images" / "planted.fits", fields[20])
    assert run(*arguments, "--json") == 0
    assert [each["severity"] for each in told(capsys)] == ["warning"]  # the regions are not known


def test_flat_images_are_not_alike(tmp_path, capsys, fields):
    rng = np.random.default_rng(0)
    flat = [rng.normal(0, 8, (600, 600)) for _ in range(4)]
    arguments = catalogue_of(tmp_path, flat, lambda path: write_fits(path.with_suffix(".fits"), fields[0]))
    assert run(*arguments, "--json") == 0
    assert "flat, and compared by pixels only: 4" in capsys.readouterr().err


def test_a_scan_of_the_older_form_is_read_again(tmp_path, fields):
    write_fits(tmp_path / "images" / "a.fits", fields[0])
    kept = tmp_path / "scan.parquet"
    new = scan_images(tmp_path / "images", ["a.fits"], kept, workers=1)
    pd.read_parquet(kept).drop(columns="signature").to_parquet(kept)
    heard = Heard()
    again = scan_images(tmp_path / "images", ["a.fits"], kept, workers=1, reporter=heard)
    pd.testing.assert_frame_equal(again, new)
    assert again["signature"].notna().all()
    assert "of an older form, without signature; the images are read again" in heard.notes[0]
    assert pd.read_parquet(kept)["signature"].tolist() == new["signature"].tolist()


def real_signatures(folder, key):
    """Signatures of the real files of a folder, by what `key` takes of the parts of their names."""
    files = sorted((REAL_DATA / "hmi" / folder).glob("*.fits"))
    assert files
    return [(key(path.name.split(".")), field_signature(read_fits(path).field_gauss)) for path in files]


@needs_real_data
def test_real_magnetograms_an_hour_apart_are_near_copies_and_different_patches_are_not():
    hourly = real_signatures("harp377_noaa11158_201102_hourly", lambda parts: parts[3])
    neighbours = [correlation(a[1], b[1]) for a, b in pairwise(hourly)]
    assert min(neighbours) > 0.95
    patches = real_signatures("march2012_11harps_6hourly", lambda parts: parts[2])
    first = dict(reversed(patches))  # one of each patch
    values = different([*first.values(), hourly[0][1]])
    assert len(values) == 12 * 11 / 2
    assert values.max() < 0.6


def test_one_copy_among_many_blocks_of_pictures_is_found(monkeypatch):
    monkeypatch.setattr(near, "BLOCK", 256)
    rng = np.random.default_rng(0)
    train, test = (rng.integers(-127, 128, (count, BLOCKS * BLOCKS), dtype=np.int8) for count in (2_500, 600))
    assert len(train) > 9 * near.BLOCK
    assert len(test) > 2 * near.BLOCK
    test[17] = np.clip(train[1_400].astype(int) + rng.integers(-9, 10, BLOCKS * BLOCKS), -127, 127)
    table = pd.DataFrame({"filename": [f"{row}" for row in range(3_100)], "noaa_ar": pd.array([None] * 3_100, "Int32")})
    table["split"] = ["train"] * 2_500 + ["test"] * 600
    digests = table[["filename"]].assign(digest=table["filename"])
    [finding] = near_copies(table, digests, np.concatenate([train, test]))
    assert finding.where.startswith("2517 like 1400")
