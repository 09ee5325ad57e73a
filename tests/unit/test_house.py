"""The rules of the house, checked by tools: lint, format, types, imports, and what may not stand in any file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("ruff", "check", "--quiet", "."), id="lint"),
        pytest.param(("ruff", "format", "--check", "--quiet", "."), id="format"),
        pytest.param(("mypy",), id="types"),
        pytest.param(("lint-imports", "--no-cache"), id="imports"),
    ],
)
def test_the_tool_finds_nothing(command: tuple[str, ...]) -> None:
    found = run(str(BIN / command[0]), *command[1:])
    assert found.returncode == 0, found.stdout + found.stderr


def test_only_the_demo_imports_simulators() -> None:
    importing = re.compile(r"^\s*(from|import) simulators\b", re.MULTILINE)
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "gateway").rglob("*.py")
        if importing.search(path.read_text("utf-8"))
    }
    assert found == {
        "gateway/demo/history.py",
        "gateway/demo/reconcile.py",
        "gateway/demo/run.py",
        "gateway/demo/seed_nights.py",
        "gateway/demo/show.py",
    }


def test_the_home_side_starts_without_what_it_must_not_carry() -> None:
    program = (
        "import sys, gateway.cli.programs, gateway.home.agent;"
        "print([m for m in ('numba', 'scipy', 'fastapi', 'nicegui', 'sqlalchemy', 'analytics') if m in sys.modules])"
    )
    found = run(sys.executable, "-c", program)
    assert found.stdout.strip() == "[]", found.stdout + found.stderr


def tracked() -> list[Path]:
    listed = run("git", "ls-files")
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines()]


HOSTS = ("py" + "pi.org", "pythonhosted" + ".org", "registry." + "npmjs", "deb." + "debian", "/work" + "/")


def test_no_file_names_a_package_registry_or_somebodys_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in tracked()
        if path.is_file() and path.suffix not in {".png", ".npz"}
        for host in HOSTS
        if host in path.read_text("utf-8", errors="replace")
    ]
    assert not found


def test_a_long_file_says_why() -> None:
    """Over 400 lines needs a reason, which stands in its docstring as 'Long because'."""
    found = [
        f"{path.relative_to(ROOT)}: {len(lines)} lines"
        for path in tracked()
        if path.suffix == ".py" and path.is_file()
        for lines in [path.read_text("utf-8").splitlines()]
        if len(lines) > 400 and not any("Long because" in line for line in lines[:30])
    ]
    assert not found
