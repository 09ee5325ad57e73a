"""PostgreSQL (Debian's package postgresql): a cluster of its own, whose one user has a password."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import require


def programs() -> Path:
    """Debian keeps PostgreSQL's programs out of the path, by version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return (found[-1] if found else Path(require("postgres", "postgresql"))).resolve().parent


@contextmanager
def running(password: str) -> Iterator[str]:
    """A cluster on a free port, until the end of the block; gives the address of its database, without the password.

    PostgreSQL refuses to run as root, so then it runs as its own user.
    """
    binaries = programs()
    folder = Path(tempfile.mkdtemp(prefix="somnolink-pg-"))
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        shutil.chown(folder, user)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    switch = {"user": user} if os.geteuid() == 0 else {}

    def run(program: str, *arguments: str) -> None:
        command = [str(binaries / program), *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False, **switch)  # type: ignore[call-overload]  # user= only where it is allowed
        assert done.returncode == 0, done.stderr

    data = str(folder / "data")
    (folder / "password").write_text(password)
    (folder / "password").chmod(0o644)  # the folder itself is its owner's alone
    file = f"--pwfile={folder / 'password'}"
    run("initdb", "-D", data, "-U", "somnolink", "-A", "scram-sha-256", file, "-E", "UTF8", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
    run("pg_ctl", "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql://somnolink@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)
