"""Arithmetic of spans of time, (start, end) in UTC ms with the end left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[int, int]


def union(spans: Iterable[Span]) -> list[Span]:
    """The same time as spans that neither overlap nor touch, in order; empty ones vanish."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def length_s(spans: Iterable[Span]) -> float:
    """Seconds that at least one of the spans covers."""
    return sum(end - start for start, end in union(spans)) / 1000


def overlap_s(one: Iterable[Span], other: Iterable[Span]) -> float:
    """Seconds that both cover."""
    a, b = union(one), union(other)
    shared_ms = i = j = 0
    while i < len(a) and j < len(b):
        shared_ms += max(0, min(a[i][1], b[j][1]) - max(a[i][0], b[j][0]))
        if a[i][1] <= b[j][1]:
            i += 1
        else:
            j += 1
    return shared_ms / 1000


def share_pct(part: Sequence[Span], whole: Sequence[Span]) -> float:
    """How much of `whole` is covered by `part`, 0..100; 0 of nothing."""
    full = length_s(whole)
    return 100.0 * overlap_s(part, whole) / full if full else 0.0
