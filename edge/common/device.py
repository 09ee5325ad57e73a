"""What both devices share: identity, boots, time, the log, anchors, status, factory reset."""

import os
import struct

from edge.common.clock import Anchors, Ticks
from edge.common.records import CLOCK_LOST, MEMORY_FAULT
from edge.common.ringlog import LogFullError, RingLog

PROTOCOL = 1
FIRMWARE = (1, 0, 0)
SECRET_BYTES = 16
_ANCHOR = "<HQQI"
_ANCHOR_BYTES = 22


class Device:
    """One powered device.

    Parameters
    ----------
    board
        Has `flash` (block device of the log), `ticks()` (raw milliseconds) and `battery_pct()` (255: unknown).
    store
        `edge.common.store.Store`.
    kind, layout, record_size
        Number of the device in the information characteristic, and of its records.
    name, model
        Text for the radio.
    awake
        (boot, raw tick, elapsed ms) kept over a deep sleep: waking is no boot. None: power has come, a new boot.
    """

    def __init__(self, board, store, kind: int, layout: int, record_size: int, name: str, model: str, awake=None):
        self._board = board
        self._store = store
        self._shape = kind, layout, record_size
        self.name = name
        self.model = model
        self.firmware = ".".join(str(part) for part in FIRMWARE)
        self.faults = 0
        self.refused = 0
        self.log = RingLog(board.flash, layout, record_size, 0)
        if store.get(b"reset") is not None:
            self.factory_reset()
        if awake is None:
            last = struct.unpack("<H", store.get(b"boot") or b"\0\0")[0]
            self.boot = (max(last, self.log.last_boot) + 1) & 0xFFFF
            store.put(b"boot", struct.pack("<H", self.boot))
            self._ticks = Ticks(board.ticks())
        else:
            self.boot, raw, elapsed = awake
            self._ticks = Ticks(raw, elapsed)
        self.log.boot = self.boot
        raw = store.get(b"anchors") or b""
        self.anchors = Anchors([struct.unpack_from(_ANCHOR, raw, at) for at in range(0, len(raw), _ANCHOR_BYTES)])

    def now(self) -> tuple:
        """(boot, milliseconds since that boot)."""
        return self.boot, self._ticks.update(self._board.ticks())

    def awake(self) -> tuple:
        """What has to outlast a deep sleep."""
        self.now()
        return self.boot, self._ticks.raw, self._ticks.elapsed_ms

    def secret(self) -> bytes:
        """The enrolment secret: put there at production, or made at the first boot for the label to be printed."""
        secret = self._store.get(b"secret")
        if secret is None:
            secret = os.urandom(SECRET_BYTES)
            self._store.put(b"secret", secret)
        return secret

    def keep(self, record: bytes) -> bool:
        """Append a record; False, counted and shown as a fault, where the log refuses it."""
        try:
            self.log.append(record)
        except (LogFullError, OSError):
            self.refused += 1
            self.faults |= MEMORY_FAULT
            return False
        self.faults &= ~MEMORY_FAULT
        return True

    def add_anchor(self, boot: int, tick_ms: int, utc_ms: int, uncertainty_ms: int) -> None:
        """Keep an anchor that an owner has written."""
        self.anchors.add(boot, tick_ms, utc_ms, uncertainty_ms)
        entries = self.anchors.entries
        packed = bytearray(_ANCHOR_BYTES * len(entries))  # one piece: joining would make a dozen
        for index in range(len(entries)):
            struct.pack_into(_ANCHOR, packed, _ANCHOR_BYTES * index, *entries[index])
        self._store.put(b"anchors", packed)

    def flags(self) -> int:
        """Faults, and whether this boot still lacks an anchor."""
        return self.faults | (0 if self.anchors.has(self.boot) else CLOCK_LOST)

    def factory_reset(self) -> None:
        """Forget records, bonds, owners and anchors; a cut on the way is made good at the next boot."""
        self._store.put(b"reset", b"1")
        self.log.erase()
        self._store.clear((b"secret", b"boot"))
        self.anchors = Anchors()

    # -- bytes of the characteristics ---------------------------------------------------------------------------

    def information(self) -> bytes:
        """Protocol, device, layout, record size, log id, firmware version."""
        return struct.pack("<BBBBI", PROTOCOL, *self._shape, self.log.log_id) + bytes(FIRMWARE)

    def status(self) -> bytes:
        """Boot, oldest and next sequence, battery, faults, refused records."""
        log = self.log
        return struct.pack("<HIIBBI", self.boot, log.oldest, log.next, self.battery_pct(), self.flags(), self.refused)

    def clock(self) -> bytes:
        """Boot and tick of now."""
        return struct.pack("<HQ", *self.now())

    def battery_pct(self) -> int:
        """0..100, or 255 where unknown."""
        return self._board.battery_pct()
