"""A file, opened by its content: oximetry, a recorder's wear log, or a bed's waveform."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from pathlib import Path

from gateway.errors import InputFileError
from gateway.service.exchange.files import WearLog, is_wear_log, read_recording, read_wear_log
from gateway.service.exchange.files.bed_waveform import BedWaveform, is_bed_waveform, read_bed_waveform
from gateway.service.exchange.recording import Recording
from gateway.wire.messages import Kind

File = Recording | WearLog | BedWaveform


def open_file(path: Path, zone: tzinfo | None) -> File:
    """Read a file of any kind that `somnolink analyze` reads.

    Parameters
    ----------
    zone
        Where the device's clock stood, for files with naive local times.

    Raises
    ------
    InputFileError
        One line with the file's name, without its folder, and the place. Nothing else, whatever the file holds.
    """
    try:
        if is_wear_log(path):
            return read_wear_log(path, zone)
        if is_bed_waveform(path):
            return read_bed_waveform(path, zone)
        return read_recording(path, zone)
    except InputFileError as error:
        raise InputFileError(str(error).replace(str(path), path.name)) from None


def kind_of(file: File) -> Kind:
    """The kind of samples that the store keeps of it."""
    if isinstance(file, WearLog):
        return "wear"
    return "waveform" if isinstance(file, BedWaveform) else "oximetry"


def start_of(file: File, given: datetime | None) -> datetime:
    """The moment of the first sample: the file's own, else the one given.

    Raises
    ------
    InputFileError
        Neither is known, or the file's clock has no zone.
    """
    start = file.start or given
    if start is None:
        raise InputFileError(f"{file.source}: the file holds no start: say when its first sample was")
    if start.tzinfo is None:
        raise InputFileError(f"{file.source}: its times are local: say in which zone its clock stood")
    return start.astimezone(UTC)
