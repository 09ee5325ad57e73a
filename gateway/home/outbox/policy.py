"""What gives way when the outbox runs full, in the order of DESIGN: stored pulls, live waveform, live oximetry."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from gateway.wire.messages import Kind

THINNING: Final[tuple[Kind, ...]] = ("waveform", "oximetry")
"""Kinds whose live batches are thinned, first to last. Wear is not among them, nor is anything stored."""

OVERHEAD_BYTES: Final = 160
"""What a row costs beside its payload: names, indices, page slack; rounded up."""


SLACK: Final = 100
"""Once room is made, this fraction of the bound is left free: looking for what may go reads the whole queue."""

_VICTIMS: Final = """
SELECT id, length(payload) FROM batch WHERE kind = ? AND origin = 'live' AND id > ?
ORDER BY CASE seq WHEN 0 THEN 1 << 31 ELSE seq & -seq END, id
"""
"""The lowest set bit of `seq` tells the round in which a batch goes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The outbox's bound on its own size.

    Attributes
    ----------
    max_bytes : int
        Payloads and their overhead. The default holds about 100 nights of live oximetry in 2 s batches.
    stored_fraction : float
        Above this share no stored file is pulled: it is safe where it is.
    """

    max_bytes: int = 1 << 30
    stored_fraction: float = 0.8

    def accepts_stored(self, used_bytes: int) -> bool:
        """Whether a stored file may be pulled now."""
        return used_bytes < self.max_bytes * self.stored_fraction


def make_room(database: sqlite3.Connection, need: int, used: int, limits: Limits, sent_up_to: int = 0) -> int:
    """Thin waiting live batches until `need` more bytes fit; returns the bytes used then, which may still be too many.

    Waveform goes before oximetry. Of each, every second batch of a session goes first (those of odd `seq`), then every
    second of what is left, and so on, the oldest first within each round: however often room is made, the night stays
    covered, thinner. What was sent already (rows up to `sent_up_to`) stays: the service may have it. Each is counted.
    """
    room = limits.max_bytes - limits.max_bytes // SLACK
    for victim in THINNING:
        if used + need <= limits.max_bytes:
            break
        going: list[tuple[int]] = []
        for row_id, size in database.execute(_VICTIMS, (victim, sent_up_to)):
            going.append((row_id,))
            used -= size + OVERHEAD_BYTES
            if used + need <= room:
                break
        if going:
            database.executemany("DELETE FROM batch WHERE id = ?", going)
            count(database, f"thinned_{victim}", len(going))
    return used


def count(database: sqlite3.Connection, name: str, by: int) -> None:
    """Add to a counter that survives restarts."""
    database.execute(
        "INSERT INTO counter VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
        (name, by),
    )
