"""How is a number of things written: 1 region, 2 regions?"""


def counted(number: int, one: str, many: str | None = None) -> str:
    """Write how many there are, as `1 image` or `1,570 images`.

    Args:
        number: of the things.
        one: what stands after 1, such as `image` or `image has`.
        many: what stands after any other number; by default `one` and an s.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
