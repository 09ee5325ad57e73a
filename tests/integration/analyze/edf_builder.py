"""EDF and EDF+ files for tests, written from the specification and from nothing of the reader."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Channel:
    """One signal: physical values, `per_record` of them in every data record."""

    label: str
    values: Sequence[float]
    per_record: int
    unit: str = "%"
    physical: tuple[float, float] = (0.0, 200.0)
    digital: tuple[int, int] = (-32_768, 32_767)

    def record(self, number: int) -> bytes:
        (low, high), (bottom, top) = self.physical, self.digital
        part = self.values[number * self.per_record : (number + 1) * self.per_record]
        digital = [round((value - low) / (high - low) * (top - bottom) + bottom) for value in part]
        return struct.pack(f"<{len(digital)}h", *digital)


@dataclass(frozen=True)
class Edf:
    """A file: its channels, when each record begins (EDF+), and annotations (onset, duration, text)."""

    channels: Sequence[Channel]
    records: int
    record_s: float = 1.0
    plus: str = ""
    date: str = "10.03.26"
    time: str = "23.15.00"
    recording: str = "Startdate 10-MAR-2026 X X X"
    onsets: Sequence[float] = ()
    annotations: Sequence[tuple[float, float, str]] = field(default=())
    announced: int | None = None

    def to_bytes(self) -> bytes:
        rows = [
            (
                c.label,
                "",
                c.unit,
                f"{c.physical[0]:g}",
                f"{c.physical[1]:g}",
                *map(str, c.digital),
                "",
                str(c.per_record),
                "",
            )
            for c in self.channels
        ]
        tals = [self._tal(number) for number in range(self.records)] if self.plus else []
        width = 2 * -(-max(map(len, tals), default=0) // 2)
        if self.plus:
            rows.append(("EDF Annotations", "", "", "-1", "1", "-32768", "32767", "", str(width // 2), ""))
        widths = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
        announced = self.records if self.announced is None else self.announced
        head = "".join(
            text.ljust(size)
            for text, size in (
                ("0", 8), ("X X X X", 80), (self.recording, 80), (self.date, 8), (self.time, 8),
                (str(256 * (len(rows) + 1)), 8), (f"EDF+{self.plus}" if self.plus else "", 44), (str(announced), 8),
                (f"{self.record_s:g}", 8), (str(len(rows)), 4),
            )
        )  # fmt: skip
        table = "".join(row[column].ljust(size) for column, size in enumerate(widths) for row in rows)
        body = b"".join(
            b"".join(c.record(number) for c in self.channels) + (tals[number].ljust(width, b"\0") if self.plus else b"")
            for number in range(self.records)
        )
        return (head + table).encode("ascii") + body

    def _tal(self, number: int) -> bytes:
        onset = self.onsets[number] if self.onsets else number * self.record_s
        texts = f"+{onset:g}\x14\x14\x00"
        if number == 0:
            texts += "".join(f"+{at:g}\x15{length:g}\x14{text}\x14\x00" for at, length, text in self.annotations)
        return texts.encode()
