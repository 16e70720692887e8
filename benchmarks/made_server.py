"""Which server does `serve_load.py` ask: with which archive and which model, and how is it started?"""

import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT), str(ROOT / "tests")]

DAYS = 28
"""Made days of the archive."""


def make(work: Path) -> tuple[Path, Path]:
    """Make an archive of made days, the last a real one with its regions, and a model of random filters."""
    import numpy as np

    import flarescope
    from flarescope.archive import keep
    from flarescope.backbones.registry import find
    from flarescope.forecaster.classifier import Classifier
    from flarescope.forecaster.description import Description
    from flarescope.heads.head import Head
    from flarescope.pipeline.real_day import FLARES, ISSUED, REGIONS
    from made_archive import made_forecast

    archive, model = work / "archive", work / "lite.hdf5"
    for day in range(1, DAYS + 1):
        keep(archive, made_forecast(day))
    folder = archive / "forecasts" / "real"
    options: dict[str, Any] = {"issued": ISSUED, "archive": archive, "out": folder, "reporter": flarescope.Reporter()}
    flarescope.forecast([REGIONS], [FLARES], **options)
    weights = find("efficientnet-lite0:random")
    head = Head(np.random.default_rng(0).normal(size=(weights.backbone.features, 2)), np.zeros(2, np.float32))
    described = Description("efficientnet-lite0:random", weights.family, weights.digest, network=weights.backbone.name)
    Classifier(head, described, weights).save(model)
    return archive, model


def be_server(archive: Path, model: Path) -> None:
    """Serve without a limit of a client's rate."""
    from flarescope.cli.screen import ScreenReporter
    from flarescope.serving.running import serve
    from flarescope.serving.settings import Limits, Settings

    free = Limits(rate=1e9, burst=1e9, uploads_rate=1e9, uploads_burst=1e9)
    serve(Settings(archive=archive, runs=(model,), port=0, limits=free), reporter=ScreenReporter())


def start(archive: Path, model: Path) -> tuple["subprocess.Popen[str]", int]:
    """Start a server; give it with its port."""
    command = [sys.executable, str(Path(__file__)), str(archive), str(model)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    line = process.stderr.readline()
    return process, int(line.split()[2].rpartition(":")[2])


if __name__ == "__main__":
    be_server(Path(sys.argv[1]), Path(sys.argv[2]))
