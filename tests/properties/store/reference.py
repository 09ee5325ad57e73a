"""The contract of a sample store, said again as slowly and plainly as possible; and batches to hold stores against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from gateway.service.store import Samples, Selection
from gateway.wire.messages import SCHEMA, Batch, ClockInfo, Kind, Origin

Row = tuple[int, int, tuple[bytes, ...]]
"""Time, origin (0 live, 1 stored), and each column's bytes: equal rows are equal bit for bit."""

CLOCK = ClockInfo("arrival", 50)


def make_batch(
    seq: int,
    t0_ms: int,
    size: int = 3,
    *,
    device: str = "o2ring-0123456789",
    kind: Kind = "oximetry",
    origin: Origin = "live",
    session: str = "s1",
    revision: int = 0,
    last: bool = False,
    dt_ms: int | None = 1000,
    t_ms: Sequence[int] | None = None,
    columns: Iterable[str] | None = None,
) -> Batch:
    """A batch whose values tell session, revision, seq and place apart, with a NaN here and there."""
    values: dict[str, Any] = {}
    for at, name in enumerate(SCHEMA[kind] if columns is None else columns):
        dtype = SCHEMA[kind][name]
        base = np.arange(size) + seq * 17 + revision * 5 + at * 3 + sum(session.encode())
        if dtype.kind == "f":
            column = (base * np.float32(0.37)).astype(dtype)
            column[(base % 7) == 0] = np.nan
        else:
            column = (base % 100).astype(dtype)
        values[name] = column
    times = None if t_ms is None else np.array(t_ms, np.int32)
    return Batch(
        device,
        kind,
        origin,
        session,
        seq,
        t0_ms,
        values,
        CLOCK,
        dt_ms=None if t_ms is not None else dt_ms,
        t_ms=times,
        revision=revision,
        last=last,
    )


def rows_of(samples: Samples) -> list[Row]:
    """What was read, as rows that compare bit for bit."""
    for name, dtype in SCHEMA[samples.kind].items():
        assert samples.columns[name].dtype == dtype, name
        assert samples.columns[name].shape == samples.t_ms.shape, name
    assert samples.columns.keys() == SCHEMA[samples.kind].keys()
    assert samples.t_ms.dtype == np.int64
    assert samples.origin.dtype == np.uint8
    columns = [[value.tobytes() for value in samples.columns[name]] for name in SCHEMA[samples.kind]]
    return list(zip(samples.t_ms.tolist(), samples.origin.tolist(), zip(*columns, strict=True), strict=True))


def expected_rows(
    batches: Iterable[Batch], device: str, kind: Kind, start_ms: int, end_ms: int, origin: Selection = "resolved"
) -> list[Row]:
    """What must be read after these batches have been appended in any order."""
    counted = _counted(batch for batch in batches if (batch.device, batch.kind) == (device, kind))
    covers = [
        cover for batch_list in counted.values() if batch_list[0].origin == "stored" for cover in _covers(batch_list)
    ]
    candidates = []
    for (session, revision), batch_list in counted.items():
        stored = batch_list[0].origin == "stored"
        if origin != "resolved" and origin != batch_list[0].origin:
            continue
        for batch in batch_list:
            for place, time in enumerate(batch.times_ms().tolist()):
                hidden = not stored and origin == "resolved" and any(start <= time < end for start, end in covers)
                if start_ms <= time < end_ms and not hidden:
                    winner = (not stored, -revision, session)
                    candidates.append((time, winner, batch.seq, place, int(stored), _values(batch, place)))
    candidates.sort(key=lambda candidate: candidate[:4])
    best = {time: winner for time, winner, *_ in reversed(candidates)}
    return [(time, stored, values) for time, winner, _, _, stored, values in candidates if best[time] == winner]


def _counted(batches: Iterable[Batch]) -> dict[tuple[str, int], list[Batch]]:
    """By (session, revision): the batches of each session's greatest revision, one a seq, in order of seq."""
    by_session: dict[str, dict[int, dict[int, Batch]]] = {}
    for batch in batches:
        by_session.setdefault(batch.session, {}).setdefault(batch.revision, {})[batch.seq] = batch
    return {
        (session, max(revisions)): [batch for _, batch in sorted(revisions[max(revisions)].items())]
        for session, revisions in by_session.items()
    }


def _covers(batches: Sequence[Batch]) -> list[tuple[int, int]]:
    runs: list[list[Batch]] = []
    for batch in batches:
        if runs and runs[-1][-1].seq + 1 == batch.seq:
            runs[-1].append(batch)
        else:
            runs.append([batch])
    return [(min(int(b.times_ms()[0]) for b in run), max(b.end_ms for b in run)) for run in runs]


def _values(batch: Batch, place: int) -> tuple[bytes, ...]:
    values = []
    for name, dtype in SCHEMA[batch.kind].items():
        if name in batch.columns:
            values.append(batch.columns[name][place].tobytes())
        elif dtype.kind == "f":
            values.append(np.array(np.nan, dtype).tobytes())
        elif (batch.kind, name) == ("oximetry", "motion"):
            values.append(b"\xff")
        else:
            values.append(bytes(dtype.itemsize))
    return tuple(values)
