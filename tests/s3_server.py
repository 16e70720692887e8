"""A small server on this computer that answers as S3 does: objects, ranges, listings; and misbehaves where asked."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

CHANGED_S = 1_700_000_000


@dataclass
class Bucket:
    """Objects of the one bucket, and what was asked for."""

    name: str = "sun"
    objects: dict[str, bytes] = field(default_factory=dict)
    denied: bool = False
    failures: int = 0  # answers of 503 before the next good one
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)  # method, key or "list", range
    base: str = ""

    def asked(self, method: str, key: str) -> list[str | None]:
        """Give the ranges of the requests for an object."""
        return [one for m, k, one in self.seen if (m, k) == (method, key)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_S3"

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_GET(self) -> None:
        self._answer("GET")

    def _answer(self, method: str) -> None:
        bucket = self.server.bucket
        parts = urlsplit(self.path)
        name, _, key = unquote(parts.path).lstrip("/").partition("/")
        wanted = self.headers.get("Range")
        bucket.seen.append((method, key or "list", wanted))
        if bucket.failures:
            bucket.failures -= 1
            self._error(method, 503, "SlowDown")
        elif bucket.denied:
            self._error(method, 403, "AccessDenied")
        elif name != bucket.name:
            self._error(method, 404, "NoSuchBucket")
        elif not key:
            self._send(method, 200, _listing(bucket, parse_qs(parts.query)) if method == "GET" else b"", {})
        elif key not in bucket.objects:
            self._error(method, 404, "NoSuchKey")
        else:
            self._object(method, bucket.objects[key], wanted)

    def _object(self, method: str, body: bytes, wanted: str | None) -> None:
        headers = {"Last-Modified": formatdate(CHANGED_S, usegmt=True), "ETag": f'"{hash(body):x}"'}
        if not wanted:
            self._send(method, 200, body, headers)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        part = body[int(first) : int(last) + 1 if last else None]
        headers["Content-Range"] = f"bytes {first}-{int(first) + len(part) - 1}/{len(body)}"
        self._send(method, 206, part, headers)

    def _error(self, method: str, status: int, code: str) -> None:
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        self._send(method, status, body, {"Content-Type": "application/xml"})

    def _send(self, method: str, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if method == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _listing(bucket: Bucket, query: dict[str, list[str]]) -> bytes:
    prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
    found, folders = [], set()
    for key, body in sorted(bucket.objects.items()):
        rest = key.removeprefix(prefix)
        if not key.startswith(prefix):
            continue
        if delimiter and delimiter in rest:
            folders.add(prefix + rest.split(delimiter)[0] + delimiter)
        else:
            found.append(
                f"<Contents><Key>{escape(key)}</Key><LastModified>2023-11-14T22:13:20.000Z</LastModified>"
                f"<Size>{len(body)}</Size></Contents>"
            )
    found += [f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in sorted(folders)]
    count = f"<IsTruncated>false</IsTruncated><KeyCount>{len(found)}</KeyCount>"
    whole = f"<ListBucketResult><Name>{bucket.name}</Name><Prefix>{escape(prefix)}</Prefix>{count}{''.join(found)}"
    return f"<?xml version='1.0'?>{whole}</ListBucketResult>".encode()


class _S3(ThreadingHTTPServer):
    bucket: Bucket
    daemon_threads = True


@contextlib.contextmanager
def serve_bucket() -> Iterator[Bucket]:
    """Run the server on a free port of 127.0.0.1 while the block lasts."""
    with _S3(("127.0.0.1", 0), _Handler) as http:
        http.bucket = Bucket(base=f"http://127.0.0.1:{http.server_port}")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield http.bucket
        finally:
            http.shutdown()
            thread.join()
