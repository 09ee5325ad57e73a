"""From a URL to a store; what is wrong with it is said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigurationError
from gateway.service.store import open_store
from gateway.service.store.influx import InfluxStore
from gateway.service.store.sqlite import SqliteStore


def test_sqlite_with_an_absolute_and_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url, path in (
        (f"sqlite:///{tmp_path}/a/b%20c.db", tmp_path / "a" / "b c.db"),
        ("sqlite:///x.db?max_bytes=1000000", tmp_path / "x.db"),
    ):
        with open_store(url) as store:
            assert isinstance(store, SqliteStore)
            assert path.is_file()


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("influx+v1://localhost/sleep", None),
        ("influx+v1://user:p%40ss@[::1]:8086/sleep?tls=true", None),
        ("influx+v2://localhost:8086?org=clinic&bucket=sleep", "t"),
        ("influx+v2://localhost?bucket=sleep&database=mapped", "user:password"),
    ],
)
def test_influx_is_opened_without_asking_it(url: str, token: str | None) -> None:
    with open_store(url, token=token) as store:
        assert isinstance(store, InfluxStore)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("", "no store is called"),
        ("postgres://x/y", "no store is called 'postgres'"),
        ("samples.db", "no store is called"),
        ("sqlite://samples.db", "three slashes"),
        ("sqlite:///", "three slashes"),
        ("sqlite:///x.db?max_bytes=lots", "max_bytes"),
        ("sqlite:///x.db?max_bytes=0", "max_bytes"),
        ("sqlite:///x.db?cache=1", "unknown options: cache"),
        ("influx+v1://localhost:8086", "HOST:PORT/DATABASE"),
        ("influx+v1://localhost:8086/a%22b", "HOST:PORT/DATABASE"),
        ("influx+v1:///sleep", "names no host"),
        ("influx+v1://localhost:port/sleep", "is wrong"),
        ("influx+v1://localhost/sleep?org=x", "unknown options: org"),
        ("influx+v2://localhost?org=o&bucket=b", "needs a token"),
        ("influx+v2://localhost?org=o", "bucket=BUCKET"),
        ("influx+v2://localhost/b?org=o&bucket=b", "bucket=BUCKET"),
        ("influx+v2://localhost?bucket=b&tls=maybe", "tls"),
    ],
)
def test_a_wrong_url_is_one_clear_line(url: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    token = None if "needs" in text else "t"
    with pytest.raises(ConfigurationError, match=text) as caught:
        open_store(url, token=token)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
