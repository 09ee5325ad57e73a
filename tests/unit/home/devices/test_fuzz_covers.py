"""Every decoder of bytes from devices is fuzzed: the targets, run over their seeds, reach each one."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil
import sys
from types import CodeType, FrameType

import gateway.home.devices as families
from gateway.errors import ProtocolError
from tests.fuzz.parsers import MEMBERS, parser, seeds_of
from tests.fuzz.targets import TARGETS, harmless, seeds


def decoders() -> dict[CodeType, str]:
    """Functions that turn bytes into values, by their code."""
    found: dict[CodeType, str] = {}
    for module in pkgutil.walk_packages(families.__path__, families.__name__ + "."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if inspect.isfunction(value) and value.__module__ == module.name and name.startswith(("decode_", "parse_")):
                found[value.__code__] = f"{module.name}.{name}"
    return found


def test_every_decoder_of_a_family_is_reached_by_a_target() -> None:
    wanted = decoders()
    assert len(wanted) > 30
    called: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            called.add(frame.f_code)

    inputs = seeds()
    sys.setprofile(note)
    try:
        for target in TARGETS.values():
            for data in inputs:
                with contextlib.suppress(ProtocolError):
                    target(data)
    finally:
        sys.setprofile(None)
    assert sorted(name for code, name in wanted.items() if code not in called) == []


def test_every_target_belongs_to_one_parser_and_is_chosen_by_the_first_byte() -> None:
    assert sorted(name for members in MEMBERS.values() for name in members) == sorted(TARGETS)
    for name, members in MEMBERS.items():
        target = parser(name)
        inputs = seeds_of(name)
        assert {data[0] for data in inputs} == set(range(len(members)))
        harmless(target, b"")
        harmless(target, inputs[-1])
