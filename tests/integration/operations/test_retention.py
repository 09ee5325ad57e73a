"""Retention: what is old goes by kind and whole nights, what was concluded from it stays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from gateway.clock import SystemClock
from gateway.errors import StoreUnavailableError
from gateway.service.nights import night_bounds
from gateway.service.records import Records, Rejected
from gateway.service.retention import DAY_MS, RetentionJob, days_of, delete_old
from gateway.service.store.sqlite import SqliteStore
from gateway.settings import RetentionSettings
from gateway.wire.messages import KINDS, SCHEMA, Batch, ClockInfo, Kind
from tests.integration.api import synthetic

FOR_EVER = RetentionSettings(**dict.fromkeys(RetentionSettings.__struct_fields__, 0))
DUSK_MS, DAWN_MS = night_bounds(synthetic.NIGHT, synthetic.ZONE)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / "samples.db") as opened:
        yield opened


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records(tmp_path / "records.db")
    yield opened
    opened.close()


class Later(SystemClock):
    """Months after that night."""

    def utc_ms(self) -> int:
        return DAWN_MS + 60 * DAY_MS


def one(kind: Kind, t_ms: int, device: str = synthetic.DEVICE) -> Batch:
    name, dtype = next(iter(SCHEMA[kind].items()))
    return Batch(
        device=device,
        kind=kind,
        origin="stored",
        session=f"{kind}-{t_ms}",
        seq=0,
        t0_ms=t_ms,
        dt_ms=20 if kind == "waveform" else 1000,
        columns={name: np.ones(10, dtype)},
        clock=ClockInfo("arrival", 500),
    )


def test_each_kind_goes_by_its_own_days_and_results_stay(store: SqliteStore, records: Records) -> None:
    synthetic.fill(store, records)
    for kind in KINDS[1:]:
        store.append([one(kind, synthetic.START_MS)])
    gone = delete_old(
        RetentionSettings(oximetry_days=30, waveform_days=40, device_days=60, wear_days=0),
        store,
        records,
        synthetic.START_MS + 45 * DAY_MS,
    )
    assert (gone.samples, gone.failed) == (synthetic.SIZE + 10, 0)
    left = {kind for kind in KINDS if store.span(synthetic.DEVICE, kind) is not None}
    assert left == set(KINDS) - {"oximetry", "waveform"}
    night = records.results.night(synthetic.DEVICE, synthetic.NIGHT)
    assert night is not None
    assert len(records.results.desaturations(night)) == 64


@pytest.mark.parametrize(("after_ms", "whole"), [(-1, True), (0, False)])
def test_a_night_goes_as_a_whole_at_noon_of_its_own_zone(
    store: SqliteStore, records: Records, after_ms: int, whole: bool
) -> None:
    records.devices.enrol("home-1", synthetic.DEVICE, zone=synthetic.ZONE, at_ms=1)
    store.append([one("oximetry", DUSK_MS), one("oximetry", DAWN_MS - 10_000)])
    kept = RetentionSettings(oximetry_days=30)
    delete_old(kept, store, records, DAWN_MS + 30 * DAY_MS + after_ms)
    held = store.read(synthetic.DEVICE, "oximetry", 0, 1 << 60)
    assert len(held) == (20 if whole else 0)


def test_a_device_that_is_not_enrolled_is_counted_in_utc(store: SqliteStore, records: Records) -> None:
    dusk_ms, dawn_ms = night_bounds(date(2026, 3, 10), "UTC")
    store.append([one("wear", dusk_ms, "mad-0000000000"), one("wear", dawn_ms, "mad-0000000000")])
    assert delete_old(RetentionSettings(wear_days=30), store, records, dawn_ms + 30 * DAY_MS).samples == 10


def test_for_ever_is_for_ever(store: SqliteStore, records: Records) -> None:
    synthetic.fill(store, records)
    records.set_aside.add([Rejected(1, "home-1", "topic", "codec", "no map", b"x")])
    gone = delete_old(FOR_EVER, store, records, synthetic.START_MS + 36_000 * DAY_MS)
    assert (gone.samples, gone.events, gone.set_aside, gone.failed) == (0, 0, 0, 0)
    assert store.span(synthetic.DEVICE, "oximetry") is not None
    assert records.set_aside.counts() == {"codec": 1}


def test_messages_that_were_set_aside_go_at_their_age(store: SqliteStore, records: Records) -> None:
    now_ms = 1000 * DAY_MS
    edge_ms = now_ms - 365 * DAY_MS
    records.set_aside.add([Rejected(edge_ms + n - 1, "home-1", "t", "codec", "-", bytes([n])) for n in (0, 1)])
    assert delete_old(RetentionSettings(), store, records, now_ms).set_aside == 1
    assert [message.received_ms for message in records.set_aside.list()] == [edge_ms]


def test_every_kind_has_days_of_its_own() -> None:
    for kind in KINDS:
        only = RetentionSettings(**{**dict.fromkeys(RetentionSettings.__struct_fields__, 0), f"{kind}_days": 77})
        assert [other for other in KINDS if days_of(only, other) == 77] == [kind]


def test_what_fails_is_counted_and_the_others_go_on(
    store: SqliteStore, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    for device in ("plx-0000000001", "plx-0000000002"):
        store.append([one("oximetry", DUSK_MS, device)])
    really = store.delete_before

    def refuse_one(utc_ms: int, *, kind: Kind | None = None, device: str | None = None) -> int:
        if device == "plx-0000000001":
            raise StoreUnavailableError("busy")
        return really(utc_ms, kind=kind, device=device)

    monkeypatch.setattr(store, "delete_before", refuse_one)
    kept = RetentionSettings(oximetry_days=30, waveform_days=0, device_days=0)
    gone = delete_old(kept, store, records, DAWN_MS + 60 * DAY_MS)
    assert (gone.samples, gone.failed) == (10, 1)
    assert store.devices() == ["plx-0000000001"]


def test_the_job_runs_by_itself_counts_and_ends(store: SqliteStore, records: Records) -> None:
    store.append([one("oximetry", DUSK_MS)])
    done = threading.Event()
    really = store.delete_before

    def delete(utc_ms: int, *, kind: Kind | None = None, device: str | None = None) -> int:
        deleted = really(utc_ms, kind=kind, device=device)
        done.set()
        return deleted

    store.delete_before = delete  # type: ignore[method-assign]  # to hear of it
    kept = RetentionSettings(oximetry_days=30, waveform_days=0, device_days=0)
    now = Later()
    job = RetentionJob(kept, store, records, now, first_s=0.0, every_s=3600.0)
    job.start()
    assert done.wait(30)
    job.stop()
    assert job.counters == {"retention_samples": 10, "retention_failed": 0, "retention_runs": 1}
    RetentionJob(kept, store, records, now).stop()
