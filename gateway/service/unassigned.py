"""What devices measured while nobody had them: it waits, whole, until an assignment makes it somebody's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.service.patient_nights import moment_of
from gateway.service.records import Assignment, NightKind, Records
from gateway.service.store.base import SampleStore
from gateway.wire.messages import KINDS, Kind

_NIGHTS: Final[tuple[NightKind, ...]] = ("oximetry", "wear", "bed")

Span = tuple[int, int]
"""From, until before; UTC milliseconds."""

_EVER_MS: Final = 1 << 62
_OF_PEOPLE: Final[tuple[Kind, ...]] = tuple(kind for kind in KINDS if kind != "device")
"""What a battery did is nobody's."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stretch of one device and kind that is nobody's.

    Attributes
    ----------
    from_ms, to_ms : int
        UTC milliseconds of the first sample, and of the end of the last.
    nights : int
        Nights with results whose deciding moment lies in it.
    samples : int
        As they came: what is held both live and stored counts twice.
    """

    device: str
    kind: Kind
    from_ms: int
    to_ms: int
    nights: int
    samples: int


def gaps(span: Span, assignments: Iterable[Assignment]) -> list[Span]:
    """The parts of a span in which nobody had the device, in order."""
    found = []
    at_ms, end_ms = span
    for one in sorted(assignments, key=lambda each: each.from_ms):
        if one.from_ms > at_ms:
            found.append((at_ms, min(one.from_ms, end_ms)))
        at_ms = max(at_ms, _EVER_MS if one.to_ms is None else one.to_ms)
        if at_ms >= end_ms:
            break
    if at_ms < end_ms:
        found.append((at_ms, end_ms))
    return [(first, last) for first, last in found if first < last]


def unassigned(records: Records, store: SampleStore, devices: Iterable[str]) -> list[Waiting]:
    """What waits of some devices, by device, kind and time."""
    return [one for device in devices for one in _of_device(records, store, device)]


def _of_device(records: Records, store: SampleStore, device: str) -> list[Waiting]:
    assignments = records.assignments.list(device=device)
    moments: dict[str, list[int]] | None = None
    told = []
    for kind in _OF_PEOPLE:
        span = store.span(device, kind)
        if span is None:
            continue
        for gap in gaps((span[0], _EVER_MS), assignments):
            if moments is None:
                moments = _moments(records, device)
            inside = [at_ms for at_ms in moments.get(_nights_of(kind), []) if gap[0] <= at_ms < gap[1]]
            held = _held(store, device, kind, gap)
            if held is not None:
                told.append(Waiting(device, kind, *held[0], nights=len(inside), samples=held[1]))
    return told


def _moments(records: Records, device: str) -> dict[str, list[int]]:
    return {kind: [moment_of(one) for one in records.results.nights(device=device, kind=kind)] for kind in _NIGHTS}


def _nights_of(kind: Kind) -> str:
    return "bed" if kind == "waveform" else kind


def _held(store: SampleStore, device: str, kind: Kind, gap: Span) -> tuple[Span, int] | None:
    """The time and the number of the samples in a gap; None if there are none."""
    first_ms, last_ms, samples = _EVER_MS, -1, 0
    for cover in store.sessions(device, kind, *gap):
        whole = gap[0] <= cover.start_ms and cover.end_ms <= gap[1]
        parts: Sequence[Span] = [(cover.start_ms, cover.end_ms)]
        count = cover.samples
        if not whole:
            inside = store.read(
                device, kind, max(gap[0], cover.start_ms), min(gap[1], cover.end_ms), origin=cover.origin
            )
            count = len(inside)
            until_ms = cover.end_ms if cover.end_ms <= gap[1] else int(inside.t_ms[-1]) + 1 if count else 0
            parts = [(int(inside.t_ms[0]), until_ms)] if count else []
        for start_ms, end_ms in parts:
            first_ms, last_ms = min(first_ms, start_ms), max(last_ms, end_ms)
        samples += count
    return ((first_ms, last_ms), samples) if samples else None
