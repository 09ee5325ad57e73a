"""A Nonin 3150: measurements with a counter, and a memory of sessions that is played back and wiped as a whole."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Final

import numpy as np
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service

from gateway.clock import Clock
from gateway.errors import ProtocolError
from gateway.home.devices.nonin.memory import END, Session, encode_memory, parse_memory
from gateway.home.devices.nonin.protocol import (
    ACCEPTED,
    CANCEL_PLAYBACK,
    CLEAR_MEMORY,
    CONTROL,
    GET_CLOCK,
    MEASUREMENT,
    MEMORY,
    PLAYBACK,
    SERVICE,
    Answer,
    decode_set_clock,
    encode_answer,
    encode_clock,
    encode_measurement,
)
from gateway.home.devices.reading import OximeterReading
from simulators.devices.clocks import DeviceClock
from simulators.devices.common_services import information_service
from simulators.devices.finger import Finger, Samples
from simulators.devices.fingertip import FingertipOptions, FingertipOximeter, reading_of
from simulators.devices.indicating import indicated
from simulators.devices.ring_recorder import RingOptions, RingRecorder

_PIECE: Final = 240
"""Bytes of an indication of the playback: whole triplets, below every MTU that a phone or a PC agrees on."""
_REFUSED: Final = 1


@dataclass(frozen=True, slots=True)
class NoninOptions(FingertipOptions):
    """How it is made.

    Attributes
    ----------
    storage_s : int
        Seconds between stored samples: 1, 2 or 4.
    has_memory : bool
        A 3150; False: a 3230.
    off_s : float
        A finger away for so long ends a session.
    """

    storage_s: int = 1
    has_memory: bool = True
    off_s: float = 60.0


class NoninOximeter(FingertipOximeter):
    """The peripheral.

    Attributes
    ----------
    recorder : RingRecorder
        Its memory: each file is the playback of one session.
    wiped : list of tuple of str
        What was in the memory each time that it was wiped.
    """

    name: ClassVar[str] = "Nonin3150_501234567"
    service: ClassVar[str] = SERVICE
    notify_uuid: ClassVar[str] = MEASUREMENT
    tick_s = 30.0

    def __init__(
        self,
        radio: Device,
        clock: Clock,
        finger: Finger,
        *,
        serial: str,
        own_clock: DeviceClock | None = None,
        options: NoninOptions | None = None,
    ) -> None:
        chosen = options if options is not None else NoninOptions()
        super().__init__(radio, clock, finger, serial=serial, own_clock=own_clock, options=chosen)
        kept = RingOptions(
            version=5, interval_s=float(chosen.storage_s), keeps=999, off_s=chosen.off_s, longest_h=270.0
        )
        self.has_memory = chosen.has_memory
        self.recorder = RingRecorder(kept, finger, self.own_clock, clock.utc_ms(), _encode)
        self.wiped: list[tuple[str, ...]] = []
        self._counter = 0
        self._playing: asyncio.Task[None] | None = None
        self._playing_for: Connection | None = None
        properties = Characteristic.Properties
        secured = Characteristic.Permissions.WRITEABLE | Characteristic.Permissions.WRITE_REQUIRES_ENCRYPTION
        self._memory = Characteristic[bytes](MEMORY, properties.INDICATE, Characteristic.Permissions(0))
        self._control = Characteristic[bytes](
            CONTROL,
            properties.WRITE | properties.INDICATE,
            secured,
            CharacteristicValue(write=self._on_write),
        )

    @property
    def sessions(self) -> list[Session]:
        """Every session that it has ended up to now, oldest first: the truth."""
        self._catch_up()
        return [parse_memory(data)[0] for data in self.recorder.files.values()]

    @property
    def memory(self) -> dict[str, bytes]:
        """The sessions that it still keeps."""
        self._catch_up()
        return dict(self.recorder.memory)

    def services(self) -> list[Service]:
        """Nonin's own service, and the standard one that tells the serial number."""
        own = [self.notify, self._control, self._memory] if self.has_memory else [self.notify, self._control]
        model = "3150" if self.has_memory else "3230"
        information = information_service(
            model=model, serial=self.serial, firmware="1.04", hardware="1", maker="Virtual Instruments"
        )
        return [Service(self.service, own), information]

    def reading(self, utc_ms: int) -> OximeterReading:
        """What it measures at a true moment, with its counter and the battery's voltage."""
        samples = self.finger.now(utc_ms)
        measured = reading_of(samples)
        self._counter = (self._counter + 1) & 0xFFFF
        status = ["sensor_present"]
        if not samples.worn[0]:
            status.append("searching")
        elif samples.poor[0]:
            status.append("weak_signal")
        volts = 2.2 + 0.01 * self.battery.shown_pct
        return replace(measured, counter=self._counter, battery_v=round(volts, 1), status=tuple(status))

    def notifications(self, reading: OximeterReading) -> list[bytes]:
        """One measurement."""
        return [encode_measurement(reading)]

    def on_tick(self) -> None:
        """Record what the finger has shown since."""
        self._catch_up()

    def on_power_lost(self) -> None:
        """Keep what was recorded so far."""
        self.recorder.stop(self.clock.utc_ms())

    def on_disconnected(self, connection: Connection) -> None:
        """End a playback under way for this central."""
        if self._playing is not None and self._playing_for is connection:
            self._playing.cancel()
            self._playing = None

    def _catch_up(self) -> None:
        if self.running:
            self.recorder.advance(self.clock.utc_ms())

    def _on_write(self, connection: Connection, value: bytes) -> None:
        if value == PLAYBACK:
            if self._playing is None or self._playing.done():
                self._playing_for = connection
                self._playing = self.spawn(self._play(connection))
        elif value == CANCEL_PLAYBACK:
            if self._playing is not None:
                self._playing.cancel()
        else:
            self.spawn(self._answer(connection, self._obey(value)))

    def _obey(self, command: bytes) -> Answer:
        op = command[0] if command else 0
        if command == GET_CLOCK:
            return Answer(op, 0, encode_clock(self.own_clock.local()))
        if command == CLEAR_MEMORY:
            self._catch_up()
            self.wiped.append(tuple(self.recorder.memory))
            self.recorder.memory.clear()
            return Answer(op, 0, ACCEPTED)
        try:
            local = decode_set_clock(command)
        except ProtocolError:
            return Answer(op, _REFUSED)
        self._catch_up()
        self.own_clock.set(local)
        return Answer(op, 0, ACCEPTED)

    async def _answer(self, connection: Connection, answer: Answer) -> None:
        await indicated(self.radio, connection, self._control, encode_answer(answer))

    async def _play(self, connection: Connection) -> None:
        """Play back what it keeps, the newest session first."""
        self._catch_up()
        played = self.own_clock.local().replace(microsecond=0)
        sessions = [parse_memory(data)[0] for data in reversed(self.recorder.memory.values())]
        data = encode_memory(tuple(replace(session, played=played) for session in sessions)) + END
        piece = min(_PIECE, (connection.att_mtu - 3) // 3 * 3)
        for at in range(0, len(data), piece):
            if not await indicated(self.radio, connection, self._memory, data[at : at + piece]):
                return


def _encode(samples: Samples, start: datetime, options: RingOptions) -> bytes:
    """One session as its playback, played at its start; the true moment is put in when it is played."""
    first = start.replace(microsecond=0)
    seconds = round(options.interval_s)
    stop = first + timedelta(seconds=(samples.size - 1) * seconds)
    spo2, pulse = samples.spo2_pct.astype(np.float32), samples.pulse_bpm.astype(np.float32)
    return encode_memory((Session(first, first, stop, seconds, spo2, pulse, samples.size),))
