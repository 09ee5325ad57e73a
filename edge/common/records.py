"""Record layouts of the ring log and the data notifications: fixed, little-endian, numbered; docs/edge-protocol.md.

A layout never changes: a new one gets a new number. No record begins with 0xFF, which is blank flash.
"""

import struct

WEAR = 1
WAVE_SAMPLES_BYTES = 225
WAVE = 2

WEAR_BYTES = 14
WAVE_HEADER_BYTES = 12
WAVE_BYTES = WAVE_HEADER_BYTES + WAVE_SAMPLES_BYTES

TICKS_A_SECOND = 16
"""A wear record's tick counts sixteenths of a second since its boot: 8.5 years in 32 bits."""

# Flags of a wear record; bit 7 stays 0.
IN_CASE = 1
TEMPERATURE_FAULT = 2
ACCELERATION_FAULT = 4
CLOCK_LOST = 8
LOW_BATTERY = 16
MEMORY_FAULT = 32
IN_MOUTH = 64

_NO_TEMPERATURE = 0x3FFF  # 14 bits of 0.01 degC above -40
_NO_ACCELERATION = 0x200  # 10 bits of 4 mg, two's complement: the lowest code
_NO_MOTION = 0xFFF  # 12 bits of 1 mg

_CLIPPED = 0x08
_GAP = 0x10


def _code(value: float, low: int, high: int) -> int:
    return min(max(round(value), low), high)


def pack_wear(boot: int, tick_ms: int, temperature: float, acceleration: tuple, motion: float, flags: int) -> bytes:
    """One reading of the recorder as 14 bytes.

    Parameters
    ----------
    boot, tick_ms
        Boot counter (0..65535) and milliseconds since that boot, unwrapped.
    temperature
        degC, kept to 0.01 between -40.00 and 123.82; None: no reading.
    acceleration
        (x, y, z) in mg, kept to 4 mg between -2044 and 2044; None: no reading.
    motion
        RMS of the acceleration about its mean, mg, 0..4094; None: no reading.
    flags
        Bits above, 0..127.
    """
    if not 0 <= flags < 128:
        raise ValueError("wear flags are 7 bits")
    word = _NO_TEMPERATURE if temperature is None else _code((temperature + 40) * 100, 0, _NO_TEMPERATURE - 1)
    for axis in range(3):
        code = _NO_ACCELERATION if acceleration is None else _code(acceleration[axis] / 4, -511, 511) & 0x3FF
        word |= code << 14 + 10 * axis
    word |= (_NO_MOTION if motion is None else _code(motion, 0, _NO_MOTION - 1)) << 44
    tick = tick_ms * TICKS_A_SECOND // 1000
    return struct.pack("<BHI", flags, boot, tick) + word.to_bytes(7, "little")


def unpack_wear(record: bytes) -> tuple:
    """(boot, tick_ms, temperature, acceleration, motion, flags) of `pack_wear`.

    Raises ValueError where the bytes are no wear record.
    """
    if len(record) != WEAR_BYTES or record[0] & 0x80:
        raise ValueError("no wear record")
    flags, boot, tick = struct.unpack("<BHI", record[:7])
    word = int.from_bytes(record[7:], "little")
    temperature = word & 0x3FFF
    axes = [word >> 14 + 10 * axis & 0x3FF for axis in range(3)]
    motion = word >> 44
    return (
        boot,
        tick * 1000 // TICKS_A_SECOND,
        None if temperature == _NO_TEMPERATURE else temperature / 100 - 40,
        None if _NO_ACCELERATION in axes else tuple(4 * (axis - ((axis & 0x200) << 1)) for axis in axes),
        None if motion == _NO_MOTION else motion,
        flags,
    )


def wave_samples(width: int) -> int:
    """Most samples of `width` bits (12..16) in one waveform frame."""
    if not 12 <= width <= 16:
        raise ValueError("sample width must be 12..16 bits")
    return 8 * WAVE_SAMPLES_BYTES // width


def pack_wave(boot: int, tick_ms: int, width: int, gain: int, lost: int, samples: object) -> bytes:
    """A frame of 50 Hz samples as 237 bytes.

    Parameters
    ----------
    boot, tick_ms
        Boot counter, and milliseconds since that boot of the first sample.
    width
        Bits of a sample, 12..16. The two outermost codes mean saturated: a sample there is a bound, no value.
    gain
        How often the gain that the samples were taken with doubles the board's lowest, 0..255.
    lost
        Samples missing between the frame before and this one (the gap marker); 65535 means that many or more.
    samples
        1..`wave_samples(width)` signed numbers; what is out of range is saturated.
    """
    count = len(samples)
    if not 1 <= count <= wave_samples(width):
        raise ValueError("samples do not fit a frame")
    low, high = rails(width)
    mask = (1 << width) - 1
    frame = bytearray(WAVE_BYTES)
    at, word, bits = WAVE_HEADER_BYTES, 0, 0
    clipped = False
    for sample in samples:
        if sample <= low or sample >= high:
            sample = low if sample <= low else high
            clipped = True
        word |= (sample & mask) << bits
        bits += width
        while bits >= 8:
            frame[at] = word & 0xFF
            at += 1
            word >>= 8
            bits -= 8
    if bits:
        frame[at] = word
    shape = width - 12 | (_CLIPPED if clipped else 0) | (_GAP if lost else 0)
    struct.pack_into(
        "<BBHIBHB", frame, 0, shape, gain, boot, tick_ms & 0xFFFFFFFF, tick_ms >> 32, min(lost, 65535), count
    )
    return bytes(frame)


def unpack_wave(record: bytes) -> tuple:
    """(boot, tick_ms, width, gain, lost, samples, clipped) of `pack_wave`.

    Raises ValueError where the bytes are no waveform frame.
    """
    if len(record) != WAVE_BYTES:
        raise ValueError("no waveform frame")
    shape, gain, boot, low_tick, high_tick, lost, count = struct.unpack("<BBHIBHB", record[:WAVE_HEADER_BYTES])
    width = 12 + (shape & 7)
    if shape & 0xE0 or width > 16 or not 1 <= count <= wave_samples(width) or bool(shape & _GAP) != bool(lost):
        raise ValueError("no waveform frame")
    samples = []
    at, word, bits = WAVE_HEADER_BYTES, 0, 0
    half = 1 << width - 1
    for _ in range(count):
        while bits < width:
            word |= record[at] << bits
            at += 1
            bits += 8
        code = word & (2 * half - 1)
        samples.append(code - 2 * half if code & half else code)
        word >>= width
        bits -= width
    return boot, high_tick << 32 | low_tick, width, gain, lost, samples, bool(shape & _CLIPPED)


def rails(width: int) -> tuple:
    """Lowest and highest code of a sample: there it is saturated."""
    return -(1 << width - 1), (1 << width - 1) - 1
