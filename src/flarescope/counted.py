"""How are things written that are several: 1 region or 2 regions, 3 of 7 regions; a, b and c?"""

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


def of_them(part: int, number: int, one: str, has: str = "", have: str = "") -> str:
    """Write how many of them: `3 of 1,570 images`, and of a single one `the only image`.

    Args:
        part: how many, 1 or more.
        number: of how many.
        one: of them is called, such as `image`; many take an s.
        has: the verb that follows 1 of them; nothing writes none.
        have: the verb that follows more.
    """
    them = f"the only {one}" if number == 1 else f"{part:,} of {number:,} {one}s"
    return f"{them} {has if part == 1 else have}".rstrip()
