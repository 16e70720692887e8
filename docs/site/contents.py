"""Which pages does the site have, and in which order?

The pages are gathered in one folder that is laid out as the project is, so that every link in them leads where it
leads in the project: the README becomes the front page, `docs/` stays `docs/`. What the program itself says (public
names, help of the commands) is written beside them.
"""

import shutil
from pathlib import Path
from typing import Final

import notebook_page
import program_pages

ROOT: Final = Path(__file__).resolve().parents[2]
GROUPS: Final = {
    "Start": ("quickstart", "verification", "scores", "explain", "python", "limits"),
    "Images and labels": ("catalogue", "data-sources", "magnetograms", "disk"),
    "Forecasts": (
        "backbones",
        "events",
        "fine-tuning",
        "export",
        "history",
        "regions",
        "forecast",
        "archive",
        "serve",
        "real-disk",
    ),
    "Background": ("reference_recipe", "performance", "architecture"),
}
"""Guides in `docs/` by caption, in reading order. One that stands in none of them comes last; a name that is not (yet)
there is left out."""
LINKED: Final = ("LICENSE", "CITATION.cff", "CONTRIBUTING.md", "CHANGELOG.md")
NOTEBOOK: Final = "notebooks/transfer_learning"


def guides(root: Path = ROOT) -> dict[str, list[str]]:
    """Give the pages of `docs/` by caption, each once, those that no group names under "Further"."""
    there = sorted(path.stem for path in (root / "docs").glob("*.md"))
    groups = {caption: [name for name in names if name in there] for caption, names in GROUPS.items()}
    named = {name for names in groups.values() for name in names}
    rest = [name for name in there if name not in named]
    return groups | ({"Further": rest} if rest else {})


def toctree(caption: str, pages: list[str]) -> str:
    """Write one part of the list of contents that stands at the side of every page."""
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])


def front_page(root: Path = ROOT) -> str:
    """Give the README with the site's contents behind it."""
    parts = [toctree(caption, [f"docs/{name}" for name in names]) for caption, names in guides(root).items()]
    parts.append(toctree("Reference", ["api/index", "commands/index", NOTEBOOK]))
    parts.append(toctree("Project", ["CHANGELOG", "CONTRIBUTING"]))
    return for_site((root / "README.md").read_text(encoding="utf-8")) + "\n" + "\n".join(parts)


def for_site(text: str) -> str:
    """Let links to the README and to the notebook lead to their pages."""
    return text.replace("](../README.md", "](../index.md").replace(f"{NOTEBOOK}.ipynb)", f"{NOTEBOOK}.md)")


def gather(folder: Path, root: Path = ROOT) -> Path:
    """Write all sources of the site into an empty folder.

    Args:
        folder: where to; what is there goes.
        root: the project.

    Returns:
        The folder.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root / "docs", folder / "docs", ignore=shutil.ignore_patterns("site"))
    for page in (folder / "docs").rglob("*.md"):
        page.write_text(for_site(page.read_text(encoding="utf-8")), encoding="utf-8")
    for name in LINKED:
        shutil.copy(root / name, folder / name)
    (folder / "index.md").write_text(front_page(root), encoding="utf-8")
    notebook_page.write(root / f"{NOTEBOOK}.ipynb", folder / "notebooks")
    program_pages.write_names(folder / "api")
    program_pages.write_commands(folder / "commands")
    return folder
