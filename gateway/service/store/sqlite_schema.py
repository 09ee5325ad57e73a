"""The tables of the sqlite store and how a connection to it is set up."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from gateway.errors import ConfigurationError, StoreUnavailableError

APPLICATION_ID: Final = 0x534F4D4E
"""'SOMN' in the file's header: another program's database is told from ours."""

VERSION: Final = 1
BUSY_TIMEOUT_S: Final = 5.0
"""How long a commit waits for another process (a backup, an import) before it is an error."""

PAGE_BYTES: Final = 4096
"""SQLite's own default: with five-minute chunks it wrote the least for live data, and lost nothing on bulk."""

CHECKPOINT_PAGES: Final = 4096
"""16 MB of log between checkpoints: hot chunks are written home once for many commits."""

TABLES: Final = """
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    kind TEXT NOT NULL,
    origin TEXT NOT NULL,
    session TEXT NOT NULL,
    revision INTEGER NOT NULL,
    runs TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    newest_ms INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    reach_h INTEGER NOT NULL,
    UNIQUE (device, session)
);
CREATE INDEX session_by_reach ON session (device, kind, reach_h);
CREATE TABLE chunk (key INTEGER PRIMARY KEY, parts BLOB NOT NULL, data BLOB NOT NULL);
"""
# reach_h is the end of what a session holds or covers, in whole hours rounded up: so the index that finds the sessions
# of an interval changes once an hour, not with each commit.


def connect(path: Path, *, writer: bool) -> sqlite3.Connection:
    """A connection in autocommit mode that any one thread at a time may use."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    if not writer:
        connection.execute("PRAGMA query_only = ON")
    return connection


def open_writer(path: Path, max_bytes: int | None) -> sqlite3.Connection:
    """Open the file for writing, making it and its tables where there are none.

    Raises
    ------
    ConfigurationError
        The folder cannot be used, or the file is not a sample store of this version.
    StoreUnavailableError
        The file is locked, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = connect(path, writer=True)
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"cannot open the sample store {path}: {error}") from error
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")  # each rewritten chunk, so that erasure leaves no older copy
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        if max_bytes is not None:
            connection.execute(f"PRAGMA max_page_count = {max(1, max_bytes // PAGE_BYTES)}")
        _make_tables(connection, path)
    except sqlite3.OperationalError as error:
        connection.close()
        raise StoreUnavailableError(f"the sample store {path} cannot be used: {error}") from error
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ConfigurationError(f"{path} is no sample store: {error}") from error
    except ConfigurationError:
        connection.close()
        raise
    return connection


def _make_tables(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables == 0:
        for statement in TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise ConfigurationError(f"{path} is another program's database")
    if version != VERSION:
        raise ConfigurationError(f"{path} is a sample store of version {version}, this program reads version {VERSION}")
