"""Which readers are there? One name for each."""

from . import (
    targets_archive,
    targets_forecasts,
    targets_foreign,
    targets_images,
    targets_models,
    targets_regions,
    targets_runs,
    targets_tables,
    targets_text,
)

TARGETS = {
    **targets_images.TARGETS,
    **targets_text.TARGETS,
    **targets_tables.TARGETS,
    **targets_models.TARGETS,
    **targets_regions.TARGETS,
    **targets_forecasts.TARGETS,
    **targets_runs.TARGETS,
    **targets_archive.TARGETS,
    **targets_foreign.TARGETS,
}
