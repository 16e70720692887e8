"""How long may a client take for the head of a request, and for reading an answer?

uvicorn waits for ever for both. A connection that is silent there costs little, and many of them cost all.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES: Final = 64 << 10


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's connection, which ends where the head of a request is late or too long, or nobody reads the answer.

    As a head counts whatever is no body: trailers and the words beside a chunk's size too, which no other limit meets.
    """

    header_s = 10.0
    _late: asyncio.TimerHandle | None = None
    _bare_bytes = 0
    _told_bytes = 0
    _unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a first request."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Wait for the head of the next request, from its first byte on."""
        if self._late is None:
            self._await_head()
        self._bare_bytes = self._told_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count it."""
        self._tell(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count it, or that of a trailer."""
        self._tell(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Let it be counted where bodies are."""
        self._bare_bytes = 0
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """The head is here."""
        self._stop_waiting()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Take bytes; no more than `MOST_HEAD_BYTES` without a piece of a body."""
        self._bare_bytes += len(data)
        super().data_received(data)
        if self._bare_bytes > MOST_HEAD_BYTES:
            self.transport.abort()

    def timeout_keep_alive_handler(self) -> None:
        """End a connection that brings no other request; where an answer is still being read, wait as long again."""
        left = self.transport.get_write_buffer_size()
        if not left:
            super().timeout_keep_alive_handler()
        elif self._unread and left >= self._unread:
            self.transport.abort()
        else:
            self._unread = left
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _tell(self, count: int) -> None:
        """Count bytes of a head that is here whole, and so was not met by the count of what comes."""
        self._told_bytes += count
        if self._told_bytes > MOST_HEAD_BYTES:
            raise ValueError("too long a head")  # uvicorn answers 400

    def _await_head(self) -> None:
        self._late = self.loop.call_later(self.header_s, self._end)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _end(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()


def protocol_of(header_s: float) -> type[Any]:
    """Give the protocol with a time for heads, seconds."""
    return type("Protocol", (PatientProtocol,), {"header_s": header_s})
