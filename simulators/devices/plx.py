"""A pulse oximeter of the Bluetooth SIG's Pulse Oximeter Service: live once a second, and spot-checks that it keeps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from bumble import att
from bumble.core import AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service

from gateway.clock import Clock
from gateway.errors import ProtocolError
from gateway.home.devices.plx.protocol import (
    CONTINUOUS,
    FEATURES,
    RECORD_ACCESS,
    SERVICE,
    SPOT_CHECK,
    Feature,
    Features,
    encode_continuous,
    encode_features,
    encode_spot_check,
)
from gateway.home.devices.plx.racp import Message, Op, Operator, Request, Response, Result, decode, encode
from simulators.devices.base import ADVERTISING_FLAGS, VirtualDevice, readable
from simulators.devices.battery import Battery
from simulators.devices.clocks import DeviceClock
from simulators.devices.common_services import battery_service, information_service, time_service
from simulators.devices.finger import Finger
from simulators.devices.indicating import indicated
from simulators.devices.plx_values import MEASUREMENT_MASK, SENSOR_MASK, continuous_measurement, spot_check
from simulators.devices.spot_memory import ALL_OPERATORS, Report, SpotMemory, StoredSpotCheck

PROCEDURE_IN_PROGRESS: Final = 0xFE
CCCD_IMPROPERLY_CONFIGURED: Final = 0xFD
"""Common profile error codes (Core Specification Supplement, part B)."""

_JITTER_S: Final = 0.005
"""Closer than this, a wake-up and a whole second are the same."""


@dataclass(frozen=True, slots=True)
class PlxOptions:
    """How an oximeter of this family is made.

    Attributes
    ----------
    spot_every_s : float
        Seconds between the spot-checks that it makes by itself while worn; 0 makes none.
    capacity : int
        Spot-checks that it keeps.
    operators : frozenset of Operator
        Which its record access point knows.
    battery_life_h : float
    """

    model: str = "OX-200"
    name: str = "Oximeter"
    spot_every_s: float = 30.0
    capacity: int = 4096
    operators: frozenset[Operator] = ALL_OPERATORS
    battery_life_h: float = 60.0


@dataclass(frozen=True, slots=True)
class SentMeasurement:
    """Truth about a live measurement that was sent: true time, and the bytes."""

    utc_ms: int
    value: bytes


class PulseOximeter(VirtualDevice):
    """The peripheral.

    Attributes
    ----------
    memory : SpotMemory
        Spot-checks not yet deleted.
    delivered_live : list of SentMeasurement
        Continuous measurements sent to a subscriber.
    delivered_spots : list of SentMeasurement
        Spot-checks, live and stored, that a subscriber confirmed.
    """

    def __init__(
        self,
        radio: Device,
        clock: Clock,
        finger: Finger,
        *,
        serial: str,
        own_clock: DeviceClock | None = None,
        options: PlxOptions | None = None,
    ) -> None:
        self.options = options if options is not None else PlxOptions()
        battery = Battery(clock, life_h=self.options.battery_life_h)
        super().__init__(radio, clock, serial=serial, own_clock=own_clock, battery=battery)
        self.finger = finger
        self.memory = SpotMemory(self.options.capacity, self.options.operators)
        self.delivered_live: list[SentMeasurement] = []
        self.delivered_spots: list[SentMeasurement] = []
        self._procedure: asyncio.Task[None] | None = None
        self._procedure_of: Connection | None = None
        self._aborted = False
        indicated = Characteristic.Properties.INDICATE
        self._spot = Characteristic[bytes](_uuid(SPOT_CHECK), indicated, Characteristic.Permissions(0))
        self._continuous = Characteristic[bytes](
            _uuid(CONTINUOUS), Characteristic.Properties.NOTIFY, Characteristic.Permissions(0)
        )
        self._access = Characteristic[bytes](
            _uuid(RECORD_ACCESS),
            Characteristic.Properties.WRITE | indicated,
            Characteristic.Permissions.WRITEABLE,
            CharacteristicValue(write=self._on_access),
        )

    def services(self) -> list[Service]:
        """Pulse Oximeter, Battery, Device Information, Current Time."""
        supported = Feature.SPOT_CHECK_STORAGE | Feature.TIMESTAMP | Feature.PULSE_AMPLITUDE_INDEX
        features = encode_features(Features(supported, MEASUREMENT_MASK, SENSOR_MASK))
        return [
            Service(
                _uuid(SERVICE),
                [self._spot, self._continuous, readable(_uuid(FEATURES), lambda: features), self._access],
            ),
            battery_service(self.battery),
            information_service(
                model=self.options.model,
                serial=self.serial,
                firmware="2.1.0",
                hardware="B",
                maker="Virtual Instruments",
            ),
            time_service(self.own_clock),
        ]

    def advertisement(self) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
        """Service and name."""
        name = f"{self.options.name} {self.serial[-4:]}".encode()
        kinds = AdvertisingData.Type
        return (
            [
                (kinds.FLAGS, ADVERTISING_FLAGS),
                (kinds.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, SERVICE.to_bytes(2, "little")),
            ],
            [(kinds.COMPLETE_LOCAL_NAME, name)],
        )

    async def start(self) -> None:
        """Switch it on; it makes its spot-checks from now on."""
        was_running = self.running
        await super().start()
        if not was_running and self.options.spot_every_s > 0:
            self.spawn(self._make_spot_checks())

    def on_connected(self, connection: Connection) -> None:
        """Measure for this central once a second, for as long as it stays."""
        measuring = self.spawn(self._measure(connection))
        connection.on(Connection.EVENT_DISCONNECTION, lambda _reason: measuring.cancel())

    def on_disconnected(self, connection: Connection) -> None:
        """End the procedure that this central had started; its records stay."""
        if self._procedure is not None and self._procedure_of is connection:
            self._procedure.cancel()
            self._procedure = None

    def _subscribed(self, connection: Connection, characteristic: Characteristic[bytes], bit: int) -> bool:
        cccd = self.radio.gatt_server.read_cccd(connection, characteristic)
        return bool(cccd[0] & bit)

    async def _measure(self, connection: Connection) -> None:
        while True:
            # On the whole seconds of its own clock; one that has just passed, by rounding, is not due again.
            left_s = 1.0 - self.own_clock.local().microsecond / 1e6
            await self.clock.sleep(self.own_clock.true_s(left_s if left_s > _JITTER_S else left_s + 1.0))
            if not self._subscribed(connection, self._continuous, 1):
                continue
            utc_ms = self.clock.utc_ms()
            value = encode_continuous(continuous_measurement(self.finger.now(utc_ms)))
            self.delivered_live.append(SentMeasurement(utc_ms, value))
            await self.radio.notify_subscriber(connection, self._continuous, value)

    async def _make_spot_checks(self) -> None:
        while True:
            await self.clock.sleep(self.own_clock.true_s(self.options.spot_every_s))
            utc_ms = self.clock.utc_ms()
            samples = self.finger.now(utc_ms)
            if not samples.worn[0]:
                continue
            local = self.own_clock.local(utc_ms).replace(microsecond=0)
            clock_set = self.own_clock.is_set
            listener = next((c for c in self._connections if self._subscribed(c, self._spot, 2)), None)
            if listener is not None and self._procedure is None:
                live = spot_check(samples, local, clock_set=clock_set, stored=False)
                if await self._indicate(listener, self._spot, encode_spot_check(live), utc_ms):
                    continue
            kept = spot_check(samples, local, clock_set=clock_set, stored=True)
            self.memory.add(StoredSpotCheck(kept, local, utc_ms))

    async def _indicate(
        self, connection: Connection, characteristic: Characteristic[bytes], value: bytes, utc_ms: int | None = None
    ) -> bool:
        """Indicate and wait for the confirmation; False where none came."""
        confirmed = await indicated(self.radio, connection, characteristic, value)
        if confirmed and utc_ms is not None:
            self.delivered_spots.append(SentMeasurement(utc_ms, value))
        return confirmed

    def _on_access(self, connection: Connection, value: bytes) -> None:
        """A write to the record access control point: refused by an ATT error, or answered by an indication."""
        if not self._subscribed(connection, self._access, 2):
            raise att.ATT_Error(CCCD_IMPROPERLY_CONFIGURED)
        try:
            request = decode(value)
        except ProtocolError:
            raise att.ATT_Error(att.ErrorCode.INVALID_ATTRIBUTE_LENGTH) from None
        if not isinstance(request, Request):
            request = Request(value[0], value[1], value[2:])
        running = self._procedure
        if running is not None:
            if request.op != Op.ABORT:
                raise att.ATT_Error(PROCEDURE_IN_PROGRESS)
            self._aborted = request.operator == Operator.NULL
            self.spawn(self._answer_abort(connection, self.memory.answer(request), running if self._aborted else None))
            return
        if request.op == Op.REPORT and not self._subscribed(connection, self._spot, 2):
            raise att.ATT_Error(CCCD_IMPROPERLY_CONFIGURED)
        self._aborted = False
        self._procedure_of = connection
        self._procedure = self.spawn(self._run(connection, self.memory.answer(request)))
        self._procedure.add_done_callback(self._procedure_ended)

    def _procedure_ended(self, task: asyncio.Task[None]) -> None:
        if self._procedure is task:
            self._procedure = None

    async def _run(self, connection: Connection, answer: Message | Report) -> None:
        """Send what was asked for, then the answer; the write's own response is out before this begins."""
        if isinstance(answer, Report):
            answer = Response(Op.REPORT, await self._report(connection, answer))
        if not self._aborted:
            # Over when answered: who has the answer may ask again before its confirmation is back here.
            self._procedure = None
            await self._indicate(connection, self._access, encode(answer))

    async def _report(self, connection: Connection, report: Report) -> Result:
        for record in report.records:
            if self._aborted:
                break
            if not await self._indicate(connection, self._spot, encode_spot_check(record.measurement), record.utc_ms):
                return Result.NOT_COMPLETED
        return Result.SUCCESS

    async def _answer_abort(
        self, connection: Connection, answer: Message | Report, running: asyncio.Task[None] | None
    ) -> None:
        """Answer once the procedure has ended: the indication under way is confirmed first, as ATT demands."""
        if running is not None:
            await asyncio.wait({running})
        if not isinstance(answer, Report):
            await self._indicate(connection, self._access, encode(answer))


def _uuid(number: int) -> str:
    return f"{number:04X}"
