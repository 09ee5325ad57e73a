"""Sessions that a Nonin 3150 plays back from its memory.

The stream is made of triplets (a, b, a + b mod 256). A session begins with FE FD, then interval and format, then
current, stop and start time in three triplets each: (month, day), (year, minute), (second, hour). Samples follow, as
(pulse, SpO2), from start to stop inclusive. Behind the last session come six triplets of zeros (which no sample is: a
missing value is 255); a public gateway for the WristOx2 waits for them too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.errors import ProtocolError

INTERVALS_S: Final = (1, 2, 4)
MAX_BYTES: Final = 4 << 20
"""The memory holds about 990,000 samples (274 h at 1 s), 3 bytes each."""

END: Final = bytes(18)
"""The end of a playback."""

_END_PAIRS: Final = len(END) // 3 * 2
_HEADER: Final = 11
_MARK: Final = 0xFE << 8 | 0xFD
_NONE: Final = 255
_LINEAR: Final = 200  # beats a minute; above it two beats a step


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """One recording.

    Attributes
    ----------
    played : datetime
        The oximeter's clock (naive local) when it played the session back: an anchor.
    start, stop : datetime
        Naive local times of the first and the last sample.
    interval_s : int
        Seconds between samples.
    spo2_pct, pulse_bpm : array of float32, shape (n,)
        NaN where the oximeter had no value.
    expected : int
        Number of samples that start, stop and interval promise.
    """

    played: datetime
    start: datetime
    stop: datetime
    interval_s: int
    spo2_pct: NDArray[np.float32]
    pulse_bpm: NDArray[np.float32]
    expected: int

    @property
    def complete(self) -> bool:
        """True where as many samples arrived as promised. Else some are missing, nobody knows where: pull again."""
        return self.spo2_pct.size == self.expected


class MemoryPlayback:
    """Collects the triplets of a playback out of notifications of any size.

    Where a triplet's sum is wrong a byte is skipped, until sums are right again.

    Attributes
    ----------
    discarded : int
        Bytes skipped so far.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._pairs: list[NDArray[np.uint8]] = []
        self._collected = 0
        self.discarded = 0

    def feed(self, piece: bytes | bytearray | memoryview) -> None:
        """Take the next piece. Raises `ProtocolError` where more comes than a memory can hold."""
        if self.received + len(piece) > MAX_BYTES:
            raise ProtocolError(f"a playback of more than {MAX_BYTES} bytes")
        self._buffer += piece
        if len(self._buffer) < 3:
            return
        data = np.frombuffer(bytes(self._buffer), np.uint8)
        right = data[:-2] + data[1:-1] == data[2:]  # for a triplet that begins at each byte
        wrong = [np.flatnonzero(~right[phase::3]) * 3 + phase for phase in range(3)]
        at = 0
        while at < right.size:
            next_wrong = wrong[at % 3][np.searchsorted(wrong[at % 3], at) :]
            end = int(next_wrong[0]) if next_wrong.size else at + (data.size - at) // 3 * 3
            if end > at:
                self._pairs.append(data[at:end].reshape(-1, 3)[:, :2])
                self._collected += end - at
            if next_wrong.size:
                self.discarded += 1
                end += 1
            at = end
        del self._buffer[:at]

    @property
    def received(self) -> int:
        """Bytes that have arrived."""
        return self._collected + self.discarded + len(self._buffer)

    @property
    def ended(self) -> bool:
        """Whether what has arrived ends with the mark of the end."""
        tail = b""
        for pairs in reversed(self._pairs):
            tail = pairs.tobytes() + tail
            if len(tail) >= _END_PAIRS:
                break
        return tail[-_END_PAIRS:] == bytes(_END_PAIRS)

    def sessions(self) -> tuple[Session, ...]:
        """The sessions in what has arrived so far, in the order played; the last may still be incomplete."""
        if not self._pairs:
            return ()
        pairs = np.concatenate(self._pairs)
        self._pairs = [pairs]
        words = pairs[:, 0].astype(np.uint16) << 8 | pairs[:, 1]
        headers = [(int(at), header) for at in np.flatnonzero(words == _MARK) if (header := _header(pairs[at:]))]
        ends = [*(at for at, _ in headers[1:]), len(pairs)][: len(headers)]
        return tuple(
            _session(header, pairs[at + _HEADER : end]) for (at, header), end in zip(headers, ends, strict=True)
        )


def parse_memory(data: bytes) -> tuple[Session, ...]:
    """The sessions of a whole playback. Raises `ProtocolError` where there is none."""
    playback = MemoryPlayback()
    playback.feed(data)
    sessions = playback.sessions()
    if not sessions:
        raise ProtocolError("no session in the playback")
    return sessions


_Header = tuple[int, datetime, datetime, datetime]


def _header(pairs: NDArray[np.uint8]) -> _Header | None:
    """Interval, current, stop and start time; None where these are none, so that the mark was data."""
    if len(pairs) < _HEADER or int(pairs[1, 0]) not in INTERVALS_S:
        return None
    try:
        played, stop, start = (_time(pairs[at : at + 3]) for at in (2, 5, 8))
    except ValueError:
        return None
    return (int(pairs[1, 0]), played, stop, start) if start <= stop else None


def _time(pairs: NDArray[np.uint8]) -> datetime:
    (month, day), (year, minute), (second, hour) = pairs.tolist()
    return datetime(2000 + year, month, day, hour, minute, second)  # noqa: DTZ001 - the oximeter knows no zone


def _session(header: _Header, pairs: NDArray[np.uint8]) -> Session:
    interval_s, played, stop, start = header
    expected = int((stop - start).total_seconds()) // interval_s + 1
    raw_pulse, raw_spo2 = pairs[:expected, 0], pairs[:expected, 1]
    pulse = raw_pulse.astype(np.float32)
    pulse = np.where(raw_pulse > _LINEAR, _LINEAR + 2 * (pulse - _LINEAR), pulse).astype(np.float32)
    pulse[(raw_pulse == _NONE) | (raw_pulse == 0)] = np.nan
    spo2 = raw_spo2.astype(np.float32)
    spo2[(raw_spo2 == 0) | (raw_spo2 > 100)] = np.nan
    return Session(played, start, stop, interval_s, spo2, pulse, expected)


def encode_memory(sessions: tuple[Session, ...]) -> bytes:
    """The playback of `sessions`, as an oximeter sends it; pulses above 200 are rounded to 2 beats a minute."""
    return b"".join(_encode_session(session) for session in sessions)


def _encode_session(session: Session) -> bytes:
    header = [(0xFE, 0xFD), (session.interval_s, 0)]
    for time in (session.played, session.stop, session.start):
        header += [(time.month, time.day), (time.year - 2000, time.minute), (time.second, time.hour)]
    pulse = np.nan_to_num(session.pulse_bpm)
    pulse = np.where(pulse > _LINEAR, np.minimum(254, _LINEAR + (pulse - _LINEAR) / 2), pulse)
    samples = np.empty((session.spo2_pct.size, 2), np.uint8)
    samples[:, 0] = np.where(np.isnan(session.pulse_bpm), _NONE, np.rint(pulse))
    samples[:, 1] = np.where(np.isnan(session.spo2_pct), _NONE, np.rint(np.nan_to_num(session.spo2_pct)))
    pairs = np.concatenate((np.array(header, np.uint8), samples))
    return np.column_stack((pairs, pairs[:, 0] + pairs[:, 1])).tobytes()
