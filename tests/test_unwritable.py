"""Does work go on to its end where what would only spare work the next time cannot be written?"""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fakes import child_environment, write_pngs
from flarescope.engines import tuning
from flarescope.engines.base import EngineChoice
from flarescope.engines.tuning import Measured
from flarescope.errors import FlarescopeError, FlarescopeWarning
from flarescope.pipeline.catalogues import scanning
from waiting import LIMIT_S

NOWHERE = Path("/dev/null/nowhere")  # nothing can be made there, by root neither
CHOICE = EngineChoice("openvino", "cpu", "fp32", batch=16)


def test_what_was_measured_serves_where_it_cannot_be_remembered(monkeypatch):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(NOWHERE))
    assert tuning.remembered(CHOICE) is None
    with pytest.warns(FlarescopeWarning, match=r"cannot write /dev/null/nowhere/engines\.json: .* and is forgotten"):
        tuned = tuning.remember(CHOICE, [Measured(16, 0, 10.0), Measured(32, 2, 12.0)])
    assert tuned == replace(CHOICE, batch=32, streams=2)


def test_a_scan_goes_on_where_it_cannot_be_kept(tmp_path, monkeypatch):
    names = write_pngs(tmp_path, 5)
    monkeypatch.setattr(scanning, "SAVE_EVERY", 2)
    with pytest.warns(FlarescopeWarning, match="cannot write .*; what was read serves now") as caught:
        table = scanning.scan_images(tmp_path, names, NOWHERE / "x.scan.parquet", workers=1)
    assert table["digest"].notna().all()
    assert len({str(warning.message) for warning in caught}) == 1


def test_a_full_disk_does_not_cost_a_scan_either(tmp_path, monkeypatch):
    def full(*_, **__):
        raise FlarescopeError("disk full while writing x: free some space and run the same command again")

    names = write_pngs(tmp_path, 2)
    monkeypatch.setattr(scanning, "write_parquet", full)
    with pytest.warns(FlarescopeWarning, match="disk full while writing x"):
        assert len(scanning.scan_images(tmp_path, names, tmp_path / "x.scan.parquet", workers=1)) == 2


CHILD = """
import sys
from pathlib import Path
import numpy as np
import kill_jobs
from flarescope.images.magnetogram import read_fits
place = Path(sys.argv[1])
for job in ("evaluate", "report"):
    kill_jobs.prepare(job, place) if job == "evaluate" else None
    kill_jobs.work(job, place)
assert np.ptp(read_fits(place / "x.fits").field_gauss) > 0
"""


@pytest.mark.slow  # a page with its figures, by a process that starts from nothing
def test_train_evaluate_report_and_astropy_without_a_home(tmp_path):
    from astropy.io import fits

    place = tmp_path / "work"
    place.mkdir()
    field = np.random.default_rng(0).normal(0, 100, (64, 64))
    fits.PrimaryHDU(field.astype(">f8")).writeto(place / "x.fits")
    away = {name: str(NOWHERE) for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "FLARESCOPE_CACHE")}
    command = [sys.executable, "-c", CHILD, str(place)]
    done = subprocess.run(
        command, env=child_environment() | away, cwd=os.sep, capture_output=True, text=True, timeout=LIMIT_S * 5
    )
    assert done.returncode == 0, done.stderr
    assert (place / "runs/r/report.html").is_file()
