"""Wear of the MAD from what its recorder brings: run again from the store whenever readings have come.

A recorder brings a day or months at a time, late by nature, so there is no stream to follow: the nights from the first
new reading on are analysed again, with two days before them, so that a wear across noon and the level of the bedside
table are known. That they are to be is on disk before the readings are acknowledged.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Final

import numpy as np

from analytics.adherence import nights as wear_by_night
from analytics.adherence import stream
from analytics.adherence.nights import WearNight
from analytics.adherence.results import EdgeBy, Missing, WearInterval
from analytics.adherence.samples import WearChunk
from gateway.clock import Clock
from gateway.service.ingest.night_faults import NightFaults
from gateway.service.ingest.nights import NightListener
from gateway.service.nights import night_bounds, night_of, zone_info
from gateway.service.records import NightResult, Records, State, Stretch
from gateway.service.store.base import Samples, SampleStore
from gateway.wire.messages import Batch

PROFILE: Final = "wear"
SETTLE_S: Final = 1.0
SETTLE_MOST_S: Final = 5.0
"""As with oximetry: when nothing has come for so long, or it has been waited for so long."""

LEAD: Final = timedelta(days=2)
EVER_MS: Final = 1 << 42


@dataclass(slots=True)
class _Stale:
    first: date
    zone: str
    since_s: float
    touched_s: float
    on_disk: bool = False


class WearNights:
    """Keeps the nights of every recorder up to date. For the ingest's thread alone."""

    def __init__(
        self,
        records: Records,
        store: SampleStore,
        clock: Clock,
        listener: NightListener,
        *,
        erased: Callable[[str, int, int], bool] = lambda _device, _start_ms, _end_ms: False,
    ) -> None:
        self._erased = erased
        self._records = records
        self._store = store
        self._clock = clock
        self._listener = listener
        self._stale: dict[str, _Stale] = {}
        self.faults = NightFaults("wear")
        self.reruns = 0

    def recover(self) -> None:
        """Take up after a restart what was to be run again."""
        zones = {device.id: device.zone for device in self._records.devices.list()}
        for device, night in self._records.results.stale(kind="wear"):
            self._mark(device, night, zones.get(device, "UTC"))
            self._stale[device].on_disk = True

    def forget(self, device: str) -> None:
        """Let go of a device's readings, some of which were erased, and take up what the records say of them."""
        self._stale.pop(device, None)
        found = self._records.devices.get(device)
        for marked, night in self._records.results.stale(kind="wear"):
            if marked == device and found is not None:
                self._mark(device, night, found.zone)
                self._stale[device].on_disk = True

    def feed(self, batches: Iterable[tuple[Batch, str]]) -> None:
        """Take batches that the store has, each with its device's zone."""
        for batch, zone in batches:
            if batch.kind == "wear":
                self._mark(batch.device, night_of(batch.t0_ms, zone), zone)
        unmarked = {device: stale for device, stale in self._stale.items() if not stale.on_disk}
        if unmarked:
            nights = [(device, stale.first) for device, stale in unmarked.items()]
            self._records.results.mark_stale(nights, at_ms=self._clock.utc_ms(), kind="wear")
            for stale in unmarked.values():
                stale.on_disk = True

    def _mark(self, device: str, night: date, zone: str) -> None:
        """Note that nights from `night` on are to be run again."""
        now_s = time.monotonic()
        stale = self._stale.setdefault(device, _Stale(night, zone, now_s, now_s))
        stale.touched_s = now_s
        if night < stale.first:
            stale.first = night
            stale.on_disk = False

    def tick(self, *, settle: bool = False) -> None:
        """Run again what has waited long enough."""
        now_s = time.monotonic()
        for device, stale in list(self._stale.items()):
            if settle or now_s - stale.touched_s >= SETTLE_S or now_s - stale.since_s >= SETTLE_MOST_S:
                self.faults.survived(device, partial(self._rerun, device, stale))
                del self._stale[device]

    def _rerun(self, device: str, stale: _Stale) -> None:
        results = self._records.results
        begin_ms = night_bounds(stale.first - LEAD, stale.zone)[0]
        samples = self._store.read(device, "wear", begin_ms, EVER_MS)
        written = []
        if len(samples):
            found = results_of(samples, stale.zone, self._clock.utc_ms())
            # The night that is marked comes last: a kill between two leaves the mark.
            for night, stretches in sorted(found, key=lambda one: one[0].night == stale.first):
                if night.night >= stale.first - timedelta(days=1) and not self._erased(
                    device, night.start_ms, night.end_ms
                ):
                    results.replace_night(night, (), stretches)
                    written.append(night)
        # Nights marked on disk that held nothing after all, or whose mark lies behind the first written.
        for marked, night_date in results.stale(kind="wear"):
            if marked == device:
                results.clear_stale(device, night_date, kind="wear")
        for night in written:
            self._listener.night(night, again=True)
        self.reruns += 1


def results_of(samples: Samples, zone: str, now_ms: int) -> list[tuple[NightResult, list[Stretch]]]:
    """Every night of a recorder's readings, with its wears and the times without data."""
    found = stream.find_wear(chunk_of(samples))
    first_ms, last_ms = int(samples.t_ms[0]), int(samples.t_ms[-1])
    # A wear that the record's end cuts is still going on, as far as anyone can tell.
    worn_still = bool(found.intervals) and found.intervals[-1].end_by is EdgeBy.DATA
    nights = wear_by_night.wear_nights(found.intervals, found.missing, first_ms, last_ms, zone_info(zone))
    results = []
    for night in nights:
        bounds = night_bounds(night.night, zone)
        runs = night is nights[-1] and (worn_still or night.incomplete)
        result = NightResult(
            device=samples.device,
            night=night.night,
            profile=PROFILE,
            version=stream.VERSION,
            zone=zone,
            state=State.RUNNING if runs else State.CLOSED,
            start_ms=max(bounds[0], first_ms),
            end_ms=min(bounds[1], last_ms),
            valid_s=0.0,
            indices=indices_of(night),
            updated_ms=now_ms,
        )
        results.append((result, stretches_of(found.intervals, found.missing, *bounds)))
    return results


def chunk_of(samples: Samples) -> WearChunk:
    """A recorder's readings as the analysis takes them."""
    columns = samples.columns
    accel = np.stack([columns["accel_x"], columns["accel_y"], columns["accel_z"]], axis=1)
    return WearChunk(samples.t_ms, columns["temperature"], accel, columns["motion"], columns["flags"])


def indices_of(night: WearNight) -> dict[str, float | None]:
    """A night's indices by name; the wear of a night that may have been one, but was not recorded, is None."""
    hours = night.hours
    return {
        "wear_min": None if hours is None else night.worn_min,
        "suspect_min": night.suspect_min,
        "missing_min": night.missing_min,
        "missing_in_bed_min": night.missing_in_bed_min,
        "supine_pct": None if math.isnan(night.supine_pct) else night.supine_pct,
        "wears": float(len(night.insertions_ms)),
    }


def stretches_of(
    intervals: Sequence[WearInterval], missing: Sequence[Missing], start_ms: int, end_ms: int
) -> list[Stretch]:
    """What of a recording meets a night; a wear across noon is told whole in both."""
    wears = [
        Stretch(
            "wear",
            one.start_ms,
            one.end_ms,
            {
                "start_sd_s": _known(one.start_sd_s),
                "end_sd_s": _known(one.end_sd_s),
                "supine_min": one.posture.supine,
                "left_min": one.posture.left,
                "right_min": one.posture.right,
                "prone_min": one.posture.prone,
                "upright_min": one.posture.upright,
                "suspect": [str(reason) for reason in one.suspect],
            },
        )
        for one in intervals
        if one.start_ms < end_ms and one.end_ms > start_ms
    ]
    gaps = [
        Stretch("missing", one.start_ms, one.end_ms)
        for one in missing
        if one.start_ms < end_ms and one.end_ms > start_ms
    ]
    return wears + gaps


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
