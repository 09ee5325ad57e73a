"""The page: one HTML file with its own style and scripts, which asks the API for everything it shows.

It holds no data, so it is open to anyone; what it asks the API for takes a token.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

PAGES: Final = frozenset({"/"})
"""Paths of pages."""

STATIC_FOLDER: Final = "/static/"
"""Where their style and scripts are."""

_FILES: Final = Path(__file__).parent / "static"


def mount(app: FastAPI) -> None:
    """Put the page and its files on `app`."""

    @app.get("/", include_in_schema=False)
    def get_page() -> FileResponse:
        """The page."""
        return FileResponse(_FILES / "index.html", media_type="text/html; charset=utf-8")

    app.mount(STATIC_FOLDER.rstrip("/"), StaticFiles(directory=_FILES), name="static")
