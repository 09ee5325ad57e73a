"""Many nights as a step: ``step(state, item) -> (state, update)``, a night or a step of treatment at a time.

The state is the set of nights, each date's highest revision, and every report is `evaluate` of the whole set. So
whatever the order in which nights arrive, late ones and corrected ones included, the state and the report are those of
the batch, bit for bit; a late night re-evaluates everything after it, and `Update` says so.

Bounds: the newest `MOST_NIGHTS` dates are kept, about 0.6 kB each.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final, TypeVar

import msgspec

from analytics.nights.records import PatientNight, TreatmentStep
from analytics.nights.report import NightsReport, evaluate

MOST_NIGHTS: Final = 400
"""A year and a month: what is older says little of now."""
Item = TypeVar("Item", PatientNight, TreatmentStep)

_HEADER: Final = b"somnolink nights state 1 "


class Said(msgspec.Struct, frozen=True):
    """One conclusion, by name, as it was before and is now; None where there was or is none."""

    what: str
    before: str | None
    now: str | None


class Update(msgspec.Struct, frozen=True):
    """What an item did.

    Attributes
    ----------
    report
        Of all that is known now.
    late
        Whether a newer night was known before this item, so that what was said since was read anew.
    replaced
        Whether it took the place of an earlier revision of the same night or step.
    ignored
        Whether it changed nothing: known already, older than its revision at hand, or older than what is kept.
    changed
        Conclusions that are not what they were.
    """

    report: NightsReport
    late: bool
    replaced: bool
    ignored: bool
    changed: tuple[Said, ...]


class HistoryState(msgspec.Struct, frozen=True):
    """Everything known of a patient's nights, in order of time; an immutable value."""

    nights: tuple[PatientNight, ...] = ()
    steps: tuple[TreatmentStep, ...] = ()

    def to_bytes(self) -> bytes:
        """Snapshot, to be read by `from_bytes`."""
        body = msgspec.msgpack.encode(self)
        return _HEADER + zlib.crc32(body).to_bytes(4, "little") + body

    @classmethod
    def from_bytes(cls, data: bytes) -> HistoryState:
        """Restore a snapshot.

        Raises
        ------
        ValueError
            If it is another version's, or damaged: build it anew from the nights in the records.
        """
        if not data.startswith(_HEADER):
            raise ValueError("not a snapshot of many nights")
        check, body = data[len(_HEADER) : len(_HEADER) + 4], data[len(_HEADER) + 4 :]
        if zlib.crc32(body).to_bytes(4, "little") != check:
            raise ValueError("the snapshot of many nights is damaged")
        try:
            return msgspec.msgpack.decode(body, type=cls)
        except msgspec.MsgspecError as error:
            raise ValueError(f"the snapshot of many nights cannot be read: {error}") from error


def start() -> HistoryState:
    """No night yet."""
    return HistoryState()


def step(state: HistoryState, item: PatientNight | TreatmentStep) -> tuple[HistoryState, Update]:
    """Take in a night or a step of treatment.

    Of two versions of one night or step the higher revision counts; of two with the same revision, the one whose
    snapshot is greater (so that order does not matter). A night without any data takes the place of one that was
    wrong: give it a higher revision.
    """
    newest = state.nights[-1].night if state.nights else None
    following = _with(state, item)
    there = state.nights if isinstance(item, PatientNight) else state.steps
    replaced = any(one.night == item.night for one in there)
    before, report = evaluate(state.nights, state.steps), evaluate(following.nights, following.steps)
    ignored = following == state
    return following, Update(
        report=report,
        late=newest is not None and item.night < newest and not ignored,
        replaced=replaced and not ignored,
        ignored=ignored,
        changed=_changed(before, report),
    )


def replay(items: Iterable[PatientNight | TreatmentStep], state: HistoryState | None = None) -> HistoryState:
    """The state after many items, in any order, without a report for each; `state` is where they join."""
    state = state or start()
    for item in items:
        state = _with(state, item)
    return state


def _with(state: HistoryState, item: PatientNight | TreatmentStep) -> HistoryState:
    if isinstance(item, TreatmentStep):
        return HistoryState(state.nights, _joined(state.steps, item))
    return HistoryState(_joined(state.nights, item)[-MOST_NIGHTS:], state.steps)


def _joined(known: tuple[Item, ...], item: Item) -> tuple[Item, ...]:
    """`item` among those known, by date; of one date the higher rank."""
    by_date = {one.night: one for one in known}
    there = by_date.get(item.night)
    if there is None or _rank(item) > _rank(there):
        by_date[item.night] = item
    return tuple(sorted(by_date.values(), key=lambda one: one.night))


def _rank(item: PatientNight | TreatmentStep) -> tuple[int, bytes]:
    return item.revision, msgspec.msgpack.encode(item)


def _changed(before: NightsReport, now: NightsReport) -> tuple[Said, ...]:
    was, is_now = _conclusions(before), _conclusions(now)
    return tuple(
        Said(what, was.get(what), is_now.get(what))
        for what in dict.fromkeys((*was, *is_now))
        if was.get(what) != is_now.get(what)
    )


def _conclusions(report: NightsReport) -> dict[str, str]:
    """The words that people act on, by name."""
    said: dict[str, str] = {}
    for where, outlooks in (("without", report.without), ("with", report.treated)):
        said |= {f"severity of {one.index} {where} the MAD": one.severity for one in outlooks if one.probabilities}
    said |= {f"MAD by {one.index}": one.verdict for one in report.treatment}
    said |= {f"trend of {one.index}": one.direction for one in report.trends}
    said |= {f"{one.index} from {one.night}": "changed" for one in report.changes if one.changed}
    if report.bedtime is not None:
        said["bedtime"] = report.bedtime.direction
    return said
