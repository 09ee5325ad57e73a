"""The books of a session: which batches have arrived, what time they cover. Pure; the same in every store."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Final

from gateway.errors import StoreRejectedError
from gateway.service.store.base import SessionCover
from gateway.wire.columns import infinite_column
from gateway.wire.messages import Batch, Kind, Origin

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@+-]{0,127}")
"""Device and session ids that every store can hold without escaping."""


class Verdict(Enum):
    """What a batch is to its session."""

    NEW = "new"
    REPEAT = "repeat"
    SUPERSEDED = "superseded"
    ANEW = "anew"
    """The first of a greater revision: the session is to be emptied, then this batch added."""


@dataclass(slots=True)
class Run:
    """Batches lo..hi, all received, and the time from their first sample to their last one's end."""

    lo: int
    hi: int
    start_ms: int
    end_ms: int


@dataclass(slots=True)
class SessionBook:
    """What has arrived of one session at its greatest revision; `key` is the store's own number for it, if any."""

    device: str
    kind: Kind
    origin: Origin
    session: str
    key: int = 0
    revision: int = 0
    runs: list[Run] = field(default_factory=list)
    last_seq: int = -1
    newest_ms: int = -1
    samples: int = 0

    def judge(self, batch: Batch) -> Verdict:
        """What `batch` is to this session, as it stands."""
        if batch.revision != self.revision:
            return Verdict.ANEW if batch.revision > self.revision else Verdict.SUPERSEDED
        at = self._run_before(batch.seq)
        return Verdict.REPEAT if at >= 0 and batch.seq <= self.runs[at].hi else Verdict.NEW

    def restart(self, revision: int) -> None:
        """Forget all batches: the session is dated anew."""
        self.revision, self.runs = revision, []
        self.last_seq = self.newest_ms = -1
        self.samples = 0

    def add(self, batch: Batch) -> None:
        """Enter a batch that `judge` called NEW."""
        self.samples += batch.size
        self.newest_ms = max(self.newest_ms, batch.last_ms)
        if batch.last:
            self.last_seq = max(self.last_seq, batch.seq)
        runs, at, seq = self.runs, self._run_before(batch.seq), batch.seq
        start_ms, end_ms = batch.first_ms, batch.end_ms
        if at >= 0 and runs[at].hi == seq - 1:  # nearly always, so no run is made anew
            run = runs[at]
            run.hi = seq
            # min and max: the same whatever the order of arrival, also where a clock was set back
            run.start_ms = min(run.start_ms, start_ms)
            run.end_ms = max(run.end_ms, end_ms)
        else:
            at += 1
            run = Run(seq, seq, start_ms, end_ms)
            runs.insert(at, run)
        if at + 1 < len(runs) and runs[at + 1].lo == seq + 1:
            runs[at : at + 2] = [_joined(run, runs[at + 1])]

    def clip(self, utc_ms: int, deleted: int) -> None:
        """Enter that `deleted` samples older than `utc_ms` are gone; the batches stay known."""
        self.samples -= deleted
        for run in self.runs:
            run.start_ms = max(run.start_ms, utc_ms)
            run.end_ms = max(run.end_ms, utc_ms)

    def cut_out(self, start_ms: int, end_ms: int, deleted: int) -> None:
        """Enter that the `deleted` samples of a half-open interval are gone; the batches stay known."""
        self.samples -= deleted
        if start_ms <= self.newest_ms < end_ms:
            self.newest_ms = start_ms - 1
        edge_ms = end_ms if self.newest_ms >= end_ms else start_ms
        for run in self.runs:
            if start_ms <= run.start_ms and run.end_ms <= end_ms:
                run.start_ms = run.end_ms = edge_ms
            elif start_ms <= run.start_ms < end_ms:
                run.start_ms = end_ms
            elif start_ms < run.end_ms <= end_ms:
                run.end_ms = start_ms

    @property
    def start_ms(self) -> int:
        """UTC milliseconds of the first sample."""
        return min(run.start_ms for run in self.runs)

    @property
    def end_ms(self) -> int:
        """UTC milliseconds of the end of the last sample's interval."""
        return max(run.end_ms for run in self.runs)

    @property
    def reach_ms(self) -> int:
        """Exclusive end of all that this session holds or covers."""
        return max(self.end_ms, self.newest_ms + 1)

    def lies_within(self, start_ms: int, end_ms: int) -> bool:
        """Whether it holds and covers nothing outside of the half-open interval."""
        return start_ms <= self.start_ms and self.reach_ms <= end_ms

    def meets(self, start_ms: int, end_ms: int) -> bool:
        """Whether it holds or covers anything in the half-open interval."""
        return bool(self.runs) and self.start_ms < end_ms and self.reach_ms > start_ms

    def covers(self) -> list[tuple[int, int]]:
        """Intervals in which a stored session replaces live samples."""
        return [(run.start_ms, run.end_ms) for run in self.runs if run.end_ms > run.start_ms]

    def cover(self) -> SessionCover:
        """The session as users see it."""
        batches = sum(run.hi - run.lo + 1 for run in self.runs)
        complete = len(self.runs) == 1 and self.runs[0].lo == 0 and self.runs[0].hi == self.last_seq
        return SessionCover(
            self.session, self.origin, self.revision, self.start_ms, self.end_ms, self.samples, batches, complete
        )

    def _run_before(self, seq: int) -> int:
        """Index of the last run with lo <= seq, or -1."""
        if self.runs and self.runs[-1].lo <= seq:  # nearly always: batches come in order
            return len(self.runs) - 1
        return bisect_right(self.runs, seq, key=lambda run: run.lo) - 1


def _joined(left: Run, right: Run) -> Run:
    # min and max, not first and last: the same whatever the order of arrival, also where a clock was set back
    return Run(left.lo, max(left.hi, right.hi), min(left.start_ms, right.start_ms), max(left.end_ms, right.end_ms))


def union_of_runs(runs: Iterable[Run]) -> list[Run]:
    """The runs of all batches that any of these name, in order."""
    union: list[Run] = []
    for run in sorted(runs, key=lambda run: run.lo):
        if union and run.lo <= union[-1].hi + 1:
            union[-1] = _joined(union[-1], run)
        else:
            union.append(run)
    return union


def encode_runs(runs: list[Run]) -> str:
    """Runs as text: `lo-hi@start+length`, comma between."""
    return ",".join(f"{run.lo}-{run.hi}@{run.start_ms}+{run.end_ms - run.start_ms}" for run in runs)


def decode_runs(text: str) -> list[Run]:
    """The runs that `encode_runs` wrote."""
    runs = []
    for part in text.split(",") if text else ():
        seqs, times = part.split("@")
        lo, hi = seqs.split("-")
        start, length = times.split("+")
        runs.append(Run(int(lo), int(hi), int(start), int(start) + int(length)))
    return runs


@lru_cache(maxsize=1 << 16)
def check_name(name: str) -> None:
    """Raise `StoreRejectedError` for a device or session id that not every store could hold."""
    if NAME.fullmatch(name) is None:
        raise StoreRejectedError(f"a device or session id must match {NAME.pattern}, not {name!r}")


def check_submission(batches: Sequence[Batch], find: Callable[[str, str], SessionBook | None]) -> None:
    """Raise `StoreRejectedError` for a batch that no store can hold, though the wire contract allows it, or that is of
    another kind or origin than its session.

    Parameters
    ----------
    find : callable
        The book of (device, session), or None.
    """
    infinite = infinite_column(batches)
    if infinite is not None:
        batch, column = infinite
        raise StoreRejectedError(f"{batch.device}/{batch.session} seq {batch.seq}: {column} holds an infinite value")
    new: dict[tuple[str, str], Batch] = {}
    for batch in batches:
        check_name(batch.device)
        check_name(batch.session)
        held: SessionBook | Batch | None = find(batch.device, batch.session)
        if held is None:
            held = new.setdefault((batch.device, batch.session), batch)
        if held.kind != batch.kind or held.origin != batch.origin:
            raise StoreRejectedError(
                f"session {batch.session} of {batch.device} is {held.origin} {held.kind},"
                f" not {batch.origin} {batch.kind}"
            )
