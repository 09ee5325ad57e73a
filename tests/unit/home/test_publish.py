"""How waiting batches become messages."""

from __future__ import annotations

from gateway.home.outbox import Waiting
from gateway.home.publish import PACK_BATCHES, PACK_BYTES, WINDOW_BATCHES, packs


def waiting(row: int, device: str = "a", kind: str = "oximetry", size: int = 10) -> Waiting:
    return Waiting(row, device, kind, "s", 0, row, bytes(size))  # type: ignore[arg-type]  # a kind's name


def rows(made: list[list[Waiting]]) -> list[list[int]]:
    return [[batch.row for batch in pack] for pack in made]


def test_nothing_waits() -> None:
    assert packs([]) == []


def test_batches_of_one_device_and_kind_travel_together_in_order() -> None:
    mixed = [
        waiting(1),
        waiting(2, "b"),
        waiting(3),
        waiting(4, kind="wear"),
        waiting(5, "b"),
        waiting(6),
    ]
    assert rows(packs(mixed)) == [[1, 3, 6], [2, 5], [4]]


def test_a_pack_ends_at_its_number_of_batches() -> None:
    made = packs([waiting(row) for row in range(2 * PACK_BATCHES + 1)])
    assert [len(pack) for pack in made] == [PACK_BATCHES, PACK_BATCHES, 1]
    assert [row for pack in rows(made) for row in pack] == list(range(2 * PACK_BATCHES + 1))


def test_a_pack_ends_at_its_number_of_bytes_and_a_batch_larger_than_that_travels_alone() -> None:
    half = PACK_BYTES // 2
    assert rows(packs([waiting(row, size=half) for row in range(3)])) == [[0, 1], [2]]
    assert rows(packs([waiting(0, size=half), waiting(1, size=half + 1)])) == [[0], [1]]
    assert rows(packs([waiting(0), waiting(1, size=PACK_BYTES * 2), waiting(2)])) == [[0], [1], [2]]


def test_a_window_of_messages_stays_below_what_a_broker_queues() -> None:
    assert WINDOW_BATCHES < 1000  # Mosquitto's default max_queued_messages
