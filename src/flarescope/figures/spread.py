"""Where do labels stand beside a figure so that none covers another and each is near to what it names?"""

from collections.abc import Sequence


def spread(wanted: Sequence[float], heights: Sequence[float], low: float, high: float) -> list[float]:
    """Push labels apart along a line, as little as it takes: neighbours that touch move together (pooled means).

    Args:
        wanted: middle of each label where it would best stand.
        heights: of each.
        low: lower end of the line.
        high: upper end; the labels together are no longer than the line, else they go beyond this end.

    Returns:
        The middle of each, in the order given: the order of `wanted` along the line.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    groups: list[tuple[list[int], float]] = []  # members, and where the first begins
    for number in order:
        members = [number]
        while True:
            length = sum(heights[i] for i in members)
            begin = max(min(_best_start(members, wanted, heights), high - length), low)
            if not groups or groups[-1][1] + sum(heights[i] for i in groups[-1][0]) <= begin:
                break
            members = groups.pop()[0] + members
        groups.append((members, begin))
    middles = [0.0] * len(wanted)
    for members, begin in groups:
        for i in members:
            middles[i] = begin + heights[i] / 2
            begin += heights[i]
    return middles


def _best_start(members: Sequence[int], wanted: Sequence[float], heights: Sequence[float]) -> float:
    """Give the start of labels one on the other for which they are nearest to where they would stand, by squares."""
    offset = total = 0.0
    for i in members:
        total += wanted[i] - (offset + heights[i] / 2)
        offset += heights[i]
    return total / len(members)
