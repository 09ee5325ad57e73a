"""The two CRC-8 of this trade, by table."""

from __future__ import annotations

from typing import Final


def _table(polynomial: int, *, reflected: bool) -> bytes:
    """The 256 remainders of one byte each."""
    rows = bytearray()
    for value in range(256):
        for _ in range(8):
            if reflected:
                value = (value >> 1) ^ polynomial if value & 1 else value >> 1
            else:
                value = ((value << 1) ^ polynomial) & 0xFF if value & 0x80 else value << 1
        rows.append(value)
    return bytes(rows)


_CCITT: Final = _table(0x07, reflected=False)
_MAXIM: Final = _table(0x8C, reflected=True)  # 0x31 with its bits reversed


def crc8(data: bytes | bytearray | memoryview) -> int:
    """CRC-8 with polynomial 0x07, start 0, not reflected: Viatom's Oxy and OxyII frames."""
    crc = 0
    for byte in data:
        crc = _CCITT[crc ^ byte]
    return crc


def crc8_maxim(data: bytes | bytearray | memoryview) -> int:
    """CRC-8/MAXIM (polynomial 0x31, reflected, start 0): PC-60FW frames."""
    crc = 0
    for byte in data:
        crc = _MAXIM[crc ^ byte]
    return crc
