"""What does the model that a path names forecast for files, and how are the forecasts kept?"""

from collections.abc import Sequence
from pathlib import Path

from flarescope.backbones.base import Spec
from flarescope.errors import InputError
from flarescope.files import atomic_path, check_writable
from flarescope.images.stored import images_named
from flarescope.images.workers import Failure
from flarescope.notes import event_notes, events_notes, write_notes_beside
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.models import is_of_disk, load
from flarescope.pipeline.predicted import Predicted
from flarescope.pipeline.prediction import forecast_images, tell_failures
from flarescope.progress import Reporter, WarningReporter


def predict(
    model: str | Path,
    paths: str | Path | Sequence[str | Path],
    *,
    epoch: int | None = None,
    backbone: Spec | None = None,
    compute: Compute | None = None,
    strict: bool = False,
    reporter: Reporter | None = None,
) -> Predicted:
    """Forecast files, and folders of them, here or in a storage, with the model that a path names.

    The arguments are those of `flarescope.load` and `Model.forecast`.

    Raises:
        InputError: no model; nothing that can be forecast; with `strict` a path that names no image.

    Example:
        >>> found = flarescope.predict("runs/png", ["some.fits", "folder/"])
        >>> len(found.forecasts), len(found.failures)
        (5, 0)
    """
    reporter, failures = reporter or WarningReporter(), list[Failure]()
    several = [paths] if isinstance(paths, str | Path) else paths
    # Before the weights: a wrong path is told at once.
    files = images_named(several, reporter, None if strict else failures, whole_disk=is_of_disk(model))
    if not files:
        tell_failures(failures, 0, reporter)
    found = load(model, epoch=epoch, backbone=backbone)
    reporter.say(f"model: {found.path}")
    return forecast_images(
        found.several or found.classifier, files, compute=compute, strict=strict, failures=failures, reporter=reporter
    )


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


def write_forecasts(predicted: Predicted, *, csv: Path | None = None, parquet: Path | None = None) -> list[Path]:
    """Write forecasts as CSV, as Parquet, or both, each whole or not at all, with their event; give the files."""
    forecasts = predicted.forecasts
    notes = events_notes(predicted.events) if predicted.events else event_notes(predicted.event)
    if csv is not None:
        with atomic_path(csv) as temporary:
            forecasts.to_csv(temporary, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
        write_notes_beside(csv, notes)
    if parquet is not None:
        write_parquet(forecasts, parquet, notes)
    return [path for path in (csv, parquet) if path is not None]
