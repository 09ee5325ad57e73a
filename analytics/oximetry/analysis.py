"""Whole-night analysis: a recording in, everything that this project says of it out.

Runs when the night closes. Desaturations of `peak` and all causal indices come from the streaming step, fed with the
whole night, so they are those that were shown as the night went on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.oximetry import stream
from analytics.oximetry.biomarkers import night_biomarkers
from analytics.oximetry.burden import OWN_DEPTH_PCT, hypoxic_burden, own_events
from analytics.oximetry.events import EVENT_DTYPE, Desaturation, Events
from analytics.oximetry.indices import RunningIndices
from analytics.oximetry.night import NightGrid, lay_out
from analytics.oximetry.profiles import Profile, get_profile
from analytics.oximetry.profiles.profile import DETECT_DEPTHS_PCT, bridged
from analytics.oximetry.pulse_response import pulse_summary
from analytics.oximetry.reading import MIN_VALID_H, Sex, read_night
from analytics.oximetry.results import (
    Analysis,
    DesaturationRow,
    HypoxicBurden,
    Quality,
    Spo2Summary,
)
from analytics.oximetry.signal import MOTION_NONE, OximetryChunk

__all__ = ["Analysis", "NightInput", "ScoredEvents", "analyze_night"]

LISTED_DEPTH_PCT: Final = 2.0
"""Desaturations from this depth on are listed: every one that counts in an index."""

DESCRIBED_DEPTH_PCT: Final = 3.0
"""Desaturations from this depth on make the baseline, the severity and the biomarkers."""

UNKNOWN_STAGE: Final = 9


@dataclass(frozen=True, slots=True, eq=False)
class NightInput:
    """One recording as its device gave it; shape (n,) for every column that is there.

    Attributes
    ----------
    interval_s
        Sampling interval, s: a whole number of ms.
    spo2
        %, NaN missing. Fillers (0, 127, 255, 511, 65535) and what is outside 50..100 count as missing or out of range.
    pulse
        bpm, NaN missing; None where the device gives none.
    motion
        Device units, 255 or NaN none; None where the device gives none.
    flags
        Bits as in `OximetryChunk`; None where the device gives none.
    t_ms
        Time of each sample from the first, ms, strictly increasing; None for an even recording. They are laid on whole
        intervals (so jitter below half an interval goes), and missing intervals are gaps.
    """

    interval_s: float
    spo2: NDArray[np.floating[Any]]
    pulse: NDArray[np.floating[Any]] | None = None
    motion: NDArray[np.number[Any]] | None = None
    flags: NDArray[np.integer[Any]] | None = None
    t_ms: NDArray[np.integer[Any]] | None = None

    def chunks(self) -> tuple[OximetryChunk, ...]:
        """The recording in stretches without a gap, time counting from its first sample.

        Raises
        ------
        ValueError
            For an interval that is not positive, columns that differ in length, or times that do not increase.
        """
        dt_ms = round(self.interval_s * 1000) if math.isfinite(self.interval_s) else 0
        if dt_ms <= 0:
            raise ValueError(f"the sampling interval must be positive, not {self.interval_s} s")
        n = len(self.spo2)
        columns = (self.pulse, self.motion, self.flags, self.t_ms)
        if any(column is not None and len(column) != n for column in columns):
            raise ValueError("the columns of the recording differ in length")
        whole = OximetryChunk(
            0,
            dt_ms,
            np.ascontiguousarray(self.spo2, np.float32),
            np.empty(0, np.float32) if self.pulse is None else np.ascontiguousarray(self.pulse, np.float32),
            _motion(self.motion),
            np.empty(0, np.uint16) if self.flags is None else np.ascontiguousarray(self.flags, np.uint16),
        )
        if self.t_ms is None or n == 0:
            return (whole,)
        return _stretches(whole, np.asarray(self.t_ms, np.int64))


def _motion(motion: NDArray[np.number[Any]] | None) -> NDArray[np.uint8]:
    """Motion as devices send it: 0..254, and 255 for none."""
    if motion is None:
        return np.empty(0, np.uint8)
    known = np.nan_to_num(np.asarray(motion, np.float64), nan=MOTION_NONE, posinf=MOTION_NONE)
    return np.clip(known, 0, MOTION_NONE).astype(np.uint8)


def _stretches(whole: OximetryChunk, t_ms: NDArray[np.int64]) -> tuple[OximetryChunk, ...]:
    """Cut a recording where its times skip intervals; of samples in one interval the first stays."""
    back = np.flatnonzero(np.diff(t_ms) <= 0)
    if back.size:
        raise ValueError(f"sample times do not increase at sample {int(back[0]) + 1}")
    slot = np.rint((t_ms - t_ms[0]) / whole.dt_ms).astype(np.int64)
    keep = np.concatenate(([True], np.diff(slot) > 0))
    slot = slot[keep]
    edges = np.concatenate(([0], np.flatnonzero(np.diff(slot) > 1) + 1, [slot.size]))
    rows = np.flatnonzero(keep)
    return tuple(
        _part(whole, int(slot[first]) * whole.dt_ms, rows[first:last])
        for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    )


def _part(whole: OximetryChunk, t0_ms: int, rows: NDArray[np.intp]) -> OximetryChunk:
    """Some rows of a recording, the first of them at `t0_ms`; empty columns stay empty."""
    return OximetryChunk(
        t0_ms,
        whole.dt_ms,
        whole.spo2[rows],
        whole.pulse[rows] if len(whole.pulse) else whole.pulse,
        whole.motion[rows] if len(whole.motion) else whole.motion,
        whole.flags[rows] if len(whole.flags) else whole.flags,
    )


@dataclass(frozen=True, slots=True, eq=False)
class ScoredEvents:
    """Respiratory events that somebody scored: start and duration in s from the first sample, shape (m,) each."""

    start_s: NDArray[np.float64]
    duration_s: NDArray[np.float64]


def analyze_night(
    night: NightInput,
    *,
    profile: str = "peak",
    events: ScoredEvents | None = None,
    stages: NDArray[np.number[Any]] | None = None,
    sex: Sex | None = None,
    age: float | None = None,
) -> Analysis:
    """Analyse one night.

    Parameters
    ----------
    night
        The recording.
    profile
        Name of the rule for desaturations; see `profiles.PROFILES`.
    events
        Scored respiratory events for the hypoxic burden; None: own desaturations stand in.
    stages
        Sleep stage of each second from the first sample (0 wake, 1..8 sleep, 9 unknown); cut, or filled with unknown,
        to the recording. None: all of the recording counts as sleep.
    sex, age
        Of the sleeper, where known; years.

    Returns
    -------
    Analysis
        Rates by valid hour. A night without a valid second has NaN in all of them and severity `unknown`.

    Raises
    ------
    ValueError
        For an empty or overlong recording, an unknown profile, or input as `NightInput.chunks`, `hypoxic_burden` and
        `read_night` refuse it.
    """
    chunks = night.chunks()
    return analyze_chunks(chunks, night.interval_s, profile=profile, events=events, stages=stages, sex=sex, age=age)


def analyze_chunks(
    chunks: Sequence[OximetryChunk],
    interval_s: float,
    *,
    profile: str = "peak",
    events: ScoredEvents | None = None,
    stages: NDArray[np.number[Any]] | None = None,
    sex: Sex | None = None,
    age: float | None = None,
) -> Analysis:
    """Analyse one night given in stretches, in order of time: as a service holds it; see `analyze_night`.

    `interval_s` is what the recording's device is said to sample at; each stretch has its own.
    """
    rule = get_profile(profile)
    grid = lay_out(chunks)
    own, indices = _streamed(chunks)
    found = {depth: own if rule.detect is None else _detected(rule, grid, depth) for depth in DETECT_DEPTHS_PCT}
    found = {depth: rows[rows["depth_pct"] >= depth] for depth, rows in found.items()}
    described = found[DESCRIBED_DEPTH_PCT]
    hours = indices.valid_s / 3600.0
    odi2, odi3, odi4 = (found[depth].size / hours if hours else math.nan for depth in DETECT_DEPTHS_PCT)
    spo2 = _spo2_summary(grid, indices, described)
    pulse = pulse_summary(grid.pulse, found[OWN_DEPTH_PCT])
    burden = _burden(grid, found[OWN_DEPTH_PCT], events, stages)
    quality = Quality(
        recorded_h=indices.recorded_s / 3600.0,
        valid_h=hours,
        valid_pct=100.0 * indices.valid_s / indices.recorded_s if indices.recorded_s else math.nan,
        masked_s={reason: seconds for reason, seconds in indices.artefact_s.items() if reason != "valid"},
        sufficient=hours >= MIN_VALID_H,
    )
    reading = read_night(odi3, odi4, spo2, burden, pulse, quality, sex=sex, age=age)
    return Analysis(
        interval_s=interval_s,
        duration_h=quality.recorded_h,
        valid_h=hours,
        profile=rule.name,
        profile_version=rule.version,
        spo2=spo2,
        pulse=pulse,
        odi2=odi2,
        odi3=odi3,
        odi4=odi4,
        desaturations=tuple(DesaturationRow(*map(float, row)) for row in found[LISTED_DEPTH_PCT].tolist()),
        desaturation_severity=float(described["area_pct_s"].sum(dtype=np.float64)) / indices.valid_s
        if hours
        else math.nan,
        hypoxic_burden=burden,
        severity=reading.severity,
        quality=quality,
        biomarkers=night_biomarkers(grid.spo2, described, grid.pulse),
        reading=reading,
    )


def _streamed(chunks: Sequence[OximetryChunk]) -> tuple[Events, RunningIndices]:
    """Desaturations (>= 2 %) and indices as the streaming step gives them, seconds from the first sample."""
    state = stream.start()
    found: list[Desaturation] = []
    for chunk in chunks:
        state, output = stream.step(state, chunk)
        found.extend(output.desaturations)
    state, output = stream.close(state)
    found.extend(output.desaturations)
    origin = state.origin_ms
    rows = np.zeros(len(found), EVENT_DTYPE)
    for row, event in zip(rows, found, strict=True):
        row["start_s"] = (event.start_ms - origin) // 1000
        row["nadir_s"] = (event.nadir_ms - origin) // 1000
        row["end_s"] = (event.end_ms - origin) // 1000
        for name in ("baseline_pct", "nadir_pct", "depth_pct", "area_pct_s", "confidence"):
            row[name] = getattr(event, name)
    return rows, output.indices


def _detected(rule: Profile, grid: NightGrid, depth_pct: float) -> Events:
    """Desaturations of one depth by a rule that reads the bridged signal."""
    assert rule.detect is not None
    return rule.detect(bridged(grid.raw_spo2, rule.bridge), depth_pct)


def _spo2_summary(grid: NightGrid, indices: RunningIndices, desaturations: Events) -> Spo2Summary:
    valid = ~np.isnan(grid.spo2)
    quiet = valid.copy()
    for row in desaturations:
        quiet[row["start_s"] : row["end_s"] + 1] = False
    values = grid.spo2[valid].astype(np.float64)
    nan = math.nan
    p0, p1, p5, p50, p95, p100 = np.percentile(values, (0, 1, 5, 50, 95, 100)).tolist() if values.size else [nan] * 6
    base = grid.spo2[quiet if quiet.any() else valid]
    return Spo2Summary(
        mean=float(values.mean()) if values.size else nan,
        median=p50,
        min=p0,
        max=p100,
        sd=float(values.std()) if values.size else nan,
        p1=p1,
        p5=p5,
        p95=p95,
        baseline=float(base.mean(dtype=np.float64)) if base.size else nan,
        t95_pct=indices.t95_pct,
        t90_pct=indices.t90_pct,
        t90_le_pct=indices.t90_le_pct,
        t88_pct=indices.t88_pct,
        t85_pct=indices.t85_pct,
        t80_pct=indices.t80_pct,
        le_88_s=float(indices.seconds_le_88),
        longest_le_88_s=float(indices.longest_le_88_s),
        nocturnal_oxygen_criterion=indices.meets_payer_criterion,
    )


def _burden(
    grid: NightGrid, desaturations: Events, scored: ScoredEvents | None, stages: NDArray[np.number[Any]] | None
) -> HypoxicBurden:
    """From scored events on the signal as the reference reads it, else from own desaturations on the masked one."""
    n = grid.spo2.size
    fitted = None
    if stages is not None:
        fitted = np.full(n, float(UNKNOWN_STAGE))
        fitted[: len(stages)] = stages[:n]
    if scored is not None:
        return hypoxic_burden(grid.raw_spo2, scored.start_s, scored.duration_s, events="scored", stages=fitted)
    return hypoxic_burden(grid.spo2, *own_events(desaturations), events="own", stages=fitted)
