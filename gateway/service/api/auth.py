"""Bearer tokens (RFC 6750), else the session's cookie: every path is closed unless it is listed as public."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.clock import Clock
from gateway.errors import StoreUnavailableError
from gateway.service.access import Principal
from gateway.service.api.cookies import cookie, is_same_origin
from gateway.service.api.problems import problem
from gateway.service.records import Records
from gateway.service.sign_in import SignIn
from gateway.service.sign_in.codes import text_hash
from gateway.service.sign_in.tokens import SCOPES, TokenScope, create_token

__all__ = ["READING", "SCOPES", "AccessRule", "Authentication", "TokenScope", "create_token", "token_hash"]

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def token_hash(token: str) -> str:
    """SHA-256 of a token, hex. A plain hash will do: the token is 256 random bits, not a password."""
    return text_hash(token)


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Which paths are open, and what scope the others take.

    Attributes
    ----------
    public : collection of str
        Paths, exact, that anyone may read.
    public_folders : tuple of str
        Beginnings of paths, each ending in ``/``, of files that anyone may read.
    scopes : mapping of str to str
        Paths that take another scope than `default`.
    doors : frozenset of (str, str)
        Methods and paths by which people, and boxes, come in.
    """

    public: Collection[str]
    public_folders: tuple[str, ...] = ()
    scopes: Mapping[str, TokenScope] = field(default_factory=dict)
    default: TokenScope = "read"
    doors: frozenset[tuple[str, str]] = frozenset()

    def is_public(self, path: str) -> bool:
        """True if anyone may read it."""
        return path in self.public or path.startswith(self.public_folders)

    def scope_of(self, path: str, method: str = "GET") -> TokenScope:
        """The scope that a token needs for it."""
        return self.scopes.get(path, self.default) if method in READING else "write"


class Authentication:
    """ASGI middleware that lets a request through only with a token or session that is known, in time and sufficient.

    A bearer token comes first. A browser sends its cookie whoever's page made it ask: so what is to be changed by a
    session, or opened by a door, must have been asked for by one of our own pages.
    """

    def __init__(self, app: ASGIApp, records: Records, clock: Clock, rule: AccessRule, sign_in: SignIn) -> None:
        self._app = app
        self._records = records
        self._clock = clock
        self._rule = rule
        self._sign_in = sign_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 or 403 as a problem document, or pass the request on."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and self._rule.is_public(scope["path"])):
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008, "reason": "no such socket"})
            return
        headers, changes = Headers(scope=scope), scope["method"] not in READING
        same = is_same_origin(scope["scheme"], headers)
        if (scope["method"], scope["path"]) in self._rule.doors:
            if changes and same is False:
                await _elsewhere(scope, receive, send)
            else:
                await self._app(scope, receive, send)
            return
        text = _bearer(headers.get("authorization", ""))
        session = "" if text else cookie(scope["scheme"], headers.get("cookie", ""))
        try:
            who = await run_in_threadpool(self._who, text, session)
        except StoreUnavailableError:
            await problem(503, "tokens cannot be checked for now; try again", headers={"Retry-After": "5"})(
                scope, receive, send
            )
            return
        if who is None:
            await _refused(text, session)(scope, receive, send)
            return
        if session and changes and not same:
            await _elsewhere(scope, receive, send)
            return
        needed = self._rule.scope_of(scope["path"], scope["method"])
        if needed not in who.scopes:
            challenge = f'Bearer realm="somnolink", error="insufficient_scope", scope="{needed}"'
            detail = f"the token lacks the scope {needed}"
            await problem(403, detail, headers={"WWW-Authenticate": challenge})(scope, receive, send)
            return
        scope.setdefault("state", {})["principal"] = who
        await self._app(scope, receive, send)

    def _who(self, text: str, session: str) -> Principal | None:
        if text:
            return self._principal(text)
        return self._sign_in.principal(session) if session else None

    def _principal(self, text: str) -> Principal | None:
        """Who has that token; None if nobody, no longer, or if its user is kept out."""
        token = self._records.tokens.find(token_hash(text))
        if token is None or (token.expires_ms is not None and self._clock.utc_ms() >= token.expires_ms):
            return None
        if token.user is None:
            return Principal(token.name, token.scopes)
        user = self._records.users.get(token.user)
        if user is None or user.disabled_ms is not None:
            return None
        return Principal(user.name, token.scopes, user)


def _refused(text: str, session: str) -> Response:
    if session and not text:
        detail = "the session is over: sign in"
    else:
        detail = "the token is not valid" if text else "this resource needs a token: Authorization: Bearer ..."
    challenge = 'Bearer realm="somnolink"' + (', error="invalid_token"' if text else "")
    return problem(401, detail, headers={"WWW-Authenticate": challenge})


async def _elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
    await problem(403, "this was asked for by a page that is none of this service")(scope, receive, send)


def _bearer(header: str) -> str:
    kind, _, text = header.partition(" ")
    return text.strip() if kind.lower() == "bearer" else ""
