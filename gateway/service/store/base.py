"""The contract of every sample store, and the values it gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from gateway.wire.messages import Array, Batch, Kind, Origin

Selection = Literal["resolved", "live", "stored"]
"""What to read: stored beating live, or the one or the other as it came."""

LIVE: Final = 0
STORED: Final = 1


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples of one device and kind, in order of time.

    Attributes
    ----------
    t_ms : array of int64, shape (n,)
        UTC milliseconds, never going back.
    columns : mapping of str to array, shape (n,) each
        Every column of `SCHEMA[kind]` in its type; the missing value (NaN; 255 for `motion` of oximetry; else 0) where
        a batch had no such column.
    origin : array of uint8, shape (n,)
        0 live, 1 stored.
    """

    device: str
    kind: Kind
    t_ms: NDArray[np.int64]
    columns: Mapping[str, Array]
    origin: NDArray[np.uint8]

    def __len__(self) -> int:
        return self.t_ms.size

    def __getitem__(self, part: slice) -> Samples:
        """A part of them, without copying."""
        columns = {name: column[part] for name, column in self.columns.items()}
        return Samples(self.device, self.kind, self.t_ms[part], columns, self.origin[part])


@dataclass(frozen=True, slots=True)
class SessionCover:
    """What the store holds of one session, at its greatest revision.

    Attributes
    ----------
    start_ms, end_ms : int
        UTC milliseconds of the first sample and of the end of the last one's interval.
    samples, batches : int
        How many are held.
    complete : bool
        The batch marked `last` has arrived and so has every one before it.
    """

    session: str
    origin: Origin
    revision: int
    start_ms: int
    end_ms: int
    samples: int
    batches: int
    complete: bool


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """How a store is doing.

    Attributes
    ----------
    ok : bool
        The last commit succeeded (or there was none) and the store answers.
    detail : str
        One line for a person.
    pending : int
        Batches waiting for a commit; at `limit`, `submit` blocks.
    batches, commits : int
        Committed since the store was opened.
    size_bytes : int or None
        What it takes on disk, where that is known.
    """

    backend: str
    ok: bool
    detail: str
    pending: int
    limit: int
    batches: int
    commits: int
    size_bytes: int | None = None


class SampleStore(ABC):
    """Keeps batches of samples and reads them back by device, kind and time.

    **Appending.** When `append` returns, or the future of `submit` resolves, the batches are durable: they survive a
    SIGKILL of this process and a power cut. A batch is named (device, session, revision, seq); arriving again under its
    name changes nothing. What is read is a function of the *set* of batches appended, whatever their order.

    **Revisions.** Only batches of the greatest revision of a session count. Its first batch replaces the session as a
    whole; a batch of a lower one, whenever it arrives, is taken (and may be acknowledged) but neither kept nor counted.

    **Stored beats live.** Live samples are hidden inside the time that stored sessions of that device and kind cover:
    of each contiguous run of seqs, from its first sample to the end of its last batch. So a session that has arrived in
    part hides only what it replaces. It is resolved when reading; both are kept.

    **Equal times.** Of samples of different sessions at one millisecond, those of one session are read: stored before
    live, then the greatest revision, then the session id that sorts first. Samples of *one* session at equal times (a
    clock that was set back) are all kept, in order of seq and place.

    **Threads.** Every method may be called from any thread. One process at a time should write.

    Raises
    ------
    StoreUnavailableError
        For now: disk full, locked, server away, queue full. The batches are not (known to be) stored: append them
        again.
    StoreRejectedError
        For good: a batch that no retry will get stored (a session that changes its kind or origin, an infinite value, a
        name that a store cannot hold, a field of another type in the database). Set it aside.

    Nothing else leaks.
    """

    @abstractmethod
    def submit(self, batches: Sequence[Batch], *, timeout_s: float | None = None) -> Future[int]:
        """Queue batches for the next group commit; the future gives how many were new, once they are durable.

        Parameters
        ----------
        timeout_s : float or None
            How long to wait for room in the queue (None: as long as it takes) before `StoreUnavailableError` is raised.
        """

    def append(self, batches: Sequence[Batch]) -> int:
        """Store batches durably; return how many of them were new. All or nothing, where the store has transactions."""
        return self.submit(batches).result()

    @abstractmethod
    def read(self, device: str, kind: Kind, start_ms: int, end_ms: int, *, origin: Selection = "resolved") -> Samples:
        """Samples with start_ms <= time < end_ms."""

    @abstractmethod
    def sessions(self, device: str, kind: Kind, start_ms: int, end_ms: int) -> list[SessionCover]:
        """Sessions that meet the half-open interval, in order of start, then of id."""

    @abstractmethod
    def devices(self) -> list[str]:
        """Ids of the devices of which something is held, sorted."""

    @abstractmethod
    def span(self, device: str, kind: Kind) -> tuple[int, int] | None:
        """UTC milliseconds of the oldest and the newest sample, hidden ones included; None where there is none."""

    def latest(self, device: str, kind: Kind) -> Samples:
        """The newest sample as resolved: one, or none."""
        span = self.span(device, kind)
        width = 60_000
        while span is not None:
            oldest, newest = span
            found = self.read(device, kind, newest - width, newest + 1)
            if len(found) or newest - width < oldest:
                return found[-1:]
            width *= 16
        return self.read(device, kind, 0, 0)

    @abstractmethod
    def delete_before(self, utc_ms: int, *, kind: Kind | None = None, device: str | None = None) -> int:
        """Delete samples older than `utc_ms`, of one kind or device or of all; return how many.

        The books of a session that ended before are deleted too, so that a batch of it that came again would be new.
        """

    @abstractmethod
    def delete_between(self, device: str, start_ms: int, end_ms: int, *, kind: Kind | None = None) -> int:
        """Erase a device's samples with start_ms <= time < end_ms, of one kind or of all; return how many.

        All others stay bit for bit, those of the same session too. A session that lay within is forgotten; of one that
        reaches beyond, batches stay known, so that one that came again would change nothing.
        """

    @abstractmethod
    def delete_device(self, device: str) -> int:
        """Erase all that is held of a device, its name included; return the number of samples."""

    def scrub(self) -> bool:
        """See that no file still holds bytes of what was deleted, as far as the store has files of its own.

        Returns
        -------
        bool
            False: somebody reads what was there before, so some are left; call again.
        """
        return True

    @abstractmethod
    def health(self) -> StoreHealth:
        """How the store is doing; raises nothing."""

    @abstractmethod
    def close(self) -> None:
        """Commit what is queued, then let go of every resource. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
