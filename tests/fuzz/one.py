"""One target under atheris: ``python -m tests.fuzz.one TARGET CORPUS [libFuzzer options]``."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["gateway"]):
    from tests.fuzz.targets import TARGETS, harmless

target = TARGETS[sys.argv.pop(1)]


def check(data: bytes) -> None:
    harmless(target, data)


atheris.Setup(sys.argv, check)
atheris.Fuzz()
