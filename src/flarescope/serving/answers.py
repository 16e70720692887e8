"""How does a value become an answer: JSON, CSV or Parquet, with an ETag, or a problem as RFC 9457 has it?"""

import hashlib
import io
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from starlette.requests import Request
from starlette.responses import Response

from flarescope.errors import one_line
from flarescope.files import utf8_values
from flarescope.notes import with_notes
from flarescope.serving.telling import for_client

JSON: Final = "application/json"
CSV: Final = "text/csv"
PARQUET: Final = "application/vnd.apache.parquet"
PROBLEM: Final = "application/problem+json"
TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"
FORMS: Final = (JSON, CSV, PARQUET)


class Problem(Exception):
    """Ends a request with a problem of RFC 9457.

    Args:
        status: of HTTP.
        detail: one line for a person.
        headers: such as Retry-After.
        more: members of the document besides.
    """

    def __init__(self, status: int, detail: object, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:  # noqa: ANN401
        super().__init__(str(detail))
        self.status, self.headers, self.more = status, dict(headers or {}), more
        self.detail = for_client(one_line(detail))

    def response(self) -> Response:
        """Give the answer."""
        body = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }
        return Response(json_bytes(body), self.status, self.headers, PROBLEM)


def json_bytes(value: Any) -> bytes:  # noqa: ANN401 - plain values
    """Give JSON in UTF-8; numbers have all their digits, as `forecast.json` has them."""
    return json.dumps(utf8_values(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Give a table as CSV as the program writes it: all digits, times in UTC."""
    return table.to_csv(index=False, date_format=TIME_FORMAT).encode("utf-8", "backslashreplace")


def parquet_bytes(table: pd.DataFrame, notes: Mapping[str, Any] | None = None) -> bytes:
    """Give a table as Parquet, with what it says of itself (`flarescope.notes`)."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    stream = io.BytesIO()
    pq.write_table(with_notes(arrow, notes) if notes else arrow, stream, compression="snappy")
    return stream.getvalue()


def accepted(request: Request, forms: tuple[str, ...] = FORMS) -> str:
    """Choose the form that a request asks for, by `Accept` (RFC 9110, 12.5.1); the first where it says nothing.

    Raises:
        Problem: 406, none of them.
    """
    text = request.headers.get("accept", "")
    if not text.strip():
        return forms[0]
    found = [_weight(text, form) for form in forms]
    best = max(found)
    if best <= 0:
        raise Problem(406, f"Accept: {text[:80]}; expected one of {', '.join(forms)}")
    return forms[found.index(best)]


def _weight(text: str, form: str) -> float:
    """Give the quality that an Accept header gives to a form, by its most specific range."""
    best = (-1, 0.0)
    for part in text.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        kind = form.partition("/")[0]
        specific = {form: 2, f"{kind}/*": 1, "*/*": 0}.get(name)
        if specific is None:
            continue
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                quality = _quality(value)
        best = max(best, (specific, quality))
    return best[1]


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0


def conditional(
    request: Request,
    body: bytes,
    media_type: str,
    *,
    etag: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer a GET with a body and its ETag, or with 304 where the client has it.

    Args:
        request: with `If-None-Match`, maybe.
        body: of the answer.
        media_type: of the body.
        etag: of the body, where it is known; else it is the body's digest.
        headers: besides.
    """
    tag = f'"{etag or hashlib.sha256(body).hexdigest()[:16]}"'
    said = {"ETag": tag, "Vary": "Accept", "Cache-Control": "no-cache", **(headers or {})}
    asked = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in asked or "*" in asked:
        return Response(None, 304, said)
    return Response(body, 200, said, media_type)
