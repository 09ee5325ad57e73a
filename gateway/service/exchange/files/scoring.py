"""What a sleep laboratory scored, given beside a recording: respiratory events and sleep stages."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.service.exchange.files.source import bad_file, read_bytes, read_head
from gateway.service.exchange.files.table import decode
from gateway.service.exchange.recording import UNSCORED, ScoredEvents

MAX_BYTES: Final = 8 * 2**20
EPOCH_S: Final = 30
"""The epoch of sleep staging (AASM manual)."""

_START: Final = ("start_s", "start", "onset_s", "onset")
_DURATION: Final = ("duration_s", "duration")
_STAGES: Final = {
    **dict.fromkeys(("0", "w", "wake"), 0),
    **dict.fromkeys(("1", "n1", "s1"), 1),
    **dict.fromkeys(("2", "n2", "s2"), 2),
    **dict.fromkeys(("3", "n3", "s3"), 3),
    **dict.fromkeys(("4", "n4", "s4"), 4),
    **dict.fromkeys(("5", "r", "rem"), 5),
    **dict.fromkeys(("", "-1", "9", "?", "u", "unscored", "nan"), UNSCORED),
}
_SLACK_S: Final = 60
"""A recording and its staging may end this far apart."""


def read_events(path: Path) -> ScoredEvents:
    """Read scored events: CSV with a header naming `start_s` and `duration_s`, other columns as they like.

    Seconds count from the recording's first sample. A file with its header alone says that nothing was scored.

    Raises
    ------
    InputFileError
        With the line.
    """
    reader = csv.reader(_text(path).splitlines())
    try:
        rows = [(reader.line_num, fields) for fields in reader]
    except csv.Error as error:
        raise bad_file(path, str(error), f"line {reader.line_num}") from None
    names = [name.strip().lower() for name in rows[0][1]] if rows else []
    columns = [next((names.index(name) for name in known if name in names), -1) for known in (_START, _DURATION)]
    if -1 in columns:
        raise bad_file(path, "the header must name start_s and duration_s", "line 1")
    events: list[tuple[float, float]] = []
    for line, fields in rows[1:]:
        if not any(field.strip() for field in fields):
            continue
        try:
            start_s, duration_s = (float(fields[column]) for column in columns)
        except (ValueError, IndexError):
            raise bad_file(path, f"{','.join(fields)[:40]!r} gives no start and duration", f"line {line}") from None
        if not (math.isfinite(start_s) and math.isfinite(duration_s) and start_s >= 0 and duration_s > 0):
            what = f"an event of {duration_s:g} s at {start_s:g} s is not possible"
            raise bad_file(path, what, f"line {line}")
        events.append((start_s, duration_s))
    table = np.array(sorted(events), dtype=np.float64).reshape(-1, 2)
    return ScoredEvents(table[:, 0].copy(), table[:, 1].copy())


def read_stages(path: Path, seconds: int) -> NDArray[np.int8]:
    """Read sleep stages, one a line (its last field), each for a second or for an epoch of 30 s.

    Which of the two is told by their number. 0, W is wake; 1 to 4, N1 to N3 non-REM; 5, R, REM; ?, -1, 9 or nothing
    unscored. A first line that is none of these is a header.

    Parameters
    ----------
    seconds : int
        Length of the recording.

    Returns
    -------
    int8 array, shape (seconds,)
        9 (unscored) where the staging ends before the recording.

    Raises
    ------
    InputFileError
        With the line; or when there are too many or too few stages for the recording.
    """
    stages: list[int] = []
    lines = _text(path).rstrip().splitlines()
    for line, text in enumerate(lines, start=1):
        field = text.replace(";", ",").replace("\t", ",").rsplit(",", 1)[-1].strip().lower()
        stage = _STAGES.get(field.removesuffix(".0"))
        if stage is None and line > 1:
            what = f"{text.strip()[:40]!r} is no sleep stage (0 to 5, W, N1 to N3, R, ?)"
            raise bad_file(path, what, f"line {line}")
        if stage is not None:
            stages.append(stage)
    told = np.array(stages, dtype=np.int8)
    for each_s in (1, EPOCH_S):
        if told.size and abs(told.size * each_s - seconds) <= min(_SLACK_S, seconds / 2):
            staged = np.full(seconds, UNSCORED, np.int8)
            filled = np.repeat(told, each_s)[:seconds]
            staged[: filled.size] = filled
            return staged
    what = f"{told.size} stages fit neither {seconds} s nor {math.ceil(seconds / EPOCH_S)} epochs of {EPOCH_S} s"
    raise bad_file(path, what)


def _text(path: Path) -> str:
    read_head(path)
    text = decode(read_bytes(path, MAX_BYTES))
    if text is None:
        raise bad_file(path, "this is no text file")
    return text
