"""Bonds and owners, as the Bluetooth stack asks for them in `_IRQ_GET_SECRET` and `_IRQ_SET_SECRET`.

The stack asks from within its interrupt, where flash must not be written: changes wait in memory until `flush`.
"""

MOST_OWNERS = 4
_BOND = b"bond "
_OWNER = b"owner "


class Bonds:
    """Secrets of the Bluetooth stack, and which peer addresses have proved the enrolment secret."""

    def __init__(self, store: object):
        self._store = store
        self._changes = {}
        self._writing = {}

    def get(self, kind: int, index: int, key: bytes) -> bytes:
        """The secret of that kind and key, or without a key the one with that number; None if there is none."""
        if key is not None:
            return self._value(self._name(kind, key))
        prefix = self._name(kind, b"")
        names = set(self._store.keys(prefix))
        for unwritten in (self._writing, self._changes):
            names.update(name for name in unwritten if name.startswith(prefix))
        present = [name for name in sorted(names) if self._value(name) is not None]
        return self._value(present[index]) if index < len(present) else None

    def set(self, kind: int, key: bytes, value: bytes, may_add: bool) -> bool:
        """Keep a secret, or forget it where `value` is None; False if it is new and may not be added."""
        name = self._name(kind, key)
        if value is None:
            known = self._value(name) is not None
            self._changes[name] = None
            return known
        if not may_add and self._value(name) != value:
            return False
        self._changes[name] = value
        return True

    def is_owner(self, address: bytes) -> bool:
        """Whether the peer at this address has proved the secret, on this bond or an earlier connection of it."""
        return self._value(_OWNER + address) is not None

    def add_owner(self, address: bytes) -> None:
        """Remember that it has; beyond the bound this connection alone knows."""
        if len(self._store.keys(_OWNER)) < MOST_OWNERS:
            self._changes[_OWNER + address] = b"1"

    def remove_owner(self, address: bytes) -> None:
        """A new bond under an address proves nothing about the old one's owner."""
        self._changes[_OWNER + address] = None

    def flush(self) -> None:
        """Write what has changed to flash; not from an interrupt, which may come meanwhile and finds what it set."""
        while self._changes:
            self._writing = self._changes
            self._changes = {}
            self._store.put_all(self._writing)
            self._writing = {}

    def _name(self, kind: int, key: bytes) -> bytes:
        return _BOND + bytes((kind,)) + bytes(key)

    def _value(self, name: bytes) -> bytes:
        for unwritten in (self._changes, self._writing):
            if name in unwritten:
                return unwritten[name]
        return self._store.get(name)
