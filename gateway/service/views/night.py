"""One patient's night over all of their devices: what is known of it, and the samples of what is looked at.

    account = night_account(records, access, who, patient, night, now_ms=...)   # indices, desaturations, state, notes
    lanes = night_view(records, store, access, who, patient, night, ...)        # that and the lanes of a part

Everything is cut to the times in which a device was this patient's: one that is used again tells nobody else's night.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, cast

from gateway.service.access import Access, Principal
from gateway.service.records import Desaturation, NightKind, NightResult, Records, State
from gateway.service.store.base import SampleStore
from gateway.service.views.night_lanes import night_lanes
from gateway.service.views.night_sources import Sources, beside, cut, night_sources
from gateway.service.views.night_values import NightAccount, NightLanes, NightState, Source, Span, Worn
from gateway.service.views.night_words import indices_of, notes_of, read, told_reading

DEFAULT_POINTS: Final = 2_000
"""Of each lane: the least and the greatest of a thousand columns, about what a screen shows of it."""

MAX_POINTS: Final = 100_000
"""A night of 12 hours at two samples a second, whole."""

STALE_MS: Final = 120_000
"""A stream is flushed every 2 s: with nothing newer than two minutes something is wrong."""

_STREAMING: Final[tuple[NightKind, ...]] = ("oximetry", "bed")
"""A recorder brings its readings when it is read out, and is never live."""


@dataclass(frozen=True, slots=True, eq=False)
class NightView:
    """A night and the lanes of a part of it."""

    account: NightAccount
    view: NightLanes


def night_account(
    records: Records, access: Access, who: Principal, patient: str, night: date, *, now_ms: int
) -> NightAccount:
    """All that is known of a night but the samples.

    Raises
    ------
    HiddenError
        There is no such patient, or `who` must not know.
    AccessError
        `who` may not read their nights.
    """
    return _account(records, night_sources(records, access, who, patient, night), now_ms)


def night_part(
    records: Records,
    store: SampleStore,
    access: Access,
    who: Principal,
    patient: str,
    night: date,
    view: Span,
    points: int = DEFAULT_POINTS,
) -> NightLanes:
    """The lanes of a part of a night: what zooming asks for.

    Raises
    ------
    HiddenError, AccessError
        As with `night_account`.
    StoreUnavailableError
        The store cannot be read for now.
    """
    sources = night_sources(records, access, who, patient, night)
    return night_lanes(store, sources, _worn(sources), _inside(view, sources.noon_ms), points)


def night_view(
    records: Records,
    store: SampleStore,
    access: Access,
    who: Principal,
    patient: str,
    night: date,
    *,
    now_ms: int,
    start_ms: int | None = None,
    end_ms: int | None = None,
    points: int = DEFAULT_POINTS,
) -> NightView:
    """A night with the lanes from `start_ms` until before `end_ms`; what is left out is the end of what was recorded.

    Raises
    ------
    HiddenError, AccessError, StoreUnavailableError
        As with `night_part`.
    """
    sources = night_sources(records, access, who, patient, night)
    account = _account(records, sources, now_ms)
    whole = account.recorded_ms or account.noon_ms
    view = Span(whole.start_ms if start_ms is None else start_ms, whole.end_ms if end_ms is None else end_ms)
    return NightView(account, night_lanes(store, sources, account.worn, _inside(view, sources.noon_ms), points))


def _inside(view: Span, noon: Span) -> Span:
    """A part of the night; an empty one lies where it was asked for, or at the night's nearer end."""
    start_ms = min(max(view.start_ms, noon.start_ms), noon.end_ms)
    return Span(start_ms, max(min(view.end_ms, noon.end_ms), start_ms))


def _account(records: Records, sources: Sources, now_ms: int) -> NightAccount:
    told = _sources(records, sources)
    worn = _worn(sources)
    reading = read(sources)
    previous, following = beside(records, sources)
    counted = [one for one in sources.results("oximetry") if one.device in sources.counted()]
    streaming = [one for one in told if one.kind in _STREAMING]
    return NightAccount(
        patient=sources.patient.id,
        night=sources.night,
        zone=sources.patient.zone,
        noon_ms=sources.noon_ms,
        recorded_ms=_recorded(sources, worn),
        now_ms=now_ms,
        last_ms=max((one.end_ms for one in streaming), default=None),
        state=_state(told),
        previous=previous,
        next=following,
        sources=told,
        indices=indices_of(sources, reading),
        reading=told_reading(reading),
        notes=notes_of(
            sources,
            frozenset(one.device for one in told if one.pending),
            frozenset(one.device for one in told if one.shared),
        ),
        missing_h=sum((one.end_ms - one.start_ms) / 3_600_000 - one.valid_s / 3600 for one in counted)
        if counted
        else None,
        desaturations=_desaturations(records, sources, counted),
        disturbances=tuple(part for _, part in sources.stretches("bed", "disturbance")),
        worn=worn,
        unrecorded=tuple(part for _, part in sources.stretches("wear", "missing")),
    )


def _sources(records: Records, sources: Sources) -> tuple[Source, ...]:
    known = records.devices.get_many(list(sources.parts))
    stale = records.patient_nights.stale(sources.parts)
    why = {one.device: one.reason for one in sources.joined.unused}
    counted = sources.counted()
    found = []
    for result, _ in sources.told:
        device = known[result.device]
        found.append(
            Source(
                device=result.device,
                model=device.model or device.family,
                kind=result.kind,
                profile=result.profile,
                version=result.version,
                state=result.state,
                start_ms=result.start_ms,
                end_ms=result.end_ms,
                counts=result.kind != "oximetry" or result.device in counted,
                unused=why.get(result.device),
                pending=(result.device, result.night, result.kind) in stale,
                shared=not any(
                    part.start_ms <= max(result.start_ms, sources.noon_ms.start_ms)
                    and min(result.end_ms, sources.noon_ms.end_ms) <= part.end_ms
                    for part in sources.parts[result.device]
                ),
            )
        )
    return tuple(found)


def _state(told: Sequence[Source]) -> NightState:
    """Of those that stream; where there are none, of the recorder."""
    states = {one.state for one in told if one.kind in _STREAMING} or {one.state for one in told}
    for state in (State.RUNNING, State.REVISED, State.CLOSED):
        if state in states:
            return cast(NightState, state.value)
    return "empty"


def _worn(sources: Sources) -> tuple[Worn, ...]:
    found = []
    for one, part in sources.stretches("wear", "wear"):
        reasons = one.data.get("suspect") or ()
        suspect = tuple(reasons) if isinstance(reasons, (list, tuple)) else ()
        found.append(Worn(part.start_ms, part.end_ms, suspect))
    return tuple(found)


def _recorded(sources: Sources, worn: Sequence[Worn]) -> Span | None:
    """What a figure of the whole night shows: all sleep that any sensor tells of, and the MAD in the mouth."""
    spans = [
        part
        for result, _ in sources.told
        if result.kind in _STREAMING
        for part in cut(Span(result.start_ms, result.end_ms), sources.parts[result.device])
    ]
    spans += worn
    if not spans:
        return None
    return Span(min(one.start_ms for one in spans), max(one.end_ms for one in spans))


def _desaturations(records: Records, sources: Sources, counted: Sequence[NightResult]) -> tuple[Desaturation, ...]:
    """Those that lie whole in the patient's own time, in order."""
    found = [
        one
        for result in counted
        for one in records.results.desaturations(result)
        if any(part.start_ms <= one.start_ms and one.end_ms <= part.end_ms for part in sources.parts[result.device])
    ]
    return tuple(sorted(found, key=lambda one: (one.start_ms, one.nadir_ms)))
