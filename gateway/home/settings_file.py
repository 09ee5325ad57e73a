"""Values put into a TOML file that a person wrote: their comments and all other lines stay as they are. Pure."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Final

from gateway.errors import ConfigurationError

_SECTION: Final = re.compile(r"^\s*\[\s*([A-Za-z0-9_-]+)\s*\]\s*(#.*)?$")


def set_values(text: str, wanted: Mapping[str, Mapping[str, str]]) -> str:
    """Return a TOML file with some keys of some sections set to texts.

    Parameters
    ----------
    wanted : mapping
        Section to key to value.

    Raises
    ------
    ConfigurationError
        The file is none, or writes these keys in a way that is not changed here (dotted, or over several lines).
    """
    before = _read(text, "is no TOML")
    lines = text.removesuffix("\n").split("\n") if text else []
    for section, values in wanted.items():
        lines = _set_section(lines, section, dict(values))
    made = "\n".join(lines) + "\n"
    found = _read(made, "writes its values in a way that is not changed automatically")
    if found != {**before, **{section: _merged(before.get(section), values) for section, values in wanted.items()}}:
        raise ConfigurationError("the settings file writes its values in a way that is not changed automatically")
    return made


def _merged(before: object, values: Mapping[str, str]) -> dict[str, object]:
    return {**(before if isinstance(before, dict) else {}), **values}


def _set_section(lines: list[str], section: str, values: dict[str, str]) -> list[str]:
    made: list[str] = []
    inside = False
    end: int | None = None
    for line in lines:
        header = _SECTION.match(line)
        kept = line
        if header is not None or line.lstrip().startswith("["):
            inside = header is not None and header[1] == section
        elif inside and "=" in line:
            key = line.partition("=")[0].strip().strip("\"'")
            if key in values:
                kept = _assignment(key, values.pop(key))
        made.append(kept)
        if inside and line.strip():
            end = len(made)
    rest = [_assignment(key, value) for key, value in values.items()]
    if end is not None:
        made[end:end] = rest
    elif rest:
        made += [*([""] if made and made[-1].strip() else []), f"[{section}]", *rest]
    return made


def _assignment(key: str, value: str) -> str:
    # A JSON string is a TOML basic string, but for the character DEL.
    return f"{key} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007f")


def _read(text: str, otherwise: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"the settings file {otherwise}: {error}") from None
