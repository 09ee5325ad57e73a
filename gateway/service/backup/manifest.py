"""What a backup says of itself, and whether it is still what it was."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import msgspec

from gateway.errors import InputFileError

NAME: Final = "manifest.json"
FORMAT: Final = 1
SAMPLES: Final = "samples.db"
RECORDS_SQLITE: Final = "records.db"
RECORDS_POSTGRESQL: Final = "records.dump"
FILES: Final = frozenset({SAMPLES, RECORDS_SQLITE, RECORDS_POSTGRESQL})


class FileEntry(msgspec.Struct, frozen=True):
    """Size in bytes and SHA-256 of one file."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """A backup: when its samples were as they are in it (UTC milliseconds), and its files by name."""

    format: int
    taken_ms: int
    files: dict[str, FileEntry]

    @property
    def records(self) -> str:
        """Name of the file that holds the records."""
        return RECORDS_SQLITE if RECORDS_SQLITE in self.files else RECORDS_POSTGRESQL


def entry_of(file: Path) -> FileEntry:
    """Size and SHA-256 of a file."""
    with file.open("rb") as opened:
        return FileEntry(file.stat().st_size, hashlib.file_digest(opened, "sha256").hexdigest())


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup whose files are all there, unchanged.

    Raises
    ------
    InputFileError
        The folder is no backup, or one of its files is missing or is not what it was.
    """
    try:
        manifest = msgspec.json.decode((folder / NAME).read_bytes(), type=Manifest)
    except OSError as error:
        raise InputFileError(f"{folder} is no backup: {NAME}: {error.strerror or error}") from None
    except msgspec.DecodeError as error:
        raise InputFileError(f"{folder} is no backup: {NAME}: {error}") from None
    if manifest.format != FORMAT:
        raise InputFileError(f"{folder} is a backup of format {manifest.format}, this program reads format {FORMAT}")
    if not manifest.files.keys() <= FILES or manifest.records not in manifest.files:
        raise InputFileError(f"{folder}: {NAME} names no records, or files that no backup has")
    for name, told in manifest.files.items():
        try:
            found = entry_of(folder / name)
        except OSError as error:
            raise InputFileError(f"{folder / name}: {error.strerror or error}") from None
        if found != told:
            raise InputFileError(f"{folder / name} is not the file that was backed up: size or checksum differ")
    return manifest
