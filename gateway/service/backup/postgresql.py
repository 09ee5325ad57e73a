"""Records in PostgreSQL, by PostgreSQL's own `pg_dump` and `pg_restore`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from gateway.errors import ConfigurationError, StoreUnavailableError


def dump(address: URL, password: str | None, target: Path) -> None:
    """Write one state of the database into a new file, while others write.

    Raises
    ------
    ConfigurationError
        `pg_dump` is not installed.
    StoreUnavailableError
        It failed: server away, wrong password, a server newer than the program, disk full.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    _run("pg_dump", address, password, "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")


def load(file: Path, address: URL, password: str | None, *, replace: bool) -> None:
    """Bring a dump back, whole or not at all; with `replace`, in the place of the tables that are there.

    Raises
    ------
    ConfigurationError, StoreUnavailableError
        As `dump`.
    """
    clean = ["--clean", "--if-exists"] if replace else []
    options = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", *clean]
    _run("pg_restore", address, password, *options, str(file))


def has_tables(address: URL, password: str | None) -> bool:
    """Whether there is anything in the database."""
    engine = sa.create_engine(address.set(drivername="postgresql+psycopg", password=password), hide_parameters=True)
    try:
        return bool(sa.inspect(engine).get_table_names())
    except sa.exc.DBAPIError as error:
        raise StoreUnavailableError(f"records database {address}: {str(error.orig).strip().splitlines()[0]}") from None
    finally:
        engine.dispose()


def _run(program: str, address: URL, password: str | None, *options: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise ConfigurationError(f"{program} is not installed: it comes with PostgreSQL's client programs")
    with _password_file(password) as environment:
        where = f"--dbname={address.render_as_string(hide_password=False)}"  # it has none
        done = subprocess.run(
            [found, "--no-password", where, *options], env=environment, capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()] or [f"status {done.returncode}"]
        raise StoreUnavailableError(f"records database {address}: {said[0]}")


@contextmanager
def _password_file(password: str | None) -> Iterator[dict[str, str]]:
    """An environment that names a file with the password: arguments and variables show in process lists."""
    if password is None:
        yield dict(os.environ)
        return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="somnolink-") as file:  # mode 0600
        escaped = re.sub(r"([:\\])", r"\\\1", password)
        file.write(f"*:*:*:*:{escaped}\n")
        file.flush()
        yield {**os.environ, "PGPASSFILE": file.name}
