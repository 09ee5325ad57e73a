"""The analytics of each device's night as it arrives: streamed while it is in order, run again from the store if not.

A night's result is a function of what the store holds of it. Streaming is the short way to it: a step for each batch
that continues the night. Whatever does not continue it (a stored recording that replaces live data, a late or repeated
batch, a restart of the service) makes the night stale, and a stale night is run again, whole, from the store. That a
night is stale is on disk before its batches are acknowledged.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Final, Protocol

import msgspec
import numpy as np

from analytics.oximetry import stream
from analytics.oximetry.analysis import analyze_chunks
from analytics.oximetry.events import Desaturation as Found
from analytics.oximetry.signal import OximetryChunk
from gateway.clock import Clock
from gateway.service.ingest.cutting import by_night, chunk_of, chunks_of, joined
from gateway.service.ingest.night_faults import NightFaults
from gateway.service.nights import night_bounds
from gateway.service.records import Desaturation, NightResult, NightUpdate, Records, State
from gateway.service.records.patient_nights import BELIEVED
from gateway.service.store.base import SampleStore
from gateway.wire.messages import Batch

SETTLE_S: Final = 1.0
"""A stale night is run again when nothing has come for it for this long ..."""

SETTLE_MOST_S: Final = 5.0
"""... or when it has been stale for this long, or at once when a stored recording is complete."""

CLOSE_AFTER_S: Final = 900.0
"""Wall-clock silence after which a night that streams is closed: what waits for later samples becomes final."""

WRITE_EVERY_S: Final = 0.5
"""What is new of a running night is written this often; that there is such a night, at once."""

MAX_NIGHTS: Final = 10_000
"""Nights held in memory, 13 kB each; one that was let go is read from the store when more of it comes."""

Key = tuple[str, date]
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Night:
    state: stream.NightState
    zone: str
    closed: bool
    start_ms: int
    end_ms: int
    output: stream.StepOutput | None = None
    fresh: list[Found] = field(default_factory=list)
    written_s: float = 0.0
    touched_s: float = 0.0
    unwritten: bool = True
    whole: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Stale:
    zone: str
    since_s: float
    touched_s: float
    complete: bool = False
    on_disk: bool = False


class NightListener(Protocol):
    """Who is told of results, on the worker's thread, once they are on disk."""

    def night(self, result: NightResult, *, again: bool = False) -> None:
        """A night was run, or run again, from the store."""

    def running_night(self, result: NightResult, nadir_pct: float) -> None:
        """A running night has new desaturations, the deepest that can be believed down to `nadir_pct`."""


class Nights:
    """Keeps every device's night up to date.

    Called from the ingest's worker thread alone.
    """

    def __init__(
        self, records: Records, store: SampleStore, clock: Clock, listener: NightListener | None = None
    ) -> None:
        self._listener = listener
        self._records = records
        self._store = store
        self._clock = clock
        self._nights: OrderedDict[Key, _Night] = OrderedDict()
        self._stale: dict[Key, _Stale] = {}
        self.faults = NightFaults("oximetry")
        self.reruns = 0
        self.steps = 0

    def recover(self) -> None:
        """Take up after a restart: nights that were stale or running are run again from the store.

        The kernels are compiled (or read from their cache) here, not when the first sample waits.
        """
        state, _ = stream.step(stream.start(), chunk_of(0, 1000, {"spo2": np.full(60, 97.0, np.float32)}))
        stream.close(state)
        now_s = time.monotonic()
        zones = {device.id: device.zone for device in self._records.devices.list()}
        keys = set(self._records.results.stale())
        running = self._records.results.running()
        keys |= {(night.device, night.night) for night in running if night.kind == "oximetry"}
        for device, night in sorted(keys):
            self._stale[device, night] = _Stale(zones.get(device, "UTC"), now_s, now_s, on_disk=True)

    def forget(self, device: str) -> None:
        """Let go of a device's nights, some of whose samples were erased, and take up what the records say of them."""
        for held in (self._nights, self._stale):
            for key in [key for key in held if key[0] == device]:
                del held[key]
        now_s = time.monotonic()
        found = self._records.devices.get(device)
        results = self._records.results
        keys = set(results.stale()) | {(one.device, one.night) for one in results.running() if one.kind == "oximetry"}
        for key in sorted(keys):
            if key[0] == device and found is not None:
                self._stale[key] = _Stale(found.zone, now_s, now_s, on_disk=True)

    def feed(self, batches: Iterable[tuple[Batch, str]]) -> None:
        """Take batches that the store has; with each comes its patient's zone.

        When this returns, it is on disk that a night runs, or is stale: after a kill either is run again from the
        store, so what else is new of it may wait for `tick`.
        """
        now_s = time.monotonic()
        new: list[Key] = []
        for batch, zone in joined((batch, zone) for batch, zone in batches if batch.kind == "oximetry"):
            for night, part in by_night(batch, zone):
                key = (batch.device, night)
                if key not in self._stale:
                    known = key in self._nights
                    if self._stream(key, batch, part, zone, now_s):
                        if not known:
                            new.append(key)
                        continue
                stale = self._stale.get(key)
                if stale is None:
                    stale = self._stale[key] = _Stale(zone, now_s, now_s)
                stale.touched_s = now_s
                stale.complete |= batch.last
        # All that are not on disk: a try before this one may have failed here.
        unmarked = [key for key, stale in self._stale.items() if not stale.on_disk]
        if unmarked:
            self._records.results.mark_stale(unmarked, at_ms=self._clock.utc_ms())
            for key in unmarked:
                self._stale[key].on_disk = True
        self._write([key for key in new if key not in self._stale], now_s)
        while len(self._nights) > MAX_NIGHTS:
            # A night with something unwritten is written as it goes.
            key, _ = next(iter(self._nights.items()))
            self._write([key], now_s)
            del self._nights[key]

    def _stream(self, key: Key, batch: Batch, part: slice, zone: str, now_s: float) -> bool:
        """Step the night with a batch that continues it; False if it does not."""
        if batch.origin != "live" or batch.dt_ms is None:
            return False
        t0_ms = batch.t0_ms + part.start * batch.dt_ms
        night = self._nights.get(key)
        if night is None:
            bounds = night_bounds(key[1], zone)
            if batch.seq != 0 or len(self._store.sessions(batch.device, "oximetry", *bounds)) > 1:
                return False
            night = self._nights[key] = _Night(stream.start(), zone, False, t0_ms, t0_ms)
        elif night.closed or t0_ms < night.end_ms:
            return False
        columns = batch.columns
        if part.stop - part.start != batch.size:
            columns = {name: column[part] for name, column in columns.items()}
        chunk = chunk_of(t0_ms, batch.dt_ms, columns)
        night.state, output = stream.step(night.state, chunk)
        night.end_ms = t0_ms + len(chunk.spo2) * batch.dt_ms
        night.output = output
        night.fresh += output.desaturations
        night.touched_s = now_s
        night.unwritten = True
        self._nights.move_to_end(key)
        self.steps += 1
        return True

    def _write(self, keys: Iterable[Key], now_s: float) -> None:
        updates = []
        written = []
        for key in keys:
            night = self._nights[key]
            if night.unwritten and night.output is not None:
                updates.append(NightUpdate(self._result(key, night), tuple(_row(found) for found in night.fresh)))
                written.append(night)
        self._records.results.upsert_running(updates)
        if self._listener is not None:
            for update in updates:
                nadirs = [one.nadir for one in update.desaturations if one.confidence >= BELIEVED]
                if nadirs:
                    self._listener.running_night(update.result, min(nadirs))
        for night in written:
            night.fresh = []
            night.written_s = now_s
            night.unwritten = False

    def tick(self, *, settle: bool = False) -> bool:
        """Do what time asks for: run stale nights again, write indices, close silent nights.

        Parameters
        ----------
        settle : bool
            True: everything that waits for time is done now.

        Returns
        -------
        bool
            Whether anything is left that waits.
        """
        now_s = time.monotonic()
        for key, stale in list(self._stale.items()):
            due = stale.complete or now_s - stale.touched_s >= SETTLE_S or now_s - stale.since_s >= SETTLE_MOST_S
            if (due or settle) and not self.faults.survived(key, partial(self._rerun, key, stale.zone, now_s)):
                del self._stale[key]
                self._nights.pop(key, None)
        self._write(
            [
                key
                for key, night in self._nights.items()
                if night.unwritten and (settle or now_s - night.written_s >= WRITE_EVERY_S)
            ],
            now_s,
        )
        for key, night in list(self._nights.items()):
            over = not night.closed and (settle or now_s - night.touched_s >= CLOSE_AFTER_S)
            again = partial(self._rerun, key, night.zone, now_s, closing=True)
            if over and not self.faults.survived(key, again):
                del self._nights[key]
        return bool(self._stale)

    def _rerun(self, key: Key, zone: str, now_s: float, *, closing: bool = False) -> None:
        """Run a night again from the store and put the result in the place of the old one."""
        device, date_ = key
        bounds = night_bounds(date_, zone)
        samples = self._store.read(device, "oximetry", *bounds)
        if not len(samples):
            self._records.results.clear_stale(*key)
            self._stale.pop(key, None)
            self._nights.pop(key, None)
            return
        # A night whose last word is a complete recording is over, as far as anyone can tell now.
        sessions = self._store.sessions(device, "oximetry", *bounds)
        last = max(sessions, key=lambda session: session.end_ms)
        closing = closing or (last.origin == "stored" and last.complete)
        state = stream.start()
        found: list[Found] = []
        end_ms = 0
        chunks = list(chunks_of(samples))
        for chunk in chunks:
            state, output = stream.step(state, chunk)
            found += output.desaturations
            end_ms = chunk.t0_ms + len(chunk.spo2) * chunk.dt_ms
        night = _Night(state, zone, closing, int(samples.t_ms[0]), end_ms, output)
        if closing:
            _, output = stream.close(state)
            found += output.desaturations
            night.output = output
            night.whole = whole_night(chunks)
        night.written_s = night.touched_s = now_s
        night.unwritten = False
        result = self._result(key, night)
        self._records.results.replace_night(result, [_row(one) for one in found])
        if self._listener is not None:
            self._listener.night(result, again=True)
        self._stale.pop(key, None)
        self._nights[key] = night
        self._nights.move_to_end(key)
        self.reruns += 1

    def _result(self, key: Key, night: _Night) -> NightResult:
        assert night.output is not None, "a night is written after its first step"
        running = night.output.indices
        values = msgspec.structs.asdict(running)
        artefacts = values.pop("artefact_s")
        indices: dict[str, float | None] = {
            "mean_spo2": values.pop("mean_pct"),
            "min_spo2": values.pop("min_pct"),
            **values,
            **{f"artefact_{reason}_s": float(seconds) for reason, seconds in artefacts.items()},
            **night.whole,
        }
        return NightResult(
            device=key[0],
            night=key[1],
            profile=stream.PROFILE,
            version=stream.PROFILE_VERSION,
            zone=night.zone,
            state=State.CLOSED if night.closed else State.RUNNING,
            start_ms=night.start_ms,
            end_ms=night.end_ms,
            valid_s=float(running.valid_s),
            indices=indices,
            updated_ms=self._clock.utc_ms(),
        )


def whole_night(chunks: Sequence[OximetryChunk]) -> dict[str, float]:
    """Indices that need the night's end: hypoxic burden (from own desaturations), spread, and every biomarker."""
    found = analyze_chunks(chunks, chunks[0].dt_ms / 1000)
    spo2 = found.spo2
    indices = {
        "hypoxic_burden": found.hypoxic_burden.value,
        "desaturation_severity": found.desaturation_severity,
        "baseline_spo2": spo2.baseline,
        "median_spo2": spo2.median,
        "sd_spo2": spo2.sd,
        "p1_spo2": spo2.p1,
        "p5_spo2": spo2.p5,
        "p95_spo2": spo2.p95,
    }
    if found.pulse is not None:
        indices |= {"pulse_sd_bpm": found.pulse.sd, "pulse_response_sd_bpm": found.pulse.response_sd_bpm}
    return indices | {f"biomarker_{name}": float(value) for name, value in found.biomarkers.items()}


def _row(found: Found) -> Desaturation:
    return Desaturation(
        found.start_ms,
        found.nadir_ms,
        found.end_ms,
        found.baseline_pct,
        found.nadir_pct,
        found.depth_pct,
        found.area_pct_s,
        found.confidence,
    )
