"""Late data: what the data tell now, held against what was raised before."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from analytics.alerts.findings import Episode, Finding


class Known(msgspec.Struct, frozen=True):
    """An alert that is on record for a rule and subject.

    Attributes
    ----------
    from_ms : int
        Beginning of its evidence.
    raised_ms : int
        When it was raised.
    over_ms : int or None
        When it was resolved; None while it is not.
    """

    from_ms: int
    raised_ms: int
    over_ms: int | None
    grade: int


def reconcile(
    rule: str, known: Sequence[Known], episodes: Sequence[Episode], *, since_ms: int, late: bool
) -> tuple[Finding, ...]:
    """What is to be said so that the record agrees with the data.

    Parameters
    ----------
    known : sequence of Known
        Alerts of one rule and subject, those of the time that was judged again.
    episodes : sequence of Episode
        Of the same rule and subject, as the data tell it now, in order of time.
    since_ms : int
        Start of the data that are new. An episode that is over and was complete before this is not raised any more: a
        threshold changed today does not bring up last month.
    late : bool
        Whether data later than the new ones had been judged before.

    Returns
    -------
    tuple of Finding
        In the order in which they are to be told: first what is withdrawn, then each episode.
    """
    matches: list[Known | None] = []
    for one in episodes:
        # An alert stands for one episode: what turns out to be two is told as two.
        matches.append(_match(one, [alert for alert in known if all(match is not alert for match in matches)]))
    found: list[Finding] = []
    for alert in known:
        if alert.over_ms is None and all(match is not alert for match in matches):
            at_ms = max(alert.raised_ms, since_ms)
            found.append(Finding(rule, False, at_ms, alert.from_ms, at_ms, {}, late=late, withdrawn=True))
    # While an alert stands for another episode, one that is over adds nothing: somebody is called already.
    standing = any(match is not None and match.over_ms is None for match in matches)
    for episode, match in zip(episodes, matches, strict=True):
        if match is None:
            if episode.over_ms is None or (episode.over_ms >= since_ms and not standing):
                found += _told(episode, late=late)
        elif match.over_ms is None:
            if episode.grade > match.grade:
                found.append(_raised(episode, late=late))
            if episode.over_ms is not None:
                found.append(_over(episode, late=late))
        elif episode.over_ms is None:
            found += _told(episode, late=late)
    return tuple(found)


def _match(episode: Episode, known: Sequence[Known]) -> Known | None:
    """The alert that is about this episode: the latest whose time meets the episode's."""
    for alert in reversed(known):
        ends = alert.over_ms is None or alert.over_ms > episode.from_ms
        begins = episode.over_ms is None or alert.from_ms < episode.over_ms
        if ends and begins:
            return alert
    return None


def _told(episode: Episode, *, late: bool) -> list[Finding]:
    raised = [_raised(episode, late=late)]
    return raised if episode.over_ms is None else [*raised, _over(episode, late=late)]


def _raised(episode: Episode, *, late: bool) -> Finding:
    e = episode
    return Finding(e.rule, True, e.at_ms, e.from_ms, e.latest_ms, e.values, e.grade, late)


def _over(episode: Episode, *, late: bool) -> Finding:
    assert episode.over_ms is not None, "told of those that are over"
    return Finding(episode.rule, False, episode.over_ms, episode.from_ms, episode.over_ms, episode.values, late=late)
