"""Files of vendors into the store: a look first, then kept as a session of a patient's device.

The body is the file itself. It is sent for the look and again for the commit, so that nothing lies on the server in
between; the digest of the look, given at the commit, makes sure that it is the same file.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from gateway.errors import ConfigurationError, InputFileError, StoreRejectedError
from gateway.service.api.context import DEVICE_PATTERN, PATIENT_PATTERN, Context
from gateway.service.api.models_imports import ImportOut, ImportPreviewOut
from gateway.service.exchange.imports.commit import commit, digest
from gateway.service.exchange.imports.opened import open_file
from gateway.service.exchange.imports.preview import preview
from gateway.service.nights import zone_info

MAX_UPLOAD_BYTES: Final = 256 * 2**20
"""A night's polysomnography with oximetry at a few Hz; larger ones are for `somnolink analyze` beside the service."""

_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
T = TypeVar("T")

FileName = Annotated[
    str,
    # Its end may tell dates to the reader; 60 letters stay below what file systems take, whatever their bytes.
    Query(pattern=r"^[^/\\\x00-\x1f\x7f]{1,60}$", description="The file's own name: some formats hold the date there"),
]
Zone = Annotated[
    str | None, Query(max_length=64, description="Where the device's clock stood, for files with local times")
]


def router(context: Context) -> APIRouter:
    """Routes ``/imports/preview`` and ``/imports``."""
    routes = APIRouter(prefix="/imports", tags=["imports"])

    @routes.post("/preview", openapi_extra=_BODY)
    async def preview_import(request: Request, name: FileName, zone: Zone = None) -> ImportPreviewOut:
        """Say what a file is: kind, time, indices, a plot. Nothing is kept."""

        def look(path: Path) -> ImportPreviewOut:
            return ImportPreviewOut.of(preview(open_file(path, _zone(zone))), digest(path))

        async with _received(request, name) as path:
            return await run_in_threadpool(_refusing, look, path)

    @routes.post("", status_code=201, openapi_extra=_BODY)
    async def import_file(
        request: Request,
        name: FileName,
        patient: Annotated[str, Query(pattern=PATIENT_PATTERN)],
        device: Annotated[
            str | None, Query(pattern=DEVICE_PATTERN, description="The patient's; one for files if left out")
        ] = None,
        zone: Annotated[str | None, Query(max_length=64, description="As in the preview; else the patient's")] = None,
        start: Annotated[datetime | None, Query(description="First sample, for files that hold no start")] = None,
        sha256: Annotated[str | None, Query(pattern=r"^[0-9a-f]{64}$", description="As the preview said")] = None,
    ) -> ImportOut:
        """Keep a file as a stored session of a patient's device; the same file again changes nothing."""
        known = await run_in_threadpool(context.patient, patient)

        def keep(path: Path) -> ImportOut:
            found = digest(path)
            if sha256 is not None and sha256 != found:
                raise InputFileError(f"{path.name}: this is another file than the one of the preview")
            where = _zone(zone) or zone_info(known.zone)
            begin = start.replace(tzinfo=where) if start is not None and start.tzinfo is None else start
            kept = commit(
                context.records,
                context.store,
                open_file(path, where),
                found,
                known,
                device,
                now_ms=context.clock.utc_ms(),
                start=begin,
                analyse=context.analyse,
            )
            return ImportOut.of(kept)

        async with _received(request, name) as path:
            return await run_in_threadpool(_refusing, keep, path)

    return routes


def _refusing(work: Callable[[Path], T], path: Path) -> T:
    """What cannot be read or kept is a 422 problem of one line, which names no folder."""
    try:
        return work(path)
    except (InputFileError, ConfigurationError, StoreRejectedError) as error:
        raise HTTPException(422, str(error)) from None


def _zone(name: str | None) -> ZoneInfo | None:
    return None if name is None else zone_info(name)


@asynccontextmanager
async def _received(request: Request, name: str) -> AsyncIterator[Path]:
    """The body as a file of that name, gone afterwards; a 413 problem if it is too large."""
    if name in (".", ".."):
        raise HTTPException(422, "a file has a name")
    with tempfile.TemporaryDirectory(prefix="somnolink-import-") as folder:
        path = Path(folder) / name
        try:
            with path.open("wb") as handle:
                size = 0
                async for part in request.stream():
                    size += len(part)
                    if size > MAX_UPLOAD_BYTES:
                        raise HTTPException(413, f"a file has at most {MAX_UPLOAD_BYTES >> 20} MiB")
                    handle.write(part)
        except ClientDisconnect:
            raise HTTPException(400, "the file did not arrive whole") from None
        yield path
