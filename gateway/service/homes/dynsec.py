"""Mosquitto's dynamic security plugin: commands to it and its answers, without I/O.

A JSON object of commands is published to `CONTROL`; the answer comes on `RESPONSE` to whoever asked, one response a
command, in order. Names of commands, fields and errors are the plugin's (mosquitto_ctrl_dynsec(1), and Mosquitto
2.0.11 as it runs). Rules come from `gateway.wire.access` and from nowhere else: each user has a role of its own, made
of them, for the plugin of 2.0 knows no placeholder for a user's name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from gateway.errors import BrokerError
from gateway.wire.access import rules_of

CONTROL: Final = "$CONTROL/dynamic-security/v1"
RESPONSE: Final = f"{CONTROL}/response"

PAGE: Final = 100
"""Clients or roles asked for at once: an answer stays far below any limit of a packet."""

ROLE_PREFIX: Final = "somnolink:"
"""Roles that begin so are ours; others at the same broker are left alone."""

TOLERATED: Final = frozenset(
    {
        ("createRole", "Role already exists"),
        ("createClient", "Client already exists"),
        ("disableClient", "Client not found"),
    }
)
"""Errors that say that it is so already: a command that was sent before does no harm."""


class Acl(msgspec.Struct, frozen=True):
    """One right of a role."""

    acltype: str
    topic: str
    allow: bool = True


class RoleName(msgspec.Struct, frozen=True):
    """A role, as a client has it."""

    rolename: str


class DefaultAccess(msgspec.Struct, frozen=True):
    """What holds where no role says anything."""

    acltype: str
    allow: bool


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """One command; fields that it does not take stay at their defaults and are not sent."""

    command: str
    username: str = ""
    rolename: str = ""
    password: str = ""
    roles: tuple[RoleName, ...] = ()
    acls: tuple[Acl | DefaultAccess, ...] = ()
    verbose: bool = False
    count: int = 0
    offset: int = -1
    correlationData: str = ""  # noqa: N815 - the plugin's name


class _HeldAcl(msgspec.Struct, frozen=True):
    acltype: str
    topic: str
    allow: bool = False


class _HeldRole(msgspec.Struct, frozen=True):
    rolename: str
    acls: tuple[_HeldAcl, ...] = ()


class _HeldClient(msgspec.Struct, frozen=True):
    username: str
    disabled: bool = False
    roles: tuple[RoleName, ...] = ()


class _Data(msgspec.Struct, frozen=True, rename={"total": "totalCount"}):
    total: int = 0
    clients: tuple[_HeldClient, ...] = ()
    roles: tuple[_HeldRole, ...] = ()


class Response(msgspec.Struct, frozen=True):
    """The answer to one command; `error` is empty where it was carried out."""

    command: str = ""
    error: str = ""
    correlationData: str = ""  # noqa: N815 - the plugin's name
    data: _Data | None = None


class _Message(msgspec.Struct, frozen=True):
    responses: list[Response]


_decoder: Final = msgspec.json.Decoder(_Message)


def encode(commands: Iterable[Command], mark: str) -> bytes:
    """Return the message that asks for these commands; each answer bears the mark."""
    marked = [msgspec.structs.replace(one, correlationData=mark) for one in commands]
    return msgspec.json.encode({"commands": marked})


def decode(payload: bytes) -> list[Response]:
    """Read an answer; `BrokerError` if it is none."""
    try:
        return _decoder.decode(payload).responses
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BrokerError(f"the broker's dynamic security answers what makes no sense: {error}") from None


def check(responses: Iterable[Response]) -> None:
    """Return if every command was carried out, or was so already.

    Raises
    ------
    BrokerError
        The first that was not, by the plugin's words. They name no password.
    """
    for one in responses:
        if one.error and (one.command, one.error) not in TOLERATED:
            raise BrokerError(f"the broker's dynamic security refuses {one.command}: {one.error}")


def role_of(user: str) -> str:
    """The name of a user's own role."""
    return ROLE_PREFIX + user


def acls_of(user: str) -> tuple[Acl, ...]:
    """A user's rights: what it may subscribe to is also sent to it."""
    rules = rules_of(user)
    return (
        *(Acl("publishClientSend", topic) for topic in rules["write"]),
        *(Acl(kind, topic) for topic in rules["read"] for kind in ("publishClientReceive", "subscribePattern")),
    )


CLOSED: Final = Command(
    "setDefaultACLAccess",
    acls=(
        DefaultAccess("publishClientSend", False),
        DefaultAccess("publishClientReceive", False),
        DefaultAccess("subscribe", False),
        DefaultAccess("unsubscribe", True),
    ),
)
"""What no role allows is denied; to hear less is everybody's right."""


def make_role(user: str) -> list[Command]:
    """Commands after which a user's role says what the rules say, whatever was there."""
    role, acls = role_of(user), acls_of(user)
    return [Command("createRole", rolename=role, acls=acls), Command("modifyRole", rolename=role, acls=acls)]


def admit(user: str, password: str) -> list[Command]:
    """Commands after which a user comes in by that password, with its own role alone. Its connections are ended."""
    roles = (RoleName(role_of(user)),)
    return [
        *make_role(user),
        Command("createClient", username=user, password=password, roles=roles),
        Command("modifyClient", username=user, password=password, roles=roles),
        Command("enableClient", username=user),
    ]


def block(user: str) -> list[Command]:
    """Commands after which a user does not come in, and whoever is in by that name is out."""
    return [Command("disableClient", username=user)]


def listing(what: str, offset: int) -> Command:
    """Ask for a page of ``listClients`` or ``listRoles``."""
    return Command(what, verbose=True, count=PAGE, offset=offset)


@dataclass(slots=True)
class Held:
    """What a broker has.

    Attributes
    ----------
    clients : dict
        User name to (disabled, names of roles).
    roles : dict
        Name of a role to its rights: (type, topic) of those that allow, and None in the set if one denies.
    """

    clients: dict[str, tuple[bool, frozenset[str]]] = field(default_factory=dict)
    roles: dict[str, frozenset[tuple[str, str] | None]] = field(default_factory=dict)

    def take(self, response: Response) -> int:
        """Take a page; returns how many there are in all."""
        data = response.data or _Data()
        for client in data.clients:
            self.clients[client.username] = (client.disabled, frozenset(one.rolename for one in client.roles))
        for role in data.roles:
            self.roles[role.rolename] = frozenset((acl.acltype, acl.topic) if acl.allow else None for acl in role.acls)
        return data.total


@dataclass(frozen=True, slots=True)
class Repairs:
    """What a broker lacks, by user."""

    made: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def commands(self, passwords: Mapping[str, str]) -> list[Command]:
        """The commands that mend it."""
        return [
            *(one for user in self.roles for one in make_role(user)),
            *(one for user in self.made for one in admit(user, passwords[user])),
            *(Command("enableClient", username=user) for user in self.enabled),
            *(one for user in self.disabled for one in block(user)),
        ]


def repairs(held: Held, *, wanted: Collection[str], blocked: Collection[str], listeners: Collection[str]) -> Repairs:
    """Compare what a broker has with what the records say.

    Parameters
    ----------
    wanted, blocked : collection of str
        Users that are to come in, and not.
    listeners : collection of str
        Users that only need their role: whoever runs the broker makes their accounts.

    Notes
    -----
    An account with a role of ours that the records do not know is disabled: it is one that was made after the backup
    which the records were brought back from, or by a service that no longer counts. Others are left alone.
    """
    ours = {user for user, (_, roles) in held.clients.items() if role_of(user) in roles}
    known = {*wanted, *blocked, *listeners}
    made = {user for user in wanted if user not in held.clients or user not in ours}
    enabled = {user for user in wanted if user not in made and held.clients[user][0]}
    astray = {user for user in held.clients if user in blocked or (user in ours and user not in known)}
    roles = {
        user
        for user in {*wanted, *blocked, *listeners} - made
        if held.roles.get(role_of(user), frozenset()) ^ {(acl.acltype, acl.topic) for acl in acls_of(user)}
        and (user in ours or user in listeners)
    }
    return Repairs(
        tuple(sorted(made)),
        tuple(sorted(enabled)),
        tuple(sorted(user for user in astray if not held.clients[user][0])),
        tuple(sorted(roles)),
    )


def in_messages(commands: Sequence[Command]) -> list[Sequence[Command]]:
    """Cut commands into messages of a bounded size."""
    return [commands[first : first + PAGE] for first in range(0, len(commands), PAGE)]
