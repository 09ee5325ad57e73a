"""The few settings that outlast a boot: boot counter, anchors, bonds, owners. Two files, written by turns.

Each holds a generation, the entries and a CRC-32; the newer one that verifies counts. So a cut while one is written
leaves the other as it was.
"""

import os
import struct
from binascii import crc32


class Store:
    """Bytes by bytes; keys and values of at most 255 bytes.

    Parameters
    ----------
    path
        Name without its ending: `path.0` and `path.1` are used.
    """

    def __init__(self, path: str):
        self._path = path
        self._generation = 0
        self._entries = {}
        for turn in (0, 1):
            found = self._load(turn)
            if found is not None and found[0] > self._generation:
                self._generation, self._entries = found

    def get(self, key: bytes) -> bytes:
        """The value, or None."""
        return self._entries.get(key)

    def keys(self, prefix: bytes) -> list:
        """Sorted keys that begin with `prefix`."""
        return sorted(key for key in self._entries if key.startswith(prefix))

    def put(self, key: bytes, value: bytes) -> None:
        """Keep a value, or with None forget the key; it is on flash when this returns."""
        self.put_all({key: value})

    def put_all(self, changes: dict) -> None:
        """Several changes, all or none of them on flash. Raises ValueError for a key or value that is too long."""
        for key in changes:
            if len(key) > 255 or len(changes[key] or b"") > 255:
                raise ValueError("a setting has at most 255 bytes")
        entries = dict(self._entries)
        for key in changes:
            if changes[key] is None:
                entries.pop(key, None)
            else:
                entries[key] = bytes(changes[key])
        if entries != self._entries:
            self._save(entries)

    def clear(self, keep: tuple = ()) -> None:
        """Forget all but the keys in `keep`."""
        self._save({key: self._entries[key] for key in keep if key in self._entries})

    def _save(self, entries: dict) -> None:
        generation = self._generation + 1
        with open(f"{self._path}.{generation & 1}", "wb") as file:
            part = struct.pack("<I", generation)
            file.write(part)
            crc = crc32(part)
            for key in sorted(entries):
                for part in (bytes((len(key), len(entries[key]))), key, entries[key]):
                    file.write(part)
                    crc = crc32(part, crc)
            file.write(struct.pack("<I", crc))
        if hasattr(os, "sync"):
            os.sync()
        self._generation, self._entries = generation, entries

    def _load(self, turn: int) -> tuple:
        try:
            with open(f"{self._path}.{turn}", "rb") as file:
                raw = file.read()
        except OSError:
            return None
        if len(raw) < 8 or crc32(raw[:-4]) != struct.unpack("<I", raw[-4:])[0]:
            return None
        entries = {}
        at, end = 4, len(raw) - 4
        while at < end:
            value = at + 2 + raw[at]
            entries[raw[at + 2 : value]] = raw[value : value + raw[at + 1]]
            at = value + raw[at + 1]
        return struct.unpack("<I", raw[:4])[0], entries
