"""Is a machine on which no code can be made in memory noticed, and served all the same?"""

import sys

import numpy as np
import pytest
from astropy.io import fits
from llvmlite import binding

from flarescope.engines import choose as engines
from flarescope.images.fits import rice
from flarescope.images.magnetogram import read_fits
from flarescope.native.available import native_available


def forbidden(monkeypatch):
    def refuse():
        raise OSError(13, "cannot allocate executable memory")

    monkeypatch.setattr(binding, "check_jit_execution", refuse)


def missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "llvmlite", None)


@pytest.fixture(params=[forbidden, missing], ids=["forbidden", "missing"])
def nothing_native(request, monkeypatch):
    request.param(monkeypatch)
    native_available.cache_clear()
    yield
    native_available.cache_clear()


def test_it_is_there():
    assert native_available()


def test_a_compressed_file_is_read_by_astropy(nothing_native, tmp_path):
    field = np.random.default_rng(0).integers(-900, 900, (40, 50), dtype=np.int32)
    path = tmp_path / "x.fits"
    hdu = fits.CompImageHDU(field, compression_type="RICE_1")
    hdu.header["BUNIT"] = "Gauss"
    hdu.writeto(path)
    assert not rice.native_available()
    assert np.array_equal(read_fits(path).field_gauss, field)


def test_another_engine_is_taken(nothing_native):
    assert engines.choose().engine != "winograd"
