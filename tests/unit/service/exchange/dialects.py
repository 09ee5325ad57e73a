"""Every dialect of CSV that a ring's app or a person writes, each as a function from samples to text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

Row = tuple[datetime, int | None, int | None, int]
"""Naive local time, SpO2, pulse (None: missing), motion."""

O2_HEADER = "Time,Oxygen Level,Pulse Rate,Motion,O2 Reminder,PR Reminder"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
GERMAN = ("Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez.")


def rows_of(
    start: datetime, interval_s: float, spo2: Sequence[int | None], pulse: Sequence[int | None], motion: Sequence[int]
) -> list[Row]:
    return [
        (start + timedelta(seconds=number * interval_s), *sample)
        for number, sample in enumerate(zip(spo2, pulse, motion, strict=True))
    ]


def _csv(
    rows: Sequence[Row],
    stamp: Callable[[datetime], str],
    *,
    header: str = O2_HEADER,
    missing: tuple[str, str] = ("--", "--"),
    end: str = "\n",
    delimiter: str = ",",
    tail: str = ",0,0",
) -> str:
    lines = [header.replace(",", delimiter)]
    for at, spo2, pulse, motion in rows:
        values = (missing[0] if spo2 is None else spo2, missing[1] if pulse is None else pulse, motion)
        lines.append(delimiter.join((stamp(at), *map(str, values))) + tail.replace(",", delimiter))
    return end.join(lines) + end


def _named(at: datetime) -> str:
    return f"{at:%H:%M:%S} {MONTHS[at.month - 1]} {at:%d %Y}"


def _half_day(at: datetime) -> str:
    return f"{at:%I:%M:%S%p} {MONTHS[at.month - 1]} {at:%d, %Y}"


def _plain(at: datetime) -> str:
    return at.isoformat()


def _plain_csv(rows: Sequence[Row], stamp: Callable[[datetime], str]) -> str:
    lines = ["time,spo2,pulse"]
    lines += [f"{stamp(at)},{'' if s is None else s},{'' if p is None else p}" for at, s, p, _ in rows]
    return "\n".join(lines) + "\n"


Writer = Callable[[Sequence[Row]], str | bytes]

O2_DIALECTS: dict[str, Writer] = {
    "24 h, month name (O2 Max)": lambda rows: _csv(rows, _named),
    "AM/PM quoted, trailing comma (O2Ring)": lambda rows: _csv(
        rows,
        lambda at: f'"{_half_day(at)}"',
        header="Time,SpO2(%),Pulse Rate(bpm),Motion,SpO2 Reminder,PR Reminder,",
        missing=("255", "65535"),
        tail=",0,0,",
    ),
    "AM/PM apart and in lower case": lambda rows: _csv(
        rows, lambda at: f'"{at:%I:%M:%S} {at:%p} '.replace("AM", "a.m.").replace("PM", "p.m.") + f'{_date(at)}"'
    ),
    "European slashes after the clock (ViHealth)": lambda rows: _csv(rows, lambda at: f"{at:%H:%M:%S %d/%m/%Y}"),
    "European dots before the clock": lambda rows: _csv(rows, lambda at: f"{at:%d.%m.%Y %H:%M:%S}"),
    "American slashes, AM/PM": lambda rows: _csv(rows, lambda at: f"{at:%m/%d/%Y %I:%M:%S %p}"),
    "year first": lambda rows: _csv(rows, lambda at: f"{at:%Y/%m/%d %H:%M:%S}"),
    "two-digit year": lambda rows: _csv(rows, lambda at: f"{at:%d.%m.%y %H:%M:%S}"),
    "German months": lambda rows: _csv(rows, lambda at: f"{at:%H:%M:%S} {at:%d}. {GERMAN[at.month - 1]} {at:%Y}"),
    "CRLF": lambda rows: _csv(rows, _named, end="\r\n"),
    "old Mac line ends": lambda rows: _csv(rows, _named, end="\r"),
    "BOM": lambda rows: "\ufeff" + _csv(rows, _named),
    "UTF-16": lambda rows: _csv(rows, _named).encode("utf-16"),
    "semicolons": lambda rows: _csv(rows, _named, delimiter=";"),
    "tabs": lambda rows: _csv(rows, _named, delimiter="\t"),
    "four columns only": lambda rows: _csv(rows, _named, header="Time,Oxygen Level,Pulse Rate,Motion", tail=""),
    "every field quoted": lambda rows: (
        _csv(rows, _named).replace(",", '","').replace("\n", '"\n"').join(('"', ""))[:-1]
    ),
    "a field over two lines": lambda rows: _csv(rows, _named, tail=',"no\nreminder",0'),
    "preamble and blank lines": lambda rows: "Device: O2Ring 0651\n\n" + _csv(rows, _named).replace("\n", "\n\n", 3),
    "date and time in two columns": lambda rows: _csv(
        rows, lambda at: f"{at:%d.%m.%Y},{at:%H:%M:%S}", header="Date," + O2_HEADER
    ),
    "no end of the last line": lambda rows: _csv(rows, _named)[:-1],
}

PLAIN_DIALECTS: dict[str, Writer] = {
    "ISO": lambda rows: _plain_csv(rows, _plain),
    "ISO with a blank": lambda rows: _plain_csv(rows, lambda at: f"{at:%Y-%m-%d %H:%M:%S}"),
    "ISO in UTC": lambda rows: _plain_csv(rows, lambda at: at.isoformat() + "Z"),
    "epoch seconds": lambda rows: _plain_csv(rows, lambda at: f"{at.replace(tzinfo=UTC).timestamp():.0f}"),
    "epoch milliseconds": lambda rows: _plain_csv(rows, lambda at: f"{at.replace(tzinfo=UTC).timestamp() * 1000:.0f}"),
    "elapsed seconds": lambda rows: _plain_csv(rows, lambda at: f"{(at - rows[0][0]).total_seconds():g}"),
}


def _date(at: datetime) -> str:
    return f"{at:%d} {MONTHS[at.month - 1]} {at:%Y}"


def as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8")
