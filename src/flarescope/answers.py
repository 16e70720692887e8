"""What does a server's answer say of a file, and what went wrong where there is none?"""

import re
import socket
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # requests takes a third of a second to import; most commands fetch nothing
    import requests


def extent(response: "requests.Response") -> tuple[int, int | None]:
    """Give the first byte that the body holds and the size of the whole file, None where the server hides it."""
    if response.status_code == 200:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() else None
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    if found is None:
        return -1, None
    return int(found[1]), None if found[2] == "*" else int(found[2])


def validator(response: "requests.Response") -> str | None:
    """Choose what If-Range may carry: a strong ETag, else the date of the last change (RFC 9110, 13.1.5)."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")


def explain(error: Exception, timeout_s: float) -> tuple[str, bool]:
    """Say in a few words what lies under the wrappers of requests and urllib3, and whether it may pass."""
    import requests

    layers: list[BaseException] = [error]
    while (inner := layers[-1].__cause__ or layers[-1].__context__) is not None:
        layers.append(inner)
    kinds: list[tuple[type[BaseException], str, bool]] = [
        (ssl.SSLCertVerificationError, "its certificate cannot be verified", False),
        (socket.gaierror, "its name is not known (no network?)", True),
        (ConnectionRefusedError, "connection refused", True),
        (TimeoutError, f"no answer within {timeout_s:g} s", True),
    ]
    for kind, reason, passing in kinds:
        if any(isinstance(layer, kind) for layer in layers):
            return reason, passing
    final = requests.TooManyRedirects | requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema
    return (str(error), False) if isinstance(error, final) else ("the connection broke", True)
