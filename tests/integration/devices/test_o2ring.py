"""The virtual O2Ring as a gateway meets it: bleak's own client over the virtual radio, in simulated time.

Long because every behaviour of one thing stands together, sharing its set-up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError

from gateway.errors import TransferError
from gateway.home.devices.viatom.protocol import (
    NOTIFY,
    SERVICE,
    WRITE,
    DeviceInfo,
    FrameAssembler,
    Op,
    Response,
    decode_info,
    decode_real_time,
    decode_sensors,
    encode_request,
    request_info,
    request_open,
    request_ping,
    request_read,
    request_real_time,
    request_sensors,
    request_set_time,
)
from gateway.home.devices.viatom.pull import FilePull
from gateway.wire.files.viatom import MISSING_SPO2, parse_vld
from simulators.devices import DeviceClock, Finger, O2Ring, Recording, RingOptions, Trace, replay_options, replay_trace
from simulators.physiology import Night, Sleeper
from simulators.radio import Adapter, Ether
from simulators.timeloop import SimulatedClock, run

T0 = 1_700_000_000_000
ADDRESS = "C4:00:00:00:00:01"
SERIAL = "2301A04321"
HOUR_S = 3600


@dataclass
class Scene:
    clock: SimulatedClock
    ether: Ether
    adapter: Adapter
    ring: O2Ring
    finger: Finger
    nights: list[Night]

    async def seen(self, seconds: float = 3.0) -> dict[str, tuple[str | None, list[str]]]:
        """Address, name and services of what advertises within some seconds."""
        found = await BleakScanner.discover(seconds, return_adv=True, backend=self.adapter.scanner_class)
        return {address: (data.local_name, data.service_uuids) for address, (_, data) in found.items()}


class Talk:
    """Requests and answers, one after the other."""

    def __init__(self, client: BleakClient) -> None:
        self.client = client
        self.notifications: list[int] = []
        self._frames: asyncio.Queue[Response] = asyncio.Queue()
        self._assembler = FrameAssembler()

    def on_notification(self, _sender: object, value: bytearray) -> None:
        self.notifications.append(len(value))
        for frame in self._assembler.feed(value):
            self._frames.put_nowait(frame)

    async def ask(self, request: bytes) -> Response:
        for at in range(0, len(request), 20):
            await self.client.write_gatt_char(WRITE, request[at : at + 20], response=False)
        async with asyncio.timeout(5):
            return await self._frames.get()

    async def info(self) -> DeviceInfo:
        return decode_info((await self.ask(request_info())).data)

    async def pull(self, name: str, have: bytes = b"") -> FilePull:
        pull = FilePull(name, have)
        while (request := pull.next_request()) is not None:
            try:
                pull.feed(await self.ask(request))
            except (TimeoutError, BleakError):
                return pull
        return pull


@asynccontextmanager
async def talking(scene: Scene) -> AsyncIterator[Talk]:
    device = await BleakScanner.find_device_by_address(scene.ring.address, 30.0, backend=scene.adapter.scanner_class)
    assert device is not None
    async with BleakClient(device, backend=scene.adapter.client_class) as client:
        talk = Talk(client)
        await client.start_notify(NOTIFY, talk.on_notification)
        yield talk


def play(
    story: Callable[[Scene], Awaitable[None]],
    *,
    nights: int = 1,
    night_s: int = 2 * HOUR_S,
    max_mtu: int = 247,
    options: RingOptions | None = None,
) -> None:
    """Tell a story about a ring on a sleeper's finger; nights are a day apart, the first begins ten minutes in."""

    async def main(clock: SimulatedClock) -> None:
        sleeper = Sleeper(5, "severe")
        slept = [sleeper.night(T0 + 600_000 + k * 86_400_000, night_s, index=k) for k in range(nights)]
        finger = Finger(Trace.of_night(night) for night in slept)
        async with Ether(seed=1) as ether:
            radio = await ether.add_peripheral(ADDRESS, name="ring", max_mtu=max_mtu)
            own = DeviceClock(clock, datetime.fromtimestamp(T0 / 1000, UTC).replace(tzinfo=None))
            ring = O2Ring(radio, clock, finger, serial=SERIAL, own_clock=own, options=options)
            await ring.start()
            await story(Scene(clock, ether, await ether.adapter("hci0"), ring, finger, slept))
            await ring.stop()

    run(main, epoch_ms=T0)


def test_it_advertises_its_name_and_service() -> None:
    async def story(scene: Scene) -> None:
        assert (await scene.seen())[ADDRESS] == ("O2Ring 4321", [SERVICE])

    play(story)


def test_it_tells_who_it_is() -> None:
    async def story(scene: Scene) -> None:
        async with talking(scene) as talk:
            info = await talk.info()
        assert (info.serial, info.model, info.battery_pct, info.files) == (SERIAL, "1652", 100.0, ())
        assert info.clock == datetime.fromtimestamp(T0 / 1000, UTC).replace(tzinfo=None) + timedelta(
            milliseconds=scene.clock.utc_ms() // 1000 * 1000 - T0
        )

    play(story)


@pytest.mark.parametrize(("max_mtu", "longest"), [(23, 20), (247, 244)])
def test_frames_are_split_to_the_mtu(max_mtu: int, longest: int) -> None:
    async def story(scene: Scene) -> None:
        async with talking(scene) as talk:
            assert (await talk.info()).serial == SERIAL
            assert max(talk.notifications) == min(longest, sum(talk.notifications))
            assert all(size == longest for size in talk.notifications[:-1])

    play(story, max_mtu=max_mtu)


def test_it_refuses_what_it_cannot_do() -> None:
    async def story(scene: Scene) -> None:
        async with talking(scene) as talk:
            assert (await talk.ask(request_ping())).status == 0
            for refused in (encode_request(0x77), request_open("20990101000000"), request_read(0)):
                assert (await talk.ask(refused)).status != 0
            assert (await talk.ask(encode_request(Op.CONFIG, b"{no json"))).status != 0
            # Garbage and a frame with a wrong checksum are passed over; the next request is heard.
            await talk.client.write_gatt_char(WRITE, b"\x00\xaa\x14\xeb\x00\x00\x00\x00\x00", response=False)
            assert (await talk.info()).serial == SERIAL

    play(story)


def test_its_clock_can_be_set() -> None:
    async def story(scene: Scene) -> None:
        local = datetime(2026, 11, 22, 23, 10)  # noqa: DTZ001 - a ring knows no zone
        async with talking(scene) as talk:
            assert (await talk.ask(request_set_time(local))).status == 0
            await scene.clock.sleep(90)
            assert (await talk.info()).clock == local + timedelta(seconds=90)

    play(story)


def test_live_frames_show_the_truth_of_their_moment_rounded() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(900)
        (night,) = scene.nights
        async with talking(scene) as talk:
            for k in range(120):
                sensors = decode_sensors((await talk.ask(request_sensors())).data)
                real_time = decode_real_time((await talk.ask(request_real_time())).data)
                truth = scene.ring.delivered_live[2 * k]
                second = (truth.utc_ms - night.start_utc_ms) // 1000
                assert sensors.worn
                assert sensors.spo2_pct == real_time.reading.spo2_pct == truth.spo2_pct
                assert truth.spo2_pct == round(night.spo2_pct[second])
                assert sensors.pulse_bpm == truth.pulse_bpm == round(night.pulse_bpm[second])
                assert sensors.motion == min(night.motion[second], 254)
                if k > 0:
                    assert len(real_time.wave) == 125
                    assert max(real_time.wave) > 100
                await scene.clock.sleep(1.0)
        assert [frame.op for frame in scene.ring.delivered_live[:2]] == [Op.SENSORS, Op.REAL_TIME]

    play(story)


def test_without_a_finger_live_frames_hold_no_values() -> None:
    async def story(scene: Scene) -> None:
        async with talking(scene) as talk:
            reading = decode_sensors((await talk.ask(request_sensors())).data)
        assert not reading.worn
        assert reading.spo2_pct is None
        assert reading.pulse_bpm is None
        assert not scene.ring.delivered_live[0].worn

    play(story)


def test_a_night_is_pulled_byte_for_byte() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(600 + 2 * HOUR_S + 240)
        (night,) = scene.nights
        async with talking(scene) as talk:
            (name,) = (await talk.info()).files
            pull = await talk.pull(name)
        assert pull.complete
        assert pull.closed
        assert pull.data == scene.ring.files[name]
        stored = parse_vld(pull.data)
        assert stored.start is not None
        offset_s = (stored.start - datetime.fromtimestamp(night.start_utc_ms / 1000, UTC).replace(tzinfo=None)).seconds
        seconds = offset_s + 4 * np.arange(stored.spo2.size)
        inside = seconds < night.duration_s
        expected = np.where(np.isnan(night.spo2_pct), MISSING_SPO2, np.rint(night.spo2_pct))[seconds[inside]]
        np.testing.assert_array_equal(stored.spo2[inside], expected)

    play(story)


def test_an_earlier_file_can_be_pulled_while_it_records() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(86_400 + 600 + HOUR_S)
        async with talking(scene) as talk:
            assert scene.ring.recorder.recording
            (name,) = (await talk.info()).files
            assert (await talk.pull(name)).data == scene.ring.files[name]
            assert decode_sensors((await talk.ask(request_sensors())).data).worn
        await scene.clock.sleep(2 * HOUR_S)
        assert len(scene.ring.files) == 2
        one, other = (parse_vld(data) for data in scene.ring.files.values())
        # The pull cost the recording in progress nothing.
        assert abs(one.spo2.size - other.spo2.size) < 30

    play(story, nights=2)


@pytest.mark.parametrize("cut", [1, 519, 4000, 8000])
def test_a_pull_that_is_cut_off_resumes(cut: int) -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(600 + 2 * HOUR_S + 240)
        name = next(iter(scene.ring.memory))
        whole = scene.ring.files[name]
        async with talking(scene) as talk:
            await talk.info()
            scene.ether.faults(ADDRESS).drop_link_after(bytes=cut)
            pull = await talk.pull(name)
            assert not talk.client.is_connected
        have = pull.data
        assert not pull.complete
        assert whole.startswith(have)
        async with talking(scene) as talk:
            again = await talk.pull(name, have)
            used = sum(talk.notifications)
        assert again.data == whole
        assert not again.restarted
        assert used < len(whole) - len(have) + 2 * 512 + 30 * 12

    play(story)


def test_doubled_notifications_do_not_harm_a_pull() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(600 + 2 * HOUR_S + 240)
        name = next(iter(scene.ring.memory))
        async with talking(scene) as talk:
            scene.ether.faults(ADDRESS).duplicate_notifications(probability=0.02)
            try:
                pull = await talk.pull(name)
            except TransferError:
                pull = FilePull(name)
            scene.ether.faults(ADDRESS).clear()
            final = pull if pull.complete else await talk.pull(name, pull.data)
        assert final.data == scene.ring.files[name]

    play(story)


def test_off_the_finger_and_alone_it_falls_asleep_until_it_is_worn() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(330)
        assert ADDRESS not in await scene.seen()
        await scene.clock.sleep(330)
        assert ADDRESS in await scene.seen()
        await scene.clock.sleep(2 * HOUR_S + 900)
        assert ADDRESS not in await scene.seen()
        scene.ring.wake()
        assert ADDRESS in await scene.seen()

    play(story)


def test_a_link_that_is_held_keeps_it_awake() -> None:
    async def story(scene: Scene) -> None:
        async with talking(scene) as talk:
            await scene.clock.sleep(500)
            assert (await talk.info()).serial == SERIAL
        assert ADDRESS in await scene.seen()

    play(story)


def test_a_reset_changes_its_address_and_clock_but_not_its_serial_number_or_files() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(600 + 2 * HOUR_S + 240)
        before = scene.ring.files
        await scene.ring.reset("C4:00:00:00:00:99")
        seen = await scene.seen()
        assert ADDRESS not in seen
        assert seen["C4:00:00:00:00:99"][0] == "O2Ring 4321"
        async with talking(scene) as talk:
            info = await talk.info()
            assert info.serial == SERIAL
            assert info.clock is not None
            assert info.clock.year == 2015
            assert (await talk.pull(info.files[0])).data == before[info.files[0]]

    play(story)


def test_an_empty_battery_ends_the_recording_and_the_link() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(600 + HOUR_S)
        gone = asyncio.Event()
        device = await BleakScanner.find_device_by_address(ADDRESS, backend=scene.adapter.scanner_class)
        assert device is not None
        client = BleakClient(device, lambda _client: gone.set(), backend=scene.adapter.client_class)
        await client.connect()
        scene.ring.battery.charge(0.01)
        await scene.clock.sleep(60)
        assert gone.is_set()
        assert not scene.ring.running
        assert ADDRESS not in await scene.seen()
        assert len(scene.ring.recorder.files) == 1
        scene.ring.battery.charge()
        await scene.ring.start()
        assert ADDRESS in await scene.seen()

    play(story)


@pytest.mark.parametrize(("charged_after_s", "level_pct"), [(7200.0, 100), (None, 20)])
def test_by_day_it_is_put_on_its_charger(charged_after_s: float | None, level_pct: int) -> None:
    async def story(scene: Scene) -> None:
        scene.ring.battery.charge(20.0)
        await scene.clock.sleep(7000)
        assert scene.ring.battery.shown_pct == 20
        await scene.clock.sleep(300)
        assert scene.ring.battery.shown_pct == level_pct

    play(story, nights=0, options=RingOptions(charged_after_s=charged_after_s))


def test_measuring_drains_the_battery_faster_than_lying_about() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(600)
        idle_pct = 100 - scene.ring.battery.level_pct
        await scene.clock.sleep(HOUR_S)
        assert 100 - scene.ring.battery.level_pct - idle_pct == pytest.approx(100 / 14, rel=0.05)
        assert idle_pct < 0.1

    play(story)


def test_a_clock_that_jumps_leaves_the_running_recording_its_start() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(600 + HOUR_S)
        scene.ring.jump_clock(-7200)
        await scene.clock.sleep(HOUR_S + 240)
        (stored,) = (parse_vld(data) for data in scene.ring.files.values())
        assert stored.start is not None
        begun = stored.start - datetime.fromtimestamp(T0 / 1000 + 600, UTC).replace(tzinfo=None)
        assert 0 <= begun.total_seconds() < 60

    play(story)


def test_a_recording_is_replayed_live_at_its_own_interval_and_stored() -> None:
    size = 400
    rng = np.random.default_rng(3)
    spo2 = rng.integers(80, 100, size).astype(np.float64)
    spo2[50:60] = np.nan
    recording = Recording(
        datetime(2026, 3, 10, 0, 2, 16),  # noqa: DTZ001 - a recording's time is local
        2.0,
        spo2,
        rng.integers(50, 90, size).astype(np.float64),
        rng.integers(0, 200, size).astype(np.uint8),
    )

    async def main(clock: SimulatedClock) -> None:
        async with Ether(seed=1) as ether:
            radio = await ether.add_peripheral(ADDRESS)
            finger = Finger([replay_trace(recording, start_utc_ms=T0 + 10_000)])
            ring = O2Ring(radio, clock, finger, serial=SERIAL, options=replay_options(recording))
            await ring.start()
            scene = Scene(clock, ether, await ether.adapter("hci0"), ring, finger, [])
            async with talking(scene) as talk:
                await clock.sleep(10.5 - (clock.utc_ms() - T0) / 1000)
                live = []
                for _ in range(size):
                    live.append(decode_sensors((await talk.ask(request_sensors())).data).spo2_pct)
                    await clock.sleep(2.0)
                expected = [None if np.isnan(value) else value for value in spo2]
                assert live == expected
                await clock.sleep(300)
                (name,) = (await talk.info()).files
                stored = parse_vld((await talk.pull(name)).data)
            np.testing.assert_array_equal(stored.spo2[:size], np.where(np.isnan(spo2), MISSING_SPO2, spo2))
            await ring.stop()

    run(main, epoch_ms=T0)


def test_a_simulation_begun_again_has_the_same_ring_with_the_same_files() -> None:
    night = Sleeper(5, "severe").night(T0 + 600_000, HOUR_S)

    def files(begin_s: int) -> dict[str, bytes]:
        async def main(clock: SimulatedClock) -> dict[str, bytes]:
            async with Ether(seed=1) as ether:
                local = datetime.fromtimestamp(clock.utc_ms() / 1000, UTC).replace(tzinfo=None)
                ring = O2Ring(
                    await ether.add_peripheral(ADDRESS),
                    clock,
                    Finger([Trace.of_night(night)]),
                    serial=SERIAL,
                    own_clock=DeviceClock(clock, local),
                    since_utc_ms=T0,
                )
                await ring.start()
                await clock.sleep(2 * HOUR_S - begin_s)
                made = ring.files
                await ring.stop()
                return made

        return run(main, epoch_ms=T0 + begin_s * 1000)

    assert files(0) == files(1800) == files(7000)
    assert len(files(0)) == 1
