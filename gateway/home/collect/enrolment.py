"""The enrolment secrets of devices that want one: a folder with a file for each, readable by the gateway alone.

The secret stands on the device's label as 32 hexadecimal digits. It is never logged and never leaves this computer.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from gateway.errors import ConfigurationError

SECRETS: Final = "secrets"
"""The folder, in the gateway's data."""

SECRET_BYTES: Final = 16
_ADDRESS: Final = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){5}|[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")


class EnrolmentSecrets:
    """Secrets by the device's address.

    Parameters
    ----------
    folder : Path
        Made when the first secret is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, address: str) -> bytes | None:
        """Return the secret of the device at an address; None where none was entered.

        Raises
        ------
        ConfigurationError
            The file cannot be read or holds no secret.
        """
        path = self._path(address)
        try:
            return parse_secret(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            raise ConfigurationError(f"the enrolment secret in {path} cannot be read") from None

    def keep(self, address: str, secret: bytes) -> None:
        """Keep a secret, in place of an older one; whole or not at all.

        Where there was one, the device is enrolled anew, most often after a factory reset: the old bond is of no use.

        Raises
        ------
        ConfigurationError
            It is no address, or the folder cannot be written.
        """
        path = self._path(address)
        fresh = path.with_suffix(".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if path.exists():
                self._mark(address).touch(mode=0o600)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(secret.hex() + "\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError as error:
            raise ConfigurationError(f"the secret cannot be kept in {path.parent}: {error.strerror or error}") from None

    def has_old_bond(self, address: str) -> bool:
        """Whether the bond with the device is of an enrolment before the last one."""
        return self._mark(address).exists()

    def forgot_bond(self, address: str) -> None:
        """Take note that it is forgotten."""
        self._mark(address).unlink(missing_ok=True)

    def _mark(self, address: str) -> Path:
        return self._path(address).with_suffix(".old-bond")

    def _path(self, address: str) -> Path:
        if _ADDRESS.fullmatch(address.upper()) is None:
            raise ConfigurationError(f"{address[:60]!r} is no Bluetooth address such as C4:12:34:56:78:9A")
        return self._folder / address.upper().replace(":", "")


def parse_secret(text: str) -> bytes:
    """Read a secret as the label shows it: 32 hexadecimal digits, with blanks, colons or hyphens as one likes.

    Raises
    ------
    ConfigurationError
        Anything else. The text does not show what was given.
    """
    digits = re.sub(r"[\s:-]", "", text)
    if re.fullmatch(rf"[0-9A-Fa-f]{{{2 * SECRET_BYTES}}}", digits) is None:
        raise ConfigurationError(f"an enrolment secret has {2 * SECRET_BYTES} hexadecimal digits, as on the label")
    return bytes.fromhex(digits)
