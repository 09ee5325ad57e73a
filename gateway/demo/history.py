"""The nights behind the demo's patients, as their devices would have brought them: slept by the simulators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from gateway.demo.stories import NIGHTS, STORIES, ZONE, Story
from gateway.service.nights import night_bounds
from gateway.wire import topics
from gateway.wire.codec import encode_batch
from gateway.wire.messages import MAX_SAMPLES, Array, Batch, ClockInfo, Kind, WearFlag

if TYPE_CHECKING:
    from simulators.cohort import Member
    from simulators.physiology import Night

EPOCH: Final = date(1970, 1, 1)
_MOST_TRIED: Final = 400
"""Of the people of a population nearly one in seven sleeps with shallow events."""

CLOCK: Final = ClockInfo("anchors", 500)


def home_of(key: str) -> str:
    """Id of a story's gateway."""
    return f"home-{key}"


def ring_of(key: str) -> str:
    """Id of a story's oximeter."""
    return f"o2ring-{_digits(key)}"


def recorder_of(key: str) -> str:
    """Id of a story's recorder."""
    return f"mad-{_digits(key)}"


def _digits(key: str) -> str:
    return f"{sum(ord(letter) << (5 * place) for place, letter in enumerate(key[:7])) & 0xFFFFFFFFFF:010x}"


@lru_cache
def sleeper_of(story: int, seed: int) -> Member:
    """The simulated person of a story: the first of their kind in a population of people like them."""
    from simulators.cohort import Member, Population

    told = STORIES[story]
    people = Population(told.key, told.median_ahi, spread=0.0, night_spread=0.22, night_spread_spread=0.0)
    members = (Member(people, seed + story, number) for number in range(_MOST_TRIED))
    return next(one for one in members if one.group.name == told.kind)


@dataclass(frozen=True, slots=True)
class Past:
    """One night to be slept: of which story (by its place), which night, by which seed, on which date."""

    story: int
    number: int
    seed: int
    day: date


def sleep(past: Past) -> list[tuple[str, bytes]]:
    """What a night brings, as messages: topic and payload. For a process beside, so plain values in and out."""
    story = STORIES[past.story]
    rng = np.random.default_rng([past.seed, past.number, *story.key.encode()])
    worn = bool(rng.random() * 10 < _at(story.worn, past.number, 0.0))
    sleeper = sleeper_of(past.story, past.seed)
    night = sleeper.night((past.day - EPOCH).days, residual=story.left if worn else 1.0)
    batches = []
    if past.number not in story.no_ring:
        batches += oximetry(ring_of(story.key), night, f"night-{past.day}")
        batches.append(_battery(story, past.number, night))
    if min(story.advancement_mm) <= past.number <= story.recorder_until:
        batches += _recorder(story, past.number, past.day, night, worn, rng)
    home = home_of(story.key)
    return [(topics.batch(home, one.device, one.kind), encode_batch(one)) for one in batches]


def oximetry(device: str, night: Night, session: str) -> list[Batch]:
    """A night as an oximeter keeps it, in batches of one stored session."""
    from simulators.cohort import trace_of

    trace = trace_of(night)
    columns: dict[str, Array] = {
        "spo2": np.where(trace.spo2 <= 100, trace.spo2, np.nan).astype(np.float32),
        "pulse": np.rint(night.pulse_bpm).astype(np.float32),
        "motion": trace.motion,
        "flags": trace.flags.astype(np.uint16),
    }
    return _cut(device, "oximetry", session, night.start_utc_ms, columns, dt_ms=1000)


def _cut(
    device: str,
    kind: Kind,
    session: str,
    t0_ms: int,
    columns: dict[str, Array],
    *,
    dt_ms: int,
) -> list[Batch]:
    size = len(next(iter(columns.values())))
    begins = range(0, size, MAX_SAMPLES)
    return [
        Batch(
            device=device,
            kind=kind,
            origin="stored",
            session=session,
            seq=seq,
            t0_ms=t0_ms + begin * dt_ms,
            columns={name: column[begin : begin + MAX_SAMPLES] for name, column in columns.items()},
            clock=CLOCK,
            dt_ms=dt_ms,
            last=begin == begins[-1],
        )
        for seq, begin in enumerate(begins)
    ]


def _battery(story: Story, number: int, night: Night) -> Batch:
    first, last = story.battery_pct
    level = np.array([first + (last - first) * number / (NIGHTS - 1)], np.float32)
    return Batch(
        device=ring_of(story.key),
        kind="device",
        origin="live",
        session=f"battery-{number}",
        seq=0,
        t0_ms=night.end_utc_ms,
        columns={"battery": level},
        clock=CLOCK,
        dt_ms=1000,
    )


def _recorder(story: Story, number: int, day: date, night: Night, worn: bool, rng: np.random.Generator) -> list[Batch]:
    from simulators.cohort import wear_of

    start_ms, end_ms = night_bounds(day, ZONE)
    begin_ms = night.start_utc_ms - int(rng.uniform(5, 40) * 60_000)
    hours = story.hours + float(rng.normal(0.0, 0.5))
    log = wear_of(night, start_ms, end_ms, (begin_ms, begin_ms + int(hours * 3_600_000)) if worn else None, rng)
    flags = log.flags.copy()
    if story.clock_lost_from is not None and number >= story.clock_lost_from:
        flags |= np.uint16(WearFlag.CLOCK_LOST)
    columns: dict[str, Array] = {
        "temperature": log.temperature,
        **{f"accel_{axis}": np.ascontiguousarray(log.accel[:, place]) for place, axis in enumerate("xyz")},
        "motion": log.motion,
        "flags": flags,
    }
    every_ms = int(log.t_ms[1] - log.t_ms[0])
    return _cut(recorder_of(story.key), "wear", f"day-{day}", int(log.t_ms[0]), columns, dt_ms=every_ms)


def _at(course: Mapping[int, float], number: int, otherwise: float) -> float:
    begun = [night for night in course if night <= number]
    return course[max(begun)] if begun else otherwise
