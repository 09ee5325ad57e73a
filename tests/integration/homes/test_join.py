"""A box joins by a one-time code: over HTTPS, by the command it runs, into a broker that then lets it in."""

from __future__ import annotations

import http.server
import json
import re
import ssl
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from gateway.cli import main
from gateway.cli.doctor import check_broker
from gateway.cli.programs import broker_address
from gateway.errors import BrokerError, ConfigurationError
from gateway.home import join as joining
from gateway.service.api import ServiceStatus, create_app, create_token, serve
from gateway.service.api.server import HttpTls
from gateway.service.homes import EmbeddedAccounts, Enrolment, Place
from gateway.service.records import Records, Role
from gateway.service.store.sqlite import SqliteStore
from gateway.settings import load_settings
from gateway.wire import topics
from gateway.wire.access import SERVICE_USER
from gateway.wire.broker import EmbeddedBroker
from gateway.wire.client import Connection
from tests.integration.api.conftest import SetClock
from tests.servers.certificates import write_certificates

WRONG = "this code is not valid"


class Accounts(EmbeddedAccounts):
    """The embedded broker's, which may be away."""

    away = False

    def admit(self, user: str, password: str) -> None:
        if self.away:
            raise BrokerError("the broker is away")
        super().admit(user, password)


@dataclass
class Clinic:
    """A served application, its broker, and a coordinator."""

    url: str
    authority: Path
    records: Records
    clock: SetClock
    enrolment: Enrolment
    accounts: Accounts
    tokens: dict[Role, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        trusted = ssl.create_default_context(cafile=self.authority)
        self.client = httpx.Client(base_url=f"{self.url}/api/v1", verify=trusted, timeout=20)

    def ask(self, method: str, path: str, body: object = None, *, role: Role = Role.COORDINATOR) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        return self.client.request(method, path, json=body, headers=headers)

    def invite(self, **given: object) -> dict[str, object]:
        made = self.ask("POST", "/clinics/clinic/homes", {"name": "Bedroom 17", **given})
        assert made.status_code == 201, made.text
        found: dict[str, object] = made.json()
        return found

    def knock(self, code: object, box: str = "0" * 64) -> httpx.Response:
        """As any stranger may."""
        return self.client.post("/homes/join", json={"code": code, "box": box})


@contextmanager
def clinic(folder: Path, *, by_code: bool = True) -> Iterator[Clinic]:
    files = write_certificates(folder)
    records, clock = Records(folder / "records.db"), SetClock()
    with EmbeddedBroker([SERVICE_USER]) as broker, SqliteStore(folder / "samples.db") as store:
        accounts = Accounts(broker)
        place = Place(broker=broker.url, authority=files.authority)
        enrolment = Enrolment(records, clock, accounts=accounts if by_code else None, key=b"k" * 32, place=place)
        app = create_app(records, store, status=lambda: ServiceStatus(True, ""), clock=clock, enrolment=enrolment)
        with serve(app, "127.0.0.1", 0, tls=HttpTls(files.certificate, files.key)) as server:
            made = Clinic(server.url, files.authority, records, clock, enrolment, accounts)
            for role in (Role.COORDINATOR, Role.ADMINISTRATOR, Role.DENTIST):
                user = records.users.add("clinic", f"{role}@example.org", role, at_ms=0)
                made.tokens[role] = create_token(records, role, ["read", "write"], created_ms=0, user=user.id)
            yield made
            made.client.close()
    records.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with clinic(tmp_path_factory.mktemp("clinic")) as made:
        yield made


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A box with the settings that a person wrote."""
    settings = tmp_path / "etc" / "home.toml"
    settings.parent.mkdir()
    settings.write_text(f'# the bedroom\n[home]\ndata = "{tmp_path / "box"}"\nzone = "Europe/Berlin"\n')
    monkeypatch.setenv("SOMNOLINK_CONFIG", str(settings))
    return settings


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(str(ended.value.code or 0))


def join(made: Clinic, command: object) -> int:
    """What the QR says, run on the box."""
    return run(*str(command).split()[1:], "--authority", str(made.authority))


def comes_in(settings: Path) -> str:
    """Connect as the gateway would; returns who it is."""
    told = load_settings(settings, {})
    address = broker_address(told, told.home.gateway)
    connection = Connection(address, "box", on_message=lambda _: None, on_lost=lambda _: None)
    connection.open([topics.ack(told.home.gateway)])
    connection.close()
    return told.home.gateway


def test_a_box_is_told_one_line_and_comes_in(shared: Clinic, box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    invited = shared.invite()
    assert invited["command"] == f"somnolink join {shared.url} {invited['code']}"
    assert str(invited["qr"]).startswith("<svg")
    assert join(shared, invited["command"]) == 0
    assert f"This box is {invited['home']} now" in capsys.readouterr().out
    assert comes_in(box) == invited["home"]
    settings = load_settings(box, {})
    assert (settings.home.zone, box.read_text().splitlines()[0]) == ("Europe/Berlin", "# the bedroom")
    kept = Path(settings.home.data)
    assert {file.name for file in kept.iterdir()} == {"join-key", "broker-password", "broker-authority.pem"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in (*kept.iterdir(), box)} == {0o600}
    assert (kept / "broker-authority.pem").read_text() == shared.authority.read_text()
    home = shared.records.homes.home(str(invited["home"]))
    assert home is not None
    assert (home.clinic, home.name, home.joined_ms, home.revoked_ms) == (
        "clinic",
        "Bedroom 17",
        shared.clock.now_ms,
        None,
    )


def test_neither_code_nor_password_stands_in_the_records(shared: Clinic, box: Path) -> None:
    invited = shared.invite()
    assert join(shared, invited["command"]) == 0
    password = (Path(load_settings(box, {}).home.data) / "broker-password").read_text()
    everything = Path(shared.records._database._engine.url.database or "").read_bytes()
    listed = json.dumps(shared.ask("GET", "/clinics/clinic/homes/codes").json())
    for secret in (str(invited["code"]), str(invited["code"]).replace("-", ""), password):
        assert secret.encode() not in everything
        assert secret not in listed


def test_who_asked_and_who_joined_is_in_the_audit(shared: Clinic) -> None:
    before = shared.records.audit.last().number
    invited = shared.invite()
    shared.knock(invited["code"])
    made, joined = shared.records.audit.after(before)
    assert (made.who, made.action) == ("coordinator@example.org", "manage_homes")
    assert (joined.who, joined.action, joined.address) == (invited["home"], "join_home", "127.0.0.1")
    assert str(invited["id"]) in joined.what


class TestOnce:
    def test_the_same_box_is_answered_the_same_and_another_is_not(self, shared: Clinic) -> None:
        code = shared.invite()["code"]
        first, again, other = shared.knock(code), shared.knock(code), shared.knock(code, "1" * 64)
        assert (first.status_code, again.json()) == (200, first.json())
        assert (other.status_code, other.json()["detail"][: len(WRONG)]) == (403, WRONG)

    def test_every_code_that_is_not_valid_is_answered_in_the_same_words(self, tmp_path: Path) -> None:
        with clinic(tmp_path) as made:
            withdrawn = made.invite()
            assert made.ask("DELETE", f"/homes/codes/{withdrawn['id']}").status_code == 204
            used = made.invite()
            assert made.knock(used["code"]).status_code == 200
            old = made.invite(minutes=5)
            made.clock.now_ms += 5 * 60_000
            answers = [
                made.knock(code, box)
                for code, box in (
                    (withdrawn["code"], "0" * 64),
                    (used["code"], "1" * 64),
                    (old["code"], "0" * 64),
                    ("0000-0000-0000", "0" * 64),
                    ("", "0" * 64),
                )
            ]
            assert {one.status_code for one in answers} == {403}
            assert len({one.content for one in answers}) == 1
            states = {one["id"]: one for one in made.ask("GET", "/clinics/clinic/homes/codes").json()}
            assert states[withdrawn["id"]]["withdrawn_ms"] is not None
            assert states[used["id"]]["used_ms"] is not None
            assert states[old["id"]]["used_ms"] is None

    def test_a_code_is_open_until_its_last_millisecond(self, tmp_path: Path) -> None:
        with clinic(tmp_path) as made:
            one, other = made.invite(minutes=5), made.invite(minutes=5)
            made.clock.now_ms += 5 * 60_000 - 1
            assert made.knock(one["code"]).status_code == 200
            made.clock.now_ms += 1
            assert made.knock(other["code"]).status_code == 403
            assert made.knock(one["code"]).status_code == 403  # nor to the box that used it

    def test_a_new_code_for_a_home_ends_the_one_before(self, shared: Clinic) -> None:
        first = shared.invite()
        shared.knock(first["code"])
        second = shared.invite(home=first["home"])
        third = shared.invite(home=first["home"])
        assert shared.knock(second["code"]).status_code == 403
        assert shared.knock(third["code"], "2" * 64).json()["gateway"] == first["home"]

    def test_who_guesses_is_stopped_and_so_is_the_right_code_from_there(self, tmp_path: Path) -> None:
        with clinic(tmp_path) as made:
            code = made.invite()["code"]
            tries = [made.knock(f"0000-0000-{number:04}").status_code for number in range(11)]
            assert tries == [403] * 10 + [429]
            stopped = made.knock(code)
            assert (stopped.status_code, int(stopped.headers["retry-after"])) == (429, 60)
            made.clock.now_ms += 60_000
            assert made.knock(code).status_code == 200
            assert made.enrolment.refused == 10


class TestBreakingOff:
    @pytest.mark.parametrize("writes", range(4))
    def test_a_box_that_dies_while_it_writes_joins_again_by_the_same_code(
        self, shared: Clinic, box: Path, monkeypatch: pytest.MonkeyPatch, writes: int
    ) -> None:
        whole = joining.write_private
        done: list[Path] = []

        def dies(path: Path, text: str) -> None:
            if len(done) == writes:
                raise SystemExit(137)
            whole(path, text)
            done.append(path)

        command = shared.invite()["command"]
        before = box.read_text()
        monkeypatch.setattr(joining, "write_private", dies)
        assert join(shared, command) == 137
        assert box.read_text() == before  # the settings are the last
        monkeypatch.setattr(joining, "write_private", whole)
        assert join(shared, command) == 0
        assert comes_in(box)

    def test_while_the_broker_is_away_it_is_asked_to_come_again(self, tmp_path: Path) -> None:
        with clinic(tmp_path) as made:
            code = made.invite()["code"]
            made.accounts.away = True
            answer = made.knock(code)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            made.accounts.away = False
            assert made.knock(code, "1" * 64).status_code == 403  # the first box has it
            assert made.knock(code).status_code == 200


class TestRevoking:
    def test_it_counts_at_once_and_can_be_undone(self, shared: Clinic, box: Path) -> None:
        invited = shared.invite()
        assert join(shared, invited["command"]) == 0
        path = f"/homes/{invited['home']}"
        revoked = shared.ask("DELETE", path).json()
        assert (revoked["revoked_ms"], revoked["at_broker"]) == (shared.clock.now_ms, True)
        with pytest.raises(BrokerError, match="refuses"):
            comes_in(box)
        assert "does not let this box in" in check_broker(load_settings(box, {})).advice
        assert shared.knock(invited["code"]).status_code == 403  # nor by its code again
        undone = shared.ask("PATCH", path, {"revoked": False}).json()
        assert (undone["revoked_ms"], undone["at_broker"]) == (None, True)
        assert comes_in(box) == invited["home"]
        assert check_broker(load_settings(box, {})).ok

    def test_a_connection_that_is_open_is_cut(self, shared: Clinic, box: Path) -> None:
        invited = shared.invite()
        assert join(shared, invited["command"]) == 0
        told = load_settings(box, {})
        lost = threading.Event()
        connection = Connection(
            broker_address(told, told.home.gateway), "box", on_message=lambda _: None, on_lost=lambda _: lost.set()
        )
        connection.open([topics.ack(told.home.gateway)])
        shared.ask("PATCH", f"/homes/{invited['home']}", {"revoked": True})
        assert lost.wait(10)

    def test_it_is_for_who_keeps_the_homes(self, shared: Clinic) -> None:
        home = str(shared.invite()["home"])
        shared.records.devices.gateway_seen(home, 0)
        assert shared.ask("DELETE", f"/homes/{home}", role=Role.DENTIST).status_code == 403
        assert shared.ask("GET", f"/homes/{home}", role=Role.ADMINISTRATOR).json()["revoked_ms"] is None
        assert shared.ask("DELETE", "/homes/home-nowhere").status_code == 404


def test_a_home_of_another_clinic_gets_no_code_here(shared: Clinic) -> None:
    shared.records.people.add_clinic("clinic-far", "Far", at_ms=0)
    shared.records.devices.gateway_seen("home-far", 0)
    shared.records.people.set_gateway_clinic("home-far", "clinic-far")
    for home in ("home-far", "home-nowhere"):
        answer = shared.ask("POST", "/clinics/clinic/homes", {"name": "x", "home": home})
        assert (answer.status_code, answer.json()["detail"]) == (422, f"no such home: {home}")
    assert shared.ask("POST", "/clinics/clinic-far/homes", {"name": "x"}).status_code == 404


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x", "minutes": 4}, {"name": "x", "minutes": 10_081}])
def test_what_a_code_is_made_of_is_checked(shared: Clinic, body: dict[str, object]) -> None:
    assert shared.ask("POST", "/clinics/clinic/homes", body).status_code == 422


def test_where_accounts_are_made_by_hand_nobody_joins_and_revoking_still_counts(tmp_path: Path) -> None:
    with clinic(tmp_path, by_code=False) as made:
        refused = made.ask("POST", "/clinics/clinic/homes", {"name": "x"})
        assert (refused.status_code, "broker.dynamic_security is off" in refused.json()["detail"]) == (409, True)
        assert made.knock("0000-0000-0000").status_code == 409
        made.records.devices.gateway_seen("home-1", 0)
        answer = made.ask("DELETE", "/homes/home-1").json()
        assert (answer["revoked_ms"] is not None, answer["at_broker"]) == (True, False)
        assert made.ask("GET", "/homes").json()["by_code"] is False
        assert made.enrolment.repair().made == 0


class TestRefusals:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["http://clinic.example", "0000-0000-0000"], "https://"),
            (["ftp://clinic.example", "0000"], "begins with https://"),
            (["https://user@clinic.example", "0000"], "begins with https://"),
            (["https://[", "0000"], "begins with https://"),
            (["https://clinic.example"], "address and the code"),
        ],
    )
    def test_what_is_no_address_and_code_is_one_clear_line(
        self, box: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
    ) -> None:
        assert run("join", *words) == 2
        assert re.fullmatch(f"somnolink: [^\n]*{re.escape(said)}[^\n]*\n", capsys.readouterr().err)

    def test_a_wrong_code_is_told_in_the_clinics_words(
        self, shared: Clinic, box: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = box.read_text()
        assert join(shared, f"somnolink join {shared.url} 0000-0000-0000") == 5
        assert f"the clinic says no: {WRONG}" in capsys.readouterr().err
        assert box.read_text() == before

    def test_an_authority_that_is_not_trusted_and_nobody_there(
        self, shared: Clinic, box: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("join", shared.url, "0000-0000-0000") == 5
        assert "CERTIFICATE_VERIFY_FAILED" in capsys.readouterr().err
        assert run("join", "http://127.0.0.1:9", "0000-0000-0000") == 5
        assert "does not answer" in capsys.readouterr().err
        assert run("join", shared.url, "0000", "--authority", str(box)) == 2

    @pytest.mark.parametrize(
        "answer",
        [
            b"<html>",
            b"{}",
            b'{"gateway":"../x","broker":"mqtt://a","password":"p"}',
            b'{"gateway":"service","broker":"mqtt://a","password":"p"}',
            b'{"gateway":"home-1","broker":"ftp://a","password":"p"}',
            b'{"gateway":"home-1","broker":"mqtt://a","password":"two\\nlines"}',
            b'{"gateway":"home-1","broker":"mqtt://a","password":""}',
        ],
    )
    def test_what_another_server_answers_goes_nowhere(
        self, box: Path, capsys: pytest.CaptureFixture[str], answer: bytes
    ) -> None:
        with other_server(200, answer) as url:
            assert run("join", url, "0000-0000-0000") == 5
        assert capsys.readouterr().err.count("\n") == 1
        assert "[broker]" not in box.read_text()

    def test_a_redirect_is_not_followed(self, shared: Clinic, box: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with other_server(307, b"", shared.url + "/api/v1/homes/join") as url:
            assert run("join", url, "0000-0000-0000") == 5
        assert "status 307" in capsys.readouterr().err

    def test_a_folder_that_cannot_be_written_is_one_clear_line(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(ConfigurationError, match="cannot be"):
            joining.box_key(tmp_path / "file")


@contextmanager
def other_server(status: int, body: bytes, location: str = "") -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
