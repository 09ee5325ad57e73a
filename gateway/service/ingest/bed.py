"""The bed sensor's waveform into epochs, as it arrives: streamed while it is in order, run again from the store if not.

Epochs of 10 s go to the store as kind `bed` of the same device, in one session a night; a night that is run again
replaces them by a greater revision. The night's summary and its disturbances go to the records. That a night runs, or
is to be run again, is on disk before its batches are acknowledged.

A night has 1.4 million samples and takes some seconds to run again: that is done in pieces between groups of messages,
so that the intake goes on.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.bed import stream
from analytics.bed.disturbance import EVENT_DTYPE
from analytics.bed.epochs import EPOCH_DTYPE
from analytics.bed.night import BedNight, summarise
from analytics.bed.signal import WaveformChunk
from gateway.clock import Clock
from gateway.service.ingest.cutting import by_night
from gateway.service.ingest.night_faults import NightFaults
from gateway.service.ingest.nights import CLOSE_AFTER_S, SETTLE_MOST_S, SETTLE_S, NightListener
from gateway.service.nights import night_bounds
from gateway.service.records import NightResult, Records, State, Stretch
from gateway.service.store.base import Samples, SampleStore
from gateway.wire.messages import WAVEFORM_PERIOD_MS, Batch, ClockInfo

PROFILE: Final = "bed"
SUMMARY_EVERY_S: Final = 30.0
"""A running night's summary is written this often; its epochs with every tick."""

PIECE_MS: Final = 300_000
"""A night is run again in pieces of this length ..."""

BUDGET_S: Final = 0.05
"""... of as many as fit in this, a tick."""

JITTER_MS: Final = 20
"""The dating of two batches may overlap by a sample: the sensor's clock is not ours."""

Key = tuple[str, date]


@dataclass(slots=True)
class _Night:
    zone: str
    revision: int
    state: stream.BedState = field(default_factory=stream.start)
    epochs: list[NDArray[np.void]] = field(default_factory=list)
    disturbances: list[NDArray[np.void]] = field(default_factory=list)
    unsent: list[NDArray[np.void]] = field(default_factory=list)
    seq: int = 0
    start_ms: int = 0
    end_ms: int = 0
    closed: bool = False
    written_s: float = 0.0
    touched_s: float = 0.0
    unwritten: bool = True

    def step(self, chunk: WaveformChunk) -> None:
        """Take samples."""
        self.state, output = stream.step(self.state, chunk)
        self._keep(output)
        end_ms = int(chunk.t0_ms + chunk.pressure.size * chunk.dt_ms)
        self.start_ms = self.start_ms or int(chunk.t0_ms)
        self.end_ms = max(self.end_ms, end_ms)
        self.unwritten = True

    def close(self) -> None:
        """No more comes."""
        if not self.closed:
            self.state, output = stream.close(self.state)
            self._keep(output)
            self.closed = True
            self.unwritten = True

    def _keep(self, output: stream.BedOutput) -> None:
        if output.epochs.size:
            self.epochs.append(output.epochs)
            self.unsent.append(output.epochs)
        if output.disturbances.size:
            self.disturbances.append(output.disturbances)


@dataclass(slots=True)
class _Stale:
    zone: str
    since_s: float
    touched_s: float
    running: _Night | None = None
    at_ms: int = 0
    caught_up: bool = False


class BedNights:
    """Keeps the nights of every bed sensor up to date. For the ingest's thread alone."""

    def __init__(self, records: Records, store: SampleStore, clock: Clock, listener: NightListener) -> None:
        self._records = records
        self._store = store
        self._clock = clock
        self._listener = listener
        self._nights: dict[Key, _Night] = {}
        self._stale: dict[Key, _Stale] = {}
        self._unmarked: set[Key] = set()
        self.faults = NightFaults("bed")
        self.reruns = 0
        self.steps = 0

    def recover(self) -> None:
        """Take up after a restart: nights that were stale or running are run again from the store."""
        now_s = time.monotonic()
        zones = {device.id: device.zone for device in self._records.devices.list()}
        keys = set(self._records.results.stale(kind="bed"))
        keys |= {(night.device, night.night) for night in self._records.results.running() if night.kind == "bed"}
        for device, night in sorted(keys):
            self._stale[device, night] = _Stale(zones.get(device, "UTC"), now_s, now_s)

    def forget(self, device: str) -> None:
        """Let go of a device's nights, some of whose samples were erased, and take up what the records say of them."""
        self._unmarked = {key for key in self._unmarked if key[0] != device}
        for held in (self._nights, self._stale):
            for key in [key for key in held if key[0] == device]:
                del held[key]
        now_s = time.monotonic()
        found = self._records.devices.get(device)
        results = self._records.results
        keys = set(results.stale(kind="bed"))
        keys |= {(one.device, one.night) for one in results.running() if one.kind == "bed"}
        for key in sorted(keys):
            if key[0] == device and found is not None:
                self._stale[key] = _Stale(found.zone, now_s, now_s)

    def feed(self, batches: Iterable[tuple[Batch, str]]) -> None:
        """Take batches that the store has, each with its device's zone."""
        now_s = time.monotonic()
        for batch, zone in batches:
            if batch.kind != "waveform":
                continue
            for date_, part in by_night(batch, zone):
                key = (batch.device, date_)
                stale = self._stale.get(key)
                if stale is not None:
                    stale.touched_s = now_s
                    if stale.running is not None and batch.t0_ms < stale.at_ms - JITTER_MS:
                        stale.running = None  # it reaches behind what has been run already
                    continue
                if key not in self._nights:
                    self._unmarked.add(key)
                if not self._stream(key, batch, part, zone, now_s):
                    self._nights.pop(key, None)
                    self._stale[key] = _Stale(zone, now_s, now_s)
                    self._unmarked.add(key)
        if self._unmarked:
            self._records.results.mark_stale(sorted(self._unmarked), at_ms=self._clock.utc_ms(), kind="bed")
            self._unmarked.clear()

    def _stream(self, key: Key, batch: Batch, part: slice, zone: str, now_s: float) -> bool:
        """Step the night with a batch that continues it; False if it does not."""
        if batch.origin != "live" or batch.dt_ms is None:
            return False
        t0_ms = batch.t0_ms + part.start * batch.dt_ms
        night = self._nights.get(key)
        if night is None:
            # Of a night that was closed, or let go by a restart, there is more than this batch.
            if batch.seq != 0 or len(self._store.sessions(key[0], "waveform", *night_bounds(key[1], zone))) > 1:
                return False
            night = self._nights[key] = _Night(zone, self._next_revision(key, zone))
        elif night.closed or t0_ms < night.end_ms - JITTER_MS:
            return False
        columns = {name: column[part] for name, column in batch.columns.items()}
        night.step(_chunk(t0_ms, batch.dt_ms, columns))
        night.touched_s = now_s
        self.steps += 1
        return True

    def tick(self, *, settle: bool = False) -> None:
        """Do what time asks for: write epochs and summaries, run stale nights again, close silent ones."""
        now_s = time.monotonic()
        until_s = float("inf") if settle else now_s + BUDGET_S
        for key, stale in list(self._stale.items()):
            waited = now_s - stale.touched_s >= SETTLE_S or now_s - stale.since_s >= SETTLE_MOST_S
            if not (waited or settle or stale.running):
                continue
            if not self.faults.survived(key, partial(self._run_again, key, stale, until_s)) or stale.caught_up:
                del self._stale[key]
        for key, night in list(self._nights.items()):
            if settle or now_s - night.touched_s >= CLOSE_AFTER_S:
                night.close()
            self._send(key, night)
            if night.unwritten and (night.closed or now_s - night.written_s >= SUMMARY_EVERY_S):
                self._write(key, night, now_s)
            if night.closed:
                del self._nights[key]

    def _run_again(self, key: Key, stale: _Stale, until_s: float) -> None:
        """Go on with running a night again, until it has caught up with the store or the time is up."""
        device, date_ = key
        start_ms, end_ms = night_bounds(date_, stale.zone)
        if stale.running is None:
            stale.running, stale.at_ms = _Night(stale.zone, self._next_revision(key, stale.zone)), start_ms
        night = stale.running
        while time.monotonic() < until_s:
            samples = self._store.read(device, "waveform", stale.at_ms, min(stale.at_ms + PIECE_MS, end_ms))
            for chunk in chunks_of(samples):
                night.step(chunk)
            if len(samples):
                stale.at_ms = int(samples.t_ms[-1]) + 1
                continue
            ahead = self._store.sessions(device, "waveform", stale.at_ms, end_ms) if stale.at_ms < end_ms else []
            if ahead:  # behind a hole
                stale.at_ms = max(min(session.start_ms for session in ahead), stale.at_ms + PIECE_MS)
                continue
            night.touched_s = time.monotonic()
            self.reruns += 1
            if night.start_ms:
                self._nights[key] = night
            else:
                self._records.results.clear_stale(device, date_, kind="bed")
            stale.caught_up = True
            return

    def _next_revision(self, key: Key, zone: str) -> int:
        device, date_ = key
        held = self._store.sessions(device, "bed", *night_bounds(date_, zone))
        return max((one.revision + 1 for one in held if one.session == _session(date_)), default=0)

    def _send(self, key: Key, night: _Night) -> None:
        """Append the epochs that are final to the store."""
        if not night.unsent:
            return
        rows = np.concatenate(night.unsent)
        batches: list[Batch] = []
        for part in np.split(rows, np.arange(4096, rows.size, 4096)):
            times = part["start_ms"]
            batches.append(
                Batch(
                    device=key[0],
                    kind="bed",
                    origin="live",
                    session=_session(key[1]),
                    seq=night.seq + len(batches),
                    t0_ms=int(times[0]),
                    columns={name: np.ascontiguousarray(part[name]) for name in COLUMNS},
                    clock=ClockInfo("device", 0),
                    t_ms=(times - times[0]).astype(np.int32),
                    revision=night.revision,
                )
            )
        self._store.append(batches)
        night.seq += len(batches)
        night.unsent = []

    def _write(self, key: Key, night: _Night, now_s: float) -> None:
        """Write the summary; a night that is closed is no longer marked."""
        results = self._records.results
        epochs = np.concatenate(night.epochs) if night.epochs else np.empty(0, EPOCH_DTYPE)
        events = np.concatenate(night.disturbances) if night.disturbances else np.empty(0, EVENT_DTYPE)
        result = NightResult(
            device=key[0],
            night=key[1],
            profile=PROFILE,
            version=stream.METHOD_VERSION,
            zone=night.zone,
            state=State.CLOSED if night.closed else State.RUNNING,
            start_ms=night.start_ms,
            end_ms=night.end_ms,
            valid_s=0.0,
            indices=indices_of(summarise(epochs, events)),
            updated_ms=self._clock.utc_ms(),
        )
        results.replace_night(
            result,
            (),
            [Stretch("disturbance", int(event["start_ms"]), int(event["end_ms"])) for event in events],
        )
        night.written_s = now_s
        night.unwritten = False
        self._listener.night(result)


COLUMNS: Final = ("heart_rate", "respiration_rate", "movement", "presence", "coverage")


def _session(night: date) -> str:
    return f"bed-{night.isoformat()}"


def indices_of(night: BedNight) -> dict[str, float | None]:
    """A night's indices by name."""
    return {name: None if value is None else float(value) for name, value in asdict(night).items()}


def chunks_of(samples: Samples) -> Iterator[WaveformChunk]:
    """Cut samples into evenly spaced runs."""
    if not len(samples):
        return
    times = samples.t_ms
    steps = np.diff(times)
    close = steps[(steps > 0) & (steps <= WAVEFORM_PERIOD_MS)]  # what is further apart has a hole between
    usual = int(np.median(close)) if close.size else WAVEFORM_PERIOD_MS
    edges = [0, *(np.flatnonzero(steps != usual) + 1).tolist(), times.size]
    for start, stop in itertools.pairwise(edges):
        columns = {name: column[start:stop] for name, column in samples.columns.items()}
        yield _chunk(int(times[start]), usual, columns)


def _chunk(t0_ms: int, dt_ms: int, columns: dict[str, NDArray[np.generic]]) -> WaveformChunk:
    """A chunk of the columns there are."""
    nothing = np.empty(0, np.uint8)
    return WaveformChunk(
        float(t0_ms),
        float(dt_ms),
        columns["pressure"].astype(np.float64),
        np.ascontiguousarray(columns.get("gain", nothing), np.uint8),
        np.ascontiguousarray(columns.get("flags", nothing), np.uint8),
    )
