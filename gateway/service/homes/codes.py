"""One-time codes: made, read as people type them, known by their hash, shown as a QR."""

from __future__ import annotations

import hashlib
import io
import secrets
from typing import Final

import segno

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that looks like a digit."""

LENGTH: Final = 12
"""60 bits. A million tries a second through a whole day find one of a thousand open codes with a chance of 1 : 13,000;
one address is let try some ten times."""

_LIKE: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})


def make_code() -> str:
    """A new code, in three groups of four: ``7GQ2-M0XB-VT4K``."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(letters[first : first + 4] for first in range(0, LENGTH, 4))


def code_hash(typed: str) -> str:
    """SHA-256 (hex) of a code as somebody typed it, whatever its case, spaces, hyphens, O for 0, and I or L for 1."""
    plain = "".join(letter for letter in typed.upper() if letter not in " -\t\r\n").translate(_LIKE)
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def qr_svg(text: str) -> str:
    """A QR code as an SVG element, black on white in any theme, with the quiet zone that readers need."""
    out = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    code.save(out, kind="svg", scale=5, border=4, light="#fff", dark="#000", xmldecl=False, svgns=True, nl=False)
    return out.getvalue().decode()
