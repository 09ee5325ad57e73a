"""Record layouts: the vectors of docs/edge-protocol.md, limits on both sides, and what is refused."""

from binascii import unhexlify

from edge.common import records
from edge.common.records import pack_wave, pack_wear, rails, unpack_wave, unpack_wear, wave_samples

WEAR = (
    (1, 0, 36.25, (0, 0, 1000), 3, records.IN_MOUTH),
    (258, 86400000, 21.5, (-1000, 4, -8), 0, records.IN_CASE | records.LOW_BATTERY),
    (65535, 268435455937, None, None, None, 127),
)
WAVE = (
    (1, 20, 12, 0, 0, [0, 1, -1, 2046, -2047, 2047, -2048]),
    (7, 1099511627775, 16, 2, 50, [-32768, 12345]),
)


def refused(call, *arguments):
    try:
        call(*arguments)
    except ValueError:
        return True
    return False


def from_document(name):
    """The last column of the protocol document's rows that begin with `name`."""
    root = __file__.rsplit("tests/unit/edge", 1)[0]
    with open(root + "docs/edge-protocol.md") as file:
        rows = [line.split("|") for line in file.read().split("\n") if line.startswith("| " + name + " ")]
    return [unhexlify(row[-2].strip().strip("`")) for row in rows]


def test_wear_vectors():
    vectors = from_document("wear")
    assert len(vectors) == len(WEAR)
    for index, values in enumerate(WEAR):
        vector = vectors[index]
        assert pack_wear(*values) == vector
        boot, tick_ms, temperature, acceleration, motion, flags = unpack_wear(vector)
        assert (boot, acceleration, motion, flags) == (values[0], values[3], values[4], values[5])
        assert 0 <= values[1] - tick_ms < 63
        assert temperature == values[2] or abs(temperature - values[2]) < 0.005


def test_waveform_vectors():
    vectors = from_document("waveform")
    assert len(vectors) == len(WAVE)
    for index, values in enumerate(WAVE):
        vector = vectors[index]
        packed = pack_wave(*values)
        assert packed[: len(vector)] == vector
        assert packed[len(vector) :] == bytes(len(packed) - len(vector))
        assert unpack_wave(packed) == tuple(list(values) + [True])  # noqa: RUF005  # MicroPython has no stars here


def test_every_temperature_and_posture_survives():
    for step in range(-4000, 12383, 37):
        assert abs(unpack_wear(pack_wear(1, 0, step / 100, None, None, 0))[2] - step / 100) < 0.001
    for axis in range(-2044, 2045, 4):
        assert unpack_wear(pack_wear(1, 0, None, (axis, -axis, 0), axis + 2044, 0))[3:5] == (
            (axis, -axis, 0),
            axis + 2044 if axis < 2044 else 4088,
        )


def test_out_of_range_is_bounded_and_never_missing():
    low = unpack_wear(pack_wear(1, 0, -400, (-9000, 9000, 0), 70000, 0))
    assert low[2:5] == (-40, (-2044, 2044, 0), 4094)
    assert abs(unpack_wear(pack_wear(1, 0, 400, None, None, 0))[2] - 123.82) < 0.001


def test_no_record_looks_blank():
    assert pack_wear(0xFFFF, (1 << 32) - 1, None, None, None, 127)[0] != 0xFF
    assert refused(pack_wear, 1, 0, None, None, None, 128)
    assert refused(pack_wear, 1, 0, None, None, None, -1)
    for width in range(12, 17):
        assert pack_wave(0xFFFF, 1, width, 255, 9, [-(1 << 15)])[0] != 0xFF


def test_what_is_no_record_is_refused():
    assert refused(unpack_wear, bytes(13))
    assert refused(unpack_wear, bytes(15))
    assert refused(unpack_wear, b"\x80" + bytes(13))
    good = pack_wave(1, 0, 12, 0, 0, [1])
    assert unpack_wave(good)[5] == [1]
    assert refused(unpack_wave, good[:-1])
    for wrong in (b"\x05", b"\x20", b"\x10"):  # width 17, reserved bit, a gap of nothing
        assert refused(unpack_wave, wrong + good[1:])
    for count in (0, 151):
        assert refused(unpack_wave, good[:11] + bytes((count,)) + good[12:])


def test_a_frame_of_every_width_fits_one_notification():
    for width in range(12, 17):
        low, high = rails(width)
        count = wave_samples(width)
        assert (count + 1) * width > 8 * records.WAVE_SAMPLES_BYTES
        samples = [low + 1 + (index * 7919) % (high - low - 2) for index in range(count)]
        assert unpack_wave(pack_wave(3, 5, width, 1, 0, samples))[5:] == (samples, False)
        assert refused(pack_wave, 3, 5, width, 1, 0, samples * 2)
    assert refused(pack_wave, 3, 5, 12, 1, 0, [])
    for width in (11, 17):
        assert refused(wave_samples, width)


def test_saturated_samples_sit_on_the_rails():
    samples, clipped = unpack_wave(pack_wave(1, 0, 12, 0, 0, [5000, 2047, 2046, -2047, -2048, -9000]))[5:]
    assert (samples, clipped) == ([2047, 2047, 2046, -2047, -2048, -2048], True)
    assert unpack_wave(pack_wave(1, 0, 12, 0, 0, [2046, -2047]))[6] is False


def test_half_a_year_of_records_in_one_mebibyte():
    slots = (4096 - 52) // (records.WEAR_BYTES + 3)
    assert 255 * slots * 300 / 86400 >= 180


def test_two_hours_of_waveform_in_one_mebibyte_at_every_width():
    slots = (4096 - 52) // (records.WAVE_BYTES + 3)
    for width in range(12, 17):
        assert 255 * slots * wave_samples(width) / 50 >= 2 * 3600
