"""Mosquitto (Debian's package mosquitto): with its defaults, with users, ACL and TLS, or with dynamic security."""

from __future__ import annotations

import getpass
import os
import socket
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.servers import require, require_file
from tests.servers.certificates import write_certificates
from tests.servers.process import ServerProcess, accepts

ADMIN = "somnolink-admin"
ROOT = Path(__file__).resolve().parents[2]
PLUGINS = (
    Path("/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so"),
    Path("/usr/lib/aarch64-linux-gnu/mosquitto_dynamic_security.so"),
    Path("/usr/lib/mosquitto_dynamic_security.so"),
)


class MosquittoServer(ServerProcess):
    """A running mosquitto; without parameters, Mosquitto's defaults: anonymous, not durable, its own queue limits.

    Parameters
    ----------
    users : mapping of str to str or None
        Names and passwords; with them nobody comes in anonymously.
    acl : str or None
        The text of an ACL file, e.g. ``pattern write somnolink/v1/%u/up/#``.
    tls : bool
        Serve TLS with a certificate of a new authority, `ca_file`, for 127.0.0.1 and localhost.
    admin_password : str or None
        Run the dynamic security plugin, its first file made by deploy/mosquitto/make-accounts, with that password of
        the administrator `ADMIN`.
    settings : str
        Further lines of configuration, e.g. ``max_queued_messages 0`` or ``persistence true``.
    """

    def __init__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        acl: str | None = None,
        tls: bool = False,
        admin_password: str | None = None,
        settings: str = "",
    ) -> None:
        program = require("mosquitto", "mosquitto")
        super().__init__("mosquitto")
        self.ca_file: Path | None = None
        lines = [
            f"listener {self.port} {self.host}",
            f"user {getpass.getuser()}",  # else, started by root, it becomes a user that cannot read this folder
            f"persistence_location {self.folder}/",
            f"allow_anonymous {'false' if users or admin_password else 'true'}",
        ]
        if users:
            lines.append(f"password_file {self._write_passwords(users)}")
        if acl is not None:
            path = self.folder / "acl"
            path.write_text(acl if acl.endswith("\n") else acl + "\n")
            path.chmod(0o600)
            lines.append(f"acl_file {path}")
        if admin_password is not None:
            self.make_accounts(admin_password)
            lines += [f"plugin {require_file(PLUGINS, 'mosquitto')}", f"plugin_opt_config_file {self.accounts}"]
        if tls:
            files = write_certificates(self.folder)
            self.ca_file = files.authority
            lines += [f"certfile {files.certificate}", f"keyfile {files.key}"]
        lines.append(settings)
        config = self.folder / "mosquitto.conf"
        config.write_text("\n".join(lines) + "\n")
        self._command = [program, "-c", str(config)]

    @property
    def accounts(self) -> Path:
        """The dynamic security plugin's file."""
        return self.folder / "accounts" / "dynamic-security.json"

    def make_accounts(self, admin_password: str) -> None:
        """Write the plugin's first file, with the administrator alone."""
        require("mosquitto_passwd", "mosquitto")
        self.accounts.parent.mkdir(exist_ok=True)
        (self.folder / "broker-admin-password").write_text(admin_password)
        environment = {
            **os.environ,
            "SECRETS": str(self.folder),
            "TARGET": str(self.accounts.parent),
            "OWNER": getpass.getuser(),
        }
        script = ROOT / "deploy" / "mosquitto" / "make-accounts"
        subprocess.run([script], env=environment, check=True, capture_output=True, timeout=60)

    def command(self) -> list[str]:
        return self._command

    def is_ready(self) -> bool:
        if self.ca_file is None:
            return accepts(self.port)
        context = ssl.create_default_context(cafile=str(self.ca_file))
        try:
            with (
                socket.create_connection((self.host, self.port), timeout=1) as plain,
                context.wrap_socket(plain, server_hostname=self.host),
            ):
                return True
        except OSError:
            return False

    def _write_passwords(self, users: Mapping[str, str]) -> Path:
        program = require("mosquitto_passwd", "mosquitto")
        path = self.folder / "passwords"
        path.touch(0o600)
        for name, password in users.items():
            subprocess.run([program, "-b", str(path), name, password], check=True, capture_output=True)
        return path
