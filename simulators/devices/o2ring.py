"""A Viatom / Wellue O2Ring: answers requests with frames, records while worn, keeps its last recordings as files."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bumble import core
from bumble.core import AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service

from gateway.clock import Clock
from gateway.home.devices.reading import OximeterReading
from gateway.home.devices.viatom.protocol import (
    NOTIFY,
    SERVICE,
    WRITE,
    DeviceInfo,
    Op,
    Request,
    RequestAssembler,
    Response,
    encode_info,
    encode_real_time,
    encode_response,
    encode_sensors,
)
from simulators.devices.base import ADVERTISING_FLAGS
from simulators.devices.clocks import DeviceClock
from simulators.devices.finger import Finger
from simulators.devices.recording_ring import RecordingRing
from simulators.devices.ring_live import live_frame, pulse_wave
from simulators.devices.ring_recorder import RingOptions

BLOCK_BYTES: Final = 512
"""Of a file, in an answer to a read."""
REFUSED: Final = 1
"""Status of an answer to what cannot be done."""


@dataclass(slots=True)
class _Session:
    """One central's conversation: its requests in order, and the file it has open."""

    requests: asyncio.Queue[Request]
    assembler: RequestAssembler
    opened: bytes | None = None
    wave_from_ms: int = 0


class O2Ring(RecordingRing):
    """The peripheral; its parameters are those of `RecordingRing`."""

    def __init__(
        self,
        radio: Device,
        clock: Clock,
        finger: Finger,
        *,
        serial: str,
        own_clock: DeviceClock | None = None,
        options: RingOptions | None = None,
        since_utc_ms: int | None = None,
    ) -> None:
        super().__init__(
            radio, clock, finger, serial=serial, own_clock=own_clock, options=options, since_utc_ms=since_utc_ms
        )
        self._sessions: dict[Connection, _Session] = {}
        self._notify = Characteristic[bytes](NOTIFY, Characteristic.Properties.NOTIFY, Characteristic.Permissions(0))
        self._write = Characteristic[bytes](
            WRITE,
            Characteristic.Properties.WRITE | Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
            Characteristic.Permissions.WRITEABLE,
            CharacteristicValue(write=self._on_write),
        )

    def services(self) -> list[Service]:
        """The vendor's one service; serial number and battery are in its information."""
        return [Service(SERVICE, [self._notify, self._write])]

    def advertisement(self) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
        """The service, and in the scan response the name."""
        kinds = AdvertisingData.Type
        return (
            [
                (kinds.FLAGS, ADVERTISING_FLAGS),
                (kinds.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, bytes(core.UUID(SERVICE))),
            ],
            [(kinds.COMPLETE_LOCAL_NAME, f"{self.options.name} {self.serial[-4:]}".encode())],
        )

    def on_connected(self, connection: Connection) -> None:
        """Listen to this central."""
        session = _Session(asyncio.Queue(), RequestAssembler(), wave_from_ms=self.clock.utc_ms())
        self._sessions[connection] = session
        serving = self.spawn(self._serve(connection, session))
        connection.on(Connection.EVENT_DISCONNECTION, lambda _reason: serving.cancel())

    def on_disconnected(self, connection: Connection) -> None:
        """Close what it had open, and stay awake for some minutes."""
        self._sessions.pop(connection, None)
        super().on_disconnected(connection)

    def _on_write(self, connection: Connection, value: bytes) -> None:
        if (session := self._sessions.get(connection)) is not None:
            for request in session.assembler.feed(value):
                session.requests.put_nowait(request)

    async def _serve(self, connection: Connection, session: _Session) -> None:
        while True:
            request = await session.requests.get()
            self.catch_up()
            frame = encode_response(self._answer(session, request))
            size = connection.att_mtu - 3
            for at in range(0, len(frame), size):
                await self.radio.notify_subscriber(connection, self._notify, frame[at : at + size])

    def _answer(self, session: _Session, request: Request) -> Response:
        match request.op:
            case Op.INFO:
                data = encode_info(self._info())
            case Op.PING:
                data = b""
            case Op.SENSORS:
                data = encode_sensors(self._reading(Op.SENSORS))
            case Op.REAL_TIME:
                data = encode_real_time(self._reading(Op.REAL_TIME), self._wave(session))
            case Op.CONFIG if self._configure(request.data):
                data = b""
            case Op.OPEN if (found := self.recorder.memory.get(_name(request.data))) is not None:
                session.opened = found
                data = len(found).to_bytes(4, "little")
            case Op.READ if session.opened is not None and request.block * BLOCK_BYTES < len(session.opened):
                data = session.opened[request.block * BLOCK_BYTES : (request.block + 1) * BLOCK_BYTES]
            case Op.CLOSE if session.opened is not None:
                session.opened, data = None, b""
            case _:
                return Response(REFUSED, request.block)
        return Response(0, request.block, data)

    def _info(self) -> DeviceInfo:
        return DeviceInfo(
            serial=self.serial,
            model=self.options.model,
            hardware="AA",
            software="1.9.0",
            battery_pct=self.battery.shown_pct,
            charging=False,
            clock=self.own_clock.local(),
            files=tuple(self.recorder.memory),
        )

    def _reading(self, op: Op) -> OximeterReading:
        frame = live_frame(self.finger, self.clock.utc_ms(), op)
        self.delivered_live.append(frame)
        return frame.reading(self.battery.shown_pct)

    def _wave(self, session: _Session) -> bytes:
        """The pulse wave since the last answer."""
        since_ms, session.wave_from_ms = session.wave_from_ms, self.clock.utc_ms()
        return pulse_wave(self.finger, since_ms, session.wave_from_ms)

    def _configure(self, data: bytes) -> bool:
        """Take settings; the clock is the one that matters here."""
        try:
            settings = json.loads(data)
            told = settings.get("SetTIME") if isinstance(settings, dict) else None
            if told is not None:
                local = datetime.strptime(told.strip(), "%Y-%m-%d,%H:%M:%S")  # noqa: DTZ007 - a ring knows no zone
                self.own_clock.set(local)
        except (ValueError, AttributeError):
            return False
        return isinstance(settings, dict)


def _name(data: bytes) -> str:
    return data.split(b"\0")[0].decode("ascii", "replace")
