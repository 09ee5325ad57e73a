"""What homes and devices say of themselves, as the API tells it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gateway.service.api import ServiceStatus, create_app, create_token, serve
from gateway.service.records import DeviceState, GatewayState, Records
from gateway.service.records.states import merged
from gateway.wire import topics
from gateway.wire.codec import GatewayStatus, encode_status
from gateway.wire.messages import SCHEMA, Batch, ClockInfo, WearFlag
from gateway.wire.presence import DeviceStatus
from tests.properties.ingest.scene import EVENING, GATEWAY, Scene, scene, wait_for

MAD, FOREIGN = "mad-0123456789", "ring-0123456789"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path) as made:
        made.records.devices.enrol(GATEWAY, MAD, zone="UTC", at_ms=1)
        made.records.devices.enrol("away", FOREIGN, zone="UTC", at_ms=1)
        yield made


def say(service: Scene, status: GatewayStatus, gateway: str = GATEWAY) -> None:
    before = len(service.acknowledged)
    service.offer(encode_status(status), topics.status(gateway))
    wait_for(lambda: len(service.acknowledged) > before)


def wear(flags: int, at_ms: int) -> Batch:
    return Batch(
        MAD, "wear", "stored", f"s{at_ms}", 0, at_ms,
        {"temperature": np.full(2, 33, "<f4"), "flags": np.full(2, flags, "<u2")}, ClockInfo("anchors", 800),
        t_ms=np.array([0, 1000], "<i4"), last=True,
    )  # fmt: skip


def device_batch(**values: float) -> Batch:
    columns = {name: np.array([value], SCHEMA["device"][name]) for name, value in values.items()}
    return Batch(MAD, "device", "live", "d", 0, EVENING, columns, ClockInfo("arrival", 50), t_ms=np.zeros(1, "<i4"))


def test_a_home_tells_how_it_is_and_the_api_tells_it_on(service: Scene) -> None:
    mad = DeviceStatus(MAD, EVENING, True, "MAD", "1.9", 71.0, 2.95, 4, "ok", -11.5)
    foreign = DeviceStatus(FOREIGN, EVENING, firmware="forged", battery_pct=1.0)
    status = GatewayStatus(
        True, EVENING, "0.1.0", 12, [], {}, EVENING - 5000, 1 << 33, "silent", False, None, [mad, foreign]
    )
    say(service, status)
    records = service.records
    token = create_token(records, "t", ["read"], created_ms=0)
    app = create_app(records, service.store, status=lambda: ServiceStatus(True, ""))
    with serve(app, "127.0.0.1", 0) as server:
        import httpx

        client = httpx.Client(base_url=f"{server.url}/api/v1", headers={"Authorization": f"Bearer {token}"})
        told = {one["id"]: one for one in client.get("/homes").json()["homes"]}
        assert client.get(f"/homes/{GATEWAY}").json() == told[GATEWAY]
        devices = {one["id"]: one for one in client.get("/devices").json()}
        assert client.get(f"/devices/{MAD}").json() == devices[MAD]
        client.close()
    state = told[GATEWAY]["state"]
    assert told[GATEWAY]["devices"] == [MAD]
    assert told["away"]["state"] is None
    assert abs(state.pop("clock_offset_ms") - (EVENING - state["heard_ms"])) < 1000
    assert state.pop("heard_ms") == state.pop("since_ms")
    assert state == {
        "online": True,
        "version": "0.1.0",
        "pending": 12,
        "oldest_ms": EVENING - 5000,
        "disk_free_bytes": 1 << 33,
        "radio": "silent",
        "clock_set": False,
        "clock_error_ms": None,
    }
    assert (devices[MAD]["firmware"], devices[MAD]["battery_pct"], devices[MAD]["model"]) == ("1.9", 71.0, "MAD")
    known = devices[MAD]["state"]
    assert known.pop("heard_ms") > EVENING - 1
    assert known == {
        "contact_ms": EVENING,
        "reachable": True,
        "voltage": 2.95,
        "boots": 4,
        "clock": "ok",
        "drift_ppm": -11.5,
        "uncertainty_ms": None,
    }
    # a home speaks for its own devices alone
    assert (devices[FOREIGN]["firmware"], devices[FOREIGN]["battery_pct"], devices[FOREIGN]["state"]) == (
        None,
        None,
        None,
    )


def test_one_that_vanishes_is_offline_and_what_it_last_said_stays(service: Scene) -> None:
    say(service, GatewayStatus(True, EVENING, "0.1.0", 7))
    first = service.records.states.gateways()[GATEWAY]
    say(service, GatewayStatus(True, EVENING, "0.1.0", 8))
    second = service.records.states.gateways()[GATEWAY]
    assert (second.pending, second.since_ms) == (8, first.since_ms)
    say(service, GatewayStatus(False))
    gone = service.records.states.gateways()[GATEWAY]
    assert (gone.online, gone.pending, gone.version, gone.heard_ms) == (False, 8, "0.1.0", second.heard_ms)
    assert gone.since_ms >= first.since_ms
    say(service, GatewayStatus(False), "never-seen")
    assert set(service.records.states.gateways()) == {GATEWAY}


def test_data_tell_of_their_device_too_and_the_later_word_on_its_clock_holds(service: Scene) -> None:
    service.send([device_batch(battery=60, voltage=2.9, boot=3, rssi=-60)])
    service.send([wear(WearFlag.CLOCK_LOST, EVENING)])
    wait_for(lambda: service.ingest.counters.batches == 2)
    state = service.records.states.devices([MAD])[MAD]
    assert (state.voltage, state.boots, state.clock, state.uncertainty_ms) == (pytest.approx(2.9), 3, "lost", 800)
    say(service, GatewayStatus(True, EVENING, devices=[DeviceStatus(MAD, EVENING - 5000, clock="ok", drift_ppm=2.0)]))
    state = service.records.states.devices([MAD])[MAD]
    assert (state.clock, state.drift_ppm) == ("lost", 2.0)
    say(service, GatewayStatus(True, EVENING, devices=[DeviceStatus(MAD, EVENING + 5000, clock="ok")]))
    state = service.records.states.devices([MAD])[MAD]
    assert (state.clock, state.drift_ppm, state.voltage) == ("ok", 2.0, pytest.approx(2.9))


@pytest.mark.parametrize(
    "text",
    [
        b'{"online":true,"pending":-1}',
        b'{"online":true,"pending":9007199254740992}',
        b'{"online":true,"version":"a\\u0000b"}',
        b'{"online":true,"radio":"loud"}',
        b'{"online":true,"devices":[{"device":""}]}',
        b'{"online":true,"devices":[{"device":"d","clock":"late"}]}',
    ],
)
def test_what_no_home_says_is_not_taken(service: Scene, text: bytes) -> None:
    before = len(service.acknowledged)
    service.offer(text, topics.status(GATEWAY))
    wait_for(lambda: len(service.acknowledged) > before)
    assert service.records.states.gateways() == {}


def test_a_revoked_home_is_heard_to_go_and_not_to_come(service: Scene) -> None:
    say(service, GatewayStatus(True, EVENING, pending=1))
    service.records.homes.set_revoked(GATEWAY, 5)
    say(service, GatewayStatus(False))
    say(service, GatewayStatus(True, EVENING, pending=9, notices=["outbox_full"]))
    state = service.records.states.gateways()[GATEWAY]
    assert (state.online, state.pending, service.ingest.presence.refused) == (False, 1, 1)
    assert service.records.alerts.list(open_only=True) == []


def test_states_keep_what_is_not_told(tmp_path: Path) -> None:
    before = DeviceState("d", 10, 9, True, 2.9, 4, "ok", 9, 1.5, 100)
    assert merged(before, DeviceState("d", 11)) == DeviceState("d", 11, 9, True, 2.9, 4, "ok", 9, 1.5, 100)
    assert merged(before, DeviceState("d", 5, clock="lost", clock_ms=8)) == before
    assert merged(before, DeviceState("d", 10, clock="lost", clock_ms=9)).clock == "lost"
    records = Records(tmp_path / "records.db")
    records.states.hear(GatewayState("home", True, 5, 5, pending=3))
    records.states.hear(GatewayState("home", False, 4, 4))  # older than what is known
    assert records.states.gateways() == {"home": GatewayState("home", True, 5, 5, pending=3)}
    records.states.put_devices([DeviceState("unknown", 1)])
    assert records.states.devices() == {}
    records.close()
