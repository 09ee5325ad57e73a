"""The GATT server: who may what, pacing, and order, against a stack with MicroPython's interface and few buffers.

The stack here stands in for `bluetooth.BLE` alone; nothing of pairing, link or air is tried by it.
"""

import struct

from edge.common import control
from edge.common.bonds import Bonds
from edge.common.control import ControlPoint
from edge.common.device import Device
from edge.common.enrolment import gateway_proof
from edge.common.gatt import BURST, MOST_EVENTS, PREFERRED_MTU, GattServer, advertisement
from edge.common.records import WEAR, WEAR_BYTES, pack_wear, unpack_wear
from tests.unit.edge.flash import NorFlash

PEER = b"\x01\x02\x03\x04\x05\x06"
OTHER = b"\x09\x02\x03\x04\x05\x06"
SECRET = bytes(range(16))


class Stack:
    """What MicroPython's BLE object does, as far as the server asks it."""

    def __init__(self):
        self.values = {}
        self.buffers = {}
        self.flags = {}
        self.settings = {}
        self.free = 12
        self.notified = []
        self.indicated = []
        self.dropped = []
        self.advertised = []
        self.irq_handler = None

    def active(self, on):
        assert on

    def config(self, **settings):
        self.settings.update(settings)

    def irq(self, handler):
        self.irq_handler = handler

    def gatts_register_services(self, services):
        handles = []
        number = 10
        for _, characteristics in services:
            row = []
            for uuid, flags in characteristics:
                number += 3
                self.flags[number] = (uuid, flags)
                self.values[number] = b""
                row.append(number)
            handles.append(tuple(row))
        return tuple(handles)

    def gatts_set_buffer(self, handle, size):
        self.buffers[handle] = size

    def gatts_write(self, handle, value, update=False):
        self.values[handle] = bytes(value)

    def gatts_read(self, handle):
        return self.values[handle]

    def gatts_notify(self, connection, handle, data):
        if not self.free:
            raise OSError(12)
        self.free -= 1
        self.notified.append((connection, bytes(data)))

    def gatts_indicate(self, connection, handle, data):
        self.indicated.append((connection, bytes(data)))

    def gap_disconnect(self, connection):
        self.dropped.append(connection)

    def gap_advertise(self, interval, adv_data=None, resp_data=None):
        self.advertised.append(interval)


class Memory:
    """Settings without a file."""

    def __init__(self):
        self.entries = {b"secret": SECRET}

    def get(self, key):
        return self.entries.get(key)

    def put(self, key, value):
        self.put_all({key: value})

    def put_all(self, changes):
        for key in changes:
            self.entries[key] = changes[key]
        self.entries = {key: self.entries[key] for key in self.entries if self.entries[key] is not None}

    def keys(self, prefix):
        return sorted(key for key in self.entries if key.startswith(prefix))


class Board:
    def __init__(self):
        self.flash = NorFlash(8, 1024)
        self.raw = 0

    def ticks(self):
        return self.raw

    def battery_pct(self):
        return 77


class Bench:
    def __init__(self, records=200):
        self.memory = Memory()
        self.device = Device(Board(), self.memory, 1, WEAR, WEAR_BYTES, "somnolink-mad", "MAD recorder")
        for number in range(records):
            self.device.keep(pack_wear(1, 1000 * number, 20.0, (0, 0, 1000), 0, 0))
        self.point = ControlPoint(self.device.log, self.device.secret(), self.device.now, self.device.add_anchor)
        self.stack = Stack()
        self.bonds = Bonds(self.memory)
        self.server = GattServer(self.stack, str, self.point, self.bonds, self.device)
        by_uuid = {entry[0][4:8]: handle for handle, entry in self.stack.flags.items() if "-" in entry[0]}
        self.information, self.status, self.clock, self.requests, _ = [by_uuid["000" + digit] for digit in "23456"]

    def event(self, number, *data):
        return self.stack.irq_handler(number, data)

    def connect(self, address=PEER, connection=1, mtu=PREFERRED_MTU):
        self.event(1, connection, 0, memoryview(address))
        self.event(21, connection, mtu)
        self.server.pump()

    def pair(self, key=b"ltk", connection=1, bonded=True):
        kept = self.event(30, 2, memoryview(b"peer"), memoryview(key))
        self.event(28, connection, True, False, bonded, 16)
        self.server.pump()
        return kept

    def request(self, request, connection=1):
        self.stack.values[self.requests] = request[: self.stack.buffers[self.requests]]
        self.event(3, connection, self.requests)
        self.server.pump()

    def response(self):
        self.event(20, 1, self.requests, 0)
        self.server.pump()
        return self.stack.indicated[-1][1]

    def prove(self, secret=SECRET):
        self.request(b"\x10")
        nonce = self.response()[3:]
        self.request(b"\x11" + bytes(16) + gateway_proof(secret, nonce, bytes(16)))
        return self.response()

    def own(self):
        self.connect()
        self.server.pairing = True
        assert self.pair()
        assert self.prove()[2] == control.SUCCESS
        self.server.pairing = False

    def report(self, first=0):
        self.request(struct.pack("<BIIB", control.REPORT, self.device.log.log_id, first, 0))


def test_services_ask_for_encryption_and_see_over_length():
    bench = Bench()
    for handle in (bench.information, bench.status, bench.clock):
        assert bench.stack.flags[handle][1] & 0x0200
    assert bench.stack.flags[bench.requests][1] & 0x1000
    assert bench.stack.buffers[bench.requests] > control.LONGEST_WRITE
    assert bench.stack.settings["bond"]
    assert bench.stack.settings["le_secure"]
    assert len(advertisement()) <= 31
    assert advertisement()[17:21] == b"\x01\x00\xa6\xe2"


def test_an_owner_gets_every_record_and_is_known_again():
    bench = Bench()
    bench.own()
    for contact in range(2):
        bench.stack.notified = []
        bench.report()
        while bench.server.busy:
            bench.stack.free = 12
            bench.server.pump()
        ticks = []
        for connection, frame in bench.stack.notified:
            assert connection == 1
            assert len(frame) <= PREFERRED_MTU - 3
            ticks += [unpack_wear(frame[at : at + WEAR_BYTES])[1] for at in range(5, len(frame), WEAR_BYTES)]
        assert ticks == [1000 * number for number in range(200)]
        assert struct.unpack("<II", bench.response()[3:]) == (200, 200)
        bench.event(2, 1, 0, PEER)
        bench.server.pump()
        bench.connect()
        assert bench.pair(), contact  # the same bond, the window closed
    assert bench.stack.dropped == []


def test_notifications_are_paced_and_none_is_lost_without_buffers():
    bench = Bench()
    bench.own()
    bench.stack.free = 100
    bench.report()
    assert len(bench.stack.notified) == BURST
    bench.stack.free = 0
    for _ in range(5):
        bench.server.pump()
    assert len(bench.stack.notified) == BURST
    while bench.server.busy:
        bench.stack.free = 1
        bench.server.pump()
    firsts = [struct.unpack("<I", frame[1:5])[0] for _, frame in bench.stack.notified]
    assert firsts == list(range(0, 200, 17))
    assert struct.unpack("<II", bench.response()[3:]) == (200, 200)


def test_values_are_there_for_an_owner_only():
    bench = Bench()
    hidden = (bench.information, bench.status, bench.clock)
    bench.connect()
    bench.server.pairing = True
    bench.pair()
    bench.event(4, 1, bench.clock)
    assert [bench.stack.values[handle] for handle in hidden] == [b""] * 3
    assert bench.prove()[2] == control.SUCCESS
    bench.server.pump()
    assert bench.stack.values[bench.information] == bench.device.information()
    assert bench.stack.values[bench.status] == struct.pack("<HIIBBI", 1, 0, 200, 77, 8, 0)
    bench.device._board.raw = 12345
    bench.event(4, 1, bench.clock)
    assert struct.unpack("<HQ", bench.stack.values[bench.clock]) == (1, 12345)
    bench.event(2, 1, 0, PEER)
    bench.server.pump()
    assert [bench.stack.values[handle] for handle in hidden] == [b""] * 3


def test_a_stranger_is_dropped_outside_the_pairing_window():
    bench = Bench()
    bench.connect()
    assert not bench.pair()
    assert bench.stack.dropped == [1]
    bench.report()
    assert bench.stack.notified == []
    assert bench.response()[2] == control.NOT_ALLOWED
    assert sorted(bench.memory.entries) == [b"boot", b"secret"]


def test_a_link_that_is_encrypted_without_a_bond_is_dropped():
    bench = Bench()
    bench.connect()
    bench.server.pairing = True
    bench.pair(bonded=False)
    assert bench.stack.dropped == [1]
    assert bench.device.log.oldest == 0


def test_an_owners_address_on_a_new_bond_proves_nothing():
    bench = Bench()
    bench.own()
    bench.event(2, 1, 0, PEER)
    bench.server.pump()
    bench.connect()
    bench.server.pairing = True
    assert bench.pair(key=b"another ltk")
    bench.report()
    assert bench.response()[2] == control.NOT_ALLOWED
    assert bench.stack.notified == []


def test_guessing_the_secret_ends_the_link():
    bench = Bench()
    bench.connect()
    bench.server.pairing = True
    bench.pair()
    for _ in range(control.WRONG_PROOFS):
        assert bench.stack.dropped == []
        bench.prove(bytes(16))
    assert bench.stack.dropped == [1]


def test_over_length_is_answered_and_changes_nothing():
    bench = Bench()
    bench.own()
    before = bytes(bench.device.log._device.cells)
    acknowledge = struct.pack("<BII", control.ACKNOWLEDGE, bench.device.log.log_id, 199)
    bench.request(acknowledge + bytes(300))
    assert bench.response() == bytes((6, control.ACKNOWLEDGE, control.INVALID_OPERAND))
    assert bytes(bench.device.log._device.cells) == before
    bench.request(acknowledge)
    assert bench.response()[2] == control.SUCCESS
    assert bench.device.log.pending == 0


def test_one_connection_at_a_time_and_events_of_others_are_ignored():
    bench = Bench()
    bench.own()
    bench.connect(OTHER, 2)
    assert bench.stack.dropped == [2]
    bench.report()
    sent = len(bench.stack.notified)
    bench.event(2, 2, 0, OTHER)
    bench.server.pump()
    assert bench.server.connected
    assert len(bench.stack.notified) > sent


def test_a_flood_of_writes_ends_the_link_and_stays_bounded():
    bench = Bench()
    bench.own()
    bench.stack.values[bench.requests] = b"\x13"
    for _ in range(10 * MOST_EVENTS):
        bench.event(3, 1, bench.requests)
    assert len(bench.server._events) <= MOST_EVENTS
    bench.server.pump()
    assert bench.stack.dropped == [1]


def test_a_disconnection_in_the_middle_frees_nothing_and_it_is_found_again():
    bench = Bench()
    bench.server.advertise(250)
    assert bench.stack.advertised == [250_000]
    bench.own()
    bench.report()
    bench.event(2, 1, 0, PEER)
    bench.server.pump()
    sent = len(bench.stack.notified)
    bench.server.pump()
    assert len(bench.stack.notified) == sent
    assert bench.device.log.oldest == 0
    assert bench.stack.advertised == [250_000, 250_000]
    bench.server.advertise(0)
    assert bench.stack.advertised[-1] is None
