"""Which format a file is in, by its content; the suffix is never trusted."""

from __future__ import annotations

import re
from datetime import tzinfo
from pathlib import Path
from typing import Final

from gateway.errors import InputFileError
from gateway.service.exchange.files import o2_csv, plain_csv
from gateway.service.exchange.files.source import (
    MAX_BINARY_BYTES,
    MAX_MAPPED_BYTES,
    MAX_TEXT_BYTES,
    bad_file,
    check_size,
    read_bytes,
    read_head,
)
from gateway.service.exchange.files.table import decode, find_header
from gateway.service.exchange.recording import Recording
from gateway.wire.files.oxyii import SIGNATURE as OXYII_SIGNATURE
from gateway.wire.files.viatom import VERSIONS

_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_HDF5_OFFSETS: Final = (0, 512, 1024, 2048, 4096)
"""Where an HDF5 file may begin: a MATLAB 7.3 file has 512 bytes of its own first."""
_EDF: Final = re.compile(rb"0 {7}")

_OTHERS: Final = (
    (b"MATLAB 5.0", "a MATLAB 5 file: save it with -v7.3"),
    (b"\xffBIOSEMI", "a BDF file, which holds no oximetry: export EDF"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook: unpack it, or save it as CSV"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"%PDF", "a PDF report: export the recording itself"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"SQLite format 3", "an SQLite database"),
    (b"<", "an HTML or XML document"),
    (b"{", "a JSON document"),
)
"""What people hand in by mistake, each with what to do instead."""


def read_recording(path: Path, zone: tzinfo | None = None) -> Recording:
    """Read a recording of any format that this project knows.

    Parameters
    ----------
    path : pathlib.Path
    zone : tzinfo, optional
        Where the device's clock stood, for files with naive local times.

    Returns
    -------
    Recording

    Raises
    ------
    InputFileError
        One line naming the file and the place. Nothing else, whatever the file holds.
    """
    head, size = read_head(path)
    if any(head[offset : offset + len(_HDF5)] == _HDF5 for offset in _HDF5_OFFSETS):
        from gateway.service.exchange.files import hdf5  # h5py takes 0.1 s to import

        check_size(path, size, MAX_MAPPED_BYTES)
        return hdf5.read(path)
    if _EDF.match(head):
        from gateway.service.exchange.files import edf

        check_size(path, size, MAX_MAPPED_BYTES)
        return edf.read(path, zone)
    for signature, what in _OTHERS:
        if head.lstrip().startswith(signature) if len(signature) == 1 else head.startswith(signature):
            raise bad_file(path, f"no recording but {what}")
    if head.startswith(OXYII_SIGNATURE) or head[0] in VERSIONS:
        return _read_ring(path, head, zone)
    return _read_text(path, head, zone)


def _read_ring(path: Path, head: bytes, zone: tzinfo | None) -> Recording:
    from gateway.service.exchange.files import viatom_binary

    data = read_bytes(path, MAX_BINARY_BYTES)
    read = viatom_binary.read_oxyii if head.startswith(OXYII_SIGNATURE) else viatom_binary.read_viatom
    return read(path, data, zone)


def _read_text(path: Path, head: bytes, zone: tzinfo | None) -> Recording:
    beginning = decode(head)
    if beginning is None:
        raise _unknown(path, head)
    if find_header(beginning) is None:
        raise bad_file(path, "no header with a time and an SpO2 column", "line 1")
    text = decode(read_bytes(path, MAX_TEXT_BYTES))
    header = find_header(text) if text is not None else None
    if text is None or header is None:
        raise bad_file(path, "binary data among the lines of a text file")
    read = o2_csv.read if o2_csv.claims(header) else plain_csv.read
    return read(path, text, header, zone)


def _unknown(path: Path, head: bytes) -> InputFileError:
    return bad_file(path, f"begins with {head[:8].hex(' ')}, which no known recording does", "byte 0")
