"""The one logger set-up: lines on stderr, ours from INFO on, libraries' from WARNING on, and nobody's name in any.

What our own code says names devices, gateways and opaque ids. What an exception of somebody else's says is left out: a
database driver puts the values of a row there, and a row may be a patient's. Its type, and where it was raised, stay.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Final, Literal

from gateway.errors import SomnolinkError

Format = Literal["text", "json"]
OURS: Final = ("gateway", "analytics", "simulators")
MAX_FRAMES: Final = 12
"""Of each exception the innermost calls; the outer ones are those of the server and of threads."""


def set_up_logs(*, quiet: bool = False, form: Format = "text") -> None:
    """Log to stderr; `quiet` keeps warnings and errors alone. May be called again, once the settings are known."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FORMATTERS[form]())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.WARNING if quiet else logging.INFO)


class JsonLines(logging.Formatter):
    """One object a line: time (ISO 8601, UTC), level, logger, message, and `error` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if told := _error(record):
            line["error"] = told
        return json.dumps(line, ensure_ascii=False)


class TextLines(logging.Formatter):
    """Time, level and message; an error's exceptions and calls indented below. No message makes lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, or lines."""
        message = "".join(char if char.isprintable() else repr(char)[1:-1] for char in record.getMessage())
        return "\n    ".join([f"{self.formatTime(record)} {record.levelname} {message}", *_error(record)])


FORMATTERS: Final[dict[Format, type[logging.Formatter]]] = {"text": TextLines, "json": JsonLines}


def _error(record: logging.LogRecord) -> list[str]:
    """The exceptions of a record, the last first, each with its innermost calls."""
    told: list[str] = []
    error = record.exc_info[1] if record.exc_info else None
    while error is not None and len(told) < 5 * MAX_FRAMES:
        told.append(_said(error))
        frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
        told += [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in reversed(frames)]
        error = error.__cause__ if error.__suppress_context__ else error.__context__
    return told


def _said(error: BaseException) -> str:
    name = type(error).__name__
    if isinstance(error, SomnolinkError):
        return f"{name}: {error}"
    return f"{name}: {error.strerror}" if isinstance(error, OSError) and error.strerror else name
