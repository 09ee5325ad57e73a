"""The writer thread: what gathers is committed together, each caller has its own outcome, only our errors leak."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from gateway.errors import StoreRejectedError, StoreUnavailableError
from gateway.service.store.group import GroupWriter, Outcome, Submission
from tests.properties.store.reference import make_batch

ONE = [make_batch(0, 1_790_000_000_000)]


class Gate:
    """A commit that waits until it is opened, and keeps the groups it was given."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.groups: list[int] = []
        self.fail: Exception | None = None

    def __call__(self, group: Sequence[Submission]) -> list[Outcome]:
        self.opened.wait(10)
        self.groups.append(len(group))
        if self.fail is not None:
            raise self.fail
        return [len(batches) if len(batches) < 5 else StoreRejectedError("too many") for batches in group]


def test_what_gathers_during_a_commit_is_committed_together() -> None:
    gate = Gate()
    writer = GroupWriter("test", gate, max_group=6)
    futures = [writer.submit(ONE * size, None) for size in (1, 2, 3, 1, 5, 7)]
    gate.opened.set()
    assert [future.result() for future in futures[:4]] == [1, 2, 3, 1]
    for future in futures[4:]:
        with pytest.raises(StoreRejectedError):
            future.result()
    writer.close()
    assert sum(gate.groups) == 6
    assert gate.groups[-2:] == [2, 1], "a group is bounded; one larger than the bound goes alone"
    assert (writer.batches, writer.pending) == (7, 0)


def test_a_failed_commit_fails_its_callers_and_the_next_goes_on() -> None:
    gate = Gate()
    gate.opened.set()
    writer = GroupWriter("test", gate)
    for fault, text in ((StoreUnavailableError("disk full"), "disk full"), (KeyError("a bug"), "a bug")):
        gate.fail = fault
        with pytest.raises(StoreUnavailableError, match=text):
            writer.submit(ONE, None).result()
        assert text in str(writer.last_error)
    gate.fail = None
    assert writer.submit(ONE, None).result() == 1
    assert writer.last_error is None
    writer.close()


def test_a_cancelled_submission_is_not_committed() -> None:
    gate = Gate()
    writer = GroupWriter("test", gate)
    first = writer.submit(ONE, None)
    while writer.pending and not first.running():
        pass
    second = writer.submit(ONE, None)
    assert second.cancel()
    gate.opened.set()
    assert first.result() == 1
    assert writer.submit(ONE * 2, None).result() == 2
    writer.close()
    assert gate.groups == [1, 1]
    assert writer.pending == 0


def test_closing_commits_what_waits_and_wakes_who_waits_for_room() -> None:
    gate = Gate()
    writer = GroupWriter("test", gate, max_pending=1)
    queued = writer.submit(ONE, None)
    errors: list[Exception] = []

    def blocked() -> None:
        try:
            writer.submit(ONE, None)
        except StoreUnavailableError as error:
            errors.append(error)

    waiting = threading.Thread(target=blocked)
    waiting.start()
    closing = threading.Thread(target=writer.close)
    closing.start()
    waiting.join(10)
    gate.opened.set()
    closing.join(10)
    assert queued.result() == 1
    assert [str(error) for error in errors] == ["the store is closed"]
