"""A year of wear, run by MicroPython: `micropython year.py FOLDER DAYS REBOOTS SEED`. Prints one JSON object.

The firmware's own device, recorder, log and control point run on a fake board: its clock is the simulation's, drifts
and wraps, its flash is a file in FOLDER that can be cut within a write. The accelerometer tells the true time, as three
digits in base 1023, so that every record says when it was really taken. A gateway comes by about once a day.
"""

import gc
import json
import math
import random
import struct
import sys
from binascii import crc32

from edge.common import control
from edge.common.clock import Anchors
from edge.common.control import ControlPoint, Link
from edge.common.device import Device
from edge.common.records import WEAR, WEAR_BYTES, unpack_wear
from edge.common.store import Store
from edge.mad_recorder.recorder import Recorder
from tests.integration.edge.file_flash import FileFlash, PowerCutError

UTC0 = 1_760_000_000_000
DAY = 86_400_000
BASE = 1023


class Board:
    """The recorder's board in a mouth that is asleep from 23 to 6."""

    def __init__(self, flash):
        self.flash = flash
        self.true_ms = 0
        self.raw = 0.0
        self.rate = 1.0

    def power_on(self):
        self.raw = float(random.randrange(1 << 30))

    def sleep(self, ticks_ms):
        """Drift goes with the temperature, about a rate of this boot's own, within 100 ppm."""
        temperature = self.temperature()
        rate = self.rate - 0.03e-6 * (temperature - 28) ** 2
        self.true_ms += int(ticks_ms / rate)
        self.raw += ticks_ms

    def ticks(self):
        return int(self.raw) & 0x3FFFFFFF

    def temperature(self):
        hour = self.true_ms % DAY / 3_600_000
        if hour >= 23:
            return 36.2 - 14 * math.exp(-(hour - 23) * 12)
        if hour < 6:
            return 36.2 + 0.3 * math.sin(hour)
        return 22.2 + 14 * math.exp(-(hour - 6) * 9)

    def acceleration(self):
        code = self.true_ms // 100
        return [tuple(4 * (code // BASE**axis % BASE - 511) for axis in range(3))]

    def in_case(self):
        return 7 <= self.true_ms % DAY / 3_600_000 < 22.5

    def battery_pct(self):
        return 80


class Gateway:
    """Pulls from its own last sequence, dates, commits, acknowledges."""

    def __init__(self):
        self.next = 0
        self.link = Link(True, True)
        self.anchors = Anchors()
        self.fresh = []  # anchors' true distance from each other
        self.crc = 0
        self.received = self.dated = self.between = self.undated = 0
        self.worst_ms = 0
        self.carried = self.payload = 0

    def contact(self, device, point, board):
        answer = point.write(self.link, bytes((control.TIME,)))
        boot, tick = struct.unpack("<HQ", answer[3:])
        utc = UTC0 + board.true_ms + random.randrange(-20, 21)
        assert point.write(self.link, struct.pack("<BHQQI", control.ANCHOR, boot, tick, utc, 20))[2] == control.SUCCESS
        self.anchors.add(boot, tick, utc, 20)
        request = struct.pack("<BIIB", control.REPORT, device.log.log_id, self.next, control.UNTIL_END)
        answer = point.write(self.link, request)
        received = 0
        while answer is None:
            frame = point.data(244)
            if frame is None:
                answer = point.finished()
                break
            if random.random() < 0.002:  # the link breaks: this frame is lost, the next contact asks again
                point.disconnected()
                break
            received += self.take(frame)
        if answer is not None and answer[2] == control.SUCCESS:
            assert struct.unpack("<I", answer[7:])[0] == received
        if self.next > device.log.oldest:
            request = struct.pack("<BII", control.ACKNOWLEDGE, device.log.log_id, self.next - 1)
            assert point.write(self.link, request)[2] == control.SUCCESS
        return answer is not None

    def take(self, frame):
        layout, first = struct.unpack("<BI", frame[:5])
        assert layout == WEAR
        assert first >= self.next
        count = (len(frame) - 5) // WEAR_BYTES
        for index in range(count):
            record = frame[5 + index * WEAR_BYTES : 5 + (index + 1) * WEAR_BYTES]
            self.crc = crc32(record, self.crc)
            self.date(record)
        self.next = first + count
        self.received += count
        self.payload += len(frame) - 5
        self.carried += len(frame) + 3
        return count

    def date(self, record):
        boot, tick_ms, _, acceleration, _, _ = unpack_wear(record)
        true_ms = 100 * sum([(value // 4 + 511) * BASE**axis for axis, value in enumerate(acceleration)])
        found = self.anchors.date(boot, tick_ms)
        if found is None:
            self.undated += 1
            return
        error = abs(found[0] - UTC0 - true_ms)
        ticks = [entry[1] for entry in self.anchors.entries if entry[0] == boot]
        before = [tick for tick in ticks if tick <= tick_ms]
        after = [tick for tick in ticks if tick > tick_ms]
        if before and after and after[0] - before[-1] <= 25 * 3_600_000:
            self.between += 1
            self.worst_ms = max(self.worst_ms, error)
            assert error <= 2000, error
        else:
            assert error <= found[1] + 200, (error, found[1])  # 0.1 s of the record's truth, 1/16 s of its tick
        self.dated += 1


def confirming(append, written):
    """An append that notes what was confirmed to the sampling loop."""

    def confirm(record):
        sequence = append(record)
        written.append(record)
        return sequence

    return confirm


def main(folder, days, reboots, seed):
    random.seed(seed)
    flash = FileFlash(folder + "/log", 256)
    board = Board(flash)
    gateway = Gateway()
    crc = kept = cuts = boots = longest = 0
    end_ms = days * DAY
    contact_ms = 7 * 3_600_000
    for number in range(reboots + 1):
        power_off = end_ms * number // reboots + random.randrange(end_ms // reboots) if number < reboots else end_ms
        flash.cut_in = 0
        board.power_on()
        device = recorder = point = written = None  # what was in memory is gone
        gc.collect()
        board.rate = 1 + random.uniform(-90e-6, 90e-6)
        device = Device(board, Store(folder + "/settings"), 1, WEAR, WEAR_BYTES, "mad", "MAD")
        recorder = Recorder(board, device)
        boots += 1
        point = ControlPoint(device.log, bytes(16), device.now, device.add_anchor)
        written = []
        device.log.append = confirming(device.log.append, written)
        try:
            while board.true_ms < power_off:
                rest = recorder.step()
                for record in written:
                    crc = crc32(record, crc)
                    kept += 1
                written.clear()
                if board.true_ms >= contact_ms:
                    if gateway.contact(device, point, board):
                        longest = max(longest, board.true_ms - contact_ms)
                        contact_ms += DAY
                        if random.random() < 0.05:  # a gateway that is away for some days
                            contact_ms += 4 * DAY
                    else:
                        contact_ms += 60_000
                        while contact_ms < board.true_ms:
                            contact_ms += 60_000
                if not flash.cut_in and power_off - 3_600_000 < board.true_ms and power_off < end_ms:
                    flash.cut_in = random.randrange(1, 30)
                board.sleep(rest)
        except PowerCutError:
            cuts += 1
        assert not device.refused
        board.sleep(random.randrange(1, 120_000))
    flash.cut_in = 0
    while not gateway.contact(device, point, board):
        pass
    print(
        json.dumps(
            {
                "kept": kept,
                "received": gateway.received,
                "same_bytes_in_order": crc == gateway.crc,
                "pending": device.log.pending,
                "boots": boots,
                "cuts": cuts,
                "dated": gateway.dated,
                "between_anchors": gateway.between,
                "worst_between_ms": gateway.worst_ms,
                "undated": gateway.undated,
                "erases": flash.erases,
                "payload_pct": 100 * gateway.payload / gateway.carried,
                "heap_bytes": gc.mem_alloc() + gc.mem_free(),
            }
        )
    )


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
