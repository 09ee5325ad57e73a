"""Bonds where NimBLE keeps them: asked of the firmware, and given to it, by two of its interrupts.

Keys of the store are the peer's address type and address, as NimBLE's `ble_addr_t`; values are a key size, whether
Secure Connections made the key, the long term key and the peer's identity resolving key, 16 bytes each. NimBLE's own
values are longer; the firmware keeps them without looking inside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bumble import hci
from bumble.keys import KeyStore, PairingKeys

GET_SECRET, SET_SECRET = 29, 30
OUR_SECRET, PEER_SECRET = 1, 2
"""Kinds of NimBLE's store (`BLE_STORE_OBJ_TYPE_*`): the key that we use towards a peer, and what the peer gave us."""

_KEY_BYTES: Final = 16
_HEAD: Final = 2


class FirmwareKeyStore(KeyStore):
    """A key store whose keys lie in the firmware's flash.

    Parameters
    ----------
    interrupt
        Interrupts the firmware with an event; returns its answer, empty where it does not run.
    """

    def __init__(self, interrupt: Callable[[int, bytes], bytes]) -> None:
        self._interrupt = interrupt

    async def get(self, _name: str) -> PairingKeys | None:
        """Ask for our secret towards a peer."""
        answer = self._interrupt(GET_SECRET, bytes((OUR_SECRET, 0, 1)) + _key(_name))
        if not answer:
            return None
        keys = PairingKeys()
        keys.ltk = PairingKeys.Key(value=answer[1 + _HEAD : 1 + _HEAD + _KEY_BYTES])
        return keys

    async def update(self, name: str, keys: PairingKeys) -> None:
        """Hand over what a pairing has made, in NimBLE's order; the firmware may decline to keep it."""
        if keys.ltk is None:
            return
        irk = bytes(_KEY_BYTES) if keys.irk is None else keys.irk.value
        value = bytes((_KEY_BYTES, 1)) + keys.ltk.value + irk
        for kind in (OUR_SECRET, PEER_SECRET):
            self._set(kind, name, value)

    async def delete(self, name: str) -> None:
        """Forget a peer."""
        for kind in (OUR_SECRET, PEER_SECRET):
            self._set(kind, name, None)

    def _set(self, kind: int, name: str, value: bytes | None) -> bool:
        key = _key(name)
        body = bytes((kind, len(key))) + key + (b"\0" if value is None else b"\1" + value)
        return self._interrupt(SET_SECRET, body) == b"\1"


def address_bytes(address: hci.Address) -> bytes:
    """An address as an interrupt gives it: type, then six bytes, the first as it is written first."""
    return bytes((address.address_type & 1,)) + bytes(address)[::-1]


def _key(name: str) -> bytes:
    address = hci.Address(name)
    return bytes((address.address_type & 1,)) + bytes(address)
