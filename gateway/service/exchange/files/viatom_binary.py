"""A ring's own stored file, Viatom v3 / v5 (`.vld`, `.dat`) or O2Ring-S, as it comes out of the app's folder."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.errors import ProtocolError
from gateway.service.exchange.files.clock import localise
from gateway.service.exchange.files.grid import clean_pulse, clean_spo2
from gateway.service.exchange.files.source import bad_file
from gateway.service.exchange.recording import Recording
from gateway.wire.files.oxyii import parse_oxyii
from gateway.wire.files.viatom import parse_vld

_NO_START = "the file gives no start: the ring's clock was never set"


def read_viatom(path: Path, data: bytes, zone: tzinfo | None) -> Recording:
    """Read a Viatom v3 / v5 file.

    Raises
    ------
    InputFileError
        With the byte.
    """
    try:
        file = parse_vld(data)
    except ProtocolError as error:
        raise bad_file(path, str(error)) from None
    notes = [] if file.start else [_NO_START]
    if not file.complete:
        notes.append(f"the file is not complete: it announces {file.size} bytes and has {len(data)}")
    spo2, pulse = clean_spo2(file.spo2.astype(np.float64)), clean_pulse(file.pulse.astype(np.float64))
    _check_any(path, spo2)
    return Recording(
        source=path.name,
        kind="viatom",
        start=localise(file.start, zone, notes),
        interval_s=file.interval_s,
        spo2=spo2,
        pulse=pulse,
        motion=file.motion,
        flags=np.zeros(spo2.size, np.uint16),
        notes=tuple(notes),
    )


def read_oxyii(path: Path, data: bytes, zone: tzinfo | None) -> Recording:
    """Read an O2Ring-S file.

    Raises
    ------
    InputFileError
        With the byte.
    """
    try:
        file = parse_oxyii(data)
    except ProtocolError as error:
        raise bad_file(path, str(error)) from None
    notes = []
    if not file.complete:
        notes.append("the ring had not finished the file: no start is known, and 1 s between samples is assumed")
    else:
        notes += [] if file.start else [_NO_START]
        notes += [] if file.checksum_ok else ["the file's checksum does not match: some bytes may be wrong"]
    told = file.spo2[file.spo2_invalid]
    marked = int((told != 0xFF).sum())
    if marked:
        notes.append(f"{marked} SpO2 values that the ring marked invalid were left out")
    spo2 = clean_spo2(np.where(file.spo2_invalid, np.nan, file.spo2))
    pulse = clean_pulse(np.where(file.pulse_invalid, np.nan, file.pulse))
    _check_any(path, spo2)
    return Recording(
        source=path.name,
        kind="oxyii",
        start=localise(file.start, zone, notes),
        interval_s=file.interval_s,
        spo2=spo2,
        pulse=pulse,
        motion=file.motion,
        flags=np.zeros(spo2.size, np.uint16),
        notes=tuple(notes),
    )


def _check_any(path: Path, spo2: NDArray[np.float32]) -> None:
    if np.isnan(spo2).all():
        raise bad_file(path, f"not one valid SpO2 value in {spo2.size} records")
