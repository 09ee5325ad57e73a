"""The ROM image holds the folder, byte for byte; read back here by a reader of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators.firmware.rom import rom_image


def number(image: bytes, at: int) -> tuple[int, int]:
    value = 0
    while True:
        value = value << 7 | image[at] & 0x7F
        at += 1
        if image[at - 1] < 0x80:
            return value, at


def files(image: bytes, prefix: str = "") -> dict[str, bytes]:
    found = {}
    at = 0
    while at < len(image):
        kind, at = number(image, at)
        length, at = number(image, at)
        payload, at = image[at : at + length], at + length
        size, start = number(payload, 0)
        name, rest = payload[start : start + size].decode(), payload[start + size :]
        if kind == 4:
            found |= files(rest, f"{prefix}{name}/")
        else:
            assert kind == 5
            inner, begin = number(rest, 0)
            assert inner == 2
            length, begin = number(rest, begin)
            found[prefix + name] = rest[begin:]
            assert len(rest) - begin == length
    return found


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 70_000])
def test_every_file_comes_back_whatever_its_size(tmp_path: Path, size: int) -> None:
    (tmp_path / "edge" / "common").mkdir(parents=True)
    content = bytes(index * 7 & 0xFF for index in range(size))
    (tmp_path / "edge" / "common" / "clock.mpy").write_bytes(content)
    (tmp_path / "start.mpy").write_bytes(b"start")
    image = rom_image(tmp_path)
    kind, at = number(image, 0)
    assert kind == 0x14A6B1  # the magic, read as a number
    length, at = number(image, at)
    assert at + length == len(image)
    assert files(image[at:]) == {"edge/common/clock.mpy": content, "start.mpy": b"start"}
