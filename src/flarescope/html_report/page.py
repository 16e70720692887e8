"""How does a run become one HTML file that opens anywhere, without a network?"""

from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup

from flarescope.counted import counted
from flarescope.events import sentence_of
from flarescope.figures import inline_svg
from flarescope.files import write_text
from flarescope.html_report import questions, sections
from flarescope.html_report.drawings import draw, letters
from flarescope.html_report.drawn import Drawn
from flarescope.html_report.inputs import Compared, ReportInputs, main_decision
from flarescope.html_report.pictures import gallery_rows_of, gauss_bar
from flarescope.html_report.references import lead, reference_section
from flarescope.html_report.render import render_page
from flarescope.html_report.slices import slice_tables
from flarescope.html_report.small_lines import region_lines
from flarescope.html_report.table_files import save_tables
from flarescope.html_report.view import Drawing, Page, Section
from flarescope.html_report.words import in_words
from flarescope.wording import DISCLAIMER, flatten, number


def render_report(inputs: ReportInputs) -> str:
    """Give the page: one HTML document (`render.render_page`)."""
    return render_page(build_page(inputs))


def write_report(inputs: ReportInputs, path: Path) -> None:
    """Write the page, whole or not at all, and its tables as CSV and LaTeX, into `<name of the page>.tables`."""
    page = build_page(inputs)
    write_text(path, render_page(page))
    save_tables(page, path.with_name(f"{path.stem}.tables"))


def build_page(inputs: ReportInputs) -> Page:
    """Put the page together, text and drawings."""
    drawn = draw(inputs)
    parts = [
        *sections.headline(inputs),
        Section(
            "baselines",
            "Against simpler forecasts" if not inputs.compared else "Comparison",
            paragraphs=[f"{letter}: {other.note}" for letter, other in _noted(inputs)],
            drawings=_drawings(drawn, "comparison"),
            tables=sections.baselines(inputs),
        ),
        reference_section(inputs.verification.get("references", {})),
        *inputs.further,
        Section(
            "probabilities",
            "Probabilities and thresholds",
            drawings=_drawings(drawn, "roc", "thresholds", "reliability", "reliability-equal"),
            tables=[*sections.probability(inputs), *questions.brier_tables(inputs.verification)],
        ),
        Section(
            "use",
            "For those who use the forecasts",
            paragraphs=questions.said(inputs.verification),
            drawings=_drawings(drawn, "performance", "value"),
            tables=questions.tables(inputs.verification),
            link="Use",
        ),
        *_examples(inputs, drawn),
        *_training(inputs, drawn),
        Section("provenance", "Where this comes from", pairs=flatten(inputs.provenance)),
        Section("notes", "Notes", paragraphs=inputs.verification["notes"]),
    ]
    shown = [part for part in parts if _holds_something(part)]
    page = Page(inputs.title, _summary(inputs), DISCLAIMER, inputs.footer, inputs.warnings, shown)
    return in_words(page, inputs.what, inputs.name or inputs.title)


def _noted(inputs: ReportInputs) -> list[tuple[str, Compared]]:
    names = letters(1 + len(inputs.compared))[1:]
    return [(letter, other) for letter, other in zip(names, inputs.compared, strict=True) if other.note]


def _holds_something(part: Section) -> bool:
    return any(
        (part.paragraphs, part.cards, part.counts, part.drawings, part.tables, part.gallery, part.pairs, part.links)
    )


def _summary(inputs: ReportInputs) -> str:
    sample = inputs.verification["sample"]
    regions = "" if sample["regions"] is None else f" of {counted(sample['regions'], 'active region')}"
    disk = inputs.event is not None and inputs.event.scope == "disk"
    regions = " of the whole disk" if disk else regions
    span = ""
    if sample["first_time"] and sample["last_time"]:
        first, last = sample["first_time"][:10], sample["last_time"][:10]
        span = f", {first}" if first == last else f", {first} to {last}"
    decision = inputs.verification["decisions"][main_decision(inputs.verification)]
    first = inputs.lead or lead(inputs.verification.get("references", {}), decision["threshold"])
    if inputs.compared:  # several stand on the page
        first = first.replace("these forecasts", f"the forecasts of {inputs.name}")
    rows = f"{inputs.split} rows{span}" if inputs.split else span.removeprefix(", ")
    return (
        f"{first} "
        * bool(first)
        + f"Forecasts of {sentence_of(inputs.event)} for {counted(sample['n'], 'image')}{regions} "
        f"({rows}); "
        f"an event followed {number(sample['events'])} of them ({sample['event_rate']:.1%})."
    )


def _drawings(drawn: Mapping[str, Drawn], *names: str) -> list[Drawing]:
    return [
        Drawing(name, Markup(inline_svg(drawn[name].figure, name, drawn[name].alt)), drawn[name].caption)
        for name in names
        if name in drawn
    ]


def _training(inputs: ReportInputs, drawn: Mapping[str, Drawn]) -> list[Section]:
    if "history" not in drawn:
        return []
    return [Section("training", "Training", drawings=_drawings(drawn, "history"))]


def _examples(inputs: ReportInputs, drawn: Mapping[str, Drawn]) -> list[Section]:
    """Give what is shown by the main decision: slices, time lines and the gallery."""
    decision = main_decision(inputs.verification)
    threshold = inputs.verification["decisions"][decision]["threshold"]
    said = f"Yes is forecast from {threshold:.3g} on ({decision})."
    lines = [name for name in drawn if name.startswith("timeline-")]
    parts = [
        Section("slices", "By slice", [said], tables=slice_tables(inputs.verification["slices"][decision])),
    ]
    if lines:
        parts.append(
            Section(
                "timelines",
                "Over time" if "timeline-disk" in drawn else "Regions over time",
                [said],
                drawings=_drawings(drawn, *lines),
                folded=region_lines(inputs),
            )
        )
    if inputs.gallery:
        parts.append(
            Section(
                "gallery",
                "Magnetograms",
                [
                    "The most confident hits, misses and false alarms, at most one image of a region in each group, "
                    "as they lie in their files, the first row on top: nothing is rotated, so that west may be to the "
                    "left. The scale is that of the disk's centre. "
                    "Colours as HMI's: warm where the field points away from us, cool where it points towards us."
                ],
                drawings=[gauss_bar()],
                gallery=[row for heading, images in inputs.gallery for row in gallery_rows_of(heading, images)],
            )
        )
    return parts
