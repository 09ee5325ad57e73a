"""Headers that tell browsers to trust nothing but ourselves."""

from __future__ import annotations

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
    """ASGI middleware: `SECURITY_HEADERS` on every answer, and no caching of what is not a static file."""

    def __init__(self, app: ASGIApp, cacheable: tuple[str, ...] = ()) -> None:
        self._app = app
        self._cacheable = cacheable

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and amend the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def amended(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = TRANSPORT_SECURITY
                # A night is health data: no browser or proxy keeps it. Static files are asked for again each time.
                headers["Cache-Control"] = "no-cache" if scope["path"].startswith(self._cacheable) else "no-store"
            await send(message)

        await self._app(scope, receive, amended)
