"""A read-only file system image as MicroPython's `vfs.VfsRom` mounts it.

The format (MicroPython's documentation, "ROM filesystem"; extmod/vfs_rom.c): records of a kind, a length and a
payload, both numbers in groups of seven bits, the highest group first, each but the last with bit 7 set. A directory's
payload is its name, with its length, and its records; a file's is its name and a record of its data; the whole is a
record of a kind that serves as the magic.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_MAGIC: Final = b"\xd2\xcd\x31"
_DATA, _DIRECTORY, _FILE = 2, 4, 5


def rom_image(folder: Path) -> bytes:
    """Return the image of all that lies in `folder`."""
    return _record(_MAGIC, _contents(folder))


def _contents(folder: Path) -> bytes:
    image = bytearray()
    for path in sorted(folder.iterdir()):
        name = path.name.encode()
        if path.is_dir():
            image += _record(_number(_DIRECTORY), _number(len(name)) + name + _contents(path))
        else:
            data = _record(_number(_DATA), path.read_bytes())
            image += _record(_number(_FILE), _number(len(name)) + name + data)
    return bytes(image)


def _record(kind: bytes, payload: bytes) -> bytes:
    return kind + _number(len(payload)) + payload


def _number(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(0x80 | value & 0x7F)
    return bytes(reversed(groups))
