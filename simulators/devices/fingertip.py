"""What finger oximeters that only stream have in common: a reading a second of their own clock, to who subscribes."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Final

from bumble import core
from bumble.core import AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, Service

from gateway.clock import Clock
from gateway.home.devices.reading import OximeterReading
from simulators.devices.base import ADVERTISING_FLAGS, VirtualDevice
from simulators.devices.battery import Battery
from simulators.devices.clocks import DeviceClock
from simulators.devices.finger import Finger, Samples

_JITTER_S: Final = 0.005
"""Closer than this, a wake-up and a whole second are the same."""


@dataclass(frozen=True, slots=True)
class FingertipOptions:
    """How an oximeter is made.

    Attributes
    ----------
    name : str
        What it advertises; empty takes its family's.
    interval_s : float
        Seconds of its own clock between readings.
    battery_life_h : float
    """

    name: str = ""
    interval_s: float = 1.0
    battery_life_h: float = 30.0


@dataclass(frozen=True, slots=True)
class SentReading:
    """Truth about a reading that was sent to a subscriber: true time, and the values."""

    utc_ms: int
    reading: OximeterReading


def reading_of(samples: Samples, *, perfusion: bool = True, motion: bool = False) -> OximeterReading:
    """Return the first sample as a family tells it that knows perfusion or motion or not."""
    spo2, pulse, index = (_value(column[0]) for column in (samples.spo2_pct, samples.pulse_bpm, samples.perfusion_pct))
    worn = bool(samples.worn[0])
    return OximeterReading(
        spo2_pct=spo2,
        pulse_bpm=pulse,
        perfusion_pct=index if perfusion else None,
        motion=int(samples.motion[0]) if motion else None,
        worn=worn,
        valid=worn and spo2 is not None and pulse is not None,
    )


def _value(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


class FingertipOximeter(VirtualDevice):
    """A peripheral that streams.

    Attributes
    ----------
    delivered_live : list of SentReading
        Every reading that it sent to a subscriber.
    notify : Characteristic
        Where it streams.
    """

    name: ClassVar[str]
    """What its family advertises."""
    service: ClassVar[str]
    notify_uuid: ClassVar[str]

    def __init__(
        self,
        radio: Device,
        clock: Clock,
        finger: Finger,
        *,
        serial: str,
        own_clock: DeviceClock | None = None,
        options: FingertipOptions | None = None,
    ) -> None:
        self.options = options if options is not None else FingertipOptions()
        battery = Battery(clock, life_h=self.options.battery_life_h)
        super().__init__(radio, clock, serial=serial, own_clock=own_clock, battery=battery)
        self.finger = finger
        self.delivered_live: list[SentReading] = []
        self.notify = Characteristic[bytes](
            self.notify_uuid, Characteristic.Properties.NOTIFY, Characteristic.Permissions(0)
        )

    @abstractmethod
    def notifications(self, reading: OximeterReading) -> list[bytes]:
        """Return what is notified of a reading, all of it."""

    def reading(self, utc_ms: int) -> OximeterReading:
        """What it measures at a true moment."""
        return reading_of(self.finger.now(utc_ms))

    def wants_to_send(self, connection: Connection) -> bool:
        """Whether it streams to this central now."""
        return self.subscribed(connection, self.notify)

    def services(self) -> list[Service]:
        """The maker's one service."""
        return [Service(self.service, [self.notify])]

    def advertisement(self) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
        """The service, and in the scan response the name."""
        kinds = AdvertisingData.Type
        uuid = core.UUID(self.service)
        short = len(bytes(uuid)) == 2
        listed = (
            kinds.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS
            if short
            else kinds.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS
        )
        return (
            [(kinds.FLAGS, ADVERTISING_FLAGS), (listed, bytes(uuid))],
            [(kinds.COMPLETE_LOCAL_NAME, (self.options.name or self.name).encode())],
        )

    def on_connected(self, connection: Connection) -> None:
        """Measure for this central for as long as it stays."""
        measuring = self.spawn(self.measure(connection))
        connection.on(Connection.EVENT_DISCONNECTION, lambda _reason: measuring.cancel())

    def subscribed(self, connection: Connection, characteristic: Characteristic[bytes]) -> bool:
        """Whether a central has switched notifications or indications on."""
        return any(self.radio.gatt_server.read_cccd(connection, characteristic)[:1])

    async def measure(self, connection: Connection) -> None:
        """Send a reading at each step of its own clock."""
        while True:
            await self.next_step(self.options.interval_s)
            if self.wants_to_send(connection):
                await self.send(connection, self.clock.utc_ms())

    async def send(self, connection: Connection, utc_ms: int) -> None:
        """Send what is measured at a true moment."""
        reading = self.reading(utc_ms)
        self.delivered_live.append(SentReading(utc_ms, reading))
        for value in self.notifications(reading):
            await self.radio.notify_subscriber(connection, self.notify, value)

    async def next_step(self, step_s: float) -> None:
        """Sleep until its own clock shows the next whole step; one that has just passed is not due again."""
        local = self.own_clock.local()
        left_s = step_s - (local.second + local.microsecond / 1e6) % step_s
        await self.clock.sleep(self.own_clock.true_s(left_s if left_s > _JITTER_S else left_s + step_s))
