"""Enrolment secrets: entered once, read by the gateway alone, never shown."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.errors import ConfigurationError
from gateway.home.collect.enrolment import SECRETS, EnrolmentSecrets, parse_secret

ADDRESS = "C4:12:34:56:78:9A"
SECRET = bytes(range(16))


def test_a_secret_is_found_by_its_address_and_replaced_by_a_later_one(tmp_path: Path) -> None:
    secrets = EnrolmentSecrets(tmp_path / "secrets")
    assert secrets.of(ADDRESS) is None
    secrets.keep(ADDRESS, SECRET)
    assert secrets.of(ADDRESS.lower()) == SECRET
    assert secrets.of("C4:12:34:56:78:9B") is None
    secrets.keep(ADDRESS, SECRET[::-1])
    assert secrets.of(ADDRESS) == SECRET[::-1]


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    EnrolmentSecrets(tmp_path / "secrets").keep(ADDRESS, SECRET)
    (file,) = (tmp_path / "secrets").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "address", ["", "../../etc/passwd", "C4:12:34:56:78", "C4-12-34-56-78-9A", "C4:12:34:56:78:9A/x"]
)
def test_what_is_no_address_names_no_file(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigurationError, match="no Bluetooth address"):
        EnrolmentSecrets(tmp_path).keep(address, SECRET)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", [SECRET.hex(), SECRET.hex(" ", 2).upper(), SECRET.hex(":") + "\n"])
def test_a_label_may_be_typed_with_blanks_and_colons(text: str) -> None:
    assert parse_secret(text) == SECRET


@pytest.mark.parametrize("text", ["", "00", SECRET.hex()[:-1], SECRET.hex() + "0", "g" + SECRET.hex()[1:]])
def test_what_is_no_secret_is_said_without_showing_it(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_secret(text)
    assert len(text) < 3 or text not in str(caught.value)


def test_a_spoilt_file_is_one_clear_line(tmp_path: Path) -> None:
    secrets = EnrolmentSecrets(tmp_path)
    secrets.keep(ADDRESS, SECRET)
    next(tmp_path.iterdir()).write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        secrets.of(ADDRESS)


class TestCommand:
    @pytest.fixture(autouse=True)
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SOMNOLINK_HOME_DATA", str(tmp_path / "home"))

    def test_it_keeps_the_secret_of_a_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "label").write_text(SECRET.hex())
        with pytest.raises(SystemExit) as ended:
            main(["adopt", ADDRESS, "--secret-file", str(tmp_path / "label")])
        assert ended.value.code == 0
        assert EnrolmentSecrets(tmp_path / "home" / SECRETS).of(ADDRESS) == SECRET
        said = capsys.readouterr()
        assert SECRET.hex() not in said.out + said.err

    @pytest.mark.parametrize(("address", "label"), [("nowhere", SECRET.hex()), (ADDRESS, "short")])
    def test_a_mistake_is_one_line_and_status_2(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str, label: str
    ) -> None:
        (tmp_path / "label").write_text(label)
        with pytest.raises(SystemExit) as ended:
            main(["adopt", address, "--secret-file", str(tmp_path / "label")])
        assert ended.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1
        assert not (tmp_path / "home").exists()


def test_enrolling_anew_makes_the_old_bond_useless_until_it_is_forgotten(tmp_path: Path) -> None:
    secrets = EnrolmentSecrets(tmp_path)
    secrets.keep(ADDRESS, SECRET)
    assert not secrets.has_old_bond(ADDRESS)
    secrets.keep(ADDRESS, SECRET)
    assert secrets.has_old_bond(ADDRESS)
    secrets.forgot_bond(ADDRESS)
    secrets.forgot_bond(ADDRESS)
    assert not secrets.has_old_bond(ADDRESS)
    assert secrets.of(ADDRESS) == SECRET
