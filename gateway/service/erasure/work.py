"""One erasure, carried out in small steps. Each may be done again: after a kill it begins anew and finds less.

1. The patient, by name and id, goes from the records in one transaction; the times of their devices are noted, and from
   then on nothing that comes for these times is taken in.
2. Of each such time the samples of every kind go, a week at a time, with what was found in that week; a night that the
   patient shares with the device's wearer before or after is run again from what is left.
3. Messages that were set aside for those devices in those times go.
4. The files are cleaned of the bytes of all this, the audit has it, and it is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.errors import StoreUnavailableError, WireError
from gateway.service.nights import night_bounds
from gateway.service.patient_nights import moment_of
from gateway.service.records import ErasedTime, Erasure, NightKind, NightResult, Records, SetAside
from gateway.service.store.base import SampleStore
from gateway.wire.codec import decode_message
from gateway.wire.messages import KINDS, Kind

SLICE_MS: Final = 7 * 86_400_000
"""So much time of a device's kind goes in one transaction of the sample store."""

SAMPLES_OF: Final[dict[NightKind, Kind]] = {"oximetry": "oximetry", "wear": "wear", "bed": "waveform"}
AUDITED_AS: Final = "erased"
BY_SERVICE: Final = "somnolink"


def steps(records: Records, store: SampleStore, erasure: Erasure, *, now_ms: int) -> Iterator[set[str]]:
    """Carry an erasure out; after each step, the devices whose nights are to be looked at anew.

    Every step but the last runs where no analysis runs at the same time, or what is erased would be written again.

    Raises
    ------
    StoreError
        Store or records do not answer, or cannot delete: the erasure stays on disk as it is, to be gone on with.
    """
    records.erasures.cut(erasure, at_ms=now_ms)
    times = records.erasures.times(erasure.id)
    yield {one.device for one in times}
    for one in times:
        for kind, start_ms, end_ms in _slices(store, one):
            gone = store.delete_between(one.device, start_ms, end_ms, kind=kind)
            records.erasures.note(erasure.id, {f"{kind}_samples": gone})
            yield set()
        nights, shared = records.erasures.results(one)
        left = [_settle(records, store, one, night) for night in shared]
        records.erasures.note(erasure.id, {"nights": nights + left.count(False)})
        if one.whole_device:
            store.delete_device(one.device)
            records.erasures.remove_device(one.device)
        yield {one.device}
        records.erasures.note(erasure.id, {"set_aside": _set_aside(records, one)})
        yield set()


def close(records: Records, store: SampleStore, erasure: Erasure, *, now_ms: int) -> Erasure:
    """Clean the files, write the audit, and call it done.

    Raises
    ------
    StoreUnavailableError
        Somebody reads, so that bytes of what was deleted are left in a log: call again.
    """
    # What was read while it went may have been put together again from before.
    records.digests.forget({one.device for one in records.erasures.times(erasure.id)})
    if not (store.scrub() and records.erasures.scrub()):
        raise StoreUnavailableError("what was deleted is still in a log that somebody reads")
    counts = (records.erasures.get(erasure.id) or erasure).counts
    gone = " ".join(f"{name}={count}" for name, count in sorted(counts.items()) if count)
    # Before it is called done: a kill between the two has it written down twice, never not at all.
    records.audit.add(
        at_ms=now_ms,
        who=BY_SERVICE,
        account=None,
        address="",
        action=AUDITED_AS,
        what=f"{erasure.id} {erasure.patient} {gone}",
    )
    return records.erasures.finish(erasure.id, at_ms=now_ms)


def _slices(store: SampleStore, time: ErasedTime) -> Iterator[tuple[Kind, int, int]]:
    for kind in KINDS:
        span = store.span(time.device, kind)
        if span is None:
            continue
        at_ms, end_ms = max(time.from_ms, span[0]), min(time.to_ms, span[1] + 1)
        while at_ms < end_ms:
            yield kind, at_ms, min(at_ms + SLICE_MS, end_ms)
            at_ms += SLICE_MS
        # What covers more time than it has samples, and sessions that lie within but for their last interval.
        yield kind, time.from_ms, time.to_ms


def _settle(records: Records, store: SampleStore, time: ErasedTime, night: NightResult) -> bool:
    """See to a night that reaches beyond an erased time; False if nothing was left of it.

    It is marked to be run again. Where the store has nothing to run it from, it goes if it was the patient's.
    """
    bounds = night_bounds(night.night, night.zone)
    if store.sessions(night.device, SAMPLES_OF[night.kind], *bounds):
        return True
    moment_ms = moment_of(night)
    if time.from_ms <= moment_ms < time.to_ms:
        records.erasures.remove_result(night)
        return False
    return True


def _set_aside(records: Records, time: ErasedTime) -> int:
    """Forget messages of a device that were set aside, as far as they are of an erased time."""
    gone, after = 0, ""
    while found := records.set_aside.of_device(time.device, after=after):
        theirs = [one.id for one in found if _is_of(one, time)]
        records.set_aside.remove(theirs)
        gone += len(theirs)
        after = found[-1].id
    return gone


def _is_of(message: SetAside, time: ErasedTime) -> bool:
    """By its samples' times where they can be read, else by when it came."""
    try:
        batches, _ = decode_message(message.payload)
    except WireError:
        batches = []
    if batches:
        return any(one.t0_ms < time.to_ms and time.from_ms <= one.end_ms for one in batches)
    return time.from_ms <= message.received_ms < time.to_ms
