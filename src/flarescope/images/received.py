"""How does a file become an image that lies on no disk, as one that came over the network?"""

from collections.abc import Callable
from dataclasses import dataclass, field

from flarescope.images.line_of_sight import Accept
from flarescope.images.reading import ReadImage
from flarescope.images.render import Rendering


@dataclass(frozen=True)
class Received:
    """A file's name and bytes, and who decodes them.

    Attributes:
        name: what a message and the forecasts call it; its ending says what it is, and no file of it is opened.
        content: the bytes.
        decode: gives the image of a name and bytes, or raises an InputError; a process of its own, say.
    """

    name: str
    content: bytes = field(repr=False)
    decode: Callable[[str, bytes, Rendering, Accept], ReadImage] = field(repr=False)

    def __str__(self) -> str:
        return self.name

    def read(self, rendering: Rendering, accept: Accept) -> ReadImage:
        """Have it decoded.

        Raises:
            InputError: it cannot be read or rendered; the message names it.
        """
        return self.decode(self.name, self.content, rendering, accept)
