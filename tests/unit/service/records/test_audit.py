"""The audit: whatever is done to it afterwards shows."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gateway.errors import StoreError
from gateway.service.records import Records, Seal


def fill(records: Records, size: int = 5) -> None:
    for number in range(size):
        records.audit.add(
            at_ms=number, who="a", account=None, address="127.0.0.1", action="read_patient", what=f"GET /{number}"
        )


def test_entries_come_back_in_order_and_hold(records: Records) -> None:
    assert records.audit.verify() == Seal(0, "0" * 64)
    fill(records)
    assert [entry.what for entry in records.audit.after(2)] == ["GET /2", "GET /3", "GET /4"]
    assert records.audit.verify() == records.audit.last()
    assert records.audit.last().number == 5


@pytest.mark.parametrize(
    ("deed", "where"),
    [
        ("UPDATE audit SET who = 'b' WHERE number = 3", 3),
        ("UPDATE audit SET at_ms = 99 WHERE number = 1", 1),
        ("UPDATE audit SET account = 'u-1' WHERE number = 5", 5),
        ("UPDATE audit SET address = '' WHERE number = 2", 2),
        ("DELETE FROM audit WHERE number = 1", 1),
        ("DELETE FROM audit WHERE number = 4", 4),
        ("UPDATE audit SET number = 6 WHERE number = 4", 4),
        ("INSERT INTO audit SELECT 6, at_ms, who, account, address, action, what, sha256 FROM audit LIMIT 1", 6),
    ],
)
def test_what_was_changed_shows(records: Records, tmp_path: Path, deed: str, where: int) -> None:
    fill(records)
    with sqlite3.connect(tmp_path / "records.sqlite") as raw:
        raw.execute(deed)
    with pytest.raises(StoreError, match=f"entry {where} is not as it was written"):
        records.audit.verify()


def test_what_was_cut_off_shows_by_a_seal_that_was_noted(records: Records, tmp_path: Path) -> None:
    fill(records)
    noted = records.audit.last()
    fill(records, 1)
    assert records.audit.verify(noted).number == 6
    with sqlite3.connect(tmp_path / "records.sqlite") as raw:
        raw.execute("DELETE FROM audit WHERE number >= 5")
    assert records.audit.verify().number == 4
    with pytest.raises(StoreError, match="noted"):
        records.audit.verify(noted)
