"""What does somebody see who types flarescope for the first time, mistypes it, or asks for a word's completion?"""

import os
import subprocess
import sys
from enum import StrEnum
from typing import get_args

import pandas as pd
import pytest
from typer.main import get_command

from fakes import child_environment
from flarescope.cli import calibrate, catalog_select, catalog_split, magnetic, main, options
from flarescope.cli.app import app
from flarescope.cli.data import Part
from flarescope.cli.words import HeadWord, HistoryFormWord, SolverWord
from flarescope.engines.base import ENGINES, PRECISIONS
from flarescope.engines.choose import choose
from flarescope.errors import InputError
from flarescope.events import FluxScale, Rules
from flarescope.features.history import FORMS
from flarescope.features.store_key import DTYPES
from flarescope.heads.head import HEADS, SOLVERS
from flarescope.images.render import NAN_POLICIES
from flarescope.magnetic.baseline import KINDS
from flarescope.pipeline.calibrating import METHODS
from flarescope.pipeline.catalogues.splitting import WAYS, SplitRules, apply_split
from flarescope.pipeline.fitting import SAVE, Saving
from flarescope.sources.download import NOAA_PRODUCTS
from flarescope.sources.jsoc_orders import SERIES
from flarescope.sources.repositories import PARTS
from flarescope.tables import SPLITS

GROUPS = [(), ("catalog",), ("data",), ("disk",), ("engine",), ("archive",), ("images",), ("weights",)]


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.mark.parametrize("group", GROUPS, ids=lambda path: path[0] if path else "flarescope")
def test_a_group_typed_alone_prints_its_ordinary_help(group, capsys):
    assert run(*group, "--help") == 0
    asked = capsys.readouterr()
    assert run(*group) == 2  # a script whose command is an empty variable stops
    bare = capsys.readouterr()
    assert bare.out == asked.out
    assert bare.err == asked.err == ""
    assert bare.out.startswith(f"Usage: {' '.join(('flarescope', *group))} [OPTIONS] COMMAND [ARGS]...\n\n  ")
    assert "\n\nCommands:\n  " in bare.out


def test_the_groups_are_all_groups():
    made = {(name,) for name, command in get_command(app).commands.items() if hasattr(command, "commands")}
    assert made == set(GROUPS[1:])


@pytest.mark.parametrize("group", GROUPS)
def test_no_line_of_a_group_s_help_is_cut(group, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    run(*group)
    lines = capsys.readouterr().out.split("\nCommands:\n")[1].splitlines()
    assert [line for line in lines if "..." in line] == []


@pytest.mark.parametrize("path", [(), ("train",), ("catalog",), ("catalog", "label")])
def test_the_short_way_to_help(path, capsys):
    assert run(*path, "-h") == 0
    short = capsys.readouterr().out
    assert run(*path, "--help") == 0
    assert capsys.readouterr().out == short


def test_the_short_way_to_the_version(capsys):
    assert run("-V") == 0
    short = capsys.readouterr().out
    assert run("--version") == 0
    assert capsys.readouterr().out == short


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (["catalgo"], "No such command 'catalgo'. Did you mean 'catalog'? (see flarescope --help)"),
        (["catalog", "lable"], "No such command 'lable'. Did you mean 'label'? (see flarescope catalog --help)"),
        (
            ["train", "--lerning-rate", "1"],
            "No such option: --lerning-rate; did you mean --learning-rate? (see flarescope train --help)",
        ),
        (["predict", "--jsno"], "No such option: --jsno; did you mean --json? (see flarescope predict --help)"),
        (["predict"], "Missing argument 'model' (see flarescope predict --help)"),
        (
            ["calibrate", "r", "--method", "plat"],
            "Invalid value for '--method': 'plat' is not one of 'platt', 'temperature', 'isotonic', 'none' "
            "(see flarescope calibrate --help)",
        ),
    ],
)
def test_what_is_mistyped_is_told_in_one_line_with_what_was_meant(typed, line, capsys):
    assert run(*typed) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"flarescope: {line}\n"


@pytest.mark.parametrize(
    ("offered", "known"),
    [
        (options.EngineName, ENGINES),
        (options.PrecisionName, PRECISIONS),
        (options.NanPolicy, NAN_POLICIES),
        (options.StoreType, DTYPES),
        (options.SaveName, SAVE),
        (options.SplitName, SPLITS),
        (options.RulesName, get_args(Rules)),
        (options.FluxScaleName, get_args(FluxScale)),
        (options.SolverName, tuple(SOLVERS)),
        (SolverWord, tuple(SOLVERS)),
        (HeadWord, tuple(HEADS)),
        (HistoryFormWord, FORMS),
        (calibrate.MethodName, METHODS),
        (catalog_split.SplitWay, WAYS),
        (catalog_select.UnknownRule, ("drop", "keep")),
        (magnetic.KindName, KINDS),
        (Part, tuple(PARTS)),
    ],
)
def test_the_choices_offered_are_those_that_the_library_knows(offered, known):
    words = tuple(offered) if isinstance(offered, type) and issubclass(offered, StrEnum) else get_args(offered)
    assert words == tuple(known)


def test_the_choices_of_what_is_fetched_are_those_that_the_library_knows(capsys):
    run("data", "noaa", "-h")
    assert f"<{'|'.join(NOAA_PRODUCTS)}>" in capsys.readouterr().out
    run("data", "jsoc", "-h")
    assert f"<{'|'.join(SERIES)}>" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Saving("some"), "expected one of each, best, last"),
        (lambda: choose("keras", "auto"), "--engine keras: expected one of"),
        (lambda: apply_split(pd.DataFrame(), SplitRules(how="luck")), "expected one of lists, region, time, folds"),
    ],
)
def test_from_python_another_word_is_refused_by_the_library(call, message):
    with pytest.raises(InputError, match=message):
        call()


def completed(line):
    """Ask for completion as a shell's function does; give the words."""
    words = line.split(" ")
    environment = {
        **child_environment(),
        "_FLARESCOPE_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    code = "import sys; from flarescope.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("flarescope cat", ["catalog"]),
        ("flarescope catalog s", ["select", "split"]),
        ("flarescope train --prec", ["--precision"]),
        ("flarescope train --precision ", ["auto", "fp32", "bf16"]),
        ("flarescope data published f", ["features", "fits-tables", "fits"]),
    ],
)
def test_a_shell_completes_commands_options_and_choices(line, words):
    assert completed(line) == words


def test_the_script_of_a_shell_is_shown(capsys, monkeypatch):
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: "bash")
    assert run("--show-completion") == 0
    assert "complete -o default -F _flarescope_completion flarescope" in capsys.readouterr().out


def test_the_script_of_a_shell_is_installed_where_it_is_at_home(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", os.fspath(tmp_path))
    monkeypatch.setattr("typer._completion_shared._get_shell_name", lambda: "bash")
    assert run("--install-completion") == 0
    assert "flarescope" in (tmp_path / ".bash_completions" / "flarescope.sh").read_text()
    assert str(tmp_path) in capsys.readouterr().out
