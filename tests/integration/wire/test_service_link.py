"""The service's connection: every message is acknowledged on the connection it came by, also those that were there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.errors import BrokerError
from gateway.service.ingest.ingest import Ingest
from gateway.service.link import line
from gateway.service.link.line import ServiceLink
from gateway.service.records import Records
from gateway.service.store.sqlite import SqliteStore
from gateway.wire import topics
from gateway.wire.client import BrokerAddress, Connection
from gateway.wire.codec import GatewayStatus, encode_batch, encode_status
from tests.properties.ingest.scene import DEVICE, cut, night, wait_for
from tests.servers.bounded import killed_after
from tests.servers.mosquitto import MosquittoServer
from tests.servers.process import free_port


@contextmanager
def service(
    folder: Path, address: BrokerAddress, wait_s: float = 10.0
) -> Iterator[tuple[ServiceLink, Ingest, Records]]:
    records = Records(folder / "records.db")
    link = ServiceLink(address)
    with SqliteStore(folder / "samples.db") as store:
        ingest = Ingest(records, store, SystemClock(), link, auto_enrol=True, zone="UTC")
        ingest.start()
        try:
            link.start(ingest, wait_s=wait_s)
            yield link, ingest, records
        finally:
            ingest.stop()
            link.stop()
            records.close()


def test_what_is_retained_does_not_fill_the_window_and_the_link_comes_back_after_a_crash(tmp_path: Path) -> None:
    names = [f"home-{number}" for number in range(10)]
    with MosquittoServer(settings="max_inflight_messages 2") as server:
        address = BrokerAddress("127.0.0.1", server.port)
        homes = Connection(address, "homes", on_message=lambda _: None, on_lost=lambda _: None)
        homes.open()
        for name in names:
            homes.publish(topics.status(name), encode_status(GatewayStatus(True)), retain=True)
        wait_for(lambda: not homes._client._out_messages)
        homes.close()
        with service(tmp_path, address) as (link, ingest, records):
            # one that was never acknowledged would keep one of the two places for ever
            wait_for(lambda: {gateway.id for gateway in records.devices.gateways()} == set(names))
            server.kill9()
            wait_for(lambda: "lost" in (link.problem or "") or "no broker" in (link.problem or ""))
            server.start()
            wait_for(lambda: link.problem is None and link.connections == 2)
            home = Connection(address, "home", on_message=lambda _: None, on_lost=lambda _: None)
            home.open()
            for batch in cut(night(300), 30):
                home.publish(topics.batch("home", DEVICE, "oximetry"), encode_batch(batch))
            wait_for(lambda: ingest.counters.batches == 10)
            home.close()


def test_no_broker_and_an_authority_that_cannot_be_read_are_told_in_one_line(tmp_path: Path) -> None:
    nobody = BrokerAddress("127.0.0.1", free_port())
    with pytest.raises(BrokerError, match="no broker at"), service(tmp_path / "a", nobody, wait_s=0.5):
        pass
    unreadable = BrokerAddress("127.0.0.1", 1, tls=True, ca_file=tmp_path / "absent.pem")
    with pytest.raises(BrokerError, match="certificate authority"), service(tmp_path / "b", unreadable, wait_s=0.5):
        pass


def test_the_process_that_talks_to_the_broker_is_killed_and_nothing_is_lost(tmp_path: Path) -> None:
    with MosquittoServer() as server:
        address = BrokerAddress("127.0.0.1", server.port)
        words: list[bytes] = []
        home = Connection(address, "home", on_message=lambda m: words.append(m.payload), on_lost=lambda _: None)
        home.open([topics.SERVICE_STATUS])
        with service(tmp_path, address) as (link, ingest, _):
            wait_for(lambda: any(b'"online":true' in word for word in words))
            killed = link.pid
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            wait_for(lambda: b'"online":false' in words[-1])  # the last will: it could not say goodbye
            wait_for(lambda: link.problem is None and link.connections == 2 and link.pid not in (None, killed))
            wait_for(lambda: b'"online":true' in words[-1])
            for batch in cut(night(300), 30):
                home.publish(topics.batch("home", DEVICE, "oximetry"), encode_batch(batch))
            wait_for(lambda: ingest.counters.batches == 10)
            last = link.pid
        assert b'"online":false' in words[-1]
        assert last is not None
        assert not Path(f"/proc/{last}").exists()
        home.close()


def test_a_process_that_hangs_does_not_hold_the_service_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "ENDING_S", 0.5)
    with MosquittoServer() as server, service(tmp_path, BrokerAddress("127.0.0.1", server.port)) as (link, _, _):
        hung = link.pid
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        link.stop()
        assert not Path(f"/proc/{hung}").exists()


def test_the_process_ends_when_the_service_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time\n"
        "from gateway.service.link.line import ServiceLink\n"
        "from gateway.wire.client import BrokerAddress\n"
        "class Nowhere:\n"
        "    def offer_all(self, messages): pass\n"
        "link = ServiceLink(BrokerAddress('127.0.0.1', int(sys.argv[1])))\n"
        "link.start(Nowhere(), wait_s=20)\n"
        "print(link.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with MosquittoServer() as server:
        parent = subprocess.Popen([sys.executable, "-c", program, str(server.port)], stdout=subprocess.PIPE, text=True)
        assert parent.stdout is not None
        with killed_after(parent):
            child = int(parent.stdout.readline())
        parent.kill()
        parent.wait(20)
        parent.stdout.close()
        wait_for(lambda: not _runs(child))


def _runs(pid: int) -> bool:
    """A zombie that nobody has buried yet does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
