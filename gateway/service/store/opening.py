"""From a URL in the settings to a store."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from gateway.errors import ConfigurationError
from gateway.service.store.base import SampleStore
from gateway.service.store.sqlite import SqliteStore

FORMS: Final = "sqlite:///PATH, influx+v1://HOST:PORT/DATABASE or influx+v2://HOST:PORT?org=ORG&bucket=BUCKET"
INFLUX_PORT: Final = 8086


def open_store(url: str, *, token: str | None = None) -> SampleStore:
    """Open the sample store that a URL names.

    Parameters
    ----------
    url : str
        ``sqlite:///relative/path.db``, ``sqlite:////absolute/path.db``, optionally ``?max_bytes=N``;
        ``influx+v1://[user:password@]host:port/database``; ``influx+v2://host:port?org=...&bucket=...``, optionally
        ``&database=...`` (what InfluxQL calls the bucket: its DBRP mapping; default the bucket's name). ``tls=true``
        speaks HTTPS to InfluxDB.
    token : str or None
        For `influx+v2`; for InfluxDB 1.8, ``user:password``. Never part of a URL, which ends up in logs.

    Raises
    ------
    ConfigurationError
        The URL is of none of these forms, or names a file that is no sample store.
    StoreUnavailableError
        The file is locked or the disk full. (InfluxDB is contacted at the first use, not here.)
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ConfigurationError(f"the store's URL is wrong ({error}): it must be {FORMS}") from error
    options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    match parts.scheme:
        case "sqlite":
            store = _open_sqlite(parts, options)
        case "influx+v1":
            store = _open_influx_v1(parts, options)
        case "influx+v2":
            store = _open_influx_v2(parts, options, token)
        case _:
            raise ConfigurationError(f"no store is called {parts.scheme or 'that'!r}: the URL must be {FORMS}")
    return store


def _open_sqlite(parts: SplitResult, options: dict[str, str]) -> SampleStore:
    path = unquote(parts.path)[1:]
    if parts.netloc or not path:
        raise ConfigurationError("a sqlite store is named sqlite:///PATH, with three slashes before the path")
    max_bytes = options.pop("max_bytes", None)
    _refuse(options)
    if max_bytes is not None and not (max_bytes.isdecimal() and int(max_bytes) > 0):
        raise ConfigurationError(f"max_bytes of a sqlite store must be a number of bytes, not {max_bytes!r}")
    return SqliteStore(Path(path), max_bytes=None if max_bytes is None else int(max_bytes))


def _open_influx_v1(parts: SplitResult, options: dict[str, str]) -> SampleStore:
    from gateway.service.store.influx import InfluxStore
    from gateway.service.store.influx_http import QueryClient, V1Writer, basic_auth

    base = _base_url(parts, options)
    _refuse(options)
    database = unquote(parts.path.strip("/"))
    if not database or not _is_plain(database):
        raise ConfigurationError("an InfluxDB 1.x store is named influx+v1://HOST:PORT/DATABASE")
    headers = {}
    if parts.username is not None:
        headers = basic_auth(unquote(parts.username), unquote(parts.password or ""))
    queries = QueryClient(base, database, headers, create=True)
    return InfluxStore(V1Writer(base, database, headers, queries), queries)


def _open_influx_v2(parts: SplitResult, options: dict[str, str], token: str | None) -> SampleStore:
    from gateway.service.store.influx import InfluxStore
    from gateway.service.store.influx_http import QueryClient, V2Writer

    base = _base_url(parts, options)
    org, bucket = options.pop("org", ""), options.pop("bucket", "")
    database = options.pop("database", bucket)
    _refuse(options)
    if not bucket or parts.path.strip("/") or parts.username is not None:
        raise ConfigurationError(
            "an InfluxDB 2 store is named influx+v2://HOST:PORT?org=ORG&bucket=BUCKET, token apart"
        )
    if not token:
        raise ConfigurationError("an InfluxDB 2 store needs a token")
    queries = QueryClient(base, database, {"Authorization": f"Token {token}"}, create=False)
    return InfluxStore(V2Writer(base, org, bucket, token), queries)


def _base_url(parts: SplitResult, options: dict[str, str]) -> str:
    if not parts.hostname:
        raise ConfigurationError(f"the store's URL names no host: it must be {FORMS}")
    tls = options.pop("tls", "false")
    if tls not in ("true", "false"):
        raise ConfigurationError(f"tls of a store must be true or false, not {tls!r}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{'https' if tls == 'true' else 'http'}://{host}:{parts.port or INFLUX_PORT}"


def _refuse(options: dict[str, str]) -> None:
    if options:
        raise ConfigurationError(f"the store's URL has unknown options: {', '.join(sorted(options))}")


def _is_plain(name: str) -> bool:
    return all(char.isalnum() or char in "_-." for char in name)
