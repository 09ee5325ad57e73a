"""The second factor: codes by time (RFC 6238) from an app that holds a secret, and recovery codes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import os
import secrets
from dataclasses import dataclass
from typing import Final

import pyotp
import segno
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.clock import Clock
from gateway.errors import ConfigurationError, SignInError, SignInReason
from gateway.service.records import Records, User
from gateway.service.sign_in.codes import text_hash

STEP_MS: Final = 30_000
"""RFC 6238's default, and the only one that every app knows; so are six digits and SHA-1."""

WINDOW: Final = 1
"""Steps before and after that are taken too (RFC 6238, 5.2): a phone's clock may be half a minute off."""

RECOVERY_CODES: Final = 10

SHORTEST_KEY: Final = 32
"""Characters: 128 bits, where they are hex."""

_ISSUER: Final = "somnolink"
_SEALED: Final = "aesgcm:"
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""None of them looks like another."""


@dataclass(frozen=True, slots=True)
class NewFactor:
    """A secret that is told this once.

    Attributes
    ----------
    secret : str
        In base 32, to be typed in.
    uri : str
        ``otpauth://``, for an app on the same machine.
    svg : str
        The same as a QR code.
    """

    secret: str
    uri: str
    svg: str


class SecretBox:
    """Seals secrets for the records, by AES-GCM with the user's id bound in; without a key they stay plain.

    Raises
    ------
    ConfigurationError
        If the key is so short that it could be guessed.
    """

    def __init__(self, key: str | None) -> None:
        if key is not None and len(key) < SHORTEST_KEY:
            raise ConfigurationError(
                f"the key of second factors has {len(key)} characters: {SHORTEST_KEY} random ones are needed"
            )
        self._cipher = None if key is None else AESGCM(hashlib.sha256(key.encode()).digest())

    def seal(self, secret: str, user: str) -> str:
        """The secret as it is kept."""
        if self._cipher is None:
            return secret
        nonce = os.urandom(12)
        return _SEALED + base64.b64encode(nonce + self._cipher.encrypt(nonce, secret.encode(), user.encode())).decode()

    def open(self, kept: str, user: str) -> str:
        """The secret itself; one that was kept plain before there was a key is read too.

        Raises
        ------
        ConfigurationError
            If it was sealed with another key, or for another user.
        """
        if not kept.startswith(_SEALED):
            return kept
        if self._cipher is None:
            raise ConfigurationError("second factors are sealed: sign_in.factor_key_file must name their key")
        sealed = base64.b64decode(kept.removeprefix(_SEALED))
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], user.encode()).decode()
        except InvalidTag:
            text = "second factors are sealed with another key than that of sign_in.factor_key_file"
            raise ConfigurationError(text) from None


def matching_step(secret: str, code: str, now_ms: int) -> int | None:
    """The time step within the window whose code it is, the latest; None if it is none's."""
    now = now_ms // STEP_MS
    codes = pyotp.TOTP(secret)
    found = None
    for step in range(now - WINDOW, now + WINDOW + 1):
        if hmac.compare_digest(codes.generate_otp(step), code):
            found = step
    return found


class Factors:
    """Second factors of users, in the records."""

    def __init__(self, records: Records, clock: Clock, box: SecretBox) -> None:
        self._kept = records.credentials
        self._clock = clock
        self._box = box

    def in_force(self, user: str) -> bool:
        """Whether a user has one that was confirmed."""
        found = self._kept.second_factor(user)
        return found is not None and found.confirmed_ms is not None

    def begin(self, user: User) -> NewFactor:
        """Make a secret, which is in force once a code of it was given.

        Raises
        ------
        SignInError
            If one is in force.
        """
        secret = pyotp.random_base32()
        if not self._kept.begin_second_factor(user.id, self._box.seal(secret, user.id)):
            raise SignInError(SignInReason.FACTOR_STATE, "there is a second factor already: remove it first")
        uri = pyotp.TOTP(secret).provisioning_uri(name=user.name, issuer_name=_ISSUER)
        drawn = io.BytesIO()
        segno.make(uri, error="m").save(drawn, kind="svg", scale=4, xmldecl=False, nl=False, light="#fff")
        return NewFactor(secret, uri, drawn.getvalue().decode())

    def confirm(self, user: str, code: str) -> list[str]:
        """Put the secret that was begun in force, by a code of it; returns the recovery codes, told this once.

        Raises
        ------
        SignInError
            If none was begun, or the code is another.
        """
        begun = self._kept.second_factor(user)
        if begun is None or begun.confirmed_ms is not None:
            raise SignInError(SignInReason.FACTOR_STATE, "no second factor is being set up")
        now_ms = self._clock.utc_ms()
        step = matching_step(self._box.open(begun.secret, user), _typed(code), now_ms)
        if step is None:
            raise SignInError(SignInReason.CODE_WRONG, "this is not the code that the app shows now")
        codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
        hashes = [text_hash(_typed(one)) for one in codes]
        if not self._kept.confirm_second_factor(user, begun.secret, step, hashes, at_ms=now_ms):
            raise SignInError(SignInReason.FACTOR_STATE, "no second factor is being set up")
        return codes

    def take(self, user: str, code: str) -> bool:
        """Use up a code, or a recovery code; False if it is wrong or was used before."""
        found = self._kept.second_factor(user)
        if found is None or found.confirmed_ms is None:
            return False
        typed = _typed(code)
        if len(typed) > 6:
            return self._kept.use_recovery_code(user, text_hash(typed))
        step = matching_step(self._box.open(found.secret, user), typed, self._clock.utc_ms())
        return step is not None and self._kept.take_step(user, step)


def _recovery_code() -> str:
    """125 random bits: as much as makes a plain hash of it safe to keep (SP 800-63B asks for 112)."""
    letters = [secrets.choice(_LETTERS) for _ in range(25)]
    return "-".join("".join(letters[at : at + 5]) for at in range(0, 25, 5))


def _typed(code: str) -> str:
    """As it was meant, however it was spaced."""
    return "".join(one for one in code.upper() if one.isascii() and one.isalnum())
