"""What a reader sees of overlapping sessions, at both sides of every limit."""

from __future__ import annotations

import numpy as np

from gateway.service.store.resolve import SessionRows, resolve
from gateway.wire.messages import SCHEMA, Origin


def rows(session: str, times: list[int], origin: Origin = "live", revision: int = 0, mark: int = 0) -> SessionRows:
    columns = {name: np.full(len(times), mark, dtype) for name, dtype in SCHEMA["oximetry"].items()}
    return SessionRows(session, origin, revision, np.array(times, np.int64), columns)


def seen(sessions: list[SessionRows], covers: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(time, mark) of what is read."""
    read = resolve("d", "oximetry", sessions, covers)
    return list(zip(read.t_ms.tolist(), read.columns["flags"].tolist(), strict=True))


def test_a_cover_hides_its_start_and_not_its_end() -> None:
    live = rows("l", [99, 100, 199, 200, 201])
    assert [time for time, _ in seen([live], [(100, 200)])] == [99, 200, 201]
    assert [time for time, _ in seen([live], [(100, 150), (140, 200), (200, 201)])] == [99, 201]
    assert len(seen([live], [])) == 5


def test_a_cover_hides_no_stored_sample() -> None:
    assert len(seen([rows("f", [100, 150], "stored")], [(100, 200)])) == 2


def test_at_one_time_stored_wins_then_the_greatest_revision_then_the_first_id() -> None:
    stored = rows("z", [5], "stored", 0, 1)
    newer, first, second = (
        rows("y", [5, 6], "live", 2, 2),
        rows("a", [5, 6, 7], mark=3),
        rows("b", [5, 6, 7, 8], mark=4),
    )
    assert seen([second, first, newer, stored], []) == [(5, 1), (6, 2), (7, 3), (8, 4)]


def test_of_the_session_that_wins_a_time_every_sample_there_is_kept() -> None:
    assert seen([rows("a", [5, 5, 6], mark=1), rows("b", [5, 5, 5, 6, 7, 7], mark=2)], []) == [
        *[(5, 1)] * 2,
        (6, 1),
        *[(7, 2)] * 2,
    ]
