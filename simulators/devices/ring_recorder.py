"""The memory of an O2Ring: it records while it is worn, and what it recorded becomes a file when it comes off. No I/O.

Time is worked through when somebody asks: the samples between two moments are taken from the finger at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.home.devices.viatom.protocol import file_name
from gateway.wire.files.viatom import MISSING_PULSE, MISSING_SPO2, ViatomSummary, encode_vld
from simulators.devices.clocks import DeviceClock
from simulators.devices.finger import Finger, Samples

REPEATED_S: Final = 2.0
"""Version 3 files at this interval hold each sample twice: the ring measures half as often."""


@dataclass(frozen=True, slots=True)
class RingOptions:
    """How a ring of this family is made.

    Attributes
    ----------
    version : int
        Of its files: 3 (O2Ring) or 5 (O2 Max).
    interval_s : float
        Seconds between the records of a file.
    model, name : str
        Model number in the information; what it advertises in front of the last four digits of its serial number.
    keeps : int
        Recordings in its memory.
    off_s : float
        A finger away for so long ends a recording.
    shortest_s : float
        A shorter recording is not kept.
    longest_h : float
        A longer one goes on as the next file.
    scan_s : float
        How often a ring without a finger looks for one.
    sleep_s : float
        Off the finger and unconnected for so long it stops advertising.
    charged_after_s : float or None
        Off the finger for so long it has been on its charger and is full, as people do by day; None: nobody charges it.
    """

    version: int = 3
    interval_s: float = 4.0
    model: str = "1652"
    name: str = "O2Ring"
    keeps: int = 4
    off_s: float = 120.0
    shortest_s: float = 60.0
    longest_h: float = 10.0
    scan_s: float = 1.0
    sleep_s: float = 300.0
    charged_after_s: float | None = 7200.0

    @property
    def repeats(self) -> int:
        """How many records each measurement makes."""
        return 2 if self.version == 3 and self.interval_s == REPEATED_S else 1


Encode = Callable[[Samples, datetime, RingOptions], bytes]


@dataclass(slots=True)
class _Current:
    """The recording in progress."""

    start_utc_ms: int
    start_local: datetime
    taken: int = 0
    off_run: int = 0
    parts: list[Samples] = field(default_factory=list)


class RingRecorder:
    """Records, files, memory.

    Parameters
    ----------
    options : RingOptions
    finger : Finger
    clock : DeviceClock
    from_utc_ms : int
        When it was switched on.
    encode : callable
        Makes a file of a recording: samples, local start, options.

    Attributes
    ----------
    files : dict of str to bytes
        Every file that it ever made, oldest first: the truth.
    memory : dict of str to bytes
        Those that it still keeps.
    off_since_ms : int or None
        Since when no finger is there, UTC milliseconds; None while recording.
    """

    def __init__(
        self,
        options: RingOptions,
        finger: Finger,
        clock: DeviceClock,
        from_utc_ms: int,
        encode: Encode | None = None,
    ) -> None:
        self.options = options
        self._encode = encode_viatom if encode is None else encode
        self.files: dict[str, bytes] = {}
        self.memory: dict[str, bytes] = {}
        self.off_since_ms: int | None = from_utc_ms
        self._finger = finger
        self._clock = clock
        self._current: _Current | None = None
        self._looked_ms = from_utc_ms - 1

    @property
    def recording(self) -> bool:
        """Whether a recording is in progress."""
        return self._current is not None

    def advance(self, utc_ms: int) -> None:
        """Live through the time up to and with a true moment; going back does nothing."""
        while self._step(utc_ms):
            pass

    def stop(self, utc_ms: int) -> None:
        """Lose power at a true moment: what was recorded so far becomes a file."""
        self.advance(utc_ms)
        if self._current is not None:
            self._close(self._current, utc_ms)

    def _step(self, utc_ms: int) -> bool:
        """Go on to the next change of state; False when there is none before `utc_ms`."""
        if self._current is None:
            return self._look(utc_ms)
        return self._record(self._current, utc_ms)

    def _look(self, utc_ms: int) -> bool:
        every_ms = round(self.options.scan_s * 1000)
        # An hour at a time bounds memory, however long nobody asked.
        times = np.arange(self._looked_ms + 1, min(utc_ms, self._looked_ms + 3_600_000) + 1, every_ms, dtype=np.int64)
        if times.size == 0:
            return False
        worn = self._finger.at(times).worn
        if worn.any():
            found_ms = int(times[np.argmax(worn)])
            self._current = _Current(found_ms, self._clock.local(found_ms))
            self.off_since_ms = None
        else:
            self._looked_ms = int(times[-1]) + every_ms - 1
        return True

    def _record(self, current: _Current, utc_ms: int) -> bool:
        measured_s = self.options.interval_s * self.options.repeats
        most = round(self.options.longest_h * 3600.0 / measured_s)
        count = min(self._clock.ticks_until(current.start_utc_ms, utc_ms, measured_s), most)
        if count <= current.taken:
            return False
        part = self._finger.at(self._clock.ticks_ms(current.start_utc_ms, current.taken, count, measured_s))
        ended, run = _off_from(part.worn, current.off_run, max(1, round(self.options.off_s / measured_s)))
        kept = part.size if ended is None else ended
        current.parts.append(part.slice(0, kept))
        current.taken, current.off_run = current.taken + kept, run
        if ended is None and current.taken < most:
            return False
        # The next file, where this one is full, goes on with the next sample.
        following = self._clock.ticks_ms(current.start_utc_ms, current.taken, current.taken + 1, measured_s)
        self._close(current, int(following[0]) - 1)
        return True

    def _close(self, current: _Current, utc_ms: int) -> None:
        self._current = None
        self._looked_ms = self.off_since_ms = utc_ms
        if not current.parts:
            return
        samples = Samples.concatenate(current.parts)
        if samples.size * self.options.interval_s * self.options.repeats < self.options.shortest_s:
            return
        # A clock that begins anew gives a name again; what the file says of its start stays what the clock said.
        named = current.start_local
        while (name := file_name(named)) in self.files:
            named += timedelta(seconds=1)
        self.files[name] = self.memory[name] = self._encode(samples, current.start_local, self.options)
        while len(self.memory) > self.options.keeps:
            del self.memory[next(iter(self.memory))]


def _off_from(worn: NDArray[np.bool_], before: int, longest: int) -> tuple[int | None, int]:
    """Where the finger has been away for `longest` samples in a row, `before` of them ahead of `worn`.

    Returns
    -------
    The index behind that run's last sample, None where there is none; and the length of the run at the end.
    """
    index = np.arange(worn.size)
    last_on = np.maximum.accumulate(np.where(worn, index, -1 - before))
    run = index - last_on
    long = np.flatnonzero(run >= longest)
    return (int(long[0]) + 1 if long.size else None), int(run[-1])


def encode_viatom(samples: Samples, start: datetime, options: RingOptions) -> bytes:
    """Return the file of a recording, with the summary that the ring makes of it."""
    seen = samples.spo2_pct[~np.isnan(samples.spo2_pct)]
    measured_s = options.interval_s * options.repeats
    below_s = round(np.count_nonzero(seen < 90) * measured_s)
    length_s = samples.size * measured_s
    summary = ViatomSummary(
        mean_pct=round(float(seen.mean())) if seen.size else MISSING_SPO2,
        min_pct=int(seen.min()) if seen.size else MISSING_SPO2,
        below_90_pct=round(100 * below_s / length_s),
        below_90_s=min(below_s, 0xFFFF),
        below_90_dips=min(int(np.count_nonzero(np.diff((seen < 90).astype(np.int8)) == 1)), 0xFF),
    )
    spo2 = np.where(np.isnan(samples.spo2_pct), MISSING_SPO2, samples.spo2_pct).astype(np.uint8)
    pulse = np.where(np.isnan(samples.pulse_bpm), MISSING_PULSE, samples.pulse_bpm).astype(np.uint16)
    return encode_vld(
        np.repeat(spo2, options.repeats),
        np.repeat(pulse, options.repeats),
        start=start,
        interval_s=options.interval_s,
        motion=np.repeat(samples.motion, options.repeats),
        version=options.version,
        summary=summary,
    )
