"""The virtual pulse oximeter as a gateway meets it: bleak's own client over the virtual radio, in simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError, BleakGATTProtocolError
from bleak.uuids import normalize_uuid_16

from gateway.home.devices.plx.protocol import (
    Feature,
    MeasurementStatus,
    SensorStatus,
    SpotCheckMeasurement,
    decode_continuous,
    decode_features,
    decode_spot_check,
)
from gateway.home.devices.plx.racp import Op, Operator, Request, encode
from gateway.home.devices.sig import CurrentTime, decode_current_time, encode_current_time, encode_date_time
from simulators.devices import DeviceClock, Finger, PlxOptions, PulseOximeter, Trace
from simulators.physiology import Night, Sleeper
from simulators.radio import Adapter, Ether
from simulators.timeloop import SimulatedClock, run

T0 = 1_700_000_000_000
LOCAL0 = datetime.fromtimestamp(T0 / 1000, UTC).replace(tzinfo=None)
ADDRESS = "C4:00:00:00:00:02"
SERIAL = "PX00071234"
HOUR_S = 3600

SPOT, CONTINUOUS, FEATURES, ACCESS, BATTERY, TIME = (
    normalize_uuid_16(number) for number in (0x2A5E, 0x2A5F, 0x2A60, 0x2A52, 0x2A19, 0x2A2B)
)


@dataclass
class Scene:
    clock: SimulatedClock
    ether: Ether
    adapter: Adapter
    device: PulseOximeter
    night: Night

    def truth_at(self, utc_ms: int) -> int:
        return (utc_ms - self.night.start_utc_ms) // 1000


class Visit:
    """A connection with its indications and notifications, in the order in which they came."""

    def __init__(self, client: BleakClient) -> None:
        self.client = client
        self.spots: list[SpotCheckMeasurement] = []
        self.raw_spots: list[bytes] = []
        self.live: list[bytes] = []
        self.answers: asyncio.Queue[str] = asyncio.Queue()

    def on_spot(self, _sender: object, value: bytearray) -> None:
        self.raw_spots.append(bytes(value))
        self.spots.append(decode_spot_check(bytes(value)))

    def on_live(self, _sender: object, value: bytearray) -> None:
        self.live.append(bytes(value))

    async def listen(self, *, spot: bool = True, access: bool = True) -> None:
        if spot:
            await self.client.start_notify(SPOT, self.on_spot)
        if access:
            await self.client.start_notify(ACCESS, lambda _, value: self.answers.put_nowait(value.hex()))

    async def access(self, value: bytes) -> str:
        """Write to the record access control point and wait for the answer, both as hex."""
        await self.client.write_gatt_char(ACCESS, value, response=True)
        async with asyncio.timeout(60):
            return await self.answers.get()


@asynccontextmanager
async def visiting(scene: Scene) -> AsyncIterator[Visit]:
    device = await BleakScanner.find_device_by_address(ADDRESS, 30.0, backend=scene.adapter.scanner_class)
    assert device is not None
    async with BleakClient(device, backend=scene.adapter.client_class) as client:
        yield Visit(client)


def play(
    story: Callable[[Scene], Awaitable[None]],
    *,
    clock_set: bool = True,
    drift_ppm: float = 0.0,
    options: PlxOptions | None = None,
) -> None:
    """Tell a story about an oximeter on a sleeper's finger for two hours, from ten minutes on."""

    async def main(clock: SimulatedClock) -> None:
        night = Sleeper(6, "severe").night(T0 + 600_000, 2 * HOUR_S)
        async with Ether(seed=2) as ether:
            radio = await ether.add_peripheral(ADDRESS, name="plx")
            own = DeviceClock(clock, LOCAL0 if clock_set else None, drift_ppm=drift_ppm)
            device = PulseOximeter(
                radio, clock, Finger([Trace.of_night(night)]), serial=SERIAL, own_clock=own, options=options
            )
            await device.start()
            await story(Scene(clock, ether, await ether.adapter("hci0"), device, night))
            await device.stop()

    run(main, epoch_ms=T0)


def test_it_advertises_the_service_and_its_name() -> None:
    async def story(scene: Scene) -> None:
        found = await BleakScanner.discover(3.0, return_adv=True, backend=scene.adapter.scanner_class)
        advertised = found[ADDRESS][1]
        assert advertised.local_name == "Oximeter 1234"
        assert advertised.service_uuids == [normalize_uuid_16(0x1822)]

    play(story)


def test_it_has_the_services_of_its_profile() -> None:
    async def story(scene: Scene) -> None:
        async with visiting(scene) as visit:
            services = {service.uuid for service in visit.client.services}
            assert {normalize_uuid_16(number) for number in (0x1822, 0x180F, 0x180A, 0x1805)} <= services
            assert (await visit.client.read_gatt_char(normalize_uuid_16(0x2A25))).decode() == SERIAL
            assert (await visit.client.read_gatt_char(BATTERY)) == b"\x64"
            features = decode_features(bytes(await visit.client.read_gatt_char(FEATURES)))
            assert Feature.SPOT_CHECK_STORAGE in features.supported
            assert features.sensor_status_mask is not None
            assert SensorStatus.UNCONNECTED_TO_USER in features.sensor_status_mask

    play(story)


@pytest.mark.parametrize("drift_ppm", [-90.0, 0.0, 90.0])
def test_continuous_measurements_are_the_truth_rounded_once_a_second(drift_ppm: float) -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(660)
        async with visiting(scene) as visit:
            await visit.client.start_notify(CONTINUOUS, visit.on_live)
            await scene.clock.sleep(600.5)
            await visit.client.stop_notify(CONTINUOUS)
            await scene.clock.sleep(5)
        sent = scene.device.delivered_live
        assert visit.live == [measurement.value for measurement in sent]
        assert 599 <= len(sent) <= 601
        assert all(abs(b.utc_ms - a.utc_ms - 1000) <= 3 for a, b in pairwise(sent))
        for measurement in sent:
            second = scene.truth_at(measurement.utc_ms)
            if not scene.night.finger_off[second]:
                decoded = decode_continuous(measurement.value)
                assert decoded.normal.spo2_pct == round(scene.night.spo2_pct[second])
                assert decoded.normal.pulse_bpm == round(scene.night.pulse_bpm[second])
                assert decoded.sensor_status is not None
                assert (SensorStatus.POOR_SIGNAL in decoded.sensor_status) == scene.night.poor_signal[second]

    play(story, drift_ppm=drift_ppm)


def test_without_a_finger_it_says_so() -> None:
    async def story(scene: Scene) -> None:
        async with visiting(scene) as visit:
            await visit.client.start_notify(CONTINUOUS, visit.on_live)
            await scene.clock.sleep(3)
        assert {value.hex() for value in visit.live} == {"0cff07ff070020000800"}

    play(story)


def test_stored_spot_checks_are_counted_reported_and_deleted() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(600 + 1210)
        kept = scene.device.memory.records
        assert 36 <= len(kept) <= 40
        async with visiting(scene) as visit:
            await visit.listen()
            assert await visit.access(bytes.fromhex("0401")) == f"0500{len(kept).to_bytes(2, 'little').hex()}"
            assert await visit.access(bytes.fromhex("0101")) == "06000101"
            assert visit.spots == [record.measurement for record in kept]
            for spot, record in zip(visit.spots, kept, strict=True):
                assert spot.measurement_status is not None
                assert MeasurementStatus.FROM_STORAGE in spot.measurement_status
                assert spot.vitals.spo2_pct == round(scene.night.spo2_pct[scene.truth_at(record.utc_ms)])
                assert spot.timestamp is not None
                age = spot.timestamp - LOCAL0 - timedelta(milliseconds=record.utc_ms - T0)
                assert timedelta(seconds=-1) < age <= timedelta(0)
            assert len(scene.device.memory.records) == len(kept)
            assert await visit.access(bytes.fromhex("0201")) == "06000201"
            assert scene.device.memory.records == ()
            assert await visit.access(bytes.fromhex("0401")) == "05000000"
            assert await visit.access(bytes.fromhex("0101")) == "06000106"

    play(story)


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("4201", "06004202"),
        ("0100", "06000103"),
        ("0109", "06000104"),
        ("0103", "06000105"),
        ("0103010000", "06000109"),
        ("0300", "06000301"),
        ("0301", "06000303"),
        ("05000300", "06000502"),
        ("06000101", "06000602"),
    ],
)
def test_what_it_cannot_do_is_answered_by_its_code(written: str, answer: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(910)
        async with visiting(scene) as visit:
            await visit.listen()
            assert await visit.access(bytes.fromhex(written)) == answer

    play(story)


def test_records_since_a_time_can_be_asked_for() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(1210)
        kept = scene.device.memory.records
        since = kept[-3].local
        async with visiting(scene) as visit:
            await visit.listen()
            request = Request(Op.REPORT, Operator.GREATER_OR_EQUAL, b"\x02" + encode_date_time(since))
            assert await visit.access(encode(request)) == "06000101"
            assert visit.spots == [record.measurement for record in kept[-3:]]
            assert await visit.access(encode(Request(Op.REPORT, Operator.FIRST))) == "06000101"
            assert visit.spots[-1] == kept[0].measurement

    play(story)


def test_record_access_needs_its_indications_switched_on() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(910)
        async with visiting(scene) as visit:
            with pytest.raises(BleakGATTProtocolError) as refused:
                await visit.client.write_gatt_char(ACCESS, b"\x04\x01", response=True)
            assert refused.value.code == 0xFD
            await visit.listen(spot=False)
            with pytest.raises(BleakGATTProtocolError) as refused:
                await visit.client.write_gatt_char(ACCESS, b"\x01\x01", response=True)
            assert refused.value.code == 0xFD
            with pytest.raises(BleakGATTProtocolError) as refused:
                await visit.client.write_gatt_char(ACCESS, b"\x01", response=True)
            assert refused.value.code == 0x0D

    play(story)


def test_a_report_can_be_aborted_and_nothing_else_may_interrupt_it() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(610 + HOUR_S)
        kept = scene.device.memory.records
        async with visiting(scene) as visit:
            await visit.listen()
            await visit.client.write_gatt_char(ACCESS, b"\x01\x01", response=True)
            with pytest.raises(BleakGATTProtocolError) as refused:
                await visit.client.write_gatt_char(ACCESS, b"\x02\x01", response=True)
            assert refused.value.code == 0xFE
            assert await visit.access(b"\x03\x00") == "06000301"
            assert len(visit.spots) < len(kept)
            assert scene.device.memory.records == kept
            await visit.client.write_gatt_char(ACCESS, b"\x01\x01", response=True)
            assert await visit.access(b"\x03\x01") == "06000303"
            async with asyncio.timeout(60):
                assert await visit.answers.get() == "06000101"
            assert visit.spots[-len(kept) :] == [record.measurement for record in kept]

    play(story)


def test_a_link_lost_in_a_report_leaves_every_record_where_it_was() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(610 + HOUR_S)
        kept = scene.device.memory.records
        async with visiting(scene) as visit:
            await visit.listen()
            scene.ether.faults(ADDRESS).drop_link_after(notifications=17)
            with pytest.raises((TimeoutError, BleakError)):
                await visit.access(b"\x01\x01")
            assert not visit.client.is_connected
        assert len(visit.spots) == 17
        async with visiting(scene) as visit:
            await visit.listen()
            assert await visit.access(b"\x01\x01") == "06000101"
            assert visit.spots[: len(kept)] == [record.measurement for record in kept]

    play(story)


def test_spot_checks_are_told_at_once_to_who_listens_and_kept_otherwise() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(910)
        before = scene.device.memory.records
        async with visiting(scene) as visit:
            await visit.listen()
            await scene.clock.sleep(300)
            assert 9 <= len(visit.spots) <= 11
            assert scene.device.memory.records == before
            for spot in visit.spots:
                assert spot.measurement_status is not None
                assert MeasurementStatus.FROM_STORAGE not in spot.measurement_status
        await scene.clock.sleep(300)
        assert len(scene.device.memory.records) >= len(before) + 9
        assert [sent.value for sent in scene.device.delivered_spots] == visit.raw_spots

    play(story)


def test_a_spot_check_that_nobody_confirms_is_kept() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(910)
        before = scene.device.memory.records
        async with visiting(scene) as visit:
            await visit.listen()
            scene.ether.faults(ADDRESS).drop_link_after(notifications=0)
            await scene.clock.sleep(45)
            assert visit.spots == []
        made = scene.device.memory.records[len(before) :]
        assert len(made) >= 1
        assert scene.device.delivered_spots == []

    play(story)


def test_a_clock_that_was_never_set_is_flagged_and_can_be_set() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(910)
        async with visiting(scene) as visit:
            await visit.listen()
            await visit.access(b"\x01\x06")
            assert visit.spots[-1].clock_not_set
            local = datetime(2026, 11, 22, 23, 10)  # noqa: DTZ001 - a device's clock has no zone
            with pytest.raises(BleakGATTProtocolError):
                await visit.client.write_gatt_char(TIME, b"\x00" * 9, response=True)
            with pytest.raises(BleakGATTProtocolError):
                await visit.client.write_gatt_char(TIME, b"\x00" * 10, response=True)
            await visit.client.write_gatt_char(TIME, encode_current_time(CurrentTime(local, 7)), response=True)
            await scene.clock.sleep(61)
            told = decode_current_time(bytes(await visit.client.read_gatt_char(TIME)))
            assert told.local is not None
            assert timedelta(seconds=61) <= told.local - local < timedelta(seconds=62)
            assert not visit.spots[-1].clock_not_set
            assert visit.spots[-1].timestamp is not None
            assert visit.spots[-1].timestamp >= local

    play(story, clock_set=False)


def test_without_spot_checks_it_keeps_nothing() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(610 + HOUR_S)
        async with visiting(scene) as visit:
            await visit.listen()
            assert await visit.access(b"\x04\x01") == "05000000"

    play(story, options=PlxOptions(spot_every_s=0.0))
