"""Which images does the body of a request hold?"""

from typing import Final

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from flarescope.serving.answers import Problem
from flarescope.serving.settings import Limits

FIELD: Final = "images"
ENDINGS: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "application/fits": ".fits",
    "image/fits": ".fits",
    "application/octet-stream": "",
}
"""Media type of a body that is one image -> the ending of its name, where the client tells none."""


async def images_of(request: Request, limits: Limits) -> list[tuple[str, bytes]]:
    """Give names and bytes of the images that came, in memory: nothing of them is written.

    Raises:
        Problem: 400 a form that cannot be read, 413 too much, 408 too slow, 415 another kind of body.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _of_form(request, limits)
    if kind not in ENDINGS:
        raise Problem(
            415, f"Content-Type {kind[:60] or 'missing'}; expected multipart/form-data or {', '.join(ENDINGS)}"
        )
    name = request.query_params.get("name", "") or f"image{ENDINGS[kind]}"
    content = bytearray()
    async for piece in request.stream():
        content += piece
    return [(name, bytes(content))] if content else []


async def _of_form(request: Request, limits: Limits) -> list[tuple[str, bytes]]:
    parser = MultiPartParser(request.headers, request.stream(), max_files=limits.images, max_fields=0)
    parser.spool_max_size = limits.upload_bytes + 1  # in memory: a body is no larger
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Problem(400, f"the form cannot be read: {error.message}") from error
    try:
        found = []
        for field, value in form.multi_items():
            if isinstance(value, str) or field != FIELD:
                raise Problem(400, f"a field {field[:40]!r}; expected files in the field {FIELD!r}")
            found.append((value.filename or "", await value.read()))
        return found
    finally:
        await form.close()
