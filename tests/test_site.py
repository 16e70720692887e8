"""Has the documentation site every guide, every public name and every command, and does it build without a warning?"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import flarescope
from flarescope.cli import main
from test_readme import programs

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.xdist_group("site")  # its sources are gathered once
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs" / "site")
        patch.setenv("COLUMNS", "80")  # it is set, for the width of the help
        import contents

        return contents.gather(tmp_path_factory.mktemp("site") / "sources")


def listed(page: Path, folder: Path) -> set[str]:
    """Give the pages that the contents of a page name, from the folder of all."""
    lines = "\n".join(TOCTREE.findall(page.read_text(encoding="utf-8"))).splitlines()
    names = [line for line in lines if line and not line.startswith(":")]
    return {(page.parent / name).relative_to(folder).as_posix() for name in names}


def test_every_guide_is_in_the_contents(sources: Path):
    guides = {f"docs/{path.stem}" for path in (ROOT / "docs").glob("*.md")}

    assert guides - listed(sources / "index.md", sources) == set()


def test_a_guide_that_no_group_names_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(ROOT / "docs" / "site")
    from contents import guides

    (tmp_path / "docs").mkdir()
    for name in ("sunspots", "disk", "catalogue"):
        (tmp_path / "docs" / f"{name}.md").touch()

    groups = {caption: names for caption, names in guides(tmp_path).items() if names}
    assert groups == {"Images and labels": ["catalogue", "disk"], "Further": ["sunspots"]}


def test_every_page_is_in_the_contents_and_every_name_there_is_a_page(sources: Path):
    pages = {path.relative_to(sources).with_suffix("").as_posix() for path in sources.rglob("*.md")}
    named = set().union(*(listed(page, sources) for page in sources.rglob("*.md")))

    assert named == pages - {"index"}


def test_the_front_page_keeps_to_two_screens():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


def test_every_public_name_has_a_page(sources: Path):
    assert {path.stem for path in (sources / "api").glob("*.md")} - {"index"} == set(flarescope.__all__)


def test_every_command_shows_its_help(sources: Path):
    shown = " ".join("".join(path.read_text() for path in (sources / "commands").glob("*.md")).split())

    for name, _ in programs():
        assert f"Usage: flarescope {name} [" in shown, name
        assert f"Example: flarescope {name}" in shown, name


@pytest.mark.parametrize("words", ["predict", "catalog split"])
def test_a_help_is_what_the_command_prints(words: str, sources: Path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*words.split(), "--help"]) == 0

    page = (sources / "commands" / f"{words.split()[0]}.md").read_text(encoding="utf-8")
    assert f"```text\n{capsys.readouterr().out.rstrip()}\n```" in page


def test_every_link_leads_to_a_file(sources: Path):
    broken = [
        f"{page.relative_to(sources)}: {target}"
        for page in sources.rglob("*.md")
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target.partition("#")[0]).exists()
    ]
    assert broken == []


def test_the_notebook_comes_with_its_pictures(sources: Path):
    text = (sources / "notebooks" / "transfer_learning.md").read_text(encoding="utf-8")
    pictures = re.findall(r"\]\((cell[^)]+)\)", text)

    assert len(pictures) >= 5
    assert all((sources / "notebooks" / name).stat().st_size > 1000 for name in pictures)


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_asks_no_other_host(tmp_path: Path):
    pytest.importorskip("sphinx", reason="the extra `docs` is not installed")
    command = [sys.executable, "docs/site/make.py", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-3000:]
    site = tmp_path / "site"
    assert "Train a head on a labelled set" in (site / "api" / "train.html").read_text(encoding="utf-8")
    loaded = r"<(?:script|img|iframe)[^>]*\ssrc=\"(https?:)?//|<link[^>]*\shref=\"(https?:)?//|@import"
    assert [page.name for page in site.rglob("*.html") if re.search(loaded, page.read_text(encoding="utf-8"))] == []
