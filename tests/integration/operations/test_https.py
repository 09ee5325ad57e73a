"""HTTPS by the service itself: from TLS 1.2 on, a certificate that can be renewed under way, and what proxies say."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.clock import SystemClock
from gateway.errors import ConfigurationError
from gateway.service.api import ServiceStatus, create_app, serve
from gateway.service.api.headers import TRANSPORT_SECURITY
from gateway.service.api.rate import RateLimit
from gateway.service.api.server import HttpTls
from gateway.service.records import Records, Role
from gateway.service.sign_in import SignIn
from gateway.service.store.sqlite import SqliteStore
from tests.servers.certificates import CertificateFiles, write_certificates

HEALTH = "/api/v1/health"


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    return write_certificates(tmp_path)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[tuple[Records, SqliteStore]]:
    with SqliteStore(tmp_path / "samples.db") as store:
        records = Records(tmp_path / "records.db")
        yield records, store
        records.close()


def status() -> ServiceStatus:
    return ServiceStatus(True, "")


def trusting(authority: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority))


def test_it_answers_those_who_trust_its_authority_and_binds_browsers_to_https(
    files: CertificateFiles, parts: tuple[Records, SqliteStore]
) -> None:
    tls = HttpTls(files.certificate, files.key)
    with serve(create_app(*parts, status=status), "127.0.0.1", 0, tls=tls) as server:
        assert server.url.startswith("https://127.0.0.1:")
        answer = httpx.get(server.url + HEALTH, verify=trusting(files.authority))
        assert answer.status_code == 200
        assert answer.headers["strict-transport-security"] == TRANSPORT_SECURITY
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            httpx.get(server.url + HEALTH)
        with pytest.raises(httpx.TransportError):
            httpx.get(server.url.replace("https", "http") + HEALTH)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_older_than_tls_1_2_is_refused_by_the_server(
    files: CertificateFiles, parts: tuple[Records, SqliteStore]
) -> None:
    with serve(create_app(*parts, status=status), "127.0.0.1", 0, tls=HttpTls(files.certificate, files.key)) as server:
        old = trusting(files.authority)
        old.set_ciphers("DEFAULT@SECLEVEL=0")  # else it would not even ask
        for version, taken in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)):
            old.minimum_version = ssl.TLSVersion.TLSv1
            old.maximum_version = version
            if taken:
                assert httpx.get(server.url + HEALTH, verify=old).status_code == 200
            else:
                with pytest.raises(httpx.ConnectError):
                    httpx.get(server.url + HEALTH, verify=old)


def test_a_renewed_certificate_is_taken_up_and_a_wrong_one_is_not(
    files: CertificateFiles, parts: tuple[Records, SqliteStore], tmp_path: Path
) -> None:
    tls = HttpTls(files.certificate, files.key)
    with serve(create_app(*parts, status=status), "127.0.0.1", 0, tls=tls) as server:
        (tmp_path / "renewed").mkdir()
        renewed = write_certificates(tmp_path / "renewed")
        shutil.copyfile(renewed.certificate, files.certificate)  # its key is still the old one
        with pytest.raises(ConfigurationError, match="KEY_VALUES_MISMATCH"):
            server.reload_certificate()
        assert httpx.get(server.url + HEALTH, verify=trusting(files.authority)).status_code == 200
        shutil.copyfile(renewed.key, files.key)
        server.reload_certificate()
        assert httpx.get(server.url + HEALTH, verify=trusting(renewed.authority)).status_code == 200
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            httpx.get(server.url + HEALTH, verify=trusting(files.authority))


def test_files_that_are_none_are_one_clear_line_and_the_port_stays_free(
    files: CertificateFiles, parts: tuple[Records, SqliteStore], tmp_path: Path
) -> None:
    app = create_app(*parts, status=status)
    wrong = [HttpTls(tmp_path / "absent.pem", files.key), HttpTls(files.certificate, files.certificate)]
    for tls in wrong:
        with pytest.raises(ConfigurationError, match=r"certificate .* with key ") as caught:
            serve(app, "127.0.0.1", 0, tls=tls)
        assert "\n" not in str(caught.value)


def test_over_plain_http_nothing_is_promised_but_for_a_proxy_that_is_trusted(
    parts: tuple[Records, SqliteStore],
) -> None:
    app = create_app(*parts, status=status)
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.9"}
    with serve(app, "127.0.0.1", 0) as server:
        assert "strict-transport-security" not in httpx.get(server.url + HEALTH).headers
        assert "strict-transport-security" in httpx.get(server.url + HEALTH, headers=proxied).headers
    with serve(app, "127.0.0.1", 0, trusted_proxies="192.0.2.1") as server:
        assert "strict-transport-security" not in httpx.get(server.url + HEALTH, headers=proxied).headers


def test_who_asks_too_much_waits_and_others_behind_the_same_proxy_do_not(
    parts: tuple[Records, SqliteStore],
) -> None:
    app = create_app(*parts, status=status, rate=RateLimit(per_s=0.001, burst=20))
    with serve(app, "127.0.0.1", 0) as server:
        guesses = [httpx.get(f"{server.url}/api/v1/devices", headers={"X-Forwarded-For": "192.0.2.9"}) for _ in "123"]
        assert [answer.status_code for answer in guesses] == [401, 401, 429]
        refused = guesses[-1]
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["x-content-type-options"] == "nosniff"
        other = httpx.get(server.url + HEALTH, headers={"X-Forwarded-For": "192.0.2.10"})
        assert other.status_code == 200


def test_over_https_the_sessions_cookie_is_for_https_and_this_host_alone(
    files: CertificateFiles, parts: tuple[Records, SqliteStore]
) -> None:
    records, _ = parts
    sign_in = SignIn(records, SystemClock())
    user = records.users.add("clinic", "dentist@example.org", Role.DENTIST, at_ms=0)
    code = sign_in.link(user.id).text
    tls = HttpTls(files.certificate, files.key)
    with (
        serve(create_app(*parts, status=status, sign_in=sign_in), "127.0.0.1", 0, tls=tls) as server,
        httpx.Client(base_url=server.url, verify=trusting(files.authority)) as browser,
    ):
        answer = browser.get("/api/v1/link", params={"code": code})
        given, *attributes = (part.strip() for part in answer.headers["set-cookie"].split(";"))
        name, _, token = given.partition("=")
        assert name == "__Host-somnolink_session"
        assert {"secure", "httponly"} <= {one.lower() for one in attributes}
        # The other name is one that a page by plain HTTP could have set.
        other = {"Cookie": f"somnolink_session={token}"}
        browser.cookies.clear()
        assert browser.get("/api/v1/me", headers=other).status_code == 401
        browser.cookies.set(name, token)
        assert browser.get("/api/v1/me").json()["id"] == user.id
        assert browser.delete("/api/v1/session", headers={"Origin": server.url}).status_code == 204
