"""Files that pages take as they are; they hold no data, so they are open to anyone."""

from __future__ import annotations

from pathlib import Path
from typing import Final

STATIC_FOLDER: Final = "/static/"
"""Where their style and scripts are."""

FILES: Final = Path(__file__).parent / "static"
ICON: Final = FILES / "icon.svg"
SIGN_IN: Final = FILES / "sign-in.html"
