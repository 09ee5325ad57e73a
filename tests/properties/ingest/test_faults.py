"""Ingest under bad input, a store that is away, and a restart: nothing is lost, and nothing is answered too early."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.errors import StoreRejectedError, StoreUnavailableError
from gateway.service.ingest import ingest as ingest_module
from gateway.service.ingest import waiting as waiting_module
from gateway.wire import topics
from gateway.wire.client import Message
from gateway.wire.codec import GatewayStatus, encode_batch, encode_status
from gateway.wire.messages import Batch, ClockInfo
from tests.properties.ingest.scene import DEVICE, EVENING, GATEWAY, cut, night, scene, wait_for

LIVE = cut(night(600), 60)


def test_bad_input_is_set_aside_counted_and_answered_and_the_stream_goes_on(tmp_path: Path) -> None:
    infinite = Batch(
        DEVICE,
        "oximetry",
        "live",
        "inf",
        0,
        EVENING,
        {"spo2": np.array([np.inf], "<f4")},
        ClockInfo("arrival", 0),
        dt_ms=1,
    )
    other = cut(night(60), 60, session="x")[0]
    with scene(tmp_path) as service:
        service.send(LIVE[:1])
        service.offer(b"\xff\xff")
        service.offer(b"", "somnolink/v1/home/up/o2ring-1/ecg")
        service.offer(encode_batch(other), topics.batch(GATEWAY, "o2ring-1", "oximetry"))
        service.send([infinite])
        service.ingest.settle()
        service.send(LIVE[1:2], gateway="away")  # the device is another gateway's
        service.send(LIVE[1:])
        rows, _ = service.outcome()
        counts = service.records.set_aside.counts()
        assert counts == {"bad_message": 1, "bad_topic": 1, "bad_batch": 2, "foreign_device": 1}
        assert service.ingest.counters.set_aside == 5
        assert len(rows) == 600
        assert service.answered("set_aside") == [("inf", 0), ("live", 1), ("x", 0)]
        assert service.answered("stored") == [("live", seq) for seq in range(10)]
        assert len(service.acknowledged) == 4 + 1 + 1 + 9


def test_an_unknown_device_is_set_aside_until_it_is_enrolled(tmp_path: Path) -> None:
    with scene(tmp_path, auto_enrol=False) as service:
        service.send(LIVE[:1])
        service.ingest.settle()
        assert service.records.set_aside.counts() == {"unknown_device": 1}
        assert service.answered("set_aside") == [("live", 0)]
        service.records.devices.enrol(GATEWAY, DEVICE, zone="UTC", at_ms=0)
        service.send(LIVE)
        assert len(service.outcome()[0]) == 600
        assert service.answered("stored") == [("live", seq) for seq in range(10)]


def test_a_batch_that_the_store_will_never_take_costs_itself_alone(tmp_path: Path) -> None:
    with scene(tmp_path) as service:
        service.send(LIVE[:1])
        service.ingest.settle()
        clash = cut(night(60), 60, session="live", origin="stored", t0_ms=EVENING + 1000)[0]
        service.send([LIVE[1], clash, LIVE[2]])
        assert len(service.outcome()[0]) == 180
        assert service.records.set_aside.counts() == {"store_rejected": 1}


def test_while_the_store_is_away_nothing_is_answered_and_the_intake_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_module, "RETRY_FIRST_S", 0.02)
    monkeypatch.setattr(waiting_module, "MOST", 4)
    monkeypatch.setattr(ingest_module, "GROUP", 2)
    with scene(tmp_path) as service:
        service.store.away = 1 << 30
        sender = threading.Thread(target=service.send, args=(LIVE,), daemon=True)
        sender.start()
        assert service.store.tried.wait(10)
        wait_for(lambda: service.ingest.counters.store_retries >= 2)
        wait_for(lambda: service.ingest.waiting == 4)
        assert sender.is_alive()  # the network thread waits: that is the back-pressure
        assert (service.acks, service.acknowledged) == ([], [])
        assert service.ingest.problem == "the store is away"
        service.store.away = 0
        sender.join(20)
        assert len(service.outcome()[0]) == 600
        assert service.answered("stored") == [("live", seq) for seq in range(10)]
        assert len(service.acknowledged) == 10
        assert service.ingest.problem is None


def test_a_service_that_is_stopped_while_the_store_is_away_answers_nothing(tmp_path: Path) -> None:
    with scene(tmp_path) as service:
        service.store.away = 1 << 30
        service.send(LIVE)
        assert service.store.tried.wait(10)
    assert service.acks == []
    with scene(tmp_path) as again:
        again.send(LIVE)
        assert len(again.outcome()[0]) == 600


def test_messages_that_wait_share_a_commit(tmp_path: Path) -> None:
    with scene(tmp_path, start=False) as service:
        service.send(cut(night(1200), 10))
        service.ingest.start()
        service.ingest.settle()
        assert service.ingest.counters.batches == 120
        assert service.ingest.counters.groups <= 3
        assert service.store.health().commits <= 3


def test_a_stored_session_replaces_the_live_results(tmp_path: Path) -> None:
    deep = night(1200, 9)
    stored = cut(deep[::4], 100, session="stored", origin="stored", dt_ms=4000)
    with scene(tmp_path / "both") as service:
        service.send(cut(night(1200, 1), 60))
        service.ingest.settle()
        live_result = service.outcome()[1]
        service.send(stored)
        both = service.outcome()
    with scene(tmp_path / "stored") as service:
        service.send(stored)
        alone = service.outcome()
    assert both == alone
    assert live_result != alone[1]


def test_a_night_that_goes_stale_is_on_disk_as_such_before_its_batch_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the records were away at the first try: a crash right after the answer must not forget it."""
    with scene(tmp_path) as service:
        service.send(LIVE[:3])
        service.ingest.settle()
        results = service.records.results
        mark, tries = results.mark_stale, []

        def refuse_once(nights: Sequence[tuple[str, date]], *, at_ms: int) -> None:
            tries.append(list(nights))
            if len(tries) == 1:
                raise StoreUnavailableError("the records are away")
            mark(nights, at_ms=at_ms)

        monkeypatch.setattr(results, "mark_stale", refuse_once)
        monkeypatch.setattr(service.ingest.nights, "tick", lambda **_: False)  # as if it had crashed before the re-run
        service.send(LIVE[5:6])  # the night was closed: a late batch
        wait_for(lambda: ("live", 5) in service.answered("stored"))
        assert tries == [[(DEVICE, date(2026, 9, 22))]] * 2
        assert results.stale() == [(DEVICE, date(2026, 9, 22))]
    with scene(tmp_path) as again:
        _, [(result, _)] = again.outcome()
        assert result.end_ms == EVENING + 360_000
        assert again.records.results.stale() == []


def test_results_that_the_records_refused_for_a_while_are_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene(tmp_path / "calm") as service:
        service.send(LIVE)
        expected = service.outcome()
    with scene(tmp_path / "faulty") as service:
        results = service.records.results
        upsert, calls = results.upsert_running, [0]

        def refuse_every_second(updates: Any) -> None:
            calls[0] += 1
            if updates and calls[0] % 2:
                raise StoreUnavailableError("the records are away")
            upsert(updates)

        monkeypatch.setattr(results, "upsert_running", refuse_every_second)
        for batch in LIVE:
            service.send([batch])
            wait_for(lambda seq=batch.seq: ("live", seq) in service.answered("stored"))  # type: ignore[misc]
        assert service.outcome() == expected


def test_a_group_that_fails_for_a_reason_nobody_thought_of_is_not_answered_and_the_others_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene(tmp_path) as service:
        contact = service.records.devices.contact

        def fail(_contacts: object) -> None:
            monkeypatch.setattr(service.records.devices, "contact", contact)
            raise StoreRejectedError("no such device")

        monkeypatch.setattr(service.records.devices, "contact", fail)
        service.send(LIVE[:1])
        wait_for(lambda: service.ingest.counters.failed_groups == 1)
        assert (service.acks, service.acknowledged) == ([], [])
        assert "no such device" in (service.ingest.problem or "")
        service.send(LIVE)  # its gateway sends it again
        assert len(service.outcome()[0]) == 600
        assert service.answered("stored") == [("live", seq) for seq in range(10)]


def test_the_same_batches_again_are_acknowledged_again_and_counted_as_repeated(tmp_path: Path) -> None:
    with scene(tmp_path) as service:
        service.send(LIVE)
        first = service.outcome()
        service.send(LIVE)
        assert service.outcome() == first
        assert service.ingest.counters.repeated == 10
        assert len(service.answered("stored")) == 20


def test_what_a_gateway_says_of_itself_becomes_an_alert_and_goes_when_it_goes(tmp_path: Path) -> None:
    def say(*notices: str, online: bool = True, topic: str = topics.status(GATEWAY)) -> Message:
        return service.offer(encode_status(GatewayStatus(online, 1, "0", 3, list(notices), {"pending": 3})), topic)

    with scene(tmp_path) as service:
        say("outbox_full", "of_a_later_version")
        say(topic=topics.SERVICE_STATUS)
        service.offer(b"no status", topics.status(GATEWAY))
        say(online=False, topic=topics.status("Bad Name"))
        service.ingest.settle()
        wait_for(lambda: len(service.acknowledged) == 4)
        assert [alert.kind for alert in service.records.alerts.list(open_only=True)] == ["outbox_full"]
        assert [gateway.id for gateway in service.records.devices.gateways()] == [GATEWAY]
        say()
        wait_for(lambda: service.records.alerts.list(open_only=True) == [])
