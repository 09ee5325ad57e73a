"""A box joins by a one-time code: over HTTPS, by the command it runs, into a broker that then lets it in."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest

from gateway.cli.doctor import check_broker
from gateway.cli.programs import broker_address
from gateway.errors import BrokerError
from gateway.home import join as joining
from gateway.service.records import Role
from gateway.settings import load_settings
from gateway.wire import topics
from gateway.wire.client import Connection
from tests.integration.homes.clinic import WRONG, Clinic, clinic, comes_in, join


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
