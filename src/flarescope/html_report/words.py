"""How does a page speak of rows that are no images: of forecasts, of region days?"""

import re
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

from flarescope.html_report.view import Drawing, Page, Section

IMAGE: Final = "image"
_WORD: Final = re.compile(r"\b([Aa]n? )?([Ii])mage(s?)\b")


def in_words(page: Page, what: str) -> Page:
    """Call the rows of a page by another word than "image", wherever it speaks of them, and the run the first table.

    Names of files and what the provenance says stay as they are, and so do the drawings.
    """
    if what == IMAGE:
        return page
    sections = [_in_words(section, what) for section in page.sections]
    return replace(page, summary=_reworded(page.summary, what), sections=sections)


def _in_words(value: Any, what: str) -> Any:  # noqa: ANN401 - of a page
    if isinstance(value, str):
        return _reworded(value, what)
    if isinstance(value, list | tuple):
        return [_in_words(one, what) for one in value]
    if not is_dataclass(value) or isinstance(value, type):
        return value
    kept = {"name", "svg", "pairs", "links"} if isinstance(value, Section | Drawing) else set()
    changed = {one.name: _in_words(getattr(value, one.name), what) for one in fields(value) if one.name not in kept}
    return replace(value, **changed)


def _reworded(text: str, what: str) -> str:
    def word(match: re.Match[str]) -> str:
        name = what.capitalize() if match[2] == "I" else what
        article = "" if match[1] is None else f"{match[1][0]}{'n' if what[0] in 'aeiou' else ''} "
        return f"{article}{name}{match[3]}"

    return _WORD.sub(word, text.replace("A is this run", "A is the first table").replace("This run", "A"))
