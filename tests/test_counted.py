"""Does one thing stand in the singular?"""

import pytest

from flarescope.counted import counted, of_them


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 regions"), (1, "1 region"), (2, "2 regions"), (950_047, "950,047 regions")]
)
def test_one_is_written_in_the_singular(number, text):
    assert counted(number, "region") == text


def test_words_with_a_plural_of_their_own():
    assert counted(1, "region has", "regions have") == "1 region has"
    assert counted(3, "miss", "misses") == "3 misses"


@pytest.mark.parametrize(
    ("part", "number", "text"),
    [
        (1, 1, "the only row has"),
        (1, 1570, "1 of 1,570 rows has"),
        (3, 3, "3 of 3 rows have"),
        (0, 2, "0 of 2 rows have"),
    ],
)
def test_a_part_of_them(part, number, text):
    assert of_them(part, number, "row", "has", "have") == text
    assert of_them(part, number, "row") == text.rsplit(" ", 1)[0]
