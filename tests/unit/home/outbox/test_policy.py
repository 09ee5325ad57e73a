"""What gives way when the outbox runs full, on a database in memory."""

from __future__ import annotations

import itertools
import sqlite3

import pytest

from gateway.home.outbox.journal import SCHEMA
from gateway.home.outbox.policy import OVERHEAD_BYTES, Limits, count, make_room

PAYLOAD = 40
ROW = PAYLOAD + OVERHEAD_BYTES


@pytest.fixture
def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    return connection


def fill(database: sqlite3.Connection, kind: str, rows: int, origin: str = "live", *, first: int = 0) -> None:
    database.executemany(
        "INSERT INTO batch (device, session, revision, seq, kind, origin, payload) VALUES (?, ?, 0, ?, ?, ?, ?)",
        [("d", f"{kind}-{origin}", first + seq, kind, origin, bytes(PAYLOAD)) for seq in range(rows)],
    )


def seqs(database: sqlite3.Connection, kind: str, origin: str = "live") -> list[int]:
    query = "SELECT seq FROM batch WHERE kind = ? AND origin = ? ORDER BY id"
    return [seq for (seq,) in database.execute(query, (kind, origin))]


def counters(database: sqlite3.Connection) -> dict[str, int]:
    return dict(database.execute("SELECT name, value FROM counter").fetchall())


def test_stored_files_are_pulled_below_the_fraction_and_not_from_it_on() -> None:
    limits = Limits(1000, 0.8)
    assert [limits.accepts_stored(used) for used in (0, 799, 800, 2000)] == [True, True, False, False]


def test_nothing_gives_way_while_there_is_room(database: sqlite3.Connection) -> None:
    fill(database, "waveform", 4)
    assert make_room(database, ROW, 4 * ROW, Limits(5 * ROW)) == 4 * ROW
    assert seqs(database, "waveform") == [0, 1, 2, 3]
    assert counters(database) == {}


def test_waveform_goes_before_oximetry_and_of_each_every_second_first(database: sqlite3.Connection) -> None:
    fill(database, "waveform", 4)
    fill(database, "oximetry", 8)
    limits = Limits(12 * ROW)
    assert make_room(database, 2 * ROW, 12 * ROW, limits) == 9 * ROW  # and a little more than asked for
    assert (seqs(database, "waveform"), len(seqs(database, "oximetry"))) == ([0], 8)
    assert make_room(database, 6 * ROW, 9 * ROW, limits) == 5 * ROW
    assert (seqs(database, "waveform"), seqs(database, "oximetry")) == ([], [0, 2, 4, 6, 7])
    assert counters(database) == {"thinned_waveform": 4, "thinned_oximetry": 3}


def test_what_comes_later_is_thinned_like_what_came_before_so_the_night_stays_covered(
    database: sqlite3.Connection,
) -> None:
    limits = Limits(16 * ROW)
    used = 0
    for seq in range(64):
        used = make_room(database, ROW, used, limits)
        fill(database, "oximetry", 1, first=seq)
        used += ROW
    kept = seqs(database, "oximetry")
    gaps = [after - before for before, after in itertools.pairwise(kept)]
    assert kept[0] == 0
    assert kept[-1] == 63
    assert max(gaps) <= 8
    assert counters(database) == {"thinned_oximetry": 64 - len(kept)}


@pytest.mark.parametrize(
    ("kind", "origin"), [("wear", "live"), ("wear", "stored"), ("oximetry", "stored"), ("device", "live")]
)
def test_wear_and_what_is_stored_never_give_way(database: sqlite3.Connection, kind: str, origin: str) -> None:
    fill(database, kind, 4, origin)
    assert make_room(database, ROW, 4 * ROW, Limits(4 * ROW)) == 4 * ROW
    assert len(seqs(database, kind, origin)) == 4


def test_what_was_sent_stays_for_the_service_may_have_it(database: sqlite3.Connection) -> None:
    fill(database, "oximetry", 4)
    (sent_up_to,) = database.execute("SELECT id FROM batch WHERE seq = 2").fetchone()
    assert make_room(database, 4 * ROW, 4 * ROW, Limits(4 * ROW), sent_up_to) == 3 * ROW
    assert seqs(database, "oximetry") == [0, 1, 2]


def test_counts_add_up(database: sqlite3.Connection) -> None:
    count(database, "a", 1)
    count(database, "a", 41)
    count(database, "b", 1)
    assert counters(database) == {"a": 42, "b": 1}
