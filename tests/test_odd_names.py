"""Does a name with brackets, an accent, an odd byte or a control character stay itself on every way out?"""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import child_environment, draw_blank, use_fake_network, write_set
from flarescope.cli import main, screen
from flarescope.errors import FlarescopeWarning, InputError, printable
from flarescope.files import utf8, utf8_values
from flarescope.pipeline.catalogues.listing import list_images
from real_data import REAL_DATA, needs_real_data

LATIN_1 = os.fsdecode(b"Regi\xf3n")  # a folder of a system that wrote Latin-1; Python keeps half a character
REGIONS = {"train": [1121, 1122, 1123], "validation": [1124, 1125], "test": [1126, 1127]}


class Terminal(io.TextIOWrapper):
    """A stream that somebody watches."""

    def __init__(self, encoding="utf-8"):
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)

    def isatty(self):
        return True

    @property
    def text(self):
        return self.buffer.getvalue().decode(self.encoding)


@pytest.fixture
def terminal(monkeypatch):
    """Give a function that puts a terminal of some width and encoding in place of standard output."""

    def put(columns, encoding="utf-8"):
        made = Terminal(encoding)
        monkeypatch.setattr(sys, "stdout", made)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "dumb")
        return made

    return put


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_odd_bytes_and_control_characters_are_escaped():
    assert printable(LATIN_1) == r"Regi\xf3n"
    assert printable("a\x1b[31mb\x07") == r"a\x1b[31mb\x07"
    assert printable("Región a[bold]b.png") == "Región a[bold]b.png"


@given(st.binary().map(os.fsdecode))
def test_every_name_of_a_file_can_be_written_as_utf8(name):
    utf8(name).encode()
    assert utf8(utf8(name)) == utf8(name)
    assert json.loads(json.dumps(utf8_values({name: [name]}), ensure_ascii=False).encode()) == {
        utf8(name): [utf8(name)]
    }


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_name_in_utf8_is_kept(name):
    assert utf8(name) == name


@given(st.binary().map(os.fsdecode), st.sampled_from(["ascii", "latin-1", "utf-8"]))
def test_every_text_can_be_shown_on_every_terminal(text, encoding):
    stream = Terminal(encoding)
    screen.say_line(text, stream)
    assert "\x1b" not in stream.text


def test_what_tables_hold_beyond_ascii_has_a_stand_in():
    assert screen.shown("0.5 ± 0.1, −0.2, –", Terminal("ascii")) == "0.5 +- 0.1, -0.2, -"
    assert screen.shown("0.5 ± 0.1, −0.2, –", Terminal()) == "0.5 ± 0.1, −0.2, –"


@pytest.mark.parametrize("columns", [200, 45, 30])
def test_brackets_are_shown_on_a_terminal_of_any_width(terminal, columns):
    stream = terminal(columns)
    screen.show_table("of a[red]b", ["image", "[link]"], [["a[bold]b.png", "[/]"], ["[blink]", "0.5"]])
    for text in ("of a[red]b", "[link]", "a[bold]b.png", "[/]", "[blink]"):
        assert text in stream.text


def test_an_accent_on_an_ascii_terminal_is_escaped_in_a_drawn_table(terminal):
    stream = terminal(100, "ascii")
    screen.show_table("Región", ["image", "value"], [["Región.png", "−0.25"]])
    assert stream.text.count(r"Regi\xf3n") == 2
    assert " -0.25" in stream.text


@pytest.mark.parametrize("columns", [20, 40, 60, 79, 80, 100, 132, 200])
def test_no_line_of_a_table_is_wider_than_the_terminal_and_no_number_is_folded(terminal, columns):
    stream = terminal(columns)
    header = ["epoch", *(f"val {name}" for name in ("loss", "tpr", "tnr", "tss", "hss")), "model"]
    numbers = [f"{0.1234 + 0.001 * number:.4f}" for number in range(5)]
    screen.show_table("run", header, [["1 *", *numbers, "m.hdf5"]])
    assert max(map(len, stream.text.splitlines())) <= columns
    for cell in (*numbers, "m.hdf5", "val tss"):
        assert cell in stream.text


@pytest.fixture
def trained(tmp_path, monkeypatch, capsys):
    """A run on the fake network, in a folder whose name is Latin-1; its figures are blank."""
    use_fake_network(monkeypatch)
    draw_blank(monkeypatch)
    root = tmp_path / LATIN_1
    try:
        root.mkdir()
    except OSError:
        pytest.skip("this file system holds names in UTF-8 only")
    paths = write_set(root, regions=REGIONS)
    tables = ["--train", paths["train"], "--validation", paths["validation"], "--images", paths["images"]]
    assert run("train", *tables, "--out", root / "runs" / "r", "--backbone", "random", "--quiet") == 0
    capsys.readouterr()
    return root / "runs" / "r"


def test_all_of_a_run_s_life_goes_on_in_a_latin_1_folder(trained, capsys):
    root = trained.parents[1]
    for command in (
        ("calibrate", trained),
        ("evaluate", trained, "--table", root / "test.csv", "--images", root / "images"),
        ("report", trained),
        ("compare", trained, trained),
        ("evaluate", trained / "forecasts" / "test.parquet"),
    ):
        assert run(*command) == 0, capsys.readouterr().err
    assert r"Regi\xf3n" in json.loads((trained / "run.json").read_text())["images"]
    assert "written to" in capsys.readouterr().err


def test_forecasts_say_a_latin_1_name_alike_on_every_way_out(trained, tmp_path, capsys):
    image = tmp_path / os.fsdecode(b"L\xe1tin.png")
    shutil.copy(next((trained.parents[1] / "images").rglob("*.png")), image)
    csv, parquet = (tmp_path / os.fsdecode(b"f\xf6" + ending) for ending in (b".csv", b".parquet"))
    assert run("predict", trained, image, "--csv", csv, "--parquet", parquet) == 0
    name = rf"{tmp_path}/L\xe1tin.png"
    shown = capsys.readouterr()
    assert name in shown.out
    assert rf"written to {tmp_path}/f\xf6.csv" in shown.err
    assert pd.read_csv(csv)["filename"].tolist() == [name]
    assert pd.read_parquet(io.BytesIO(parquet.read_bytes()))["filename"].tolist() == [name]
    assert run("predict", trained, image, "--json") == 0
    assert [row["filename"] for row in json.loads(capsys.readouterr().out)] == [name]


def test_an_error_names_a_latin_1_file_in_one_line(trained, tmp_path, capsys):
    missing = tmp_path / os.fsdecode(b"n\xf3.png")
    assert run("predict", trained, missing) == 2
    assert rf"{tmp_path}/n\xf3.png: no such file or folder" in capsys.readouterr().err


def test_a_listing_leaves_out_what_no_table_can_name_and_says_so(trained, tmp_path, capsys):
    images = trained.parents[1] / "images"
    old = next(images.rglob("*.png"))
    old.rename(old.with_name(os.fsdecode(b"x\xf3.png")))
    reporter = screen.ScreenReporter()
    assert len(list_images(images, tmp_path / "s.parquet", reporter=reporter)) == 7 * 8 - 1
    said = capsys.readouterr().err
    assert "1 image whose name is no UTF-8 is left out; rename the first: " in said
    assert r"x\xf3.png" in said


def test_a_folder_of_nothing_but_such_names_is_refused(tmp_path):
    (tmp_path / os.fsdecode(b"x\xf3.png")).touch()
    with (
        pytest.warns(FlarescopeWarning, match=r"1 image whose name is no UTF-8 is left out; rename the first: x\\xf3"),
        pytest.raises(InputError, match="no image with a name in UTF-8"),
    ):
        list_images(tmp_path, tmp_path / "s.parquet")


FAKE_PREDICT = """
import sys
from fakes import use_fake_network
from flarescope.cli import main
use_fake_network(as_module=False)
sys.exit(main(sys.argv[1:]))
"""


def in_a_shell(line, *arguments, **environment):
    """Run `$FLARESCOPE`, which is flarescope with the fake network, in a line of bash."""
    command = ["bash", "-c", f'f() {{ "{sys.executable}" -c "$CODE" "$@"; }}; {line}', "bash"]
    return subprocess.run(
        [*command, *map(str, arguments)],
        env={**child_environment(), "CODE": FAKE_PREDICT, **environment},
        capture_output=True,
        check=False,
    )


@needs_real_data
@pytest.mark.parametrize(
    ("encoding", "accent"),
    [("ascii", rb"Regi\xf3n.png"), ("utf-8", "Región.png".encode()), ("latin-1", b"Regi\xf3n.png")],
)
def test_the_cases_of_odd_names_on_terminals_of_other_encodings(trained, encoding, accent):
    done = in_a_shell('f predict "$1" "$2"', trained, REAL_DATA / "cases" / "odd_names", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert accent in done.stdout
    assert b"a[bold]b.png" in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("stream", "lines", "command", "code"),
    [
        ("stdout", False, ["--help"], 141),
        ("stdout", True, ["--help"], 141),
        ("stderr", True, ["predict", "no-run", "no.png"], 2),
    ],
)
def test_a_reader_that_leaves_is_no_fault_and_no_success(monkeypatch, stream, lines, command, code):
    """As with `| head -1`: 141, the shell's own code for it, since nobody saw the end."""
    reading, writing = os.pipe()
    os.close(reading)
    with io.TextIOWrapper(os.fdopen(writing, "wb"), line_buffering=lines) as closed:
        monkeypatch.setattr(sys, stream, closed)
        assert run(*command) == code
        closed.write("heard by nobody")


def test_a_closed_output_gets_no_word_and_no_file_gets_its_text(trained):
    images, csv = trained.parents[1] / "images", trained / "f.csv"
    closed = in_a_shell('f predict "$1" "$2" --csv "$3" >&-', trained, images, csv)
    assert closed.returncode == 0, closed.stderr
    assert len(pd.read_csv(io.BytesIO(csv.read_bytes()))) == 7 * 8
    both = in_a_shell('f predict "$1" no.png >&- 2>&-', trained)
    assert (both.returncode, both.stdout, both.stderr) == (2, b"", b"")


def test_a_full_disk_is_told_in_one_line(trained):
    if not Path("/dev/full").exists():
        pytest.skip("Linux has a device that is always full")
    done = in_a_shell('f predict "$1" "$2" --quiet > /dev/full', trained, trained.parents[1] / "images")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == b"flarescope: output: No space left on device"


def test_two_spaces_of_a_name_stay_two_in_a_message_and_two_lines_become_one(tmp_path, capsys, monkeypatch):
    assert main(["predict", str(tmp_path / "m.hdf5"), str(tmp_path / "two  spaces.png")]) == 2
    told = capsys.readouterr().err
    assert "two  spaces.png" in told
    assert len(told.splitlines()) == 1
    monkeypatch.setattr("flarescope.cli._run", lambda *_: (_ for _ in ()).throw(InputError("one\n   two")))
    assert main([]) == 2
    assert capsys.readouterr().err == "flarescope: one two\n"
