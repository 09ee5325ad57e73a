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
    key = key + bytes(_BLOCK - len(key))
    inner = sha256(bytes([byte ^ 0x36 for byte in key]) + message).digest()
    return sha256(bytes([byte ^ 0x5C for byte in key]) + inner).digest()


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
