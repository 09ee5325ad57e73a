"""Headers that tell browsers to trust nothing but ourselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""No inline script or style, nothing from elsewhere."""

PAGE_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""For the pages that NiceGUI makes: it starts by an inline script, and Vue compiles its templates in the browser."""

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

TRANSPORT_SECURITY: Final = "max-age=31536000"
"""A year of HTTPS alone (RFC 6797), said over HTTPS only, as over plain HTTP it means nothing.

Without `includeSubDomains`: the clinic's other hosts are not ours to speak for.
"""


class SecurityHeaders:
    """ASGI middleware: `SECURITY_HEADERS` on every answer, and no caching of what is not a static file.

    Parameters
    ----------
    cacheable : tuple of str
        Beginnings of paths of static files: kept, but asked for again each time.
    lasting : tuple of str
        Beginnings of paths that name a version: what they say of being kept stands.
    is_page : callable
        Whether a path is a page's, for which `PAGE_POLICY` stands instead of `CONTENT_POLICY`.
    """

    def __init__(
        self,
        app: ASGIApp,
        cacheable: tuple[str, ...] = (),
        lasting: tuple[str, ...] = (),
        is_page: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._app = app
        self._cacheable = cacheable
        self._lasting = lasting
        self._is_page = is_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and amend the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def amended(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                path = scope["path"]
                headers.update(SECURITY_HEADERS)
                if self._is_page(path):
                    headers["Content-Security-Policy"] = PAGE_POLICY
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = TRANSPORT_SECURITY
                # A night is health data: no browser or proxy keeps it. Static files are asked for again each time.
                if not (path.startswith(self._lasting) and message["status"] == 200):
                    headers["Cache-Control"] = "no-cache" if path.startswith(self._cacheable) else "no-store"
            await send(message)

        await self._app(scope, receive, amended)
