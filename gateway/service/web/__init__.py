"""The pages that people use, made with NiceGUI on the API's application.

A page is a function in a module of `gateway.service.web.pages`::

    @page("/patients/{patient}", Action.READ_PATIENT, Target.PATIENT)
    async def build(at: PageContext, patient: str) -> None:
        found = await at.read(lambda: patient_view(at.context, at.who, patient))
        with frame(at, "Patient"):
            ...

Who may see it is asked of the gate before it is built. Whatever an event then reads or changes goes through `at.do` (or
`at.enter`), which asks again, of the session too. NiceGUI is imported where pages are served, and not before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

from gateway.service.web.context import PageContext, Site
from gateway.service.web.registry import page
from gateway.service.web.static_files import FILES, STATIC_FOLDER

__all__ = ["PLAIN_PAGES", "STATIC_FOLDER", "PageContext", "Site", "lifespan", "mount", "page"]

PLAIN_PAGES: Final = frozenset({"/"})
"""Paths of pages that hold no data and are open to anyone."""


def mount(app: FastAPI) -> None:
    """Put the plain page and the files of all pages on `app`."""

    @app.get("/", include_in_schema=False)
    def get_page() -> FileResponse:
        """The page."""
        return FileResponse(FILES / "index.html", media_type="text/html; charset=utf-8")

    app.mount(STATIC_FOLDER.rstrip("/"), StaticFiles(directory=FILES), name="static")


def lifespan(site: Site) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """For the application that serves a site's pages: starts what they need, and ends the open ones with it."""

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        from gateway.service.web.runtime import end_pages, start

        await start()
        yield
        end_pages(site)

    return running
