"""A file's samples as batches of one stored session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from gateway.errors import InputFileError, WireError
from gateway.service.exchange.files import WearLog
from gateway.service.exchange.files.bed_waveform import BedWaveform
from gateway.service.exchange.imports.opened import File
from gateway.service.exchange.imports.waveform import STEP_MS, to_counts
from gateway.service.exchange.recording import Recording
from gateway.wire.messages import MAX_SAMPLES, SCHEMA, Array, Batch, ClockInfo, Kind, WaveformFlag

UNCERTAINTY_MS: Final = 60_000
"""A file's times are those of a clock that somebody set by hand."""
_LONGEST_MS: Final = 1 << 30
"""Offsets within a batch are of 32 bits: twelve days, and the next one begins."""


def to_batches(file: File, device: str, session: str, start_ms: int) -> list[Batch]:
    """Cut a file's samples into batches, the last one marked.

    Parameters
    ----------
    start_ms
        UTC of the first sample.

    Raises
    ------
    InputFileError
        Its samples cannot be dated in whole milliseconds, or lie outside of the times that the wire knows.
    """
    try:
        if isinstance(file, Recording):
            batches = list(_oximetry(file, device, session, start_ms))
        elif isinstance(file, WearLog):
            batches = list(_wear(file, device, session, start_ms))
        else:
            batches = list(_waveform(file, device, session, start_ms))
    except WireError as error:
        raise InputFileError(f"{file.source}: {error}") from None
    return [*batches[:-1], replace(batches[-1], last=True)]


def _oximetry(file: Recording, device: str, session: str, start_ms: int) -> Iterator[Batch]:
    dt_ms = round(file.interval_s * 1000)
    if dt_ms < 1 or abs(dt_ms - file.interval_s * 1000) * file.spo2.size > dt_ms:
        raise InputFileError(f"{file.source}: a sample every {file.interval_s:g} s is no whole number of milliseconds")
    columns: dict[str, Array] = {
        "spo2": file.spo2,
        "pulse": file.pulse,
        "motion": file.motion,
        "flags": file.flags,
    }
    for seq, begin in enumerate(range(0, file.spo2.size, MAX_SAMPLES)):
        part = slice(begin, begin + MAX_SAMPLES)
        yield _batch("oximetry", device, session, seq, start_ms + begin * dt_ms, _cut("oximetry", columns, part), dt_ms)


def _wear(file: WearLog, device: str, session: str, start_ms: int) -> Iterator[Batch]:
    columns: dict[str, Array] = {"temperature": file.temperature}
    if file.accel.size:
        columns |= {f"accel_{axis}": file.accel[:, number] for number, axis in enumerate("xyz")}
    columns |= {name: held for name, held in (("motion", file.motion), ("flags", file.flags)) if held.size}
    t_ms = start_ms + np.rint(file.seconds * 1000).astype(np.int64)
    begin = seq = 0
    while begin < t_ms.size:
        end = min(begin + MAX_SAMPLES, int(np.searchsorted(t_ms, t_ms[begin] + _LONGEST_MS)))
        part = slice(begin, end)
        offsets = (t_ms[part] - t_ms[begin]).astype(np.int32)
        yield _batch("wear", device, session, seq, int(t_ms[begin]), _cut("wear", columns, part), t_ms=offsets)
        begin, seq = end, seq + 1


def _waveform(file: BedWaveform, device: str, session: str, start_ms: int) -> Iterator[Batch]:
    counts = to_counts(file)
    flags = counts.flags if counts.flags.size else np.zeros(counts.pressure.size, np.uint8)
    columns: dict[str, Array] = {"pressure": counts.pressure, "flags": flags}
    if counts.gain.size:
        columns["gain"] = counts.gain
    # Runs of known samples: what is missing is not sent, and the sample after it says so.
    edges = np.flatnonzero(np.diff(np.concatenate([[False], counts.known, [False]]).astype(np.int8)))
    seq = 0
    for begin, end in edges.reshape(-1, 2).tolist():
        if seq:
            flags[begin] |= WaveformFlag.GAP
        for at in range(begin, end, MAX_SAMPLES):
            part = slice(at, min(at + MAX_SAMPLES, end))
            cut = _cut("waveform", columns, part)
            yield _batch("waveform", device, session, seq, start_ms + at * STEP_MS, cut, STEP_MS)
            seq += 1


def _cut(kind: Kind, columns: Mapping[str, Array], part: slice) -> dict[str, Array]:
    return {name: np.ascontiguousarray(column[part], SCHEMA[kind][name]) for name, column in columns.items()}


def _batch(
    kind: Kind,
    device: str,
    session: str,
    seq: int,
    t0_ms: int,
    columns: Mapping[str, Array],
    dt_ms: int | None = None,
    t_ms: NDArray[np.int32] | None = None,
) -> Batch:
    clock = ClockInfo("device", UNCERTAINTY_MS)
    return Batch(device, kind, "stored", session, seq, t0_ms, columns, clock, dt_ms=dt_ms, t_ms=t_ms)
