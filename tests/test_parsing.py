"""Does every message end as one short printable line, and does JSON of any kind end in a value or in such a line?"""

import errno
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.errors import MOST_CHARACTERS, FlarescopeError, InputError, one_line
from flarescope.files import read_json
from flarescope.parsing import DEEPEST, parse_json, reason, refusing_damage


@given(st.text() | st.text(alphabet="\n\r\t\x1b\x00\udce9 a", min_size=300) | st.binary().map(str))
def test_a_message_is_one_printable_line(text):
    line = str(InputError(text))
    assert line.isprintable()
    assert len(line) <= MOST_CHARACTERS
    assert line.encode() is not None  # no half of a surrogate pair
    assert one_line(line) == line


def test_a_short_message_stays_as_it_is():
    assert str(FlarescopeError("runs/a  b: größer als 1 × 1; [x]")) == "runs/a  b: größer als 1 × 1; [x]"


def test_of_a_long_message_beginning_and_end_are_kept():
    line = str(InputError("a.h5: damaged (" + "x" * 100_000 + "); copy or download it again"))
    assert len(line) == MOST_CHARACTERS == 299
    assert line.startswith("a.h5: damaged (xxx")
    assert line.endswith("xxx); copy or download it again")


def test_several_lines_and_odd_bytes_become_one():
    assert str(InputError("a\n  b\r\n\x1b[31mc \udce9")) == r"a b \x1b[31mc \xe9"


def test_an_error_without_words_has_its_name():
    assert reason(RecursionError()) == "RecursionError"


@pytest.mark.parametrize(
    "error",
    [RuntimeError("a\nb"), KeyError("x"), RecursionError(), AssertionError(), OSError("no number"), MemoryError(),
     OSError(errno.EINVAL, "x"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), SystemError("y" * 5000)],
)  # fmt: skip
def test_whatever_a_library_raises_is_one_line(error):
    with pytest.raises(InputError, match=r"^a\.h5: damaged or incomplete \(.*\); copy it again$"):
        with refusing_damage("a.h5", "copy it again"):
            raise error


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), FlarescopeError("ours"), KeyboardInterrupt()])
def test_what_is_no_fault_of_the_file_passes(error):
    with pytest.raises(type(error)) as caught, refusing_damage("a.h5", "copy it again"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[" * 100_000, "of more than 64 levels"),
        ('{"a":' * 100_000, "of more than 64 levels"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "of more than 64 levels"),
        ('{"a": 1, "a": 2}', "'a' stands there more than once"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": 1e999}', "1e999 is too large"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON as it should be"),
        ('{"a": "\\ud800"}', "half a character"),
        ('{"a": 1,\n "b" 2}', "line 2: not JSON"),
        (b'{"a": "\xff"}', "expected UTF-8 text"),
        ('{"a": 1}'.encode("utf-16"), "expected UTF-8 text"),
        (b'{"a": "\xed\xa0\x80"}', "expected UTF-8 text"),
        ("", "line 1: not JSON"),
        ("[]", "expected a JSON object in braces, got a list"),
    ],
)
def test_json_that_no_program_of_ours_wrote(tmp_path, text, expected):
    path = tmp_path / "run.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=expected) as caught:
        read_json(path)
    assert str(path) in str(caught.value)


def test_json_as_deep_as_allowed_is_read():
    text = "[" * DEEPEST + "]" * DEEPEST
    assert json.dumps(parse_json(text, "x")) == text


def test_json_that_is_too_large_is_not_read(tmp_path):
    (tmp_path / "a.json").write_text('{"a": "' + "x" * 100 + '"}')
    with pytest.raises(InputError, match=r"more than 50 bytes of JSON"):
        read_json(tmp_path / "a.json", most_bytes=50)
    assert read_json(tmp_path / "a.json", most_bytes=109) == {"a": "x" * 100}


def test_a_command_stands_whole_at_the_end_of_a_message_or_not_at_all():
    error = InputError("x" * 1000, command="flarescope evaluate " + "y" * 900)
    assert str(error) == f"{one_line('x' * 1000)}; run `flarescope evaluate {'y' * 900}`"
    assert str(InputError("x", command="y" * 3001)) == "x"
    assert str(InputError("x")) == "x"
