"""One simulated patient's months, slept and analysed: what a process beside hands back. Values only.

A night takes the organs some 30 ms. So some nights are slept, and the others are those again on other dates, begun
earlier or later: enough to measure pages and queries at full size, not to learn about people from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.bed import stream as bed_stream
from analytics.bed.disturbance import EVENT_DTYPE
from analytics.bed.epochs import EPOCH_DTYPE
from analytics.bed.night import summarise
from analytics.oximetry import stream
from gateway.service.ingest.bed import COLUMNS as BED_COLUMNS
from gateway.service.ingest.bed import indices_of
from gateway.service.ingest.cutting import chunk_of
from gateway.service.ingest.nights import whole_night
from gateway.service.ingest.wear import results_of
from gateway.service.nights import night_bounds
from gateway.service.records import Desaturation, NightResult, State, Stretch
from gateway.service.store.base import STORED, Samples
from gateway.wire.codec import encode_batch
from gateway.wire.messages import MAX_SAMPLES, Array, Batch, ClockInfo, Kind

if TYPE_CHECKING:
    from simulators.cohort import Member
    from simulators.physiology import Night

ZONE: Final = "Europe/Berlin"
EPOCH: Final = date(1970, 1, 1)
DAY_MS: Final = 86_400_000
EPOCH_S: Final = 10
CLOCK: Final = ClockInfo("anchors", 500)
_TREATED, _WORKS = 0.75, 0.7
"""Shares of the patients who have a MAD, and whose MAD works."""

Row = tuple[NightResult, tuple[Desaturation, ...], tuple[Stretch, ...]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which patient, and how much of them.

    Attributes
    ----------
    number : int
        Of the cohort's people.
    last : date
        Date of the latest night.
    nights, slept, sampled : int
        Nights on record; slept by the organs, without and with the MAD together; with samples, the newest.
    """

    seed: int
    number: int
    last: date
    nights: int
    slept: int
    sampled: int


@dataclass(frozen=True, slots=True)
class Lived:
    """What came of a patient's months.

    Attributes
    ----------
    fitted : date or None
        First night with the MAD.
    nights : sequence of (result, desaturations, stretches)
    samples : sequence of bytes
        Encoded batches of the newest nights.
    """

    number: int
    female: bool
    birth_year: int
    untreated_index: float
    fitted: date | None
    nights: Sequence[Row]
    samples: Sequence[bytes]


@dataclass(frozen=True, slots=True, eq=False)
class _Slept:
    """A night that was slept, analysed as if it began at 0."""

    night: Night
    valid_s: float
    indices: Mapping[str, float | None]
    falls: tuple[Desaturation, ...]
    bed: NDArray[np.void]
    bed_indices: Mapping[str, float | None]


def ids_of(seed: int, number: int) -> dict[Kind, str]:
    """The devices of a patient, by kind."""
    digits = f"{(seed << 20 | number) & 0xFFFFFFFFFF:010x}"
    return {"oximetry": f"o2ring-{digits}", "wear": f"mad-{digits}", "bed": f"bed-{digits}"}


def live(wanted: Wanted) -> Lived:
    """Sleep and analyse."""
    rng = np.random.default_rng([0x5EED, wanted.seed, wanted.number])
    treated, works = rng.random() < _TREATED, rng.random() < _WORKS
    share = float(np.clip(rng.beta(5, 1.5), 0.05, 1.0))
    first_on = int(rng.integers(wanted.nights // 6, max(2, wanted.nights // 2))) if treated else wanted.nights
    left = float(rng.uniform(0.15, 0.5) if works else rng.uniform(0.7, 1.0))
    sides = _sleep(wanted, left if treated else 1.0)
    ids = ids_of(wanted.seed, wanted.number)
    rows: list[Row] = []
    logs, batches = [], []
    for place in range(wanted.nights):
        day = wanted.last - timedelta(days=wanted.nights - 1 - place)
        worn = place >= first_on and bool(rng.random() < share)
        pool = sides[worn] or sides[False]
        slept = pool[int(rng.integers(len(pool)))]
        start_ms = (day - EPOCH).days * DAY_MS + 21 * 3_600_000 + int(rng.integers(0, 5400)) * 1000
        rows += [_oximetry_row(ids["oximetry"], day, slept, start_ms), _bed_row(ids["bed"], day, slept, start_ms)]
        log = _wear_log(slept.night, day, start_ms, worn, rng) if place >= first_on else None
        if log is not None:
            logs.append(log)
        if place >= wanted.nights - wanted.sampled:
            batches += _samples(ids, day, slept, start_ms, log)
    rows += _wear_rows(ids["wear"], logs)
    first_bed = wanted.last - timedelta(days=wanted.nights - 1 - first_on) if treated else None
    female = bool(rng.random() < 0.4)
    untreated = float(np.mean([one.indices["odi3"] or 0.0 for one in sides[False]]))
    return Lived(
        wanted.number, female, int(rng.integers(1940, 2000)), round(untreated, 1), first_bed, rows, tuple(batches)
    )


@lru_cache(maxsize=1)
def _cohort(seed: int) -> int:
    """Compile, or load, the kernels once a process."""
    state, _ = stream.step(stream.start(), chunk_of(0, 1000, {"spo2": np.full(60, 97.0, np.float32)}))
    stream.close(state)
    return seed


def _sleep(wanted: Wanted, left: float) -> dict[bool, list[_Slept]]:
    """The nights that are slept: without the MAD and with it."""
    from simulators.cohort import CLINIC, Member

    _cohort(wanted.seed)
    member = Member(CLINIC, wanted.seed, wanted.number)
    with_mad = wanted.slept // 2 if left < 1.0 else 0
    return {
        False: [_analyse(member, index, 1.0) for index in range(wanted.slept - with_mad)],
        True: [_analyse(member, 1000 + index, left) for index in range(with_mad)],
    }


def _analyse(member: Member, index: int, left: float) -> _Slept:
    night = replace(member.night(index, residual=left), start_utc_ms=0)
    chunk = chunk_of(0, 1000, dict(_oximetry_columns(night)))
    state, first = stream.step(stream.start(), chunk)
    _, last = stream.close(state)
    values = msgspec.structs.asdict(last.indices)
    artefacts = values.pop("artefact_s")
    indices: dict[str, float | None] = {
        "mean_spo2": values.pop("mean_pct"),
        "min_spo2": values.pop("min_pct"),
        **values,
        **{f"artefact_{reason}_s": float(seconds) for reason, seconds in artefacts.items()},
        **whole_night([chunk]),
    }
    falls = tuple(
        Desaturation(
            one.start_ms,
            one.nadir_ms,
            one.end_ms,
            one.baseline_pct,
            one.nadir_pct,
            one.depth_pct,
            one.area_pct_s,
            one.confidence,
        )
        for one in (*first.desaturations, *last.desaturations)
    )
    bed = _epochs(night)
    return _Slept(
        night,
        float(last.indices.valid_s),
        indices,
        falls,
        bed,
        indices_of(summarise(bed, np.empty(0, EVENT_DTYPE))),
    )


def _oximetry_columns(night: Night) -> dict[str, Array]:
    from simulators.cohort import trace_of

    trace = trace_of(night)
    return {
        "spo2": np.where(trace.spo2 <= 100, trace.spo2, np.nan).astype(np.float32),
        "pulse": np.rint(night.pulse_bpm).astype(np.float32),
        "perfusion": np.round(night.perfusion_pct, 1).astype(np.float32),
        "motion": trace.motion,
        "flags": trace.flags.astype(np.uint16),
    }


def _epochs(night: Night) -> NDArray[np.void]:
    size = night.duration_s // EPOCH_S
    seconds = slice(0, size * EPOCH_S)
    epochs = np.zeros(size, EPOCH_DTYPE)
    epochs["start_ms"] = np.arange(size) * EPOCH_S * 1000
    moved = (night.motion[seconds].reshape(size, EPOCH_S) > 40).mean(axis=1)
    epochs["heart_rate"] = night.heart_rate_bpm[seconds].reshape(size, EPOCH_S).mean(axis=1)
    epochs["respiration_rate"] = 14.5 + np.sin(np.arange(size) / 90.0)
    epochs["movement"] = moved
    epochs["coverage"] = epochs["valid"] = 1.0 - 0.5 * moved
    epochs["second_breath"] = np.nan
    epochs["presence"] = 1
    return epochs


def _oximetry_row(device: str, day: date, slept: _Slept, start_ms: int) -> Row:
    falls = tuple(
        replace(one, start_ms=one.start_ms + start_ms, nadir_ms=one.nadir_ms + start_ms, end_ms=one.end_ms + start_ms)
        for one in slept.falls
    )
    end_ms = start_ms + slept.night.duration_s * 1000
    result = _result(device, day, stream.PROFILE, stream.PROFILE_VERSION, (start_ms, end_ms), slept.indices)
    return replace(result, valid_s=slept.valid_s), falls, ()


def _bed_row(device: str, day: date, slept: _Slept, start_ms: int) -> Row:
    indices = {
        name: value + start_ms if value is not None and name.endswith("_ms") else value
        for name, value in slept.bed_indices.items()
    }
    bounds = (start_ms, start_ms + slept.night.duration_s * 1000)
    return _result(device, day, "bed", bed_stream.METHOD_VERSION, bounds, indices), (), ()


def _result(
    device: str,
    day: date,
    profile: str,
    version: str,
    bounds: tuple[int, int],
    indices: Mapping[str, float | None],
) -> NightResult:
    made_ms = bounds[1] + 600_000
    return NightResult(device, day, profile, version, ZONE, State.CLOSED, *bounds, 0.0, indices, made_ms)


def _wear_log(night: Night, day: date, start_ms: int, worn: bool, rng: np.random.Generator) -> dict[str, Array]:
    from simulators.cohort import wear_of

    bounds = night_bounds(day, ZONE)
    inside = (start_ms - 900_000, start_ms + int(rng.uniform(5.0, 8.0) * 3_600_000)) if worn else None
    log = wear_of(replace(night, start_utc_ms=start_ms), *bounds, inside, rng)
    return {
        "t_ms": log.t_ms,
        "temperature": log.temperature,
        **{f"accel_{axis}": np.ascontiguousarray(log.accel[:, place]) for place, axis in enumerate("xyz")},
        "motion": log.motion,
        "flags": log.flags,
    }


def _wear_rows(device: str, logs: Sequence[dict[str, Array]]) -> list[Row]:
    if not logs:
        return []
    columns = {name: np.concatenate([log[name] for log in logs]) for name in logs[0]}
    t_ms = columns.pop("t_ms")
    samples = Samples(device, "wear", t_ms, columns, np.full(t_ms.size, STORED, np.uint8))
    made_ms = int(t_ms[-1]) + 600_000
    return [(replace(night, state=State.CLOSED), (), tuple(told)) for night, told in results_of(samples, ZONE, made_ms)]


def _samples(
    ids: Mapping[Kind, str], day: date, slept: _Slept, start_ms: int, log: dict[str, Array] | None
) -> list[bytes]:
    epochs: dict[str, Array] = {name: np.ascontiguousarray(slept.bed[name]) for name in BED_COLUMNS}
    made = [
        *_batches(ids["oximetry"], "oximetry", day, start_ms, 1000, _oximetry_columns(slept.night)),
        *_batches(ids["bed"], "bed", day, start_ms, EPOCH_S * 1000, epochs),
    ]
    if log is not None:
        columns = dict(log)
        t_ms = columns.pop("t_ms")
        made += _batches(ids["wear"], "wear", day, int(t_ms[0]), int(t_ms[1] - t_ms[0]), columns)
    return [encode_batch(one) for one in made]


def _batches(device: str, kind: Kind, day: date, t0_ms: int, dt_ms: int, columns: Mapping[str, Array]) -> list[Batch]:
    size = len(next(iter(columns.values())))
    begins = range(0, size, MAX_SAMPLES)
    return [
        Batch(
            device=device,
            kind=kind,
            origin="stored",
            session=f"{kind}-{day}",
            seq=seq,
            t0_ms=t0_ms + begin * dt_ms,
            columns={name: column[begin : begin + MAX_SAMPLES] for name, column in columns.items()},
            clock=CLOCK,
            dt_ms=dt_ms,
            last=begin == begins[-1],
        )
        for seq, begin in enumerate(begins)
    ]
