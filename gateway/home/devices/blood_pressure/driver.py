"""SIG blood pressure meters on a link: they indicate what they measured and have not been rid of yet, and rest.

A meter for several people tells who of them was measured. Each of them is a device of its own to the rest of somnolink,
since one meter is then worn by several patients at once: their ids come from the serial number and the user together.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from gateway.errors import ProtocolError
from gateway.home.devices import identity, sig
from gateway.home.devices.blood_pressure import protocol
from gateway.home.devices.blood_pressure.protocol import BloodPressure
from gateway.home.devices.driver import Acknowledgement, After, Capability, Dating, Desk, Driver, Link
from gateway.home.devices.identity import CURRENT_TIME, SIG_BASE
from gateway.home.devices.notified import LinkLostError, Messages, SilentError
from gateway.wire.columns import columns_of
from gateway.wire.messages import Kind

MEASUREMENT: Final = SIG_BASE.format(protocol.MEASUREMENT)
DATE_TIME: Final = SIG_BASE.format(0x2A08)
SYSTEM_ID: Final = SIG_BASE.format(0x2A23)

QUIET_S: Final = 10.0
"""A meter sends what it has one behind the other; it has said all when nothing came for this long."""

CLOCK_OFF: Final = timedelta(seconds=60)
"""A clock further off the home's is set, after all that it stamped is here."""

STAMPED_MS: Final = 1000
"""Measurements are stamped in whole seconds."""

JUST_MADE: Final = timedelta(minutes=10)
"""A meter whose clock cannot be read sends a measurement when it has made it: one stamped so near to the home's time
tells that the clock is right, give or take as much."""


@dataclass(frozen=True, slots=True)
class _Contact:
    """What the meter's clock read, when, and how sure that is."""

    local: datetime
    tick_ms: int
    utc_ms: int
    uncertainty_ms: int


class BloodPressureDriver(Driver):
    """Any meter with the Blood Pressure Service."""

    family = "bp"
    services = frozenset({SIG_BASE.format(protocol.SERVICE)})
    kinds = frozenset[Kind]({"blood_pressure", "device"})
    capabilities = frozenset({Capability.SPOT})
    dating = frozenset({Dating.ARRIVAL, Dating.ANCHORS})
    acknowledgement = Acknowledgement.CONFIRMATION

    async def visit(self, link: Link, desk: Desk) -> After:
        """Read who it is and what its clock says, take its measurements, set its clock."""
        meter = _Meter(link, desk)
        await meter.introduce()
        async with link.notifications(MEASUREMENT) as queue:
            messages = Messages(link, desk, queue, lambda data: (data, protocol.decode_measurement(data)))
            try:
                while True:
                    data, measurement = await messages.next(within_s=QUIET_S)
                    await meter.keep(data, measurement)
            except LinkLostError:
                await meter.finish()  # meters hang up when they have said what they have
            except SilentError:
                await meter.finish()
                await meter.set_clock()
        return After.REST


class _Meter:
    """Who the meter is, its clock, and the way of a measurement to the desk."""

    def __init__(self, link: Link, desk: Desk) -> None:
        self._link = link
        self._desk = desk
        self._serial: str | None = None
        self._user: int | None = None
        self._contact: _Contact | None = None
        self._epoch: int | None = None
        self._undated: list[tuple[bytes, BloodPressure]] = []

    async def introduce(self) -> None:
        """Introduce the meter itself, and note what its clock reads."""
        self._serial = await self._own_serial()
        self._contact = await self._read_clock()
        await self._speak_for(None)
        await identity.report_battery(self._link, self._desk)

    async def _own_serial(self) -> str | None:
        serial = identity.serial_of(await identity.text_of(self._link, self._desk, identity.SERIAL))
        if serial is None and self._link.has(SYSTEM_ID):
            serial = identity.serial_of((await self._link.read(SYSTEM_ID)).hex())
        return serial

    async def _speak_for(self, user: int | None) -> None:
        """Go on as the device of a user; None: of the meter."""
        self._user = user
        serial = self._serial if user is None or self._serial is None else f"{self._serial}/{user}"
        await self._desk.introduce(
            serial=serial,
            model=await identity.text_of(self._link, self._desk, identity.MODEL),
            firmware=await identity.text_of(self._link, self._desk, identity.FIRMWARE),
        )
        if self._contact is not None:
            contact = self._contact
            self._epoch = await self._desk.note_anchor(contact.tick_ms, contact.utc_ms, contact.uncertainty_ms)

    async def keep(self, data: bytes, measurement: BloodPressure) -> None:
        """Hand a measurement over: dated by its own time, or by ours where it has none."""
        if measurement.user is not None and self._serial is None:
            await self._desk.set_aside(data, "a meter without a serial number: its users cannot be told apart for good")
            return
        local = self._desk.local_time()
        if measurement.timestamp is None:
            await self._as(measurement.user)
            async with self._desk.stream("blood_pressure", STAMPED_MS) as stream:
                stream.add(_row_of(measurement))
        elif self._contact is not None:
            await self._deliver(data, measurement, measurement.timestamp)
        elif abs(measurement.timestamp - local) < JUST_MADE:
            doubt_ms = STAMPED_MS + round(JUST_MADE.total_seconds() * 1000)
            self._contact = _Contact(local, _tick(local), self._desk.clock.utc_ms(), doubt_ms)
            await self._speak_for(measurement.user)
            for held in (*self._undated, (data, measurement)):
                await self.keep(*held)
            self._undated.clear()
        else:
            # The newest comes last, and tells whether this clock is right.
            self._undated.append((data, measurement))

    async def finish(self) -> None:
        """All has come: what could not be dated is set aside; the desk is told of the meter itself again."""
        for data, _ in self._undated:
            await self._desk.set_aside(data, "stamped by a clock that is off and cannot be read: it cannot be dated")
        await self._as(None)

    async def _as(self, user: int | None) -> None:
        if user != self._user:
            await self._speak_for(user)

    async def _deliver(self, data: bytes, measurement: BloodPressure, stamp: datetime) -> None:
        await self._as(measurement.user)
        # Named by its content: the same measurement again (its confirmation was lost) is the same item.
        name = "bp-" + hashlib.sha256(data).hexdigest()[:24]
        if (await self._desk.item(name)).done:
            return
        columns = columns_of("blood_pressure", [_row_of(measurement)])
        at_once = np.zeros(1, dtype=np.int64)
        await self._desk.deliver(name, "blood_pressure", columns, tick0_ms=_tick(stamp), offsets_ms=at_once)

    async def _read_clock(self) -> _Contact | None:
        """Read the meter's clock by whichever of two characteristics it has."""
        source = next((one for one in (CURRENT_TIME, DATE_TIME) if self._link.has(one)), None)
        if source is None:
            return None
        asked_ms = self._desk.clock.utc_ms()
        data = await self._link.read(source)
        journey_ms = self._desk.clock.utc_ms() - asked_ms
        try:
            # The one tells 1/256 s, the other whole seconds: the moment is somewhere within the one that it names.
            exact = source == CURRENT_TIME
            local = sig.decode_current_time(data).local if exact else sig.decode_date_time(data)
        except ProtocolError as error:
            await self._desk.set_aside(data, str(error))
            return None
        if local is None:
            return None
        doubt_ms = STAMPED_MS + (50 if exact else 500) + (journey_ms + 1) // 2
        return _Contact(local, _tick(local) + (0 if exact else 500), asked_ms + journey_ms // 2, doubt_ms)

    async def set_clock(self) -> None:
        """Set a clock that is off."""
        local = self._desk.local_time()
        if self._contact is None or self._epoch is None or abs(self._contact.local - local) < CLOCK_OFF:
            return
        # Only a clock that was read is ever found to be off.
        if self._link.has(CURRENT_TIME):
            value = sig.encode_current_time(sig.CurrentTime(local, local.isoweekday()))
            await self._link.write(CURRENT_TIME, value, response=True)
        else:
            await self._link.write(DATE_TIME, sig.encode_date_time(local), response=True)
        uncertainty_ms = 2 * STAMPED_MS
        await self._desk.note_anchor(_tick(local), self._desk.clock.utc_ms(), uncertainty_ms, epoch=self._epoch + 1)


def _row_of(measurement: BloodPressure) -> dict[str, float]:
    values = {
        "systolic": measurement.systolic_mmhg,
        "diastolic": measurement.diastolic_mmhg,
        "mean": measurement.mean_mmhg,
        "pulse": measurement.pulse_bpm,
    }
    return {name: value for name, value in values.items() if value is not None}


def _tick(local: datetime) -> int:
    """The meter's clock in milliseconds: its local time read as if it were UTC."""
    return int(local.replace(tzinfo=UTC).timestamp() * 1000)
