"""A meter of the Bluetooth SIG's Blood Pressure Service: it is heard while it has something to say, and says it all."""

from __future__ import annotations

from dataclasses import dataclass

from bumble.core import AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, Service

from gateway.clock import Clock
from gateway.home.devices.blood_pressure.protocol import MEASUREMENT, SERVICE, BloodPressure, encode_measurement
from simulators.devices.base import ADVERTISING_FLAGS, VirtualDevice
from simulators.devices.battery import Battery
from simulators.devices.clocks import DeviceClock
from simulators.devices.common_services import battery_service, information_service, time_service
from simulators.devices.indicating import indicated


@dataclass(frozen=True, slots=True)
class TakenPressure:
    """Truth about a measurement: true time, and what the meter says of it."""

    utc_ms: int
    measurement: BloodPressure


@dataclass(frozen=True, slots=True)
class MeterOptions:
    """How a meter is made.

    Attributes
    ----------
    serial : bool
        It tells its serial number.
    clock : bool
        It has a clock that can be read and set, and stamps its measurements by it.
    stamps : bool
        It stamps its measurements.
    keeps : int
        Measurements that it keeps until somebody takes them.
    """

    name: str = "BP-7"
    serial: bool = True
    clock: bool = True
    stamps: bool = True
    keeps: int = 60
    battery_life_h: float = 2000.0


class BloodPressureMeter(VirtualDevice):
    """The peripheral.

    Attributes
    ----------
    taken : list of TakenPressure
        Every measurement, oldest first.
    confirmed : list of TakenPressure
        Those that a gateway has confirmed.
    waiting : list of TakenPressure
        Those that it still keeps.
    """

    def __init__(
        self,
        radio: Device,
        clock: Clock,
        *,
        serial: str,
        own_clock: DeviceClock | None = None,
        options: MeterOptions | None = None,
    ) -> None:
        self.options = options if options is not None else MeterOptions()
        battery = Battery(clock, life_h=self.options.battery_life_h)
        super().__init__(radio, clock, serial=serial, own_clock=own_clock, battery=battery)
        self.taken: list[TakenPressure] = []
        self.confirmed: list[TakenPressure] = []
        self.waiting: list[TakenPressure] = []
        self._measurement = Characteristic[bytes](
            f"{MEASUREMENT:04X}", Characteristic.Properties.INDICATE, Characteristic.Permissions(0)
        )

    def take(
        self, systolic_mmhg: float, diastolic_mmhg: float, *, pulse_bpm: float | None = 60.0, user: int | None = None
    ) -> None:
        """Measure now."""
        local = self.own_clock.local().replace(microsecond=0) if self.options.stamps else None
        mean = round(diastolic_mmhg + (systolic_mmhg - diastolic_mmhg) / 3)
        measurement = BloodPressure(
            systolic_mmhg, diastolic_mmhg, float(mean), pulse_bpm=pulse_bpm, timestamp=local, user=user
        )
        one = TakenPressure(self.clock.utc_ms(), measurement)
        self.taken.append(one)
        self.waiting = [*self.waiting, one][-self.options.keeps :]
        if self.running:
            self.spawn(self._advertise())

    def wants_to_advertise(self) -> bool:
        """While it has something to say."""
        return bool(self.waiting)

    def services(self) -> list[Service]:
        """Blood Pressure, Battery, Device Information, Current Time."""
        information = information_service(
            model="BP-7",
            serial=self.serial if self.options.serial else "",
            firmware="1.0",
            hardware="A",
            maker="Virtual Instruments",
        )
        own = [Service(f"{SERVICE:04X}", [self._measurement]), battery_service(self.battery), information]
        return [*own, time_service(self.own_clock)] if self.options.clock else own

    def advertisement(self) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
        """Service and name."""
        kinds = AdvertisingData.Type
        return (
            [
                (kinds.FLAGS, ADVERTISING_FLAGS),
                (kinds.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, SERVICE.to_bytes(2, "little")),
            ],
            [(kinds.COMPLETE_LOCAL_NAME, self.options.name.encode())],
        )

    def on_connected(self, connection: Connection) -> None:
        """Say what it has to this central."""
        telling = self.spawn(self._tell(connection))
        connection.on(Connection.EVENT_DISCONNECTION, lambda _reason: telling.cancel())

    async def _tell(self, connection: Connection) -> None:
        while True:
            subscribed = self.radio.gatt_server.read_cccd(connection, self._measurement)[0] & 2
            if not self.waiting or not subscribed:
                await self.clock.sleep(0.5)
                continue
            one = self.waiting[0]
            if not await indicated(self.radio, connection, self._measurement, encode_measurement(one.measurement)):
                return
            self.confirmed.append(one)
            self.waiting.remove(one)
