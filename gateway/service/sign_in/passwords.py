"""Passwords: which are taken, and how they are kept (argon2id, RFC 9106)."""

from __future__ import annotations

import threading
import unicodedata
from functools import cached_property
from typing import Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.errors import SignInError, SignInReason
from gateway.service.sign_in.codes import random_text

PARAMETERS: Final = argon2.Parameters(
    type=argon2.Type.ID, version=19, salt_len=16, hash_len=32, time_cost=3, memory_cost=64 * 1024, parallelism=4
)
"""RFC 9106, section 4, the second recommended option, for where 2 GiB a hash are too much: t=3, p=4, 64 MiB.

It is above every choice of OWASP's Password Storage Cheat Sheet (the largest of which takes 46 MiB once).
"""

AT_ONCE: Final = 2
"""Hashes made at a time, so that a crowd at the door takes 128 MiB and no more; the others wait."""

SHORTEST: Final = 12
"""Characters. SP 800-63B-4 asks for 15 where the password is all there is, 8 where a second factor goes with it; we do
not know which when it is set, and slow down who guesses."""

LONGEST: Final = 128
"""SP 800-63B asks that 64 be taken at least; more than this is no sentence that somebody types."""

COMMON: Final = frozenset(
    """
    123456789012 1234567890123 12345678901234 123456789012345 1234567890123456 1234567890qw 1234567890qwe 0123456789012
    012345678910 098765432109 111111111111 000000000000 123123123123 121212121212 112233445566 123456123456 987654321098
    abcdefghijkl abcdefghijklm abcdefghijklmnopqrstuvwxyz abcd1234abcd abc123abc123 aaaaaaaaaaaa asdfasdfasdf
    qwertyuiop12 qwertyuiop123 qwertyuiop[] qwertyuiopas qwertyuiopasdf qwertyuiopasdfghjkl qwerty123456 qwerty12345678
    qwertyqwerty asdfghjkl123 zxcvbnmasdfg zxcvbnm12345 1q2w3e4r5t6y 1q2w3e4r5t6y7u 1qaz2wsx3edc q1w2e3r4t5y6
    1qaz2wsx3edc4rfv qazwsxedcrfv password1234 password12345 password123456 passwordpassword password!123 mypassword123
    changeme1234 changemeplease letmeinplease letmeinletmein iloveyou1234 iloveyouforever trustno1trustno1 welcome12345
    administrator administrator1 adminadmin123 admin1234567 unknownpassword correcthorsebatterystaple
    somnolink1234 somnolinksomnolink sleepclinic1 sleepsleepsleep
    """.split()  # noqa: SIM905  # a list of it would take a screen
)
"""The commonest of twelve characters and more, in small letters; shorter ones are refused anyway."""


class Passwords:
    """Hashes and compares passwords, a few at a time."""

    def __init__(self, parameters: argon2.Parameters = PARAMETERS) -> None:
        self._hasher = argon2.PasswordHasher.from_parameters(parameters)
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def hash(self, password: str) -> str:
        """The password's hash, with its salt and parameters in it."""
        with self._turns:
            return self._hasher.hash(_plain(password))

    def matches(self, hashed: str | None, password: str) -> bool:
        """Whether it is the password of a hash; without one it takes as long, and is not."""
        nobodys = self._nobodys
        with self._turns:
            try:
                return self._hasher.verify(hashed or nobodys, _plain(password)) and hashed is not None
            except (VerificationError, InvalidHashError):
                return False

    @cached_property
    def _nobodys(self) -> str:
        return self.hash(random_text())

    def is_outdated(self, hashed: str) -> bool:
        """Whether a hash was made with other parameters than these."""
        return self._hasher.check_needs_rehash(hashed)


def check_new(password: str, name: str) -> None:
    """Return if a password may be a user's, by SP 800-63B: long enough, not common, not the own name; nothing else.

    Raises
    ------
    SignInError
        If it may not; the text says why.
    """
    plain = _plain(password)
    small = plain.casefold()
    own = {name.casefold(), name.casefold().partition("@")[0]}
    if len(plain) < SHORTEST:
        raise _refused(f"a password has {SHORTEST} characters at least: some words that do not belong together")
    if len(plain) > LONGEST:
        raise _refused(f"a password has {LONGEST} characters at most")
    if small in COMMON or len(set(small)) < 3:
        raise _refused("this is one of the passwords that are tried first")
    if any(small == word * (len(small) // len(word)) for word in own if word):
        raise _refused("the password is the user's own name")


def _plain(password: str) -> str:
    """The same characters however a keyboard composes them (SP 800-63B asks for NFKC or NFKD)."""
    return unicodedata.normalize("NFKC", password)


def _refused(text: str) -> SignInError:
    return SignInError(SignInReason.PASSWORD_REFUSED, text)
