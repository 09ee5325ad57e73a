"""Proof that gateway and device know the secret on the device's label (docs/edge-protocol.md, Requests; RFC 2104)."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

SECRET_BYTES: Final = 16
_CONTEXT: Final = b"somnolink enrolment 1 "


def gateway_proof(secret: bytes, device_nonce: bytes, gateway_nonce: bytes) -> bytes:
    """What the gateway shows to become an owner: 32 bytes."""
    return _proof(secret, b"gateway", device_nonce, gateway_nonce)


def is_device_proof(proof: bytes, secret: bytes, device_nonce: bytes, gateway_nonce: bytes) -> bool:
    """Whether the device knows the secret too; takes as long whatever the answer."""
    return hmac.compare_digest(proof, _proof(secret, b"device", device_nonce, gateway_nonce))


def _proof(secret: bytes, role: bytes, device_nonce: bytes, gateway_nonce: bytes) -> bytes:
    return hmac.digest(secret, _CONTEXT + role + device_nonce + gateway_nonce, hashlib.sha256)
