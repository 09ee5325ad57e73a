"""Which passwords are taken, and how they are kept."""

from __future__ import annotations

import threading

import argon2
import pytest

from gateway.errors import SignInError, SignInReason
from gateway.service.sign_in.passwords import AT_ONCE, COMMON, LONGEST, PARAMETERS, SHORTEST, Passwords, check_new

QUICK = argon2.Parameters(argon2.Type.ID, 19, 16, 32, time_cost=1, memory_cost=8, parallelism=1)
NAME = "christina.meier@example.org"


@pytest.mark.parametrize(
    "password",
    [
        "a" * 4 + "b" * 4 + "c" * 4,
        "x1" * 5 + "yz",
        "korrekt pferd batterie",
        "пароль из слов",
        "z" * (LONGEST - 2) + "ab",
        "            spaces count",
        "christina.meier@example.org and more",
    ],
)
def test_length_is_all_that_is_asked_for(password: str) -> None:
    check_new(password, NAME)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("elevenchars", f"{SHORTEST} characters at least"),
        ("", "at least"),
        ("ab" * (LONGEST // 2) + "c", f"{LONGEST} characters at most"),
        ("Password1234", "tried first"),
        ("QWERTYUIOP12", "tried first"),
        ("zzzzzzzzzzzzzz", "tried first"),
        ("ababababababab", "tried first"),
        (NAME, "own name"),
        (NAME.upper(), "own name"),
        ("christina.meier", "own name"),
        ("christina.meierchristina.meier", "own name"),
        # Twelve characters as typed, six as meant: a letter and its accent are one.
        ("e\u0301" * 3 + "abc", "at least"),
    ],
)
def test_what_is_guessed_first_is_refused(password: str, why: str) -> None:
    with pytest.raises(SignInError, match=why) as refused:
        check_new(password, NAME)
    assert refused.value.reason is SignInReason.PASSWORD_REFUSED


def test_the_list_holds_only_what_is_long_enough_to_matter() -> None:
    assert min(len(one) for one in COMMON) == SHORTEST
    assert {one.casefold() for one in COMMON} == COMMON


def test_the_parameters_are_those_of_rfc_9106() -> None:
    assert argon2.profiles.RFC_9106_LOW_MEMORY == PARAMETERS
    assert Passwords().hash("a password").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_password_is_known_again_however_it_was_composed() -> None:
    passwords = Passwords(QUICK)
    hashed = passwords.hash("caf\u00e9 and two words")
    assert passwords.hash("caf\u00e9 and two words") != hashed
    assert passwords.matches(hashed, "cafe\u0301 and two words")
    assert not passwords.matches(hashed, "Caf\u00e9 and two words")
    assert not passwords.matches(None, "anything")
    assert not passwords.matches("no hash", "anything")


def test_a_hash_of_other_parameters_is_outdated() -> None:
    old, new = Passwords(QUICK), Passwords(argon2.Parameters(argon2.Type.ID, 19, 16, 32, 2, 8, 1))
    hashed = old.hash("a password")
    assert new.matches(hashed, "a password")
    assert (old.is_outdated(hashed), new.is_outdated(hashed)) == (False, True)


def test_no_more_are_hashed_at_once_than_memory_is_meant_for(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords, under_way, most = Passwords(QUICK), 0, 0
    counting, full = threading.Lock(), threading.Event()

    def hashed(_hasher: object, _password: str) -> str:
        nonlocal under_way, most
        with counting:
            under_way += 1
            most = max(most, under_way)
            if under_way == AT_ONCE:
                full.set()
        full.wait(10)
        with counting:
            under_way -= 1
        return ""

    monkeypatch.setattr(argon2.PasswordHasher, "hash", hashed)
    threads = [threading.Thread(target=passwords.hash, args=("x",)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == AT_ONCE
