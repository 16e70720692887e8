"""What does a page hold? Plain text and drawings, which the template only arranges."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        caption: what it shows.
        columns: headings.
        rows: cells as they are shown; the first of each row names it.
        text: numbers of the columns, from 0, that hold words and are set to the left.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    text: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Card:
    """One headline number."""

    title: str
    value: str
    interval: str
    question: str


@dataclass(frozen=True)
class Counts:
    """A contingency table, each count as it is shown."""

    caption: str
    tp: str
    fn: str
    fp: str
    tn: str


@dataclass(frozen=True)
class Drawing:
    """A figure as inline SVG (`markupsafe.Markup`), with its caption."""

    name: str
    svg: str
    caption: str


@dataclass(frozen=True)
class Picture:
    """A magnetogram as an address that holds the picture, with its caption line by line, and marks over it as SVG."""

    source: str
    alt: str
    width: int
    height: int
    lines: Sequence[str]
    marks: str = ""


@dataclass(frozen=True)
class Pictures:
    """A row of the gallery."""

    heading: str
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Section:
    """A part of the page; what is empty is not shown.

    `folded` are small drawings that open together on demand; `link` is its short name at the top of the page; `links`
    are names and addresses that lead out of it.
    """

    name: str
    heading: str
    paragraphs: Sequence[str] = ()
    cards: Sequence[Card] = ()
    counts: Counts | None = None
    drawings: Sequence[Drawing] = ()
    folded: Sequence[Drawing] = ()
    tables: Sequence[Table] = ()
    gallery: Sequence[Pictures] = ()
    pairs: Sequence[tuple[str, str]] = ()
    links: Sequence[tuple[str, str]] = ()
    link: str = ""


@dataclass(frozen=True)
class Page:
    """The whole page."""

    title: str
    summary: str
    disclaimer: str
    footer: str
    warnings: Sequence[str] = ()
    sections: Sequence[Section] = field(default_factory=list)
