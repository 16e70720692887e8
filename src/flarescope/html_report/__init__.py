"""Scores, figures and provenance as one self-contained HTML page."""

from flarescope.html_report.choose import GALLERY, gallery_rows, instructive_regions
from flarescope.html_report.drawings import report_figures
from flarescope.html_report.inputs import Compared, ReportInputs, decided_forecasts, main_decision
from flarescope.html_report.page import render_report, write_report

__all__ = [
    "GALLERY",
    "Compared",
    "ReportInputs",
    "decided_forecasts",
    "gallery_rows",
    "instructive_regions",
    "main_decision",
    "render_report",
    "report_figures",
    "write_report",
]
