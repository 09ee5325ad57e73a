"""The truth of a simulated home against what the store and the records hold: what was lost, doubled, found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from analytics.adherence.samples import WearChunk
from analytics.adherence.stream import find_wear
from gateway.demo.match import Rows, count_aligned, count_sparse
from gateway.wire.files.viatom import MISSING_PULSE, parse_vld
from gateway.wire.messages import SCHEMA, Array, Kind, Origin, OximetryFlag

if TYPE_CHECKING:
    from gateway.service.records import Records
    from gateway.service.store.base import Samples, SampleStore
    from simulators.truth import Truth, WearTruth

MATCH_MS: Final = 10_000
"""A found desaturation is a true one's when their nadirs are within this."""

DEPTH_PCT: Final = 4.0
"""True desaturations are counted from this depth on, as generated before rounding."""

LIVE_MS: Final = 4_000
"""A live sample is dated within half an interval and the radio's jitter of its truth."""

STORED_MS: Final = 1_000
"""A stored sample is dated within the second to which a ring tells its clock."""

RECORD_MS: Final = 2_000
"""A record of the recorder or the bed sensor is dated within this between anchors no more than a day apart."""

RECORDER, BED_SENSOR = "mad-", "bed-"
"""How the ids of the recorder and of the bed sensor begin."""

END_OF_TIME: Final = 1 << 42

_TEMPERATURE_STEP: Final = 1 << 12
"""Above the 12 bits of the motion; a temperature is kept to 0.01 degC, and may be rounded either way."""
_GAINS: Final = 16
"""More than an amplifier doubles its gain."""


@dataclass(frozen=True, slots=True)
class Account:
    """What came of the samples and the desaturations of a simulated home."""

    samples_generated: int
    samples_stored: int
    samples_lost: int
    samples_duplicated: int
    desaturations_true: int | None
    desaturations_found: int
    desaturations_matched: int | None
    wear_minutes_true: float | None
    wear_minutes_found: float | None


def reconcile(truth: Truth, store: SampleStore, records: Records, *, gateway: str | None = None) -> Account:
    """Hold the truth against the store and the records: of one gateway's devices, or of all.

    A sample is lost when the store has none of its time with its very values; it is doubled when the store has one
    more than was given out. Live and stored samples of the same oximetry are counted apart: both are kept. Of the
    recorder and the bed sensor each sample is in the one or the other.
    """
    generated = stored = lost = doubled = 0
    home = {one.id for one in records.devices.list() if gateway is None or one.gateway_id == gateway}
    devices = [device for device in store.devices() if device in home]
    oximeters = [device for device in devices if not device.startswith((RECORDER, BED_SENSOR))]
    for device in oximeters:
        for origin, expected, tolerance in (
            ("live", live_rows(truth), LIVE_MS),
            ("stored", stored_rows(truth), STORED_MS),
        ):
            kept = rows_of(
                store.read(device, "oximetry", 0, END_OF_TIME, origin="live" if origin == "live" else "stored")
            )
            if origin == "live":
                kept = kept[(kept["flags"] & OximetryFlag.NO_FINGER) == 0]
            matched = count_matches(expected, kept, tolerance)
            generated += expected.size
            stored += kept.size
            lost += expected.size - matched
            doubled += kept.size - matched
    if not oximeters:
        generated = lost = live_rows(truth).size + stored_rows(truth).size
    for had, missing, left in (_reconcile_wear(truth.wear, store, devices), _reconcile_waves(truth, store, devices)):
        generated += had + missing
        stored += had + left
        lost += missing
        doubled += left
    nights = [night for night in records.results.nights() if night.device in home]
    found = [one.nadir_ms for night in nights for one in records.results.desaturations(night)]
    deep = [at_ms for at_ms, depth in truth.falls if depth >= DEPTH_PCT]
    known = bool(truth.falls)
    return Account(
        generated,
        stored,
        lost,
        doubled,
        len(deep) if known else None,
        len(found),
        match_nadirs(deep, found) if known else None,
        None if truth.wear is None else round(sum(end - start for start, end in truth.wear.intervals) / 60_000, 1),
        None if truth.wear is None else _wear_minutes(store, devices),
    )


def _reconcile_wear(wear: WearTruth | None, store: SampleStore, devices: Sequence[str]) -> tuple[int, int, int]:
    """Found, missing and left-over records of the recorder."""
    if wear is None:
        return 0, 0, 0
    expected = Rows(np.array(wear.utc_ms, np.int64).astype(np.float64), _wear_code(wear.temperature, wear.motion))
    kept = _both(store, devices, RECORDER, "wear")
    values = _wear_code(kept["temperature"], kept["motion"])
    return count_sparse(expected, Rows(kept["t_ms"], values), RECORD_MS, _TEMPERATURE_STEP, wear.due_ms)


def _wear_code(temperature: Sequence[float] | Array, motion: Sequence[int] | Array) -> NDArray[np.int64]:
    degrees = np.nan_to_num(np.asarray(temperature, np.float64), nan=-40.0)
    rounded = np.rint((degrees + 40.0) * 100.0).astype(np.int64)
    return rounded * _TEMPERATURE_STEP + np.minimum(np.asarray(motion, np.int64), _TEMPERATURE_STEP - 2)


def _reconcile_waves(truth: Truth, store: SampleStore, devices: Sequence[str]) -> tuple[int, int, int]:
    """Found, missing and left-over samples of the bed sensor."""
    if not truth.waves:
        return 0, 0, 0
    kept = _both(store, devices, BED_SENSOR, "waveform")
    stored = kept["pressure"].astype(np.int64) * _GAINS + kept["gain"]
    totals = np.zeros(3, np.int64)
    edges = [0.0, *(wave.utc_ms - RECORD_MS for wave in truth.waves[1:]), float(END_OF_TIME)]
    for wave, start, end in zip(truth.waves, edges, edges[1:], strict=False):
        values = np.frombuffer(wave.values, "<i2").astype(np.int64)
        gain = np.zeros(values.size, np.int64)
        for at, step in wave.gains:
            gain[at:] = step
        t_ms = wave.utc_ms + np.arange(values.size, dtype=np.float64) * wave.period_ms
        part = slice(*np.searchsorted(kept["t_ms"], [start, end]))
        rows = Rows(kept["t_ms"][part], stored[part])
        totals += count_aligned(Rows(t_ms, values * _GAINS + gain), rows, RECORD_MS, wave.due_ms)
    return int(totals[0]), int(totals[1]), int(totals[2])


def _both(store: SampleStore, devices: Sequence[str], family: str, kind: Kind) -> dict[str, Array]:
    """Every sample of a family's devices, live and stored, in order of time."""
    origins: tuple[Origin, ...] = ("live", "stored")
    parts = [
        store.read(device, kind, 0, END_OF_TIME, origin=origin)
        for device in devices
        if device.startswith(family)
        for origin in origins
    ]
    t_ms = np.concatenate([np.zeros(0), *(part.t_ms.astype(np.float64) for part in parts)])
    order = np.argsort(t_ms, kind="stable")
    columns = {
        name: np.concatenate([np.zeros(0, dtype), *(part.columns[name] for part in parts)])[order]
        for name, dtype in SCHEMA[kind].items()
    }
    return {"t_ms": t_ms[order], **columns}


def _wear_minutes(store: SampleStore, devices: Sequence[str]) -> float:
    """Minutes of wear that the stored readings show."""
    found = 0.0
    for device in devices:
        if device.startswith(RECORDER):
            samples = store.read(device, "wear", 0, END_OF_TIME)
            columns = samples.columns
            accel = np.stack([columns[name] for name in ("accel_x", "accel_y", "accel_z")], axis=1)
            wear = find_wear(
                WearChunk(samples.t_ms, columns["temperature"], accel, columns["motion"], columns["flags"])
            )
            found += sum((one.end_ms - one.start_ms) / 60_000 for one in wear.intervals if not one.suspect)
    return round(found, 1)


ROW: Final = np.dtype([("t_ms", "<i8"), ("spo2", "<f4"), ("pulse", "<f4"), ("flags", "<u2")])


def live_rows(truth: Truth) -> NDArray[np.void]:
    """Live samples as they were given out."""
    rows = np.zeros(len(truth.live.utc_ms), ROW)
    rows["t_ms"] = truth.live.utc_ms
    for name, values in (("spo2", truth.live.spo2), ("pulse", truth.live.pulse)):
        rows[name] = [np.nan if value is None else value for value in values]
    return rows


def stored_rows(truth: Truth) -> NDArray[np.void]:
    """Samples of the stored files, by the ring's own time read as UTC; a ring of a simulated home is set to it."""
    parts = []
    for held in truth.files:
        file = parse_vld(held.data)
        rows = np.zeros(file.spo2.size, ROW)
        assert file.start is not None, "a simulated ring's clock is set"
        start_ms = int(np.datetime64(file.start, "ms").astype(np.int64))
        rows["t_ms"] = start_ms + np.arange(rows.size) * round(file.interval_s * 1000)
        rows["spo2"] = np.where((file.spo2 == 0) | (file.spo2 > 100), np.nan, file.spo2)
        rows["pulse"] = np.where(
            (file.pulse == 0) | (file.pulse == 0xFF) | (file.pulse == MISSING_PULSE), np.nan, file.pulse
        )
        parts.append(rows)
    return np.concatenate(parts) if parts else np.zeros(0, ROW)


def rows_of(samples: Samples) -> NDArray[np.void]:
    """Samples of the store as rows."""
    rows = np.zeros(len(samples), ROW)
    rows["t_ms"] = samples.t_ms
    for name in ("spo2", "pulse", "flags"):
        rows[name] = samples.columns[name]
    return rows


def count_matches(expected: NDArray[np.void], kept: NDArray[np.void], tolerance_ms: int) -> int:
    """Match rows one to one, in order: the same values within `tolerance_ms`. Returns how many matched."""
    if expected.size == kept.size and _alike(expected, kept, tolerance_ms).all():
        return int(expected.size)
    matched = at = 0
    for row in expected:
        while at < kept.size and kept["t_ms"][at] < row["t_ms"] - tolerance_ms:
            at += 1
        ahead = at
        while ahead < kept.size and kept["t_ms"][ahead] <= row["t_ms"] + tolerance_ms:
            if _alike(row, kept[ahead], tolerance_ms):
                matched += 1
                at = ahead + 1
                break
            ahead += 1
    return matched


def _alike(a: NDArray[np.void], b: NDArray[np.void], tolerance_ms: int) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = np.abs(a["t_ms"] - b["t_ms"]) <= tolerance_ms
    for name in ("spo2", "pulse"):
        same &= (a[name] == b[name]) | (np.isnan(a[name]) & np.isnan(b[name]))
    return same


def match_nadirs(true_ms: Sequence[int], found_ms: Sequence[int]) -> int:
    """Count true nadirs that have a found one of their own within `MATCH_MS`: one to one, as many as can be.

    Both in order of time, the earliest that fits is taken, which is the most for intervals of one length.
    """
    found = sorted(found_ms)
    matched = at = 0
    for nadir in sorted(true_ms):
        while at < len(found) and found[at] < nadir - MATCH_MS:
            at += 1
        if at < len(found) and found[at] <= nadir + MATCH_MS:
            matched += 1
            at += 1
    return matched
