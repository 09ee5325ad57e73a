"""The control point: what each request answers, what it changes, and what it must not change."""

import gc
import struct
from binascii import hexlify, unhexlify

from edge.common import control
from edge.common.control import ControlPoint, Link
from edge.common.enrolment import device_proof, equal, gateway_proof, hmac_sha256
from edge.common.ringlog import RingLog
from tests.unit.edge.flash import NorFlash

SECRET = bytes(range(16))
UTC = 1_760_000_000_000


class Device:
    def __init__(self, records=40):
        self.flash = NorFlash(6)
        self.log = RingLog(self.flash, 1, 6, 1)
        for number in range(records):
            self.add(number)
        self.anchors = []
        self.boot = 3
        self.tick = 5000
        self.point = ControlPoint(
            self.log, SECRET, lambda: (self.boot, self.tick), lambda *anchor: self.anchors.append(anchor)
        )

    def add(self, number):
        self.log.append(bytes((number, 0, 0, 0, 0, 0)))

    def request(self, op, sequence, mode=None, log_id=None):
        head = struct.pack("<BII", op, self.log.log_id if log_id is None else log_id, sequence)
        return head if mode is None else head + bytes((mode,))

    def state(self):
        return self.log.oldest, self.log.next, self.point.reporting, list(self.anchors), bytes(self.flash.cells)


OWNER = Link(True, True)


def drain(point, size=64):
    frames = []
    while True:
        frame = point.data(size)
        if frame is None:
            return frames
        frames.append(frame)


def sequences(frames, size=6):
    found = []
    for frame in frames:
        first = struct.unpack("<I", frame[1:5])[0]
        count, rest = divmod(len(frame) - 5, size)
        assert rest == 0
        for index in range(count):
            assert frame[5 + index * size] == (first + index) & 0xFF
            found.append(first + index)
    return found


def test_a_report_sends_every_record_once_and_then_says_so():
    device = Device()
    assert device.point.write(OWNER, device.request(control.REPORT, 7, 0)) is None
    assert device.point.finished() is None
    frames = drain(device.point)
    assert all(len(frame) <= 64 for frame in frames)
    assert sequences(frames) == list(range(7, 40))
    assert device.point.finished() == struct.pack("<BBBII", 6, 1, 1, 40, 33)
    assert device.point.finished() is None
    assert not device.point.reporting


def test_a_report_ends_at_what_was_there_when_it_began():
    device = Device(10)
    device.point.write(OWNER, device.request(control.REPORT, 0, 0))
    device.add(10)
    assert sequences(drain(device.point)) == list(range(10))
    assert device.point.finished()[3:7] == struct.pack("<I", 10)


def test_following_goes_on_with_new_records_until_aborted():
    device = Device(3)
    assert device.point.write(OWNER, device.request(control.REPORT, 0, 1)) == struct.pack("<BBBII", 6, 1, 1, 0, 0)
    assert sequences(drain(device.point)) == [0, 1, 2]
    assert device.point.finished() is None
    device.add(3)
    assert sequences(drain(device.point)) == [3]
    assert device.point.write(OWNER, b"\x03") == struct.pack("<BBBII", 6, 3, 1, 4, 4)
    device.add(4)
    assert device.point.data(64) is None
    assert device.point.write(OWNER, b"\x03") == bytes((6, 3, control.ABORT_FAILED))


def test_a_frame_that_did_not_go_out_is_sent_again():
    device = Device(20)
    device.point.write(OWNER, device.request(control.REPORT, 0, 0))
    first = device.point.data(64)
    device.point.unsend()
    assert device.point.data(64) == first
    frames = [first]
    while True:
        frame = device.point.data(64)
        if frame is None:
            break
        device.point.unsend()
        assert device.point.finished() is None
        frames.append(device.point.data(64))
    assert sequences(frames) == list(range(20))
    assert struct.unpack("<II", device.point.finished()[3:]) == (20, 20)


def test_void_slots_are_skipped_and_break_a_frame():
    device = Device(10)
    device.flash.cells[52 + 4 * 9] ^= 1
    device.point.write(OWNER, device.request(control.REPORT, 0, 0))
    frames = drain(device.point, 200)
    assert sequences(frames) == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert len(frames) == 2
    assert struct.unpack("<II", device.point.finished()[3:]) == (10, 9)


def test_only_an_acknowledgement_moves_the_oldest_record():
    device = Device()
    device.point.write(OWNER, device.request(control.REPORT, 0, 0))
    drain(device.point)
    device.point.finished()
    assert device.log.oldest == 0
    assert device.point.write(OWNER, device.request(control.ACKNOWLEDGE, 30)) == struct.pack("<BBBI", 6, 2, 1, 31)
    assert device.point.write(OWNER, device.request(control.COUNT, 0)) == struct.pack("<BBBII", 6, 4, 1, 31, 9)
    assert device.point.write(OWNER, device.request(control.COUNT, 35))[3:] == struct.pack("<II", 35, 5)
    assert device.point.write(OWNER, device.request(control.COUNT, 90))[3:] == struct.pack("<II", 90, 0)


def test_a_disconnection_ends_a_report_and_frees_nothing():
    device = Device()
    device.point.write(OWNER, device.request(control.REPORT, 0, 0))
    device.point.data(64)
    device.point.disconnected()
    assert device.point.data(64) is None
    assert device.point.finished() is None
    assert device.log.oldest == 0
    assert device.point.write(OWNER, device.request(control.REPORT, 0, 0)) is None


def test_nothing_to_report_is_said():
    device = Device()
    answer = device.point.write(OWNER, device.request(control.REPORT, 40, 0))
    assert answer == struct.pack("<BBBII", 6, 1, control.NO_RECORDS, 40, 0)
    assert not device.point.reporting


def test_a_mtu_too_small_for_a_record_ends_the_report():
    device = Device()
    device.point.write(OWNER, device.request(control.REPORT, 0, 0))
    assert device.point.data(10) is None
    assert device.point.finished()[:3] == bytes((6, 1, control.NOT_COMPLETED))
    assert not device.point.reporting


def test_malformed_writes_change_nothing():
    device = Device()
    device.point.write(OWNER, device.request(control.ACKNOWLEDGE, 5))
    good = [device.request(control.REPORT, 0, 0), device.request(control.ACKNOWLEDGE, 20), b"\x03", b"\x13"]
    good += [device.request(control.COUNT, 0), struct.pack("<BHQQI", 18, 3, 4000, UTC, 20), bytes((17,)) + bytes(48)]
    before = device.state()
    for request in good:
        for wrong in (request[:-1], request + b"\x00", request + bytes(64)):
            answer = device.point.write(OWNER, wrong)
            expected = control.INVALID_OPERAND
            assert answer[0] == 6
            assert answer[2] == expected
            assert device.state() == before
    assert device.point.write(OWNER, b"") == bytes((6, 0, control.INVALID_OPERAND))
    for op in (0, 5, 6, 7, 15, 20, 255):
        assert device.point.write(OWNER, bytes((op, 0, 0))) == bytes((6, op, control.NOT_SUPPORTED))
    assert device.state() == before


def test_operands_that_make_no_sense_change_nothing():
    device = Device()
    before = device.state()
    for request, code in (
        (device.request(control.ACKNOWLEDGE, 40), control.INVALID_OPERAND),
        (device.request(control.ACKNOWLEDGE, 0xFFFFFFFF), control.INVALID_OPERAND),
        (device.request(control.REPORT, 41, 0), control.INVALID_OPERAND),
        (device.request(control.REPORT, 0, 2), control.INVALID_OPERAND),
        (device.request(control.ACKNOWLEDGE, 3, None, device.log.log_id ^ 1), control.OTHER_LOG),
        (device.request(control.REPORT, 3, 0, device.log.log_id ^ 1), control.OTHER_LOG),
    ):
        assert device.point.write(OWNER, request)[2] == code
        assert device.state() == before


def test_a_second_report_waits_for_the_first():
    device = Device()
    device.point.write(OWNER, device.request(control.REPORT, 0, 0))
    answer = device.point.write(OWNER, device.request(control.REPORT, 5, 0))
    assert answer == bytes((6, 1, control.NOT_COMPLETED))
    assert sequences(drain(device.point)) == list(range(40))


def test_strangers_can_neither_read_nor_free():
    for link in (Link(), Link(True, False), Link(False, True)):
        device = Device()
        before = device.state()
        for request in (
            device.request(control.REPORT, 0, 0),
            device.request(control.ACKNOWLEDGE, 20),
            device.request(control.COUNT, 0),
            b"\x03",
            b"\x13",
            struct.pack("<BHQQI", 18, 3, 4000, UTC, 20),
        ):
            assert device.point.write(link, request) == bytes((6, request[0], control.NOT_ALLOWED))
            assert device.state() == before
        assert device.point.data(64) is None


def test_the_secret_makes_an_owner():
    device = Device()
    link = Link(True)
    challenge = device.point.write(link, b"\x10")
    assert challenge[:3] == bytes((6, 16, 1))
    ours = bytes(range(100, 116))
    answer = device.point.write(link, b"\x11" + ours + gateway_proof(SECRET, challenge[3:], ours))
    assert answer == bytes((6, 17, 1)) + device_proof(SECRET, challenge[3:], ours)
    assert link.owner
    assert device.point.write(link, device.request(control.COUNT, 0))[2] == control.SUCCESS


def test_wrong_old_and_reflected_proofs_make_none():
    device = Device()
    link = Link(True)
    ours = bytes(16)
    assert device.point.write(link, b"\x11" + bytes(48))[2] == control.NO_CHALLENGE
    nonce = device.point.write(link, b"\x10")[3:]
    assert device.point.write(link, b"\x11" + ours + gateway_proof(bytes(16), nonce, ours))[2] == control.WRONG_PROOF
    assert device.point.write(link, b"\x11" + ours + gateway_proof(SECRET, nonce, ours))[2] == control.NO_CHALLENGE
    nonce = device.point.write(link, b"\x10")[3:]
    assert device.point.write(link, b"\x11" + ours + device_proof(SECRET, nonce, ours))[2] == control.WRONG_PROOF
    assert device.point.write(Link(False), b"\x10")[2] == control.NOT_ALLOWED
    assert not link.owner
    assert link.wrong_proofs == 2


def test_hmac_vectors_of_rfc_4231():
    for key, message, digest in (
        (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            b"\xaa" * 131,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ):
        assert hexlify(hmac_sha256(key, message)) == digest.encode()
        assert equal(hmac_sha256(key, message), unhexlify(digest))


def test_a_proof_makes_do_with_little_memory():
    """A heap of 64 KiB that has been in use for days has no large pieces; CPython does not tell what is allocated."""
    if not hasattr(gc, "mem_alloc"):
        return
    hmac_sha256(SECRET, SECRET)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    hmac_sha256(SECRET, bytes(70))
    used = gc.mem_alloc() - before
    gc.enable()
    assert used < 1200
    assert not equal(b"ab", b"abc")
    assert not equal(b"abc", b"abd")


def test_an_anchor_is_taken_only_for_this_boot_and_a_tick_that_was():
    device = Device()
    assert device.point.write(OWNER, b"\x13") == struct.pack("<BBBHQ", 6, 19, 1, 3, 5000)
    for boot, tick, utc, code in (
        (3, 5001, UTC, control.INVALID_OPERAND),
        (2, 4000, UTC, control.INVALID_OPERAND),
        (3, 4000, 0, control.INVALID_OPERAND),
        (3, 4000, 1577836799999, control.INVALID_OPERAND),
        (3, 4000, 4102444800000, control.INVALID_OPERAND),
        (3, 5000, UTC, control.SUCCESS),
    ):
        assert device.point.write(OWNER, struct.pack("<BHQQI", 18, boot, tick, utc, 20)) == bytes((6, 18, code))
    assert device.anchors == [(3, 5000, UTC, 20)]
