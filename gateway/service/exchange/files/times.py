"""The time column of a CSV, in every dialect that rings, apps and people write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, compress, count
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from gateway.service.exchange.files.source import RowError

Zero = Literal["local", "utc", "elapsed"]

_MONTHS: Final[dict[str, int]] = {
    name: month
    for month, names in enumerate(
        (
            "jan january januar janvier janv enero ene gennaio gen januari janeiro",
            "feb february februar février févr fév febrero febbraio februari fevereiro fev",
            "mar march märz mär mrz mars marzo maart mrt março",
            "apr april avril avr abril abr aprile",
            "may mai mayo maggio mag mei maio",
            "jun june juni juin junio giugno giu junho",
            "jul july juli juillet juil julio luglio lug julho",
            "aug august août aoû agosto ago augustus",
            "sep september sept septembre septiembre settembre set setembro",
            "oct october oktober okt octobre octubre ottobre ott outubro out",
            "nov november novembre noviembre novembro",
            "dec december dezember dez décembre déc diciembre dic dicembre dezembro",
        ),
        start=1,
    )
    for name in names.split()
}
"""Months as phones write them in English, German, French, Spanish, Italian, Dutch and Portuguese."""
_HALVES: Final = {"am": 0, "pm": 1}

_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_CLOCK: Final = re.compile(r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}")
_WORD: Final = re.compile(r"[^\W\d_]+")
_TOKEN: Final = re.compile(r"[0-9]+|[^\W\d_]+")
_NOT_NUMBER: Final = re.compile(r"[^0-9\n]+")
_STAMPED_NAME: Final = re.compile(r"(?<!\d)(20\d\d)[-_]?(\d\d)[-_]?(\d\d)")

_EPOCH_S: Final = 3e8
"""Numbers from here on are seconds since 1970 (this is 1979), below they count from the recording's start."""
_EPOCH_MS: Final = 3e11
_MAX_DIGITS: Final = 4
_CLOCK_ROLES: Final = ("hour", "minute", "second_of")


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """A time column as numbers.

    Attributes
    ----------
    seconds : float64 array, shape (n,)
        Since 1970-01-01 00:00 UTC (`utc`), since the same by a local clock (`local`), or since the start (`elapsed`).
    zero : str
    utc_offset_s : int or None
        The offset that the first row itself states.
    notes : tuple of str
        What was assumed.
    """

    seconds: NDArray[np.float64]
    zero: Zero
    utc_offset_s: int | None = None
    notes: tuple[str, ...] = ()


def parse_times(texts: Sequence[str], *, file_name: str = "", decimal_comma: bool = False) -> Times:
    """Read a time column: numbers, ISO 8601, or a clock with a date in any order.

    Parameters
    ----------
    texts : sequence of str, length n >= 1
        All in one layout, as the first row has it.
    file_name : str
        A date in it (20260310) settles an ambiguous order of day and month.
    decimal_comma : bool
        Numbers are written 0,5.

    Raises
    ------
    RowError
        A row that is no time, or not in the layout of the first.

    Notes
    -----
    Day and month as numbers: the order is decided from the whole column: a number above 12 is a day; dots mean day
    first; failing that, the order in which the dates run on from day to day; failing that, the date in the file's name.
    Where all of these are silent, a clock with AM/PM means month first and a 24-hour clock day first, and a note says
    so.
    """
    first = texts[0].strip()
    if _NUMBER.fullmatch(first.replace(",", ".") if decimal_comma else first):
        return _numeric(texts, decimal_comma)
    if _ISO.match(first):
        return _iso(texts)
    return _clock_and_date(texts, file_name)


def _numeric(texts: Sequence[str], decimal_comma: bool) -> Times:
    plain = [text.replace(",", ".") for text in texts] if decimal_comma else texts
    try:
        values = np.array(plain, dtype=np.float64)
    except ValueError:
        raise _no_time(
            next((row for row, text in enumerate(plain) if not _NUMBER.fullmatch(text.strip())), 0), texts
        ) from None
    if not np.isfinite(values).all():
        raise _no_time(int(np.argmin(np.isfinite(values))), texts)
    if values[0] >= _EPOCH_MS:
        return Times(values / 1000.0, "utc", 0)
    return Times(values, "utc", 0) if values[0] >= _EPOCH_S else Times(values, "elapsed")


def _iso(texts: Sequence[str]) -> Times:
    stamps: list[datetime] = []
    try:
        stamps.extend(map(datetime.fromisoformat, map(str.strip, texts)))
    except ValueError:
        raise _no_time(len(stamps), texts) from None  # extend keeps what came before the bad row
    offset = stamps[0].utcoffset()
    for row, stamp in enumerate(stamps):
        if (stamp.tzinfo is None) != (offset is None):
            raise RowError(row, f"{texts[row].strip()!r} and the first row do not both state a UTC offset")
    if offset is None:
        return Times(np.array(stamps, dtype="datetime64[us]").astype(np.int64) / 1e6, "local")
    seconds = np.fromiter(map(datetime.timestamp, stamps), np.float64, len(stamps))
    return Times(seconds, "utc", int(offset.total_seconds()))


def _clock_and_date(texts: Sequence[str], file_name: str) -> Times:
    column = "\n".join(texts).lower().replace("a.m.", "am").replace("p.m.", "pm")
    first = column.partition("\n")[0]
    clock = _CLOCK.search(first)
    if clock is None:
        raise _no_time(0, texts)
    rows = _to_numbers(texts, column)
    roles = _roles(first, clock, texts)
    if rows.shape[1] != len(roles):
        raise _no_time(0, texts)
    part = {role: rows[:, position] for position, role in enumerate(roles)}
    notes: tuple[str, ...] = ()
    if "first" in part:
        day_first, notes = _day_first(part, texts, dotted="." in first.replace(clock.group(), ""), file_name=file_name)
        part["day"], part["month"] = (part["first"], part["second"]) if day_first else (part["second"], part["first"])
    year = np.where(part["year"] < 100, part["year"] + 2000, part["year"])
    hour = part["hour"]
    if "half" in part:
        hour = np.where(hour <= 12, hour % 12 + 12 * part["half"], hour)
    bounds = [(year, 1970, 2100), (part["month"], 1, 12), (part["day"], 1, 31)]
    bounds += [(hour, 0, 23), (part["minute"], 0, 59), (part["second_of"], 0, 59)]
    bad = np.zeros(len(texts), np.bool_)
    for values, low, high in bounds:
        bad |= (values < low) | (values > high)
    if bad.any():
        raise _no_time(int(np.argmax(bad)), texts)
    months = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (part["month"] - 1).astype(
        "timedelta64[M]"
    )
    days = months.astype("datetime64[D]") + (part["day"] - 1).astype("timedelta64[D]")
    bad = days.astype("datetime64[M]") != months
    if bad.any():
        raise _no_time(int(np.argmax(bad)), texts)
    seconds = days.astype(np.int64) * 86_400.0 + hour * 3600 + part["minute"] * 60 + part["second_of"]
    return Times(seconds, "local", None, notes)


def _to_numbers(texts: Sequence[str], column: str) -> NDArray[np.int64]:
    """Return every row's numbers, with words (months, AM/PM) as numbers too: shape (n, numbers a row)."""
    for word in sorted(set(_WORD.findall(column)), key=len, reverse=True):
        value = _MONTHS.get(word, _HALVES.get(word))
        if value is None:
            row = next(row for row, text in enumerate(texts) if word in text.lower())
            raise _no_time(row, texts)
        column = column.replace(word, f" {value} ")
    rows = list(map(str.split, _NOT_NUMBER.sub(" ", column).split("\n")))
    if len(rows) != len(texts):
        raise RowError(next(row for row, text in enumerate(texts) if "\n" in text), "a time runs over two lines")
    width = len(rows[0])
    numbers = list(chain.from_iterable(rows))
    if set(map(len, rows)) != {width} or max(map(len, numbers), default=0) > _MAX_DIGITS:
        bad = (len(fields) != width or max(map(len, fields)) > _MAX_DIGITS for fields in rows)
        raise _no_time(next(compress(count(), bad)), texts)
    return np.fromiter(map(int, numbers), np.int64, len(numbers)).reshape(-1, width)


def _roles(first: str, clock: re.Match[str], texts: Sequence[str]) -> list[str]:
    """Say what each number of a row is, from the first: the clock by its colons, the date by words and widths."""
    tokens = list(_TOKEN.finditer(first))
    in_clock = [token for token in tokens if clock.start() <= token.start() < clock.end()]
    clock_roles = dict(zip((token.start() for token in in_clock), _CLOCK_ROLES, strict=False))
    rest = [token for token in tokens if token.start() not in clock_roles and token.group() not in _HALVES]
    if len(rest) != 3:
        raise _no_time(0, texts)
    named = [token.group() in _MONTHS for token in rest]
    wide = [len(token.group()) == 4 and token.group().isdigit() for token in rest]
    year = wide.index(True) if True in wide else 2
    others = [position for position in range(3) if position != year]
    if True in named:
        month = named.index(True)
        date = {month: "month", **{position: "day" for position in others if position != month}}
    elif year == 0:
        date = {1: "month", 2: "day"}
    else:
        date = {others[0]: "first", others[1]: "second"}
    date[year] = "year"
    if len(set(date.values())) != 3:
        raise _no_time(0, texts)
    date_roles = {token.start(): date[position] for position, token in enumerate(rest)}
    return [clock_roles.get(t.start()) or date_roles.get(t.start()) or "half" for t in tokens]


def _day_first(
    part: dict[str, NDArray[np.int64]], texts: Sequence[str], *, dotted: bool, file_name: str
) -> tuple[bool, tuple[str, ...]]:
    one, two = part["first"], part["second"]
    if (one > 12).any():
        if (two > 12).any():
            row = int(max(np.argmax(one > 12), np.argmax(two > 12)))
            raise RowError(row, f"{texts[row].strip()!r}: day and month change places within the file")
        return True, ()
    if (two > 12).any():
        return False, ()
    if dotted:
        return True, ()
    moves_one, moves_two = np.diff(one), np.diff(two)
    if moves_one.any() != moves_two.any():  # the night runs past midnight: what moves by one is the day
        return bool(moves_one.any()), ()
    if one[0] == two[0]:
        return True, ()
    for _, month, day in _STAMPED_NAME.findall(file_name):
        if {int(month), int(day)} == {int(one[0]), int(two[0])}:
            return int(day) == int(one[0]), ()
    day_first = "half" not in part
    order = "day before month" if day_first else "month before day"
    return day_first, (f"the order of day and month in {texts[0].strip()!r} is not certain: taken as {order}",)


def _no_time(row: int, texts: Sequence[str]) -> RowError:
    return RowError(row, f"{texts[row].strip()[:40]!r} is no time" + (" in the layout of the first row" if row else ""))
