"""The cookies of sign-in, and who asks."""

from __future__ import annotations

import pytest
from starlette.responses import Response

from gateway.service.api.cookies import PROVIDER, cookie, is_same_origin, put_cookie, remove_cookie


@pytest.mark.parametrize(("scheme", "name", "secure"), [("http", "", False), ("https", "__Host-", True)])
def test_a_cookie_is_for_this_host_alone(scheme: str, name: str, secure: bool) -> None:
    answer = Response()
    put_cookie(answer, scheme, "text")
    remove_cookie(answer, scheme, PROVIDER)
    given, removed = answer.headers.getlist("set-cookie")
    assert given.startswith(f"{name}somnolink_session=text; ")
    assert removed.startswith(f'{name}somnolink_oidc=""; ')
    for one in (given, removed):
        attributes = {part.strip().lower() for part in one.split(";")[1:]}
        assert {"httponly", "path=/", "samesite=lax"} <= attributes
        assert ("secure" in attributes) == secure
        assert not any(part.startswith("domain") for part in attributes)
    assert "max-age=0" in removed.lower()
    assert "max-age" not in given.lower()


def test_each_scheme_has_a_cookie_of_its_own() -> None:
    header = "other=1; somnolink_session=plain; __Host-somnolink_session=safe"
    assert (cookie("http", header), cookie("https", header), cookie("https", header, PROVIDER)) == ("plain", "safe", "")
    assert cookie("https", "somnolink_session=plain") == ""
    for broken in ("", "=;;=", "somnolink_session", "\x00=\x00"):
        assert cookie("http", broken) == ""


@pytest.mark.parametrize("other", ["a[b]=1", 'q="', "=", "ü=ü", "a=b=c", "no value"])
def test_a_cookie_that_is_none_of_ours_hides_ours_from_nobody(other: str) -> None:
    assert cookie("http", f"{other}; somnolink_session=text; {other}") == "text"


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-site", "origin": "https://a.example"}, False),
        ({"origin": "https://a.example", "host": "a.example"}, True),
        ({"origin": "http://a.example", "host": "a.example"}, False),
        ({"origin": "https://a.example:8443", "host": "a.example"}, False),
        ({"origin": "null", "host": "a.example"}, False),
        ({"host": "a.example"}, None),
    ],
)
def test_who_asks_is_told_by_the_browser(headers: dict[str, str], same: bool | None) -> None:
    assert is_same_origin("https", headers) is same
