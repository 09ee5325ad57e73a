"""The targets by the parser that they reach: what is fuzzed together, with the first byte of an input as the choice.

A family's protocol is one parser: its frames bare, behind a right checksum and in a stream, and its answers are entries
to the same code. One corpus for all of them lets what was found through one entry lead further through another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.fuzz.targets import TARGETS, Target, seeds

_PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "viatom": ("decode-viatom", "framed-viatom", "stream-viatom", "viatom-info", "viatom-real-time", "viatom-pull"),
    "oxyii": ("decode-oxyii", "framed-oxyii", "stream-oxyii", "oxyii-"),
    "own-control": ("edge-",),
    "own-records": ("decode-mad-recorder", "decode-bed-sensor", "edge-wear", "edge-wave"),
    "nonin": ("decode-nonin", "nonin-"),
    "plx": ("decode-plx", "plx-"),
    "racp": ("decode-racp",),
    "sig": ("decode-sfloat", "sig-"),
    "contec": ("decode-contec", "stream-contec", "contec-"),
    "pc60fw": ("decode-pc60fw", "framed-pc60fw", "stream-pc60fw"),
    "berrymed": ("decode-berrymed", "stream-berrymed"),
    "blood-pressure": ("decode-blood-pressure",),
    "jumper": ("decode-jumper",),
    "vld-file": ("decode-vld", "viatom-file"),
    "oxyii-file": ("oxyii-file",),
    "wire": ("wire-",),
    "advertisement": ("advertisement",),
}
"""Beginnings of the names of each parser's targets; the longest beginning that fits a target decides."""


def _parser_of(target: str) -> str:
    fitting = [(len(start), name) for name, starts in _PREFIXES.items() for start in starts if target.startswith(start)]
    return max(fitting, default=(0, target))[1]


MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    parser: tuple(name for name in TARGETS if _parser_of(name) == parser)
    for parser in dict.fromkeys([*_PREFIXES, *map(_parser_of, TARGETS)])
}
"""Names of the targets by parser; a target that fits none is a parser of its own."""


def parser(name: str) -> Target:
    """The parser's targets as one: an input's first byte chooses, the rest is what it is given."""
    members = [TARGETS[member] for member in MEMBERS[name]]

    def target(data: bytes) -> object:
        return members[data[0] % len(members)](data[1:]) if data else None

    return target


def seeds_of(name: str) -> list[bytes]:
    """Every seed for every target of the parser."""
    inputs = seeds()
    return [bytes((choice,)) + data for choice in range(len(MEMBERS[name])) for data in inputs]
