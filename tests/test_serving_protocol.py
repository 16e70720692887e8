"""Does a client that sends or reads too slowly lose its connection, and nobody else's?"""

import asyncio
import contextlib
import socket

import pytest
import uvicorn

from flarescope.serving.protocol import MOST_HEAD_BYTES, protocol_of

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def app(scope, receive, send):
    """Answer with as many bytes as the path says."""
    size = int(scope["path"][1:] or 2)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(size).encode())]})
    await send({"type": "http.response.body", "body": b"x" * size})


@contextlib.asynccontextmanager
async def connected(header_s, *, keep_alive=60):
    """Give the reader and writer of a connection to a server in this process."""
    listening = socket.create_server(("127.0.0.1", 0))
    options = {
        "ws": "none",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "timeout_keep_alive": keep_alive,
    }
    server = uvicorn.Server(uvicorn.Config(app, http=protocol_of(header_s), **options))
    server.capture_signals = contextlib.nullcontext
    task = asyncio.create_task(server.serve(sockets=[listening]))
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        server.should_exit = True
        await task


def run(header_s, *pieces, keep_alive=60):
    """Send pieces, and give what comes until the server ends the connection."""

    async def ask():
        async with connected(header_s, keep_alive=keep_alive) as (reader, writer):
            writer.write(b"".join(pieces))
            with contextlib.suppress(ConnectionError):
                return await reader.read()
            return b"reset"

    return asyncio.run(ask())


@pytest.mark.parametrize("pieces", [[], [b"GET / HTT"], [REQUEST[:-2]], [REQUEST, REQUEST[:5]]])
def test_a_head_that_does_not_come_ends_the_connection(pieces):
    found = run(0.05, *pieces)
    assert found.count(b"200 OK") == (REQUEST in pieces)


def test_a_head_without_end_ends_the_connection():
    found = run(60, b"GET / HTTP/1.1\r\n", b"a: b\r\n" * (MOST_HEAD_BYTES // 6 + 100))
    assert b"200" not in found


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
        b"GET / HTTP/1.1\r\na: " + b"b" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"1" * 100_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_a_head_that_is_here_whole_and_too_long_is_not_answered(head):
    assert b"200" not in run(60, head)


@pytest.mark.parametrize(
    "endless", [b"0\r\n" + b"a: b\r\n" * 30_000, b"0\r\na: " + b"b" * 200_000, b"1;" + b"x" * 200_000]
)
def test_trailers_and_words_beside_a_chunk_have_an_end(endless):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def ask():
        async with connected(60) as (reader, writer):
            writer.write(head + b"1\r\nx\r\n" + endless)
            with contextlib.suppress(ConnectionError):
                await reader.read()  # it ends
            return True

    assert asyncio.run(asyncio.wait_for(ask(), 30))


def test_requests_that_come_at_once_are_all_answered():
    body = b"POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n" + b"x" * 150_000
    last = REQUEST.replace(b"Host: a", b"Host: a\r\nConnection: close")
    assert run(60, *[REQUEST] * 4000, body, last).count(b"200 OK") == 4002


def test_a_connection_that_brings_nothing_more_ends_after_its_answer():
    assert run(60, REQUEST, keep_alive=0).count(b"200 OK") == 1


def test_an_answer_that_nobody_reads_is_not_kept_for_ever():
    async def ask():
        async with connected(60, keep_alive=0) as (reader, writer):
            reader._transport.pause_reading()
            writer.write(REQUEST.replace(b"GET /", b"GET /50000000"))
            writer.transport.get_extra_info("socket")
            await asyncio.sleep(0.5)  # several looks at what is still unread
            reader._transport.resume_reading()
            with contextlib.suppress(ConnectionError):
                return len(await reader.read())
            return 0

    assert asyncio.run(ask()) < 50_000_000
