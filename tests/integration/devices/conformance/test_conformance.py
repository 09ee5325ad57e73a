"""What every driver does, whatever its protocol: the contract of `gateway.home.devices.driver.Driver`, by family.

Each runs against its virtual peripheral: real advertisements, ATT and link loss on the virtual radio.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from bumble.core import UUID
from bumble.gatt import Characteristic

from gateway.errors import DeviceError
from gateway.home.devices.driver import Acknowledgement, After, Capability, Dating, Driver, Sighting
from gateway.home.devices.registry import drivers, match
from gateway.wire.messages import KINDS, device_id
from simulators.devices import VirtualDevice
from simulators.devices.clocks import DeviceClock
from simulators.devices.finger import Finger
from tests.integration.devices.conformance.families import ELSEWHERE, FAMILIES, Family
from tests.integration.devices.conformance.stand import (
    SERIAL,
    Sample,
    Stand,
    assert_same,
    local_now,
    stand,
    trace,
)
from tests.integration.devices.template.row import EXAMPLE

# The template for new families is held to the same.
ALL = (*FAMILIES, EXAMPLE)
every = pytest.mark.parametrize("family", [pytest.param(row, id=row.driver.family) for row in ALL])
LIVE = [row for row in ALL if row.live is not None]
STORED = [row for row in ALL if row.stored is not None]
live_ones = pytest.mark.parametrize("family", [pytest.param(row, id=row.driver.family) for row in LIVE])
stored_ones = pytest.mark.parametrize("family", [pytest.param(row, id=row.driver.family) for row in STORED])

ROOT = Path(__file__).resolve().parents[4]
WORN_S = 600
STREAM_S = 20.0


async def built(side: Stand, family: Family, *, worn_s: int = WORN_S, serial: str = SERIAL) -> VirtualDevice:
    """Its peripheral, switched on, worn from the first second on."""
    radio = await side.ether.add_peripheral(rssi_dbm=-58)
    own = DeviceClock(side.clock, local_now(side.clock))
    device = family.build(radio, side.clock, Finger([trace(worn_s)]), serial, own)
    await device.start()
    if family.act is not None:
        await family.act(device)
    return device


async def recorded(side: Stand, family: Family) -> VirtualDevice:
    """Its peripheral, with something in its memory that nobody has pulled."""
    device = await built(side, family, worn_s=family.wear_s)
    await side.clock.sleep(family.wear_s + family.off_s)
    return device


@asynccontextmanager
async def streaming(side: Stand, family: Family, device: VirtualDevice) -> AsyncIterator[asyncio.Task[After]]:
    async with side.visiting(family.driver, device, "live") as task:
        yield task


def truth_of(family: Family, device: VirtualDevice) -> list[Sample]:
    assert family.live is not None
    return family.live(device)


def test_every_family_has_a_row() -> None:
    assert {row.driver for row in FAMILIES} | set(ELSEWHERE) == set(drivers())
    assert not {row.driver for row in FAMILIES} & set(ELSEWHERE)
    assert all((ROOT / path).exists() for path in ELSEWHERE.values())


@pytest.mark.parametrize("driver", drivers(), ids=lambda driver: driver.family)
def test_it_declares_what_it_gives(driver: type[Driver]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*", driver.family)
    assert driver.kinds
    assert driver.kinds <= set(KINDS)
    assert driver.capabilities
    assert driver.capabilities <= set(Capability)
    assert driver.dating
    assert driver.dating <= set(Dating)
    assert (Dating.ANCHORS in driver.dating) or Capability.STORED not in driver.capabilities
    keeps = driver.acknowledgement is not Acknowledgement.NOTHING_KEPT
    assert keeps == bool({Capability.STORED, Capability.SPOT} & driver.capabilities)
    assert all(UUID(uuid) and uuid == uuid.lower() and len(uuid) == 36 for uuid in driver.services)
    assert driver.__doc__


@every
def test_it_gives_what_it_declares(family: Family) -> None:
    driver = family.driver
    assert family.kind in driver.kinds
    assert (Capability.STORED in driver.capabilities) == (family.stored is not None)
    assert bool({Capability.LIVE, Capability.SPOT} & driver.capabilities) == (family.live is not None)


def test_each_matches_its_own_advertisement_and_no_other(tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        devices = {(await built(side, family)).address: family.driver for family in ALL}
        heard = await side.heard(10.0)
        assert set(devices) <= set(heard)
        for address, driver in devices.items():
            sighting, _ = heard[address]
            assert [one for one in (*drivers(), EXAMPLE.driver) if one.matches(sighting)] == [driver]

    stand(tmp_path, story)


STRANGERS = [
    Sighting("C4:00:00:00:00:99", name, -60, frozenset(services))
    for name, services in (
        ("My Thermometer", ["cdeacb80-5235-4c07-8846-93a37ee6b86d"]),
        ("Printer", ["49535343-fe7d-4ae5-8fa9-9fafd205e455"]),
        ("UART Toy", ["6e400001-b5a3-f393-e0a9-e50e24dcca9e"]),
        ("Lamp", ["0000ff12-0000-1000-8000-00805f9b34fb"]),
        ("", []),
        ("Heart strap", ["0000180d-0000-1000-8000-00805f9b34fb"]),
    )
]


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda sighting: sighting.name or "nameless")
def test_nobody_takes_a_stranger_with_a_service_that_many_things_have(stranger: Sighting) -> None:
    assert match(stranger) is None


@every
def test_it_introduces_itself_by_an_id_that_stays(family: Family, tmp_path: Path) -> None:
    async def ids(side: Stand, device: VirtualDevice) -> set[str]:
        side.known.clear()
        if family.act is not None:
            await family.act(device)
        async with side.visiting(family.driver, device, "both"):
            await side.clock.sleep(3)
        return set(side.known)

    async def story(side: Stand) -> None:
        device = await built(side, family)
        [first] = await ids(side, device)
        assert first.startswith(f"{family.driver.family}-")
        assert await ids(side, device) == {first}
        another = await built(side, family, serial="2609140043")
        assert first not in await ids(side, another)
        await device.reset("C4:0A:0B:0C:0D:0E")  # it restarts under another address
        if family.has_serial:
            assert first == device_id(family.driver.family, SERIAL)
            assert await ids(side, device) == {first}
        else:  # nothing tells that it is the same one, so it is not taken for it
            assert first not in await ids(side, device)

    stand(tmp_path, story)


@live_ones
@pytest.mark.parametrize("doubled", [0.0, 0.3], ids=["", "doubled"])
def test_every_live_sample_arrives_once_and_dated(family: Family, doubled: float, tmp_path: Path) -> None:
    """Also where notifications come twice, as they do after a reconnect on some platforms."""

    async def story(side: Stand) -> None:
        device = await built(side, family)
        side.ether.faults(device.radio).duplicate_notifications(probability=doubled)
        async with streaming(side, family, device):
            await side.clock.sleep(STREAM_S + 0.3)
        rows = await side.rows(family.kind, live_origin(family))
        assert_same(rows, truth_of(family, device)[: len(rows)])
        # what was on its way at the end is the only one that may be missing
        assert len(rows) >= len(truth_of(family, device)) - 1
        assert len(rows) >= (1 if family.act is not None else 0.4 * STREAM_S)

    stand(tmp_path, story)


def live_origin(family: Family) -> str:
    """Spot measurements with a time of their own are stored ones, dated from anchors."""
    return "stored" if Capability.LIVE not in family.driver.capabilities else "live"


@live_ones
@pytest.mark.parametrize("notifications", [0, 1, 2, 4, 12])
def test_a_link_lost_at_any_live_notification_loses_nothing_that_arrived(
    family: Family, notifications: int, tmp_path: Path
) -> None:
    async def story(side: Stand) -> None:
        device = await built(side, family)
        side.ether.faults(device.radio).drop_link_after(notifications=notifications)
        try:
            after = await asyncio.wait_for(side.visit(family.driver, device, "live"), 120)
            assert after in (After.WATCH, After.REST)
            assert {Capability.LIVE, Capability.SPOT} & family.driver.capabilities
        except DeviceError:
            pass
        await side.clock.sleep(2)
        before = await side.rows(family.kind, live_origin(family))
        truth = truth_of(family, device)
        if live_origin(family) == "live":
            assert_same(before, truth[: len(before)])
            assert len(before) >= len(truth) - 1 - (notifications == 0)
        # and the next visit goes on
        if family.act is not None:
            await family.act(device)
        async with streaming(side, family, device):
            await side.clock.sleep(10.3)
        rows = await side.rows(family.kind, live_origin(family))
        sent = truth_of(family, device)
        got = {row.values for row in rows}
        assert len(got) == len(rows)  # no sample twice
        assert len([one for one in sent if one.values not in got]) <= 2
        assert len(rows) > len(before)

    stand(tmp_path, story)


@live_ones
def test_a_cancelled_visit_leaves_the_link_usable(family: Family, tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        device = await built(side, family)
        async with side.link(device) as link:
            for count in (1, 2):
                desk = side.desk(family.driver, device.address, "live")
                task = asyncio.create_task(family.driver().visit(link, desk))
                await side.clock.sleep(8.3)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                assert device.connected
                await side.clock.sleep(2)  # a display that is read shows something new by then
                if family.act is None:
                    rows = await side.rows(family.kind, live_origin(family))
                    assert len({row.session for row in rows}) == count
        rows = await side.rows(family.kind, live_origin(family))
        assert len({row.values for row in rows}) == len(rows)
        missing = {one.values for one in truth_of(family, device)} - {row.values for row in rows}
        assert len(missing) <= 2  # those under way when it was cancelled

    stand(tmp_path, story)


@live_ones
def test_nonsense_is_set_aside_and_counted_and_the_stream_goes_on(family: Family, tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        device = await built(side, family)
        [characteristic] = [
            one for one in device.radio.gatt_server.attributes if getattr(one, "uuid", None) == UUID(family.notify)
        ]
        indicates = Characteristic.Properties.INDICATE in characteristic.properties
        push = device.radio.indicate_subscribers if indicates else device.radio.notify_subscribers
        async with streaming(side, family, device):
            await side.clock.sleep(6.2)
            for _ in range(20):
                await push(characteristic, family.garbage)
            await side.clock.sleep(10.1)
        assert sum(known.set_aside for known in side.known.values()) >= 20
        kept = await side.outbox.set_aside.newest()
        assert 1 <= len(kept) <= 16  # written down up to a bound
        assert {one.device for one in kept} <= set(side.known)
        assert all(one.reason and "\n" not in one.reason for one in kept)
        rows = await side.rows(family.kind, live_origin(family))
        assert_same(rows, truth_of(family, device)[: len(rows)])
        assert len(rows) >= len(truth_of(family, device)) - 1

    stand(tmp_path, story)


async def pull(side: Stand, family: Family, device: VirtualDevice) -> None:
    """Visit until the device's memory is in the outbox, as the collector does: again after an error."""
    for _ in range(3):
        try:
            await asyncio.wait_for(side.visit(family.driver, device, "stored"), 60)
        except DeviceError:
            continue
        except TimeoutError:  # a family that streams behind the pull, and never ends by itself
            return
        return


@stored_ones
def test_every_stored_sample_arrives_once_and_dated(family: Family, tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        assert family.stored is not None
        device = await recorded(side, family)
        truth = family.stored(device)
        assert truth
        for _ in range(2):  # a second visit finds nothing new
            await pull(side, family, device)
            rows = await side.rows(family.kind, "stored")
            assert_same(rows, truth)
        for session in {row.session for row in rows}:
            batches = [one for one in await side.batches(family.kind, "stored") if one.session == session]
            assert [batch.seq for batch in batches] == list(range(len(batches)))
            assert [batch.last for batch in batches] == [False] * (len(batches) - 1) + [True]
            assert {batch.clock.source for batch in batches} == {"anchors"}

    stand(tmp_path, story)


@stored_ones
@pytest.mark.parametrize("notifications", [0, 1, 2, 4, 6, 9, 13])
def test_a_link_lost_at_any_stored_notification_is_an_error_and_loses_nothing(
    family: Family, notifications: int, tmp_path: Path
) -> None:
    """From the first word to behind the last, where a family that streams too may end as streams do."""

    async def story(side: Stand) -> None:
        assert family.stored is not None
        device = await recorded(side, family)
        truth = family.stored(device)
        faults = side.ether.faults(device.radio)
        faults.drop_link_after(notifications=notifications)
        ended: After | BaseException
        try:
            ended = await asyncio.wait_for(side.visit(family.driver, device, "stored"), 60)
        except DeviceError as error:
            ended = error
        lost = faults.counts.links_dropped == 1
        assert lost or notifications > 6
        rows = await side.rows(family.kind, "stored")
        if lost and len(rows) < len(truth):  # in the midst of it
            assert isinstance(ended, DeviceError)
            assert "\n" not in str(ended)
        faults.clear()
        await pull(side, family, device)
        assert_same(await side.rows(family.kind, "stored"), truth)

    stand(tmp_path, story)


@stored_ones
@pytest.mark.parametrize("seed", [1, 2])
def test_links_that_are_lost_again_and_again_end_in_every_sample_once(
    family: Family, seed: int, tmp_path: Path
) -> None:
    """With notifications that come twice besides, and attempts to connect that fail."""

    async def story(side: Stand) -> None:
        assert family.stored is not None
        device = await recorded(side, family)
        truth = family.stored(device)
        chance = random.Random(seed)
        faults = side.ether.faults(device.radio)
        faults.duplicate_notifications(probability=0.1)
        for _ in range(8):
            faults.drop_link_after(bytes=chance.randrange(1, 1200))
            faults.refuse_connections(chance.randrange(2))
            with suppress(DeviceError, TimeoutError):  # a family that streams too ends not by itself
                await asyncio.wait_for(side.visit(family.driver, device, "stored"), 60)
        faults.clear()
        await pull(side, family, device)
        assert_same(await side.rows(family.kind, "stored"), truth)

    stand(tmp_path, story)


@stored_ones
def test_a_pull_that_is_cancelled_anywhere_is_finished_on_the_same_link(family: Family, tmp_path: Path) -> None:
    async def story(side: Stand) -> None:
        assert family.stored is not None
        device = await recorded(side, family)
        truth = family.stored(device)
        async with side.link(device) as link:
            for part_s in (0.01, 0.03, 0.06, 0.1, 0.3, 1.0, 60.0):
                desk = side.desk(family.driver, device.address, "stored")
                task = asyncio.create_task(family.driver().visit(link, desk))
                await side.clock.sleep(part_s)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                assert device.connected
        assert_same(await side.rows(family.kind, "stored"), truth)

    stand(tmp_path, story)


def test_a_driver_is_found_by_being_there() -> None:
    assert all(issubclass(driver, Driver) for driver in drivers())
    assert len({driver.family for driver in drivers()}) == len(drivers())
