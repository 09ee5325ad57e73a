"""The one logger set-up: lines on stderr, ours from INFO on, libraries' from WARNING on."""

from __future__ import annotations

import logging
import sys


def set_up_logs(*, quiet: bool = False) -> None:
    """Log to stderr; `quiet` keeps warnings and errors alone."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    for name in ("gateway", "analytics", "simulators"):
        logging.getLogger(name).setLevel(logging.WARNING if quiet else logging.INFO)
