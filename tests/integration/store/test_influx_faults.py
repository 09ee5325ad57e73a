"""InfluxDB breaks off, dies, refuses: nothing half-stored is ever seen, and trying again ends the same."""

from __future__ import annotations

import random

import pytest

from gateway.errors import StoreRejectedError, StoreUnavailableError
from gateway.service.store import open_store
from gateway.service.store.influx import InfluxStore
from gateway.service.store.influx_http import QueryClient, V1Writer
from tests.properties.store.reference import expected_rows, make_batch, rows_of
from tests.servers.influxdb import InfluxServer

T = 1_790_000_000_000
ALL = (0, 1 << 43)
DEVICE = "o2ring-0123456789"


class BreakingWriter(V1Writer):
    """Breaks off at chosen writes: before or after the server has taken them, or it takes a book long after."""

    def __init__(self, server: InfluxServer, database: str, seed: int) -> None:
        self.queries = QueryClient(server.url, database, {}, create=True)
        super().__init__(server.url, database, {}, self.queries)
        self._random = random.Random(seed)
        self.chance = 0.0
        self.late: list[bytes] = []

    def write(self, lines: bytes) -> None:
        breaks = self._random.random() < self.chance
        if breaks and self._random.random() < 0.5:
            if lines.startswith(b"somnolink_session"):
                self.late.append(lines)
            raise StoreUnavailableError("broke off before")
        super().write(lines)
        if breaks:
            raise StoreUnavailableError("broke off after")


def test_a_write_applied_long_after_it_was_given_up_undoes_nothing(influxdb: InfluxServer) -> None:
    batches = [make_batch(seq, T + seq * 3000) for seq in range(8)]
    batches += [make_batch(seq, T + seq * 3000, revision=1) for seq in range(6)]
    for seed in range(5):
        writer = BreakingWriter(influxdb, f"late{seed}", seed)
        with InfluxStore(writer, writer.queries) as store:
            writer.chance = 0.4
            for batch in batches:
                while True:
                    try:
                        store.append([batch])
                        break
                    except StoreUnavailableError:
                        pass
            writer.chance = 0.0
            assert writer.late
            for lines in writer.late:
                writer.write(lines)
            assert rows_of(store.read(DEVICE, "oximetry", *ALL)) == expected_rows(batches, DEVICE, "oximetry", *ALL)
            (cover,) = store.sessions(DEVICE, "oximetry", *ALL)
            assert (cover.revision, cover.samples, cover.batches) == (1, 18, 6)


@pytest.mark.parametrize("seed", range(4))
def test_calls_that_break_off_leave_no_trace(influxdb: InfluxServer, seed: int) -> None:
    chance = random.Random(seed)
    # overlapping batches with NaNs in different places: leftovers would shine through
    batches = [make_batch(seq, T + chance.randrange(8) * 1000, 5) for seq in range(12)]
    batches += [make_batch(seq, T + seq * 2000, 4, revision=1, session="s2", origin="stored") for seq in range(4)]
    batches += [make_batch(0, T, 9, session="s2", origin="stored")]
    chance.shuffle(batches)
    writer = BreakingWriter(influxdb, f"breaking{seed}", seed)
    stored = []
    with InfluxStore(writer, writer.queries) as store:
        waiting = list(batches)
        while waiting:
            batch = waiting.pop(0)
            writer.chance = 0.5
            try:
                store.append([batch])
                stored.append(batch)
            except StoreUnavailableError:
                waiting.insert(chance.randrange(len(waiting) + 1), batch)  # tried again later, others between
            read = rows_of(store.read(DEVICE, "oximetry", *ALL))
            if read != expected_rows(stored, DEVICE, "oximetry", *ALL):
                stored.append(batch)  # whole, though its acknowledgement was lost
                assert read == expected_rows(stored, DEVICE, "oximetry", *ALL)
        writer.chance = 0.0
        assert store.append(batches) == 0
        for origin in ("resolved", "live", "stored"):
            read = rows_of(store.read(DEVICE, "oximetry", *ALL, origin=origin))
            assert read == expected_rows(batches, DEVICE, "oximetry", *ALL, origin)


def test_what_was_acknowledged_survives_sigkill_of_the_server() -> None:
    sent = []
    with InfluxServer() as server, open_store(f"influx+v1://127.0.0.1:{server.port}/sleep") as store:
        for seq in range(30):
            batch = make_batch(seq, T + seq * 3000)
            store.append([batch])
            sent.append(batch)
            if seq % 10 == 9:
                server.kill9()
                with pytest.raises(StoreUnavailableError):
                    store.append([make_batch(seq + 1, T + (seq + 1) * 3000)])
                with pytest.raises(StoreUnavailableError):
                    store.read(DEVICE, "oximetry", *ALL)
                health = store.health()
                assert not health.ok
                assert "does not answer" in health.detail
                server.restart()
                assert rows_of(store.read(DEVICE, "oximetry", *ALL)) == expected_rows(sent, DEVICE, "oximetry", *ALL)
        assert store.append([make_batch(30, T + 90_000)]) == 1
        assert store.health().ok


def test_a_type_conflict_refuses_its_own_call_only(influxdb: InfluxServer) -> None:
    name = "conflict"
    with open_store(f"influx+v1://127.0.0.1:{influxdb.port}/{name}") as store:
        store.append([make_batch(0, T, kind="wear", session="w")])
        influxdb.execute('DROP MEASUREMENT "oximetry"', name)
        url = f"{influxdb.url}/write?db={name}&precision=ms"
        V1Writer(influxdb.url, name, {}, QueryClient(url, name, {}, create=False)).write(
            f'oximetry,device=x spo2="by hand" {T}'.encode()
        )
        futures = [
            store.submit([make_batch(1, T + 3000, kind="wear", session="w")]),
            store.submit([make_batch(0, T), make_batch(2, T + 6000, kind="wear", session="w")]),
            store.submit([make_batch(3, T + 9000, kind="wear", session="w")]),
        ]
        assert futures[0].result(60) == 1
        with pytest.raises(StoreRejectedError, match="field type conflict"):
            futures[1].result(60)
        assert futures[2].result(60) == 1
        # of the call that was refused, nothing is seen, though the server took what it could of it
        assert ((store.read(DEVICE, "wear", *ALL).t_ms - T) // 1000).tolist() == [0, 1, 2, 3, 4, 5, 9, 10, 11]
        assert len(store.read(DEVICE, "oximetry", *ALL)) == 0
        assert store.append([make_batch(2, T + 6000, kind="wear", session="w")]) == 1


def test_users_of_influxdb_1() -> None:
    with InfluxServer(auth=True) as server:
        server.execute("CREATE USER clinic WITH PASSWORD 'p:w/1' WITH ALL PRIVILEGES")
        with open_store(f"influx+v1://clinic:p%3Aw%2F1@127.0.0.1:{server.port}/sleep") as store:
            assert store.append([make_batch(0, T)]) == 1
            assert len(store.read(DEVICE, "oximetry", *ALL)) == 3
        with open_store(f"influx+v1://clinic:wrong@127.0.0.1:{server.port}/sleep") as store:
            with pytest.raises(StoreUnavailableError, match="refuses the user or token"):
                store.append([make_batch(1, T)])
            with pytest.raises(StoreUnavailableError, match="refuses the user or token"):
                store.read(DEVICE, "oximetry", *ALL)
