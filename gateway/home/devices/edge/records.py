"""Record layouts of our own devices, many records at once (docs/edge-protocol.md, Records)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.errors import ProtocolError
from gateway.home.devices.driver import Readings, Records
from gateway.wire.messages import Kind, WaveformFlag, WearFlag

WEAR: Final = 1
WAVE: Final = 2

WEAR_BYTES: Final = 14
WAVE_HEADER_BYTES: Final = 12
WAVE_BYTES: Final = 237
WAVE_DT_MS: Final = 20

WEAR_TICK_MS: Final = 63
"""A wear record's tick is rounded down to sixteenths of a second."""

WEAR_FLAGS: Final = (
    "in_case",
    "temperature_fault",
    "accelerometer_fault",
    "clock_lost",
    "low_battery",
    "memory_fault",
    "in_mouth",
)
"""Names of the flags of a wear record, from bit 0 on; the status's faults are the same bits."""

NO_TEMPERATURE: Final = 0x3FFF
NO_ACCELERATION: Final = 0x200
NO_MOTION: Final = 0xFFF

_TO_WEAR: Final[Mapping[int, WearFlag]] = {
    0x01: WearFlag.IN_CASE,
    0x02: WearFlag.SENSOR_FAULT,
    0x04: WearFlag.SENSOR_FAULT,
    0x08: WearFlag.CLOCK_LOST,
    0x10: WearFlag.LOW_BATTERY,
}

_CLIPPED: Final = 0x08
_GAP: Final = 0x10

Table = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Decoded:
    """What raw records say, and those among them that are none, whole."""

    readings: Readings
    refused: tuple[bytes, ...] = ()


def decode_wear(data: bytes) -> Decoded:
    """Wear records as rows of kind wear.

    Parameters
    ----------
    data : bytes
        Whole records of 14 bytes.

    Returns
    -------
    Decoded
        Temperature in degC (NaN: missing), accelerations and motion in mg (0: missing), the flags of kind wear.

    Raises
    ------
    ProtocolError
        The length is not that of whole records.
    """
    rows, refused = _split(_table(data, WEAR_BYTES), lambda rows: rows[:, 0] < 0x80)
    word = _number(rows, 7, 7)
    temperature = (word & 0x3FFF).astype(np.int64)
    axes = [(word >> np.uint64(14 + 10 * axis) & np.uint64(0x3FF)).astype(np.int64) for axis in range(3)]
    motion = (word >> np.uint64(44)).astype(np.int64)
    missing = (axes[0] == NO_ACCELERATION) | (axes[1] == NO_ACCELERATION) | (axes[2] == NO_ACCELERATION)
    columns = {
        "temperature": np.where(temperature == NO_TEMPERATURE, np.nan, temperature / 100 - 40).astype("<f4"),
        **{
            name: np.where(missing, 0, 4 * (axis - ((axis & 0x200) << 1))).astype("<i2")
            for name, axis in zip(("accel_x", "accel_y", "accel_z"), axes, strict=True)
        },
        "motion": np.where(motion == NO_MOTION, 0, motion).astype("<u2"),
        "flags": _wear_flags(rows[:, 0]),
    }
    tick_ms = _number(rows, 3, 4).astype(np.int64) * 1000 // 16
    readings = Readings(_number(rows, 1, 2).astype(np.int64), tick_ms, columns, tick_doubt_ms=WEAR_TICK_MS)
    return Decoded(readings, refused)


def _wear_flags(raw: NDArray[np.uint8]) -> NDArray[np.uint16]:
    flags = np.zeros(raw.size, "<u2")
    for bit, flag in _TO_WEAR.items():
        flags[raw & bit != 0] |= int(flag)
    return flags


def decode_wave(data: bytes) -> Decoded:
    """Waveform frames as rows of kind waveform, 50 Hz.

    Parameters
    ----------
    data : bytes
        Whole frames of 237 bytes.

    Returns
    -------
    Decoded
        Pressure in counts at the gain step of its column; flags: clipped (a bound, no value) and, on the first sample
        behind a hole, gap.

    Raises
    ------
    ProtocolError
        The length is not that of whole frames.
    """
    rows, refused = _split(_table(data, WAVE_BYTES), _is_wave)
    widths = 12 + (rows[:, 0] & 7).astype(np.int64)
    sizes = rows[:, 11].astype(np.int64)
    starts = np.concatenate(([0], np.cumsum(sizes)))
    pressure = np.zeros(starts[-1], "<i2")
    flags = np.zeros(starts[-1], np.uint8)
    for width in np.unique(widths):
        chosen = np.flatnonzero(widths == width)
        samples = _unpack_samples(rows[chosen, WAVE_HEADER_BYTES:], int(width))
        taken = np.arange(samples.shape[1]) < sizes[chosen, None]
        places = (starts[chosen, None] + np.arange(samples.shape[1]))[taken]
        values = samples[taken]
        pressure[places] = values
        rail = 1 << (int(width) - 1)
        flags[places[(values == -rail) | (values == rail - 1)]] = int(WaveformFlag.CLIPPED)
    flags[starts[:-1][rows[:, 0] & _GAP != 0]] |= int(WaveformFlag.GAP)
    columns = {"pressure": pressure, "gain": np.repeat(rows[:, 1], sizes), "flags": flags}
    boot, tick_ms = _number(rows, 2, 2).astype(np.int64), _number(rows, 4, 5).astype(np.int64)
    return Decoded(Readings(boot, tick_ms, columns, sizes=sizes, dt_ms=WAVE_DT_MS), refused)


def _is_wave(rows: Table) -> NDArray[np.bool_]:
    """Which rows are frames: what the layout leaves no meaning is refused, so that no noise passes for a waveform."""
    shape, count = rows[:, 0], rows[:, 11].astype(np.int64)
    width = 12 + (shape & 7).astype(np.int64)
    most = 8 * (WAVE_BYTES - WAVE_HEADER_BYTES) // width
    lost = _number(rows, 9, 2)
    fits = (shape & 0xE0 == 0) & (width <= 16) & (count >= 1) & (count <= most)
    return np.asarray(fits & ((shape & _GAP != 0) == (lost > 0)))


def _unpack_samples(packed: Table, width: int) -> NDArray[np.int16]:
    """Two's complement numbers of `width` bits, lowest bit first; shape (frames, samples that fit)."""
    most = 8 * packed.shape[1] // width
    bits = np.unpackbits(packed, axis=1, bitorder="little", count=most * width).reshape(len(packed), most, width)
    whole = np.concatenate((bits, np.repeat(bits[:, :, -1:], 16 - width, axis=2)), axis=2)  # the sign goes on upwards
    return np.packbits(whole, axis=2, bitorder="little").view("<i2")[:, :, 0]


@dataclass(frozen=True, slots=True)
class Layout:
    """What records of a layout say, how long they are, what decodes them."""

    kind: Kind
    record_bytes: int
    decode: Callable[[bytes], Decoded]


LAYOUTS: Final[Mapping[int, Layout]] = {
    WEAR: Layout("wear", WEAR_BYTES, decode_wear),
    WAVE: Layout("waveform", WAVE_BYTES, decode_wave),
}
"""By number."""


def record_bytes(layout: int, told: int) -> int:
    """Bytes of a record: of a known layout its own, of one from newer firmware what the device has told of it."""
    return LAYOUTS[layout].record_bytes if layout in LAYOUTS else told


def read(records: Records) -> Readings:
    """Readings of records of a known layout, all of which were found sound."""
    return LAYOUTS[records.layout].decode(records.data).readings


def _table(data: bytes, size: int) -> Table:
    if not data or len(data) % size:
        raise ProtocolError(f"{len(data)} bytes are no whole records of {size} bytes")
    return np.frombuffer(data, np.uint8).reshape(-1, size)


def _split(rows: Table, check: Callable[[Table], NDArray[np.bool_]]) -> tuple[Table, tuple[bytes, ...]]:
    good = check(rows)
    if good.all():
        return rows, ()
    return rows[good], tuple(row.tobytes() for row in rows[~good])


def _number(rows: Table, at: int, size: int) -> NDArray[np.uint64]:
    """Little-endian unsigned numbers of up to 8 bytes."""
    wide = np.zeros((len(rows), 8), np.uint8)
    wide[:, :size] = rows[:, at : at + size]
    return wide.view("<u8")[:, 0]
