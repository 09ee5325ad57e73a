"""`somnolink admin`: the first administrator, tokens of users, and whether the audit is whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.cli.programs import ConfigOption, open_service_stores
from gateway.clock import SystemClock
from gateway.errors import ConfigurationError
from gateway.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.service.records import Records

admin = typer.Typer(no_args_is_help=True, help="Users and audit, for who runs the service.")

COMMAND_LINE: Final = "command line"
"""Who did it, where nobody signed in: whoever may read the service's secrets."""

NameArgument = Annotated[str, typer.Argument(help="What the user signs in with, such as a mail address.")]


@admin.command()
def administrator(
    name: NameArgument,
    clinic: Annotated[str, typer.Option(help="Of which clinic.")] = "clinic",
    config: ConfigOption = None,
) -> None:
    """Make a clinic's administrator, who makes all other users. `somnolink admin token` then lets them in."""
    from gateway.service.records import Role

    with _records(config) as records:
        print(records.users.add(clinic, name, Role.ADMINISTRATOR, at_ms=SystemClock().utc_ms()).id)


@admin.command()
def token(
    name: NameArgument,
    days: Annotated[int, typer.Option(help="Valid for so long.", min=1, max=366)] = 30,
    read_only: Annotated[bool, typer.Option("--read-only", help="It changes nothing.")] = False,
    config: ConfigOption = None,
) -> None:
    """Make a token of a user: it opens what the user may. It is printed this once and kept nowhere."""
    from gateway.service.api.auth import create_token

    now_ms = SystemClock().utc_ms()
    with _records(config) as records:
        user = records.users.named(name)
        if user is None:
            raise ConfigurationError(f"no such user: {name}")
        scopes = ["read"] if read_only else ["read", "write"]
        expires_ms = now_ms + days * 86_400_000
        label = f"{user.name} {now_ms}"
        print(create_token(records, label, scopes, created_ms=now_ms, expires_ms=expires_ms, user=user.id))


@admin.command()
def invite(
    name: Annotated[str, typer.Argument(help="What the staff call that home; no name of a patient.")],
    clinic: Annotated[str, typer.Option(help="Of which clinic.")] = "clinic",
    home: Annotated[str | None, typer.Option(help="A home that gets a new box; without it, a new home.")] = None,
    minutes: Annotated[int, typer.Option(help="For how long the code can be used.", min=5, max=7 * 1440)] = 1440,
    config: ConfigOption = None,
) -> None:
    """Make a one-time code by which a box joins; print, this once, what the box is to be told."""
    from gateway.cli.programs import place_of
    from gateway.service.homes.enrolment import make_invitation

    settings = load_settings(config)
    if not settings.broker.dynamic_security:
        raise ConfigurationError("homes do not join by a code here: broker.dynamic_security is off")
    if not settings.service.public_url:
        raise ConfigurationError("service.public_url is not set: a box must be told where to go")
    now_ms = SystemClock().utc_ms()
    with _records(config) as records:
        url = place_of(settings).url
        made = make_invitation(
            records, clinic, name, by=COMMAND_LINE, url=url, minutes=minutes, gateway=home, at_ms=now_ms
        )
        records.audit.add(
            at_ms=now_ms,
            who=COMMAND_LINE,
            account=None,
            address="",
            action="manage_homes",
            what=f"invite {made.kept.id}",
        )
    print(made.command)


@admin.command("verify-audit")
def verify_audit(
    noted: Annotated[
        str | None, typer.Option(help="NUMBER:HASH as printed earlier; shows that nothing was cut off since.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Check the audit; print NUMBER:HASH of its latest entry, to be noted elsewhere. Status 6: it was changed."""
    from gateway.service.records import Seal

    number, _, sha256 = (noted or "0:").partition(":")
    if not number.isdecimal():
        raise ConfigurationError(f"--noted is NUMBER:HASH, not {noted}")
    with _records(config) as records:
        last = records.audit.verify(Seal(int(number), sha256) if noted else None)
    print(f"{last.number}:{last.sha256}")


@contextmanager
def _records(config: Path | None) -> Iterator[Records]:
    store, records = open_service_stores(load_settings(config))
    with store:
        try:
            yield records
        finally:
            records.close()
