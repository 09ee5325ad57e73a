"""The state of a step: an immutable value of fixed size that can be kept and restored."""

from __future__ import annotations

import zlib
from typing import Any, ClassVar, Self

import numpy as np


class Snapshot:
    """State of a step, the bytes of one record of `dtype`.

    Attributes
    ----------
    label : str
        What it is a state of, with the version of the analysis and of the layout: others' snapshots are refused.
    dtype : numpy.dtype
        Layout of the record.
    """

    __slots__ = ("_body",)

    label: ClassVar[str]
    dtype: ClassVar[np.dtype[Any]]

    def __init__(self, body: bytes) -> None:
        self._body = body

    @classmethod
    def _header(cls) -> bytes:
        return f"somnolink {cls.label} {cls.dtype.itemsize} ".encode()

    def to_bytes(self) -> bytes:
        """Snapshot, to be read by `from_bytes` of the same version."""
        return self._header() + zlib.crc32(self._body).to_bytes(4, "little") + self._body

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Restore a snapshot.

        Raises
        ------
        ValueError
            If the snapshot is another version's, or damaged: rebuild the state from its samples.
        """
        header = cls._header()
        if not data.startswith(header):
            raise ValueError(f"not a state of {cls.label}")
        body = data[len(header) + 4 :]
        check = int.from_bytes(data[len(header) : len(header) + 4], "little")
        if len(body) != cls.dtype.itemsize or zlib.crc32(body) != check:
            raise ValueError("the state's snapshot is damaged")
        return cls(bytes(body))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Snapshot) and self._body == other._body

    def __hash__(self) -> int:
        return hash(self._body)
