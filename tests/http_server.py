"""A small web server on this computer that misbehaves as a test asks it to."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    """What is at one path, and how it goes wrong. Failures and breaks are used up, one a request."""

    body: bytes = b""
    etag: str | None = '"first"'
    last_modified: str | None = None
    ranges: bool = True
    location: str | None = None
    failures: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)  # the connection ends after so many bytes of the body
    drip: tuple[int, float] | None = None  # bytes a piece, seconds between pieces
    content_length: int | None = None  # what the header says instead of the truth; negative: no header
    status_with_range: int | None = None


@dataclass(frozen=True)
class Seen:
    """One request that arrived, and the status it was answered with."""

    path: str
    headers: dict[str, str]
    status: int


class Server:
    def __init__(self, address: tuple[str, int]) -> None:
        self.pages: dict[str, Page] = {}
        self.seen: list[Seen] = []
        self.base = f"http://{address[0]}:{address[1]}"

    def put(self, path: str, page: Page) -> str:
        self.pages[path] = page
        return self.base + path

    def ranges(self) -> list[str | None]:
        return [request.headers.get("range") for request in self.seen]

    def statuses(self) -> list[int]:
        return [request.status for request in self.seen]


class _Handler(BaseHTTPRequestHandler):
    server: "_HTTPServer"

    def do_GET(self) -> None:
        page = self.server.script.pages.get(self.path)
        if page is None:
            self._head(404, {"Content-Length": "0"})
        elif page.failures:
            status, headers = page.failures.pop(0)
            self._head(status, {"Content-Length": "0", **headers})
        elif page.location is not None:
            self._head(302, {"Location": page.location, "Content-Length": "0"})
        else:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client was killed
                self._send(page)

    def _send(self, page: Page) -> None:
        wanted = self.headers.get("Range")
        condition = self.headers.get("If-Range")
        unchanged = condition in (None, page.etag, page.last_modified)
        headers = {"ETag": page.etag, "Last-Modified": page.last_modified}
        headers = {name: value for name, value in headers.items() if value is not None}
        body, status = page.body, 200
        if wanted and page.status_with_range:
            self._head(page.status_with_range, {"Content-Length": "0"})
            return
        if wanted and page.ranges and unchanged:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                self._head(416, {"Content-Range": f"bytes */{len(body)}", "Content-Length": "0"})
                return
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            body, status = body[start:], 206
        length = len(body) if page.content_length is None else page.content_length
        if length >= 0:
            headers["Content-Length"] = str(length)
        self._head(status, headers)
        if page.breaks:
            body = body[: page.breaks.pop(0)]
        piece, pause_s = page.drip or (max(len(body), 1), 0)
        for start in range(0, len(body), piece):
            self.wfile.write(body[start : start + piece])
            if self.server.closing.wait(pause_s):
                return

    def _head(self, status: int, headers: dict[str, str]) -> None:
        seen = {name.lower(): value for name, value in self.headers.items()}
        self.server.script.seen.append(Seen(self.path, seen, status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()  # HTTP/1.0: the connection closes after each answer

    def log_message(self, format: str, *args: object) -> None:
        pass


class _HTTPServer(ThreadingHTTPServer):
    script: Server
    closing: threading.Event
    daemon_threads = False


@contextlib.contextmanager
def serve() -> Iterator[Server]:
    """Run the server on a free port of 127.0.0.1 while the block lasts."""
    with _HTTPServer(("127.0.0.1", 0), _Handler) as http:
        http.script = Server(("127.0.0.1", http.server_port))
        http.closing = threading.Event()
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield http.script
        finally:
            http.closing.set()
            http.shutdown()
            thread.join()
