"""SQLite files: copied while others write, checked, and put in a place that nobody uses."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from gateway.errors import ConfigurationError, InputFileError, StoreUnavailableError

BUSY_S: Final = 10.0
"""How long a writer is waited for that is just about to finish."""


def pin(path: Path) -> sqlite3.Connection:
    """A connection that goes on seeing the database as it is now, whoever writes; close it soon.

    Raises
    ------
    ConfigurationError
        There is no such file, or it is no database.
    StoreUnavailableError
        It is locked.
    """
    if not path.is_file():
        raise ConfigurationError(f"there is nothing to back up at {path}")
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the first read is what pins it
    except sqlite3.OperationalError as error:
        connection.close()
        raise StoreUnavailableError(f"{path} cannot be read now: {error}") from None
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ConfigurationError(f"{path} is no database: {error}") from None
    return connection


def copy_pinned(source: sqlite3.Connection, target: Path) -> None:
    """Write what a pinned connection sees into a new file, for its owner alone, synced and checked.

    Raises
    ------
    StoreUnavailableError
        The disk is full, or the copy is damaged, as its source must be.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
            (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise StoreUnavailableError(f"the backup {target} cannot be written: {error}") from None
    if verdict != "ok":
        raise StoreUnavailableError(f"the backup {target} is damaged, so its source must be: {verdict}")
    sync(target)


def check_unused(path: Path) -> None:
    """Return if no process has the database open; what its log held is then in the file itself.

    Raises
    ------
    StoreUnavailableError
        It is in use, or cannot be opened.
    """
    try:
        with closing(sqlite3.connect(path, timeout=1.0, isolation_level=None)) as connection:
            # Leaving WAL takes the file for oneself alone, and any open connection that has read holds a share of it.
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError:
        mode = "in use"
    except sqlite3.DatabaseError:
        return  # no database at all: it is moved aside as it is
    if mode != "delete":
        raise StoreUnavailableError(f"{path} is in use: stop the service first")


def check_file(file: Path) -> None:
    """Return if a file of a backup is a sound SQLite database, else raise `InputFileError`."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        verdict = str(error)
    if verdict != "ok":
        raise InputFileError(f"{file} is damaged: {verdict}")


def put(file: Path, target: Path, aside: str) -> None:
    """Make a copy of `file` the file at `target`; what was there is kept beside it, `aside` behind its name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    waiting = target.with_name(f"{target.name}.restoring")
    waiting.unlink(missing_ok=True)
    os.close(os.open(waiting, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    shutil.copyfile(file, waiting)
    sync(waiting)
    if target.exists():
        target.rename(target.with_name(target.name + aside))
    for ending in ("-wal", "-shm"):  # of a database that was removed by hand: its log is not this one's
        target.with_name(target.name + ending).unlink(missing_ok=True)
    waiting.rename(target)
    sync(target.parent)


def sync(path: Path) -> None:
    """Have a file or folder on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
