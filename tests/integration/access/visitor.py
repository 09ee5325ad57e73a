"""A page as its browser has it, without a browser: its elements, and a socket that sends whatever a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import re
from typing import Any

import httpx
import socketio

_ASKING = httpx.Client(timeout=20)
"""One for all: making one takes longer than most answers. It is given no cookies to keep."""

WITHIN_S = 10.0
"""How long a test waits for what has to come."""


def ask(url: str, path: str, token: str = "", **headers: str) -> httpx.Response:
    """Ask for a page with a session's cookie, or without one."""
    if token:
        headers["Cookie"] = f"somnolink_session={token}"
    return _ASKING.get(url + path, headers=headers)


class Visitor:
    """An open page.

    Attributes
    ----------
    told : list
        Messages of the server, (name, content), in order.
    """

    def __init__(self, url: str, path: str, token: str) -> None:
        self.url, self.token = url, token
        answer = ask(url, path, token)
        assert answer.status_code == 200, answer.text
        found = re.search(r"String\.raw`(.*?)`", answer.text, re.DOTALL)
        client = re.search(r"'client_id': '([0-9a-f-]{36})'", answer.text)
        assert found is not None
        assert client is not None
        self.elements: dict[str, dict[str, Any]] = json.loads(html.unescape(found[1]))
        self.client = client[1]
        self.told: list[tuple[str, Any]] = []
        self._sio = socketio.AsyncClient(reconnection=False)
        self._news = asyncio.Event()
        self._sio.on("*", self._take)

    def _take(self, name: str, content: Any = None) -> None:
        self.told.append((name, content))
        if name == "update":
            for key, value in content.items():
                if key != "_id" and value is not None:
                    self.elements[key] = value
        self._news.set()

    async def connect(
        self, *, token: str | None = None, origin: str | None = None, client: str | None = None
    ) -> Visitor:
        """Open the socket, as the page's script does; a test may put something else in place of what it sends."""
        token = self.token if token is None else token
        query = f"client_id={self.client if client is None else client}&next_message_id=0&implicit_handshake=true"
        query += "&document_id=d&tab_id=t&old_tab_id=null"
        headers = {"Origin": self.url if origin is None else origin}
        if token:
            headers["Cookie"] = f"somnolink_session={token}"
        await self._sio.connect(
            f"{self.url}?{query}",
            headers=headers,
            transports=["websocket"],
            socketio_path="/_nicegui_ws/socket.io",
            wait_timeout=WITHIN_S,
        )
        return self

    async def __aenter__(self) -> Visitor:
        return await self.connect()

    async def __aexit__(self, *_: object) -> None:
        await self._sio.disconnect()

    def events(self, kind: str = "click") -> list[tuple[str, str]]:
        """Every (element, listener) of a kind that the page has."""
        return [
            (key, listener["listener_id"])
            for key, element in self.elements.items()
            for listener in element.get("events", ())
            if listener["type"] == kind
        ]

    def button(self, label: str) -> tuple[str, str]:
        """The first button of that label."""
        for key, listener in self.events():
            if self.elements[key].get("props", {}).get("label") == label:
                return key, listener
        raise AssertionError(f"there is no button {label}")

    async def send(self, event: tuple[str, str], args: object = None, client: str | None = None) -> None:
        """Send an event of the page (or of another's, by `client`)."""
        element, listener = event
        message = {
            "id": int(element),
            "client_id": client or self.client,
            "listener_id": listener,
            "args": [json.dumps(args or {})],
        }
        await self._sio.emit("event", message)

    async def hears(self, name: str, since: int = 0) -> Any:
        """The content of the next message of a name, of those behind the first `since`."""

        async def wait() -> Any:
            while True:
                for told, content in self.told[since:]:
                    if told == name:
                        return content
                self._news.clear()
                await self._news.wait()

        return await asyncio.wait_for(wait(), WITHIN_S)

    async def quiet(self, seconds: float = 0.3) -> None:
        """Let come what comes."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), seconds)
