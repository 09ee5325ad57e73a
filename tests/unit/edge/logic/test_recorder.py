"""The recorder's decisions: when it records, when it may be heard, what it flags."""

import math

from edge.common.device import Device
from edge.common.power import RECORDER
from edge.common.records import (
    ACCELERATION_FAULT,
    CLOCK_LOST,
    IN_CASE,
    IN_MOUTH,
    LOW_BATTERY,
    MEMORY_FAULT,
    TEMPERATURE_FAULT,
    WEAR,
    WEAR_BYTES,
    unpack_wear,
)
from edge.mad_recorder.recorder import Recorder, posture_and_motion
from edge.mad_recorder.sampling import Sampler
from tests.unit.edge.flash import NorFlash

MINUTE = 60_000


class Memory:
    """Settings without a file."""

    def __init__(self):
        self.entries = {}

    def get(self, key):
        return self.entries.get(key)

    def put(self, key, value):
        self.entries[key] = value

    def clear(self, keep=()):
        self.entries = {key: self.entries[key] for key in keep if key in self.entries}


class Board:
    def __init__(self, blocks=16):
        self.flash = NorFlash(blocks, 512)
        self.raw = (1 << 30) - 500
        self.degc = 22.0
        self.samples = [(0, 0, 1000)] * 4
        self.case = False
        self.level = 80

    def ticks(self):
        return self.raw % (1 << 30)

    def temperature(self):
        if self.degc is None:
            raise OSError(5)
        return self.degc

    def acceleration(self):
        if self.samples is None:
            raise OSError(5)
        return self.samples

    def in_case(self):
        return self.case

    def battery_pct(self):
        return self.level


def recorder(board, memory=None, awake=None):
    device = Device(board, memory or Memory(), 1, WEAR, WEAR_BYTES, "mad", "MAD", awake)
    return device, Recorder(board, device)


def run(board, unit, minutes):
    for _ in range(minutes):
        board.raw += unit.step()


def records(device):
    found = []
    entry = device.log.read(0)
    while entry is not None:
        found.append(unpack_wear(entry[2]))
        entry = device.log.read(entry[0] + 1)
    return found


def test_steady_means_every_five_minutes():
    board = Board()
    device, unit = recorder(board)
    run(board, unit, 61)
    assert [entry[1] for entry in records(device)] == [number * 5 * MINUTE for number in range(13)]


def test_at_least_every_two_minutes_while_the_temperature_moves():
    board = Board()
    device, unit = recorder(board)
    run(board, unit, 20)
    start = device.now()[1]
    for minute in range(25):  # into the mouth: the first-order warm-up
        board.degc = 36.0 - 14 * math.exp(-minute / 4)
        board.raw += unit.step()
    ticks = [entry[1] for entry in records(device) if entry[1] >= start - 5 * MINUTE]
    assert max([ticks[at + 1] - ticks[at] for at in range(1, len(ticks) - 1)]) <= 2 * MINUTE
    run(board, unit, 40)
    ticks = [entry[1] for entry in records(device)]
    assert ticks[-1] - ticks[-2] == 5 * MINUTE


def test_a_slow_drift_counts_as_moving_too():
    board = Board()
    device, unit = recorder(board)
    run(board, unit, 12)
    before = len(records(device))
    for _ in range(30):
        board.degc += 0.06
        board.raw += unit.step()
    assert len(records(device)) - before > 20


def heard(board, unit, minutes):
    """Looks at which the radio may be heard."""
    found = []
    for _ in range(minutes):
        board.raw += unit.step()
        found.append(bool(unit.advertising_ms()))
    return found


def test_the_radio_is_silent_in_the_mouth_and_heard_outside():
    board = Board()
    _, unit = recorder(board)
    assert sum(heard(board, unit, 60)) == 12
    board.degc = 36.0
    run(board, unit, 1)
    assert not unit.sampler.in_mouth  # one warm look is not yet a mouth
    run(board, unit, 1)
    assert not any(heard(board, unit, 8 * 60))
    board.degc = 29.0
    run(board, unit, 2)
    assert unit.advertising_ms() == RECORDER["advertising_ms"]
    assert sum(heard(board, unit, 60)) == 12
    board.case = True
    assert sum(heard(board, unit, 60)) == 12


def test_put_into_the_case_from_the_mouth_it_is_heard_at_once():
    board = Board()
    board.degc = 36.0
    _, unit = recorder(board)
    run(board, unit, 30)
    assert unit.advertising_ms() == 0
    board.case = True
    assert heard(board, unit, 1) == [True]


def test_a_burst_is_not_missed_by_a_look_that_is_early_or_late():
    for shift in (-1900, 0, 4900):
        sampler = Sampler(RECORDER)
        sampler.since_ms = 0
        assert sampler.advertising_ms(300_000 + shift, True) == RECORDER["advertising_ms"]
    for shift in (-2100, 5100):
        assert sampler.advertising_ms(300_000 + shift, True) == 0


def test_the_belief_has_hysteresis():
    for degc, believed in ((31.9, False), (32.0, True)):
        sampler = Sampler(RECORDER)
        for minute in range(3):
            sampler.look(minute * MINUTE, degc, False)
        assert sampler.in_mouth is believed
    for degc, believed in ((30.5, True), (30.4, False)):
        sampler = Sampler(RECORDER)
        for minute in range(3):
            sampler.look(minute * MINUTE, 36.0, False)
        for minute in range(3, 6):
            sampler.look(minute * MINUTE, degc, False)
        assert sampler.in_mouth is believed


def test_a_device_left_somewhere_warm_is_found_again():
    sampler = Sampler(RECORDER)
    heard = []
    for minute in range(20 * 60):
        sampler.look(minute * MINUTE, 36.0, False)
        if sampler.in_mouth and sampler.advertising_ms(minute * MINUTE, False):
            heard.append(minute)
    assert heard[0] == 14 * 60 + 1
    assert len(heard) == 2 * 6


def test_in_the_case_it_is_never_in_the_mouth():
    sampler = Sampler(RECORDER)
    for minute in range(5):
        sampler.look(minute * MINUTE, 36.0, False)
    sampler.look(5 * MINUTE, 36.0, True)
    assert not sampler.in_mouth
    for minute in range(6, 20):
        sampler.look(minute * MINUTE, 36.0, True)
    assert not sampler.in_mouth


def test_deep_sleep_changes_nothing_and_is_no_boot():
    board, other = Board(), Board()
    device, unit = recorder(board)
    memory = Memory()
    slept, woken = recorder(other, memory)
    for minute in range(90):
        board.degc = other.degc = 22.0 if minute < 30 else 36 - 14 * math.exp((30 - minute) / 4)
        board.raw += unit.step()
        other.raw += woken.step()
        kept, state = slept.awake(), woken.sampler.state()
        slept, woken = recorder(other, memory, kept)
        woken.sampler.resume(state)
    assert records(slept) == records(device)
    assert slept.boot == 1
    assert recorder(other, memory)[0].boot == 2


def test_boots_are_counted_even_if_the_settings_are_lost():
    board = Board()
    memory = Memory()
    for boot in range(1, 5):
        device, unit = recorder(board, memory)
        assert device.boot == boot
        run(board, unit, 40 * 5)
    assert recorder(board, Memory())[0].boot > 1  # at least above the newest page's


def test_readings_are_kept_raw_with_their_flags():
    board = Board()
    board.samples = [(-504, 0, 864), (-496, 0, 864)]
    device, unit = recorder(board)
    board.case = True
    unit.step()
    boot, tick, temperature, acceleration, motion, flags = records(device)[0]
    assert (boot, tick, acceleration, motion, flags) == (1, 0, (-500, 0, 864), 4, IN_CASE | CLOCK_LOST)
    assert abs(temperature - 22.0) < 0.01
    device.add_anchor(1, 0, 1_760_000_000_000, 20)
    board.case = False
    board.degc = 36.0
    run(board, unit, 8)
    assert records(device)[-1][5] == IN_MOUTH


def test_motion_is_the_rms_about_the_mean():
    assert posture_and_motion([(0, 0, 1000)] * 8) == ((0, 0, 1000), 0)
    assert posture_and_motion((4 * axis, -2044, 2044) for axis in range(32)) == ((62, -2044, 2044), 1364**0.5)
    assert posture_and_motion(iter(())) == (None, None)
    mean, motion = posture_and_motion([(30, 0, 1000), (-30, 0, 1000), (30, 40, 1000), (-30, -40, 1000)])
    assert mean == (0, 0, 1000)
    assert abs(motion - (900 + 800) ** 0.5) < 1e-3


def test_faults_are_flagged_while_they_last_and_the_record_is_written():
    board = Board()
    device, unit = recorder(board)
    assert unit.self_test() == 0
    for attribute, value, good, flag in (
        ("degc", None, 22.0, TEMPERATURE_FAULT),
        ("degc", 95.0, 22.0, TEMPERATURE_FAULT),
        ("samples", None, [(0, 0, 1000)], ACCELERATION_FAULT),
        ("samples", [], [(0, 0, 1000)], ACCELERATION_FAULT),
        ("samples", [(0, 0, 40)], [(0, 0, 1000)], ACCELERATION_FAULT),
        ("level", 14, 15, LOW_BATTERY),
    ):
        setattr(board, attribute, value)
        assert unit.self_test() == flag
        run(board, unit, 6)
        entry = records(device)[-1]
        assert entry[5] & ~IN_MOUTH == flag | CLOCK_LOST
        assert (entry[2] is None) == (flag == TEMPERATURE_FAULT)
        setattr(board, attribute, good)
        assert unit.self_test() == 0
    assert device.status()[11] == CLOCK_LOST


def test_a_full_log_is_counted_flagged_and_overwrites_nothing():
    board = Board(2)
    device, unit = recorder(board)
    while not device.refused:
        board.raw += unit.step()
    first = records(device)
    run(board, unit, 11)
    assert device.refused >= 3
    assert device.flags() & MEMORY_FAULT
    assert records(device) == first
    device.log.acknowledge(device.log.next - 1)
    run(board, unit, 6)
    assert not device.flags() & MEMORY_FAULT


def test_a_factory_reset_cut_short_is_finished_at_the_next_boot():
    board = Board()
    memory = Memory()
    device, unit = recorder(board, memory)
    secret = device.secret()
    run(board, unit, 30)
    before = device.log.log_id
    memory.put(b"reset", b"1")  # what a reset does first
    memory.put(b"obond", b"1")
    device, _ = recorder(board, memory)
    assert device.log.next == 0
    assert device.log.log_id != before
    assert sorted(memory.entries) == [b"boot", b"secret"]
    assert device.secret() == secret
    assert device.boot == 2
