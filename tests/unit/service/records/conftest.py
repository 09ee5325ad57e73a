from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.service.records import Records


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records(tmp_path / "records.sqlite")
    yield opened
    opened.close()
