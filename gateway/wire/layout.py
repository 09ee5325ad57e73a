"""The quick way to read a batch: most differ from one before of their session in seq, time and samples alone.

The bytes around those are then the same as before, checked already, and are compared, not parsed. What is read so is
byte for byte what `codec.encode_batch` makes of the batch that it gives; anything else is the decoder's.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, Final, NamedTuple

import cbor2
import msgspec
import numpy as np
from msgspec.structs import force_setattr

from gateway.wire.messages import MAX_COUNT, Array, Batch

MAX_SESSIONS: Final = 8192
"""Sessions whose layouts are kept; beyond, all are learned anew."""

MAX_LAYOUTS: Final = 4
"""Layouts of a session that are kept, some 1 kB each: a live flush has a sample more or less."""

_SEQ: Final = cbor2.dumps("seq")
_TIME: Final = cbor2.dumps("last") + cbor2.dumps(False) + cbor2.dumps("t0_ms") + b"\x1b"
"""From `seq` to the time, an integer of 8 bytes since the 50th day of 1970."""

_TIME_BYTES: Final = 8
_TAG_BYTES: Final = 2
_WIDTHS: Final = {0x18: 1, 0x19: 2, 0x1A: 4}


class _Column(NamedTuple):
    before: bytes
    name: str
    dtype: np.dtype[Any]
    size: int
    nbytes: int


class _Layout(msgspec.Struct, frozen=True, gc=False):
    like: Batch
    """What was checked when it was learned; all but seq, time and samples hold for those laid out alike."""

    columns: tuple[_Column, ...]
    after: bytes

    def read_columns(self, data: bytes, at: int) -> tuple[Mapping[str, Array], int] | None:
        """The columns, without a copy, and where the batch ends; None if they are not laid out so."""
        columns = {}
        for before, name, dtype, size, nbytes in self.columns:
            if not data.startswith(before, at):
                return None
            at += len(before)
            if at + nbytes > len(data):
                return None
            columns[name] = np.frombuffer(data, dtype, size, at)
            at += nbytes
        return (columns, at + len(self.after)) if data.startswith(self.after, at) else None


class Layouts:
    """Layouts by the bytes before the value of `seq`, which name the session. For any thread."""

    def __init__(self) -> None:
        self._known: dict[bytes, list[_Layout]] = {}

    def read(self, data: bytes, start: int) -> tuple[Batch, int] | None:
        """The batch that begins at `start`, and where it ends; None if it is not laid out as one learned before."""
        at = data.find(_SEQ, start) + len(_SEQ)
        layouts = self._known.get(data[start:at])
        if layouts is None:
            return None
        seq, at = _number(data, at)
        if seq < 0 or not data.startswith(_TIME, at):
            return None
        at += len(_TIME) + _TIME_BYTES
        t0_ms = int.from_bytes(data[at - _TIME_BYTES : at], "big")
        if not 1 << 32 <= t0_ms < 1 << 43:
            return None
        for one in layouts:
            found = one.read_columns(data, at)
            if found is not None:
                # A copy is not checked anew, which took longer than the rest: types and sizes are the layout's, and the
                # two numbers have been looked at above.
                batch = copy(one.like)
                force_setattr(batch, "seq", seq)
                force_setattr(batch, "t0_ms", t0_ms)
                force_setattr(batch, "columns", found[0])
                return batch, found[1]
        return None

    def learn(self, batch: Batch, data: bytes) -> None:
        """Note how a batch is laid out, `data` being what `encode_batch` makes of it."""
        head = data.find(_SEQ) + len(_SEQ)
        at = head + len(cbor2.dumps(batch.seq))
        if not data.startswith(_TIME, at):
            return
        at += len(_TIME) + _TIME_BYTES
        key_bytes = len(cbor2.dumps("columns")) + 1  # 1: the number of columns
        columns = []
        for name, column in batch.columns.items():
            text = cbor2.dumps(column.tobytes())
            begin = at + key_bytes + len(cbor2.dumps(name)) + _TAG_BYTES + len(text) - column.nbytes
            columns.append(_Column(data[at:begin], name, column.dtype, column.size, column.nbytes))
            at, key_bytes = begin + column.nbytes, 0
        if len(self._known) >= MAX_SESSIONS:
            self._known.clear()
        layouts = self._known.setdefault(data[:head], [])
        layouts.insert(
            0,
            _Layout(_without_samples(batch), tuple(columns), data[at:]),
        )
        del layouts[MAX_LAYOUTS:]


def _without_samples(batch: Batch) -> Batch:
    like = copy(batch)
    force_setattr(like, "columns", {})  # they are views of a message, which would be kept with them
    return like


def worth_learning(batch: Batch) -> bool:
    """Whether others of its session may be laid out alike: those that say the device's tick, or each time, are not."""
    return batch.dt_ms is not None and batch.clock.tick0 is None


def _number(data: bytes, at: int) -> tuple[int, int]:
    """An integer of 0 to `MAX_COUNT` - 1 in its shortest form, and where it ends; -1 if it is none."""
    first = data[at] if at < len(data) else 0xFF
    if first < 24:
        return first, at + 1
    width = _WIDTHS.get(first)
    if width is None:
        return -1, at
    end = at + 1 + width
    value = int.from_bytes(data[at + 1 : end], "big")
    least = 24 if width == 1 else 1 << 4 * width
    return (value if least <= value < MAX_COUNT else -1), end
