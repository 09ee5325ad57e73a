"""The connection to the records database: opening, migrating, transactions, errors."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import event, exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from gateway.errors import ConfigurationError, StoreRejectedError, StoreUnavailableError
from gateway.service.records.tables import Base

BUSY_TIMEOUT_MS: Final = 10_000
"""How long SQLite waits for another process that writes: a backup or a command line holds it for far less."""

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_WRITERS_LOCK: Final = 0x736F6D6E6F  # any fixed number: PostgreSQL's advisory lock of the one that writes

Row = dict[str, object]


class Database:
    """A migrated records database, usable from many threads at once.

    Writers take turns, on both databases: what a transaction reads is still so when it writes. On SQLite those of this
    process queue on a lock, which wakes at once, and only those of other processes wait by SQLite's polling; on
    PostgreSQL all queue on an advisory lock. Groups of rows in one transaction keep that cheap.

    Parameters
    ----------
    url : str
        ``sqlite:///PATH``, ``postgresql://...``, or a plain path of an SQLite file.
    password : str or None
        PostgreSQL's password, where it does not stand in the URL.

    Raises
    ------
    ConfigurationError
        If the URL is none, its driver is missing, or a newer version of somnolink wrote the database.
    StoreUnavailableError
        If the database cannot be opened or migrated.
    """

    def __init__(self, url: str, password: str | None = None) -> None:
        parsed = _parse(url)
        self.where: Final = parsed.render_as_string(hide_password=True)
        self._writing: threading.Lock | None = None
        try:
            if parsed.get_backend_name() == "sqlite":
                self._engine = _sqlite_engine(parsed)
                self._writing = threading.Lock()
            else:
                parsed = parsed if password is None else parsed.set(password=password)
                self._engine = sa.create_engine(parsed, pool_pre_ping=True, pool_size=10, hide_parameters=True, **_JSON)
        except ImportError as error:
            raise ConfigurationError(f"records database {self.where}: its driver is not installed ({error})") from error
        self._writer = self._engine.execution_options(immediate=True)
        self._migrate()

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    def check(self) -> None:
        """Return if the database answers, else raise `StoreUnavailableError`."""
        with self.read() as session:
            session.execute(sa.select(1))

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one state of the database; nothing it changes is kept.

        Raises
        ------
        StoreUnavailableError
            If the database cannot be read for now.
        """
        with self._errors(), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session in one transaction: committed, durably, at the end of the block, or not at all.

        Raises
        ------
        StoreUnavailableError
            If the database cannot be written for now.
        StoreRejectedError
            If it will never take these rows.
        """
        with (
            self._errors(),
            self._writers_turn(),
            Session(self._writer, expire_on_commit=False) as session,
            session.begin(),
        ):
            _take_turn(session.connection())
            yield session

    def scrub(self) -> bool:
        """Write the whole database anew, without bytes of rows that were deleted. Nothing else is written meanwhile.

        Returns
        -------
        bool
            False: a reader keeps SQLite's log, which may hold pages as they were; call again.

        Raises
        ------
        StoreUnavailableError
            If the database cannot be written for now, or the disk has no room for a second copy.
        """
        with self._errors(), self._writers_turn():
            if self._writing is None:
                with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    tables = ", ".join(f'"{name}"' for name in sorted(Base.metadata.tables))
                    connection.execute(sa.text(f"VACUUM (FULL) {tables}"))
                return True
            raw = self._engine.raw_connection()
            try:
                # Past the engine: neither works within a transaction, and each of its own begins one.
                driver = raw.driver_connection
                assert isinstance(driver, sqlite3.Connection), "SQLite's engine gives SQLite's connections"
                driver.execute("VACUUM")
                (busy, *_) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as error:
                raise StoreUnavailableError(f"records database {self.where}: {error}") from error
            finally:
                raw.close()
            return not busy

    def upsert(
        self, session: Session, table: type[Base], rows: Sequence[Row], *, keep: frozenset[str] = frozenset()
    ) -> None:
        """Insert rows; where the primary key exists, overwrite every other column but those in `keep`."""
        if not rows:
            return
        target = sa.inspect(table).local_table
        keys = [column.name for column in target.primary_key]
        maker = sqlite.insert if self._writing is not None else postgresql.insert
        statement = maker(table)
        changed = {name: statement.excluded[name] for name in rows[0] if name not in keys and name not in keep}
        session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)

    def _writers_turn(self) -> AbstractContextManager[object]:
        return self._writing if self._writing is not None else nullcontext()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (exc.IntegrityError, exc.DataError) as error:
            raise StoreRejectedError(f"the records refuse these rows: {_first_line(error)}") from error
        except exc.DBAPIError as error:
            raise StoreUnavailableError(f"records database {self.where}: {_first_line(error)}") from error
        except exc.TimeoutError as error:
            raise StoreUnavailableError(f"records database {self.where}: no free connection") from error

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with self._errors(), self._writers_turn(), self._writer.connect() as connection, connection.begin():
            _take_turn(connection)
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise ConfigurationError(
                    f"records database {self.where} was written by another version of somnolink: {_first_line(error)}"
                ) from error


def _parse(url: str) -> URL:
    if "://" not in url:
        return URL.create("sqlite", database=url)
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        raise ConfigurationError("the records' URL is none: give sqlite:///PATH or postgresql://...") from error
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise ConfigurationError("the records are kept in sqlite:///PATH or postgresql://..., nothing else")
    return parsed


def _sqlite_engine(url: URL) -> Engine:
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailableError(f"records database {path}: {error.strerror}") from error
    # Values of rows, a patient's name among them, do not stand in errors.
    engine = sa.create_engine(url, pool_size=10, max_overflow=30, hide_parameters=True, **_JSON)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        # The driver's own implicit BEGIN would start every transaction as a reader: we begin ourselves.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that starts as a reader and then writes fails at once, without waiting, if another has written.
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _json(value: object) -> str:
    """A running night's indices are written twice a second: five times quicker than the standard library's."""
    return msgspec.json.encode(value).decode()


_JSON: Final[dict[str, Any]] = {"json_serializer": _json, "json_deserializer": msgspec.json.decode}


def _take_turn(connection: Connection) -> None:
    """Wait until no other writes; the turn ends with the transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITERS_LOCK)))


def _first_line(error: Exception) -> str:
    cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    return str(cause).strip().partition("\n")[0] or type(cause).__name__
