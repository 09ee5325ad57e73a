"""Signing in by OpenID Connect, with a provider that runs: who is let in, and each way in which somebody is not."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import OctKey, RSAKey

from gateway.errors import ConfigurationError
from gateway.service.api import ServiceStatus, create_app, serve
from gateway.service.records import User
from gateway.service.sign_in import SignIn
from gateway.service.sign_in.passwords import Passwords
from gateway.settings import SignInSettings
from tests.integration.access.scene import QUICK
from tests.integration.api import synthetic
from tests.integration.sign_in.conftest import COOKIE, PASSWORD, Entrance
from tests.servers.oidc_provider import OidcProvider, Person

NOW_S = synthetic.NOW_MS // 1000


@pytest.fixture(scope="module")
def running() -> Iterator[OidcProvider]:
    with OidcProvider(lambda: NOW_S) as provider:
        yield provider


@pytest.fixture
def provider(running: OidcProvider) -> Iterator[OidcProvider]:
    """As it should be, whatever a test makes of it."""
    right = dict(vars(running))
    running.answers, running.asked = {}, []
    yield running
    vars(running).update(right)


@pytest.fixture(scope="module")
def settings(running: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> SignInSettings:
    file = tmp_path_factory.mktemp("secret") / "client-secret"
    file.write_text(running.secret + "\n")
    return SignInSettings(
        oidc_issuer=running.issuer,
        oidc_client_id=running.client,
        oidc_client_secret_file=str(file),
        oidc_name="The clinic's directory",
    )


def person(user: User, **more: object) -> Person:
    return {"sub": f"subject of {user.id}", "email": user.name, "email_verified": True, **more}


def go(entrance: Entrance, browser: httpx.Client | None = None) -> tuple[httpx.Client, str]:
    """Sign in by the provider as a browser does; returns where it ended up."""
    browser = browser or entrance.browser()
    answer = browser.get("/oidc/start")
    for _ in range(3):
        where = answer.headers["location"]
        if not where.startswith("http"):
            return browser, where
        answer = browser.get(where)
    raise AssertionError("sent round in circles")


def refused(entrance: Entrance, caplog: pytest.LogCaptureFixture) -> tuple[str, str]:
    """The reason with which somebody is sent back to sign in, and the one line that tells it."""
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="gateway.service.api.routes.session"):
        browser, where = go(entrance)
    assert COOKIE not in browser.cookies
    assert browser.get("/me").status_code == 401
    (line,) = [one.getMessage() for one in caplog.records]
    assert "\n" not in line
    path, _, reason = where.partition("?refused=")
    assert path == "/sign-in"
    return reason, line.removeprefix("sign-in by the provider refused: ")


def test_a_known_user_is_let_in_and_sent_to_the_first_page(entrance: Entrance, provider: OidcProvider) -> None:
    user = entrance.user(password=None)
    provider.person = person(user)
    assert entrance.browser().get("/oidc").json() == {"name": "The clinic's directory"}
    browser, where = go(entrance)
    assert where == "/"
    assert browser.get("/me").json()["id"] == user.id
    assert [told["way"] for told in browser.get("/sessions").json()] == ["provider"]
    assert [(one.action, one.what) for one in entrance.audit(user)][-1] == ("sign_in", "provider")
    assert not any("oidc" in name for name in browser.cookies)


def test_once_bound_the_subject_counts_and_nothing_else(entrance: Entrance, provider: OidcProvider) -> None:
    user, other = entrance.user(password=None), entrance.user(password=None)
    provider.person = person(user)
    go(entrance)
    provider.person = {"sub": f"subject of {user.id}", "email": other.name, "email_verified": False}
    browser, _ = go(entrance)
    assert browser.get("/me").json()["id"] == user.id
    provider.person = person(user, sub="somebody who was given the address later")
    assert go(entrance)[1] == "/sign-in?refused=not_known"
    assert len(entrance.records.users.list()) == len({one.name for one in entrance.records.users.list()})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"email_verified": False}, id="not verified"),
        pytest.param({"email_verified": "true"}, id="verified in words"),
        pytest.param({"email_verified": None}, id="nothing said of it"),
        pytest.param({"email": "nobody-here@example.org"}, id="no such user"),
        pytest.param({"email": ["a"]}, id="no text"),
        pytest.param({"email": "a\x00b"}, id="no text that a database takes"),
    ],
)
def test_who_is_no_user_here_is_not_made_one(
    entrance: Entrance, provider: OidcProvider, caplog: pytest.LogCaptureFixture, change: Person
) -> None:
    provider.person = person(entrance.user(password=None), **change)
    before = entrance.records.users.list()
    assert refused(entrance, caplog) == (
        "not_known",
        "nobody here has this account, or its address is not verified: ask your administrator",
    )
    assert entrance.records.users.list() == before


def test_who_is_kept_out_stays_out(
    entrance: Entrance, provider: OidcProvider, caplog: pytest.LogCaptureFixture
) -> None:
    bound, not_yet = entrance.user(password=None), entrance.user(password=None)
    provider.person = person(bound)
    assert go(entrance)[1] == "/"
    for user in (bound, not_yet):
        entrance.records.users.set_disabled(user.id, 1)
        provider.person = person(user)
        assert refused(entrance, caplog)[0] == "not_known"
        last = entrance.audit(user)[-1]
        assert (last.action, last.what) == ("sign_in_refused", "not_known")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"nonce": "another"}, "InvalidClaimError nonce"),
        ({"nonce": None}, "MissingClaimError"),
        ({"aud": "another"}, "InvalidClaimError aud"),
        ({"aud": ["somnolink", "another"]}, "is for another as well"),
        ({"iss": "https://elsewhere.example"}, "InvalidClaimError iss"),
        ({"exp": NOW_S - 60}, "has expired"),
        ({"exp": None}, "MissingClaimError"),
        ({"iat": NOW_S + 61}, "InvalidClaimError iat"),
        ({"sub": None}, "MissingClaimError"),
        ({"sub": 7}, "InvalidClaimError sub"),
    ],
)
def test_a_token_that_does_not_hold_is_refused(
    entrance: Entrance, provider: OidcProvider, caplog: pytest.LogCaptureFixture, change: Person, line: str
) -> None:
    provider.person = person(entrance.user(password=None))
    provider.change = lambda claims: claims.update(change)
    reason, told = refused(entrance, caplog)
    assert (reason, line in told) == ("token_wrong", True), told
    assert entrance.audit(None)[-1].what == "token_wrong"


@pytest.mark.parametrize(
    "change", [{"exp": NOW_S - 59}, {"iat": NOW_S + 60}, {"aud": ["a", "somnolink"], "azp": "somnolink"}]
)
def test_a_token_at_the_edge_of_what_holds_is_taken(entrance: Entrance, provider: OidcProvider, change: Person) -> None:
    provider.person = person(entrance.user(password=None))
    provider.change = lambda claims: claims.update(change)
    assert go(entrance)[1] == "/"


def unsigned(provider: OidcProvider) -> None:
    provider.key, provider.header = None, {"alg": "none"}


def by_the_clients_secret(provider: OidcProvider) -> None:
    provider.key, provider.header = OctKey.import_key(provider.secret * 2), {"alg": "HS256"}


def by_another_key(provider: OidcProvider) -> None:
    provider.key = RSAKey.generate_key(2048, {"kid": "first"})


def by_an_unknown_key(provider: OidcProvider) -> None:
    provider.header = {"alg": "RS256", "kid": "unknown"}


@pytest.mark.parametrize("sign", [unsigned, by_the_clients_secret, by_another_key, by_an_unknown_key])
def test_a_token_that_the_provider_did_not_sign_is_refused(
    entrance: Entrance,
    provider: OidcProvider,
    caplog: pytest.LogCaptureFixture,
    sign: Callable[[OidcProvider], None],
) -> None:
    provider.person = person(entrance.user(password=None))
    sign(provider)
    reason, told = refused(entrance, caplog)
    assert (reason, told.startswith("the token of The clinic's directory does not hold")) == ("token_wrong", True)


def test_new_keys_of_the_provider_are_fetched(entrance: Entrance, provider: OidcProvider) -> None:
    provider.person = person(entrance.user(password=None))
    assert go(entrance)[1] == "/"
    provider.rotate()
    assert go(entrance)[1] == "/"
    assert provider.asked.count("/keys") <= 2


def test_an_answer_that_this_browser_did_not_ask_for_is_refused(entrance: Entrance, provider: OidcProvider) -> None:
    user = entrance.user(password=None)
    provider.person = person(user)

    def answer(browser: httpx.Client) -> str:
        """The address that the provider sends a browser back to."""
        return browser.get(browser.get("/oidc/start").headers["location"]).headers["location"]

    mine, theirs = entrance.browser(), entrance.browser()
    address, other = answer(mine), answer(theirs)
    not_begun = "/sign-in?refused=not_begun"
    # Another's answer, as who wants somebody to sign in as themselves would have it opened.
    assert theirs.get(address).headers["location"] == not_begun
    # No browser of ours at all, and the right one once the wrong answer has ended what was begun.
    assert entrance.browser().get(address).headers["location"] == not_begun
    assert theirs.get(other).headers["location"] == not_begun
    for change in ({"state": "wrong"}, {"state": "ü"}, {"state": ""}, {"iss": "https://elsewhere.example"}):
        browser = entrance.browser()
        right = {name: values[0] for name, values in parse_qs(urlsplit(answer(browser)).query).items()}
        assert browser.get("/oidc/callback", params={**right, **change}).headers["location"] == not_begun, change
    # What was right is taken once.
    assert mine.get(address).headers["location"] == "/"
    assert mine.get(address).headers["location"] == not_begun
    assert mine.get("/me").json()["id"] == user.id


def test_a_stolen_code_is_worth_nothing_in_another_browser(entrance: Entrance, provider: OidcProvider) -> None:
    provider.person = person(entrance.user(password=None))
    victim, thief = entrance.browser(), entrance.browser()
    stolen = parse_qs(urlsplit(victim.get(victim.get("/oidc/start").headers["location"]).headers["location"]).query)
    own = parse_qs(urlsplit(thief.get("/oidc/start").headers["location"]).query)
    answer = thief.get("/oidc/callback", params={"code": stolen["code"][0], "state": own["state"][0]})
    assert answer.headers["location"] == "/sign-in?refused=provider_away"  # PKCE: invalid_grant
    assert thief.get("/me").status_code == 401


def test_whom_the_provider_refuses_we_refuse(
    entrance: Entrance, provider: OidcProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.error = "access_denied"
    assert refused(entrance, caplog) == ("provider_refused", "The clinic's directory did not let you in")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/.well-known/openid-configuration", {"issuer": "https://elsewhere.example"}),
        ("/.well-known/openid-configuration", ["no document"]),
        ("/.well-known/openid-configuration", "ISSUER ALONE"),
        ("/keys", {"keys": "none"}),
        ("/token", {"access_token": "x"}),
    ],
)
def test_a_provider_that_answers_nonsense_lets_nobody_in(
    entrance: Entrance, provider: OidcProvider, caplog: pytest.LogCaptureFixture, path: str, told: object
) -> None:
    provider.person = person(entrance.user(password=None))
    provider.answers[path] = {"issuer": provider.issuer} if told == "ISSUER ALONE" else told
    entrance.clock.now_ms += 3_600_000  # what it told before is forgotten
    reason, line = refused(entrance, caplog)
    entrance.clock.now_ms -= 3_600_000
    assert reason in ("provider_away", "token_wrong")
    assert "The clinic's directory does" in line or "the token of The clinic's directory" in line


def test_a_provider_that_is_away_is_told_in_one_line(entrance: Entrance) -> None:
    with OidcProvider(lambda: NOW_S) as gone:
        settings = SignInSettings(oidc_issuer=gone.issuer, oidc_client_id="x")
    sign_in = SignIn(entrance.records, entrance.clock, settings)
    with pytest.raises(Exception, match=r"^127\.0\.0\.1 does not answer as it should: ConnectError$"):
        sign_in.begin_by_provider("http://127.0.0.1/back")


def test_a_public_client_has_no_secret_and_more_than_one_factor_is_believed(entrance: Entrance) -> None:
    user = entrance.user()
    with OidcProvider(lambda: NOW_S, secret="") as public:
        settings = SignInSettings(oidc_issuer=public.issuer, oidc_client_id=public.client, staff_second_factor=True)
        sign_in = SignIn(entrance.records, entrance.clock, settings)
        for methods, limited in ((["pwd", "mfa"], False), (["pwd"], True), ("mfa", True), (None, True)):
            public.person = person(user, amr=methods)
            begun = sign_in.begin_by_provider("http://127.0.0.1/back")
            back = httpx.get(begun.url).headers["location"]
            given = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
            started = sign_in.start_by_provider(begun.kept, given, "http://127.0.0.1/back", address="")
            assert started.principal.limited is limited, methods


def test_without_a_provider_there_is_no_such_way_in(entrance: Entrance) -> None:
    sign_in = SignIn(entrance.records, entrance.clock)
    assert sign_in.provider_name is None
    with pytest.raises(Exception, match="there is no OpenID Connect provider here"):
        sign_in.begin_by_provider("http://127.0.0.1/back")


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"oidc_issuer": "http://elsewhere.example"}, "oidc_issuer is an https:// address"),
        ({"oidc_issuer": "ftp://127.0.0.1"}, "oidc_issuer is an https:// address"),
        ({"oidc_client_id": ""}, "oidc_client_id"),
        ({"oidc_client_secret_file": "/nowhere/secret"}, "cannot be read"),
    ],
)
def test_settings_that_make_no_sense_end_the_start(
    entrance: Entrance, wrong: dict[str, str], line: str, tmp_path: Path
) -> None:
    right = {"oidc_issuer": "https://idp.example", "oidc_client_id": "x"}
    with pytest.raises(ConfigurationError, match=line):
        SignIn(entrance.records, entrance.clock, SignInSettings(**{**right, **wrong}))


def test_a_provider_that_does_not_answer_holds_up_nobody_else(entrance: Entrance) -> None:
    """More come by it than the server has threads, while it takes connections and says nothing."""
    crowd, asked = 48, threading.Barrier(49)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        settings = SignInSettings(
            oidc_issuer=f"http://127.0.0.1:{silent.getsockname()[1]}", oidc_client_id="x", oidc_name="Silent"
        )
        app = create_app(
            entrance.records,
            entrance.store,
            status=lambda: ServiceStatus(True, ""),
            clock=entrance.clock,
            sign_in=SignIn(entrance.records, entrance.clock, settings, passwords=Passwords(QUICK)),
        )
        with serve(app, "127.0.0.1", 0) as server, httpx.Client(base_url=f"{server.url}/api/v1", timeout=4) as desk:

            def come() -> None:
                with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=10) as line:
                    line.sendall(b"GET /api/v1/oidc/start HTTP/1.1\r\nHost: x\r\n\r\n")
                    asked.wait(20)

            threads = [threading.Thread(target=come) for _ in range(crowd)]
            for thread in threads:
                thread.start()
            body = {"name": entrance.user().name, "password": PASSWORD}
            line, _ = silent.accept()  # the provider is being asked, and all others wait for their turn
            assert desk.post("/session", json=body).status_code == 201
            assert desk.get("/me").status_code == 200
            asked.wait(20)
            for thread in threads:
                thread.join(20)
            line.close()
            silent.close()  # else each who waits takes its time to find out
