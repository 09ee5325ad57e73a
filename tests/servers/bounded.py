"""A bound on a child process that a test reads from: a pipe's end comes at the latest when the process is killed."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def killed_after(process: subprocess.Popen[Any], seconds: float = 120.0) -> Iterator[None]:
    """Kill the process if the block lasts longer, which then fails: whoever reads from it meets the end."""
    late = threading.Event()

    def kill() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        assert not late.is_set(), f"a child process said nothing of what was waited for within {seconds:.0f} s"
