"""One picture at a time: matplotlib keeps its settings for the whole process, and a service has many threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl

_LOCK = threading.Lock()


@contextmanager
def drawing(*, size_pt: float = 8.0) -> Iterator[None]:
    """Draw within this: small letters that stay letters in an SVG, and the same bytes for the same picture."""
    with (
        _LOCK,
        mpl.rc_context(
            {
                "font.family": ["DejaVu Sans"],
                "font.size": size_pt,
                "svg.fonttype": "none",
                "svg.hashsalt": "somnolink",
            }
        ),
    ):
        yield
