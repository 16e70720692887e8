"""Does who asks over the network read what they can do, and no advice for a command line?"""

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flarescope
from flarescope.errors import InputError
from flarescope.explaining.maps import check_methods
from flarescope.images.line_of_sight import Accept
from flarescope.images.magnetogram import Magnetogram
from flarescope.images.render import render_magnetogram
from flarescope.serving.answers import Problem
from flarescope.serving.telling import COMMAND, INSTEAD, for_client

READING = ("images", "disk", "explaining", "pipeline/explaining", "pipeline/prediction.py", "pipeline/archiving")


def texts():
    """Give the pieces of every text of what reads, forecasts and explains an upload, or verifies an archive."""
    root = Path(flarescope.__file__).parent
    for part in READING:
        for path in sorted((root / part).rglob("*.py")) if (root / part).is_dir() else [root / part]:
            tree = ast.parse(path.read_text())
            docs = {id(node.body[0].value) for node in ast.walk(tree) if getattr(node, "body", None) and ast_doc(node)}
            for node in ast.walk(tree):
                if isinstance(node, ast.JoinedStr):
                    yield "".join(str(one.value) if isinstance(one, ast.Constant) else "X" for one in node.values)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                    yield node.value


def ast_doc(node):
    first = node.body[0] if isinstance(node.body, list) and node.body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)


def test_no_text_of_what_reads_an_upload_keeps_advice_for_a_command_line():
    advising = [text for text in texts() if COMMAND.search(text)]
    assert len(advising) >= 8
    for text in advising:
        assert not COMMAND.search(for_client(text)), text


def test_every_replaced_word_is_a_word_of_a_message():
    found = list(texts())
    rest = [words for words in INSTEAD if not any(words in text for text in found)]
    # put together of pieces: the constant CUT_OUT behind the words of its messages; a word of another room
    others = (": cut", "of a disk cut", " (--history", "--method ")
    assert [words for words in rest if not words.startswith(others)] == []


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("a.fits: of GONG, another magnetograph; expected SDO/HMI. Its scale and unit differ; --instrument-ok takes it "
         "all the same",
         "a.fits: of GONG, another magnetograph; expected SDO/HMI. Its scale and unit differ; this server takes HMI's "
         "alone"),
        ("a: no flare list; give the flares that came (--flares)", "a: no flare list; give the flares that came"),
        ("out of memory; take fewer, as --engine-batch 8, or end what else uses it", "out of memory"),
        ("a (--x) b; c", "a b; c"),
        ("--x y", "not possible here"),
        ("a.fits: -- is no option", "a.fits: -- is no option"),
        ("4 -- --none", "4"),
    ],
)  # fmt: skip
def test_a_message_is_told_without_it(said, read):
    assert for_client(said) == read


PIECES = ["a", " --nan x", "; ", " (--b)", "`flarescope c", " pip install", "(", ")"]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_nothing_of_a_command_line_is_left(text):
    assert not COMMAND.search(for_client(text))


def test_a_problem_and_a_nan_image_say_what_the_address_takes():
    field = np.full((64, 64), 10.0)
    field[:2] = np.nan
    with pytest.raises(InputError) as caught:
        render_magnetogram(Path("a.fits"), Magnetogram(field, (), None), "error")
    wanted = "take them for zero field (nan=zero in the address, or the box beside the button)"
    assert Problem(422, caught.value).detail.endswith(wanted)
    with pytest.raises(InputError) as caught:
        check_methods(["x"])
    assert Problem(422, caught.value).detail.startswith("method=x: expected one of grad-cam")
    assert Accept().instrument_ok is False


def test_folders_of_the_server_are_not_told():
    folder = Path("/var/lib/flarescope")
    said = f"{folder}/archive/archive.sqlite: damaged; {folder} is full"
    assert for_client(said, [folder, folder / "archive"]) == "archive.sqlite: damaged; the server's folder is full"
