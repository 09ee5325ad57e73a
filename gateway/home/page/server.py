"""A small HTTP server for the page: two addresses, GET and HEAD, one answer a connection. Reads nothing but requests.

No framework: the home gateway has 150 MB, and two read-only answers need none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import tzinfo
from http import HTTPStatus
from typing import Final

import msgspec

from gateway.errors import ServerError
from gateway.home.conditions import HomeFacts
from gateway.home.page.render import page_html, page_status

REQUEST_S: Final = 5.0
"""A browser on the home's network sends its request at once; who does not is not waited for."""

HEAD_BYTES: Final = 16 * 1024
AT_ONCE: Final = 16
"""Connections served at a time; more are closed unread."""

HEADERS: Final = (
    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: "
    "no-referrer\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\nConnection: close\r\n"
)

log = logging.getLogger(__name__)


class Page:
    """The page's answers.

    Parameters
    ----------
    facts : callable
        What is so now; called for each request.
    zone : tzinfo
        In which times are told.
    """

    def __init__(self, facts: Callable[[], HomeFacts], zone: tzinfo) -> None:
        self._facts = facts
        self._zone = zone
        self._open = 0

    @asynccontextmanager
    async def serve(self, host: str, port: int) -> AsyncIterator[int]:
        """Serve for the length of the block; gives the port (another than asked for where that was 0).

        Raises
        ------
        ServerError
            The port is taken, or the host is none of this computer's.
        """
        try:
            server = await asyncio.start_server(self._client, host, port, limit=HEAD_BYTES)
        except OSError as error:
            raise ServerError(f"the page cannot be shown at {host}:{port}: {error.strerror or error}") from None
        async with server:
            yield int(server.sockets[0].getsockname()[1])

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= AT_ONCE:
                async with asyncio.timeout(REQUEST_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self.answer(head))
                    await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
            log.debug("a request to the page came to nothing: %s", error)
        finally:
            self._open -= 1
            writer.close()

    def answer(self, head: bytes) -> bytes:
        """Return the whole response to a request's head."""
        method, _, rest = head.split(b"\r\n", 1)[0].partition(b" ")
        target = rest.split(b" ", 1)[0].split(b"?", 1)[0]
        if method not in (b"GET", b"HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"GET and HEAD only\n", method)
        if target == b"/":
            body = page_html(self._facts(), self._zone).encode()
            return _response(HTTPStatus.OK, "text/html; charset=utf-8", body, method)
        if target == b"/status.json":
            return _response(HTTPStatus.OK, "application/json", msgspec.json.encode(page_status(self._facts())), method)
        return _response(HTTPStatus.NOT_FOUND, "text/plain", b"nothing here\n", method)


def _response(status: HTTPStatus, kind: str, body: bytes, method: bytes) -> bytes:
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return (head + HEADERS + "\r\n").encode() + (b"" if method == b"HEAD" else body)
