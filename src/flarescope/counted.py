"""How are things written that are several: 1 region or 2 regions; a, b and c?"""

from collections.abc import Sequence


def counted(number: int, one: str, many: str | None = None) -> str:
    """Write how many there are, as `1 image` or `1,570 images`.

    Args:
        number: of the things.
        one: what stands after 1, such as `image` or `image has`.
        many: what stands after any other number; by default `one` and an s.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: Sequence[str]) -> str:
    """Write things one after the other: `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
