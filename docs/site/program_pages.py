"""What does the program say of itself: its public names, and the help of its commands?"""

import inspect
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import flarescope

WIDTH: Final = 80
"""Columns of a help text, as the site has room for."""


def first_sentence(name: str) -> str:
    """Give the first line of a public name's docstring."""
    return (inspect.getdoc(getattr(flarescope, name)) or "").splitlines()[0]


def name_page(name: str) -> str:
    """Write the page of a public name, whose text Sphinx takes from the docstring."""
    thing = getattr(flarescope, name)
    if inspect.isclass(thing) and issubclass(thing, Exception):
        directive = f".. autoexception:: flarescope.{name}"
    elif inspect.isclass(thing):
        directive = f".. autoclass:: flarescope.{name}\n   :members:"
    else:
        directive = f".. autofunction:: flarescope.{name}"
    return f"# {name}\n\n```{{eval-rst}}\n{directive}\n```\n"


def kinds() -> dict[str, list[str]]:
    """Give the public names as functions, classes and errors."""
    found: dict[str, list[str]] = {"Functions": [], "Classes": [], "Errors and warnings": []}
    for name in flarescope.__all__:
        thing = getattr(flarescope, name)
        error = inspect.isclass(thing) and issubclass(thing, Exception)
        found["Errors and warnings" if error else "Classes" if inspect.isclass(thing) else "Functions"].append(name)
    return found


def write_names(folder: Path) -> None:
    """Write a page for each public name, and one that lists them."""
    folder.mkdir(parents=True)
    lines = ["# Python", "", "The public names of `import flarescope`. Each example runs in the tests.", ""]
    for kind, names in kinds().items():
        lines += [f"## {kind}", "", *(f"- [{name}]({name}.md): {first_sentence(name)}" for name in names), ""]
        lines += ["```{toctree}", ":hidden:", "", *names, "```", ""]
        for name in names:
            (folder / f"{name}.md").write_text(name_page(name), encoding="utf-8")
    (folder / "index.md").write_text("\n".join(lines), encoding="utf-8")


def helps(command: Any, context: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - typer hides its classes
    """Give a command and each below it, by its full name, with what it prints for `--help`."""
    yield context.command_path, command.get_help(context)
    for name, child in getattr(command, "commands", {}).items():
        yield from helps(child, context_of(child, name, context))


def context_of(command: Any, name: str, parent: Any = None) -> Any:  # noqa: ANN401 - typer hides its classes
    """Give what a command sees when it is typed, with what its parents settle, such as `-h`."""
    return command.context_class(command, info_name=name, parent=parent, **command.context_settings)


def verb_page(command: Any, name: str, root: Any) -> str:  # noqa: ANN401 - typer hides its classes
    """Write the page of a verb: its help, and that of each command below it."""
    parts = []
    for path, text in helps(command, context_of(command, name, root)):
        level = "#" if path == f"flarescope {name}" else "##"
        parts.append(f"{level} {path}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def write_commands(folder: Path) -> None:
    """Write a page for each verb of the command line, and one that lists them."""
    from typer.main import get_command

    from flarescope.cli.app import app

    os.environ["COLUMNS"] = str(WIDTH)  # else the width is that of the terminal at hand
    folder.mkdir(parents=True)
    command: Any = get_command(app)
    root = context_of(command, "flarescope")
    lines = ["# Commands", "", "What each command prints for `--help`.", ""]
    for name, verb in command.commands.items():
        lines.append(f"- [flarescope {name}]({name}.md): {(verb.help or '').splitlines()[0]}")
        (folder / f"{name}.md").write_text(verb_page(verb, name, root), encoding="utf-8")
    lines += ["", "```{toctree}", ":hidden:", "", *command.commands, "```", ""]
    (folder / "index.md").write_text("\n".join(lines), encoding="utf-8")
