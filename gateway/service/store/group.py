"""One writer thread that commits what many threads submit, together: a group commit with a bounded queue."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final

from gateway.errors import StoreError, StoreUnavailableError
from gateway.wire.messages import Batch

log = logging.getLogger(__name__)

MAX_PENDING: Final = 4096
"""Batches that may wait: some 10 MB of 60-sample batches, half a second of work at the budgeted rate."""

MAX_GROUP: Final = 512
"""Batches in one commit: beyond some 200 the fsync is a small part already, and a commit should not take long."""

Submission = Sequence[Batch]
Outcome = int | StoreError
Commit = Callable[[Sequence[Submission]], Sequence[Outcome]]
"""Makes submissions durable; of each, the number of batches that were new, or why that submission alone failed.

It raises a `StoreError` where all of them failed.
"""


class GroupWriter:
    """Calls `commit` on a thread of its own with as much as has gathered.

    Parameters
    ----------
    name : str
        Of the thread.
    commit : Commit
        Called from that thread only.
    """

    def __init__(
        self, name: str, commit: Commit, *, max_pending: int = MAX_PENDING, max_group: int = MAX_GROUP
    ) -> None:
        self._commit = commit
        self.max_pending = max_pending
        self._max_group = max_group
        self._queue: deque[tuple[Submission, Future[int]]] = deque()
        self._pending = 0
        self._closing = False
        self._changed = threading.Condition()
        self.batches = 0
        self.commits = 0
        self.last_error: StoreError | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def pending(self) -> int:
        """Batches that wait or are being committed."""
        return self._pending

    def submit(self, batches: Submission, timeout_s: float | None) -> Future[int]:
        """Queue a submission; block while the queue is full.

        Raises
        ------
        StoreUnavailableError
            No room within `timeout_s`, or the store is closed.
        """
        future: Future[int] = Future()
        with self._changed:
            if not self._changed.wait_for(lambda: self._closing or self._has_room(len(batches)), timeout_s):
                raise StoreUnavailableError(f"the store's queue is full ({self._pending} batches)")
            if self._closing:
                raise StoreUnavailableError("the store is closed")
            self._queue.append((batches, future))
            self._pending += len(batches)
            self._changed.notify_all()
        return future

    def close(self) -> None:
        """Commit what is queued, then stop the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _has_room(self, size: int) -> bool:
        # one larger than the whole queue is let in alone
        return self._pending + size <= self.max_pending or self._pending == 0

    def _run(self) -> None:
        while group := self._next_group():
            outcomes = self._outcomes([batches for batches, _ in group])
            with self._changed:
                self._pending -= sum(len(batches) for batches, _ in group)
                self._changed.notify_all()
            for (_, future), outcome in zip(group, outcomes, strict=True):
                if isinstance(outcome, StoreError):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _next_group(self) -> list[tuple[Submission, Future[int]]]:
        group: list[tuple[Submission, Future[int]]] = []
        size = 0
        with self._changed:
            while not group:
                self._changed.wait_for(lambda: self._closing or bool(self._queue))
                if not self._queue:
                    break
                while self._queue and (not group or size + len(self._queue[0][0]) <= self._max_group):
                    batches, future = self._queue.popleft()
                    if future.set_running_or_notify_cancel():
                        group.append((batches, future))
                        size += len(batches)
                    else:
                        self._pending -= len(batches)
        return group

    def _outcomes(self, group: Sequence[Submission]) -> Sequence[Outcome]:
        try:
            outcomes = self._commit(group)
        except StoreError as error:
            self.last_error = error
            return [error] * len(group)
        except Exception as error:
            log.exception("the store's writer failed")
            self.last_error = StoreUnavailableError(f"the store's writer failed: {error!r}")
            return [self.last_error] * len(group)
        self.last_error = None
        self.commits += 1
        self.batches += sum(outcome for outcome in outcomes if isinstance(outcome, int))
        return outcomes
