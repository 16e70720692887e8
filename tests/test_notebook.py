"""Does the notebook run from top to bottom, and does the file keep what a run printed and drew, of made data?"""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from waiting import LIMIT_S

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "transfer_learning.ipynb"


def read() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def text_of(notebook: nbformat.NotebookNode) -> str:
    """Join what the cells printed and displayed as text."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = [output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs]
    return "\n".join(texts)


def test_the_file_keeps_a_whole_run_from_top_to_bottom():
    code = [cell for cell in read().cells if cell.cell_type == "code"]
    outputs = [output for cell in code for output in cell.outputs]

    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output for output in outputs if output.output_type == "error"]
    assert len([output for output in outputs if "image/png" in output.get("data", {})]) == 5
    assert NOTEBOOK.stat().st_size < 1_500_000


def test_what_the_file_keeps_is_of_made_data_and_of_no_machine():
    text = text_of(read())

    assert "Synthetic magnetograms, random filters: the scores below say nothing about real flares." in text
    assert "WARNING: the backbone's filters are random" in text
    assert not re.search(r"/(tmp|home|root|work|Users|var)/|ipykernel_|site-packages", NOTEBOOK.read_text("utf-8"))


def test_it_says_above_everything_that_data_and_filters_are_made():
    first = read().cells[0]

    assert first.cell_type == "markdown"
    assert "synthetic set with random filters" in first.source


@pytest.mark.slow
def test_it_runs(tmp_path):
    notebook = read()

    NotebookClient(
        notebook, timeout=LIMIT_S, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()

    text = text_of(notebook)
    assert "trained: 8,194 parameters" in text
    assert "frozen: 134,260,544 parameters" in text
    assert "WARNING: the backbone's filters are random" in text
    assert "'hss': 0.46364" in text, "the published contingency table gives the published HSS, .46364"
    assert len(list((tmp_path / "runs/png").glob("model.0[1-5]_*.hdf5"))) == 5
    assert (tmp_path / "runs/png/scores.json").is_file()
    assert (tmp_path / "runs/png/report.html").is_file()
    assert "fewer than 40" in text, "calibration warns of few regions"
    assert "FlarescopeWarning" not in text, "each warning goes through the notebook's own reporter"
    assert ".fits" in text
