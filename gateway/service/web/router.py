"""Lets requests for pages through: by a session, by the gate, and to NiceGUI; the rest goes on to the API.

Everything is closed that is not opened here: a page to who has no session (sent to sign in), to whom the gate refuses
(told so in the page's frame), and a socket to whoever is not the one for whom its page was built.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.errors import SomnolinkError, StoreError
from gateway.service.access import Principal
from gateway.service.access.gate import Target
from gateway.service.api.cookies import cookie
from gateway.service.web.context import PageContext, Site
from gateway.service.web.failure import Failure
from gateway.service.web.registry import Page, find
from gateway.service.web.static_files import SIGN_IN
from gateway.service.web.visit import Visit

SIGN_IN_PATH: Final = "/sign-in"
ACCOUNT_PATH: Final = "/account"
"""Where somebody who has to set up a second factor does so, before anything else."""

NICEGUI_FILES: Final = "/_nicegui/"
NICEGUI_SOCKET: Final = "/_nicegui_ws/"

_NO_PROVIDER: Final = 'data-name=""'
_READING: Final = frozenset({"GET", "HEAD"})
_POLICY: Final = 1008
"""A socket that is refused is closed with this code (RFC 6455, 7.4.1)."""


class Pages:
    """ASGI middleware: answers what is for a page, its files or its socket, and passes on the rest."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        path = scope.get("path", "")
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        elif path.startswith(NICEGUI_FILES) and scope["method"] in _READING:
            await self._file(scope, receive, send)
        elif path == SIGN_IN_PATH and scope["method"] in _READING:
            await self._sign_in(scope, receive, send)
        elif is_page(path) and scope["method"] in _READING:
            await self._page(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _sign_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give the page to sign in: a plain one, so that nobody who has not signed in reaches NiceGUI."""
        text = await run_in_threadpool(SIGN_IN.read_text, "utf-8")
        provider = self._site.context.sign_in.provider_name
        if provider is not None:
            text = text.replace(_NO_PROVIDER, f'data-name="{escape(provider)}"', 1)
        await HTMLResponse(text)(scope, receive, send)

    async def _file(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give what NiceGUI's pages are made of, to anyone. Of what else is asked for there it would make a page."""
        from gateway.service.web.runtime import FILES

        if scope["path"].startswith(FILES):
            await (await _nicegui())(scope, receive, send)
        else:
            await PlainTextResponse("there is no such file", 404)(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = session_of(scope)
        try:
            who = await run_in_threadpool(self._site.context.sign_in.principal, token) if token else None
        except StoreError:
            await _plainly(503, "The data cannot be read for now. Nothing is lost; try again.")(scope, receive, send)
            return
        found = find(scope["path"])
        if who is None or who.user is None or found is None:
            await RedirectResponse(_to_sign_in(scope), 303)(scope, receive, send)
            return
        if who.limited and scope["path"] != ACCOUNT_PATH:
            await RedirectResponse(ACCOUNT_PATH, 303)(scope, receive, send)
            return
        scope.setdefault("state", {})["visit"] = await run_in_threadpool(self._visit, scope, token, who, *found)
        scope["route"] = found[0]  # under whose path the time that it takes is counted
        await (await _nicegui())(dict(scope), receive, send)

    def _visit(self, scope: Scope, token: str, who: Principal, page: Page, ids: Mapping[str, str]) -> Visit:
        """Ask the gate, on a thread."""
        user = who.user
        assert user is not None
        client = scope.get("client")
        at = PageContext(
            site=self._site,
            who=who,
            token=token,
            zone=self._site.zone,
            address=client[0] if client else "",
            url=self._url(scope),
            path=scope["path"],
            query=dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"))),
        )
        try:
            self._site.gate.enter(
                who,
                page.action,
                page.target,
                {"clinic": user.clinic, **ids},
                address=at.address,
                what=f"GET {at.path}",
            )
            shown = ids.get("patient") if page.target is Target.PATIENT else user.patient
            at.zone = self._zone(shown)
        except SomnolinkError as error:
            return Visit(self._site, at, page, ids, Failure.of(error))
        return Visit(self._site, at, page, ids)

    def _url(self, scope: Scope) -> str:
        """Where people find the service: as the settings say, else as this request found it."""
        return self._site.context.sign_in.public_url or f"{scope['scheme']}://{Headers(scope=scope).get('host', '')}"

    def _zone(self, patient: str | None) -> str:
        found = None if patient is None else self._site.context.records.people.patient(patient)
        return self._site.zone if found is None else found.zone

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(NICEGUI_SOCKET) and await self._is_its_own(scope):
            await (await _nicegui())(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": _POLICY, "reason": "not yours"})

    async def _is_its_own(self, scope: Scope) -> bool:
        """True for the socket of an open page of this site, from its own origin and by its own session."""
        from gateway.service.web.runtime import client_of, visit_of

        headers, token = Headers(scope=scope), session_of(scope)
        client = client_of(scope.get("query_string", b""))
        visit = None if client is None else visit_of(client)
        if visit is None or visit.site is not self._site or not token or visit.at.token != token:
            return False
        if urlsplit(headers.get("origin", "")).netloc != headers.get("host", ""):
            return False
        try:
            return await run_in_threadpool(self._is_on, token)
        except StoreError:
            return False

    def _is_on(self, token: str) -> bool:
        return self._site.context.sign_in.principal(token, used=False) is not None


def is_page(path: str) -> bool:
    """Whether NiceGUI answers there, with a page."""
    return find(path) is not None


def session_of(scope: Scope) -> str:
    """What the session's cookie holds; empty without one."""
    scheme = "https" if scope["scheme"] in ("https", "wss") else "http"
    return cookie(scheme, Headers(scope=scope).get("cookie", ""))


def _to_sign_in(scope: Scope) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    wanted = scope["path"] + (f"?{query}" if query else "")
    return SIGN_IN_PATH if wanted == "/" else f"{SIGN_IN_PATH}?next={quote(wanted, safe='/')}"


def _plainly(status: int, text: str) -> Response:
    return PlainTextResponse(text, status, {"Retry-After": "5"})


async def _nicegui() -> ASGIApp:
    from gateway.service.web.runtime import start

    return await start()
