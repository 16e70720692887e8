"""How does a page speak of rows that are no images: of forecasts, of region days?"""

import re
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

from flarescope.html_report.view import Drawing, Page, Section

IMAGE: Final = "image"
_WORD: Final = re.compile(r"(?<![/\w.-])([Aa]n? )?\b([Ii])mage(s?)\b(?![/-]|\.\w)")


def in_words(page: Page, what: str, name: str) -> Page:
    """Call the rows of a page by another word than "image", wherever it speaks of them, and "this run" by its name.

    Names of files and what the provenance says stay as they are, and so do the drawings.
    """
    if what == IMAGE:
        return page
    sections = [_in_words(section, what, name) for section in page.sections]
    return replace(page, summary=_reworded(page.summary, what, name), sections=sections)


def _in_words(value: Any, what: str, name: str) -> Any:  # noqa: ANN401 - of a page
    if isinstance(value, str):
        return _reworded(value, what, name)
    if isinstance(value, list | tuple):
        return [_in_words(one, what, name) for one in value]
    if not is_dataclass(value) or isinstance(value, type):
        return value
    kept = {"name", "svg", "pairs", "links"} if isinstance(value, Section | Drawing) else set()
    changed = {
        one.name: _in_words(getattr(value, one.name), what, name) for one in fields(value) if one.name not in kept
    }
    return replace(value, **changed)


def _reworded(text: str, what: str, name: str) -> str:
    def word(match: re.Match[str]) -> str:
        called = what.capitalize() if match[2] == "I" else what
        article = "" if match[1] is None else f"{match[1][0]}{'n' if what[0] in 'aeiou' else ''} "
        return f"{article}{called}{match[3]}"

    return _WORD.sub(word, re.sub("[Tt]his run", lambda _: name, text))
