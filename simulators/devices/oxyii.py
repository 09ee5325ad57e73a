"""A Viatom O2Ring-S ("OxyII"): records while worn, and hands its recordings out to who asks in the order it likes.

What it does not like it answers by silence, as the real one does (sources in `gateway.home.devices.oxyii.protocol`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Final

import numpy as np
from bumble import core
from bumble.core import AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service

from gateway.clock import Clock
from gateway.errors import ProtocolError
from gateway.home.devices.oxyii.protocol import (
    MTU,
    NOTIFY,
    SERVICE,
    WRITE,
    DeviceInfo,
    Frame,
    FrameAssembler,
    Live,
    Op,
    authentication,
    encode_battery,
    encode_file_list,
    encode_frame,
    encode_info,
    encode_live,
)
from gateway.home.devices.sig import decode_date_time
from gateway.home.devices.viatom.protocol import Op as FrameOp
from gateway.wire.files.oxyii import MISSING, MOTION_BITS, TRAILER_BYTES, encode_oxyii
from simulators.devices.base import ADVERTISING_FLAGS
from simulators.devices.clocks import DeviceClock
from simulators.devices.finger import Finger, Samples
from simulators.devices.recording_ring import RecordingRing
from simulators.devices.ring_live import live_frame, pulse_wave
from simulators.devices.ring_recorder import RingOptions

CHUNK_BYTES: Final = 512
CONFIG_BYTES: Final = 40
COMPANY: Final = b"\x4e\xf3"
_SALT_AT: Final = slice(0, 12)
"""Bytes of the authentication that depend on no time."""


@dataclass(slots=True)
class _Session:
    """One central's conversation."""

    requests: asyncio.Queue[Frame]
    assembler: FrameAssembler
    authenticated: bool = False
    set_up: bool = False
    streaming: bool = False
    opened: bytes | None = None
    wave_from_ms: int = 0


class OxyiiRing(RecordingRing):
    """The peripheral.

    Parameters
    ----------
    trailer_after_s : float
        For so long after a recording has ended it announces the whole size and has not written the trailer.

    Attributes
    ----------
    never_sent : list of int
        Operations that would have harmed the ring and were asked for all the same.
    """

    name: ClassVar[str] = "S8-AW"

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
        trailer_after_s: float = 0.0,
    ) -> None:
        chosen = options if options is not None else RingOptions(version=5, interval_s=1.0, model="4")
        super().__init__(
            radio,
            clock,
            finger,
            serial=serial,
            own_clock=own_clock,
            options=chosen,
            since_utc_ms=since_utc_ms,
            encode=_encode,
        )
        self.trailer_after_s = trailer_after_s
        self.never_sent: list[int] = []
        # It has recorded by itself: the reading that it left open makes it deaf to a request for the list.
        self._reading_open = False
        self._files_seen = 0
        self._counter = 0
        self._sessions: dict[Connection, _Session] = {}
        properties = Characteristic.Properties
        self._notify = Characteristic[bytes](NOTIFY, properties.NOTIFY, Characteristic.Permissions(0))
        self._write = Characteristic[bytes](
            WRITE,
            properties.WRITE | properties.WRITE_WITHOUT_RESPONSE,
            Characteristic.Permissions.WRITEABLE,
            CharacteristicValue(write=self._on_write),
        )

    def services(self) -> list[Service]:
        """The vendor's one service."""
        return [Service(SERVICE, [self._notify, self._write])]

    def advertisement(self) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
        """The service; name and maker's number in the scan response."""
        kinds = AdvertisingData.Type
        return (
            [
                (kinds.FLAGS, ADVERTISING_FLAGS),
                (kinds.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, bytes(core.UUID(SERVICE))),
            ],
            [
                (kinds.COMPLETE_LOCAL_NAME, f"{self.name} {self.serial[-4:]}".encode()),
                (kinds.MANUFACTURER_SPECIFIC_DATA, COMPANY + b"\0\0"),
            ],
        )

    def on_connected(self, connection: Connection) -> None:
        """Listen to this central."""
        session = _Session(asyncio.Queue(), FrameAssembler(), wave_from_ms=self.clock.utc_ms())
        self._sessions[connection] = session
        serving = self.spawn(self._serve(connection, session))
        connection.on(Connection.EVENT_DISCONNECTION, lambda _reason: serving.cancel())

    def on_disconnected(self, connection: Connection) -> None:
        """Close what it had open, and stay awake for some minutes."""
        self._sessions.pop(connection, None)
        super().on_disconnected(connection)

    def catch_up(self) -> None:
        """Live through the time up to now; a recording that has ended meanwhile leaves a reading open."""
        super().catch_up()
        if len(self.recorder.files) > self._files_seen:
            self._files_seen = len(self.recorder.files)
            self._reading_open = True

    def _on_write(self, connection: Connection, value: bytes) -> None:
        if (session := self._sessions.get(connection)) is not None:
            for frame in session.assembler.feed(value):
                session.requests.put_nowait(frame)

    async def _serve(self, connection: Connection, session: _Session) -> None:
        while True:
            request = await session.requests.get()
            self.catch_up()
            data = self._answer(connection, session, request)
            if data is None:
                continue
            frame = encode_frame(Frame(request.op, data, request.seq, answer=True))
            size = connection.att_mtu - 3
            for at in range(0, len(frame), size):
                await self.radio.notify_subscriber(connection, self._notify, frame[at : at + size])

    def _answer(self, connection: Connection, session: _Session, request: Frame) -> bytes | None:
        """Return what is answered; None is silence."""
        match request.op:
            case Op.AUTHENTICATE:
                expected = authentication(0)[_SALT_AT]
                session.authenticated = len(request.data) == 16 and request.data[_SALT_AT] == expected
                return None
            case Op.FACTORY_RESET | Op.SWITCH_OFF:
                self.never_sent.append(request.op)
                return None
            case Op.INFO:
                return encode_info(DeviceInfo(self.serial, "2D010002", self.own_clock.local()))
            case Op.BATTERY:
                return encode_battery(self.battery.shown_pct)
            case Op.LIVE:
                session.streaming = True
                return self._reading(session)
        if not session.authenticated:
            return None
        match request.op:
            case Op.SETUP:
                session.set_up = True
                return b""
            case Op.SET_TIME:
                return self._set_time(request.data)
            case Op.CONFIG:
                return bytes(CONFIG_BYTES)
        return self._file(connection, session, request)

    def _file(self, connection: Connection, session: _Session, request: Frame) -> bytes | None:
        """Requests for files: nothing of them while it streams, or before it is set up."""
        if session.streaming or not session.set_up:
            return None
        match request.op:
            case Op.FILE_END:
                session.opened, self._reading_open = None, False
                return b""
            case Op.FILE_LIST if not self._reading_open:
                return encode_file_list(tuple(self.recorder.memory))
            case Op.FILE_START if connection.att_mtu >= MTU and session.opened is None:
                session.opened = self._content(request.data[:16].rstrip(b"\0").decode("ascii", "replace"))
                return None if session.opened is None else len(session.opened).to_bytes(4, "little") + bytes(8)
            case Op.FILE_DATA if session.opened is not None:
                at = int.from_bytes(request.data[:4], "little")
                return session.opened[at : at + CHUNK_BYTES]
        return None

    def _content(self, name: str) -> bytes | None:
        data = self.recorder.memory.get(name)
        ended_ms = self.recorder.off_since_ms
        newest = data is not None and name == next(reversed(self.recorder.memory))
        if data is None or ended_ms is None or not newest:
            return data
        written = self.clock.utc_ms() - ended_ms >= self.trailer_after_s * 1000
        return data if written else data[:-TRAILER_BYTES] + bytes(TRAILER_BYTES)

    def _reading(self, session: _Session) -> bytes:
        now_ms = self.clock.utc_ms()
        frame = live_frame(self.finger, now_ms, FrameOp.SENSORS)
        self.delivered_live.append(frame)
        self._counter = (self._counter + 1) & 0xFF
        wave = pulse_wave(self.finger, session.wave_from_ms, now_ms)
        session.wave_from_ms = now_ms
        reading = replace(frame.reading(self.battery.shown_pct), counter=self._counter)
        return encode_live(Live(reading, wave, file_open=self._reading_open))

    def _set_time(self, data: bytes) -> bytes | None:
        try:
            local = decode_date_time(data[:7])
        except ProtocolError:
            return None
        if local is not None:
            self.own_clock.set(local)
        return b""


def _encode(samples: Samples, start: datetime, options: RingOptions) -> bytes:
    """A recording's file: 0xFF where there is no value."""
    spo2, pulse = (
        np.where(np.isnan(column), MISSING, np.nan_to_num(column)).astype(np.uint8)
        for column in (samples.spo2_pct, samples.pulse_bpm)
    )
    return encode_oxyii(
        spo2,
        pulse,
        start=start.replace(microsecond=0),
        interval_s=round(options.interval_s),
        motion=np.minimum(samples.motion, MOTION_BITS),
        spo2_invalid=np.isnan(samples.spo2_pct),
        pulse_invalid=np.isnan(samples.pulse_bpm),
        model=int(options.model),
    )
