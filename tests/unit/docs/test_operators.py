"""docs/operators.md and the units in deploy/: what they tell an operator is what the programs have."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from typer.main import get_command

from gateway.cli import app
from gateway.service.backup.bring_back import RUN_AGAIN_MS
from gateway.settings import LEAST_DAYS, Settings, load_settings

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "operators.md").read_text("utf-8")
UNITS = sorted(file.name for file in (ROOT / "deploy").glob("somnolink-*.*") if "gateway" not in file.name)


def table(section: str) -> dict[str, str]:
    """The defaults that a section's table tells, by setting."""
    rows = TEXT.split(f"| setting of `[{section}]` |")[1].split("\n\n")[0].splitlines()[2:]
    told = {}
    for row in rows:
        names, default, *_ = (cell.strip().replace("`", "") for cell in row.strip("|").split("|"))
        defaults = default.split(", ")
        for place, name in enumerate(names.split(", ")):
            told[name] = defaults[place] if len(defaults) > 1 else default
    return told


@pytest.mark.parametrize("section", ["broker", "service", "sign_in", "retention", "log"])
def test_every_setting_is_told_with_its_default(section: str) -> None:
    has = msgspec.structs.asdict(getattr(Settings(), section))
    said = {name: {"empty": "", "false": "False"}.get(value, value) for name, value in table(section).items()}
    assert said == {name: str(value) for name, value in has.items()}


def test_the_example_is_a_file_of_settings(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "service.toml").write_text(example)
    settings = load_settings(tmp_path / "service.toml", {})
    assert settings.service.http_port == 8443
    assert settings.log.format == "json"


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Every `somnolink COMMAND` of a text, with its options."""
    names = r"service|token|enrol|backup|restore|admin [a-z-]+"
    found = re.findall(rf"(?:^|[ /`])somnolink ({names})\b([^`\n]*)", text, re.MULTILINE)
    return [(name, re.findall(r"--[a-z-]+", rest)) for name, rest in found]


@pytest.mark.parametrize("file", ["docs/operators.md", *(f"deploy/{unit}" for unit in UNITS)])
def test_commands_and_their_options_exist(file: str) -> None:
    known = get_command(app).commands  # type: ignore[attr-defined]  # a group
    asked = commands((ROOT / file).read_text("utf-8"))
    assert asked or file.endswith(".timer")
    for name, options in asked:
        group, _, one = name.partition(" ")
        command = known[group].commands[one] if one else known[group]
        has = {option for parameter in command.params for option in parameter.opts}
        assert set(options) <= has, (name, options)


def test_numbers_are_those_of_the_code() -> None:
    said = " ".join(TEXT.split())
    assert f"kept for {LEAST_DAYS} days at least" in said
    assert RUN_AGAIN_MS == 3 * 86_400_000
    assert "three days before the backup" in said


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([\w-]+\.md)\)", TEXT):
        assert (ROOT / "docs" / target).is_file(), target


def test_the_units_hold_what_the_page_says() -> None:
    service = (ROOT / "deploy" / "somnolink-service.service").read_text("utf-8")
    backup = (ROOT / "deploy" / "somnolink-backup.service").read_text("utf-8")
    for unit in (service, backup):
        assert "--config /etc/somnolink/service.toml" in unit
        for wanted in ("User=somnolink-service", "NoNewPrivileges=yes", "ProtectSystem=strict", "UMask=0077"):
            assert wanted in unit.splitlines()
    assert "/var/lib/somnolink-backups --keep 14" in backup
    assert "somnolink backup /var/lib/somnolink-backups --keep 14" in TEXT
    for unit in UNITS:
        assert unit.split(".")[0] in TEXT


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_takes_each_unit(unit: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: sudo apt-get install systemd")
    for file in (ROOT / "deploy").glob("somnolink-*.*"):
        # What it starts is not installed here.
        text = file.read_text("utf-8").replace("/opt/somnolink/bin/somnolink", "/bin/true")
        (tmp_path / file.name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    about = [line for line in done.stderr.splitlines() if unit in line]
    assert about == []
