"""How does a page, text and drawings put together, become one HTML document?"""

import re
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from flarescope.html_report.view import Page

_LONG: Final = re.compile(r"[^\s<>&]{20,}")
_SEPARATOR: Final = re.compile(r"([/_.,:=#-]+)")


def render_page(page: Page) -> str:
    """Give one HTML document with its style, its drawings and its pictures inside.

    Nothing in it is fetched: it may be mailed, and its content security policy forbids requests. It may link.
    """
    return compiled_template().render(page=page) + "\n"


@cache
def compiled_template() -> Template:
    """Give the page's template, compiled once a process: that takes as long as to fill it."""
    environment = Environment(
        loader=PackageLoader("flarescope", "templates"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["breakable"] = breakable
    return environment.get_template("report.html.j2")


def breakable(text: str) -> Markup:
    """Let a long name or path break behind its separators, and nowhere else where that is enough."""
    return Markup(_LONG.sub(lambda found: _SEPARATOR.sub(r"\1<wbr>", found[0]), str(escape(text))))
