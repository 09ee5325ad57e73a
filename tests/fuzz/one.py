"""One parser under atheris: ``python -m tests.fuzz.one PARSER CORPUS [libFuzzer options]``."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["gateway"]):
    from tests.fuzz.parsers import parser
    from tests.fuzz.targets import harmless

target = parser(sys.argv.pop(1))


def check(data: bytes) -> None:
    harmless(target, data)


atheris.Setup(sys.argv, check)
atheris.Fuzz()
