"""`somnolink admin`: the first administrator, ways in for users, and whether the audit is whole."""

from __future__ import annotations

import secrets
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

    from gateway.service.records import Records, User
    from gateway.service.sign_in import SignIn

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
    """Make a clinic's administrator, who makes all other users; print where to set the password, once, in a week."""
    from gateway.service.records import Role
    from gateway.service.sign_in.codes import invitation_url

    with _entrance(config) as (records, sign_in, base):
        user = records.users.add(clinic, name, Role.ADMINISTRATOR, at_ms=SystemClock().utc_ms())
        print(invitation_url(base, sign_in.invite(user.id)))


@admin.command()
def invite(
    name: NameArgument,
    remove_second_factor: Annotated[
        bool, typer.Option("--remove-second-factor", help="The user has lost it; be sure who asks.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Print where a user sets the first, or a forgotten, password, once, within a week."""
    from gateway.service.sign_in.codes import invitation_url

    with _entrance(config) as (records, sign_in, base):
        user = _user(records, name)
        if remove_second_factor and not sign_in.remove_factor(user.id):
            raise ConfigurationError(f"{name} has no second factor")
        print(invitation_url(base, sign_in.invite(user.id)))


@admin.command()
def link(name: NameArgument, config: ConfigOption = None) -> None:
    """Print a link that lets a user in, once, within a quarter of an hour."""
    from gateway.service.sign_in.codes import link_url

    with _entrance(config) as (records, sign_in, base):
        print(link_url(base, sign_in.link(_user(records, name).id)))


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
        user = _user(records, name)
        scopes = ["read"] if read_only else ["read", "write"]
        expires_ms = now_ms + days * 86_400_000
        label = f"{user.name} {now_ms}"
        print(create_token(records, label, scopes, created_ms=now_ms, expires_ms=expires_ms, user=user.id))


@admin.command("invite-home")
def invite_home(
    name: Annotated[str, typer.Argument(help="What the staff call that home; no name of a patient.")],
    clinic: Annotated[str, typer.Option(help="Of which clinic.")] = "clinic",
    home: Annotated[str | None, typer.Option(help="A home that gets a new box; without it, a new home.")] = None,
    minutes: Annotated[int, typer.Option(help="For how long the code can be used.", min=5, max=7 * 1440)] = 1440,
    config: ConfigOption = None,
) -> None:
    """Make a one-time code by which a box joins; print, this once, what the box is to be told."""
    from gateway.cli.programs import place_of
    from gateway.service.access import Action
    from gateway.service.homes.enrolment import make_invitation

    settings = load_settings(config)
    if not settings.broker.dynamic_security:
        raise ConfigurationError("homes do not join by a code here: broker.dynamic_security is off")
    if not settings.service.public_url:
        raise ConfigurationError("service.public_url is not set: a box must be told where to go")
    now_ms = SystemClock().utc_ms()
    with _records(config) as records:
        url, by = place_of(settings).url, COMMAND_LINE
        made = make_invitation(records, clinic, name, by=by, url=url, minutes=minutes, gateway=home, at_ms=now_ms)
        what = f"invite {made.kept.gateway} by code {made.kept.id}"
        records.audit.add(at_ms=now_ms, who=by, account=None, address="", action=Action.MANAGE_HOMES, what=what)
    print(made.command)


@admin.command()
def listener(
    clinic: Annotated[str, typer.Argument(help="Whose alert feed is to be heard.")],
    config: ConfigOption = None,
) -> None:
    """Let a clinic's program hear its feed at the broker, by the clinic's id and a password that is printed this once.

    Done again, the password before is no longer taken.
    """
    from gateway.cli.programs import broker_accounts
    from gateway.service.access import Action

    accounts, _ = broker_accounts(load_settings(config))
    if accounts is None:
        raise ConfigurationError("the broker's accounts are made by hand here: broker.dynamic_security is off")
    with _records(config) as records:
        if clinic not in {one.id for one in records.people.clinics()}:
            raise ConfigurationError(f"no such clinic: {clinic}")
        what = f"listener to the feed of {clinic}"
        now_ms, by = SystemClock().utc_ms(), COMMAND_LINE
        records.audit.add(at_ms=now_ms, who=by, account=None, address="", action=Action.READ_FEED, what=what)
        password = secrets.token_urlsafe(32)
        accounts.admit(clinic, password)
    print(password)


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


def _user(records: Records, name: str) -> User:
    user = records.users.named(name)
    if user is None:
        raise ConfigurationError(f"no such user: {name}")
    return user


@contextmanager
def _entrance(config: Path | None) -> Iterator[tuple[Records, SignIn, str]]:
    """The records, who lets people in, and where people find the service."""
    from gateway.service.sign_in import SignIn

    settings = load_settings(config)
    service = settings.service
    scheme = "https" if service.http_certificate_file else "http"
    base = service.public_url.rstrip("/") or f"{scheme}://{service.http_host}:{service.http_port}"
    with _records(config) as records:
        yield records, SignIn(records, SystemClock(), settings.sign_in), base


@contextmanager
def _records(config: Path | None) -> Iterator[Records]:
    store, records = open_service_stores(load_settings(config))
    with store:
        try:
            yield records
        finally:
            records.close()
