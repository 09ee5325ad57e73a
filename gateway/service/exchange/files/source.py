"""Getting at a file's bytes within bounds, and the one way in which a bad file is reported."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

from gateway.errors import InputFileError

MAX_TEXT_BYTES: Final = 32 * 2**20
"""Three days at 1 Hz in the longest CSV dialect are 11 MB."""
MAX_BINARY_BYTES: Final = 8 * 2**20
"""A ring's own file: 18 h at 1 Hz take 0.3 MB."""
MAX_MAPPED_BYTES: Final = 4 * 2**30
"""EDF and HDF5 are read in place, the channels needed only; a polysomnography of a night stays below 2 GB."""
HEAD_BYTES: Final = 64 * 2**10
"""What is looked at to tell a format: a CSV header may follow some lines of preamble."""


class RowError(ValueError):
    """Something is wrong at a row of a table (0 is the first below the header); a reader turns it into a line."""

    def __init__(self, row: int, what: str) -> None:
        super().__init__(what)
        self.row = row


def bad_file(path: Path, what: str, place: str = "") -> InputFileError:
    """Build the error for `path`: one line, with the place (line or byte) where there is one."""
    text = f"{path}: {place}: {what}" if place else f"{path}: {what}"
    return InputFileError(" ".join(text.split()))


def read_head(path: Path) -> tuple[bytes, int]:
    """Return the first bytes of a regular file and its size.

    Raises
    ------
    InputFileError
        No such file, a directory, a pipe or device, not readable, or empty.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise bad_file(path, "this is a directory, not a recording")
        if not stat.S_ISREG(status.st_mode):
            raise bad_file(path, "this is not a regular file")
        with path.open("rb") as handle:
            head = handle.read(HEAD_BYTES)
    except (OSError, ValueError) as error:
        raise bad_file(path, f"cannot be read ({_reason(error)})") from None
    if not head:
        raise bad_file(path, "the file is empty")
    return head, status.st_size


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the whole file.

    Raises
    ------
    InputFileError
        It is larger than `limit` bytes, or cannot be read.
    """
    try:
        check_size(path, path.stat().st_size, limit)
        with path.open("rb") as handle:
            data = handle.read(limit + 1)
    except OSError as error:
        raise bad_file(path, f"cannot be read ({_reason(error)})") from None
    check_size(path, len(data), limit)  # it may have grown
    return data


def check_size(path: Path, size: int, limit: int) -> None:
    """Refuse a file of more than `limit` bytes before any of it is kept."""
    if size > limit:
        raise bad_file(path, f"{size / 2**20:,.0f} MiB are more than a recording of this kind has ({limit >> 20} MiB)")


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
