"""EDF+ annotations: when each data record begins, scored respiratory events and sleep stages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.service.exchange.files.edf_header import ANNOTATIONS, EdfHeader
from gateway.service.exchange.files.source import bad_file
from gateway.service.exchange.recording import UNSCORED, ScoredEvents

MAX_BYTES: Final = 64 * 2**20

_TAL: Final = re.compile(rb"([+-][0-9]{1,9}(?:\.[0-9]*)?)(?:\x15([0-9]{1,9}(?:\.[0-9]*)?))?\x14([^\x00]*)\x00")
_ONSET: Final = re.compile(rb"([+-][0-9]{1,9}(?:\.[0-9]*)?)\x14")
_EVENT: Final = re.compile(r"apno?ea|hypopno?ea", re.IGNORECASE)
_STAGE: Final = re.compile(r"sleep stage\s+(W|R|N?[1-4])\b", re.IGNORECASE)
_STAGE_CODES: Final = {"W": 0, "1": 1, "2": 2, "3": 3, "4": 4, "R": 5}
_EPOCH_S: Final = 30.0
"""A stage without a duration covers an epoch of the AASM manual."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One text of an annotation signal; seconds from the file's start."""

    onset_s: float
    duration_s: float
    text: str


def read_annotations(path: Path, header: EdfHeader) -> tuple[NDArray[np.float64], list[Annotation]]:
    """Return when each data record begins (seconds from the file's start, shape (records,)) and all annotations.

    Raises
    ------
    InputFileError
        A discontinuous file whose records do not say when they begin, or not in order.
    """
    even: NDArray[np.float64] = np.arange(header.records, dtype=np.float64) * header.record_s
    signals = [signal for signal in header.signals if signal.label == ANNOTATIONS and signal.samples]
    if not header.plus or not signals:
        if header.plus == "D":
            raise bad_file(path, "a discontinuous EDF+ file without an annotation signal", "byte 192")
        return even, []
    if 2 * header.records * sum(signal.samples for signal in signals) > MAX_BYTES:
        raise bad_file(path, f"more than {MAX_BYTES >> 20} MiB of annotations")
    samples = header.samples(path)
    blocks = [samples[:, s.offset : s.offset + s.samples].tobytes() for s in signals]
    first = _onset(blocks[0], 0)
    onsets = even + np.float64(first or 0.0)
    if header.plus == "D":
        onsets = _record_onsets(path, header, blocks[0], 2 * signals[0].samples)
    found: list[Annotation] = []
    for block in blocks:
        for onset, duration, texts in _TAL.findall(block):
            said = filter(None, texts.decode("utf-8", "replace").split("\x14"))
            found.extend(Annotation(float(onset), float(duration or 0.0), text) for text in said)
    return onsets, found


def scored_events(annotations: list[Annotation], first_s: float, seconds: int) -> ScoredEvents | None:
    """Return the apnoeas and hypopnoeas that begin within the recording, by onset; None without any."""
    scored = sorted(
        (a.onset_s - first_s, a.duration_s)
        for a in annotations
        if a.duration_s > 0 and 0 <= a.onset_s - first_s < seconds and _EVENT.search(a.text)
    )
    if not scored:
        return None
    start_s, duration_s = np.array(scored, dtype=np.float64).T
    return ScoredEvents(start_s.copy(), duration_s.copy())


def sleep_stages(annotations: list[Annotation], first_s: float, seconds: int) -> NDArray[np.int8] | None:
    """Return one stage a second (0 wake, 1 to 4 non-REM, 5 REM, 9 unscored); None without any."""
    stages = np.full(seconds, UNSCORED, np.int8)
    for annotation in annotations:
        stage = _STAGE.search(annotation.text)
        if stage:
            begin = max(0, round(annotation.onset_s - first_s))
            end = max(0, round(annotation.onset_s - first_s + (annotation.duration_s or _EPOCH_S)))
            stages[begin:end] = _STAGE_CODES[stage[1].upper().removeprefix("N")]
    return stages if (stages != UNSCORED).any() else None


def _record_onsets(path: Path, header: EdfHeader, block: bytes, width: int) -> NDArray[np.float64]:
    onsets = np.empty(header.records, np.float64)
    for record in range(header.records):
        onset = _onset(block, record * width)
        place = f"byte {header.bytes + 2 * record * header.record_samples}"
        if onset is None:
            raise bad_file(path, f"data record {record + 1} does not say when it begins", place)
        if record and onset < onsets[record - 1] + header.record_s / 2:
            raise bad_file(path, f"data record {record + 1} begins before the one above it has ended", place)
        onsets[record] = onset
    return onsets


def _onset(block: bytes, position: int) -> float | None:
    match = _ONSET.match(block, position)
    return float(match[1]) if match else None
