"""A ZIP that is written piece by piece to somebody who reads it as it comes. No file, bounded memory."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

LEVEL: Final = 6
EARLIEST_YEAR: Final = 1980
"""ZIP knows no time before."""


class Entry(msgspec.Struct, frozen=True):
    """A file of the archive: its size and SHA-256."""

    name: str
    bytes: int
    sha256: str


class _Sink(io.RawIOBase):
    """Keeps what was written until it is taken; cannot be sought, so the ZIP is written in one go."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # what zipfile writes
        """Keep it."""
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def take(self) -> bytes:
        """All that was written since the last time."""
        taken, self._parts = b"".join(self._parts), []
        return taken


class ZipStream:
    """Puts files into a ZIP and gives its bytes as they come about.

    Attributes
    ----------
    entries : list of Entry
        What is in it so far.
    """

    def __init__(self, now_ms: int) -> None:
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)
        made = datetime.fromtimestamp(now_ms / 1000, UTC)
        self._date = (max(made.year, EARLIEST_YEAR), made.month, made.day, made.hour, made.minute, made.second)
        self.entries: list[Entry] = []

    def add(self, name: str, parts: Iterable[bytes]) -> Iterator[bytes]:
        """Write a file in parts."""
        info = zipfile.ZipInfo(name, self._date)
        info.compress_type = zipfile.ZIP_DEFLATED
        digest, size = hashlib.sha256(), 0
        with self._zip.open(info, "w", force_zip64=True) as file:
            for part in parts:
                digest.update(part)
                size += len(part)
                file.write(part)
                yield self._sink.take()
        self.entries.append(Entry(name, size, digest.hexdigest()))
        yield self._sink.take()

    def close(self) -> bytes:
        """End the ZIP; its last bytes."""
        self._zip.close()
        return self._sink.take()
