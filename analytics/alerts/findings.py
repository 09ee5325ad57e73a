"""What rules say: findings, one at a time, and episodes, seen whole."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

Values = Mapping[str, float | None]
"""Evidence by name, units in the names; None where the data do not say."""


class Finding(msgspec.Struct, frozen=True):
    """A rule's word on its subject at one moment.

    Attributes
    ----------
    rule : str
        Name in `rules.RULES`.
    holds : bool
        True: the condition is there. False: it is over.
    at_ms : int
        Data time at which the data completed it, UTC.
    from_ms, to_ms : int
        The interval that the evidence is of, UTC.
    grade : int
        1 and up; an alert that is open is raised again only when the grade rises.
    late : bool
        It was found by data that came after later data had been judged.
    withdrawn : bool
        With `holds` False: what was raised never was so, by the data as they are now.
    """

    rule: str
    holds: bool
    at_ms: int
    from_ms: int
    to_ms: int
    values: dict[str, float | None]
    grade: int = 1
    late: bool = False
    withdrawn: bool = False


class Episode(msgspec.Struct, frozen=True):
    """A condition from its beginning to its end, as the data tell it that are known now.

    Attributes
    ----------
    from_ms : int
        Beginning of the evidence.
    at_ms : int
        When the data completed the condition: what an alert is raised with.
    latest_ms : int
        End of the latest evidence that it holds.
    over_ms : int or None
        When the data said that it is over; None while it lasts.
    grade : int
        The highest that it reached.
    """

    rule: str
    from_ms: int
    at_ms: int
    latest_ms: int
    over_ms: int | None
    grade: int
    values: dict[str, float | None]
