"""Are the tables beside a page those of the page, as programs and LaTeX read them?"""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from flarescope.html_report.table_files import csv_text, latex_text, latex_words, plain_number, save_tables
from flarescope.html_report.view import Page, Section, Table

TABLE = Table("50 % of A & B", ("Forecast", "Images", "TSS", "Note"), [
    ("run_1", "12,345", "−0.109\n−0.219 to 0.531", "few, but real"),
    ("other", "7", "–", ""),
], frozenset({3}))  # fmt: skip


def test_csv_has_plain_numbers_and_the_ends_of_intervals_apart():
    rows = list(csv.reader(io.StringIO(csv_text(TABLE))))
    assert rows == [
        ["Forecast", "Images", "TSS", "TSS low", "TSS high", "Note"],
        ["run_1", "12345", "-0.109", "-0.219", "0.531", "few, but real"],
        ["other", "7", "", "", "", ""],
    ]


def test_latex_has_the_words_and_its_own_signs():
    text = latex_text(TABLE)
    assert r"\caption{50 \% of A \& B}" in text
    assert r"run\_1 & 12,345 & $-$0.109 ($-$0.219 to 0.531) & few, but real \\" in text
    assert r"\begin{tabular}{lrrl}" in text
    assert r"other & 7 & -- &  \\" in text


@given(st.text(st.characters(categories=("L", "N", "P", "S")), max_size=30))
def test_latex_never_opens_a_group_that_it_does_not_close(text):
    written = latex_words(text).replace(r"\{", "").replace(r"\}", "")
    assert written.count("{") == written.count("}")
    assert all(written[i - 1 : i] == "\\" for i, sign in enumerate(written) if sign in "&%#_")


@given(st.integers(-(10**9), 10**9))
def test_a_number_is_read_back(number):
    assert int(plain_number(f"{number:,}".replace("-", "−"))) == number
    assert plain_number("1,2 and 3") == "1,2 and 3"


def test_files_are_those_of_this_page_alone(tmp_path):
    page = Page("t", "s", "d", "f", sections=[Section("slices", "By slice", tables=[TABLE, TABLE])])
    names = [path.name for path in save_tables(page, tmp_path)]
    assert names == [f"slices-50-of-a-b{part}" for part in (".csv", ".tex", "-2.csv", "-2.tex")]
    (tmp_path / "mine.tex").write_text("my own table")
    save_tables(Page("t", "s", "d", "f", sections=[Section("slices", "By slice", tables=[TABLE])]), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.tex", *names[:2]]
