"""How often was a shard begun, and has it ended too many workers?

Ray does again what a dead worker had in hand, without end: a shard that needs more memory than there is would end every
worker of a cluster in turn.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from flarescope.errors import FlarescopeError

TRIES: Final = 3
"""Workers that may end over one stage of a shard before it is given up."""


class Tally:
    """Counts the tries that have not ended, of each stage of each shard; one actor for a pass."""

    def __init__(self) -> None:
        """Begin with none."""
        self._begun: Counter[tuple[str, int]] = Counter()

    def begin(self, stage: str, number: int) -> int:
        """Note a try, and give how many before it did not end."""
        self._begun[stage, number] += 1
        return self._begun[stage, number] - 1

    def end(self, stage: str, number: int) -> None:
        """Note that a try ended, well or with an error that can be said."""
        del self._begun[stage, number]


@contextmanager
def trying(tally: Any, stage: str, number: int, first: str) -> Iterator[None]:  # noqa: ANN401 - Ray's types need Ray
    """Count what happens in a `with` block as one try.

    Args:
        tally: handle of a `Tally`.
        stage: what is tried.
        number: of the shard.
        first: its first image.

    Raises:
        FlarescopeError: too many workers ended over it.
    """
    import ray

    ended = ray.get(tally.begin.remote(stage, number))
    try:
        if ended >= TRIES:
            raise FlarescopeError(
                f"{TRIES} workers ended over the shard that begins with {first} ({stage}); out of memory? Lower "
                "--workers or --engine-batch"
            )
        yield
    finally:
        tally.end.remote(stage, number)
