"""`somnolink decode`: one frame or notification, as values."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def decode(
    family: Annotated[str, typer.Argument(help="Which protocol: plx, viatom, oxyii, nonin, racp, sfloat, vld, ...")],
    hex_bytes: Annotated[str, typer.Argument(metavar="HEX", help="The bytes; blanks and colons may stand between.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what the bytes of a device mean; a value that is not there is null."""
    from gateway.cli.frames import decode as decode_frame
    from gateway.cli.frames import parse_hex

    values = decode_frame(family, parse_hex(hex_bytes))
    if as_json:
        print(json.dumps(values, allow_nan=False))
        return
    width = max((len(name) for name in values), default=0)
    for name, value in values.items():
        print(f"{name:<{width}}  {json.dumps(value)}")
