"""What the audit says of sign-in, beside the actions of `gateway.service.access`."""

from __future__ import annotations

from enum import StrEnum

from gateway.clock import Clock
from gateway.service.records import Records, User


class SignInEvent(StrEnum):
    """What somebody did, or tried."""

    SIGN_IN = "sign_in"
    REFUSED = "sign_in_refused"
    SIGN_OUT = "sign_out"
    PASSWORD = "change_password"
    SECOND_FACTOR = "change_second_factor"
    TOKEN = "change_token"
    INVITE = "invite"


class SignInLog:
    """Writes sign-in into the audit."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def note(self, user: User | None, address: str, event: SignInEvent, what: str) -> None:
        """Write an entry; with `user` None, of somebody who gave a name that no user has.

        That name itself is not written down: people type passwords where the name belongs.
        """
        self._records.audit.add(
            at_ms=self._clock.utc_ms(),
            who="" if user is None else user.on_record,
            account=None if user is None else user.id,
            address=address,
            action=event,
            what=what,
        )
