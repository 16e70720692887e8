"""Is an odd FITS file read as astropy reads it, and can a hostile one harm nobody but a process of its own?"""

import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from flarescope.errors import InputError
from flarescope.images.fits import apart
from flarescope.images.fits.apart import Decoder, DiedError, decode_apart
from flarescope.images.fits.datasum import agrees, datasum
from flarescope.images.fits.plain_fits import read_plain_fits, scaled
from flarescope.images.magnetogram import read_fits
from real_data import REAL_DATA, needs_real_data

PATH = Path("x.fits")
CORPUS = Path(__file__).parent / "corpus" / "fits"
FIELD = np.round(np.random.default_rng(0).normal(0, 200, (48, 64)))


def file_of(dtype, compression, **options):
    hdu = fits.CompImageHDU(FIELD.astype(dtype), compression_type=compression, **options)
    hdu.header["T_REC"] = "2012.03.06_14:24:00_TAI"
    return as_bytes(fits.PrimaryHDU(), hdu)


def as_bytes(*hdus, **options):
    content = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(content, **options)
    return content.getvalue()


ODD = {
    "gzip": file_of(np.int32, "GZIP_1"),
    "shuffled gzip": file_of(np.float64, "GZIP_2", quantize_level=0),
    "hcompress": file_of(np.int32, "HCOMPRESS_1", tile_shape=(24, 64)),
    "uncompressed tiles": file_of(np.int32, "NOCOMPRESS"),
    "square tiles": file_of(np.int32, "RICE_1", tile_shape=(16, 16)),
}


@pytest.fixture
def no_decoder_here(monkeypatch):
    """Let astropy's decoders in this process be an error."""
    from astropy.io.fits.hdu.compressed import compressed, section

    def refuse(*args, **options):
        raise AssertionError("a compressed tile was decoded in this process")

    for module in (compressed, section):
        monkeypatch.setattr(module, "decompress_image_data_section", refuse, raising=False)
    monkeypatch.setattr(fits.CompImageHDU, "data", property(refuse))


@pytest.mark.parametrize("kind", ODD)
def test_odd_compressions_are_read_whole_in_another_process(kind, no_decoder_here):
    assert read_plain_fits(ODD[kind]) is None
    found = read_fits(PATH, ODD[kind])
    assert np.array_equal(found.field_gauss, FIELD)
    assert found.time is not None


QUANTISED = file_of(np.float32, "RICE_1")


def test_quantised_floats_are_read_as_astropy_reads_them(no_decoder_here):
    found = read_fits(PATH, QUANTISED).field_gauss
    assert np.abs(found - FIELD).max() < 20  # a fraction of the noise, as fpack takes it
    assert found.dtype == np.float64


@given(
    kind=st.sampled_from(sorted(ODD)),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=5),
)
def test_changed_files_give_a_field_or_one_line(kind, changes):
    content = bytearray(ODD[kind])
    for share, change in changes:
        content[int(share * len(content))] = change
    try:
        read_fits(PATH, bytes(content))
    except InputError as error:
        told = str(error)
    else:
        return
    assert told.startswith("x.fits: ")
    assert "\n" not in told
    assert len(told) < 300


def test_tiles_that_abort_the_decoder_end_another_process_and_harm_no_other_file(monkeypatch):
    # An HCOMPRESS file of which bytes were changed: astropy's decoder writes over its heap, and the process ends then
    # or later, or never by itself. Which of them it is depends on the C library, so that the message does too.
    two_seconds = "from flarescope.images.fits import apart; apart.CPU_SECONDS = 2; apart.serve()"
    monkeypatch.setattr(apart, "_DECODER", Decoder(two_seconds))
    for _ in range(3):
        with pytest.raises(InputError, match="damaged or not FITS"):
            read_fits(CORPUS / "aborts_a_decoder.fits")
        assert np.array_equal(read_fits(PATH, ODD["gzip"]).field_gauss, FIELD)


SERVING = (
    "from flarescope.images.fits import apart, astropy_hdus; "
    "astropy_hdus.decode = {}; apart.CPU_SECONDS = 1; apart.serve()"
)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os; os.abort()", "SIGABRT"),
        ("raise SystemExit(3)", "exit code 3"),
        (SERVING.format("lambda *a: [None for _ in iter(int, 1)]"), "took too long or too much memory"),
    ],
)
def test_a_process_that_dies_says_how(code, message):
    decoder = Decoder(code)
    for _ in range(2):  # the next file gets an answer of its own
        with pytest.raises(DiedError, match=message):
            decoder.ask(ODD["gzip"], 1)


def test_a_file_that_kills_its_fork_leaves_the_process_for_the_next(monkeypatch):
    dies = "lambda path, content, number: os.abort() if number == 1 else (numpy.ones((2, 3)), {})"
    decoder = Decoder(f"import os, numpy; {SERVING.format(dies)}")
    assert decoder.ask(b"", 0)[1].shape == (2, 3)
    process = decoder._process
    for _ in range(2):
        with pytest.raises(DiedError, match="SIGABRT"):
            decoder.ask(b"", 1)
        assert decoder.ask(b"", 0)[1].shape == (2, 3)
    assert decoder._process is process
    decoder.close()


def test_a_fork_that_dies_in_its_answer_ends_the_process():
    dies = "apart._write = lambda answers, *a: (answers.write(b'half'), answers.flush(), os.abort())"
    decoder = Decoder(f"import os; {SERVING.format('lambda *a: 1')}".replace("apart.serve()", f"{dies}; apart.serve()"))
    for _ in range(2):
        with pytest.raises(DiedError, match="SIGABRT"):
            decoder.ask(ODD["gzip"], 1)
    decoder.close()


def test_a_process_that_hangs_is_ended():
    decoder = Decoder("import sys; sys.stdin.buffer.read()", clock_seconds=0.2)
    with pytest.raises(DiedError, match="took too long"):
        decoder.ask(ODD["gzip"], 1)


def test_a_system_that_cannot_fork_answers_each_request(monkeypatch):
    monkeypatch.setattr(apart, "FORKS", False)
    decoder = Decoder("from flarescope.images.fits import apart; apart.FORKS = False; apart.serve()")
    for _ in range(3):
        assert np.array_equal(decoder.ask(ODD["gzip"], 1)[1], FIELD)
    answer, _ = decoder.ask(b"no FITS", 1)
    assert answer["refused"].startswith("damaged or not FITS")
    assert np.array_equal(decoder.ask(ODD["gzip"], 1)[1], FIELD)


@pytest.mark.skipif(not os.path.exists("/proc"), reason="only Linux keeps to a limit of memory")  # noqa: PTH110
def test_memory_has_a_limit():
    decoder = Decoder(SERVING.format("lambda *a: bytearray(8 << 30)"))
    answer, _ = decoder.ask(ODD["gzip"], 1)
    assert answer == {"refused": "damaged or not FITS (MemoryError); fetch the file again"}
    decoder.close()


def test_many_threads_share_the_process():
    results = []
    threads = [threading.Thread(target=lambda: results.append(decode_apart(PATH, ODD["gzip"], 1)[0])) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert all(np.array_equal(field, FIELD) for field in results)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"NAXIS   =                    2", b"NAXIS   =            100000000"),
        (b"ZNAXIS  =                    2", b"ZNAXIS  =            100000000"),
        (b"TFIELDS =                    1", b"TFIELDS =            100000000"),
        (b"ZNAXIS1 =                   64", b"ZNAXIS1 =              9999999"),
        (b"ZNAXIS1 =                   64", b"ZNAXIS1 =               900000"),
        (b"ZTILE1  =                   64", b"ZTILE1  =           2000000000"),
        (b"ZTILE1  =                   64", b"ZTILE1  =                   -1"),
    ],
)
def test_sizes_are_judged_before_anything_is_decoded(old, new, monkeypatch):
    monkeypatch.setattr(Decoder, "ask", lambda *a: pytest.fail("decoded"))
    content = ODD["gzip"].replace(old, new, 1)
    assert content != ODD["gzip"]
    with pytest.raises(InputError, match=r"x\.fits: (damaged|the image has shape)"):
        read_fits(PATH, content)


def test_a_header_that_leads_back_to_itself_is_not_followed_for_ever():
    """astropy adds a negative PCOUNT to the size of the data, and reads the HDU that begins there: the same."""
    table = fits.BinTableHDU.from_columns([fits.Column("a", "8A", array=["x"] * 10)])
    content = as_bytes(fits.PrimaryHDU(), table)
    back = content.replace(b"PCOUNT  =                    0", b"PCOUNT  =                -5000", 1)
    assert back != content
    with pytest.raises(InputError, match=r"x\.fits: no HDU with an image"):
        read_fits(PATH, back)


def test_keys_in_small_letters_are_judged_too(monkeypatch):
    monkeypatch.setattr(fits, "open", lambda *a, **k: pytest.fail("astropy was asked"))
    content = ODD["gzip"].replace(b"NAXIS   =                    2", b"naxis   =            100000000", 1)
    with pytest.raises(InputError, match=r"x\.fits: damaged or not FITS \(naxis = 100000000\)"):
        read_fits(PATH, content)


def with_cards(count):
    """A file that `plain_fits` leaves to astropy, for its card of a convention, with so many more cards."""
    cards = [f"K{number:07d}= {number:20d}".ljust(80) for number in range(count)]
    content = as_bytes(fits.PrimaryHDU(FIELD))
    end = content.index(b"END".ljust(80))
    header = content[:end] + "".join(["HIERARCH a b = 7".ljust(80), *cards, "END".ljust(80)]).encode()
    return header + b" " * (-len(header) % 2880) + content[-(-end // 2880) * 2880 :]


def test_a_header_longer_than_any_instrument_writes_is_not_taken_apart(monkeypatch):
    assert np.array_equal(read_fits(PATH, with_cards(2_000)).field_gauss, FIELD)
    monkeypatch.setattr(fits, "open", lambda *a, **k: pytest.fail("astropy was asked"))
    with pytest.raises(InputError, match=r"x\.fits: damaged or not FITS \(about 40,0\d\d header cards\)"):
        read_fits(PATH, with_cards(40_000))


@needs_real_data
def test_a_flipped_bit_is_seen_by_the_sum_of_the_data():
    with pytest.raises(InputError, match="damaged \\(its data do not have the sum that DATASUM states"):
        read_fits(REAL_DATA / "cases" / "datasum" / "flipped.fits")


def test_a_changed_byte_of_plain_data_is_seen(tmp_path):
    hdu = fits.PrimaryHDU(FIELD)
    hdu.add_datasum()
    hdu.writeto(tmp_path / "a.fits")
    assert np.array_equal(read_fits(tmp_path / "a.fits").field_gauss, FIELD)
    content = bytearray((tmp_path / "a.fits").read_bytes())
    content[-2000] ^= 1
    with pytest.raises(InputError, match="DATASUM"):
        read_fits(PATH, bytes(content))


@given(st.binary(min_size=4, max_size=400).map(lambda data: data[: len(data) // 4 * 4]))
def test_the_sum_is_that_of_astropy(data):
    table = np.frombuffer(data, np.uint8)
    expected = int(fits.PrimaryHDU()._compute_checksum(table))
    assert datasum(data) == expected % (2**32 - 1)
    assert agrees(f"{expected}  ", data)
    assert agrees("", data)  # says nothing
    assert not agrees(str(expected + 1), data)


@needs_real_data
def test_unsigned_integers_of_64_bits_keep_their_values():
    assert read_fits(REAL_DATA / "cases" / "uint64" / "u64.fits").field_gauss.tolist() == [[100, 200], [300, 5000]]


@given(st.lists(st.integers(0, 2**53), min_size=1, max_size=9), st.integers(0, 2**53))
def test_any_unsigned_integer_up_to_2_to_the_53_there_and_back(values, blank):
    field, _ = read_plain_fits(as_bytes(fits.PrimaryHDU(np.array([values], np.uint64))))
    assert field[0].tolist() == values
    stored = np.array(values, np.uint64) ^ np.uint64(1 << 63)
    masked = scaled(stored.view(np.int64), 1, 2.0**63, blank - 2**63)
    assert [None if np.isnan(value) else value for value in masked] == [
        None if value == blank else value for value in values
    ]
