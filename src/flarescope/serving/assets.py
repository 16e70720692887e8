"""Which files does a browser need besides the pages, all of them from the package and in memory?"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from flarescope.serving.answers import Problem, conditional

TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/vnd.microsoft.icon",
    "woff2": "font/woff2",
}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Asset:
    """A file that is served as it is."""

    content: bytes
    media_type: str
    etag: str


def read_assets() -> dict[str, Asset]:
    """Read all files of the folder `static`, by name; no other file is ever served."""
    found = {}
    for entry in files("flarescope.serving").joinpath("static").iterdir():
        kind = TYPES.get(entry.name.rpartition(".")[2])
        if entry.is_file() and kind is not None:
            content = entry.read_bytes()
            found[entry.name] = Asset(content, kind, hashlib.sha256(content).hexdigest()[:16])
    return found


@router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    """Serve one of them."""
    asset: Asset | None = request.app.state.assets.get(name)
    if asset is None:
        raise Problem(404, "no such file")
    return conditional(request, asset.content, asset.media_type, etag=asset.etag)
