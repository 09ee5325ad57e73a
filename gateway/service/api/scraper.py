"""A token for Prometheus that stands in a file from the start, so that no one has to make it by hand."""

from __future__ import annotations

from typing import Final

from gateway.errors import ConfigurationError
from gateway.service.api.auth import token_hash
from gateway.service.records import Records

NAME: Final = "metrics-token-file"
SHORTEST: Final = 32
"""Characters: 128 bits, where they are hex."""


def admit_scraper(records: Records, token: str, *, now_ms: int) -> None:
    """Let whoever has the token read the metrics and nothing else; the one that the file had before ends.

    Raises
    ------
    ConfigurationError
        It is so short that it could be guessed.
    """
    if len(token) < SHORTEST:
        raise ConfigurationError(f"the metrics token has {len(token)} characters: {SHORTEST} random ones are needed")
    if records.tokens.find(token_hash(token)) is None:
        records.tokens.remove(NAME)
        records.tokens.add(NAME, token_hash(token), ["metrics"], created_ms=now_ms, expires_ms=None)
