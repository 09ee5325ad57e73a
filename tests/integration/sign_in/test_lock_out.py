"""Who guesses is slowed down, by name and by address; who does not is never shut out."""

from __future__ import annotations

import threading

import httpx
import pytest

from gateway.errors import SignInError, SignInReason
from gateway.service.records import User
from gateway.service.sign_in import SignIn
from gateway.service.sign_in.back_off import LONGEST_WAIT_MS, NAME, NAME_AT_PLACE, PLACE
from gateway.service.sign_in.passwords import Passwords
from tests.integration.access.scene import QUICK
from tests.integration.sign_in.conftest import PASSWORD, Entrance

HOME, STRANGER = "192.0.2.1", "198.51.100.7"


def tried(entrance: Entrance, name: str, address: str, password: str = "wrong") -> SignInError | None:
    try:
        entrance.sign_in.start(name, password, None, address=address)
    except SignInError as error:
        return error
    return None


def guess(entrance: Entrance, name: str, address: str, times: int) -> None:
    for _ in range(times):
        refused = tried(entrance, name, address)
        assert refused is not None
        if refused.reason is SignInReason.LOCKED:
            entrance.clock.now_ms += refused.retry_after_s * 1000
            again = tried(entrance, name, address)
            assert again is not None
            assert again.reason is SignInReason.WRONG


@pytest.mark.parametrize("exists", [True, False])
def test_the_wait_grows_whether_there_is_such_a_user_or_not(entrance: Entrance, exists: bool) -> None:
    name, place = (entrance.user().name, "203.0.113.1") if exists else ("nobody@example.org", "203.0.113.2")
    for _ in range(NAME_AT_PLACE.free):
        refused = tried(entrance, name, place)
        assert refused is not None
        assert refused.reason is SignInReason.WRONG
    waits = []
    for _ in range(12):
        refused = tried(entrance, name, place, PASSWORD)
        assert refused is not None
        assert refused.reason is SignInReason.LOCKED
        waits.append(refused.retry_after_s)
        entrance.clock.now_ms += refused.retry_after_s * 1000 - 1
        assert tried(entrance, name, place) is not None
        entrance.clock.now_ms += 1
        refused = tried(entrance, name, place)
        assert refused is not None
        assert refused.reason is SignInReason.WRONG
    assert waits[:4] == [1, 2, 4, 8]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT_MS // 1000


def test_over_http_it_is_429_with_the_time_to_wait(entrance: Entrance) -> None:
    body = {"name": "somebody-else@example.org", "password": "wrong"}
    answers = [httpx.post(f"{entrance.url}/api/v1/session", json=body) for _ in range(NAME_AT_PLACE.free + 1)]
    assert [one.status_code for one in answers] == [401] * NAME_AT_PLACE.free + [429]
    assert (answers[-1].json()["reason"], answers[-1].headers["retry-after"]) == ("locked", "1")
    assert answers[-1].json()["detail"] == "too many attempts: try again in a second"


def test_a_stranger_does_not_lock_out_who_signs_in_from_a_known_place(entrance: Entrance) -> None:
    user = entrance.user()
    assert tried(entrance, user.name, HOME, PASSWORD) is None
    for place in range(NAME.free + 1):
        guess(entrance, user.name, f"198.51.100.{place}", 2)
    elsewhere = tried(entrance, user.name, "203.0.113.77", PASSWORD)
    assert elsewhere is not None
    assert elsewhere.reason is SignInReason.LOCKED
    assert tried(entrance, user.name, HOME, PASSWORD) is None


def test_from_an_unknown_place_it_is_a_wait_and_no_lock(entrance: Entrance) -> None:
    user = entrance.user()
    for place in range(NAME.free + 10):
        guess(entrance, user.name, f"203.0.113.{place}", 1)
    refused = tried(entrance, user.name, "192.0.2.200", PASSWORD)
    assert refused is not None
    assert refused.reason is SignInReason.LOCKED
    entrance.clock.now_ms += refused.retry_after_s * 1000
    assert tried(entrance, user.name, "192.0.2.200", PASSWORD) is None


def test_one_address_does_not_go_through_all_names(entrance: Entrance) -> None:
    place = "2001:db8:0:1::1"
    found = [tried(entrance, f"name-{number}@example.org", place) for number in range(PLACE.free + 1)]
    reasons = [None if one is None else one.reason for one in found]
    assert reasons == [SignInReason.WRONG] * PLACE.free + [SignInReason.LOCKED]
    neighbour = tried(entrance, "name@example.org", "2001:db8:0:1::2")
    assert neighbour is not None
    assert neighbour.reason is SignInReason.LOCKED
    other = tried(entrance, "name@example.org", "2001:db8:0:2::1")
    assert other is not None
    assert other.reason is SignInReason.WRONG


def test_what_was_counted_outlives_a_restart_and_fades_with_time(entrance: Entrance) -> None:
    user = entrance.user()
    guess(entrance, user.name, STRANGER, NAME_AT_PLACE.free)
    anew = SignIn(entrance.records, entrance.clock, passwords=Passwords(QUICK))
    with pytest.raises(SignInError, match="try again in"):
        anew.start(user.name, PASSWORD, None, address=STRANGER)
    entrance.clock.now_ms += NAME_AT_PLACE.free * NAME_AT_PLACE.forget_ms
    for _ in range(NAME_AT_PLACE.free):
        with pytest.raises(SignInError, match="wrong name or password"):
            anew.start(user.name, "wrong", None, address=STRANGER)


def test_success_forgets_the_names_attempts(entrance: Entrance) -> None:
    user = entrance.user()
    for _ in range(3):
        guess(entrance, user.name, HOME, NAME_AT_PLACE.free - 1)
        assert tried(entrance, user.name, HOME, PASSWORD) is None


class Slow(Passwords):
    """Holds every comparison until as many are under way as can be, and counts them."""

    def __init__(self) -> None:
        super().__init__(QUICK)
        self.compared = 0
        self.all_there = threading.Event()

    def matches(self, hashed: str | None, password: str) -> bool:
        self.compared += 1
        if self.compared == NAME_AT_PLACE.free:
            self.all_there.set()
        self.all_there.wait(10)
        return super().matches(hashed, password)


def test_many_attempts_at_once_are_no_more_than_one_after_the_other(entrance: Entrance) -> None:
    user, passwords = entrance.user(), Slow()
    sign_in = SignIn(entrance.records, entrance.clock, passwords=passwords)
    reasons: list[SignInReason] = []

    def attempt() -> None:
        try:
            sign_in.start(user.name, "wrong", None, address=STRANGER)
        except SignInError as error:
            reasons.append(error.reason)

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert passwords.compared == NAME_AT_PLACE.free
    assert sorted(reasons) == [SignInReason.LOCKED] * 15 + [SignInReason.WRONG] * 5


def test_a_password_is_compared_whether_there_is_a_user_or_not(entrance: Entrance) -> None:
    class Watched(Passwords):
        seen: list[bool]

        def matches(self, hashed: str | None, password: str) -> bool:
            self.seen.append(hashed is not None)
            return super().matches(hashed, password)

    passwords = Watched(QUICK)
    passwords.seen = []
    sign_in = SignIn(entrance.records, entrance.clock, passwords=passwords)
    known: User = entrance.user()
    for name in (known.name, "nobody-at-all@example.org", entrance.user(password=None).name):
        with pytest.raises(SignInError):
            sign_in.start(name, "wrong", None, address="192.0.2.99")
    assert passwords.seen == [True, False, False]
