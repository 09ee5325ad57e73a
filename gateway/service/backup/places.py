"""Where samples and records are, as far as a backup can reach them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from gateway.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Places:
    """Where samples and records are.

    Attributes
    ----------
    samples : Path or None
        The SQLite file; None where the samples are in an InfluxDB, which has tools of its own for this.
    records : Path or URL
        The SQLite file, or PostgreSQL's address without its password.
    password : str or None
        PostgreSQL's.
    """

    samples: Path | None
    records: Path | URL
    password: str | None = None

    @classmethod
    def of(cls, store: str, records: str, password: str | None = None) -> Self:
        """Read both addresses as the settings spell them.

        Raises
        ------
        ConfigurationError
            If the records' is none.
        """
        parts = urlsplit(store)
        samples = Path(unquote(parts.path)[1:]) if parts.scheme == "sqlite" else None
        if "://" not in records:
            return cls(samples, Path(records), password)
        try:
            url = make_url(records)
        except (ArgumentError, ValueError):
            url = URL.create("none")
        if url.get_backend_name() == "sqlite":
            return cls(samples, Path(url.database or ""), password)
        if url.get_backend_name() != "postgresql":
            raise ConfigurationError("the records' URL is none: give sqlite:///PATH or postgresql://...")
        given = str(url.password) if url.password is not None else password
        address = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
        return cls(samples, address, given)
