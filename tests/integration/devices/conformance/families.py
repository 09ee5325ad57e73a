"""One row for each family: how to build its virtual peripheral, and what it truly measured.

A new family needs a row here, and nothing else of the suite.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from bumble.device import Device

from gateway.clock import Clock
from gateway.home.devices.bed_sensor.driver import BedSensorDriver
from gateway.home.devices.berrymed.driver import BerryMedDriver
from gateway.home.devices.blood_pressure.driver import BloodPressureDriver
from gateway.home.devices.contec.driver import ContecDriver
from gateway.home.devices.driver import Driver
from gateway.home.devices.jumper.driver import JumperDriver
from gateway.home.devices.mad_recorder.driver import RecorderDriver
from gateway.home.devices.nonin.driver import NoninDriver
from gateway.home.devices.oxyii.driver import OxyiiDriver
from gateway.home.devices.pc60fw.driver import Pc60fwDriver
from gateway.home.devices.plx.driver import PlxDriver
from gateway.home.devices.plx.protocol import decode_continuous
from gateway.home.devices.viatom.driver import ViatomDriver
from gateway.wire.files.oxyii import parse_oxyii
from gateway.wire.files.viatom import parse_vld
from gateway.wire.messages import Kind
from simulators.devices import (
    BerryMedOptions,
    BerryMedOximeter,
    BloodPressureMeter,
    ContecOximeter,
    DeviceClock,
    Finger,
    FingertipOximeter,
    JumperOximeter,
    NoninOximeter,
    O2Ring,
    OxyiiRing,
    Pc60fwOximeter,
    PlxOptions,
    PulseOximeter,
    RingOptions,
    VirtualDevice,
)
from tests.integration.devices.conformance.stand import Sample, cleaned, placed


class Build(Protocol):
    """Makes a peripheral, switched off."""

    def __call__(self, radio: Device, clock: Clock, finger: Finger, serial: str, own: DeviceClock) -> VirtualDevice: ...


@dataclass(frozen=True, slots=True)
class Family:
    """A row.

    Attributes
    ----------
    driver : type of Driver
    build : Build
        The peripheral, on a finger.
    notify : str
        UUID of the characteristic that carries its samples.
    garbage : bytes
        A notification on it that says nothing.
    live : callable or None
        What was sent live (or spot by spot) to a gateway that listened, in order.
    stored : callable or None
        What its memory has held so far that a gateway shall have, in order.
    has_serial : bool
        It can say its serial number.
    kind : Kind
        Of its samples.
    wear_s, off_s : int
        How long it is worn, then off, until there is a recording to pull.
    act : callable or None
        What a person does meanwhile that the finger does not tell (a blood pressure is taken).
    """

    driver: type[Driver]
    build: Build
    notify: str
    garbage: bytes
    live: Callable[[Any], list[Sample]] | None = None
    stored: Callable[[Any], list[Sample]] | None = None
    has_serial: bool = False
    kind: Kind = "oximetry"
    wear_s: int = 120
    off_s: int = 150
    act: Callable[[Any], Awaitable[None]] | None = None


def fingertip(cls: type[FingertipOximeter]) -> Build:
    """Build an oximeter that only streams, as its family's default is."""

    def build(radio: Device, clock: Clock, finger: Finger, serial: str, own: DeviceClock) -> VirtualDevice:
        return cls(radio, clock, finger, serial=serial, own_clock=own)

    return build


def sent(device: FingertipOximeter) -> list[Sample]:
    """What such an oximeter has sent."""
    return [
        Sample(sent.utc_ms, cleaned((sent.reading.spo2_pct, sent.reading.pulse_bpm))) for sent in device.delivered_live
    ]


def _berrymed(radio: Device, clock: Clock, finger: Finger, serial: str, own: DeviceClock) -> VirtualDevice:
    options = BerryMedOptions(notifications_per_s=5)
    return BerryMedOximeter(radio, clock, finger, serial=serial, own_clock=own, options=options)


def _shown(device: FingertipOximeter) -> list[Sample]:
    """A display's value: it holds for its second, and is read some time in it."""
    return [Sample(one.utc_ms + 500, one.values, doubt_ms=500) for one in sent(device)]


def _ring(radio: Device, clock: Clock, finger: Finger, serial: str, own: DeviceClock) -> VirtualDevice:
    return O2Ring(radio, clock, finger, serial=serial, own_clock=own, options=RingOptions())


def _ring_live(ring: O2Ring) -> list[Sample]:
    return [Sample(frame.utc_ms, cleaned((frame.spo2_pct, frame.pulse_bpm))) for frame in ring.delivered_live]


def _ring_files(ring: O2Ring) -> list[Sample]:
    samples = []
    for data in ring.files.values():
        file = parse_vld(data)
        samples += _worn(zip(file.spo2.tolist(), file.pulse.tolist(), strict=True), file.start, file.interval_s)
    return samples


def _worn(values: Any, start: datetime | None, interval_s: float) -> list[Sample]:
    """Samples of a recording: by the place that the finger's values tell; off the finger, from the last one on."""
    samples: list[Sample] = []
    for spo2, pulse in values:
        if 0 < spo2 <= 100:
            samples.append(placed((float(spo2), float(pulse))))
        else:
            samples.append(Sample(samples[-1].utc_ms + round(interval_s * 1000), (-1.0, -1.0), doubt_ms=500))
    assert start is not None
    return samples


def _oxyii(radio: Device, clock: Clock, finger: Finger, serial: str, own: DeviceClock) -> VirtualDevice:
    return OxyiiRing(radio, clock, finger, serial=serial, own_clock=own)


def _oxyii_files(ring: OxyiiRing) -> list[Sample]:
    samples = []
    for data in ring.files.values():
        file = parse_oxyii(data)
        samples += _worn(zip(file.spo2.tolist(), file.pulse.tolist(), strict=True), file.start, file.interval_s)
    return samples


def _oximeter(radio: Device, clock: Clock, finger: Finger, serial: str, own: DeviceClock) -> VirtualDevice:
    return PulseOximeter(radio, clock, finger, serial=serial, own_clock=own, options=PlxOptions(spot_every_s=10))


def _oximeter_live(device: PulseOximeter) -> list[Sample]:
    sent = [(one.utc_ms, decode_continuous(one.value).normal) for one in device.delivered_live]
    return [Sample(utc_ms, cleaned((vitals.spo2_pct, vitals.pulse_bpm))) for utc_ms, vitals in sent]


def _oximeter_stored(device: PulseOximeter) -> list[Sample]:
    return [
        Sample(record.utc_ms, cleaned((record.measurement.vitals.spo2_pct, record.measurement.vitals.pulse_bpm)))
        for record in device.memory.records
    ]


def _nonin_sessions(device: NoninOximeter) -> list[Sample]:
    samples = []
    for session in device.sessions:
        values = zip(np.nan_to_num(session.spo2_pct).tolist(), np.nan_to_num(session.pulse_bpm).tolist(), strict=True)
        samples += _worn(values, session.start, session.interval_s)
    return samples


def _meter(radio: Device, clock: Clock, finger: Finger, serial: str, own: DeviceClock) -> VirtualDevice:
    del finger  # a cuff
    return BloodPressureMeter(radio, clock, serial=serial, own_clock=own)


async def _take_pressures(meter: BloodPressureMeter) -> None:
    for number in range(3):
        meter.take(120.0 + len(meter.taken), 80.0 + number)
        await meter.clock.sleep(1.3)


def _pressures(meter: BloodPressureMeter) -> list[Sample]:
    return [
        Sample(
            one.utc_ms,
            cleaned(
                (
                    one.measurement.systolic_mmhg,
                    one.measurement.diastolic_mmhg,
                    one.measurement.mean_mmhg,
                    one.measurement.pulse_bpm,
                )
            ),
        )
        for one in meter.confirmed
    ]


FAMILIES: Sequence[Family] = (
    Family(BerryMedDriver, _berrymed, "49535343-1e4d-4bd9-ba61-23c647249616", b"\x01\x02\x03\x04\x05", live=_shown),
    Family(
        BloodPressureDriver,
        _meter,
        "2A35",
        b"\x02\x78\x00",
        live=_pressures,
        has_serial=True,
        kind="blood_pressure",
        act=_take_pressures,
    ),
    Family(ContecDriver, fingertip(ContecOximeter), "FF02", b"\xeb\x01\x05\x40\x60\x7f\x00\x00", live=sent),
    Family(JumperDriver, fingertip(JumperOximeter), "cdeacb81-5235-4c07-8846-93a37ee6b86d", b"\x81\x40", live=sent),
    Family(
        OxyiiDriver,
        _oxyii,
        "e8fb0003-a14b-98f9-831b-4e2941d01248",
        b"\xa5\x04\xfb\x01\x00\x00\x00\x00",
        live=_ring_live,
        stored=_oxyii_files,
        has_serial=True,
        wear_s=800,
    ),
    Family(
        Pc60fwDriver,
        fingertip(Pc60fwOximeter),
        "6e400003-b5a3-f393-e0a9-e50e24dcca9e",
        b"\xaa\x55\x0f\x08\x01\x60\x40\x00\x01\x00\x00\x00",
        live=sent,
    ),
    Family(
        NoninDriver,
        fingertip(NoninOximeter),
        "0aad7ea0-0d60-11e2-8e3c-0002a5d5c51b",
        b"\x0a\x10\x1e",
        live=sent,
        stored=_nonin_sessions,
        has_serial=True,
        wear_s=400,
        off_s=300,
    ),
    Family(
        PlxDriver,
        _oximeter,
        "2A5F",
        b"\x00\x62",
        live=_oximeter_live,
        stored=_oximeter_stored,
        has_serial=True,
    ),
    Family(
        ViatomDriver,
        _ring,
        "0734594a-a8e7-4b1a-a6b1-cd5243059a57",
        b"\x55\x00\xff\x00\x00\x00\x00\x01",
        live=_ring_live,
        stored=_ring_files,
        has_serial=True,
        wear_s=800,
    ),
)


ELSEWHERE: Mapping[type[Driver], str] = {
    RecorderDriver: "tests/integration/home/edge",
    BedSensorDriver: "tests/integration/home/edge",
}
"""Our own devices, whose peripheral is their real firmware and which let in only who is enrolled: held to the same
contract, and more, by tests of their own."""
