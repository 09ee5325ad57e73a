"""Homes on a live Mosquitto with its dynamic security plugin: joining, revoking, letting in again; what survives."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.errors import BrokerError
from gateway.service.app import Service
from gateway.service.homes import DynamicSecurity, Joined, Repaired
from gateway.service.homes.control import Control
from gateway.service.homes.dynsec import Acl, Command, Held, acls_of, role_of
from gateway.wire import topics
from gateway.wire.access import SERVICE_USER
from gateway.wire.client import BrokerAddress
from gateway.wire.codec import GatewayStatus, decode_acks, encode_status
from tests.integration.homes.scene import ADMIN_PASSWORD, SERVICE_PASSWORD, Box, accounts_of, admin, join, service
from tests.properties.ingest.scene import cut, night, wait_for
from tests.servers.mosquitto import ADMIN, MosquittoServer


@pytest.fixture(scope="module")
def server() -> Iterator[MosquittoServer]:
    with MosquittoServer(admin_password=ADMIN_PASSWORD) as running:
        yield running


@pytest.fixture
def running(server: MosquittoServer, tmp_path: Path) -> Iterator[Service]:
    with service(tmp_path, server) as found:
        yield found


def held(server: MosquittoServer) -> Held:
    with Control(admin(server)) as control:
        return control.held()


def test_a_joined_home_is_taken_in_until_it_is_revoked_and_again_when_it_is_let_in(
    running: Service, server: MosquittoServer
) -> None:
    joined = join(running)
    batches = cut(night(300), 30)
    box = Box(joined).open()
    box.send(batches[:4])
    wait_for(lambda: running.ingest.counters.batches == 4)

    _, at_broker = running.enrolment.revoke(joined.gateway)
    assert at_broker
    assert box.lost.get(timeout=10)  # the live connection was cut
    with pytest.raises(BrokerError, match=f"refuses {joined.gateway}"):
        Box(joined).open()
    assert running.ingest.counters.batches == 4

    _, at_broker = running.enrolment.let_in(joined.gateway)
    assert at_broker
    again = Box(joined).open()  # by the password that it has
    again.send(batches)
    wait_for(lambda: running.ingest.counters.batches == 14)
    assert running.ingest.counters.repeated == 4
    again.connection.close()


def test_what_a_revoked_home_says_where_the_broker_still_lets_it_in_is_set_aside_and_not_answered(
    running: Service, server: MosquittoServer
) -> None:
    joined = join(running)
    box = Box(joined).open()
    batches = cut(night(300, seed=5), 30)
    box.send(batches[:2])
    answered: set[int] = set()
    while answered != {0, 1}:
        answered |= {seq for ack in decode_acks(box.heard.get(timeout=10).payload) for seq in ack.seqs}
    running.records.homes.set_revoked(joined.gateway, 1)  # the records alone, as while the broker is away
    box.send(batches[2:4])
    box.connection.publish(topics.status(joined.gateway), encode_status(GatewayStatus(True, pending=9)), retain=True)
    wait_for(lambda: (running.ingest.presence.refused, running.ingest.counters.set_aside) == (1, 2))
    assert running.ingest.counters.batches == 2
    assert running.records.set_aside.counts() == {"revoked_gateway": 2}
    aside = running.records.set_aside.list()
    assert {(one.gateway, one.detail) for one in aside} == {(joined.gateway, f"gateway {joined.gateway} was revoked")}
    with pytest.raises(queue.Empty):  # it keeps what it has, and sends it again if it is let in again
        box.heard.get(timeout=0.3)
    assert running.enrolment.repair().disabled == 1
    assert box.lost.get(timeout=10)


def test_no_home_reads_or_writes_anothers_topics_also_after_a_restart_and_a_crash_of_the_broker(
    running: Service, server: MosquittoServer
) -> None:
    one, other = join(running), join(running)
    for disturb in (lambda: None, server.restart, lambda: (server.kill9(), server.start())):
        disturb()
        wait_for(lambda: running.status().broker_ok)
        before = running.ingest.counters.batches
        home = Box(one).open()
        neighbour = Box(other).open(topics.ack(other.gateway), topics.SERVICE_STATUS)
        neighbour.heard.get(timeout=10)  # the retained presence of the service
        for forbidden in (topics.ack(other.gateway), "somnolink/v1/+/down/ack", topics.ALL_BATCHES, "#", "$CONTROL/#"):
            with pytest.raises(BrokerError, match="subscription"):
                Box(one).open(forbidden)
        home = Box(one).open()  # the same client id: what was refused has taken its place
        batches = cut(night(60, seed=before + 10), 30)
        home.send(batches, gateway=other.gateway)
        for topic in (topics.status(other.gateway), topics.ack(other.gateway), topics.SERVICE_STATUS):
            home.connection.publish(topic, b"forged", retain=True)
        home.connection.publish("$CONTROL/dynamic-security/v1", b'{"commands":[{"command":"listClients"}]}')
        home.send(batches)
        wait_for(lambda: running.ingest.counters.batches >= before + 2)  # noqa: B023 - called here
        assert running.records.devices.get(batches[0].device).gateway_id == one.gateway  # type: ignore[union-attr]  # it is there
        assert running.records.set_aside.counts() == {}
        assert neighbour.heard.empty()
        assert all(message.topic == topics.ack(one.gateway) for message in home.heard.queue)
        home.connection.close()
        neighbour.connection.close()


def test_a_revoked_home_stays_out_after_a_crash_of_the_broker(running: Service, server: MosquittoServer) -> None:
    joined = join(running)
    running.enrolment.revoke(joined.gateway)
    server.kill9()
    server.start()
    with pytest.raises(BrokerError, match=f"refuses {joined.gateway}"):
        Box(joined).open()


def test_revoked_while_the_broker_is_away_it_is_out_when_the_broker_is_back(tmp_path: Path) -> None:
    with MosquittoServer(admin_password=ADMIN_PASSWORD) as own, service(tmp_path, own) as running:
        joined = join(running)
        own.kill9()
        home, at_broker = running.enrolment.revoke(joined.gateway)
        assert (home.revoked_ms is not None, at_broker) == (True, False)
        own.start()
        Box(joined).open().connection.close()
        assert running.enrolment.repair().disabled == 1
        with pytest.raises(BrokerError, match=f"refuses {joined.gateway}"):
            Box(joined).open()


def test_a_broker_that_lost_all_its_accounts_gets_them_again_with_the_passwords_that_homes_have(tmp_path: Path) -> None:
    with MosquittoServer(admin_password=ADMIN_PASSWORD) as own, service(tmp_path, own) as running:
        joined, revoked = join(running), join(running)
        running.enrolment.revoke(revoked.gateway)
        own.kill9()
        own.accounts.unlink()
        own.make_accounts(ADMIN_PASSWORD)
        own.start()
        with pytest.raises(BrokerError, match="refuses"):
            Box(joined).open()
        assert running.enrolment.repair() == Repaired(made=2, roles=1)  # the home, the service; the clinic's role
        Box(joined).open().connection.close()
        with pytest.raises(BrokerError, match="refuses"):
            Box(revoked).open()
        assert running.enrolment.repair() == Repaired()
        wait_for(lambda: running.status().broker_ok)


def test_an_account_that_the_records_do_not_know_is_shut_out_and_a_strangers_is_left_alone(
    running: Service, server: MosquittoServer
) -> None:
    accounts_of(server).admit("home-of-yesterday", "x")
    with Control(admin(server)) as control:
        control.run([Command("createClient", username="metrics", password="y")])
        control.run([Command("modifyRole", rolename=role_of("clinic"), acls=(Acl("publishClientSend", "#"),))])
    done = running.enrolment.repair()
    assert (done.disabled, done.roles) == (1, 1)
    found = held(server)
    assert (found.clients["home-of-yesterday"][0], found.clients["metrics"][0]) == (True, False)
    assert found.roles[role_of("clinic")] == {(acl.acltype, acl.topic) for acl in acls_of("clinic")}


def test_a_home_that_joins_again_with_a_new_box_puts_the_old_one_out(running: Service) -> None:
    first = join(running)
    old = Box(first).open()
    second = join(running, "1" * 64, gateway=first.gateway)
    assert (second.gateway, second.password != first.password) == (first.gateway, True)
    assert old.lost.get(timeout=10)
    with pytest.raises(BrokerError, match="refuses"):
        Box(first).open()
    Box(second).open().connection.close()


def test_more_homes_than_a_page_are_all_looked_at(running: Service, server: MosquittoServer) -> None:
    accounts = accounts_of(server)
    wanted = {f"home-{number}": "x" * 20 for number in range(120)}
    assert accounts.repair(wanted, (), ("clinic",)).made == 120
    assert accounts.repair(wanted, (), ("clinic",)) == Repaired()
    assert accounts.repair({}, (), ("clinic",)).disabled >= 120


def test_the_administrator_reads_no_data_and_the_service_gives_no_commands(
    running: Service, server: MosquittoServer
) -> None:
    found = held(server)
    assert found.roles[ADMIN] == {
        ("publishClientSend", "$CONTROL/dynamic-security/v1"),
        ("publishClientReceive", "$CONTROL/dynamic-security/v1/response"),
        ("subscribeLiteral", "$CONTROL/dynamic-security/v1/response"),
    }
    assert found.clients[SERVICE_USER] == (False, frozenset({role_of(SERVICE_USER)}))
    assert json.loads(server.accounts.read_text())["defaultACLAccess"] == {
        "publishClientSend": False,
        "publishClientReceive": False,
        "subscribe": False,
        "unsubscribe": True,
    }
    assert server.accounts.stat().st_mode & 0o077 == 0


def test_a_listener_to_the_feed_gets_an_account_by_the_command_line(
    running: Service,
    server: MosquittoServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "admin").write_text(ADMIN_PASSWORD)
    (tmp_path / "own").write_text(SERVICE_PASSWORD)
    for name, value in {
        "BROKER_URL": f"mqtt://{server.host}:{server.port}",
        "BROKER_PASSWORD_FILE": str(tmp_path / "own"),
        "BROKER_ADMIN_PASSWORD_FILE": str(tmp_path / "admin"),
        "BROKER_DYNAMIC_SECURITY": "true",
        "SERVICE_DATA": str(tmp_path),
    }.items():
        monkeypatch.setenv(f"SOMNOLINK_{name}", value)

    def run(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["admin", *words])
        return int(str(ended.value.code or 0)), capsys.readouterr().out.strip()

    status, password = run("listener", "clinic")
    assert status == 0
    listener = Box(Joined("clinic", f"mqtt://{server.host}:{server.port}", password, None)).open(topics.feed("clinic"))
    assert running.enrolment.repair() == Repaired()  # it is no home that nobody knows
    listener.connection.close()
    with pytest.raises(BrokerError, match="subscription"):
        Box(listener.joined).open(topics.feed("clinic-far"))
    assert run("listener", "clinic-nowhere") == (2, "")
    assert run("invite", "x") == (2, "")  # no address that a box could be told
    monkeypatch.setenv("SOMNOLINK_SERVICE_PUBLIC_URL", "https://clinic.example/")
    status, line = run("invite", "Bedroom", "--minutes", "30")
    assert (status, line.startswith("somnolink join https://clinic.example ")) == (0, True)
    joined = running.enrolment.join(line.split()[-1], "0" * 64)
    assert joined is not None
    Box(joined).open().connection.close()
    assert [entry.who for entry in running.records.audit.after(0)] == ["command line", "command line", joined.gateway]


class TestRefusals:
    def test_a_wrong_password_of_the_administrator_is_one_clear_line(self, server: MosquittoServer) -> None:
        wrong = BrokerAddress(server.host, server.port, username=ADMIN, password="wrong")
        with pytest.raises(BrokerError, match=f"refuses {ADMIN}") as caught:
            DynamicSecurity(wrong, "x").prepare()
        assert "\n" not in str(caught.value)

    def test_a_broker_without_the_plugin_is_told_as_such(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gateway.service.homes.control.ANSWER_S", 0.3)
        with MosquittoServer() as plain, pytest.raises(BrokerError, match="no dynamic security commands"):
            DynamicSecurity(BrokerAddress(plain.host, plain.port), "x").prepare()

    def test_a_home_may_not_command_the_broker(self, running: Service) -> None:
        joined = join(running)
        with pytest.raises(BrokerError, match="subscription"):
            Box(joined).open("$CONTROL/dynamic-security/v1/response")

    def test_a_refused_command_is_told_without_its_password(self, server: MosquittoServer) -> None:
        with Control(admin(server)) as control, pytest.raises(BrokerError, match="refuses setClientPassword") as caught:
            control.run([Command("setClientPassword", username="nobody-there", password="geheim")])
        assert "geheim" not in str(caught.value)
