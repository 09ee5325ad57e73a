from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.homes.clinic import Clinic, clinic


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with clinic(tmp_path_factory.mktemp("clinic")) as made:
        yield made


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A box with the settings that a person wrote."""
    settings = tmp_path / "etc" / "home.toml"
    settings.parent.mkdir()
    settings.write_text(f'# the bedroom\n[home]\ndata = "{tmp_path / "box"}"\nzone = "Europe/Berlin"\n')
    monkeypatch.setenv("SOMNOLINK_CONFIG", str(settings))
    return settings
