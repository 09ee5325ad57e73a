"""Slows down who guesses, without ever shutting out who does not.

Three tallies are kept in the records: of a name tried from one place, of a name from anywhere, of a place with any
name. Each takes some attempts freely and then asks for a wait that doubles up to a quarter of an hour; attempts are
forgotten one by one with time, and a wait that is sat out is over. An attempt that comes too early is not looked at
and makes nothing longer. A stranger can so make a name's tally "from anywhere" large, but it does not bind the places
from which its user has signed in of late.

An attempt is counted before the password is looked at, and taken back if it was right: so many at once gain nothing.
Names that no user has are counted alike.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.errors import SignInError, SignInReason
from gateway.service.records import Records, Tally
from gateway.service.sign_in.places import place_of

FIRST_WAIT_MS: Final = 1_000
LONGEST_WAIT_MS: Final = 15 * 60_000
"""Who waits it out each time makes some hundred attempts a day, the bound of SP 800-63B for one account."""

KNOWN_PLACE_MS: Final = 90 * 86_400_000
"""A place where somebody has not signed in for so long is none of theirs any more."""

FORGOTTEN_MS: Final = 2 * 86_400_000
"""After so long without an attempt a tally is empty, whichever it is."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one tally slows down.

    Attributes
    ----------
    free : int
        Attempts without a wait.
    forget_ms : int
        One attempt is forgotten in such a time.
    """

    free: int
    forget_ms: int

    def level(self, tally: Tally | None, now_ms: int) -> float:
        """Attempts that are not forgotten."""
        if tally is None:
            return 0.0
        return max(0.0, tally.level - max(0, now_ms - tally.last_ms) / self.forget_ms)

    def wait_ms(self, tally: Tally | None, now_ms: int) -> int:
        """For how long no attempt is looked at; 0: it is. A clock that was set back makes it no longer."""
        attempts = 0 if tally is None else round(tally.level)  # of one a second ago some little is forgotten
        if tally is None or attempts < self.free:
            return 0
        doubled = min(attempts - self.free, 20)
        wait = min(FIRST_WAIT_MS << doubled, LONGEST_WAIT_MS)
        return min(max(0, tally.last_ms + wait - now_ms), wait)


NAME_AT_PLACE: Final = Rule(free=5, forget_ms=30 * 60_000)
NAME: Final = Rule(free=20, forget_ms=15 * 60_000)
PLACE: Final = Rule(free=50, forget_ms=60_000)
"""A whole clinic may be behind one address, and mistypes."""


class Attempt:
    """One attempt that has been counted: to be taken back, or forgotten with the others, if it was right."""

    def __init__(self, records: Records, rules: Mapping[str, Rule]) -> None:
        self._records = records
        self._rules = rules

    def take_back(self) -> None:
        """It does not count; earlier ones still do."""
        self._change(lambda _, tally: _one_less(tally))

    def succeed(self) -> None:
        """It was right: of this name nothing counts any more, of the place all but this attempt."""
        kept = {key for key, rule in self._rules.items() if rule is PLACE}
        self._change(lambda key, tally: _one_less(tally) if key in kept else None)

    def _change(self, change: Callable[[str, Tally], Tally | None]) -> None:
        self._records.attempts.change(
            list(self._rules), lambda known: {key: change(key, tally) for key, tally in known.items()}
        )


class BackOff:
    """Counts attempts, and refuses those that come too early."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def count(self, name: str, user: str | None, address: str, now_ms: int) -> Attempt:
        """Count an attempt with a name, whether a user has it or not.

        Raises
        ------
        SignInError
            If it comes too early: then it is not counted.
        """
        place = place_of(address)
        since_ms = now_ms - KNOWN_PLACE_MS
        known = self._records.attempts.is_known(user or "", place, since_ms=since_ms)
        rules = {_key("both", name, place): NAME_AT_PLACE, _key("place", place): PLACE}
        if not known:
            rules[_key("name", name)] = NAME

        def decide(tallies: Mapping[str, Tally]) -> Mapping[str, Tally]:
            wait_ms = max(rule.wait_ms(tallies.get(key), now_ms) for key, rule in rules.items())
            if wait_ms > 0:
                seconds = math.ceil(wait_ms / 1000)
                text = f"too many attempts: try again in {_spoken(seconds)}"
                raise SignInError(SignInReason.LOCKED, text, retry_after_s=seconds)
            return {key: Tally(rule.level(tallies.get(key), now_ms) + 1.0, now_ms) for key, rule in rules.items()}

        self._records.attempts.change(list(rules), decide)
        return Attempt(self._records, rules)

    def note_place(self, user: str, address: str, now_ms: int) -> None:
        """Note that a user has signed in from there."""
        place = place_of(address)
        self._records.attempts.note_place(user, place, at_ms=now_ms, since_ms=now_ms - KNOWN_PLACE_MS)
        self._records.attempts.forget(before_ms=now_ms - FORGOTTEN_MS)


def _one_less(tally: Tally) -> Tally:
    return Tally(max(0.0, tally.level - 1.0), tally.last_ms)


def _key(*parts: str) -> str:
    """Not the name itself: what strangers type in, passwords among it, is not kept."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _spoken(seconds: int) -> str:
    if seconds == 1:
        return "a second"
    return f"{seconds} seconds" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"
