"""May this request be answered: was it sent to us, by somebody who may ask, and from no foreign page?"""

import base64
import binascii
import hmac
import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from flarescope.errors import InputError
from flarescope.files import translate_os_errors
from flarescope.serving.settings import Settings

VARIABLE: Final = "FLARESCOPE_TOKEN"
LEAST_TOKEN: Final = 16
MOST_TOKEN: Final = 1024
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
OPEN_PATHS: Final = frozenset({"/api/v1/health"})
"""Whoever watches whether the server is alive needs no token; it says nothing else."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def read_token(path: Path | None) -> str | None:
    """Read the token: of a file, else of the environment; None where there is neither.

    Raises:
        InputError: a file that cannot be read, or a token that is too short or holds spaces.
    """
    if path is not None:
        with translate_os_errors(path, "read"), path.open("rb") as stream:
            text = stream.read(MOST_TOKEN + 2).decode("ascii", "replace").strip()
        source = str(path)
    else:
        text, source = os.environ.get(VARIABLE, "").strip(), VARIABLE
        if not text:
            return None
    if not LEAST_TOKEN <= len(text) <= MOST_TOKEN or not all(33 <= ord(letter) < 127 for letter in text):
        raise InputError(
            f"{source}: expected a token of {LEAST_TOKEN} to {MOST_TOKEN:,} printable characters without spaces, such "
            "as `openssl rand -hex 32` gives"
        )
    return text


def names_us(host: str, settings: Settings) -> bool:
    """Whether a Host header names this server: a page of another name that leads here (DNS rebinding) gets nothing.

    Where a token is needed an address serves too, for such a page has a name.
    """
    name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    name = name.lower().rstrip(".")
    own = {settings.host, f"[{settings.host}]", *(one.lower() for one in settings.hosts)}
    return name in LOOPBACK_NAMES or name in own or (settings.token is not None and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def has_token(authorization: str, token: str) -> bool:
    """Whether a request brings the token, as `Bearer TOKEN` or as the password of HTTP's Basic, which browsers ask for.

    It takes the same time wherever the first wrong letter stands.
    """
    scheme, _, given = authorization.partition(" ")
    given = given.strip()
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode("utf-8", "replace").partition(":")[2]
        except (binascii.Error, ValueError):
            given = ""
    elif scheme.lower() != "bearer":
        given = ""
    return hmac.compare_digest(given.encode(), token.encode())


def from_foreign_page(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a page of another origin made a browser send a request that is no mere reading.

    Browsers say it in Sec-Fetch-Site, older ones in Origin; a program says neither.
    """
    if method in SAFE:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
