"""Proof that both sides know the secret on the device's label, without sending it.

HMAC-SHA-256 (RFC 2104) over both sides' nonces; a side's role goes in, so that no proof can be thrown back.
"""

from hashlib import sha256

NONCE_BYTES = 16
PROOF_BYTES = 32
_BLOCK = 64
_CONTEXT = b"somnolink enrolment 1 "


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """RFC 2104, which MicroPython does not ship."""
    if len(key) > _BLOCK:
        key = sha256(key).digest()
    block = bytearray(_BLOCK)  # one of 64 bytes: a list of as many numbers asks a heap in use for 512 in one piece
    block[: len(key)] = key
    inner = _padded(block, 0x36)
    inner.update(message)
    outer = _padded(block, 0x36 ^ 0x5C)
    outer.update(inner.digest())
    return outer.digest()


def _padded(block: bytearray, pad: int) -> object:
    """A hash begun with the block, which is changed in place."""
    for index in range(_BLOCK):
        block[index] ^= pad
    return sha256(block)


def gateway_proof(secret: bytes, device_nonce: bytes, gateway_nonce: bytes) -> bytes:
    """What a gateway sends to become an owner."""
    return hmac_sha256(secret, _CONTEXT + b"gateway" + device_nonce + gateway_nonce)


def device_proof(secret: bytes, device_nonce: bytes, gateway_nonce: bytes) -> bytes:
    """What the device answers, so that a gateway is not fooled by a false device."""
    return hmac_sha256(secret, _CONTEXT + b"device" + device_nonce + gateway_nonce)


def equal(one: bytes, other: bytes) -> bool:
    """Compare in a time that does not tell where two values differ."""
    if len(one) != len(other):
        return False
    difference = 0
    for index in range(len(one)):
        difference |= one[index] ^ other[index]
    return difference == 0
