"""Joining a clinic by a one-time code: what is said to whom, and what is written where.

A secret of the box's own is on its disk before it asks, so that it may ask again after a crash or a lost answer: until
the code ends, the same box gets the same answer. What it is told is written in an order in which a crash leaves either
the old settings or the new ones: the files with password and authority first, the settings that name them last.
"""

from __future__ import annotations

import os
import secrets
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from gateway.errors import ConfigurationError, JoinError, SomnolinkError
from gateway.home.settings_file import set_values
from gateway.wire.client import BrokerAddress
from gateway.wire.topics import check_name

ROUTE: Final = "/api/v1/homes/join"
TIMEOUT_S: Final = 30.0
MOST_BYTES: Final = 256 * 1024
"""Of an answer: a certificate authority and four lines."""

KEY_FILE: Final = "join-key"
PASSWORD_FILE: Final = "broker-password"
AUTHORITY_FILE: Final = "broker-authority.pem"

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

_KEY_DIGITS: Final = 64


class Answer(msgspec.Struct, frozen=True):
    """What the service tells a box that may come in."""

    gateway: str
    broker: str
    password: str
    authority: str | None = None


class _Problem(msgspec.Struct, frozen=True):
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a box keeps what it is told.

    Attributes
    ----------
    data : Path
        The gateway's folder: key, password and authority are kept there, for its owner alone.
    settings : Path
        The settings file that is changed; made if there is none.
    """

    data: Path
    settings: Path


def read_words(words: str) -> tuple[str, str]:
    """Take a scanned or typed line apart: ``somnolink join URL CODE``, or ``URL CODE``.

    Raises
    ------
    ConfigurationError
        It is neither.
    """
    parts = words.split()
    if parts[:2] == ["somnolink", "join"]:
        parts = parts[2:]
    if len(parts) < 2:
        raise ConfigurationError("give the address and the code that the clinic shows: https://... XXXX-XXXX-XXXX")
    return parts[0], "".join(parts[1:])


def check_url(url: str, *, plain_http: bool = False) -> str:
    """Return the service's address, without a slash at its end.

    Raises
    ------
    ConfigurationError
        It is none, or would send the code, and bring the password, unencrypted over a network.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.username is None and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ConfigurationError(f"the clinic's address begins with https://, not {url[:80]!r}")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK and not plain_http:
        raise ConfigurationError("the clinic's address must begin with https://: by http:// the password would be read")
    return url.rstrip("/")


def box_key(data: Path) -> str:
    """The box's own secret, made once: 64 hexadecimal digits.

    Raises
    ------
    ConfigurationError
        The folder cannot be read or written.
    """
    path = data / KEY_FILE
    try:
        known = path.read_text("ascii").strip()
    except FileNotFoundError:
        known = ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    if len(known) == _KEY_DIGITS and set(known) <= set("0123456789abcdef"):
        return known
    made = secrets.token_hex(_KEY_DIGITS // 2)
    write_private(path, made)
    return made


def ask(url: str, code: str, box: str, *, authority: Path | None = None) -> Answer:
    """Show the code to the service.

    Parameters
    ----------
    authority : Path or None
        Certificate authority of the service's own certificate; None trusts the system's.

    Raises
    ------
    JoinError
        The service is not there, or says no; the text is its own, for a person.
    ConfigurationError
        The authority cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"certificate authority {authority}: {error}") from None
    request = urllib.request.Request(
        url + ROUTE,
        msgspec.json.encode({"code": code[:64], "box": box}),
        {"Content-Type": "application/json", "Accept": "application/json"},
        method="POST",
    )
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirect())
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            return _checked(msgspec.json.decode(answer.read(MOST_BYTES), type=Answer), url)
    except urllib.error.HTTPError as error:
        raise JoinError(f"the clinic says no: {_detail(error)}") from None
    except msgspec.MsgspecError:
        raise JoinError(f"what answers at {url} is no somnolink service") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise JoinError(f"the clinic does not answer at {url}: {' '.join(str(reason).split())[:200]}") from None


def keep(answer: Answer, place: Place) -> None:
    """Write what was told. Done again, it is the same.

    Raises
    ------
    ConfigurationError
        A file cannot be written, or the settings file is none.
    """
    password, authority = place.data / PASSWORD_FILE, place.data / AUTHORITY_FILE
    try:
        before = place.settings.read_text("utf-8")
    except FileNotFoundError:
        before = ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"settings {place.settings}: {error}") from None
    broker = {
        "url": answer.broker,
        "password_file": str(password),
        "ca_file": "" if answer.authority is None else str(authority),
    }
    after = set_values(before, {"broker": broker, "home": {"gateway": answer.gateway, "data": str(place.data)}})
    if answer.authority is not None:
        write_private(authority, answer.authority)
    write_private(password, answer.password)
    write_private(place.settings, after)


def write_private(path: Path, text: str) -> None:
    """Replace a file as a whole, durably; its owner alone may read it, and that is whose the folder is.

    Raises
    ------
    ConfigurationError
        It cannot be written.
    """
    new = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        owner = path.parent.stat()
        if os.geteuid() == 0:  # set up by root for the user that the gateway runs as
            os.chown(new, owner.st_uid, owner.st_gid)
        new.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror or error}") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The code is shown to whom the clinic named, and to nobody else."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""
        return


def _checked(answer: Answer, url: str) -> Answer:
    """What comes from another machine goes into files and settings only if it is what it should be."""
    try:
        check_name(answer.gateway, "gateway")
        BrokerAddress.parse(answer.broker)
    except SomnolinkError as error:
        raise JoinError(f"the clinic at {url} answers what makes no sense: {error}") from None
    if not answer.password or not answer.password.isascii() or not answer.password.isprintable():
        raise JoinError(f"the clinic at {url} answers without a password")
    return answer


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        told = msgspec.json.decode(error.read(MOST_BYTES), type=_Problem).detail
    except (msgspec.MsgspecError, OSError):
        told = ""
    return " ".join(told.split())[:300] or f"status {error.code}"
