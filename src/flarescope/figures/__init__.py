"""From tables and arrays to figures: no reading, and writing only where a folder is given."""

from flarescope.figures.curves import interval_figure, reliability_figure, roc_figure, threshold_figure
from flarescope.figures.daily import daily_figure
from flarescope.figures.diagrams import performance_figure, value_figure
from flarescope.figures.disk import DiskMark, disk_figure
from flarescope.figures.field import FieldImage, data_uri, field_bar_figure, field_png, gallery_figure
from flarescope.figures.history import history_figure
from flarescope.figures.scale_marks import ScaleMarks, scale_marks
from flarescope.figures.svg import inline_svg, save_figures
from flarescope.figures.timeline import timeline_figure

__all__ = [
    "DiskMark",
    "FieldImage",
    "ScaleMarks",
    "daily_figure",
    "data_uri",
    "disk_figure",
    "field_bar_figure",
    "field_png",
    "gallery_figure",
    "history_figure",
    "inline_svg",
    "interval_figure",
    "performance_figure",
    "reliability_figure",
    "roc_figure",
    "save_figures",
    "scale_marks",
    "threshold_figure",
    "timeline_figure",
    "value_figure",
]
