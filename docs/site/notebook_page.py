"""How does a notebook, with what it printed and drew, become a page?"""

import base64
import json
import shutil
from pathlib import Path
from typing import Any, Final

PICTURES: Final = {"image/png": "png", "image/jpeg": "jpg"}


def fenced(kind: str, text: str) -> str:
    """Give a block of a kind, fenced by more backticks than any line of it has."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{kind}\n{text.rstrip()}\n{fence}\n"


def shown(output: dict[str, Any], name: str, folder: Path) -> str:
    """Give what a cell printed or drew as Markdown; a picture is written into the folder.

    Args:
        output: of a code cell, as notebook format 4 has it.
        name: of a picture's file, without suffix.
        folder: of the page.
    """
    if output["output_type"] == "stream":
        return fenced("text", "".join(output["text"]))
    data = output.get("data", {})
    for kind, suffix in PICTURES.items():
        if kind in data:
            (folder / f"{name}.{suffix}").write_bytes(base64.b64decode("".join(data[kind])))
            return f"![What the cell above drew]({name}.{suffix})\n"
    if "text/html" in data:
        table = "".join(data["text/html"]).replace('border="1" class="dataframe"', 'class="docutils dataframe"')
        return fenced("{raw} html", f'<div style="overflow-x: auto; margin: 1em 0">{table}</div>')
    return fenced("text", "".join(data.get("text/plain", [])))


def page(notebook: dict[str, Any], folder: Path) -> str:
    """Give a notebook as Markdown, its pictures in the folder."""
    parts = []
    for number, cell in enumerate(notebook["cells"]):
        text = "".join(cell["source"])
        parts.append(text + "\n" if cell["cell_type"] == "markdown" else fenced("python", text))
        outputs = cell.get("outputs", [])
        parts.extend(shown(output, f"cell{number}-{i}", folder) for i, output in enumerate(outputs))
    return "\n".join(parts)


def write(notebook: Path, folder: Path) -> None:
    """Write the page of a notebook beside a copy of it, under its name."""
    folder.mkdir(parents=True, exist_ok=True)
    text = page(json.loads(notebook.read_text(encoding="utf-8")), folder)
    shutil.copy(notebook, folder / notebook.name)
    (folder / f"{notebook.stem}.md").write_text(text, encoding="utf-8")
