"""Do the commands, the Python and the links of README.md and docs/ exist, and does what they show run?"""

import ast
import inspect
import itertools
import re
import shlex
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

import flarescope
from fakes import draw_blank, write_stand_in
from flarescope.backbones.base import Weights
from flarescope.cli import main
from flarescope.cli.app import app

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(document: Path, language: str) -> list[str]:
    """Give the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(document: Path) -> list[list[str]]:
    """Give what is typed after `flarescope` in bash blocks."""
    text = "\n".join(blocks(document, "bash")).replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("flarescope ")]


def mentions(document: Path) -> list[list[str]]:
    """Give what is typed after `flarescope` in running text, where required options may be left out."""
    outside = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [shlex.split(inline)[1:] for inline in re.findall(r"`(flarescope [^`]+)`", outside)]


def programs() -> Iterator[tuple[str, Any]]:
    """Give every command of the command line by its full name."""

    def walk(prefix: str, command: Any) -> Iterator[tuple[str, Any]]:
        if not hasattr(command, "commands"):
            yield prefix, command
            return
        for name, child in command.commands.items():
            yield from walk(f"{prefix} {name}".strip(), child)

    yield from walk("", get_command(app))


def find(words: list[str]) -> tuple[Any, list[str]]:
    """Find the command that words name, and what is left for it."""
    command: Any = get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    return command, words


def in_context(command: Any, arguments: list[str]) -> Any:
    """Parse and convert what a command is given, and do not run it."""
    # As from above, where -h is told: a command keeps its option for help, and other tests use it too.
    return command.make_context("flarescope", arguments, **get_command(app).context_settings)


def cases(kind: Callable[[Path], list[list[str]]]) -> list[Any]:
    return [
        pytest.param(words, id=f"{document.name}: {' '.join(words)[:60]}")
        for document in DOCUMENTS
        for words in kind(document)
    ]


PYTHON = [(document.name, block) for document in DOCUMENTS for block in blocks(document, "python")]
PROGRAMS = [pytest.param(name, command, id=name) for name, command in programs()]


@pytest.mark.parametrize("words", cases(commands))
def test_a_shown_command_is_taken_by_the_command_line(words: list[str]):
    command, arguments = find(words)

    context = in_context(command, list(arguments))
    assert set(context.params) >= {parameter.name for parameter in command.params if parameter.required}


@pytest.mark.parametrize("words", cases(mentions))
def test_a_mentioned_command_and_its_options_exist(words: list[str]):
    command, arguments = find(words)
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}

    assert {word for word in arguments if word.startswith("-")} <= options
    assert not (hasattr(command, "commands") and [word for word in arguments if not word.startswith("-")])


@pytest.mark.parametrize(("name", "command"), PROGRAMS)
def test_every_command_has_an_example_and_is_documented(name: str, command: Any):
    example = " ".join((command.epilog or "").split())
    assert example.startswith(f"Example: flarescope {name}"), "its help has no example"
    found, arguments = find(shlex.split(example.removeprefix("Example: flarescope ")))
    assert found.help == command.help
    in_context(found, arguments)
    text = " ".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    assert f"flarescope {name}" in text, "neither README.md nor docs/ names it"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_linked_file_exists(document: Path):
    targets = re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8"))
    local = [target.partition("#")[0] for target in targets if "://" not in target and not target.startswith("#")]

    assert [target for target in local if not (document.parent / target).exists()] == []


def test_the_version_is_the_same_wherever_it_stands():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    changes = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))

    assert changes[0] == citation["version"] == version


def test_the_skill_of_the_shipped_region_model_is_that_of_its_card():
    card = (ROOT / "src/flarescope/regions/data/regions.md").read_text(encoding="utf-8")
    guide = (ROOT / "docs/regions.md").read_text(encoding="utf-8")
    parts = zip(card.split("### Each region, 24 hours")[1:], guide.split("| each region |")[1:], strict=True)
    for made, shown in parts:
        of_card = {row[0]: row[1:] for row in table_rows(made)}
        of_guide = {row[0].replace("`", "").removesuffix(" (MCSTAT)"): row[1:] for row in table_rows(shown)}
        both = set(of_card) & set(of_guide)
        assert both == {"regions", "history", "summary", "class", "mcintosh", "mcevol", "persistence"}
        assert {name: of_guide[name] for name in both} == {name: of_card[name] for name in both}
        assert of_guide["ROC area of regions"] == [[cell[0]] for cell in of_card["ROC area of the first"]]
    never_seen = {row[0]: row[1:] for row in table_rows(card.split("### Each region, 24 hours")[1])}
    (told,) = re.findall(
        r"C1.0 falls from (\S+) to (\S+) .*for M1.0 from (\S+) to (\S+)", (ROOT / "docs/forecast.md").read_text()
    )
    assert [float(value) for value in told] == [
        never_seen[name][n][0] for n in (0, 1) for name in ("regions", "summary")
    ]


def table_rows(text: str) -> Iterator[list[Any]]:
    """Give the rows of the first table in Markdown: a name, and the numbers of each cell."""
    for line in itertools.takewhile(lambda line: line, text.strip().splitlines()):
        if line.startswith("| "):
            name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
            yield [
                name,
                *([float(number) for number in re.findall(r"-?\d*\.\d+", cell.replace("−", "-"))] for cell in cells),
            ]


@pytest.mark.parametrize(("document", "source"), PYTHON, ids=[name for name, _ in PYTHON])
def test_the_shown_python_uses_public_names_and_real_keywords(document: str, source: str):
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = {
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "flarescope"
    }
    assert named <= set(flarescope.__all__)
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in named:
            parameters = inspect.signature(getattr(flarescope, call.func.attr)).parameters
            assert {keyword.arg for keyword in call.keywords} <= set(parameters), f"{document}: {call.func.attr}"


@pytest.fixture(scope="session")
def published(random_network: Weights, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Lay out a folder as a user has it: the published files' names, and ImageNet weights in the cache.

    The images are synthetic, which nothing says here, and the weights are random ones that the cache believes to be
    ImageNet's.
    """

    from flarescope.pipeline.demo import DemoSize, make_synthetic_set

    folder = tmp_path_factory.mktemp("published")
    make_synthetic_set(folder, size=DemoSize(regions=12, images=2, fits_every=2))
    (folder / "synthetic.json").unlink()
    shutil.copy(next((folder / "Lat60_Lon60_Nans0").glob("*/*.fits")), folder / "some.fits")
    png = sorted((folder / "Lat60_Lon60_Nans0_png_224").glob("*/*.png"))
    shutil.copy(png[0], folder / "other.png")
    (folder / "folder").mkdir()
    shutil.copy(png[1], folder / "folder" / png[1].name)
    write_stand_in(folder / "cache" / "vgg16-imagenet.safetensors", random_network.load())
    yield folder
    shutil.rmtree(folder / "cache")  # 540 MB, which pytest would keep


@pytest.fixture
def at_published(published: Path, packed_once: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(published)
    monkeypatch.setenv("FLARESCOPE_CACHE", str(published / "cache"))
    return published


@pytest.mark.slow
@pytest.mark.xdist_group("network")
def test_the_five_commands_of_the_readme_run(at_published: Path, capfd: pytest.CaptureFixture[str]):
    typed = commands(README)
    first = next(number for number, words in enumerate(typed) if words[0] == "weights")
    five = typed[first : first + 5]
    assert [words[0] for words in five] == ["weights", "catalog", "train", "evaluate", "predict"]

    for words in five:
        assert main(words) == 0, capfd.readouterr().err

    assert (at_published / "runs/png/scores.json").is_file()
    assert len((at_published / "forecasts.csv").read_text().splitlines()) == 1 + 3

    (source,) = blocks(README, "python")  # it loads what they made
    names: dict[str, Any] = {}
    with pytest.warns(flarescope.FlarescopeWarning) as caught:
        exec(compile(source, "README.md", "exec"), names)
    said = [str(one.message) for one in caught]
    assert [text.partition(",")[0] for text in said] == ["trained on synthetic data", "the model was trained on PNG"]
    assert len(names["forecasts"]) == 2


@pytest.mark.slow
@pytest.mark.xdist_group("network")
def test_the_python_of_the_guide_runs(
    at_published: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    draw_blank(monkeypatch)
    (source,) = blocks(ROOT / "docs" / "python.md", "python")

    with pytest.warns(flarescope.FlarescopeWarning) as caught:
        exec(compile(source, "docs/python.md", "exec"), {})
    told = [str(warning.message) for warning in caught]
    assert any("fewer than 40" in text for text in told)
    assert any("the model was trained on PNG" in text for text in told)

    assert "TSS" in capsys.readouterr().out
    assert (at_published / "runs/python/report.html").is_file()
