"""Passing live readings on to the desk, the same for every family that streams."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from gateway.home.devices.driver import Desk
from gateway.home.devices.notified import LinkLostError, interval_ms
from gateway.home.devices.oximetry import row_of
from gateway.home.devices.reading import OximeterReading

MEASURED: Final = 4
"""Readings whose spacing tells the interval of a device that does not tell it."""

NOMINAL_MS: Final = 1000
"""What finger oximeters send at; taken where a link ended before the interval could be measured."""

REPORT_S: Final = 600.0
"""A stream holds its link all night: what the device says of itself is told every ten minutes."""

NextReading = Callable[[], Awaitable[OximeterReading]]
Arrived = tuple[int, OximeterReading]


async def pass_on(
    next_reading: NextReading,
    desk: Desk,
    *,
    dt_ms: int | None = None,
    held: Sequence[Arrived] = (),
    off_finger_s: float | None = None,
) -> bool:
    """Pass readings on as they come, until the link is lost, which is how such a night ends.

    Parameters
    ----------
    next_reading : callable
        Waits for the next one; raises `LinkLostError` when the link is gone.
    dt_ms : int or None
        The device's interval; None: it is measured on the first readings.
    held : sequence of (int, OximeterReading)
        What has been read before, with its arrival (UTC ms).
    off_finger_s : float or None
        Return when no reading had a value for so long; None: never.

    Returns
    -------
    bool
        Whether the link is still up.

    Raises
    ------
    DeviceError
        The device has stopped sending.
    """
    first = list(held)
    try:
        while dt_ms is None and len(first) < MEASURED:
            reading = await next_reading()
            first.append((desk.clock.utc_ms(), reading))
    except BaseException as error:
        await _write(desk, first, NOMINAL_MS)
        if isinstance(error, LinkLostError):
            return False
        raise
    clock = desk.clock
    async with desk.stream("oximetry", interval_ms([at for at, _ in first]) if dt_ms is None else dt_ms) as stream:
        for at_ms, reading in first:
            stream.add(row_of(reading), at_ms)
        seen_s = reported_s = clock.monotonic_s()
        try:
            while off_finger_s is None or clock.monotonic_s() - seen_s < off_finger_s:
                reading = await next_reading()
                stream.add(row_of(reading))
                if reading.spo2_pct is not None or reading.pulse_bpm is not None:
                    seen_s = clock.monotonic_s()
                if clock.monotonic_s() - reported_s >= REPORT_S:
                    reported_s = clock.monotonic_s()
                    await desk.report()
        except LinkLostError:
            return False
    return True


async def _write(desk: Desk, readings: Sequence[Arrived], dt_ms: int) -> None:
    if readings:
        async with desk.stream("oximetry", dt_ms) as stream:
            for at_ms, reading in readings:
                stream.add(row_of(reading), at_ms)
