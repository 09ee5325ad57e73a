"""Codes by time against the vectors of RFC 6238, and secrets at rest."""

from __future__ import annotations

import base64

import pyotp
import pytest

from gateway.errors import ConfigurationError
from gateway.service.sign_in.factor import STEP_MS, SecretBox, matching_step

SECRET = base64.b32encode(b"12345678901234567890").decode()
KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("at_s", "eight_digits"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(at_s: int, eight_digits: str) -> None:
    """Its appendix B gives eight digits, of which six are the last."""
    assert matching_step(SECRET, eight_digits[2:], at_s * 1000) == at_s // 30


@pytest.mark.parametrize(("off", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_is_taken_a_step_before_and_after(off: int, taken: bool) -> None:
    now = 1111111111 // 30
    code = pyotp.TOTP(SECRET).generate_otp(now + off)
    for ms in (now * STEP_MS, (now + 1) * STEP_MS - 1):
        assert matching_step(SECRET, code, ms) == (now + off if taken else None)


@pytest.mark.parametrize("code", ["", "0", "0814050471", "abcdef", "05047１"])
def test_what_is_no_code_is_none(code: str) -> None:
    assert matching_step(SECRET, code.encode("ascii", "replace").decode(), 1111111111_000) is None


def test_a_sealed_secret_opens_with_its_key_for_its_user_alone() -> None:
    box = SecretBox(KEY)
    kept = box.seal(SECRET, "u-1")
    assert SECRET not in kept
    assert box.seal(SECRET, "u-1") != kept
    assert SecretBox(KEY).open(kept, "u-1") == SECRET
    for other, user in ((SecretBox(KEY[::-1]), "u-1"), (box, "u-2"), (SecretBox(None), "u-1")):
        with pytest.raises(ConfigurationError, match="second factors are sealed"):
            other.open(kept, user)


def test_without_a_key_a_secret_is_plain_and_stays_readable_once_there_is_one() -> None:
    kept = SecretBox(None).seal(SECRET, "u-1")
    assert kept == SECRET
    assert SecretBox(KEY).open(kept, "u-1") == SECRET


def test_a_key_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="31 characters"):
        SecretBox(KEY[1:])
