"""What stands before every request: limits, the token, and the headers that keep a browser safe?"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from starlette.responses import Response

from flarescope.serving.access import OPEN_PATHS, from_foreign_page, has_token, names_us
from flarescope.serving.answers import Problem
from flarescope.serving.clients import Buckets, client_of, seconds
from flarescope.serving.metrics import Metrics
from flarescope.serving.settings import Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_LOG: Final = logging.getLogger(__name__)
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="flarescope", Basic realm="flarescope", charset="UTF-8"'}


class Guard:
    """An ASGI application around another one."""

    def __init__(self, app: App, settings: Settings, metrics: Metrics, buckets: Buckets, bytes_held: "Held") -> None:
        """Stand before `app`."""
        self._app, self._settings, self._metrics = app, settings, metrics
        self._buckets, self._held = buckets, bytes_held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it be answered."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        began, status, method = time.perf_counter(), list[int](), scope["method"]
        if method == "HEAD":  # as GET, without the body; the server's own scope stays as it is
            scope = {**scope, "method": "GET"}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])
                message["headers"] = [*message.get("headers", []), *HEADERS]
            elif method == "HEAD":
                message["body"] = b""
            await send(message)

        try:
            await self._answer(scope, receive, sending)
        except Exception:
            _LOG.exception("a fault of flarescope: %s %r", method, scope["path"])
            if not status:
                problem = Problem(500, "a fault of the server's; it is told on its standard error")
                await problem.response()(scope, receive, sending)
        finally:
            self._metrics.answered(method, status[0] if status else 500, time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        peer = (scope.get("client") or (None,))[0]
        scope["flarescope_client"] = client_of(peer, headers, behind_proxy=self._settings.behind_proxy)
        refused = self._refusal(scope, headers)
        if refused is not None:
            await refused(scope, receive, send)
            return
        limits = self._settings.limits
        body = Body(receive, self._held, most=limits.upload_bytes, within_s=limits.body_s, gap_s=limits.gap_s)
        try:
            await self._app(scope, body.receive, send)
        finally:
            body.forget()

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        """Say why a request is not answered, if it is not."""
        settings, method = self._settings, scope["method"]
        if not names_us(headers.get("host", ""), settings):
            return Problem(421, "another host is asked for; expected a name that this server goes by").response()
        wait = self._buckets.take(scope["flarescope_client"])
        if wait:
            after = seconds(wait)
            said = f"more requests than one client has; ask again in {after} s"
            return Problem(429, said, headers={"Retry-After": after}).response()
        if settings.token and scope["path"] not in OPEN_PATHS:
            if not has_token(headers.get("authorization", ""), settings.token):
                return Problem(401, "a token is needed", headers=CHALLENGE).response()
        if from_foreign_page(method, headers):
            return Problem(403, "a page of another origin sent this; open the page of this server").response()
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > settings.limits.upload_bytes:
            return too_large(settings.limits.upload_bytes).response()
        return None


def too_large(most: int) -> Problem:
    """Say that a body is too large; the connection ends with it, for the rest is not read."""
    return Problem(413, f"more than {most:,} bytes; send fewer or smaller images", headers={"Connection": "close"})


class Held:
    """How many bytes of bodies are held, of all clients together."""

    def __init__(self, most: int) -> None:
        """Begin with none."""
        self.most, self.now = most, 0


class Body:
    """A request's body on its way: it has a size, a time, and no long silence.

    What arrives counts as held until the request ends; a client that sends slowly holds what it has sent, and nobody.
    """

    def __init__(self, receive: Receive, held: Held, *, most: int, within_s: float, gap_s: float) -> None:
        """Begin with nothing received."""
        self._receive, self._held, self._most, self._gap_s = receive, held, most, gap_s
        self._within_s = within_s
        self._end: float | None = None
        self._size, self._whole = 0, False

    async def receive(self) -> Message:
        """Give the next piece.

        Raises:
            Problem: 413 too large, 408 too slow, 503 too much is held of all clients.
        """
        if self._whole:  # what follows is that the client leaves
            return await self._receive()
        now = time.monotonic()
        self._end = now + self._within_s if self._end is None else self._end
        try:
            async with asyncio.timeout(min(self._gap_s, max(self._end - now, 0.0))):
                message = await self._receive()
        except TimeoutError:
            raise Problem(408, "the body came too slowly", headers={"Connection": "close"}) from None
        piece = len(message.get("body", b""))
        self._size += piece
        self._held.now += piece
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        if self._size > self._most:
            raise too_large(self._most)
        if self._held.now > self._held.most:
            raise Problem(503, "too many uploads at once; ask again in 5 s", headers={"Retry-After": "5"})
        return message

    def forget(self) -> None:
        """Let go of what was held."""
        self._held.now -= self._size
        self._size = 0
