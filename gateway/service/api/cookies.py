"""The session's cookie, and whether a request comes from our own pages."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.responses import Response

_NAME: Final = "somnolink_session"


def cookie_name(scheme: str) -> str:
    """What the cookie is called: over HTTPS no other host, and no page by plain HTTP, can set one of that name."""
    return f"__Host-{_NAME}" if scheme == "https" else _NAME


def session_token(scheme: str, header: str) -> str:
    """The session's token of a request's cookies; empty if there is none."""
    try:
        found = SimpleCookie(header).get(cookie_name(scheme))
    except CookieError:
        return ""
    return "" if found is None else found.value


def put_cookie(answer: Response, scheme: str, token: str) -> None:
    """Give the browser the session's token: it ends with the browser, and no script can read it."""
    answer.set_cookie(cookie_name(scheme), token, path="/", secure=scheme == "https", httponly=True, samesite="lax")


def remove_cookie(answer: Response, scheme: str) -> None:
    """Have the browser forget the session's token."""
    answer.delete_cookie(cookie_name(scheme), path="/", secure=scheme == "https", httponly=True, samesite="lax")


def is_same_origin(scheme: str, headers: Mapping[str, str]) -> bool | None:
    """Whether one of our own pages asks; None if the request does not say, as it is with programs.

    Browsers send `Sec-Fetch-Site` over HTTPS and to this machine, and `Origin` with whatever changes something.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return None if origin is None else origin == f"{scheme}://{headers.get('host', '')}"
