"""The cookies of sign-in, and whether a request comes from our own pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import cookie_parser
from starlette.responses import Response

SESSION: Final = "somnolink_session"
"""Holds the session's token."""

PROVIDER: Final = "somnolink_oidc"
"""Holds what a sign-in by OpenID Connect needs when the browser comes back."""


def cookie_name(scheme: str, name: str = SESSION) -> str:
    """What a cookie is called: over HTTPS no other host, and no page by plain HTTP, can set one of that name."""
    return f"__Host-{name}" if scheme == "https" else name


def cookie(scheme: str, header: str, name: str = SESSION) -> str:
    """A cookie's value among those of a request; empty if there is none."""
    return cookie_parser(header).get(cookie_name(scheme, name), "")


def put_cookie(answer: Response, scheme: str, value: str, name: str = SESSION, *, max_age_s: int | None = None) -> None:
    """Give the browser a cookie that no script can read; without `max_age_s` it ends with the browser."""
    answer.set_cookie(
        cookie_name(scheme, name),
        value,
        max_age=max_age_s,
        path="/",
        secure=scheme == "https",
        httponly=True,
        samesite="lax",
    )


def remove_cookie(answer: Response, scheme: str, name: str = SESSION) -> None:
    """Have the browser forget a cookie."""
    answer.delete_cookie(cookie_name(scheme, name), path="/", secure=scheme == "https", httponly=True, samesite="lax")


def is_same_origin(scheme: str, headers: Mapping[str, str]) -> bool | None:
    """Whether one of our own pages asks; None if the request does not say, as it is with programs.

    Browsers send `Sec-Fetch-Site` over HTTPS and to this machine, and `Origin` with whatever changes something.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return None if origin is None else origin == f"{scheme}://{headers.get('host', '')}"
