"""A log of fixed-size records in a ring of flash blocks, which a power cut cannot break.

Works on MicroPython's extended block device (``readblocks(block, buf, offset)``, ``writeblocks(block, buf, offset)``
that does not erase, ``ioctl`` 4 = count, 5 = size, 6 = erase), so on ``esp32.Partition`` as on an external NOR flash.

One erase block is one page: a header, twice; a mark once the page is free; then slots of equal size, each a record and
its CRC. Every slot has a sequence number of its own for ever; a slot spoilt by a cut or by worn flash is *void*: its
number is never used again. Pages follow each other round the ring, so every block is erased equally often. The log
keeps no other state on flash, and nothing is ever rewritten: a mount finds the newest header and the end of its slots.
docs/edge-protocol.md has the layout byte by byte.
"""

import os
import struct
from array import array
from binascii import crc32

_MAGIC = b"SL"
_VERSION = 1
_HEADER = "<2sBBBBHIII"  # magic, version, layout, slot size, 0, boot, page number, first sequence, log id
_HEADER_BYTES = 24  # with its CRC-32
_MARK_AT = 2 * _HEADER_BYTES
_SLOTS_AT = _MARK_AT + 4
_CRC_BYTES = 3
_NONE = 0xFFFFFFFF  # no page in this block
_TRIES = 3  # slots given to one record before the flash is called broken
_EIO = 5


class LogFullError(Exception):
    """Every block holds records that nobody has acknowledged: nothing is overwritten."""


class _Page:
    """A page's header, and where in the ring it lies."""

    def __init__(self, block: int, fields: tuple, slots: int, freed: bool):
        _, _, self.layout, self.slot, _, self.boot, self.number, self.first, self.log_id = fields
        self.block = block
        self.slots = slots
        self.freed = freed
        self.end = self.first + slots  # of its sequences; a later page may begin before it


def _record_crc(sequence: int, record: bytes) -> int:
    return crc32(record, crc32(struct.pack("<I", sequence))) & 0xFFFFFF


def _mark(header: bytes) -> bytes:
    return struct.pack("<I", crc32(b"freed", crc32(header)))


class RingLog:
    """Append, read from a sequence, acknowledge up to a sequence.

    Parameters
    ----------
    device
        Block device with NOR semantics: erased bytes are 0xFF, each is written once between two erases.
    layout
        Number of the record layout (edge/common/records.py) of what will be appended, 0..255.
    record_size
        Bytes of one record, 1..252. Pages of other layouts and sizes, from older firmware, stay readable.
    boot
        Boot counter put into new page headers, 0..65535.

    Attributes
    ----------
    log_id
        Random number given when the log was made: a sequence means something only together with it.
    boot
        As given; goes into the headers of pages opened from now on.
    oldest, next
        First sequence that is not acknowledged; sequence of the next record. A record's first byte is never 0xFF.
    """

    def __init__(self, device: object, layout: int, record_size: int, boot: int):
        if not 1 <= record_size <= 252:
            raise ValueError("record size must be 1..252")
        self._device = device
        self._blocks = device.ioctl(4, 0)
        self._block_size = device.ioctl(5, 0)
        self._layout = layout
        self.boot = boot
        self._buffer = bytearray(record_size + _CRC_BYTES)
        self._first = array("I", b"\xff\xff\xff\xff" * self._blocks)  # _NONE
        self._reading = None
        self._mount()

    # -- what a user of the log calls ---------------------------------------------------------------------------

    @property
    def capacity(self) -> int:
        """Records that fit whatever has been acknowledged: a page freed in part counts as none."""
        return (self._blocks - 1) * self._slots(len(self._buffer))

    @property
    def last_boot(self) -> int:
        """Boot counter in the newest header, 0 in a new log: the least that earlier boots can have been."""
        return 0 if self._newest is None else self._newest.boot

    @property
    def pending(self) -> int:
        """Sequences not acknowledged yet: the records still to fetch, or a few more where slots are void."""
        return self.next - self.oldest

    def append(self, record: bytes) -> int:
        """Write one record; return its sequence once it has been read back from flash.

        Raises
        ------
        LogFullError
            Nothing is free; the record was not taken.
        OSError
            The flash does not hold what is written to it.
        ValueError
            Not a record of this log's size, or one that begins with 0xFF.
        """
        size = len(self._buffer) - _CRC_BYTES
        if len(record) != size or record[0] == 0xFF:
            raise ValueError("no record of this log")
        for _ in range(_TRIES):
            page = self._writing
            if page is None or self._used >= page.slots:
                page = self._open_page()
            sequence = self.next
            buffer = self._buffer
            buffer[:size] = record
            buffer[size:] = struct.pack("<I", _record_crc(sequence, record))[:_CRC_BYTES]
            offset = _SLOTS_AT + self._used * page.slot
            self._used += 1
            self.next = sequence + 1
            self._device.writeblocks(page.block, buffer, offset)
            if self._slot(page, sequence) == record:
                return sequence
        raise OSError(_EIO)

    def read(self, sequence: int) -> tuple:
        """First record at or after `sequence` that is neither acknowledged nor void.

        Returns
        -------
        (sequence, layout, record), or None behind the last.
        """
        sequence = max(sequence, self.oldest)
        while sequence < self.next:
            page = self._page_of(sequence)
            if page is None:
                return None
            sequence = max(sequence, page.first)
            record = self._slot(page, sequence)
            if record is not None:
                return sequence, page.layout, record
            sequence += 1
        return None

    def acknowledge(self, sequence: int) -> None:
        """Free every record up to and with `sequence`; whole pages are marked on flash, so a boot resends one at most.

        Raises ValueError where no such record has been written; an older acknowledgement again is no error.
        """
        if not 0 <= sequence < self.next:
            raise ValueError("no such sequence")
        if sequence < self.oldest:
            return
        self.oldest = sequence + 1
        marked = self._marked
        for block in range(self._blocks):
            if marked <= self._first[block] < self.oldest:
                page = self._header(block)
                if page is not None and self._end(page) <= self.oldest:
                    self._free(page)
                    self._marked = max(self._marked, self._end(page))

    def erase(self) -> None:
        """Forget everything (factory reset) and begin a new log with another id."""
        for block in range(self._blocks):
            self._device.ioctl(6, block)
            self._first[block] = _NONE
        self._reading = None
        self._mount()

    # -- finding the log ----------------------------------------------------------------------------------------

    def _mount(self) -> None:
        newest = None
        lowest = _NONE
        freed = None
        for block in range(self._blocks):
            page = self._header(block)
            self._first[block] = _NONE if page is None else page.first
            if page is None:
                continue
            if newest is None or page.number > newest.number:
                newest = page
            lowest = min(lowest, page.first)
            if page.freed and (freed is None or page.number > freed.number):
                freed = page
        self._newest = newest
        self._writing = None
        self._used = 0
        if newest is None:
            self.log_id = struct.unpack("<I", os.urandom(4))[0]
            self.oldest = self.next = self._marked = 0
            return
        self.log_id = newest.log_id
        self._used = self._used_slots(newest)
        self.next = newest.first + self._used
        self.oldest = self._marked = min(lowest if freed is None else self._end(freed), self.next)
        if newest.layout == self._layout and newest.slot == len(self._buffer):
            self._writing = newest

    def _header(self, block: int) -> _Page:
        raw = bytearray(_SLOTS_AT)
        self._device.readblocks(block, raw, 0)
        for at in (0, _HEADER_BYTES):
            header = bytes(raw[at : at + _HEADER_BYTES - 4])
            if header[:2] != _MAGIC or crc32(header) != struct.unpack_from("<I", raw, at + _HEADER_BYTES - 4)[0]:
                continue
            fields = struct.unpack(_HEADER, header)
            if fields[1] == _VERSION and fields[3] > _CRC_BYTES:
                return _Page(block, fields, self._slots(fields[3]), raw[_MARK_AT:] == _mark(header))
        return None

    def _slots(self, size: int) -> int:
        return (self._block_size - _SLOTS_AT) // size

    def _used_slots(self, page: _Page) -> int:
        """Slots up to the last that is not blank."""
        slot = bytearray(page.slot)
        blank = b"\xff" * page.slot
        for used in range(page.slots, 0, -1):
            self._device.readblocks(page.block, slot, _SLOTS_AT + (used - 1) * page.slot)
            if slot != blank:
                return used
        return 0

    # -- pages --------------------------------------------------------------------------------------------------

    def _open_page(self) -> _Page:
        """Erase the next block of the ring that nothing needs, and write a header that verifies."""
        newest = self._newest
        block = -1 if newest is None else newest.block
        number = 0 if newest is None else newest.number + 1
        for _ in range(self._blocks):
            block = (block + 1) % self._blocks
            old = self._header(block)
            if old is not None and self._end(old) > self.oldest:
                break
            self._reading = None
            self._first[block] = _NONE
            self._device.ioctl(6, block)
            header = struct.pack(
                _HEADER,
                _MAGIC,
                _VERSION,
                self._layout,
                len(self._buffer),
                0,
                self.boot,
                number,
                self.next,
                self.log_id,
            )
            header += struct.pack("<I", crc32(header))
            self._device.writeblocks(block, header + header, 0)
            page = self._header(block)
            if page is not None and page.number == number:
                self._newest = self._writing = page
                self._first[block] = page.first
                self._used = 0
                return page
        raise LogFullError()

    def _free(self, page: _Page) -> None:
        header = bytearray(_HEADER_BYTES - 4)
        fields = (_MAGIC, _VERSION, page.layout, page.slot, 0, page.boot, page.number, page.first, page.log_id)
        struct.pack_into(_HEADER, header, 0, *fields)
        self._device.writeblocks(page.block, _mark(header), _MARK_AT)

    def _end(self, page: _Page) -> int:
        """Sequence after the last that this page holds or will hold."""
        after = page.end
        for first in self._first:
            if page.first < first < after:
                after = first
        return after

    def _page_of(self, sequence: int) -> _Page:
        """The page that holds the sequence, or the first one after it."""
        page = self._reading
        if page is not None and page.first <= sequence < page.end:
            return page
        at, after = -1, -1
        for block in range(self._blocks):
            first = self._first[block]
            if first <= sequence:
                if at < 0 or first >= self._first[at]:
                    at = block
            elif first != _NONE and (after < 0 or first < self._first[after]):
                after = block
        for block in (at, after):
            page = None if block < 0 else self._header(block)
            if page is not None:
                page.end = self._end(page)
                if sequence < page.end:
                    self._reading = page
                    return page
        return None

    def _slot(self, page: _Page, sequence: int) -> bytes:
        slot = bytearray(page.slot)
        self._device.readblocks(page.block, slot, _SLOTS_AT + (sequence - page.first) * page.slot)
        record = bytes(slot[:-_CRC_BYTES])
        crc = slot[-3] | slot[-2] << 8 | slot[-1] << 16
        return record if record[0] != 0xFF and crc == _record_crc(sequence, record) else None
