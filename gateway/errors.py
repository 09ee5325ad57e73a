"""Every error that somnolink raises on purpose.

::

    SomnolinkError                  one clear line for a person; `exit_status` for a shell
    ├── ConfigurationError          a setting, flag or file of ours is wrong (2)
    ├── InputFileError              a file given to us is not what it claims to be (2)
    ├── ProtocolError               bytes from a device are no frame of its protocol (2)
    ├── DeviceError                 a device cannot do what was asked (4)
    │   ├── DeviceUnreachableError      it could not be found or connected
    │   └── TransferError               a transfer broke off; what arrived is kept
    ├── WireError                   a message does not obey the wire contract (2)
    ├── BrokerError                 the broker cannot be reached or refuses us (5)
    │   └── BrokerRefusalError          it is there, and does not let us in
    ├── JoinError                   a clinic does not answer a box that wants to join, or says no (5)
    ├── OutboxError                 the outbox on disk cannot be used (6)
    │   └── OutboxFullError             it has reached its size bound
    ├── StoreError                  the sample store or the records cannot be used (6)
    │   ├── StoreUnavailableError       for now: try again
    │   └── StoreRejectedError          for good: this batch will never be stored as it is
    ├── ServerError                 a port is taken, a server did not start (7)
    ├── AccessError                 somebody asked for what is not theirs (1)
    │   ├── HiddenError                 and is not told whether it exists
    │   └── SignedOutError              or their session is over
    └── SignInError                 somebody is not let in, or cannot change how (1); `reason` says why

Analytics are pure and raise ``ValueError`` only.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class SomnolinkError(Exception):
    """Root of the tree: its text is one line that a person can act on."""

    exit_status: ClassVar[int] = 1


class ConfigurationError(SomnolinkError):
    """A setting, a flag or one of our own files is wrong."""

    exit_status = 2


class InputFileError(SomnolinkError):
    """A file given to us is not what it claims to be; the text names the file and the place."""

    exit_status = 2


class ProtocolError(SomnolinkError):
    """Bytes from a device are no frame of its protocol."""

    exit_status = 2


class DeviceError(SomnolinkError):
    """A device cannot do what was asked of it."""

    exit_status = 4


class DeviceUnreachableError(DeviceError):
    """A device could not be found or connected."""


class TransferError(DeviceError):
    """A transfer broke off; what had arrived is kept and the next try goes on from there."""


class WireError(SomnolinkError):
    """A message does not obey the wire contract."""

    exit_status = 2


class BrokerError(SomnolinkError):
    """The MQTT broker cannot be reached or refuses us."""

    exit_status = 5


class BrokerRefusalError(BrokerError):
    """The broker is there, and does not let us in, or not do what we asked: to try again at once is of no use."""


class JoinError(SomnolinkError):
    """A clinic does not answer a box that wants to join it, or says no."""

    exit_status = 5


class OutboxError(SomnolinkError):
    """The outbox on disk cannot be used."""

    exit_status = 6


class OutboxFullError(OutboxError):
    """The outbox has reached its size bound and its policy gives no room to this batch."""


class StoreError(SomnolinkError):
    """The sample store or the records cannot be used."""

    exit_status = 6


class StoreUnavailableError(StoreError):
    """The store cannot be used for now; the same call may succeed later."""


class StoreRejectedError(StoreError):
    """The store will never take this batch as it is; it is to be set aside."""


class ServerError(SomnolinkError):
    """A port is taken or a server did not start."""

    exit_status = 7


class AccessError(SomnolinkError):
    """Somebody asked for what their role does not allow."""


class HiddenError(AccessError):
    """Somebody asked for what is not there, or not theirs to know of: the text is the same."""


class SignedOutError(AccessError):
    """A page's session is over: nothing more happens in it."""


class SignInReason(StrEnum):
    """Why somebody is not let in. None of them tells whether there is a user of that name."""

    WRONG = "wrong"
    """Name or password; or the user has no password, or is kept out."""
    CODE_NEEDED = "code_needed"
    """The password is right, and a code of the second factor is to be given with it."""
    CODE_WRONG = "code_wrong"
    """Not the second factor's code, or one that was used before."""
    LOCKED = "locked"
    """Too many attempts of late: none is looked at before `retry_after_s`."""
    CODE_OVER = "code_over"
    """An invitation or link that there is not, that was used or that is over."""
    PASSWORD_REFUSED = "password_refused"
    """A new password that is too easily guessed."""
    FACTOR_STATE = "factor_state"
    """There is a second factor already, or none that could be confirmed."""
    PROVIDER_AWAY = "provider_away"
    """The OpenID Connect provider does not answer, or not as it should."""
    PROVIDER_REFUSED = "provider_refused"
    """The provider did not let the user in."""
    NOT_BEGUN = "not_begun"
    """An answer of the provider that this browser did not ask for."""
    TOKEN_WRONG = "token_wrong"
    """The provider's token is not for us, not of now, or not signed as it should be."""
    NOT_KNOWN = "not_known"
    """The provider let somebody in who is no user here, or whose address it has not verified."""


class SignInError(SomnolinkError):
    """Somebody is not let in, or cannot change how they are.

    Attributes
    ----------
    reason : SignInReason
        For programs; the text is for people.
    retry_after_s : int
        With `SignInReason.LOCKED`: seconds until it may be tried again; else 0.
    """

    def __init__(self, reason: SignInReason, text: str, *, retry_after_s: int = 0) -> None:
        super().__init__(text)
        self.reason = reason
        self.retry_after_s = retry_after_s
