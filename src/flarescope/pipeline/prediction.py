"""What does a model forecast for new images?"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from flarescope.catalog.file_names import region_and_time
from flarescope.errors import InputError
from flarescope.files import atomic_path, check_writable
from flarescope.images.likeness import flags_beside
from flarescope.images.magnetogram import is_fits
from flarescope.images.paths import expand
from flarescope.model.classifier import Classifier
from flarescope.pipeline.featuring import Compute, announce
from flarescope.pipeline.likeness import tell_flags
from flarescope.pipeline.models import load
from flarescope.progress import Reporter
from flarescope.scores.calibration import calibration_from_json
from flarescope.tables import check_forecasts, write_parquet


def forecast_files(
    classifier: Classifier, paths: Sequence[Path], *, compute: Compute | None = None, reporter: Reporter | None = None
) -> pd.DataFrame:
    """Forecast files with a loaded model.

    Args:
        classifier: the model.
        paths: PNG and FITS files, and folders of them.
        compute: how the features are computed; they are not kept.
        reporter: hears notes and progress.

    Returns:
        One row a file: `filename` (the path), `noaa_ar` and `time` (by the file name, else by the FITS header, else
        null), `probability` (calibrated where the model holds a calibration; then `probability_raw` is the network's
        own), `flare` (whether it reaches the model's threshold), and `event` (what is forecast, in the short form
        `M1.0/24`; null where the model does not say it), and `flags` (words of
        `images.flags.FLAGS` with spaces between, what of the image is unusual; empty for most).
    """
    compute, reporter = compute or Compute(), reporter or Reporter()
    files = expand(paths)
    choice = compute.choose()
    announce(classifier.weights, reporter)
    reporter.say(f"engine: {choice.id}")
    _note_rendering(classifier, files, reporter)
    results = classifier.probabilities(
        files,
        choice,
        workers=compute.threads(),
        nan=compute.nan,
        accept=compute.accept,
        progress=lambda done, total: reporter.advance("forecasts", done, total),
    )
    likeness = classifier.description.likeness
    read = [
        (one.noaa_ar, one.time, probability, flags_beside(one.flags, one.look, likeness))
        for one, probability in ((image.rendered, probability) for image, probability in results)
    ]
    table = pd.DataFrame({"filename": pd.Series([str(file) for file in files], dtype="str")})
    named = region_and_time(table["filename"])
    table["noaa_ar"] = named["noaa_ar"].fillna(pd.Series([row[0] for row in read], dtype="Int32"))
    headers = pd.to_datetime(pd.Series([row[1] for row in read], dtype="object"), utc=True)
    table["time"] = named["time"].fillna(headers.astype(named["time"].dtype))
    table["probability"] = [row[2] for row in read]
    checked = check_forecasts(table, "the forecasts")[["filename", "noaa_ar", "time", "probability"]]
    described = classifier.description
    if described.calibration is not None:
        raw = checked["probability"].to_numpy(float)
        calibrated = calibration_from_json(described.calibration).apply(raw)
        checked = checked.assign(probability=calibrated, probability_raw=raw)
    event = None if described.event is None else described.event.code
    tell_flags([row[3] for row in read], likeness, reporter)
    return checked.assign(
        flags=pd.Series([" ".join(row[3]) for row in read], index=checked.index, dtype="str"),
        flare=checked["probability"] >= described.threshold,
        event=pd.Series(event, index=checked.index, dtype="str"),
    )


def predict(
    model: Path,
    paths: Sequence[Path],
    *,
    epoch: int | None = None,
    backbone: str | None = None,
    compute: Compute | None = None,
    reporter: Reporter | None = None,
) -> pd.DataFrame:
    """Forecast files with the model that a path names (see `models.load` and `forecast_files`)."""
    files = expand(paths, reporter)  # before the weights are loaded: a wrong path is told at once
    found = load(model, epoch=epoch, backbone=backbone)
    if reporter:
        reporter.say(f"model: {found.path}")
    return forecast_files(found.classifier, files, compute=compute, reporter=reporter)


def _note_rendering(classifier: Classifier, files: Sequence[Path], reporter: Reporter) -> None:
    trained = classifier.description.rendering
    kinds = {"reference-fits" if is_fits(file) else "reference-png" for file in files}
    others = sorted(kinds - {(trained or "").partition("+")[0]})
    if trained and others:
        reporter.say(f"the model was trained on {trained} pixels; {', '.join(others)} gives pixels on the same scale")


def check_outputs(*, csv: Path | None = None, parquet: Path | None = None) -> None:
    """Refuse, before the work, files that `write_forecasts` could not write.

    Raises:
        InputError: one file for both forms, or one that cannot be written.
    """
    if csv is not None and parquet is not None and csv.resolve() == parquet.resolve():
        raise InputError(f"--csv and --parquet both name {csv}; give each form a file of its own")
    for path in (csv, parquet):
        if path is not None:
            check_writable(path)


def write_forecasts(forecasts: pd.DataFrame, *, csv: Path | None = None, parquet: Path | None = None) -> list[Path]:
    """Write forecasts as CSV, as Parquet, or both, each whole or not at all; give the files written."""
    if csv is not None:
        with atomic_path(csv) as temporary:
            forecasts.to_csv(temporary, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    if parquet is not None:
        write_parquet(forecasts, parquet)
    return [path for path in (csv, parquet) if path is not None]
